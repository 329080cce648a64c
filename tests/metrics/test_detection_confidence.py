"""Precision, recall and F1 over confidences, by hand and by counting anew at every confidence."""

import math

import numpy as np
import pytest
from tests.metrics.detections import hand, random_sets

from vyvod.metrics import detection as metrics

ONE, TWO, FAR = (0, 0, 100, 100), (200, 200, 300, 300), (500, 500, 600, 600)


def test_rules_for_absent_classes() -> None:
    """Class 0 found, 1 never predicted, 2 only predicted, 3 in neither."""
    truth, found = hand([(0, 0, ONE), (0, 1, TWO)], [(0, 0, 0.9, ONE), (0, 2, 0.8, FAR)])
    right = metrics.matched(truth, found, 1, 4)
    quality = metrics.at_confidence(truth, found, right, 4, 0.25)
    assert np.array_equal(quality.precision, [1, 0, 0, math.nan], equal_nan=True)
    assert np.array_equal(quality.recall, [1, 0, math.nan, math.nan], equal_nan=True)
    assert np.array_equal(quality.f1, [1, 0, 0, math.nan], equal_nan=True)
    means = {name: float(value) for name, value in quality.means().items()}
    assert means == pytest.approx({"precision": 1 / 3, "recall": 1 / 2, "f1": 1 / 3})
    # Above its score class 2 is predicted no more, and counts no more.
    above = metrics.at_confidence(truth, found, right, 4, 0.85)
    assert np.array_equal(above.f1, [1, 0, math.nan, math.nan], equal_nan=True)


@pytest.mark.parametrize("seed", range(15))
def test_every_confidence_counted_anew(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    matching = metrics.match(truth, found, images, classes)
    quality = metrics.by_confidence(truth, found, matching.right, classes)
    assert quality.f1.shape == (classes, 101)
    for place, confidence in enumerate(metrics.CONFIDENCES):
        counts = metrics.image_counts(truth, found, matching, images, classes, confidence=float(confidence))
        right, wrong, missed = (
            table.sum(axis=0) for table in (counts.true_positives, counts.false_positives, counts.false_negatives)
        )
        for label in range(classes):
            predicted, objects = right[label] + wrong[label], right[label] + missed[label]
            expected = [
                math.nan if predicted + objects == 0 else right[label] / max(predicted, 1),
                right[label] / objects if objects else math.nan,
                2 * right[label] / (predicted + objects) if predicted + objects else math.nan,
            ]
            mine = [quality.precision[label, place], quality.recall[label, place], quality.f1[label, place]]
            assert np.array_equal(mine, expected, equal_nan=True)
        one = metrics.at_confidence(truth, found, matching.right, classes, float(confidence))
        assert np.array_equal(one.f1, quality.f1[:, place], equal_nan=True)


@pytest.mark.parametrize("confidence", [0.1, 0.3, 0.7, 0.25, 1.0, 0.0])
def test_a_score_reaches_itself_in_float32(confidence: float) -> None:
    truth, found = hand([(0, 0, ONE)], [(0, 0, confidence, ONE)])
    right = metrics.matched(truth, found, 1, 1)
    assert metrics.at_confidence(truth, found, right, 1, confidence).f1.tolist() == [1.0]
    assert found.confident(confidence).all()


def test_best_confidence_by_hand() -> None:
    """F1 is 2/3 with the first detection, 1/2 with the stray one as well, 4/5 with all three."""
    truth, found = hand([(0, 0, ONE), (0, 0, TWO)], [(0, 0, 0.9, ONE), (0, 0, 0.5, FAR), (0, 0, 0.3125, TWO)])
    right = metrics.matched(truth, found, 1, 1)
    best = metrics.best_confidence(truth, found, right, 1)
    assert best == 0.312
    assert metrics.at_confidence(truth, found, right, 1, best).f1.tolist() == [0.8]
    # Two objects the less and the first detection alone is best, up to its score.
    truth, found = hand([(0, 0, ONE)], [(0, 0, 0.9, ONE), (0, 0, 0.5, FAR)])
    assert metrics.best_confidence(truth, found, metrics.matched(truth, found, 1, 1), 1) == 0.9


@pytest.mark.parametrize("seed", range(15))
def test_best_confidence_is_best(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    right = metrics.matched(truth, found, images, classes)
    best = metrics.best_confidence(truth, found, right, classes)
    grid = np.arange(1001) / 1000
    macro = [float(metrics.at_confidence(truth, found, right, classes, value).means()["f1"]) for value in grid]
    assert macro[round(best * 1000)] == max(macro)
    assert all(value < max(macro) for value in macro[round(best * 1000) + 1 :])


def test_no_best_confidence_without_objects() -> None:
    for detections in ([], [(0, 0, 0.9, ONE)]):
        truth, found = hand([], detections)
        right = metrics.matched(truth, found, 1, 2)
        best = metrics.best_confidence(truth, found, right, 2)
        assert math.isnan(best)
        assert np.isnan(metrics.at_confidence(truth, found, right, 2, best).f1).all()


def test_best_confidence_where_nothing_is_right() -> None:
    truth, found = hand([(0, 0, ONE)], [(0, 0, 0.9, FAR)])
    assert metrics.best_confidence(truth, found, metrics.matched(truth, found, 1, 1), 1) == 1.0
