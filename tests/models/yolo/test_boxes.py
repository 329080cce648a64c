import math

import pytest
import torch
from torchvision.ops import box_iou, complete_box_iou

from vyvod.models.yolo.boxes import complete_iou, iou, shape_iou, to_centres, to_corners


def random_boxes(number: int, seed: int) -> torch.Tensor:
    draws = torch.rand(number, 4, generator=torch.Generator().manual_seed(seed))
    return torch.cat([draws[:, :2] * 50, draws[:, 2:] * 40 + 1], dim=1)


def test_corners_and_centres() -> None:
    corners = to_corners(torch.tensor([[10.0, 20, 4, 6]]))
    assert corners.tolist() == [[8, 17, 12, 23]]
    assert to_centres(corners).tolist() == [[10, 20, 4, 6]]


def test_iou_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 1, 1]])
    others = torch.tensor([[1.0, 1, 3, 3], [2, 0, 4, 2], [0, 0, 2, 2], [1, 1, 1, 1]])
    # One of seven pixels; touching; equal; without area.
    assert iou(boxes, others).tolist() == pytest.approx([1 / 7, 0, 1, 0], abs=1e-6)


def test_iou_equals_torchvisions() -> None:
    boxes, others = to_corners(random_boxes(200, 0)), to_corners(random_boxes(300, 1))
    assert torch.allclose(iou(boxes[:, None], others[None]), box_iou(boxes, others), atol=1e-6)


def test_shape_iou_by_hand() -> None:
    overlaps = shape_iou(torch.tensor([[10.0, 10], [20, 5]]), torch.tensor([[10.0, 10], [5, 10]]))
    # 10 x 10 and 20 x 5 share 10 x 5; 20 x 5 and 5 x 10 share 5 x 5.
    assert overlaps.flatten().tolist() == pytest.approx([1, 0.5, 50 / 150, 25 / 125], abs=1e-6)


def test_complete_iou_by_hand() -> None:
    # Equal shapes: 2 x 2, one beside the other at a distance of 3. Hull 5 x 2.
    value = complete_iou(torch.tensor([[1.0, 1, 2, 2]]), torch.tensor([[4.0, 1, 2, 2]]))
    assert value.item() == pytest.approx(0 - 9 / 29, abs=1e-6)
    # Equal centres, 2 x 1 and 1 x 2: IoU 1/3, no distance, and the angles of atan(1/2) and atan(2).
    value = complete_iou(torch.tensor([[0.0, 0, 2, 1]]), torch.tensor([[0.0, 0, 1, 2]]))
    skew = 4 / math.pi**2 * (math.atan(0.5) - math.atan(2)) ** 2
    assert value.item() == pytest.approx(1 / 3 - skew**2 / (1 - 1 / 3 + skew), abs=1e-6)


def test_complete_iou_equals_torchvisions() -> None:
    boxes, others = random_boxes(500, 2), random_boxes(500, 3)
    theirs = complete_box_iou(to_corners(boxes), to_corners(others)).diagonal()
    assert torch.allclose(complete_iou(boxes, others), theirs, atol=1e-5)
    assert complete_iou(boxes, boxes).tolist() == pytest.approx([1.0] * 500, abs=1e-5)


@pytest.mark.parametrize("box", [[5.0, 5, 0, 0], [5.0, 5, 0, 3], [1e4, 1e4, 1e-6, 1e-6], [5.0, 5, 1e6, 1e-6]])
def test_complete_iou_has_a_finite_gradient_for_odd_boxes(box: list[float]) -> None:
    predicted = torch.tensor([box], requires_grad=True)
    value = complete_iou(predicted, torch.tensor([[5.0, 5, 2, 2]]))
    value.sum().backward()
    assert value.isfinite().all()
    assert predicted.grad is not None
    assert predicted.grad.isfinite().all()
