"""Which cells and anchors answer for which object.

An assignment is a table of E pairs (object, slot) with a flag whether the pair holds; a slot is an image, an anchor and a cell of
one level. Tables have the same length whatever the flags are, so nothing waits for a GPU to tell how many hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vyvod.models.yolo.boxes import iou, shape_iou, to_centres, to_corners
from vyvod.models.yolo.decoding import Level
from vyvod.models.yolo.padding import Frame

SMALLEST = 1e-3
"""Pixels: an object without width or height would have an infinite logarithm."""
OBJECTS_AT_ONCE = 16
"""Objects of an image that are compared with all predictions together; more of them take more memory, not less time."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The T objects of a batch."""

    image: Tensor
    """``(T,)`` int64, place in the batch, ascending."""
    label: Tensor
    """``(T,)`` int64 from 0."""
    boxes: Tensor
    """``(T, 4)`` float32 centre x, centre y, width, height in pixels of the input."""
    counts: tuple[int, ...]
    """How many of them each image has."""

    @property
    def sizes(self) -> Tensor:
        """``(T, 2)`` width, height."""
        return self.boxes[:, 2:]


def collect(targets: Sequence[Mapping[str, Tensor]], frames: Sequence[Frame], device: torch.device) -> Objects:
    """The objects of all images in one table.

    Args:
        targets: for each image ``boxes`` ``(M, 4)`` left, top, right, bottom, pixels of the image; ``labels`` ``(M,)`` from 1.
        frames: where the images lie in the padded input.
        device: of all of them.
    """
    none = torch.zeros(0, dtype=torch.int64, device=device)
    labels = [target["labels"].long() for target in targets]
    images = [mine.new_full((len(mine),), place) for place, mine in enumerate(labels)]
    boxes = [_moved(target["boxes"], frame) for target, frame in zip(targets, frames, strict=True)]
    counts = tuple(len(mine) for mine in labels)
    return Objects(
        torch.cat([none, *images]),
        torch.cat([none, *labels]) - 1,
        torch.cat([none.new_zeros(0, 4).float(), *boxes]),
        counts,
    )


def _moved(boxes: Tensor, frame: Frame) -> Tensor:
    """``(M, 4)`` corners in the image -> centres and sizes in the padded input."""
    x, y, width, height = to_centres(boxes.reshape(-1, 4).float()).unbind(dim=1)
    sizes = (side.clamp(min=SMALLEST) for side in (width, height))
    return torch.stack([x + frame.left, y + frame.top, *sizes], dim=1)


@dataclass(frozen=True, slots=True)
class Assignment:
    """E pairs of an object and a slot of one level."""

    holds: Tensor
    """``(E,)`` bool; where it is False, the rest of the row means nothing."""
    object: Tensor
    """``(E,)`` int64, row of ``Objects``."""
    image: Tensor
    """``(E,)`` int64."""
    anchor: Tensor
    """``(E,)`` int64."""
    row: Tensor
    """``(E,)`` int64, inside of the map."""
    column: Tensor
    """``(E,)`` int64, inside of the map."""
    shape: tuple[int, int, int, int]
    """N, A, H, W of the level."""

    @property
    def slot(self) -> Tensor:
        """``(E,)`` int64, place of the slot in the flattened level; one behind the end for pairs that do not hold."""
        _, anchors, height, width = self.shape
        place = ((self.image * anchors + self.anchor) * height + self.row) * width + self.column
        return torch.where(self.holds, place, self.slots)

    @property
    def slots(self) -> int:
        """How many slots the level has."""
        images, anchors, height, width = self.shape
        return images * anchors * height * width

    @property
    def cells(self) -> Tensor:
        """``(E, 2)`` float32 column, row."""
        return torch.stack([self.column, self.row], dim=1).float()

    def raw(self, level: Level) -> Tensor:
        """``(E, 5 + K)`` float32 logits of the slots."""
        return level.raw[self.image, self.anchor, self.row, self.column].float()

    def winners(self) -> Tensor:
        """``(E,)`` int64: of the pairs that share a slot, the last; its row for all of them. The same on every device."""
        order = torch.arange(len(self.slot), device=self.slot.device)
        last = order.new_zeros(self.slots + 1).scatter_reduce(0, self.slot, order, "amax")
        return last[self.slot]

    def last(self) -> Tensor:
        """``(E,)`` bool: the pair holds, and is the last of its slot."""
        winners = self.winners()
        return self.holds & (winners == torch.arange(len(winners), device=winners.device))

    def spread(self, values: Tensor, chosen: Tensor) -> Tensor:
        """Values of some pairs, at most one for each slot, put into their slots.

        Args:
            values: ``(E,)`` float32.
            chosen: ``(E,)`` bool.

        Returns:
            ``(N, A, H, W)`` float32, 0 elsewhere.
        """
        places = torch.where(chosen, self.slot, self.slots)
        return values.new_zeros(self.slots + 1).scatter(0, places, values)[:-1].view(self.shape)

    def sharers(self) -> Tensor:
        """``(E,)`` float32: how many pairs that hold have this slot, at least 1."""
        counted = self.holds.new_zeros(self.slots + 1, dtype=torch.float32).index_add(0, self.slot, self.holds.float())
        return counted[self.slot].clamp(min=1)

    def classes(self, objects: Objects, classes: int) -> Tensor:
        """``(E, classes)`` float32, 1 for the classes of all objects of the slot; right in the row of its last pair only."""
        targets = torch.zeros(len(self.object), classes, device=self.object.device)
        targets[self.winners(), objects.label[self.object]] = 1.0
        return targets


