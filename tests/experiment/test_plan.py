"""The file of an experiment: what it means, and a sentence for everything that is wrong with it."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.experiment.experiments import tiny, write

from vyvod.errors import SettingsError
from vyvod.experiment.plan import _spread, read_plan


def _problem(file: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        read_plan(file)
    return str(caught.value)


def test_what_a_file_means(tmp_path: Path) -> None:
    plan = read_plan(write(tmp_path, changes={"smoother": {"training.label_smoothing": 0.1}}))
    assert (plan.name, plan.task, plan.metric, plan.direction, plan.margin) == (
        "tiny",
        "classification",
        "f1",
        "up",
        0.02,
    )
    assert plan.seeds == (0, 1, 2)
    assert [arm.name for arm in plan.arms] == ["baseline", "smoother"]
    assert plan.baseline.settings.training.label_smoothing == 0
    assert plan.ideas[0].settings.training.label_smoothing == 0.1
    assert plan.ideas[0].settings.training.epochs == 2, "the rest is the baseline's"


def test_a_grid_is_an_idea_for_each_value(tmp_path: Path) -> None:
    changes = {"wide": {"model.width": {"grid": [8, 16]}, "training.ema": 0.9}, "two": {
        "model.depth": {"grid": [2]}, "training.optimizer": {"grid": ["sgd", "adamw"]}}}  # fmt: skip
    plan = read_plan(write(tmp_path, changes=changes))
    assert [idea.name for idea in plan.ideas] == ["wide-8", "wide-16", "two-2-sgd", "two-2-adamw"]
    assert [(idea.settings.model.model_extra or {})["width"] for idea in plan.ideas] == [8, 16, 4, 4]
    assert dict(plan.ideas[1].changes) == {"model.width": 16, "training.ema": 0.9}


def test_values_of_a_grid_keep_their_sign(tmp_path: Path) -> None:
    values = [0.1, -0.1, 1e-05, "first - second", [1, -2], [1, 2]]
    names = ["x-0.1", "x--0.1", "x-1e-05", "x-first-second", "x-1--2", "x-1-2"]
    assert [name for name, _ in _spread({"x": {"some.setting": {"grid": values}}}, [])] == names


def test_the_file_gives_the_name_of_a_folder(tmp_path: Path) -> None:
    file = write(tmp_path)
    for name, expected in (("wide net.yaml", "wide-net"), ("...yaml", "experiment"), (".hidden.yaml", "hidden")):
        assert read_plan(file.rename(tmp_path / name)).name == expected
        file = tmp_path / name


def test_another_architecture_brings_its_own_options_and_not_those_of_the_baseline(tmp_path: Path) -> None:
    (idea,) = read_plan(write(tmp_path, changes={"deep": {"model": "resnet", "model.depth": 18}})).ideas
    assert idea.settings.model.name == "resnet"
    assert "width" not in (idea.settings.model.model_extra or {})


def test_metric_direction_and_seeds_of_the_file(tmp_path: Path) -> None:
    goal = {"metric": "calibration_error", "margin": 0.01, "direction": "down"}
    plan = read_plan(write(tmp_path, goal=goal, seeds=[7, 3], target=0.2))
    assert (plan.metric, plan.direction, plan.seeds, plan.target) == ("calibration_error", "down", (7, 3), 0.2)


def test_declared_data_may_change(tmp_path: Path) -> None:
    (idea,) = read_plan(write(tmp_path, changes={"fewer": {"data.limit": 100}}, declared=["data"])).ideas
    assert idea.settings.data.limit == 100


def test_runs_before(tmp_path: Path) -> None:
    changes = {"warm": {"model.weights": "before/first"}}
    plan = read_plan(write(tmp_path, changes=changes, before={"first": tiny(seed=5)}))
    assert [arm.name for arm in plan.before] == ["first"]
    assert plan.ideas[0].needs == "first"
    assert plan.baseline.needs is None


def test_a_run_folder_is_a_baseline(finished_run: Path, tmp_path: Path) -> None:
    plan = read_plan(write(tmp_path, baseline=str(finished_run)))
    assert plan.baseline.settings.data.limit == 300


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed_count": 3}, "There is no 'seed_count' in an experiment file"),
        ({"goal": {"margin": 0.01, "metrics": "f1"}}, "Did you mean 'metric'?"),
        ({"goal": None}, "goal is missing. Say what is to be improved"),
        ({"goal": {"metric": "f1"}}, "goal.margin is missing. Say what difference"),
        ({"goal": {"margin": 0}}, "goal.margin=0: expected greater than 0"),
        ({"goal": {"margin": -1}}, "goal.margin=-1"),
        ({"goal": {"metric": "accurracy", "margin": 0.1}}, "no metric of classification. Did you mean 'accuracy'?"),
        ({"goal": {"metric": "map", "margin": 0.1}}, "goal.metric=map is no metric of classification"),
        ({"goal": {"margin": 0.1, "direction": "down"}}, "f1 is better when it is higher"),
        ({"idea": None}, "idea is missing"),
        ({"baseline": "nowhere.yaml"}, "nowhere.yaml does not exist"),
        ({"baseline": {"training": {"epoch": 3}}}, "baseline: There is no setting 'training.epoch'"),
        ({"changes": {}}, "changes={}"),
        ({"changes": {"nothing": {}}}, "changes.nothing changes nothing"),
        ({"changes": {"same": {"training.epochs": 2}}}, "changes.same changes nothing: training.epochs=2"),
        ({"changes": {"same": {"model.dropout": 0.0}}}, "changes nothing"),
        ({"changes": {"same": {"data.workers": 3}}}, "changes nothing"),
        ({"changes": {"x": {"seed": 3}}}, "all arms are trained with the seeds of"),
        ({"changes": {"x": {"tracking": []}}}, "where numbers are sent changes none of them"),
        ({"changes": {"x": {"report.language": "ru"}}}, "changes no number"),
        ({"changes": {"x": {"training.threads": 4}}}, "the same number of threads"),
        ({"changes": {"x": {"data.limit": 100}}}, "declare it: declared: [data]"),
        ({"changes": {"x": {"data": "cifar10"}}}, "other images"),
        ({"changes": {"x": {"training": {"epochs": 3}}}}, "changes.x.training is a group of settings"),
        ({"changes": {"x": {"training.epoch": 3}}}, "changes.x: There is no setting 'training.epoch'"),
        ({"changes": {"x": {"model": "unet"}}}, "changes.x"),
        ({"changes": {"x": {"model.width": {"grid": []}}}}, "expected a list of values"),
        ({"changes": {"baseline": {"training.epochs": 3}}}, "'baseline' cannot be the name of an idea"),
        ({"changes": {"a b": {"training.epochs": 3}}}, "'a b' cannot be the name of an idea"),
        ({"changes": {"x": {"model.weights": "before/none"}}}, "before/none names no run that is trained before"),
        ({"before": {"unused": tiny()}}, "before.unused is used by no arm"),
        ({"seeds": 0}, "seeds=0"),
        ({"seeds": [1, 1]}, "expected different whole numbers"),
        ({"name": "a/b"}, "name='a/b'"),
        ({"name": ".."}, "name='..'"),
        ({"name": "-v"}, "name='-v'"),
        ({"changes": {"..": {"training.epochs": 3}}}, "'..' cannot be the name of an idea"),
        ({"before": {"../x": "baseline.yaml"}}, "before: '../x' cannot be a name"),
    ],
)
def test_mistakes(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    assert says in _problem(write(tmp_path, **changes))


def test_all_problems_in_one_message(tmp_path: Path) -> None:
    text = _problem(
        write(
            tmp_path,
            goal={"metric": "map", "margin": 0.1},
            changes={"x": {"training.epoch": 3}, "y": {"seed": 1}, "z": {"data.limit": 5}},
            seeds=[],
        )
    )
    assert text.startswith(f"5 problems in {tmp_path / 'tiny.yaml'}:")
    assert [re.sub(r"^  - (\S+) .*", r"\1", line) for line in text.splitlines()[1:]] == [
        "changes.x:",
        "changes.y",
        "changes.z",
        "seeds=[]:",
        "goal.metric=map",
    ]


def test_an_unfinished_baseline(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    record = (finished_run / "run.json").read_text().replace('"status": "finished"', '"status": "interrupted"')
    (tmp_path / "run" / "run.json").write_text(record)
    assert "is not finished. Go on with it first" in _problem(write(tmp_path, baseline="run"))
