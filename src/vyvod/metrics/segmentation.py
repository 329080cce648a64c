"""Metrics of semantic segmentation from counts of pixels, in float64; every one follows from counts that add up over images.

Per image and class: ``true_positives``, ``support`` (pixels of the class in the truth) and ``predicted`` (pixels predicted as
the class); pixels that are ignored in the truth are in none of them. Summed over a set of images they give the values of
that set. A class counts for the means when it occurs in the truth or in the predictions (TP + FP + FN > 0), as in scikit-learn
with ``zero_division=0``: a class that is only predicted pulls the means down, a class that is in neither leaves them alone.
Dice and F1 are the same number, 2TP / (2TP + FP + FN); both names are given, since both are asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vyvod.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

METRICS = {
    "dice": "macro Dice (= f1): mean over classes of 2TP / (2TP + FP + FN), counted over all pixels; the headline metric",
    "iou": "mIoU: mean over classes of TP / (TP + FP + FN), counted over all pixels",
    "precision": "macro precision: mean over classes of TP / (TP + FP)",
    "recall": "macro recall: mean over classes of TP / (TP + FN)",
    "f1": "macro F1 of pixels: the same number as dice",
    "pixel_accuracy": "share of pixels whose class is right",
    "fw_iou": "IoU of the classes, weighted by their pixels in the truth",
    "dice_foreground": "dice without the background (class 0); absent where no class is the background",
    "iou_foreground": "iou without the background (class 0); absent where no class is the background",
    "dice_images": "mean over images of the mean Dice over the classes in that image's truth or prediction",
    "boundary_f1": "F1 of outlines, met within 0.75 % of the diagonal: mean over classes; absent unless asked for",
}
HEADLINE = "dice"
LOWER_IS_BETTER: tuple[str, ...] = ()

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
LabelMap = NDArray[np.integer]

TOLERANCE = 0.0075
"""How far apart outlines may lie by default, as a share of the image's diagonal (Csurka et al. 2013)."""


def confusion_matrix(truth: LabelMap, predicted: LabelMap, classes: int, *, ignore: int = 255) -> Counts:
    """``(K, K)`` int64 counts of pixels; rows are the truth, columns the prediction.

    Fastest for uint8 maps.

    Args:
        truth: class indices, or ``ignore`` where nothing counts; any shape, also empty.
        predicted: class indices, of the same shape.
        classes: number of classes, K.
        ignore: not negative.

    Raises:
        DataError: for shapes that differ and for labels that are no class.
    """
    # Loaded here, so that reports, which have no need of it, start fast.
    import torch

    if truth.shape != predicted.shape:
        raise DataError(
            f"the truth has the shape {truth.shape} and the prediction {predicted.shape}; they have to be the same: "
            "enlarge the logits to the size of the mask before taking the best class"
        )
    rows = max(classes, ignore + 1)
    row, column = _tensor(truth), _tensor(predicted)
    _check(row, range(rows), classes, "truth")
    _check(column, range(classes), classes, "prediction")
    # The smaller the codes, the faster they are made and counted: 16 bits do for up to 127 classes.
    small = torch.int16 if rows * classes <= 2**15 else torch.int64
    codes = row.to(small).mul_(classes).add_(column)
    counts = torch.bincount(codes.flatten(), minlength=rows * classes).numpy().reshape(rows, classes)
    for label in np.flatnonzero(counts.sum(axis=1)[classes:]) + classes:
        if label != ignore:
            raise _strange(int(label), classes, "truth")
    confusion: Counts = counts[:classes].copy()
    if ignore < classes:
        confusion[ignore] = 0
    return confusion


