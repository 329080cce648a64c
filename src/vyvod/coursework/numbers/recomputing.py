"""The metrics of a run once more, from the per-image columns in a branch alone; torch is not needed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vyvod.coursework.numbers.columns import Array, ColumnsError, read_columns, require, require_range
from vyvod.errors import UserError
from vyvod.metrics import classification, detection, reconstruction, segmentation

Read = Callable[[str], bytes | None]
"""The content of a file of the branch; None where there is no such file, or it is too large to be read."""
BACKGROUND = "background"
"""Of ``vyvod.data.contract``, which would load torch."""
MOST_CLASSES = 2000
_MOST_CELLS = 20_000_000
"""Images times classes of a detector; beyond, the memory is not bounded."""
_MOST_PAIRS = 100_000_000
"""Overlaps of detections with objects of their image: some seconds."""
_FAR = 1e9
"""Pixels; no box lies farther out."""


@dataclass(frozen=True, slots=True)
class Values:
    """The metrics of a run on a split."""

    overall: dict[str, float | None]
    """None where undefined."""
    per_class: dict[str, list[float | None]]
    """Metric -> a value for each class."""
    classes: tuple[str, ...]


class RecomputingError(UserError):
    """A run cannot be recomputed; one sentence without a full stop."""


class MissingError(RecomputingError):
    """A file that would be needed is not in the branch."""


def recompute(read: Read, folder: str, split: str) -> Values:
    """All metrics that follow from the columns of a run.

    Those of masks do not; a detector's values at the best confidence need the columns of val too.

    Args:
        read: gives the files of the branch.
        folder: of the run, such as ``results/fashion-plain``.
        split: val or test.

    Raises:
        MissingError: ``run.json`` or the per-image file is not in the branch.
        RecomputingError: they are damaged, or do not belong to each other.
    """
    record = run_record(read, folder)
    classes = classes_of(record, folder)
    measure = _TASKS.get(str(record.get("task")))
    if measure is None:
        raise RecomputingError(
            f"{folder}/run.json names the task {str(record.get('task'))[:40]!r}, which is unknown here"
        )
    path = f"{folder}/per_image/{split}.npz"
    try:
        with np.errstate(all="ignore"):
            overall, per_class = measure(_Source(read, folder, split, record), classes)
    except RecomputingError:
        raise
    except ColumnsError as error:
        raise RecomputingError(f"{path} {error}") from error
    except UserError as error:
        raise RecomputingError(f"{path} does not fit the run: {str(error).rstrip('.')}") from error
    return Values(_known(overall), {name: _listed(values) for name, values in per_class.items()}, classes)


def stored(read: Read, folder: str, split: str, classes: tuple[str, ...]) -> Values:
    """What ``scores.json`` says.

    Raises:
        MissingError: there is none, or it has nothing about the split.
        RecomputingError: it is damaged.
    """
    record = read_object(read, f"{folder}/scores.json").get(split)
    if record is None:
        raise MissingError(f"{folder}/scores.json has no values of {split}")
    try:
        overall = {name: None if value is None else float(value) for name, value in record["overall"].items()}
        per_class = {name: [math.nan if value is None else float(value) for value in values]
                     for name, values in record["per_class"].items()}  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RecomputingError(f"{folder}/scores.json is not what a training writes") from error
    known = {name: None if value is None or not math.isfinite(value) else value for name, value in overall.items()}
    return Values(known, {name: _listed(values) for name, values in per_class.items()}, classes)


def run_record(read: Read, folder: str) -> dict[str, Any]:
    """``run.json``.

    Raises:
        MissingError: it is not in the branch.
        RecomputingError: it is damaged.
    """
    return read_object(read, f"{folder}/run.json")


def classes_of(record: Mapping[str, Any], folder: str) -> tuple[str, ...]:
    """The names of the classes.

    Raises:
        RecomputingError: there are none, or more than can be looked at.
    """
    data = record.get("data")
    names = data.get("classes") if isinstance(data, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecomputingError(f"{folder}/run.json has no list of classes")
    # A data set of images alone, for an autoencoder, may have none.
    if len(names) > MOST_CLASSES or not (names or record.get("task") == "reconstruction"):
        raise RecomputingError(f"{folder}/run.json lists {len(names)} classes; 1 to {MOST_CLASSES} can be looked at")
    return tuple(names)


def read_object(read: Read, path: str) -> dict[str, Any]:
    """A JSON object of the branch.

    Raises:
        MissingError: the file is not in the branch.
        RecomputingError: it is something else.
    """
    content = read(path)
    if content is None:
        raise MissingError(f"{path} is not in the branch, or is too large to be read")
    try:
        # Whole numbers as float: one of a million digits would take minutes to read.
        record = json.loads(content.decode("utf-8"), parse_int=float)
    except (ValueError, RecursionError) as error:
        raise RecomputingError(f"{path} is not readable JSON") from error
    if not isinstance(record, dict):
        raise RecomputingError(f"{path} holds no JSON object")
    return record


Overall = dict[str, float]
PerClass = dict[str, Array]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the columns come from."""

    read: Read
    folder: str
    split: str
    record: Mapping[str, Any]

    def columns(self, needed: Sequence[str], useful: Sequence[str] = (), split: str | None = None) -> dict[str, Array]:
        path = f"{self.folder}/per_image/{split or self.split}.npz"
        content = self.read(path)
        if content is None:
            raise MissingError(f"{path} is not in the branch")
        columns = read_columns(content, (*needed, *useful))
        missing = [name for name in needed if name not in columns]
        if missing:
            raise ColumnsError(f"lacks the columns {', '.join(missing)}")
        return columns


