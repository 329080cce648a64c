"""Metrics of a classifier, all from one confusion matrix, in float64; definitions and corner cases are scikit-learn's.

A class counts for the macro averages when it occurs in the truth or in the predictions (scikit-learn's default, with
``zero_division=0``): a class that is only predicted pulls the averages down, a class that is in neither leaves them alone.
``f1`` is the mean of the classes' F1, not the F1 of the mean precision and recall. Source: ``sklearn.metrics`` user guide.
"""

import numpy as np
from numpy.typing import NDArray

METRICS = {
    "f1": "macro F1: mean over classes of 2TP / (2TP + FP + FN); the headline metric",
    "accuracy": "share of images whose class is right (= micro precision, recall and F1)",
    "precision": "macro precision: mean over classes of TP / (TP + FP)",
    "recall": "macro recall: mean over classes of TP / (TP + FN)",
    "f1_micro": "F1 of the pooled counts; equals accuracy where every image has one class",
    "f1_weighted": "F1 of the classes, weighted by their support",
    "precision_weighted": "precision of the classes, weighted by their support",
    "recall_weighted": "recall of the classes, weighted by their support",
    "top5": "share of images whose class is among the five most probable; absent with 5 classes or fewer",
    "calibration_error": "expected calibration error: mean gap between confidence and accuracy over 15 bins (lower is better)",
}
HEADLINE = "f1"
LOWER_IS_BETTER = ("calibration_error",)

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def confusion_matrix(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> Counts:
    """``(K, K)`` int64 counts; rows are the truth, columns the prediction.

    Args:
        labels: ``(N,)`` class indices, N may be 0.
        predicted: ``(N,)`` class indices.
        classes: number of classes, K.
    """
    cells = labels.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def per_class(confusion: Counts) -> dict[str, Floats]:
    """Precision, recall, F1 and support of every class.

    Returns:
        metric -> ``(K,)``; NaN for a class that is neither in the truth nor predicted, otherwise 0 where 0 / 0.
    """
    true_positives = np.diagonal(confusion).astype(np.float64)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    absent = support + predicted == 0
    scores = {
        "precision": _ratio(true_positives, predicted),
        "recall": _ratio(true_positives, support),
        "f1": _ratio(2 * true_positives, support + predicted),
    }
    return {name: np.where(absent, np.nan, values) for name, values in scores.items()} | {
        "support": support.astype(np.float64)
    }


def overall(confusion: Counts) -> dict[str, float]:
    """Every metric that follows from the confusion matrix; NaN for an empty one."""
    total = confusion.sum()
    names = ("precision", "recall", "f1")
    if not total:
        return dict.fromkeys(
            ["f1", "accuracy", "precision", "recall", "f1_micro", *(f"{name}_weighted" for name in names)], float("nan")
        )
    scores = per_class(confusion)
    accuracy = float(np.trace(confusion) / total)
    macro = {name: float(np.nanmean(scores[name])) for name in names}
    # Support is 0 where a score is NaN, so that such a class adds nothing.
    weighted = {f"{name}_weighted": float(np.nansum(scores[name] * scores["support"]) / total) for name in names}
    return {"f1": macro["f1"], "accuracy": accuracy, **macro, "f1_micro": accuracy, **weighted}


def calibration_error(confidence: Floats, right: NDArray[np.bool_], *, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    Args:
        confidence: ``(N,)`` probability of the predicted class, 0..1.
        right: ``(N,)`` whether the prediction was right.
        bins: of equal width, each open below and closed above, as in the paper.

    Returns:
        mean of |accuracy - confidence| over bins, weighted by their images; NaN without images.
    """
    if not len(confidence):
        return float("nan")
    place = np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=right.astype(np.float64) - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def _ratio(above: Floats, below: Counts) -> Floats:
    return np.divide(above, below, out=np.zeros(len(below), dtype=np.float64), where=below > 0)
