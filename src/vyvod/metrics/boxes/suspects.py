"""Places where the labels, and not the network, may be wrong: candidates for a second look, not findings.

hotcoco's list of label errors knows two of the three kinds, and takes a detection on a crowd for a missing label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vyvod.metrics.boxes.columns import Array, Floats, Found, Ints, Truth, sides
from vyvod.metrics.boxes.matching import IOU

CONFIDENT = 0.6
"""Score from which on a detection casts doubt on the labels."""
TOUCH = 0.1
"""Overlap below which a box and an object have nothing to do with each other, as in TIDE."""

Doubt = Literal["missing label", "wrong class", "nothing found"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label, or the lack of one, that looks wrong."""

    image: int
    """Row of the image."""
    kind: Doubt
    """A confident detection without an object; one of another class on an object; an object without any detection."""
    label: int | None
    """Class of the object in the truth."""
    predicted: int | None
    """Class of the detection."""
    score: float | None
    """Score of the detection."""
    box: tuple[float, float, float, float]
    """Of the detection, or of the object where there is none: left, top, right, bottom, pixels."""


@dataclass(frozen=True, slots=True)
class _Image:
    """Detections and objects of one image, and how they overlap."""

    number: int
    detections: Ints
    """Rows, by descending score."""
    objects: Ints
    overlap: Floats
    """``(D, G)``; with a crowd: the share of the detection on it."""


def suspects(truth: Truth, found: Found, right: Array, images: int) -> list[Suspect]:
    """Candidates for errors of the labels, most suspicious first.

    Confident detections by descending score, one for each place or object; then the objects that nothing touches, by
    descending area, as a large object is harder to overlook. A label of another class is not doubted where its own class
    was found there with a higher score. Crowds are never doubted, and nothing on them is missing.

    Args:
        truth: the objects.
        found: the detections, also weak ones: an object that a weak one touches is not doubted.
        right: ``(D,)`` int8 from ``matched``.
        images: number of images, N.
    """
    doubted: list[Suspect] = []
    alone: list[int] = []
    for image in _images(truth, found, images):
        doubted += _missing(image, found, right)
        doubted += _wrong(image, truth, found, right)
        alone += _untouched(image, truth)
    doubted.sort(key=lambda suspect: -(suspect.score or 0))
    alone.sort(key=lambda row: -truth.area[row])
    lonely = (
        Suspect(int(truth.image[row]), "nothing found", int(truth.label[row]), None, None, _corners(truth.box[row]))
        for row in alone
    )
    return [*doubted, *lonely]


def _images(truth: Truth, found: Found, images: int) -> Iterator[_Image]:
    from hotcoco.primitives import bbox_iou

    objects, ends = _grouped(truth.image, np.arange(len(truth.image)), images)
    detections, found_ends = _grouped(found.image, -found.score, images)
    boxes, found_boxes = sides(truth.box)[objects], sides(found.box)[detections]
    crowd = np.asarray(truth.crowd, dtype=np.bool_)[objects]
    for number in range(images):
        some, many = slice(ends[number], ends[number + 1]), slice(found_ends[number], found_ends[number + 1])
        overlap = bbox_iou(found_boxes[many], boxes[some], crowd[some])
        yield _Image(
            number, detections[many], objects[some], np.reshape(overlap, (len(detections[many]), len(objects[some])))
        )


def _grouped(image: Array, order: Array, images: int) -> tuple[Ints, Ints]:
    """Rows by image and then by ``order``, and where those of each image begin, with the end of the last."""
    ends = np.cumsum(np.bincount(image, minlength=images))
    return np.lexsort((order, image)).astype(np.int64), np.concatenate([[0], ends])


def _missing(image: _Image, found: Found, right: Array) -> Iterator[Suspect]:
    """Confident detections that touch nothing; of several in one place, whatever their classes, the most confident."""
    rows = image.detections
    touches = image.overlap.max(axis=1, initial=0.0) >= TOUCH
    free = rows[_confident(rows, found, right) & ~touches]
    for row in _apart(free, found.box):
        yield _detection(image, found, int(row), None, "missing label")


def _wrong(image: _Image, truth: Truth, found: Found, right: Array) -> Iterator[Suspect]:
    """For each object the most confident detection on it, where that is of another class."""
    rows, objects = image.detections, image.objects
    overlap = np.where(truth.crowd[objects], 0.0, image.overlap)
    if not overlap.size:
        return
    nearest = overlap.argmax(axis=1)
    on_it = overlap.max(axis=1) >= IOU
    same = found.label[rows][:, None] == truth.label[objects]
    # Its own class, wherever it overlaps enough, speaks for the label, also as a second choice of that detection.
    witness = np.where(same & (overlap >= IOU), found.score[rows][:, None], -1.0).max(axis=0)
    doubtful = _confident(rows, found, right) & on_it & (found.score[rows] > witness[nearest])
    places = np.flatnonzero(doubtful & (found.label[rows] != truth.label[objects[nearest]]))
    for place in places[np.unique(nearest[places], return_index=True)[1]]:
        yield _detection(image, found, int(rows[place]), int(truth.label[objects[nearest[place]]]), "wrong class")


def _untouched(image: _Image, truth: Truth) -> list[int]:
    touched = image.overlap.max(axis=0, initial=0.0) >= TOUCH
    rows: list[int] = image.objects[~touched & ~truth.crowd[image.objects]].tolist()
    return rows


def _confident(rows: Ints, found: Found, right: Array) -> Array:
    result: Array = found.confident(CONFIDENT)[rows] & (right[rows] == 0)
    return result


def _apart(rows: Ints, boxes: Array) -> list[int]:
    """Rows, best first, without those that overlap a better one."""
    from hotcoco.primitives import bbox_iou

    kept: list[int] = []
    corners = sides(boxes[rows])
    overlap = bbox_iou(corners, corners, np.zeros(len(rows), dtype=np.bool_))
    for place in range(len(rows)):
        if not any(overlap[place, other] >= IOU for other in kept):
            kept.append(place)
    result: list[int] = rows[kept].tolist()
    return result


def _detection(image: _Image, found: Found, row: int, label: int | None, kind: Doubt) -> Suspect:
    return Suspect(image.number, kind, label, int(found.label[row]), float(found.score[row]), _corners(found.box[row]))


def _corners(box: Array) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in box)
    return left, top, right, bottom
