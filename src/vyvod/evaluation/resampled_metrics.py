"""The metrics of a run on any number of drawn test sets at once, from its per-image columns and how often each image was drawn.

Counts add up over images, so a drawn set's metrics follow from weighted sums: one matrix product for a thousand sets. Average
precision does not add up; it is computed anew for each set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vyvod.data.contract import BACKGROUND
from vyvod.errors import SettingsError
from vyvod.metrics import detection as boxes
from vyvod.metrics import segmentation as counts
from vyvod.metrics.reconstruction import psnr

Array = NDArray[Any]
Floats = NDArray[np.float64]
Rows = Mapping[str, Array]
"""The columns of a run's ``per_image/<split>.npz``, N images."""
Measured = tuple[dict[str, Floats], Floats]
"""Metric -> ``(B,)``, and ``(B, K)`` of the main metric of each class, on B drawn sets; NaN where undefined."""
Statistic = Callable[[Floats], Measured]
"""From ``(B, N)`` float64 weights, how often each image was drawn."""
Sums = dict[str, Any]
"""Column -> ``(B, ...)`` sums over the images of each drawn set."""

PER_CLASS = {"classification": "f1", "segmentation": "dice", "detection": "ap"}
"""The main metric of each class."""
_BINS = 15
"""Of the calibration error, as in ``metrics.classification``."""


def statistic(task: str, rows: Rows, classes: Sequence[str]) -> Statistic:
    """How a run of a task is measured on drawn sets.

    Detection: all of COCO's values, and those at the fixed confidence; the values at the best confidence and those of masks do
    not follow from the columns. Reconstruction has no classes.

    Args:
        task: its name.
        rows: the per-image columns of the run.
        classes: names of the classes, K.

    Raises:
        SettingsError: for a task without such values.
    """
    if task == "detection":
        return partial(_detection, rows, len(classes))
    if task == "classification":
        return _summed(_classification_columns(rows, len(classes)), partial(_classification, len(classes)))
    if task == "segmentation":
        return _summed(_segmentation_columns(rows), partial(_segmentation, background=classes[0] == BACKGROUND))
    if task == "reconstruction":
        errors = rows["mse"].astype(np.float64)
        values = {"psnr": psnr(errors), "mse": errors, "loss": rows["loss"]}
        return _summed(_with_counts(values), partial(_means, tuple(values)))
    raise SettingsError(f"runs of the task {task} cannot be compared; {', '.join([*PER_CLASS, 'reconstruction'])} can")


def _summed(columns: Mapping[str, Any], finish: Callable[[Sums], Measured]) -> Statistic:
    def measure(weights: Floats) -> Measured:
        return finish({name: weights @ column for name, column in columns.items()})

    return measure


def _with_counts(columns: Rows) -> dict[str, Any]:
    """Values and, under ``<name>_there``, whether they are finite: means skip what is not."""
    there = {name: np.isfinite(values) for name, values in columns.items()}
    return {name: np.where(there[name], values, 0.0).astype(np.float64) for name, values in columns.items()} | {
        f"{name}_there": finite.astype(np.float64) for name, finite in there.items()
    }


def _means(names: Sequence[str], sums: Sums) -> Measured:
    means = {name: _share(sums[name], sums[f"{name}_there"]) for name in names}
    return means, np.zeros((len(next(iter(sums.values()))), 0))


def _classification_columns(rows: Rows, classes: int) -> dict[str, Any]:
    label, predicted, confidence = rows["label"], rows["predicted"], rows["confidence"].astype(np.float64)
    right = label == predicted
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    return {
        "true_positives": _one_hot(label, right, classes),
        "support": _one_hot(label, np.ones(len(label)), classes),
        "predicted": _one_hot(predicted, np.ones(len(label)), classes),
        "gap": _one_hot(bins, right - confidence, _BINS),
    } | _with_counts({name: rows[name].astype(np.float64) for name in ("loss", "in_top5")})


def _one_hot(places: Array, values: Array, size: int) -> Any:
    """``(N, size)``, sparse: a value in each row."""
    number = np.arange(len(places))
    return sparse.csr_array((values.astype(np.float64), (number, places)), shape=(len(places), size))


