"""What the golden values of YOLO v3 and v4 are for: one map of 4 x 4 cells, four objects, two of which share a slot."""

import torch
from tests.models.detection.golden import GOLDEN, numbers, tensor
from torch import Tensor

from vyvod.models.yolo.assignment import Objects
from vyvod.models.yolo.decoding import Coding, Level

V3 = GOLDEN["yolov3_loss_pjreddie"]
V4 = GOLDEN["yolov4_assign_alexeyab"]


def golden_raw() -> Tensor:
    """``(1, 3, 4, 4, 7)``; stored as anchor, channel, row, column."""
    stored = tensor((numbers("yl", 3 * 7 * 4 * 4) - 0.5) * 3, 1, 3, 7, 4, 4)
    return stored.permute(0, 1, 3, 4, 2).clone().requires_grad_()


def golden_levels(raw: Tensor, spread: float = 1.0) -> list[Level]:
    """The level of the golden values has anchors 3, 4 and 5; the other one is empty."""
    anchors = torch.tensor(V3["anchors"], dtype=torch.float32).view(2, 3, 2)
    other = torch.zeros(len(raw), 3, 8, 8, 7)
    return [Level(raw, anchors[1], 16, Coding(spread)), Level(other, anchors[0], 8, Coding(spread))]


def golden_objects() -> Objects:
    rows = torch.tensor(V3["truths_xywhc"])
    return Objects(torch.zeros(4, dtype=torch.long), rows[:, 4].long(), rows[:, :4] * V3["net"], (4,))


def nothing(images: int = 1) -> Objects:
    return Objects(torch.zeros(0).long(), torch.zeros(0).long(), torch.zeros(0, 4), (0,) * images)


def gradient(value: Tensor, raw: Tensor) -> Tensor:
    return torch.autograd.grad(value, raw, retain_graph=True)[0]
