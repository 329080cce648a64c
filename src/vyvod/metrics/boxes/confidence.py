"""Precision, recall and F1 of detections that reach a confidence; counts of each image.

A class that is in the truth and never predicted has precision 0. A class that is predicted and not in the truth has precision 0
and F1 0, and no recall (NaN). A class that is in neither is left out of the means (NaN), and NaN is in none of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vyvod.metrics.boxes.columns import Array, Floats, Found, Ints, Truth, support
from vyvod.metrics.boxes.matching import Matching

CONFIDENCES: Floats = np.arange(101) / 100
_FINE: Floats = np.arange(1001) / 1000


@dataclass(frozen=True, slots=True)
class Quality:
    """Precision, recall and F1 of the same shape: ``(K,)`` at one confidence, ``(K, T)`` at several."""

    precision: Floats
    recall: Floats
    f1: Floats

    def means(self) -> dict[str, Floats]:
        """``precision``, ``recall`` and ``f1``: means over the classes that have one, of the shape that is left."""
        return {name: _means(getattr(self, name)) for name in ("precision", "recall", "f1")}


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """Right and wrong detections and missed objects, ``(N, K)`` int64 each."""

    true_positives: Ints
    false_positives: Ints
    false_negatives: Ints

    def f1(self) -> Floats:
        """``(N,)``: F1 over all classes together; NaN for an image without objects and without detections."""
        right, wrong, missed = (
            counts.sum(axis=1) for counts in (self.true_positives, self.false_positives, self.false_negatives)
        )
        return _share(2 * right, 2 * right + wrong + missed)


def by_confidence(truth: Truth, found: Found, right: Array, classes: int, confidences: Floats = CONFIDENCES) -> Quality:
    """Precision, recall and F1 of each class at each confidence: ``(K, T)``.

    Args:
        truth: the objects.
        found: the detections.
        right: ``(D,)`` int8 from ``matched``.
        classes: number of classes, K.
        confidences: ``(T,)``, ascending; a detection counts where its score is at least that high.
    """
    predicted = _reaching(found, right >= 0, classes, confidences)
    return _quality(_reaching(found, right == 1, classes, confidences), predicted, support(truth, classes)[:, None])


def at_confidence(truth: Truth, found: Found, right: Array, classes: int, confidence: float) -> Quality:
    """Precision, recall and F1 of each class at one confidence: ``(K,)``; all NaN where the confidence is NaN.

    Args:
        truth: the objects.
        found: the detections.
        right: ``(D,)`` int8 from ``matched``.
        classes: number of classes, K.
        confidence: a detection counts where its score is at least that high.
    """
    if math.isnan(confidence):
        return Quality(*np.full((3, classes), np.nan))
    every = by_confidence(truth, found, right, classes, np.array([confidence]))
    return Quality(every.precision[:, 0], every.recall[:, 0], every.f1[:, 0])


def best_confidence(truth: Truth, found: Found, right: Array, classes: int) -> float:
    """The one confidence for all classes with the best macro F1, of 0, 0.001 ... 1; of equal ones the highest.

    A grid, and not the scores of the detections themselves: the number can be typed again, does not hang on the last bits of one
    score, and no test set is that large that a thousandth would matter.

    Args:
        truth: the objects.
        found: the detections.
        right: ``(D,)`` int8 from ``matched``.
        classes: number of classes, K.

    Returns:
        NaN where there is no object to be found: no confidence is better than another one then.
    """
    if not support(truth, classes).sum():
        return math.nan
    macro = by_confidence(truth, found, right, classes, _FINE).means()["f1"]
    return float(_FINE[np.flatnonzero(macro == macro.max())[-1]])


def image_counts(
    truth: Truth, found: Found, matching: Matching, images: int, classes: int, *, confidence: float
) -> ImageCounts:
    """Right and wrong detections and missed objects of each image and class.

    Args:
        truth: the objects.
        found: the detections.
        matching: of these.
        images: number of images, N.
        classes: number of classes, K.
        confidence: weaker detections do not count.
    """
    counted = found.confident(confidence)
    missed = ~truth.crowd & ~matching.found_objects(len(truth.label), counted)
    right, wrong = counted & (matching.right == 1), counted & (matching.right == 0)
    return ImageCounts(
        _table(found, right, images, classes),
        _table(found, wrong, images, classes),
        _table(truth, missed, images, classes),
    )


def _table(columns: Truth | Found, chosen: NDArray[np.bool_], images: int, classes: int) -> Ints:
    codes = columns.image[chosen].astype(np.int64) * classes + columns.label[chosen]
    return np.bincount(codes, minlength=images * classes).astype(np.int64).reshape(images, classes)


def _reaching(found: Found, chosen: NDArray[np.bool_], classes: int, confidences: Floats) -> Ints:
    """``(K, T)`` int64: chosen detections of each class whose scores reach each confidence."""
    size = len(confidences) + 1
    # As in `Found.confident`: in the precision of the scores.
    reached = np.searchsorted(confidences.astype(found.score.dtype), found.score[chosen], side="right")
    codes = found.label[chosen].astype(np.int64) * size + reached
    table = np.bincount(codes, minlength=classes * size).astype(np.int64).reshape(classes, size)
    # Those that reach the t-th confidence have reached more than t of them.
    return table[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]


def _quality(right: Ints, predicted: Ints, objects: Ints) -> Quality:
    together = predicted + objects
    precision = np.where(together == 0, np.nan, right / np.maximum(predicted, 1))
    return Quality(precision, _share(right, np.broadcast_to(objects, right.shape)), _share(2 * right, together))


def _share(above: Array, below: Array) -> Floats:
    """NaN where there is nothing to have a share of."""
    share: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) > 0)
    return share


def _means(values: Floats) -> Floats:
    """Means over the first axis of what is not NaN; NaN, without numpy's warning, where nothing is left."""
    there = ~np.isnan(values)
    return _share(np.where(there, values, 0.0).sum(axis=0), there.sum(axis=0))
