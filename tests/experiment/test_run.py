"""A whole run: what is in the folder, the same bits again, killed and resumed, extended, over two processes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import kills
from safetensors.torch import load_file
from tests.experiment.small import small

from vyvod.errors import RunError, TrainingError, UserError
from vyvod.experiment import assembly, record
from vyvod.experiment.run import judge, resume, train
from vyvod.tasks.classification import from_rows
from vyvod.training import checkpoint
from vyvod.types import Silence


class Stop(Silence):
    """Presses Ctrl-C at the end of an epoch, or elsewhere."""

    def __init__(self, label: str) -> None:
        self.label = label

    def begin(self, label: str, total: int) -> None:
        if label == self.label:
            raise KeyboardInterrupt


def test_the_folder_is_as_designed(finished_run: Path) -> None:
    names = {path.relative_to(finished_run).as_posix() for path in finished_run.rglob("*") if path.is_file()}
    assert names >= {
        "settings.yaml", "run.json", "requirements.txt", "metrics.csv", "per_class.csv", "scores.json",
        "per_image/val.npz", "per_image/test.npz", "checkpoints/best.safetensors", "checkpoints/last.safetensors",
        "checkpoints/last.pt", "examples.json", "examples/0001.png", "README.md", "report.html", "figures/loss.png",
    }  # fmt: skip
    told = json.loads((finished_run / "run.json").read_text())
    assert told["status"] == "finished"
    assert told["command"] == "vyvod train small.yaml"
    assert told["data"]["splits"]["val"]["origin"] == {"source": "train", "carved": True, "share": 0.1, "seed": 0}
    with (finished_run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])


def test_scores_follow_from_the_per_image_files(finished_run: Path) -> None:
    told = json.loads((finished_run / "scores.json").read_text())
    for split in ("val", "test"):
        with np.load(finished_run / "per_image" / f"{split}.npz") as file:
            again = from_rows(dict(file), 10)
        assert told[split]["overall"] == pytest.approx(again.overall)


def test_the_scores_of_val_are_those_of_the_chosen_epoch(finished_run: Path) -> None:
    told = json.loads((finished_run / "run.json").read_text())
    scores = json.loads((finished_run / "scores.json").read_text())
    with (finished_run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: float(row["val_f1"]))
    assert told["best_epoch"] == int(best["epoch"])
    assert scores["val"]["overall"]["f1"] == pytest.approx(float(best["val_f1"]), abs=1e-12)


@pytest.mark.parametrize("label", ["epoch 2/3", "validating", "evaluating test"])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path: Path, label: str) -> None:
    settings = {
        "training": {"epochs": 3, "ema": 0.9, "optimizer": "sgd"},
        "augmentation": {"cutmix": 1.0},
        "model": {"dropout": 0.3},
    }
    quiet = train(small(tmp_path / "quiet", **settings))
    with pytest.raises(KeyboardInterrupt):
        train(small(tmp_path / "stopped", **settings), progress=Stop(label))
    stopped = tmp_path / "stopped" / quiet.name
    assert record.open_folder(stopped)["status"] == "interrupted"
    torch.rand(5)
    resume(stopped)
    assert kills.compare(quiet, stopped) == []
    assert record.open_folder(stopped)["status"] == "finished"


def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    kills.run(tmp_path / "quiet")
    hits = kills.kill_and_resume(tmp_path / "killed", kills=2, longest=4, seed=3)
    assert hits
    assert kills.compare(tmp_path / "quiet", tmp_path / "killed") == []


def test_threads_are_those_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(assembly, "_THREADS", 2)
    for wanted in (3, None):
        train(small(tmp_path, training={"epochs": 1, "threads": wanted}))
        threads.append(torch.get_num_threads())
    assert threads == [3, 2], "a run has nothing of the runs that the process made before"


def test_a_taken_name_is_numbered(tmp_path: Path) -> None:
    folders = [record.create_folder(tmp_path / "runs", "a b/c") for _ in range(3)]
    assert [folder.name for folder in folders] == ["a-b-c", "a-b-c-2", "a-b-c-3"]


def test_extended(tmp_path: Path) -> None:
    folder = train(small(tmp_path, training={"epochs": 1}))
    before = load_file(folder / "checkpoints" / "last.safetensors")
    resume(folder, epochs="+1")
    told = record.open_folder(folder)
    assert (told["epochs"], told["trained_epochs"]) == (2, 2)
    assert [event["event"] for event in told["history"]] == ["started", "extended"]
    after = load_file(folder / "checkpoints" / "last.safetensors")
    assert any(not torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(UserError, match="less than the 2"):
        resume(folder, epochs="1")


def test_two_processes_take_the_step_of_one(tmp_path: Path) -> None:
    # One step of two accumulated batches. After many steps rounding alone drives any two trainings apart: a ReLU input of
    # 1e-9 on one side is 0 on the other.
    settings = {
        "data": {"limit": 80},
        "training": {
            "batch_size": 40,
            "accumulate": 2,
            "clip_norm": 1.0,
            "optimizer": "sgd",
            "momentum": 0,
            "ema": 0.5,
        },
        "augmentation": {"mixup": 0.3, "cutmix": 1.0, "erase": 0.2, "color": 0.3},
    }
    weights, scores = [], []
    for epochs, devices in ((0, 1), (1, 1), (1, 2)):
        training = {**settings["training"], "epochs": epochs, "devices": devices, "warmup_epochs": 0}
        folder = train(small(tmp_path / f"{epochs}-{devices}", **{**settings, "training": training}))
        weights.append(load_file(folder / "checkpoints" / "best.safetensors"))
        scores.append(np.load(folder / "per_image" / "test.npz"))
    start, one, two = weights
    for name in start:
        update = (one[name] - start[name]).double().norm()
        assert (two[name] - one[name]).double().norm() <= 0.01 * update + 1e-7, name
    assert scores[1]["id"].tolist() == scores[2]["id"].tolist(), "no image is counted twice or left out"
    assert np.allclose(scores[1]["loss"], scores[2]["loss"], atol=1e-3)


def test_a_wrong_monitor_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training\.monitor=acuracy is not .* Did you mean 'accuracy'"):
        train(small(tmp_path, training={"monitor": "acuracy"}))
    assert list(tmp_path.iterdir()) == []


def test_mistakes_in_another_process_come_as_sentences(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training\.monitor=f2 is not a metric of this task"):
        train(small(tmp_path, training={"devices": 2, "monitor": "f2"}))


def test_early_stopping(tmp_path: Path) -> None:
    folder = train(small(tmp_path, training={"epochs": 20, "patience": 1, "learning_rate": 1e-12, "warmup_epochs": 0}))
    assert record.open_folder(folder)["trained_epochs"] < 20


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    settings = small(
        tmp_path, training={"learning_rate": 1e18, "optimizer": "sgd", "warmup_epochs": 0, "momentum": 0.9}
    )
    with pytest.raises(TrainingError, match=r"The loss became \w+ in epoch \d, step \d of \d, part 'cross_entropy'"):
        train(settings)
    told = record.open_folder(next(tmp_path.iterdir()))
    assert told["status"] == "failed"
    assert "The loss became" in told["error"]


def test_a_folder_in_use_is_refused(finished_run: Path) -> None:
    with record.held(finished_run), pytest.raises(RunError, match="in use by another process"):
        resume(finished_run, epochs="+1")


def test_a_finished_run_is_left_alone(finished_run: Path) -> None:
    before = (finished_run / "run.json").read_bytes()
    with pytest.raises(RunError, match=r"is finished already. Make it longer with training\.epochs=\+N"):
        resume(finished_run)
    assert (finished_run / "run.json").read_bytes() == before


def test_changed_data_are_noticed(tmp_path: Path) -> None:
    folder = train(small(tmp_path, training={"epochs": 1}))
    told = record.open_folder(folder)
    told["data"]["splits"]["train"]["fingerprint"] = "other"
    record.update(folder, data=told["data"])
    before = (folder / "run.json").read_bytes()
    with pytest.raises(RunError, match="images of the train split have changed"):
        resume(folder, epochs="+1")
    assert (folder / "run.json").read_bytes() == before, "what was found before stays as it is"


@pytest.mark.parametrize("damage", ["truncate", "hostile", "other"])
def test_a_damaged_training_state_is_refused(tmp_path: Path, damage: str) -> None:
    folder = train(small(tmp_path, training={"epochs": 1}))
    state = folder / "checkpoints" / "last.pt"
    if damage == "truncate":
        state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    elif damage == "hostile":
        torch.save(_Hostile(tmp_path / "ran"), state)
    else:
        torch.save({"format": checkpoint.FORMAT, "network": {"a": torch.zeros(1)}}, state)
    with pytest.raises(RunError):
        resume(folder, epochs="+1")
    assert not (tmp_path / "ran").exists()


class _Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_weights_of_a_run_are_evaluated_as_they_are(finished_run: Path, tmp_path: Path) -> None:
    settings = small(tmp_path, model={"weights": str(finished_run)})
    folder = judge(settings)
    assert json.loads((folder / "scores.json").read_text()) == json.loads((finished_run / "scores.json").read_text())


def test_frozen_parts_stay_and_are_freed(tmp_path: Path, finished_run: Path) -> None:
    frozen = {"weights": str(finished_run), "freeze": ["all-but-head"]}
    start = load_file(finished_run / "checkpoints" / "best.safetensors")
    for epochs, freed in ((1, False), (2, True)):
        model = {**frozen, "freeze_epochs": 1}
        folder = train(small(tmp_path / str(epochs), model=model, training={"epochs": epochs}))
        last = load_file(folder / "checkpoints" / "last.safetensors")
        moved = {name for name in start if not torch.equal(start[name], last[name])}
        assert any(not name.startswith("head") for name in moved) == freed


def test_running_out_of_memory_names_what_to_lower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vyvod.experiment import run

    def greedy(*_: object, **__: object) -> None:
        torch.empty(1 << 55)

    monkeypatch.setattr(run, "fit", greedy)
    with pytest.raises(TrainingError, match=r"Lower training.batch_size"):
        train(small(tmp_path))
