"""Objects and detections of a set of images as flat columns, and the same of any choice of the images.

The rows of one image need not be neighbours. Image numbers are places in the list of images, 0 to N - 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vyvod.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Array = NDArray[Any]
Rle = dict[str, Any]
"""The pixels of an object, ``{"size": [height, width], "counts": ...}``, as hotcoco and pycocotools have it."""


@dataclass(frozen=True, slots=True)
class Truth:
    """G objects of the truth."""

    image: Array
    """``(G,)`` int: in which image."""
    label: Array
    """``(G,)`` int, 0 to K - 1."""
    box: Array
    """``(G, 4)`` float: left, top, right, bottom, pixels."""
    area: Array
    """``(G,)`` float, pixels: of the outline where it is known, else of the box. Decides between small, medium and large."""
    crowd: Array
    """``(G,)`` bool: does not count; a detection on it is neither right nor wrong."""
    outlines: Sequence[Rle] | None = None
    """G outlines, for the metrics of masks."""


@dataclass(frozen=True, slots=True)
class Found:
    """D detections. Of equal scores the first one comes first, as for COCO."""

    image: Array
    """``(D,)`` int: in which image."""
    label: Array
    """``(D,)`` int, 0 to K - 1."""
    score: Array
    """``(D,)`` float, 0 to 1. Compared with a confidence in their own precision: a float32 score of 0.7 reaches 0.7."""
    box: Array
    """``(D, 4)`` float: left, top, right, bottom, pixels."""
    outlines: Sequence[Rle] | None = None
    """D masks, for the metrics of masks."""

    def confident(self, confidence: float) -> Booleans:
        """``(D,)``: the score reaches the confidence."""
        reached: Booleans = self.score >= self.score.dtype.type(confidence)
        return reached


Columns = TypeVar("Columns", Truth, Found)


def read(rows: Mapping[str, Array]) -> tuple[Truth, Found, int]:
    """Objects, detections and the number of images from the per-image columns of a run.

    Args:
        rows: ``truth_image``, ``truth_label``, ``truth_box``, ``truth_area``, ``truth_crowd``, ``found_image``,
            ``found_label``, ``found_score``, ``found_box``, and ``id``, which has a place for every image.
    """
    truth = Truth(rows["truth_image"], rows["truth_label"], rows["truth_box"], rows["truth_area"], rows["truth_crowd"])
    found = Found(rows["found_image"], rows["found_label"], rows["found_score"], rows["found_box"])
    return truth, found, len(rows["id"])


def select(truth: Truth, found: Found, chosen: Array, images: int) -> tuple[Truth, Found]:
    """Objects and detections of the chosen images, numbered by their places in ``chosen``.

    Args:
        truth: the objects of all images.
        found: the detections of all images.
        chosen: ``(M,)`` int, images in any order; one that is chosen twice is two images from then on (bootstrap).
        images: number of images before, N.
    """
    return _select(truth, chosen, images), _select(found, chosen, images)


def resample(rows: Mapping[str, Array], chosen: Array) -> dict[str, Array]:
    """The per-image columns of a run for the chosen images; as ``select``, but for every column there is.

    Args:
        rows: columns with a place for each image, and those called ``truth_...`` and ``found_...``.
        chosen: ``(M,)`` int, images in any order, also repeatedly.
    """
    images = len(rows["id"])
    places = {kind: _places(rows[f"{kind}_image"], chosen, images) for kind in ("truth", "found")}
    result = {name: column[places.get(name.split("_")[0], (chosen,))[0]] for name, column in rows.items()}
    return result | {f"{kind}_image": image for kind, (_, image) in places.items()}


def support(truth: Truth, classes: int) -> Ints:
    """``(K,)`` int64: objects of each class that count."""
    return np.bincount(truth.label[~truth.crowd], minlength=classes).astype(np.int64)


def sides(box: Array) -> Floats:
    """``(M, 4)`` float64 left, top, width, height: boxes as COCO writes them, to a thousandth of a pixel.

    Files of boxes have two or three decimals. Rounding brings back exactly what float32 and the way over right and bottom have
    blurred, so that the last bit agrees with pycocotools on the files themselves, also where an IoU lies on a threshold.
    """
    corners = np.asarray(box, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).round(3)


def check(columns: Truth | Found, images: int, classes: int) -> None:
    """See that every row belongs to an image and to a class, and that its numbers are finite.

    Raises:
        DataError: for columns of different lengths, a label that is no class, an image that does not exist, NaN and infinity.
    """
    lengths = {
        field.name: len(value) for field in fields(columns) if (value := getattr(columns, field.name)) is not None
    }
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"the columns of the boxes differ in length ({told}); give each box one place in every column")
    for name, column, end in (("label", columns.label, classes), ("image", columns.image, images)):
        strange = column[(column < 0) | (column >= end)]
        if len(strange):
            raise DataError(
                f"a box has the {name} {strange[0]}, but there are {end}, counted from 0; "
                f"mend the {name}s of the {'objects' if isinstance(columns, Truth) else 'detections'}"
            )
    _check_finite(columns)


def taken(columns: Columns, places: Array) -> Columns:
    """The rows at the places, ``(M,)`` int or a mask of bool; the images keep their numbers."""
    values = {field.name: getattr(columns, field.name) for field in fields(columns)}
    outlines = values.pop("outlines")
    chosen = None if outlines is None else [outlines[place] for place in np.arange(len(outlines))[places]]
    return type(columns)(**{name: value[places] for name, value in values.items()}, outlines=chosen)


def _check_finite(columns: Truth | Found) -> None:
    if isinstance(columns, Truth):
        if not np.isfinite(columns.box).all():
            raise DataError("a box of an object is not finite; mend the annotations")
    elif not (np.isfinite(columns.box).all() and np.isfinite(columns.score).all()):
        raise DataError(
            "a box or a score that the network gave is not finite; its weights are broken, or the training has diverged: "
            "train with a lower learning rate"
        )


def _select(columns: Columns, chosen: Array, images: int) -> Columns:
    places, image = _places(columns.image, chosen, images)
    result = taken(columns, places)
    return type(columns)(**{field.name: getattr(result, field.name) for field in fields(result)} | {"image": image})


def _places(image: Array, chosen: Array, images: int) -> tuple[Ints, Ints]:
    """Which rows the chosen images have, and in which of them each of these then lies."""
    order = np.argsort(image, kind="stable")
    counts = np.bincount(image, minlength=images)
    first = np.cumsum(counts) - counts
    lengths = counts[chosen]
    ends = np.cumsum(lengths)
    # Inside of an image: its first row, and so many on as the place is beyond the image's first place in the result.
    places = np.repeat(first[chosen] - (ends - lengths), lengths) + np.arange(lengths.sum())
    return order[places].astype(np.int64), np.repeat(np.arange(len(chosen), dtype=np.int64), lengths)
