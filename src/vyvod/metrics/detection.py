"""Metrics of object detection, in float64, from the boxes of every image: for all images or for any choice of them.

Average precision and recall are COCO's, through hotcoco, and equal pycocotools to the last bit. Precision, recall and F1 hold for
detections that reach a confidence, with COCO's matching at IoU 0.5: by descending score, each detection the object of its
class that it overlaps most among those not yet taken; detections on images without objects are wrong ones like others. They
are given at a fixed confidence, and at the one with the best macro F1, which has to be chosen on val and not on the set that
is measured. The parts are in ``boxes/``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vyvod.metrics.boxes.coco import CocoScores, coco, mean_average_precision, tide
from vyvod.metrics.boxes.columns import Array, Floats, Found, Ints, Rle, Truth, read, resample, select, support
from vyvod.metrics.boxes.confidence import (
    CONFIDENCES,
    ImageCounts,
    Quality,
    at_confidence,
    best_confidence,
    by_confidence,
    image_counts,
)
from vyvod.metrics.boxes.matching import IOU, Matching, confusion, found_objects, match, matched
from vyvod.metrics.boxes.suspects import Suspect, suspects

METRICS = {
    "map": "mAP@0.5:0.95: average precision as COCO has it, mean over IoU thresholds and classes; the headline metric",
    "map50": "average precision at IoU 0.5, mean over classes",
    "map75": "average precision at IoU 0.75, mean over classes",
    "map_small": "map of objects below 32 x 32 pixels",
    "map_medium": "map of objects from 32 x 32 to 96 x 96 pixels",
    "map_large": "map of objects above 96 x 96 pixels",
    "ar1": "average recall over IoU 0.5 to 0.95 with the best detection of each image and class",
    "ar10": "average recall with the 10 best detections",
    "ar100": "average recall with the 100 best detections",
    "precision": "macro precision of detections at the fixed confidence, IoU 0.5",
    "recall": "macro recall at the fixed confidence, IoU 0.5",
    "f1": "macro F1 at the fixed confidence, IoU 0.5",
    "precision_at_best_f1": "macro precision at the confidence with the best macro F1 on val",
    "recall_at_best_f1": "macro recall at the confidence with the best macro F1 on val",
    "f1_at_best_f1": "macro F1 at the confidence with the best macro F1 on val; on val itself an optimistic number",
    "best_f1_confidence": "the confidence with the best macro F1 on val, one for all classes",
    "mask_map": "map with the overlap of masks; only from networks with masks",
    "mask_map50": "map50 with the overlap of masks",
    "mask_map75": "map75 with the overlap of masks",
}
HEADLINE = "map"
LOWER_IS_BETTER: tuple[str, ...] = ()

__all__ = [
    "CONFIDENCES",
    "HEADLINE",
    "IOU",
    "LOWER_IS_BETTER",
    "METRICS",
    "CocoScores",
    "Found",
    "ImageCounts",
    "Matching",
    "Quality",
    "Suspect",
    "Truth",
    "at_confidence",
    "best_confidence",
    "by_confidence",
    "coco",
    "confusion",
    "found_objects",
    "image_counts",
    "image_scores",
    "mask_scores",
    "match",
    "matched",
    "mean_average_precision",
    "read",
    "resample",
    "scores_of_rows",
    "select",
    "support",
    "suspects",
    "suspects_of_rows",
    "tide",
]


def scores_of_rows(
    rows: Mapping[str, Array], classes: int, *, confidence: float, best_confidence: float | None = None
) -> tuple[dict[str, float], dict[str, Floats], dict[str, Array]]:
    """Overall values, values of each class, and totals over the images, from the per-image columns of a run.

    Args:
        rows: the columns ``id``, ``truth_...`` and ``found_...`` of ``per_image/*.npz``; what ``resample`` makes of them will do.
        classes: number of classes, K.
        confidence: the fixed one.
        best_confidence: the one with the best macro F1 on val; by default it is chosen on these very rows.

    Returns:
        metric -> value; metric -> ``(K,)``; and ``confusion``, ``precision_curve``, ``confidences``,
        ``precision_by_confidence``, ``recall_by_confidence``, ``f1_by_confidence``, ``tide``, ``confidence``.
        NaN where a value is undefined.

    Raises:
        DataError: for a label that is no class, an image that does not exist, and boxes and scores that are not finite.
    """
    truth, found, images = read(rows)
    matching = match(truth, found, images, classes)
    best = _chosen(truth, found, matching, classes) if best_confidence is None else best_confidence
    fixed = at_confidence(truth, found, matching.right, classes, confidence)
    chosen = at_confidence(truth, found, matching.right, classes, best)
    of_coco = coco(truth, found, images, classes)
    overall = of_coco.overall | _overall(fixed, "") | _overall(chosen, "_at_best_f1") | {"best_f1_confidence": best}
    per_class = of_coco.per_class | _named(fixed, "") | _named(chosen, "_at_best_f1")
    totals = _named(by_confidence(truth, found, matching.right, classes), "_by_confidence") | {
        "confusion": confusion(truth, found, matching, images, classes, confidence=confidence),
        "precision_curve": of_coco.precision_curve,
        "confidences": CONFIDENCES.copy(),
        "tide": tide(truth, found, images, classes),
        "confidence": np.array(confidence, dtype=np.float64),
    }
    return overall, per_class, totals


def image_scores(rows: Mapping[str, Array], classes: int, *, confidence: float) -> tuple[dict[str, Ints], Floats]:
    """The quality of every image at a confidence, from the per-image columns of a run.

    Args:
        rows: as in ``scores_of_rows``.
        classes: number of classes, K.
        confidence: weaker detections do not count.

    Returns:
        ``true_positives``, ``false_positives`` and ``false_negatives``, ``(N, K)`` int64; and F1 over all classes together,
        ``(N,)``, NaN for an image without objects and without detections.
    """
    truth, found, images = read(rows)
    counts = image_counts(truth, found, match(truth, found, images, classes), images, classes, confidence=confidence)
    columns = {name: getattr(counts, name) for name in ("true_positives", "false_positives", "false_negatives")}
    return columns, counts.f1()


def mask_scores(
    rows: Mapping[str, Array], classes: int, *, found: Sequence[Rle], truth: Sequence[Rle]
) -> tuple[dict[str, float], dict[str, Floats]]:
    """Average precision with the overlap of masks: overall values, and values of each class.

    Args:
        rows: as in ``scores_of_rows``.
        classes: number of classes, K.
        found: masks of the D detections, in the order of the rows.
        truth: outlines of the G objects, in the order of the rows.
    """
    objects, detections, images = read(rows)
    objects = Truth(objects.image, objects.label, objects.box, objects.area, objects.crowd, truth)
    detections = Found(detections.image, detections.label, detections.score, detections.box, found)
    scores = coco(objects, detections, images, classes, kind="segm")
    overall = {f"mask_{name}": scores.overall[name] for name in ("map", "map50", "map75")}
    return overall, {f"mask_{name}": scores.per_class[name] for name in ("ap", "ap50")}


def suspects_of_rows(rows: Mapping[str, Array], classes: int) -> list[Suspect]:
    """Candidates for errors of the labels, most suspicious first, from the per-image columns of a run.

    Args:
        rows: as in ``scores_of_rows``.
        classes: number of classes, K.
    """
    truth, found, images = read(rows)
    return suspects(truth, found, matched(truth, found, images, classes), images)


def _chosen(truth: Truth, found: Found, matching: Matching, classes: int) -> float:
    # Apart from `scores_of_rows`, where the argument hides the function of the same name.
    return best_confidence(truth, found, matching.right, classes)


def _overall(quality: Quality, suffix: str) -> dict[str, float]:
    return {f"{name}{suffix}": float(value) for name, value in quality.means().items()}


def _named(quality: Quality, suffix: str) -> dict[str, Array]:
    return {f"{name}{suffix}": getattr(quality, name) for name in ("precision", "recall", "f1")}
