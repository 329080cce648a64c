"""Metrics of a classifier against numbers worked by hand and against scikit-learn."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from vyvod.metrics import classification as metrics


def test_hand_worked() -> None:
    # Truth 0 0 1, predicted 0 2 1: class 2 is only predicted, and pulls macro recall and F1 down.
    confusion = metrics.confusion_matrix(np.array([0, 0, 1]), np.array([0, 2, 1]), 4)
    assert confusion.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    scores = metrics.overall(confusion)
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == pytest.approx(1 / 2)
    assert scores["f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    per_class = metrics.per_class(confusion)
    assert per_class["f1"][:3].tolist() == pytest.approx([2 / 3, 1, 0])
    assert np.isnan(per_class["f1"][3])
    assert per_class["support"].tolist() == [2, 1, 0, 0]


@pytest.mark.parametrize("seed", range(30))
def test_equals_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    classes = int(random.integers(2, 12))
    number = int(random.integers(1, 60))
    # Few classes in the truth and others in the predictions: absent, only predicted, never predicted.
    labels = random.choice(random.choice(classes, size=max(1, classes // 2)), number)
    predicted = np.where(random.random(number) < 0.5, labels, random.integers(0, classes, number))
    confusion = metrics.confusion_matrix(labels, predicted, classes)
    assert np.array_equal(confusion, reference.confusion_matrix(labels, predicted, labels=range(classes)))
    scores = metrics.overall(confusion)
    for average, suffix in (("macro", ""), ("weighted", "_weighted")):
        expected = reference.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
        for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
            assert scores[name + suffix] == pytest.approx(value, abs=1e-9)
    assert scores["f1_micro"] == pytest.approx(reference.f1_score(labels, predicted, average="micro"), abs=1e-9)
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted), abs=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference.precision_recall_fscore_support(
            labels, predicted, labels=range(classes), average=None, zero_division=0
        )
    per_class = metrics.per_class(confusion)
    present = ~np.isnan(per_class["f1"])
    assert np.array_equal(present, np.isin(np.arange(classes), np.union1d(labels, predicted)))
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert np.allclose(per_class[name][present], values[present], atol=1e-9)


def test_no_images_is_undefined() -> None:
    assert all(np.isnan(value) for value in metrics.overall(np.zeros((3, 3), dtype=np.int64)).values())
    assert np.isnan(metrics.calibration_error(np.zeros(0), np.zeros(0, dtype=bool)))


def test_calibration_error_by_hand() -> None:
    # Two bins of 15 are used: (0.6, 0.667] holds 0.65, 0.65 with one right; (0.933, 1] holds 1.0, wrong.
    confidence, right = np.array([0.65, 0.65, 1.0]), np.array([True, False, False])
    assert metrics.calibration_error(confidence, right) == pytest.approx((2 * abs(0.5 - 0.65) + 1) / 3)


def test_listed_metrics_are_those_that_are_computed() -> None:
    from vyvod.tasks.classification import ClassificationMeter

    assert set(ClassificationMeter(7).compute().overall) - {"loss"} == set(metrics.METRICS)