def by_ratio(level: Level, objects: Objects, *, largest: float) -> Assignment:
    """YOLO v5: every anchor whose sides differ from the object's by less than a factor; the object's cell and its neighbours.

    The cell at the left, above, at the right or below answers too, if the centre lies in the half of its cell on that side. Pairs
    are in the order own cell, left, above, right, below; in each of these by anchor, then by object.

    Args:
        level: of N images.
        objects: T of them.
        largest: the factor, 4.

    Returns:
        ``5 * A * T`` pairs.
    """
    _, _, height, width = level.shape
    ratio = objects.sizes[None] / level.anchors[:, None]
    fits = torch.maximum(ratio, 1 / ratio).amax(dim=-1) < largest
    x, y = (objects.boxes[:, :2] / level.stride).unbind(dim=1)
    own = torch.ones_like(x, dtype=torch.bool)
    sides = torch.stack([own, _near(x), _near(y), _near(width - x), _near(height - y)])
    columns = torch.stack([x, x - 0.5, x, x + 0.5, x])
    rows = torch.stack([y, y, y - 0.5, y, y + 0.5])
    return _pairs(level, objects, sides[:, None] & fits, columns, rows)


def best_anchors(levels: Sequence[Level], objects: Objects, *, above: float | None = None) -> list[Tensor]:
    """YOLO v3 and v4: which anchors answer for which objects, by the IoU of shapes alone.

    Args:
        levels: all of the network.
        objects: T of them.
        above: v4: anchors whose IoU is above this answer too; None: the best of all levels only. An anchor that several levels
            share counts for all of them.

    Returns:
        for each level ``(A, T)`` bool.
    """
    anchors = torch.cat([level.anchors for level in levels])
    overlaps = shape_iou(anchors, objects.sizes)
    best = anchors[overlaps.argmax(dim=0)]
    chosen = (anchors[:, None] == best[None]).all(dim=-1)
    if above is not None:
        chosen = chosen | (overlaps > above)
    return list(torch.split(chosen, [len(level.anchors) for level in levels]))


def in_own_cell(level: Level, objects: Objects, chosen: Tensor) -> Assignment:
    """YOLO v3 and v4: the cell in which the centre lies.

    Args:
        level: of N images.
        objects: T of them.
        chosen: ``(A, T)`` bool, anchors that answer.

    Returns:
        ``A * T`` pairs, by anchor, then by object.
    """
    x, y = (objects.boxes[:, :2] / level.stride).unbind(dim=1)
    return _pairs(level, objects, chosen[None], x[None], y[None])


@torch.no_grad()
def best_overlap(level: Level, objects: Objects) -> Tensor:
    """``(N, A, H, W)`` float32: IoU of each predicted box with the object of its image that it covers best; 0 without objects."""
    best = torch.zeros_like(level.objectness)
    if not len(objects.image):
        return best
    predicted = to_corners(level.all_boxes())
    truths = pad_sequence(list(torch.split(to_corners(objects.boxes), list(objects.counts))), batch_first=True)
    for some in torch.split(truths, OBJECTS_AT_ONCE, dim=1):
        overlaps = iou(predicted[:, None], some[:, :, None, None, None])
        best = torch.maximum(best, overlaps.amax(dim=1))
    return best


def _near(distance: Tensor) -> Tensor:
    """Whether a centre, in cells from the border, lies in the half of its cell on that side, and the next cell exists."""
    return (distance % 1 < 0.5) & (distance > 1)


def _pairs(level: Level, objects: Objects, holds: Tensor, columns: Tensor, rows: Tensor) -> Assignment:
    """Flatten ``(G, A, T)`` flags and ``(G, T)`` places in cells."""
    _, anchors, height, width = level.shape
    number, device = len(objects.image), holds.device

    def flat(values: Tensor) -> Tensor:
        return values.expand(holds.shape).reshape(-1)

    return Assignment(
        holds.reshape(-1),
        flat(torch.arange(number, device=device)),
        flat(objects.image),
        flat(torch.arange(anchors, device=device)[:, None]),
        flat(rows.long().clamp(0, height - 1)[:, None]),
        flat(columns.long().clamp(0, width - 1)[:, None]),
        level.shape,
    )