def per_class(true_positives: Counts, support: Counts, predicted: Counts) -> dict[str, Floats]:
    """Precision, recall, F1, Dice, IoU and support of every class.

    Args:
        true_positives: ``(..., K)`` pixels; leading dimensions are whatever is evaluated at once, such as resampled sets.
        support: ``(..., K)`` pixels of the class in the truth.
        predicted: ``(..., K)`` pixels predicted as the class.

    Returns:
        metric -> ``(..., K)``; NaN for a class that is neither in the truth nor predicted, otherwise 0 where 0 / 0.
        Support is in pixels, and never NaN.
    """
    together = support + predicted
    f1 = _ratio(2 * true_positives, together)
    scores = {
        "precision": _ratio(true_positives, predicted),
        "recall": _ratio(true_positives, support),
        "f1": f1,
        "dice": f1,
        "iou": _ratio(true_positives, together - true_positives),
    }
    return {name: np.where(together == 0, np.nan, values) for name, values in scores.items()} | {
        "support": support.astype(np.float64)
    }


def overall(
    true_positives: Counts, support: Counts, predicted: Counts, *, background: bool = False
) -> dict[str, float]:
    """The metrics that follow from the counts of a set of images; NaN where nothing was counted.

    ``recall`` is not everybody's mean accuracy: a class that is only predicted counts with 0 here and is left out there.

    Args:
        true_positives: ``(K,)`` pixels, summed over the images.
        support: ``(K,)`` pixels of the class in the truth.
        predicted: ``(K,)`` pixels predicted as the class.
        background: class 0 is the background: also give Dice and IoU without it.
    """
    scores = per_class(true_positives, support, predicted)
    total = support.sum()
    values = {name: _mean(scores[name]) for name in ("dice", "iou", "precision", "recall", "f1")}
    values["pixel_accuracy"] = float(true_positives.sum() / total) if total else math.nan
    # Support is 0 where an IoU is NaN, so that such a class adds nothing.
    values["fw_iou"] = float(np.nansum(scores["iou"] * support) / total) if total else math.nan
    if background:
        values |= {f"{name}_foreground": _mean(scores[name][1:]) for name in ("dice", "iou")}
    return values


def dice_images(true_positives: Counts, support: Counts, predicted: Counts) -> tuple[float, Floats]:
    """Dice image by image: each image has the same weight, and in it each class of its truth or its prediction.

    A class that is in neither is left out, not scored 1: empty images would raise the mean otherwise.

    Args:
        true_positives: ``(N, K)`` pixels of each image.
        support: ``(N, K)`` pixels of the class in the truth.
        predicted: ``(N, K)`` pixels predicted as the class.

    Returns:
        mean over the images in which something was counted, NaN without one, and ``(N,)`` with NaN for the others.
    """
    dice = per_class(true_positives, support, predicted)["dice"]
    there = ~np.isnan(dice)
    number = there.sum(axis=1)
    values = np.where(number > 0, _ratio(np.where(there, dice, 0).sum(axis=1), number), np.nan)
    return _mean(values), values


def boundary_counts(
    truth: LabelMap, predicted: LabelMap, classes: int, *, tolerance: float | None = None, ignore: int = 255
) -> Counts:
    """What boundary F1 needs of one image; sums over images are sufficient for a set.

    A boundary pixel of a class has an edge in common with a pixel of another class. It is matched when a boundary pixel of the
    same class lies at most ``tolerance`` away in the other map. Pixels that are ignored in the truth are cut out of both maps,
    and an edge with them is no boundary: where the truth ignores all outlines (VOC does), nothing is left to be counted.
    The sides of the image are no boundary either. On images with a diagonal below 134 pixels the default tolerance is below one
    pixel: outlines then have to be met exactly.
    Source: Csurka et al. 2013, "What is a good evaluation measure for semantic segmentation?" (BMVC). They average F1 over
    images; here counts are summed first, as for the other metrics.

    Args:
        truth: ``(H, W)`` class indices, ``ignore`` where nothing counts.
        predicted: ``(H, W)`` class indices.
        classes: number of classes, K.
        tolerance: pixels; by default 0.75 % of the image's diagonal.
        ignore: as in ``confusion_matrix``.

    Returns:
        ``(4, K)`` int64: matched predicted boundary pixels, predicted ones, matched true ones, true ones.
    """
    if tolerance is None:
        tolerance = TOLERANCE * math.hypot(*truth.shape)
    kept = truth != ignore
    maps = [_boundary(predicted, kept, classes), _boundary(truth, kept, classes)]
    found, true = (np.bincount(outline[outline < classes], minlength=classes) for outline in maps)
    stray, missed = _unmatched(maps[0], maps[1], classes, tolerance), _unmatched(maps[1], maps[0], classes, tolerance)
    return np.stack([found - stray, found, true - missed, true]).astype(np.int64)


