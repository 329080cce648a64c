"""Results follow from run folders alone, as anybody can compute them from the files; what cannot be compared is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score
from tests.experiment.experiments import inline, tiny

from vyvod.errors import RunError, UserError
from vyvod.experiment import record
from vyvod.experiment.comparable import compare_folders
from vyvod.experiment.comparing import Question, compare_runs, write_results
from vyvod.experiment.evidence import ArmRuns, Evidence, read_evidence
from vyvod.experiment.execution import Job, Room, Watch
from vyvod.experiment.flips import flips
from vyvod.experiment.settings import check

ARMS: dict[str, dict[str, Any]] = {"plain": {}, "longer": {"training": {"epochs": 4}}}
QUESTION = Question("classification", "f1", "up", 0.02, target="baseline")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of two arms: plain-0 ... longer-2. Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vyvod.experiment.run.write_report", lambda folder, settings: None)
        jobs = [
            Job(
                arm,
                check(tiny(seed=seed, folder=str(folder), **changes)),
                record.create_folder(folder, f"{arm}-{seed}"),
            )
            for arm, changes in ARMS.items()
            for seed in range(3)
        ]
        inline(jobs, Room(1, 1), Watch())
    return folder


def _arm(runs: Path, name: str, number: int = 3) -> ArmRuns:
    return ArmRuns(name, [read_evidence(runs / f"{name}-{seed}") for seed in range(number)])


def _folders(runs: Path, name: str) -> list[Path]:
    return [runs / f"{name}-{seed}" for seed in range(3)]


def _copied(runs: Path, name: str, target: Path) -> Path:
    shutil.copytree(runs / name, target / name)
    return target / name


def test_recomputed_from_the_files_of_the_run_folders(runs: Path) -> None:
    """Nothing of this package: predictions, scikit-learn's F1, a bootstrap of one's own, Welch's formulas."""
    results = compare_runs(QUESTION, _arm(runs, "plain"), [_arm(runs, "longer")])
    columns = [[np.load(path / "per_image" / "test.npz") for path in _folders(runs, arm)] for arm in ARMS]

    def f1(images: np.ndarray) -> np.ndarray:
        return np.array(
            [
                [
                    f1_score(run["label"][images], run["predicted"][images], average="macro", zero_division=0)
                    for run in arm
                ]
                for arm in columns
            ]
        )

    images = len(columns[0][0]["id"])
    values = f1(np.arange(images))
    (idea,) = results["ideas"]
    compared = idea["comparison"]
    assert [run["value"] for run in results["baseline"]["runs"]] == pytest.approx(values[0].tolist())
    assert compared["difference"] == pytest.approx(values[1].mean() - values[0].mean())
    assert compared["components"]["baseline"] == pytest.approx(values[0].var(ddof=1) / 3)
    assert compared["components"]["idea"] == pytest.approx(values[1].var(ddof=1) / 3)
    rng = np.random.default_rng(1)
    drawn = np.array([f1(rng.integers(images, size=images)) for _ in range(400)])
    means = drawn.mean(axis=2)
    own = sum((drawn[:, arm] - means[:, arm, None]).var(axis=0, ddof=1).mean() / 2 for arm in range(2))
    test_set = max((means[:, 1] - means[:, 0]).var(ddof=1) - own, 0)
    assert compared["components"]["test_set"] == pytest.approx(test_set, rel=0.35, abs=2e-5)
    terms = [compared["components"][name] for name in ("baseline", "idea", "test_set")]
    error, df = sum(terms) ** 0.5, sum(terms) ** 2 / (terms[0] ** 2 / 2 + terms[1] ** 2 / 2)
    half = stats.t.ppf(0.975, df) * error
    assert (compared["standard_error"], compared["df"]) == (pytest.approx(error), pytest.approx(df))
    assert compared["low"] == pytest.approx(compared["difference"] - half)
    assert compared["p"] == pytest.approx(2 * stats.t.sf(abs(compared["difference"]) / error, df))


def test_what_is_in_the_results(runs: Path) -> None:
    results = compare_runs(QUESTION, _arm(runs, "plain"), [_arm(runs, "longer")])
    assert results["resamples"] == 1000
    assert json.loads(json.dumps(results, allow_nan=False)) == results, "plain values, and no NaN"
    (idea,) = results["ideas"]
    assert idea["changes"] == [{"key": "training.epochs", "before": 2, "after": 4}]
    assert {row["name"] for row in idea["metrics"]} >= {"f1", "accuracy", "top5", "loss"}
    assert [row["class"] for row in idea["per_class"]][:2] == ["T-shirt/top", "Trouser"]
    f1 = next(row for row in idea["metrics"] if row["name"] == "f1")
    assert f1["difference"] == pytest.approx(idea["comparison"]["difference"])
    assert idea["cost"]["parameters"] == results["baseline"]["cost"]["parameters"]
    assert [run["epochs"] for run in idea["runs"]] == [4, 4, 4]
    assert idea["time_to_target"]["metric"] == "val_f1"
    assert idea["time_to_target"]["units"]["epochs"]["verdict"] == "cannot", "three runs against three never decide"
    assert idea["also_changed"] == ["training.epochs differs besides: 2 and 4."], "nobody has declared it"
    declared = ArmRuns("longer", _arm(runs, "longer").runs, {"training.epochs": 4})
    assert compare_runs(QUESTION, _arm(runs, "plain"), [declared])["ideas"][0]["also_changed"] == []


