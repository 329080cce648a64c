"""What a run found out, on disk: per-image statistics, per-class rows, and the scores of the chosen checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vyvod.experiment.record import number
from vyvod.files import write_atomically, write_compact_json, write_json
from vyvod.tasks.contract import Task
from vyvod.tracking.csv import write_rows
from vyvod.training.state import State
from vyvod.types import Scores, SplitName


def class_rows(scores: Scores, epoch: int, split: str, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of ``per_class.csv``: one for each class."""
    return [
        {"epoch": epoch, "split": split, "class": name}
        | {metric: float(values[place]) for metric, values in scores.per_class.items()}
        for place, name in enumerate(classes)
    ]


def write_results(folder: Path, scores: Mapping[SplitName, Scores], state: State, task: Task) -> None:
    """Write what `write_scores` writes, and the final rows of ``per_class.csv``."""
    write_scores(folder, scores)
    final = [row for name, score in scores.items() for row in class_rows(score, state.best_epoch, name, task.classes)]
    # The val rows of the chosen epoch are there already, from the training.
    known = {(row["epoch"], row["split"]) for row in state.class_rows}
    added = [row for row in final if (row["epoch"], row["split"]) not in known]
    write_rows(folder / "per_class.csv", [*state.class_rows, *added])


def write_scores(folder: Path, scores: Mapping[SplitName, Scores]) -> None:
    """Write ``scores.json``, ``per_image/*.npz`` with the documents of the task beside them, and ``totals/*.npz``."""
    record = {
        name: {
            "overall": {metric: number(value) for metric, value in score.overall.items()},
            "per_class": {metric: [number(value) for value in values] for metric, values in score.per_class.items()},
        }
        for name, score in scores.items()
    }
    for name, score in scores.items():
        _write_columns(folder / "per_image" / f"{name}.npz", score.per_image)
        _write_columns(folder / "totals" / f"{name}.npz", score.extra)
        for kind, made in score.documents.items():
            write_compact_json(folder / "per_image" / f"{name}_{kind}.json", made())
    write_json(folder / "scores.json", record)


def _write_columns(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    write_atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **dict(columns)))