def boundary_f1(counts: Counts) -> tuple[float, Floats]:
    """Boundary F1 of a set of images: the harmonic mean of the shares of predicted and of true boundary pixels with a match.

    Args:
        counts: ``(4, K)``, ``boundary_counts`` summed over the images.

    Returns:
        mean over the classes with a boundary in the truth or the prediction, NaN without one, and ``(K,)`` with NaN for the
        other classes.
    """
    matched_predicted, predicted, matched_true, true = counts
    precision, recall = _ratio(matched_predicted, predicted), _ratio(matched_true, true)
    f1 = np.where(predicted + true == 0, np.nan, _ratio(2 * precision * recall, precision + recall))
    return _mean(f1), f1


def _boundary(labels: LabelMap, kept: NDArray[np.bool_], classes: int) -> NDArray[np.int32]:
    """``(H, W)`` int32: the class at the boundary pixels, ``classes`` elsewhere."""
    outline = np.zeros(labels.shape, dtype=np.bool_)
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        edge = (labels[here] != labels[there]) & kept[here] & kept[there]
        outline[here] |= edge
        outline[there] |= edge
    return np.where(outline, labels, classes).astype(np.int32)


def _unmatched(outline: NDArray[np.int32], other: NDArray[np.int32], classes: int, tolerance: float) -> Counts:
    """``(K,)`` int64 boundary pixels without one of their class within the tolerance in the other map."""
    reach = math.floor(tolerance)
    around = np.pad(other, reach, constant_values=classes)
    rows, columns = np.nonzero(outline < classes)
    labels = outline[rows, columns]
    places = (rows + reach) * around.shape[1] + columns + reach
    flat = around.ravel()
    # Nearest places first: most pixels find their match soon, and only the others look farther.
    for down, right in _disc(tolerance):
        left = flat[places + (down * around.shape[1] + right)] != labels
        places, labels = places[left], labels[left]
        if not len(places):
            break
    return np.bincount(labels, minlength=classes).astype(np.int64)


def _disc(radius: float) -> list[tuple[int, int]]:
    reach = math.floor(radius)
    square = [(down, right) for down in range(-reach, reach + 1) for right in range(-reach, reach + 1)]
    return sorted((place for place in square if math.hypot(*place) <= radius), key=lambda place: math.hypot(*place))


def _tensor(labels: LabelMap) -> Tensor:
    import torch

    # A view wherever possible; torch takes no read-only arrays, and knows few of numpy's integers.
    kind = np.uint8 if labels.dtype == np.uint8 else np.int64
    return torch.from_numpy(np.require(labels, kind, ["C", "W"]))


def _check(labels: Tensor, allowed: range, classes: int, place: str) -> None:
    if labels.numel():
        for extreme in (int(labels.min()), int(labels.max())):
            if extreme not in allowed:
                raise _strange(extreme, classes, place)


def _strange(label: int, classes: int, place: str) -> DataError:
    return DataError(
        f"the {place} holds the label {label}, but there are {classes} classes, 0 to {classes - 1}; "
        "mend the mask or the list of classes"
    )


def _mean(values: Floats) -> float:
    """Mean of what is not NaN; NaN, without numpy's warning, when nothing is left."""
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if counted.size else math.nan


def _ratio(above: NDArray[np.generic], below: NDArray[np.generic]) -> Floats:
    share: Floats = np.divide(above, below, out=np.zeros(np.shape(below)), where=np.asarray(below) > 0)
    return share