def test_results_are_derived_from_the_folders_that_the_record_names(runs: Path, tmp_path: Path) -> None:
    entries = {
        arm: [{"seed": n, "folder": str(runs / f"{arm}-{n}"), "status": "finished", "error": None} for n in range(3)]
        for arm in ARMS
    }
    entries["longer"][2] |= {"status": "failed", "error": "The loss is not finite."}
    entries["plain"][2]["folder"] = str(tmp_path / "gone")
    goal = {"metric": "f1", "direction": "up", "margin": 0.02}
    known = {
        "task": "classification", "registered": {"goal": goal, "target": None, "changes": {"longer": {"training.epochs": 4}}},
        "arms": [{"name": arm, "runs": entries[arm]} for arm in ARMS],
    }  # fmt: skip
    (tmp_path / "record.json").write_text(json.dumps(known))
    results = write_results(tmp_path)
    assert json.loads((tmp_path / "results.json").read_text()) == results
    gone, failed = results["baseline"]["runs"][2], results["ideas"][0]["runs"][2]
    assert (gone["status"], gone["value"]) == ("missing", None)
    assert "does not exist" in gone["error"]
    assert (failed["status"], failed["error"]) == ("failed", "The loss is not finite.")
    assert results["ideas"][0]["n"] == 2
    assert results["ideas"][0]["comparison"]["reason"] == "seeds"


def test_a_run_without_a_value_is_listed_and_left_out(runs: Path, tmp_path: Path) -> None:
    """A network that gives NaN at the end has no confidence and no loss; its F1 is a number all the same, this metric is not."""
    folder = _copied(runs, "longer-2", tmp_path)
    scores = json.loads((folder / "scores.json").read_text())
    scores["test"]["overall"]["loss"] = None
    (folder / "scores.json").write_text(json.dumps(scores))
    with np.load(folder / "per_image" / "test.npz") as file:
        columns = {**file, "loss": np.full_like(file["loss"], np.nan)}
    np.savez(folder / "per_image" / "test.npz", **columns)
    arm = ArmRuns("longer", [*_arm(runs, "longer", 2).runs, read_evidence(folder)])
    results = compare_runs(Question("classification", "loss", "down", 0.02), _arm(runs, "plain"), [arm])
    assert results["ideas"][0]["n"] == 2
    assert results["ideas"][0]["runs"][2]["value"] is None
    assert results["ideas"][0]["comparison"]["reason"] == "seeds"


def test_runs_that_are_all_equal(runs: Path) -> None:
    one = read_evidence(runs / "plain-0")
    same = ArmRuns("same", [one] * 3)
    comparison = compare_runs(QUESTION, same, [same])["ideas"][0]["comparison"]
    assert (comparison["difference"], comparison["verdict"], comparison["reason"]) == (0, None, "no_variance")


def test_an_arm_without_runs(runs: Path) -> None:
    nothing = ArmRuns("nothing", [Evidence(0, None, "failed", "It broke.")], {"training.ema": 0.9})
    results = compare_runs(QUESTION, _arm(runs, "plain"), [nothing])
    (idea,) = results["ideas"]
    assert idea["comparison"]["reason"] == "no_values"
    assert (idea["mean"], idea["metrics"], idea["flips"], idea["time_to_target"]) == (None, [], None, None)
    assert idea["changes"] == [{"key": "training.ema", "before": None, "after": 0.9}]
    results = compare_runs(QUESTION, nothing, [_arm(runs, "plain"), nothing])
    assert [idea["comparison"]["reason"] for idea in results["ideas"]] == ["no_values"] * 2


def test_what_differs_besides_the_idea(runs: Path, tmp_path: Path) -> None:
    folder = _copied(runs, "longer-0", tmp_path)
    known = record.open_folder(folder)
    known["data"]["splits"]["train"]["fingerprint"] = "others"
    hardware = known["hardware"] | {"name": "Another CPU"}
    versions = known["versions"] | {"torch": "1.0"}
    before = known["code"]
    record.update(folder, data=known["data"], hardware=hardware, versions=versions, code="another")
    (idea,) = compare_runs(QUESTION, _arm(runs, "plain"), [ArmRuns("longer", [read_evidence(folder)])])["ideas"]
    told = "\n".join(idea["also_changed"])
    assert "The images of the train split differ" in told
    assert f"The code that computes the numbers differs (fingerprints {before} and another)." in told
    assert "Another CPU" in told
    assert "The version of torch differs" in told
    assert len(idea["also_changed"]) == 5


