"""The loss of YOLO v3 (Redmon and Farhadi 2018, https://arxiv.org/abs/1804.02767), as darknet computes it.

The paper speaks of squared errors of the centre and of a threshold of 0.5 for what is ignored; darknet's gradient is that of a
binary cross-entropy, and its files say 0.7. A learning rate of darknet means the same here: sums over cells, means over images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vyvod.models.yolo.assignment import Assignment, Objects, best_anchors, best_overlap, in_own_cell
from vyvod.models.yolo.decoding import Level
from vyvod.models.yolo.terms import Gains, Terms, cross_entropy, objectness_sum, total


@dataclass(frozen=True, slots=True)
class Yolo3Loss:
    """Centres by cross-entropy, sizes by squared error of the logarithms, objectness and classes by cross-entropy."""

    gains: Gains
    ignore: float = 0.7
    """Cells whose predicted box covers an object with a higher IoU are not taught that there is nothing."""

    def __call__(self, levels: Sequence[Level], objects: Objects) -> dict[str, Tensor]:
        """``box``, ``objectness`` and ``class``: scalars, float32, sums over the cells and means over the images."""
        with torch.autocast(levels[0].raw.device.type, enabled=False):
            chosen = best_anchors(levels, objects)
            terms = [self._of_level(level, objects, mine) for level, mine in zip(levels, chosen, strict=True)]
            return self.gains.weigh_sums(terms, images=len(levels[0].raw))

    def _of_level(self, level: Level, objects: Objects, chosen: Tensor) -> Terms:
        pairs = in_own_cell(level, objects, chosen)
        raw, last = pairs.raw(level), pairs.last()
        positive = pairs.spread(torch.ones_like(raw[:, 0]), last)
        objectness = objectness_sum(level, positive, best_overlap(level, objects) > self.ignore)
        classes = cross_entropy(raw[:, 5:], pairs.classes(objects, raw.shape[1] - 5)).sum(dim=1)
        return total(_box_losses(level, objects, pairs, raw), last), objectness, total(classes, last)


def _box_losses(level: Level, objects: Objects, pairs: Assignment, raw: Tensor) -> Tensor:
    """``(E,)``; small boxes count up to twice as much as one that fills the image."""
    _, _, height, width = level.shape
    boxes = objects.boxes[pairs.object]
    weight = 2 - boxes[:, 2:].prod(dim=1) / (height * width * level.stride**2)
    centres = cross_entropy(raw[:, :2], boxes[:, :2] / level.stride - pairs.cells)
    sizes = (raw[:, 2:4] - (boxes[:, 2:] / level.anchors[pairs.anchor]).log()).square() / 2
    return weight * (centres + sizes).sum(dim=1)
