"""What the folder of a run says in a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vyvod.errors import RunError, UserError
from vyvod.experiment.record import open_folder
from vyvod.files import read_json

SPLIT = "test"
"""What arms are compared on."""
Columns = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run, as far as its folder tells."""

    seed: int
    folder: Path | None
    status: str
    error: str | None = None
    record: Mapping[str, Any] | None = None
    """``run.json``; None for a run that is not finished."""
    scores: Mapping[str, Any] | None = None
    columns: Columns | None = None
    """Per image, of the test split."""

    @property
    def counts(self) -> bool:
        """Whether it can be compared."""
        return self.columns is not None

    def value(self, metric: str) -> float | None:
        """The metric on the test split."""
        return None if self.scores is None else self.scores[SPLIT]["overall"].get(metric)


@dataclass(frozen=True, slots=True)
class ArmRuns:
    """The runs of the baseline or of an idea."""

    name: str
    runs: Sequence[Evidence]
    changes: Mapping[str, Any] | None = None
    """As the idea declares them; None where nobody has."""

    @property
    def counted(self) -> list[Evidence]:
        """Those that can be compared."""
        return [run for run in self.runs if run.counts]


def value_of(folder: Path, metric: str) -> float | None:
    """A metric of a finished run on the test split; None where it has none."""
    try:
        value = read_json(folder / "scores.json")[SPLIT]["overall"].get(metric)
    except (UserError, KeyError, TypeError):
        return None
    return None if value is None else float(value)


def evidence_of(entry: Mapping[str, Any]) -> Evidence:
    """A run as the record of an experiment names it; one whose folder is gone counts as missing."""
    folder = Path(entry["folder"]) if entry["folder"] else None
    bare = Evidence(entry["seed"], folder, entry["status"], entry["error"])
    if folder is None or entry["status"] != "finished":
        return bare
    try:
        return read_evidence(folder)
    except UserError as error:
        return replace(bare, status="missing", error=str(error))


def read_evidence(folder: Path) -> Evidence:
    """A finished run.

    Raises:
        RunError: it is none, or is not finished.
    """
    known = open_folder(folder)
    if known["status"] != "finished":
        raise RunError(
            f"{folder} is not finished, so it cannot be compared. Go on with it: vyvod train --resume {folder}"
        )
    scores = read_json(folder / "scores.json")
    columns = _columns(folder / "per_image" / f"{SPLIT}.npz")
    return Evidence(known["seed"], folder, "finished", None, known, scores, columns)


def _columns(path: Path) -> Columns:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise RunError(f"{path} is missing or damaged ({error}); evaluate the run again.") from error
