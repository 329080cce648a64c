"""Values on drawn test sets against the metrics of the drawn rows, one set at a time; the variance of the test set by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from tests.metrics.detections import random_sets

from vyvod import seeds
from vyvod.errors import RunError, SettingsError
from vyvod.evaluation.resampled_metrics import PER_CLASS
from vyvod.evaluation.resampling import Values, resample, variance_of_difference, variance_of_mean
from vyvod.metrics import detection
from vyvod.tasks import classification, reconstruction, segmentation

CLASSES = ("background", "cat", "dog", "cow", "owl", "fox")
SETS = 4


def _ids(images: int) -> np.ndarray:
    return np.array([f"test/{place:04d}" for place in range(images)])


def _drawn(images: int) -> np.ndarray:
    """The images of each drawn set, as the file draws them."""
    return seeds.generator(0, "resampling").integers(images, size=(SETS, images))


def _labelled(seed: int, images: int = 60) -> dict[str, np.ndarray]:
    source = np.random.default_rng(seed)
    label = np.random.default_rng(99).integers(0, len(CLASSES) - 1, images)  # the last class does not occur
    predicted = np.where(source.random(images) < 0.7, label, source.integers(0, len(CLASSES) - 1, images))
    return {
        "id": _ids(images),
        "label": label,
        "predicted": predicted,
        "confidence": source.random(images).astype(np.float32),
        "in_top5": source.random(images) < 0.9,
        "loss": source.random(images).astype(np.float32),
    }


def _masked(seed: int, images: int = 40) -> dict[str, np.ndarray]:
    source = np.random.default_rng(seed)
    support = np.random.default_rng(99).integers(0, 200, (images, len(CLASSES)))
    support[:, -1] = 0
    support[3] = 0
    hits = (support * source.random(support.shape)).astype(np.int64)
    predicted = hits + source.integers(0, 30, support.shape) * (support > 0)
    matched = (hits // 5)[:, None] + np.zeros((1, 4, 1), dtype=np.int64)
    loss = source.random(images).astype(np.float32)
    loss[3] = np.nan  # nothing counts in that image
    return {
        "id": _ids(images),
        "loss": loss,
        "true_positives": hits,
        "support": support,
        "predicted": predicted,
        "boundary": matched + np.array([0, 3, 0, 5])[None, :, None],
    }


def _boxed(seed: int) -> dict[str, np.ndarray]:
    truth, found, images, classes = random_sets(7)
    rows = {"id": _ids(images)}
    rows |= {f"truth_{name}": getattr(truth, name) for name in ("image", "label", "box", "area", "crowd")}
    rows |= {f"found_{name}": getattr(found, name) for name in ("image", "label", "score", "box")}
    score = np.random.default_rng(seed).random(len(found.score)).astype(np.float32)
    rows["found_score"] = score[np.lexsort((-score, found.image))]
    counts, _ = detection.image_scores(rows, classes, confidence=0.25)
    return rows | counts | {"loss": score[:images]}


def _redrawn(seed: int, images: int = 30) -> dict[str, np.ndarray]:
    errors = np.random.default_rng(seed).random((2, images)).astype(np.float32) / 10
    return {"id": _ids(images), "loss": errors[0], "mse": errors[1]}


MAKERS = {"classification": _labelled, "segmentation": _masked, "detection": _boxed, "reconstruction": _redrawn}


def _scores(task: str, rows: dict[str, np.ndarray]):
    """Overall values and the main metric of each class, by the functions that an evaluation uses."""
    if task == "classification":
        scores = classification.from_rows(rows, len(CLASSES))
    elif task == "segmentation":
        scores = segmentation.from_rows(rows, CLASSES)
    elif task == "reconstruction":
        scores = reconstruction.from_rows(rows)
    else:
        overall, per_class, _ = detection.scores_of_rows(rows, 5, confidence=0.25, best_confidence=0.5)
        return overall | {"loss": float(rows["loss"].mean(dtype=np.float64))}, per_class["ap"]
    return scores.overall, scores.per_class.get(PER_CLASS.get(task), np.zeros(0))


def _resampled(rows: dict[str, np.ndarray], chosen: np.ndarray) -> dict[str, np.ndarray]:
    if "found_image" in rows:
        return detection.resample(rows, chosen)
    return {name: column[chosen] for name, column in rows.items()}


def _names(task: str) -> tuple[str, ...]:
    return CLASSES[:5] if task == "detection" else CLASSES


@pytest.mark.parametrize("task", MAKERS)
def test_every_metric_on_every_drawn_set(task: str):
    runs = [MAKERS[task](seed) for seed in range(3)]
    resamples = resample(task, runs, _names(task), number=SETS)
    underivable = {"precision_at_best_f1", "recall_at_best_f1", "f1_at_best_f1", "best_f1_confidence"}
    assert set(resamples.overall) == set(_scores(task, runs[0])[0]) - underivable
    for place, rows in enumerate(runs):
        every = [rows, *(_resampled(rows, chosen) for chosen in _drawn(len(rows["id"])))]
        expected = [_scores(task, one) for one in every]
        for name, values in resamples.overall.items():
            ours = [values.whole[place], *values.resampled[place]]
            assert ours == pytest.approx([overall[name] for overall, _ in expected], rel=1e-9, nan_ok=True), name
        ours = np.stack([resamples.per_class.whole[place], *resamples.per_class.resampled[place]])
        np.testing.assert_allclose(ours, np.stack([per_class for _, per_class in expected]), rtol=1e-9)


def test_against_scikit_learn():
    rows = _labelled(0)
    resamples = resample("classification", [rows], CLASSES, number=SETS)
    for place, chosen in enumerate(_drawn(60)):
        label, predicted = rows["label"][chosen], rows["predicted"][chosen]
        assert resamples.overall["f1"].resampled[0, place] == pytest.approx(f1_score(label, predicted, average="macro"))
        assert resamples.overall["accuracy"].resampled[0, place] == pytest.approx(accuracy_score(label, predicted))


@pytest.mark.parametrize("task", MAKERS)
def test_images_are_matched_by_their_ids(task: str):
    rows = MAKERS[task](0)
    turned = _resampled(rows, np.arange(len(rows["id"]))[::-1])
    resamples = resample(task, [rows, turned], _names(task), number=SETS)
    for values in resamples.overall.values():
        np.testing.assert_allclose(values.resampled[0], values.resampled[1], rtol=1e-12)


def test_sets_do_not_depend_on_the_memory_at_hand(monkeypatch: pytest.MonkeyPatch):
    before = resample("classification", [_labelled(0)], CLASSES, number=7).overall["f1"].resampled
    monkeypatch.setattr("vyvod.evaluation.resampling._CELLS", 130)  # two sets at once
    np.testing.assert_array_equal(
        resample("classification", [_labelled(0)], CLASSES, number=7).overall["f1"].resampled, before
    )


def test_variance_of_accuracy_is_the_binomial_one():
    # One run: p (1 - p) / N; two independent ones: the sum; the same one twice: nothing, since the images are the same ones.
    source = np.random.default_rng(0)
    label = np.zeros(500, dtype=np.int64)
    rest = {"in_top5": label == 0, "loss": np.zeros(500), "confidence": np.ones(500)}
    runs = [{"id": _ids(500), "label": label, "predicted": source.integers(0, 2, 500), **rest} for _ in range(2)]
    accuracy = resample("classification", runs, CLASSES, number=4000).overall["accuracy"]
    binomial = [share * (1 - share) / 500 for share in accuracy.whole]
    for run in (0, 1):
        assert variance_of_mean(accuracy.of([run])).whole == pytest.approx(binomial[run], rel=0.1)
    both = variance_of_difference(accuracy.of([0]), accuracy.of([1]))
    assert both.whole == pytest.approx(sum(binomial), rel=0.1)
    assert both.between_runs == 0  # of single runs nobody knows
    assert variance_of_difference(accuracy.of([0]), accuracy.of([0])).whole == 0


def test_between_runs_by_hand():
    # Two drawn sets, two runs. Their means: 1, 1, so nothing varies in common; each is 1 away from the mean, and swaps sides.
    arm = Values(np.array([0.0, 1.0]), np.array([[0.0, 2.0], [2.0, 0.0]]))
    variance = variance_of_mean(arm)
    # Own parts -1, 1 and 1, -1: variance 2 each; / (n - 1) = 2, the variance that a mean of two such runs would have.
    assert (variance.whole, variance.between_runs, variance.remaining) == (0, 2, 0)
    # In common only: both runs move by the same.
    common = variance_of_mean(Values(np.array([0.0, 1.0]), np.array([[0.0, 2.0], [1.0, 3.0]])))
    assert (common.whole, common.between_runs, common.remaining) == (2, 0, 2)
    # Runs that score the same show no variance between seeds that could contain it already.
    equal = variance_of_mean(Values(np.array([1.0, 1.0]), arm.resampled))
    assert equal.between_runs == 0


def test_parts_of_the_variance_are_found_again():
    # Values = seed + common part of the set + own part of the set, with variances 1, 4 and 2.25; n = 5 and 3.
    source = np.random.default_rng(0)

    def arm(runs: int) -> Values:
        drawn = 2.0 * source.normal(size=(1, 50000)) + 1.5 * source.normal(size=(runs, 50000))
        return Values(source.normal(size=runs), drawn + source.normal(size=(runs, 1)))

    variance = variance_of_difference(arm(5), arm(3))
    assert variance.whole == pytest.approx(4 + 2.25 / 5 + 4 + 2.25 / 3, rel=0.03)
    assert variance.between_runs == pytest.approx(2.25 / 5 + 2.25 / 3, rel=0.03)
    assert variance.remaining == pytest.approx(8, rel=0.03)


def test_runs_and_sets_without_a_value_are_left_out():
    values = np.array([[1.0, 3.0, np.nan], [np.nan] * 3])
    arm = Values(np.array([2.0, np.nan]), values)
    assert variance_of_mean(arm).whole == 2
    assert math.isnan(variance_of_mean(arm.of([1])).whole)
    assert math.isnan(variance_of_difference(arm, arm.of([1])).remaining)


def test_other_images():
    first, other = _labelled(0), _labelled(0, images=50)
    other["id"] = np.array([f"test/{place:04d}" for place in range(20, 70)])
    with pytest.raises(RunError, match="run 1 has 60, run 2 has 50, and 40 are in both"):
        resample("classification", [first, other], CLASSES)


@pytest.mark.parametrize(
    ("task", "column"), [("classification", "label"), ("segmentation", "support"), ("detection", "truth_box")]
)
def test_other_truth(task: str, column: str):
    first, other = MAKERS[task](0), MAKERS[task](1)
    other[column] = other[column][::-1]
    with pytest.raises(RunError, match=f"column {column}"):
        resample(task, [first, other], _names(task))


def test_no_images_and_no_runs():
    with pytest.raises(RunError, match="no images"):
        resample("classification", [], CLASSES)
    with pytest.raises(RunError, match="no images"):
        resample("classification", [{name: column[:0] for name, column in _labelled(0).items()}], CLASSES)


def test_unknown_task():
    with pytest.raises(SettingsError, match="captioning"):
        resample("captioning", [_labelled(0)], CLASSES)
