"""Tables of differences, and the comparison once more from nothing but the files of run folders."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from vyvod.evaluation.differences import class_rows, compare_arms, metric_rows, summarise_arm
from vyvod.evaluation.resampling import resample

CLASSES = ("cat", "dog", "cow")
ARMS = ([0, 1, 2], [3, 4, 5, 6])
IMAGES = 400


def _write_runs(folder: Path) -> list[Path]:
    """Seven run folders: right in 70 % and in 80 % of the images; what is hard for one arm is not what is hard for the other."""
    source = np.random.default_rng(3)
    label, hard = source.integers(0, 3, IMAGES), source.normal(0, 1, (2, IMAGES))
    runs = []
    for place in range(7):
        arm, ease = (0, 0.74) if place in ARMS[0] else (1, 1.19)
        right = source.normal(0, 1, IMAGES) + hard[arm] < ease + source.normal(0, 0.05)
        predicted = np.where(right, label, (label + source.integers(1, 3, IMAGES)) % 3)
        rows = {
            "id": np.array([f"test/{number:03d}" for number in range(IMAGES)]),
            "label": label,
            "predicted": predicted,
            "confidence": source.random(IMAGES).astype(np.float32),
            "in_top5": np.ones(IMAGES, dtype=np.bool_),
            "loss": source.random(IMAGES).astype(np.float32),
        }
        run = folder / f"run{place}"
        run.mkdir()
        np.savez(run / "test.npz", **rows)
        scores = {"f1": f1_score(label, predicted, average="macro"), "loss": float(rows["loss"].mean()), "odd": None}
        (run / "scores.json").write_text(json.dumps(scores | ({} if place else {"odd": 1.0})))
        runs.append(run)
    return runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return _write_runs(tmp_path_factory.mktemp("runs"))


def _load(runs: list[Path]) -> list[dict[str, np.ndarray]]:
    return [dict(np.load(run / "test.npz")) for run in runs]


def test_recomputed_from_the_files_alone(runs: list[Path]):
    """The whole comparison, step by step, with scikit-learn's F1, other draws, and textbook formulas."""
    resamples = resample("classification", _load(runs), CLASSES)
    f1 = resamples.overall["f1"]
    ours = compare_arms(f1.of(ARMS[0]), f1.of(ARMS[1]), margin=0.01)

    files = [np.load(run / "test.npz") for run in runs]
    values = np.array([json.loads((run / "scores.json").read_text())["f1"] for run in runs])
    drawn = np.empty((7, 1000))
    source = np.random.default_rng(12345)
    for number in range(1000):
        chosen = source.integers(0, IMAGES, IMAGES)
        for place, file in enumerate(files):
            label, predicted = file["label"][chosen], file["predicted"][chosen]
            hits = [np.sum((label == k) & (predicted == k)) for k in range(3)]
            drawn[place, number] = np.mean(
                [2 * hits[k] / (np.sum(label == k) + np.sum(predicted == k)) for k in range(3)]
            )
    baseline, idea = drawn[:3], drawn[3:]
    whole = np.var(idea.mean(axis=0) - baseline.mean(axis=0), ddof=1)
    # Of a table of runs x sets: interaction mean square = variance of what neither the run nor the set explains.
    own = 0.0
    for arm in (baseline, idea):
        left = arm - arm.mean(axis=0) - arm.mean(axis=1, keepdims=True) + arm.mean()
        mean_square = (left**2).sum() / ((len(arm) - 1) * (1000 - 1))
        own += mean_square / len(arm)
    test_variance = whole - own
    terms = np.array([values[:3].var(ddof=1) / 3, values[3:].var(ddof=1) / 4])
    error = math.sqrt(terms.sum() + test_variance)
    df = error**4 / (terms[0] ** 2 / 2 + terms[1] ** 2 / 3)
    difference = values[3:].mean() - values[:3].mean()
    half = stats.t.ppf(0.975, df) * error

    assert f1.whole == pytest.approx(values, rel=1e-12)
    assert ours.difference == pytest.approx(difference, rel=1e-9)
    # Two times a thousand draws: each variance is known to 4.5 %, a difference of two of them to less.
    assert ours.test_variance == pytest.approx(test_variance, rel=0.2)
    assert ours.standard_error == pytest.approx(error, rel=0.1)
    assert (ours.low, ours.high) == pytest.approx((difference - half, difference + half), abs=0.15 * half)
    assert ours.verdict == "better"


def test_table_of_metrics(runs: list[Path]):
    scores = [json.loads((run / "scores.json").read_text()) for run in runs]
    resamples = resample("classification", _load(runs), CLASSES, number=100)
    rows = {row["name"]: row for row in metric_rows(scores, resamples, ARMS)}
    assert list(rows) == ["f1", "loss", "odd"]
    values = np.array([run["f1"] for run in scores])
    assert rows["f1"]["baseline"] == pytest.approx(values[:3].mean())
    assert rows["f1"]["idea"] == pytest.approx(values[3:].mean())
    assert rows["f1"]["low"] < rows["f1"]["difference"] < rows["f1"]["high"]
    # Known of one run of the baseline only, and not from the per-image columns.
    assert rows["odd"] == {"name": "odd", "baseline": 1.0, "idea": None, "difference": None, "low": None, "high": None}
    assert json.dumps(list(rows.values()), allow_nan=False)


def test_table_of_classes(runs: list[Path]):
    resamples = resample("classification", _load(runs), (*CLASSES, "owl"), number=100)
    rows = class_rows((*CLASSES, "owl"), "f1", resamples, ARMS)
    assert [row["class"] for row in rows] == ["cat", "dog", "cow", "owl"]
    first = [f1_score(file["label"], file["predicted"], average=None)[0] for file in _load(runs)]
    assert rows[0]["difference"] == pytest.approx(np.mean(first[3:]) - np.mean(first[:3]))
    assert rows[0]["low"] < rows[0]["difference"] < rows[0]["high"]
    assert rows[3] == {
        "class": "owl", "metric": "f1", "baseline": None, "idea": None, "difference": None, "low": None, "high": None
    }  # fmt: skip


def test_summary_is_wider_than_its_seeds(runs: list[Path]):
    arm = resample("classification", _load(runs), CLASSES).overall["f1"].of(ARMS[0])
    summary = summarise_arm(arm)
    assert summary.mean == pytest.approx(arm.whole.mean())
    # Hard images are hard for all runs: near sqrt(0.21 / 400) on top of what seeds show.
    assert summary.high - summary.mean > 1.96 * 0.015
