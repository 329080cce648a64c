"""What was written is read back with TensorBoard's own reader."""

import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vyvod.tracking.trackers import open_trackers

PER_CLASS = {"f1": {"T-shirt": 0.25, "Pullover": 0.75}}


def open_one(folder: Path, *, resume_epoch: int) -> Any:
    (tracker,) = open_trackers(["tensorboard"], folder, name="run", settings={}, resume_epoch=resume_epoch)
    return tracker


def row(epoch: int, value: float) -> dict[str, float]:
    return {
        "epoch": epoch,
        "train_loss": value,
        "train_loss/aux": value / 2,
        "val_f1": 1 - value,
        "learning_rate": 0.125,
    }


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return events


def points(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_curves_by_epoch(tmp_path: Path) -> None:
    tracker = open_one(tmp_path, resume_epoch=0)
    for epoch in (1, 2):
        tracker.epoch(row(epoch, 0.5 / epoch), epoch=epoch, per_class=PER_CLASS)
    Image.new("L", (5, 4), 200).save(tmp_path / "0001.png")
    tracker.images("examples", [tmp_path / "0001.png"])
    tracker.close({"test_f1": 0.5})

    events = read(tmp_path)
    assert points(events, "train/loss") == [(1, 0.5), (2, 0.25)]
    assert points(events, "train/loss/aux") == [(1, 0.25), (2, 0.125)]
    assert points(events, "val/f1") == [(1, 0.5), (2, 0.75)]
    assert points(events, "training/learning_rate") == [(1, 0.125), (2, 0.125)]
    assert points(events, "per_class/f1/T-shirt") == [(1, 0.25), (2, 0.25)]
    assert points(events, "test/f1") == [(2, 0.5)]
    assert "training/epoch" not in events.Tags()["scalars"]
    (image,) = events.Images("examples/0001")
    assert (image.step, image.width, image.height) == (2, 5, 4)


def test_resumed_run_takes_back_what_was_not_saved(tmp_path: Path) -> None:
    # Killed after epochs 2 and 3 were shown, with a checkpoint of epoch 1.
    killed = open_one(tmp_path, resume_epoch=0)
    for epoch in (1, 2, 3):
        killed.epoch(row(epoch, 0.5), epoch=epoch, per_class={})
    killed.writer.close()
    # Event files are read in the order of their names, which begin with the second; what follows is not in order.
    time.sleep(1.1)
    resumed = open_one(tmp_path, resume_epoch=1)
    resumed.epoch(row(2, 0.25), epoch=2, per_class={})
    resumed.close({})
    assert points(read(tmp_path), "train/loss") == [(1, 0.5), (2, 0.25)]


def test_values_are_on_disk_after_each_epoch(tmp_path: Path) -> None:
    tracker = open_one(tmp_path, resume_epoch=0)
    tracker.epoch(row(1, 0.5), epoch=1, per_class={})
    assert points(read(tmp_path), "val/f1") == [(1, 0.5)]
    tracker.close({})


@pytest.mark.parametrize("names", [[], ()])
def test_nothing_asked_for_nothing_opened(tmp_path: Path, names: Any) -> None:
    assert open_trackers(names, tmp_path, name="run", settings={}, resume_epoch=0) == []
    assert list(tmp_path.iterdir()) == []