def _classification(source: _Source, classes: Sequence[str]) -> tuple[Overall, PerClass]:
    rows = source.columns(("label", "predicted"), ("confidence", "in_top5", "loss"))
    size = (len(rows["label"]),) if rows["label"].ndim else (0,)
    require(rows, {"label": ("iu", size), "predicted": ("iu", size), "confidence": ("f", size), "in_top5": ("b", size),
                   "loss": ("f", size)})  # fmt: skip
    for name in ("label", "predicted"):
        require_range(rows, name, 0, len(classes))
    confusion = classification.confusion_matrix(rows["label"], rows["predicted"], len(classes))
    overall = classification.overall(confusion)
    if "in_top5" in rows and len(classes) > 5:
        overall["top5"] = _mean(rows["in_top5"])
    if "confidence" in rows:
        require_range(rows, "confidence", 0, 1.001)
        right = rows["label"] == rows["predicted"]
        overall["calibration_error"] = classification.calibration_error(rows["confidence"].astype(np.float64), right)
    return overall | _loss(rows, finite=False), classification.per_class(confusion)


def _segmentation(source: _Source, classes: Sequence[str]) -> tuple[Overall, PerClass]:
    names = ("true_positives", "support", "predicted")
    rows = source.columns(names, ("loss", "boundary"))
    images = len(rows["support"]) if rows["support"].ndim else 0
    shapes: dict[str, tuple[str, tuple[int | None, ...]]] = {name: ("iu", (images, len(classes))) for name in names}
    require(rows, shapes | {"loss": ("f", (images,)), "boundary": ("iu", (images, 4, len(classes)))})
    for name in (*names, *(["boundary"] if "boundary" in rows else [])):
        require_range(rows, name, 0, 2**40)
    if (rows["true_positives"] > np.minimum(rows["support"], rows["predicted"])).any():
        raise ColumnsError("counts more right pixels of a class than there are pixels of it")
    counts = [rows[name].astype(np.int64) for name in names]
    sums = [column.sum(axis=0) for column in counts]
    overall = segmentation.overall(*sums, background=classes[0] == BACKGROUND)
    overall["dice_images"] = segmentation.dice_images(*counts)[0]
    per_class = segmentation.per_class(*sums)
    if "boundary" in rows:
        outlines = rows["boundary"].astype(np.int64).sum(axis=0)
        overall["boundary_f1"], per_class["boundary_f1"] = segmentation.boundary_f1(outlines)
    return overall | _loss(rows, finite=True), per_class


_BOXES = ("id", "truth_image", "truth_label", "truth_box", "truth_area", "truth_crowd",
          "found_image", "found_label", "found_score", "found_box")  # fmt: skip


