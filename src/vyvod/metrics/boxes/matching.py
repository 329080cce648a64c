"""Which detection is right, which object is found, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vyvod.metrics.boxes.coco import ANY, evaluator
from vyvod.metrics.boxes.columns import Array, Booleans, Found, Ints, Truth, taken

IOU = 0.5
"""Overlap from which on a detection has found an object."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Detections and the objects they have found, COCO's way, class by class.

    Detections choose by descending score, each the object of its class that it overlaps most among those not yet taken. So what
    a detection gets does not depend on weaker ones: the matching at a confidence is this one, less the detections below it.
    """

    right: NDArray[np.int8]
    """``(D,)``: 1 right, 0 wrong, -1 lies on a crowd and does not count."""
    partner: Ints
    """``(D,)``: the row of the object that a right detection has found, else -1."""

    def found_objects(self, objects: int, counted: Booleans | None = None) -> Booleans:
        """``(G,)``: which objects have been found.

        Args:
            objects: number of objects, G.
            counted: ``(D,)``, detections that count; by default all.
        """
        partners = self.partner if counted is None else self.partner[counted]
        result = np.zeros(objects, dtype=np.bool_)
        result[partners[partners >= 0]] = True
        return result


def match(truth: Truth, found: Found, images: int, classes: int, iou: float = IOU) -> Matching:
    """Match detections with objects of their class. All of them are looked at, also beyond the 100 that COCO's AP takes.

    Args:
        truth: the objects.
        found: the detections.
        images: number of images, N.
        classes: number of classes, K.
        iou: overlap that is needed.

    Raises:
        DataError: for a label that is no class, an image that does not exist, and boxes and scores that are not finite.
    """
    evaluation = evaluator(truth, found, images, classes, areas=("all",), detections=(ANY,), overlaps=(iou,))
    evaluation.evaluate()
    # The scores of label errors are not wanted here; the threshold keeps that list empty.
    told = evaluation.image_diagnostics(iou_thr=iou, score_thr=2.0)
    right = np.full(len(found.score), -1, dtype=np.int8)
    partner = np.full(len(found.score), -1, dtype=np.int64)
    # Detections on a crowd are in neither list.
    right[_ids(told["dt_status"])] = 0
    pairs = told["dt_match"]
    right[_ids(pairs)] = 1
    partner[_ids(pairs)] = np.fromiter(pairs.values(), dtype=np.int64, count=len(pairs)) - 1
    return Matching(right, partner)


def matched(truth: Truth, found: Found, images: int, classes: int, iou: float = IOU) -> NDArray[np.int8]:
    """``(D,)``: 1 right, 0 wrong, -1 lies on a crowd; see ``match``."""
    return match(truth, found, images, classes, iou).right


def found_objects(
    truth: Truth, found: Found, images: int, classes: int, iou: float = IOU, *, confidence: float = 0.0
) -> Booleans:
    """``(G,)``: objects that a right detection of that confidence has found; never a crowd. See ``match``."""
    matching = match(truth, found, images, classes, iou)
    return matching.found_objects(len(truth.label), found.confident(confidence))


def confusion(
    truth: Truth, found: Found, matching: Matching, images: int, classes: int, *, confidence: float
) -> NDArray[np.int64]:
    """``(K + 1, K + 1)`` int64: rows are the truth, columns the prediction, the last of both is the background.

    The diagonal has the right detections, the same ones that precision and recall count. What is left is matched over classes at
    IoU 0.5, by descending score: an object taken for another class, an object that was missed (last column), a detection without
    an object (last row). So a row sums to the objects of its class and a column to the detections of its class. A detection
    that lies on a crowd of its class does not count. Programs that match over classes from the start report fewer right ones
    where two classes are found in the same place.

    Args:
        truth: the objects.
        found: the detections.
        matching: of these, at IoU 0.5.
        images: number of images, N.
        classes: number of classes, K.
        confidence: weaker detections do not count.
    """
    counted = found.confident(confidence)
    right = found.label[counted & (matching.right == 1)]
    missed = ~truth.crowd & ~matching.found_objects(len(truth.label), counted)
    wrong = counted & (matching.right == 0)
    left = evaluator(taken(truth, missed), taken(found, wrong), images, classes, areas=("all",), detections=(ANY,))
    result: NDArray[np.int64] = left.confusion_matrix(iou_thr=IOU)["matrix"].astype(np.int64)
    result[:classes, :classes] += np.diag(np.bincount(right, minlength=classes))
    return result


def _ids(mapping: Mapping[int, Any]) -> Array:
    return np.fromiter(mapping, dtype=np.int64, count=len(mapping)) - 1
