"""Experiments of seconds: their files, runs without pictures, and an execution in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from vyvod.experiment import runner
from vyvod.experiment.execution import Job, Room, Watch, perform

TINY: dict[str, Any] = {
    "data": {"name": "fashion-mnist-mini", "limit": 200, "audit": False},
    "model": {"name": "plain", "width": 4, "stages": 2, "depth": 1},
    "training": {"epochs": 2, "batch_size": 50, "learning_rate": 0.01, "threads": 1},
    "tracking": [],
}
SMOOTHER = {"smoother": {"training.label_smoothing": 0.1}}


def write(folder: Path, **changes: Any) -> Path:
    """An experiment file with its baseline beside it; ``baseline`` in ``changes`` are further groups of it."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "goal": {"margin": 0.02},
        "idea": "It is worth a try.",
        "seeds": 3,
        "changes": SMOOTHER,
        "baseline": "baseline.yaml",
        **changes,
    }
    if "baseline" not in changes:
        (folder / "baseline.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")
    path = folder / "tiny.yaml"
    path.write_text(
        yaml.safe_dump({key: value for key, value in record.items() if value is not None}, sort_keys=False),
        encoding="utf-8",
    )
    return path


def tiny(**changes: Any) -> dict[str, Any]:
    """The baseline's settings; groups are merged."""
    record = {key: dict(value) if isinstance(value, dict) else value for key, value in TINY.items()}
    for key, value in changes.items():
        record[key] = {**record.get(key, {}), **value} if isinstance(value, dict) else value
    return record


def told(name: str, file: str = "record.json") -> Any:
    return json.loads((Path("experiments") / name / file).read_text(encoding="utf-8"))


def statuses(name: str) -> dict[str, list[str]]:
    return {arm["name"]: [run["status"] for run in arm["runs"]] for arm in told(name)["arms"]}


def inline(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
    """Trains one run after the other in this process."""
    for job in jobs:
        watch.began(job)
        watch.tick()
        watch.ended(perform(job))


def without_pictures(
    monkeypatch: pytest.MonkeyPatch, execution: Callable[..., None] = inline, *, report: bool = False
) -> None:
    """The runs write an empty report, and are trained by ``execution``; so does the experiment, unless ``report``."""

    def write_report(folder: Path, settings: object) -> None:
        (folder / "report.html").write_text("", encoding="utf-8")

    monkeypatch.setattr("vyvod.experiment.run.write_report", write_report)
    if not report:
        monkeypatch.setattr(runner, "write_experiment_report", write_report)
    monkeypatch.setattr(runner, "find_execution", lambda on: execution)
