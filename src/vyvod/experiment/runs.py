"""Runs that are there already: which of them a planned run can be spared by, or gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from vyvod.data.load import load_dataset
from vyvod.errors import UserError
from vyvod.experiment.assembly import task_name
from vyvod.experiment.identity import code_fingerprint, settings_hash, text_hash
from vyvod.experiment.record import open_folder
from vyvod.experiment.settings import Settings


@dataclass(slots=True)
class Planned:
    """One run of an arm."""

    arm: str
    settings: Settings
    folder: Path | None = None
    status: str = "missing"
    error: str | None = None
    reused: bool = False

    @property
    def seed(self) -> int:
        """Its seed."""
        return self.settings.seed

    @property
    def label(self) -> str:
        """For a person."""
        return f"{self.arm}, seed {self.seed}"

    def entry(self) -> dict[str, Any]:
        """What the record has of it."""
        folder = None if self.folder is None else shown(self.folder).as_posix()
        return {
            "seed": self.seed, "folder": folder, "status": self.status, "error": self.error, "reused": self.reused,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pictures:
    """The images that settings name, as they are now."""

    fingerprints: Mapping[str, str]
    """Split -> its fingerprint."""
    test_ids: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A run folder with a record."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """Trained, evaluated and reported to the end."""
        return self.record["status"] == "finished" and (self.folder / "report.html").is_file()

    @property
    def fingerprints(self) -> dict[str, str]:
        """Split -> the fingerprint of its images when the run was trained."""
        return {name: split["fingerprint"] for name, split in self.record["data"]["splits"].items()}


@dataclass(slots=True)
class Archive:
    """What there is: the runs of a folder, and the images of the data sets, each read once."""

    folder: Path
    runs: list[Found] = field(default_factory=list)
    known: dict[str, Pictures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runs = list(_runs(self.folder))

    def finished(self, settings: Settings) -> Path | None:
        """A finished run that would be trained to the same numbers: same settings, seed, code and images."""
        fitting = self._fitting([run for run in self.runs if run.finished], settings)
        return fitting[0].folder if fitting else None

    def begun(self, folder: Path, settings: Settings) -> Found | None:
        """The run of a folder, if it is one of these settings."""
        try:
            run = Found(folder, open_folder(folder))
        except UserError:
            return None
        return run if "data" in run.record and self._fitting([run], settings) else None

    def _fitting(self, runs: Sequence[Found], settings: Settings) -> list[Found]:
        """Those trained, or begun, with these settings and this seed, with the code and the images of now."""
        wanted = {"seed": settings.seed, "settings_hash": settings_hash(settings), "code": code_fingerprint(settings)}
        alike = [run for run in runs if all(run.record.get(key) == value for key, value in wanted.items())]
        # Last, since the data set has to be read for it.
        return [run for run in alike if run.fingerprints == self.pictures(settings).fingerprints]

    def pictures(self, settings: Settings) -> Pictures:
        """The images of these settings.

        Raises:
            DataError: they cannot be read.
        """
        task = task_name(settings)
        key = text_hash([task, settings.data.model_dump(mode="json")])
        if key not in self.known:
            dataset = load_dataset(settings.data, task)
            prints = {str(name): split.fingerprint() for name, split in dataset.splits.items()}
            self.known[key] = Pictures(prints, tuple(dataset.splits["test"].ids), tuple(dataset.classes))
        return self.known[key]

    def seconds(self, settings: Settings) -> float | None:
        """How long a run of these settings took, on the average over finished ones of any seed."""
        wanted = settings_hash(settings)
        times = [
            _seconds(run.record) for run in self.runs if run.finished and run.record.get("settings_hash") == wanted
        ]
        return sum(times) / len(times) if times else None

    def peak_memory(self) -> int | None:
        """Bytes that the largest of all finished runs held."""
        peaks = [run.record.get("timings", {}).get("peak_memory_bytes") for run in self.runs if run.finished]
        return max((peak for peak in peaks if peak), default=None)


def shown(folder: Path) -> Path:
    """From the current directory, where the folder lies below it."""
    with suppress(ValueError):
        return folder.absolute().relative_to(Path.cwd())
    return folder


def _runs(parent: Path) -> Iterator[Found]:
    for path in sorted(parent.glob("*/run.json")):
        try:
            record = open_folder(path.parent)
        except UserError:
            continue  # of another version, or damaged: no run that could be reused
        if "data" in record:
            yield Found(path.parent, record)


def _seconds(record: Mapping[str, Any]) -> float:
    """From beginning to end; of a run that was interrupted, without the pause, but also without its preparations."""
    if len(record.get("history", ())) == 1 and record.get("ended"):
        began, ended = (datetime.fromisoformat(record[key]) for key in ("started", "ended"))
        return (ended - began).total_seconds()
    timings = record["timings"]
    return float(timings["training_seconds"] + timings["evaluation_seconds"])