def _classification(classes: int, sums: Sums) -> Measured:
    """As ``metrics.classification.overall`` has it, for many confusion matrices."""
    support, total = sums["support"], sums["support"].sum(axis=1)
    # Counts of pixels and of images obey the same formulas, and the same rules for classes that are absent.
    scores = counts.per_class(sums["true_positives"], support, sums["predicted"])
    names = ("precision", "recall", "f1")
    accuracy = sums["true_positives"].sum(axis=1) / total
    overall = {"accuracy": accuracy, "f1_micro": accuracy} | {name: _mean(scores[name]) for name in names}
    overall |= {f"{name}_weighted": np.nansum(scores[name] * support, axis=1) / total for name in names}
    overall["calibration_error"] = np.abs(sums["gap"]).sum(axis=1) / total
    overall["loss"] = _share(sums["loss"], sums["loss_there"])
    if classes > 5:
        overall["top5"] = sums["in_top5"] / total
    return overall, scores["f1"]


def _segmentation_columns(rows: Rows) -> dict[str, Any]:
    names = ("true_positives", "support", "predicted")
    columns: dict[str, Any] = {name: rows[name].astype(np.float64) for name in names}
    if "boundary" in rows:
        columns |= {f"boundary{part}": rows["boundary"][:, part].astype(np.float64) for part in range(4)}
    dice = counts.dice_images(*(rows[name] for name in names))[1]
    return columns | _with_counts({"loss": rows["loss"], "dice_images": dice})


def _segmentation(sums: Sums, *, background: bool) -> Measured:
    """As ``metrics.segmentation.overall`` has it, for many sets."""
    support, total = sums["support"], sums["support"].sum(axis=1)
    scores = counts.per_class(sums["true_positives"], support, sums["predicted"])
    overall = {name: _mean(scores[name]) for name in ("dice", "iou", "precision", "recall", "f1")}
    overall["pixel_accuracy"] = _share(sums["true_positives"].sum(axis=1), total)
    overall["fw_iou"] = _share(np.nansum(scores["iou"] * support, axis=1), total)
    if background:
        overall |= {f"{name}_foreground": _mean(scores[name][:, 1:]) for name in ("dice", "iou")}
    overall |= {name: _share(sums[name], sums[f"{name}_there"]) for name in ("dice_images", "loss")}
    if "boundary0" in sums:
        overall["boundary_f1"] = _boundary(*(sums[f"boundary{part}"] for part in range(4)))
    return overall, scores["dice"]


def _boundary(matched_predicted: Floats, predicted: Floats, matched_true: Floats, true: Floats) -> Floats:
    precision, recall = _share(matched_predicted, predicted, 0.0), _share(matched_true, true, 0.0)
    f1 = _share(2 * precision * recall, precision + recall, 0.0)
    return _mean(np.where(predicted + true == 0, np.nan, f1))


def _detection(rows: Rows, classes: int, weights: Floats) -> Measured:
    """One drawn set after the other; 5 ms for 60 images, 0.4 s for 5000."""
    drawn = [_coco(rows, classes, np.repeat(np.arange(len(row)), row.astype(np.int64))) for row in weights]
    overall = {name: np.array([scores.overall[name] for scores in drawn]) for name in drawn[0].overall}
    fixed = [weights @ rows[name] for name in ("true_positives", "false_positives", "false_negatives")]
    overall |= _at_fixed_confidence(*fixed)
    if "loss" in rows:
        loss = _with_counts({"loss": rows["loss"]})
        overall["loss"] = _share(weights @ loss["loss"], weights @ loss["loss_there"])
    return overall, np.stack([scores.per_class["ap"] for scores in drawn])


def _coco(rows: Rows, classes: int, chosen: Array) -> boxes.CocoScores:
    columns = {name: rows[name] for name in rows if name == "id" or name.startswith(("truth_", "found_"))}
    truth, found, images = boxes.read(boxes.resample(columns, chosen))
    return boxes.coco(truth, found, images, classes)


def _at_fixed_confidence(right: Floats, wrong: Floats, missed: Floats) -> dict[str, Floats]:
    """Macro precision, recall and F1 with the corner cases of ``metrics.boxes.confidence``."""
    there = right + wrong + missed > 0
    scores = {
        "precision": np.where(there, _share(right, right + wrong, 0.0), np.nan),
        "recall": _share(right, right + missed),
        "f1": _share(2 * right, 2 * right + wrong + missed),
    }
    return {name: _mean(values) for name, values in scores.items()}


def _mean(values: Floats) -> Floats:
    """``(B, K)`` -> ``(B,)``: mean of what is not NaN; NaN, without numpy's warning, where nothing is left."""
    there = ~np.isnan(values)
    return _share(np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1))


def _share(above: Array, below: Array, empty: float = np.nan) -> Floats:
    below = np.asarray(below)
    share: Floats = np.divide(above, below, out=np.full(np.shape(above), empty), where=below > 0)
    return share
