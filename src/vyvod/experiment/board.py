"""Where the runs of an experiment stand, read from their folders, for whoever shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from vyvod.errors import RunError
from vyvod.experiment.evidence import value_of
from vyvod.experiment.runs import Planned
from vyvod.tracking.csv import read_rows


@dataclass(slots=True)
class Row:
    """Where one run stands."""

    label: str
    state: str
    """waiting, training, finished, reused or failed."""
    epochs: int
    done: int = 0
    note: str = ""


class Board(Protocol):
    """Shows many runs at once."""

    def show(self, rows: Sequence[Row], remaining: float | None) -> None:
        """Where all runs stand, and the seconds that are left; None: not known yet."""

    def say(self, text: str) -> None:
        """Show one line that stays."""

    def end(self) -> None:
        """Take away what does not stay."""


class Quiet:
    """The board that shows nothing."""

    def show(self, rows: Sequence[Row], remaining: float | None) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Nothing is there to be taken away."""


@dataclass(slots=True)
class Standing:
    """Reads how far runs have come; what has ended is read once."""

    metric: str
    jobs: int
    """Runs at once; 0: all."""
    ended: dict[Path, list[dict[str, Any]]] = field(default_factory=dict)
    notes: dict[Path, str] = field(default_factory=dict)

    def read(self, runs: Sequence[Planned]) -> tuple[list[Row], float | None]:
        """A row for each run, and the seconds that are left."""
        epochs = [self._epochs(run) for run in runs]
        rows = [self._row(run, done) for run, done in zip(runs, epochs, strict=True)]
        return rows, self._remaining(runs, rows, epochs)

    def _epochs(self, run: Planned) -> list[dict[str, Any]]:
        """Rows of ``metrics.csv``."""
        if run.folder is None or run.folder in self.ended:
            return [] if run.folder is None else self.ended[run.folder]
        try:
            rows = read_rows(run.folder / "metrics.csv")
        except RunError:
            return []
        if run.status == "finished":
            self.ended[run.folder] = rows
        return rows

    def _row(self, run: Planned, epochs: Sequence[dict[str, Any]]) -> Row:
        state = {"missing": "waiting", "running": "training"}.get(run.status, "reused" if run.reused else run.status)
        row = Row(run.label, state, run.settings.training.epochs)
        if run.status == "finished" and run.folder is not None:
            row.done, row.note = row.epochs, self._final(run.folder)
        elif epochs:
            row.done = int(epochs[-1]["epoch"])
            value = epochs[-1].get(f"val_{self.metric}")
            row.note = "" if value is None else f"val {self.metric} {value:.4f}"
        return row

    def _final(self, folder: Path) -> str:
        if folder not in self.notes:
            value = value_of(folder, self.metric)
            self.notes[folder] = "" if value is None else f"test {self.metric} {value:.4f}"
        return self.notes[folder]

    def _remaining(
        self, runs: Sequence[Planned], rows: Sequence[Row], epochs: Sequence[Sequence[dict[str, Any]]]
    ) -> float | None:
        """Seconds of training, by the epochs so far; the shortest schedule that so many at once allow."""
        seconds: dict[str, list[float]] = {}
        for run, done in zip(runs, epochs, strict=True):
            seconds.setdefault(run.arm, []).extend(row["seconds"] for row in done)
        pace = {arm: sum(known) / len(known) for arm, known in seconds.items() if known}
        left = [
            (run.arm, row.epochs - row.done)
            for run, row in zip(runs, rows, strict=True)
            if row.state in ("waiting", "training")
        ]
        if not left or not pace:
            return None
        usual = sum(pace.values()) / len(pace)
        times = [number * pace.get(arm, usual) for arm, number in left]
        return max(max(times), sum(times) / (self.jobs or len(times)))


def told_duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