def _detection(source: _Source, classes: Sequence[str]) -> tuple[Overall, PerClass]:
    rows, number = source.columns(_BOXES, ("loss",)), len(classes)
    _check_boxes(rows, number)
    truth, found, images = detection.read(rows)
    right = detection.matched(truth, found, images, number)
    scores = detection.coco(truth, found, images, number)
    overall, per_class = dict(scores.overall), dict(scores.per_class)
    confidences = {"": _fixed_confidence(source), "_at_best_f1": _best_confidence(source, number)}
    for suffix, confidence in confidences.items():
        if confidence is not None:
            quality = detection.at_confidence(truth, found, right, number, confidence)
            overall |= {f"{name}{suffix}": float(value) for name, value in quality.means().items()}
            per_class |= {f"{name}{suffix}": getattr(quality, name) for name in ("precision", "recall", "f1")}
    if confidences["_at_best_f1"] is not None:
        overall["best_f1_confidence"] = confidences["_at_best_f1"]
    return overall | _loss(rows, finite=True), per_class


def _check_boxes(rows: Mapping[str, Array], classes: int) -> None:
    images = len(rows["id"]) if rows["id"].ndim else 0
    if images * classes > _MOST_CELLS:
        raise ColumnsError(f"has {images} images, too many to be looked at with {classes} classes")
    require(rows, {"id": ("US", (None,)), "loss": ("f", (images,))})
    for kind in ("truth", "found"):
        size = len(rows[f"{kind}_image"]) if rows[f"{kind}_image"].ndim else 0
        require(rows, {f"{kind}_image": ("iu", (size,)), f"{kind}_label": ("iu", (size,)), f"{kind}_box": ("f", (size, 4)),
                       "truth_area": ("f", (None,)), "truth_crowd": ("b", (None,)), "found_score": ("f", (None,))})  # fmt: skip
        require_range(rows, f"{kind}_image", 0, images)
        require_range(rows, f"{kind}_label", 0, classes)
        require_range(rows, f"{kind}_box", -_FAR, _FAR)
    require_range(rows, "truth_area", 0, _FAR**2)
    require_range(rows, "found_score", 0, 1.001)
    pairs = [np.bincount(rows[f"{kind}_image"].astype(np.int64), minlength=images) for kind in ("truth", "found")]
    if float(np.dot(*(numbers.astype(np.float64) for numbers in pairs))) > _MOST_PAIRS:
        raise ColumnsError("has too many boxes in one image to be looked at")


def _fixed_confidence(source: _Source) -> float | None:
    settings = source.record.get("input")
    value = settings.get("confidence") if isinstance(settings, dict) else None
    if isinstance(value, float):
        return value if 0 <= value <= 1 else None
    content = source.read(f"{source.folder}/totals/{source.split}.npz")
    column = None if content is None else read_columns(content, ("confidence",)).get("confidence")
    return float(column) if column is not None and column.shape == () and column.dtype.kind == "f" else None


def _best_confidence(source: _Source, classes: int) -> float | None:
    """The one that val has chosen; None where val cannot be read."""
    try:
        rows = source.columns(_BOXES, split="val")
        _check_boxes(rows, classes)
        truth, found, images = detection.read(rows)
        return detection.best_confidence(truth, found, detection.matched(truth, found, images, classes), classes)
    except UserError:
        return None


def _reconstruction(source: _Source, classes: Sequence[str]) -> tuple[Overall, PerClass]:
    rows = source.columns(("mse",), ("loss",))
    size = (len(rows["mse"]),) if rows["mse"].ndim else (0,)
    require(rows, {"mse": ("f", size), "loss": ("f", size)})
    return reconstruction.overall(rows["mse"].astype(np.float64)) | _loss(rows, finite=False), {}


_TASKS: Mapping[str, Callable[[_Source, Sequence[str]], tuple[Overall, PerClass]]] = {
    "classification": _classification,
    "segmentation": _segmentation,
    "detection": _detection,
    "reconstruction": _reconstruction,
}


def _loss(rows: Mapping[str, Array], *, finite: bool) -> Overall:
    """The mean loss as the task takes it: over images whose loss is finite, or over all."""
    if "loss" not in rows:
        return {}
    values = rows["loss"][np.isfinite(rows["loss"])] if finite else rows["loss"]
    return {"loss": _mean(values)}


def _mean(values: Array) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else math.nan


def _known(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: float(value) if math.isfinite(value) else None for name, value in values.items()}


def _listed(values: Sequence[float] | Array) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
