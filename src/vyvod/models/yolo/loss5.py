"""The loss of YOLO v5, as facts about it were collected: nobody has published it in a paper.

The published training multiplies the sum by the number of images of a batch and adds up the gradients of 64 images: its
learning rate of 0.01 for SGD is 0.64 here, where the loss is a mean over images whatever the size of the batch. AdamW does not
notice the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vyvod.models.yolo.assignment import Assignment, Objects, by_ratio
from vyvod.models.yolo.boxes import complete_iou
from vyvod.models.yolo.decoding import Level
from vyvod.models.yolo.terms import Gains, Terms, cross_entropy, mean, one_hot

BALANCE = (4.0, 1.0, 0.4)
"""Weights of the objectness of strides 8, 16 and 32: finer maps have more cells, whose mean is smaller."""
LARGEST_RATIO = 4.0
SIDE = 640
"""The gain of the objectness is for images of that side and grows with their area, as the number of cells does."""
CLASSES = 80
"""The gain of the classes is for so many and grows with their number, since the mean over them shrinks."""


@dataclass(frozen=True, slots=True)
class Yolo5Loss:
    """Boxes by complete IoU, objectness whose target is that IoU, and classes; each a mean over the batch, times its gain."""

    gains: Gains

    def __call__(self, levels: Sequence[Level], objects: Objects) -> dict[str, Tensor]:
        """``box``, ``objectness`` and ``class``: scalars, float32."""
        with torch.autocast(levels[0].raw.device.type, enabled=False):
            terms = [_of_level(level, objects, balance) for level, balance in zip(levels, BALANCE, strict=True)]
            return self._scaled(levels[0]).weigh(terms)

    def _scaled(self, level: Level) -> Gains:
        _, _, height, width = level.shape
        area = height * width * level.stride**2
        return self.gains.scaled(box=1, objectness=area / SIDE**2, classes=(level.raw.shape[-1] - 5) / CLASSES)


def _of_level(level: Level, objects: Objects, balance: float) -> Terms:
    pairs = by_ratio(level, objects, largest=LARGEST_RATIO)
    raw = pairs.raw(level)
    boxes = level.boxes(raw, pairs.cells, level.anchors[pairs.anchor])
    overlap = complete_iou(boxes, objects.boxes[pairs.object])
    target = pairs.spread(overlap.detach().clamp(min=0), pairs.last())
    objectness = cross_entropy(level.objectness, target).sum() / max(target.numel(), 1) * balance
    return mean(1 - overlap, pairs.holds), objectness, _class_loss(raw[:, 5:], pairs, objects)


def _class_loss(logits: Tensor, pairs: Assignment, objects: Objects) -> Tensor:
    classes = logits.shape[1]
    if classes == 1:
        return logits.sum() * 0  # nothing to tell apart: the objectness says it all
    targets = one_hot(objects.label[pairs.object], classes)
    return mean(cross_entropy(logits, targets).mean(dim=1), pairs.holds)
