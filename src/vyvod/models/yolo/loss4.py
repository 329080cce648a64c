"""The loss of YOLO v4 (Bochkovskiy, Wang and Liao 2020, https://arxiv.org/abs/2004.10934).

Objectness and classes as darknet computes them. Boxes differ: darknet's hand-written gradient of the complete IoU leaves out the
derivative of the decoding, which makes it several times larger than the true one; its gain of 0.07 belongs to that. Here
the gradient is the true one, and the gain puts the box of an object against the objectness of a cell about as YOLO v5 does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vyvod.models.yolo.assignment import Objects, best_anchors, best_overlap, in_own_cell
from vyvod.models.yolo.boxes import complete_iou
from vyvod.models.yolo.decoding import Level
from vyvod.models.yolo.terms import Gains, Terms, cross_entropy, objectness_sum, total

SURE = 0.25
"""Class probability from which a box that covers an object counts as seeing it."""


@dataclass(frozen=True, slots=True)
class Yolo4Loss:
    """Boxes by complete IoU, objectness and classes by cross-entropy."""

    gains: Gains
    ignore: float = 0.7
    """Cells whose predicted box covers an object with a higher IoU, and which are sure of a class, are not taught that there is
    nothing."""
    also: float | None = 0.213
    """Anchors whose shape has a higher IoU with the object's answer too, besides the best; None: the best only (tiny)."""

    def __call__(self, levels: Sequence[Level], objects: Objects) -> dict[str, Tensor]:
        """``box``, ``objectness`` and ``class``: scalars, float32, sums over the cells and means over the images."""
        with torch.autocast(levels[0].raw.device.type, enabled=False):
            chosen = best_anchors(levels, objects, above=self.also)
            terms = [self._of_level(level, objects, mine) for level, mine in zip(levels, chosen, strict=True)]
            return self.gains.weigh_sums(terms, images=len(levels[0].raw))

    def _of_level(self, level: Level, objects: Objects, chosen: Tensor) -> Terms:
        pairs = in_own_cell(level, objects, chosen)
        raw, last = pairs.raw(level), pairs.last()
        predicted = level.boxes(raw, pairs.cells, level.anchors[pairs.anchor])
        # Objects that share a slot share its box, too.
        boxes = (1 - complete_iou(predicted, objects.boxes[pairs.object])) / pairs.sharers()
        positive = pairs.spread(torch.ones_like(boxes), last)
        classes = cross_entropy(raw[:, 5:], pairs.classes(objects, raw.shape[1] - 5)).sum(dim=1)
        return (
            total(boxes, pairs.holds),
            objectness_sum(level, positive, self._ignored(level, objects)),
            total(classes, last),
        )

    def _ignored(self, level: Level, objects: Objects) -> Tensor:
        sure = level.raw[..., 5:].detach().float().amax(dim=-1).sigmoid() > SURE
        return sure & (best_overlap(level, objects) > self.ignore)