def test_compare_folders(runs: Path) -> None:
    results = compare_folders(_folders(runs, "longer"), _folders(runs, "plain"))
    (idea,) = results["ideas"]
    assert (results["metric"], results["margin"]) == ("f1", 0)
    assert "training.epochs differs besides: 2 and 4." in idea["also_changed"]
    assert compare_folders(_folders(runs, "longer"), _folders(runs, "plain"), metric="calibration_error", margin=0.1)[
        "direction"
    ] == "down"  # fmt: skip


def test_what_cannot_be_compared(runs: Path, tmp_path: Path) -> None:
    plain, longer = _folders(runs, "plain"), _folders(runs, "longer")

    def refused(ideas: list[Path], baseline: list[Path], **options: Any) -> str:
        with pytest.raises(UserError) as caught:
            compare_folders(ideas, baseline, **options)
        return str(caught.value)

    assert "Give runs of both arms" in refused(longer, [])
    assert "named twice" in refused([*longer, longer[0]], plain)
    assert "named twice" in refused(longer, [*plain, longer[0]])
    assert "are not runs of one arm: they differ in training.epochs" in refused([longer[0], plain[0]], plain[1:])
    assert "no metric of classification. Did you mean 'accuracy'?" in refused(longer, plain, metric="acuracy")
    assert "--margin 0: expected" in refused(longer, plain, margin=0)
    assert "does not exist" in refused([tmp_path / "nowhere"], plain)
    copy = _copied(runs, "plain-0", tmp_path)
    assert "have the same settings and seed 0, so they are one run twice" in refused(longer, [*plain, copy])
    record.update(copy, status="interrupted")
    assert "is not finished, so it cannot be compared. Go on with it" in refused(longer, [copy])
    record.update(copy, status="finished", task="segmentation")
    assert "differ in the task (segmentation and classification)" in refused(longer, [copy])
    record.update(copy, task="classification")
    (copy / "per_image" / "test.npz").write_bytes(b"nothing")
    assert "is missing or damaged" in refused(longer, [copy])


@pytest.mark.parametrize("metric", ["best_f1_confidence", "f1_at_best_f1", "mask_map"])
def test_metrics_that_do_not_follow_from_the_files_of_a_run_cannot_decide(
    runs: Path, tmp_path: Path, metric: str
) -> None:
    detectors = [_copied(runs, name, tmp_path) for name in ("longer-0", "plain-0")]
    for folder in detectors:
        record.update(folder, task="detection")
    with pytest.raises(UserError, match=f"^--metric {metric} cannot decide"):
        compare_folders(detectors[:1], detectors[1:], metric=metric)


def test_other_test_images_are_refused_by_name(runs: Path, tmp_path: Path) -> None:
    copy = _copied(runs, "longer-1", tmp_path)
    with np.load(copy / "per_image" / "test.npz") as file:
        columns = {name: column[1:] for name, column in file.items()}
    np.savez(copy / "per_image" / "test.npz", **columns)
    with pytest.raises(RunError) as caught:
        compare_folders([copy], _folders(runs, "plain"))
    assert str(copy) in str(caught.value)
    assert str(runs / "plain-0") in str(caught.value)
    assert "199 are in both" in str(caught.value)


def _answers(*rows: list[int]) -> list[dict[str, np.ndarray]]:
    return [{"id": np.array(list("abcd")), "label": np.zeros(4, int), "predicted": np.array(row)} for row in rows]


def test_flips_by_hand() -> None:
    # a: 0 of 3 -> 2 of 2; b: 1 of 3 -> 2 of 2; c: 3 of 3 -> 0 of 2; d: half of the idea's runs is not most of them.
    baseline = _answers([1, 0, 0, 1], [1, 1, 0, 1], [1, 1, 0, 1])
    found = flips(baseline, _answers([0, 0, 1, 0], [0, 0, 1, 1]))
    assert found == {
        "fixed": [{"id": "a", "baseline_right": 0, "idea_right": 2}, {"id": "b", "baseline_right": 1, "idea_right": 2}],
        "broken": [{"id": "c", "baseline_right": 3, "idea_right": 0}],
    }


def test_flips_of_scores_by_hand() -> None:
    def arm(*rows: list[float]) -> list[dict[str, np.ndarray]]:
        return [{"id": np.array(list("abcd")), "dice": np.array(row)} for row in rows]

    found = flips(arm([0.2, 0.5, 0.9, np.nan], [0.4, 0.5, 0.9, 0.1]), arm([0.9, 0.52, 0.4, 1.0]))
    assert found is not None
    assert [entry["id"] for entry in found["fixed"]] == ["a"], (
        "b gains too little to look at, d has no score in one run"
    )
    assert found["fixed"][0] == {"id": "a", "baseline": pytest.approx(0.3), "idea": 0.9}
    assert [entry["id"] for entry in found["broken"]] == ["c"]


def test_flips_of_nothing() -> None:
    assert flips([], _answers([0, 0, 0, 0])) is None
    assert flips([{"id": np.array(["a"]), "mse": np.zeros(1)}], [{"id": np.array(["a"]), "mse": np.ones(1)}]) is None
