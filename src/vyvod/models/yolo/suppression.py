"""From output maps to detections: the cells worth looking at, then non-maximum suppression in each class.

A cell offers a detection for every class whose score, objectness times class probability, is high enough. Cells are chosen
by their objectness before anything is decoded: no score can be higher, and few cells pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from vyvod.models.yolo.boxes import apart, iou, to_corners
from vyvod.models.yolo.decoding import Level

CELLS = 1000
"""Cells with the highest objectness that are looked at in an image: as many as boxes enter the suppression."""

BETA = 0.6


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept."""

    score: float
    """Scores above it."""
    overlap: float
    """IoU above which the weaker of two boxes of a class is dropped."""
    detections: int
    """At most so many per image."""
    candidates: int = 1000
    """At most so many of an image enter the suppression, the best ones; pairs are compared, so the price is their square."""
    distance: bool = False
    """The farther apart the centres of two boxes, the more they may overlap (YOLO v4)."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells that were chosen, decoded, in S rows."""

    image: Tensor
    """``(S,)`` int64, place in the batch."""
    boxes: Tensor
    """``(S, 4)`` float32 left, top, right, bottom, pixels of the input."""
    scores: Tensor
    """``(S, K)`` float32 in 0..1."""


def detect(levels: Sequence[Level], limits: Limits) -> list[dict[str, Tensor]]:
    """Detections of each image.

    Args:
        levels: output maps of a batch of N images.
        limits: what is kept.

    Returns:
        N times ``boxes`` ``(D, 4)`` float32 left, top, right, bottom, pixels of the input, not clipped; ``labels`` ``(D,)`` int64
        from 1; ``scores`` ``(D,)`` float32, descending.
    """
    cells = _chosen(levels, limits.score)
    masks = (cells.image == place for place in range(len(levels[0].raw)))
    return [suppressed(cells.boxes[mine], cells.scores[mine], limits) for mine in masks]


def suppressed(boxes: Tensor, scores: Tensor, limits: Limits) -> dict[str, Tensor]:
    """Non-maximum suppression in each class.

    Args:
        boxes: ``(S, 4)`` left, top, right, bottom.
        scores: ``(S, K)``.
        limits: what is kept.

    Returns:
        ``boxes`` ``(D, 4)``, ``labels`` ``(D,)`` int64 from 1, ``scores`` ``(D,)``, descending.
    """
    classes = scores.shape[1]
    offered = (scores.flatten() > limits.score).nonzero()[:, 0]
    values = scores.flatten()[offered]
    if len(values) > limits.candidates:
        values, best = values.topk(limits.candidates)
        offered = offered[best]
    places, labels = offered // classes, offered % classes
    if limits.distance:
        kept = _by_distance(boxes[places], values, labels, limits)
    else:
        kept = batched_nms(boxes[places], values, labels, limits.overlap)[: limits.detections]
    return {"boxes": boxes[places[kept]], "labels": labels[kept] + 1, "scores": values[kept]}


def _by_distance(boxes: Tensor, values: Tensor, labels: Tensor, limits: Limits) -> Tensor:
    """Darknet's ``greedynms``: the weaker of two boxes goes where IoU - (d^2 / c^2)^0.6 is above the threshold.

    Of d, the distance of the centres, and c, the diagonal of the box around both; 0.6 is the cfg file's ``beta_nms``.
    """
    left, kept = values.argsort(descending=True, stable=True), list[Tensor]()
    # A pass for each box that is kept, over those that are left: a few hundred at most.
    while len(left) and len(kept) < limits.detections:
        best, left = left[0], left[1:]
        kept.append(best)
        overlap = iou(boxes[best], boxes[left]) - apart(boxes[best], boxes[left]) ** BETA
        left = left[(overlap <= limits.overlap) | (labels[left] != labels[best])]
    return torch.stack(kept) if kept else left


def _chosen(levels: Sequence[Level], threshold: float) -> Cells:
    objectness = [level.objectness.sigmoid() for level in levels]
    lowest = _lowest(torch.cat([values.flatten(1) for values in objectness], dim=1), threshold)
    parts = [
        _decoded(level, values, values >= lowest[:, None, None, None])
        for level, values in zip(levels, objectness, strict=True)
    ]
    return Cells(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _lowest(objectness: Tensor, threshold: float) -> Tensor:
    """``(N,)`` objectness that a cell needs: the threshold, or in a crowd that of the last cell that is looked at."""
    lowest = objectness.new_full((len(objectness),), threshold)
    if objectness.numel() and int((objectness > threshold).sum(dim=1).max()) > CELLS:
        lowest = objectness.topk(CELLS, dim=1).values[:, -1].clamp(min=threshold)
    return lowest


def _decoded(level: Level, objectness: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    image, anchor, row, column = chosen.nonzero(as_tuple=True)
    raw = level.raw[image, anchor, row, column].float()
    boxes = level.boxes(raw, torch.stack([column, row], dim=1), level.anchors[anchor])
    return image, to_corners(boxes), raw[:, 5:].sigmoid() * objectness[chosen][:, None]
