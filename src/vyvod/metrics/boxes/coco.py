"""COCO's average precision and recall, and what each kind of error costs, through hotcoco; the same bits as pycocotools.

Crowds are COCO's: they are no objects to be found, the overlap of a detection with one is the share of the detection that
lies on it, and any number of detections may lie on one. VOC's difficult objects are treated in the same way here; the devkit
asks for an IoU of 0.5 with them, so that a small box on a large difficult object is wrong there and does not count here.
hotcoco, like pycocotools, pays no regard to a field ``ignore``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vyvod.metrics.boxes.columns import Array, Floats, Found, Rle, Truth, check, sides, support

Kind = Literal["bbox", "segm"]
ANY = 10**9
"""More detections than an image has: none is cut off."""
_AREAS = {"all": 0, "small": 1, "medium": 2, "large": 3}
_TIDE = ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss")


@dataclass(frozen=True, slots=True)
class CocoScores:
    """COCO's values; NaN where there is no object to be found."""

    overall: dict[str, float]
    """``map``, ``map50``, ``map75``, ``map_small``, ``map_medium``, ``map_large``, ``ar1``, ``ar10``, ``ar100``."""
    per_class: dict[str, Floats]
    """``ap``, ``ap50``, ``ap75`` and ``support``, ``(K,)`` each."""
    precision_curve: Floats
    """``(K, 101)``: highest precision at that recall, 0 to 1 in steps of 0.01, or at a higher one; IoU 0.5."""


def coco(truth: Truth, found: Found, images: int, classes: int, *, kind: Kind = "bbox") -> CocoScores:
    """Average precision and recall over IoU 0.5 to 0.95; of an image and class the 100 highest scores count.

    Args:
        truth: the objects.
        found: the detections.
        images: number of images, N.
        classes: number of classes, K.
        kind: overlap of boxes, or of outlines, which both columns then need. Masks are small, medium or large by their pixels.

    Raises:
        DataError: for a label that is no class, an image that does not exist, and boxes and scores that are not finite.
    """
    evaluation = evaluator(truth, found, images, classes, kind=kind)
    evaluation.evaluate()
    evaluation.accumulate()
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    return CocoScores(_summary(precision, recall), _per_class(precision, support(truth, classes)), _curve(precision))


def mean_average_precision(truth: Truth, found: Found, images: int, classes: int) -> float:
    """``map`` of ``coco`` alone, at half of its price or less: for thousands of resampled sets."""
    evaluation = evaluator(truth, found, images, classes, areas=("all",), detections=(100,))
    evaluation.evaluate()
    evaluation.accumulate()
    return _mean(evaluation.eval["precision"])


def tide(truth: Truth, found: Found, images: int, classes: int) -> Floats:
    """``(6,)``: average precision at IoU 0.5 that would be won if all errors of a kind were mended; NaN without objects.

    Classification: the right place, another class. Localisation: the class is right, IoU 0.1 to 0.5. Both. Duplicate: of an
    object that a better detection has found. Background: nothing there. Missed: objects that no such error explains; mending
    takes them out of the count, and so it wins nothing in a class of which no object at all was found.
    Source: Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors" (ECCV).
    """
    if not support(truth, classes).sum():
        return np.full(len(_TIDE), np.nan)
    evaluation = evaluator(truth, found, images, classes, areas=("all",), detections=(100,), overlaps=(0.5,))
    evaluation.evaluate()
    costs = evaluation.tide_errors(pos_thr=0.5, bg_thr=0.1)["delta_ap"]
    return np.array([costs[name] for name in _TIDE], dtype=np.float64)


def evaluator(
    truth: Truth,
    found: Found,
    images: int,
    classes: int,
    *,
    kind: Kind = "bbox",
    areas: Sequence[str] = tuple(_AREAS),
    detections: Sequence[int] = (1, 10, 100),
    overlaps: Sequence[float] = (),
) -> Any:
    """A ``COCOeval`` of hotcoco, not yet run; row i of the columns has the id i + 1, and so has image i. Category k is class k.

    Args:
        truth: the objects.
        found: the detections.
        images: number of images, N.
        classes: number of classes, K.
        kind: overlap of boxes or of outlines.
        areas: of COCO's ranges of sizes, the first ones.
        detections: how many of an image and class may count, ascending.
        overlaps: IoU thresholds; COCO's ten by default.
    """
    # Loaded here, so that reports, which mostly have no need of it, start fast.
    from hotcoco import COCO, COCOeval

    check(truth, images, classes)
    check(found, images, classes)
    objects = COCO.from_arrays(
        [{"id": number} for number in range(1, images + 1)],
        [{"id": label, "name": str(label)} for label in range(classes)],
        np.asarray(truth.image, dtype=np.int64) + 1,
        np.asarray(truth.label, dtype=np.int64),
        sides(truth.box),
        area=np.asarray(truth.area, dtype=np.float64),
        iscrowd=np.asarray(truth.crowd, dtype=np.bool_),
        segmentation=_listed(truth.outlines) if kind == "segm" else None,
    )
    evaluation = COCOeval(objects, _results(objects, found, kind), kind)
    evaluation.params.area_rng = evaluation.params.area_rng[: len(areas)]
    evaluation.params.area_rng_lbl = list(areas)
    evaluation.params.max_dets = list(detections)
    if overlaps:
        evaluation.params.iou_thrs = list(overlaps)
    return evaluation


def _results(objects: Any, found: Found, kind: Kind) -> Any:
    from hotcoco import mask

    columns = np.column_stack([found.image + 1, sides(found.box), found.score, found.label]).astype(np.float64)
    if kind == "bbox":
        return objects.load_res(columns)
    outlines = _listed(found.outlines)
    results = objects.load_res(columns, segmentation=outlines)
    if outlines:
        # As for COCO's own results of masks, which come without a box: the box's area would count otherwise.
        results.update_anns(ids=np.arange(1, len(outlines) + 1), area=np.asarray(mask.area(outlines), dtype=np.float64))
    return results


def _listed(outlines: Sequence[Rle] | None) -> list[Any]:
    return list(outlines or ())


def _summary(precision: Array, recall: Array) -> dict[str, float]:
    """COCO's twelve numbers, less the recall by size; axes: IoU, [recall,] class, size, number of detections."""
    last = precision.shape[-1] - 1
    values = {
        "map": _mean(precision[:, :, :, 0, last]),
        "map50": _mean(precision[0, :, :, 0, last]),
        "map75": _mean(precision[5, :, :, 0, last]),
    }
    values |= {f"map_{name}": _mean(precision[:, :, :, place, last]) for name, place in _AREAS.items() if place}
    return values | {f"ar{number}": _mean(recall[:, :, 0, place]) for place, number in enumerate((1, 10, 100))}


def _per_class(precision: Array, objects: Array) -> dict[str, Floats]:
    every = np.moveaxis(precision[:, :, :, 0, -1], 2, 0)
    parts = {"ap": every, "ap50": every[:, 0], "ap75": every[:, 5]}
    means = {name: np.array([_mean(values) for values in part], dtype=np.float64) for name, part in parts.items()}
    return means | {"support": objects.astype(np.float64)}


def _curve(precision: Array) -> Floats:
    curve = precision[0, :, :, 0, -1].T
    return np.where(curve < 0, np.nan, curve)


def _mean(values: Array) -> float:
    """Mean of what is not -1, COCO's mark for a class without objects; summed in COCO's order, for the same last bit."""
    counted = values[values > -1]
    return float(np.mean(counted)) if counted.size else math.nan
