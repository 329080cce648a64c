"""Reading a run folder: files from disk -> checked records. Nothing in them is executed, and every complaint names its file."""

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from vyvod.errors import RunError, UserError
from vyvod.files import read_json
from vyvod.report.gallery import find_picture
from vyvod.report.records import Arrays, ExampleRecord, Floats, Run, RunRecord, SplitScores
from vyvod.report.tasks import report_of

Check = Callable[[Path, Arrays, int], None]
_SPLITS = ("val", "test")


def read_run(folder: Path, *, rows: bool = True) -> Run:
    """Read a run folder.

    Args:
        folder: of the run.
        rows: also what is stored of each image, and the totals: a comparison of runs does without.

    Raises:
        RunError: it is no run folder, there are no reports for its task, or one of its files cannot be read or makes no sense.
    """
    if not (folder / "run.json").is_file():
        raise RunError(
            f"{folder} is not a run folder: it holds no run.json. Give the folder that `vyvod train` has made."
        )
    record = checked(RunRecord, folder / "run.json")
    task, classes = report_of(record.task, folder), len(record.data.classes)
    curves = _read_curves(folder / "metrics.csv")
    examples = _read_examples(folder, task.EXAMPLE)
    kept = tuple(example for example in examples if all(find_picture(folder, name) for name in example.files))
    return Run(
        folder=folder,
        record=record,
        curves=curves,
        scores=_read_scores(folder / "scores.json") or _scores_so_far(folder, record, curves),
        per_image=dict(_read_splits(folder / "per_image", task.check_rows, classes)) if rows else {},
        totals=dict(_read_splits(folder / "totals", task.check_totals, classes)) if rows else {},
        examples=kept,
        lost_examples=len(examples) - len(kept),
        settings=_read_text(folder / "settings.yaml"),
    )


def checked(kind: Any, path: Path) -> Any:
    """A JSON file as a record of a kind.

    Raises:
        RunError: it is absent, no JSON, or holds something else.
    """
    try:
        return TypeAdapter(kind).validate_python(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        raise RunError(f"{path} does not hold what a run writes there: {place}: {first['msg']}.") from error
    except UserError as error:
        raise RunError(str(error)) from error


def _read_text(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error


def _read_scores(path: Path) -> dict[str, SplitScores]:
    return checked(dict[str, SplitScores], path) if path.is_file() else {}


def _read_examples(folder: Path, kind: type[ExampleRecord]) -> tuple[ExampleRecord, ...]:
    path = folder / "examples.json"
    # A type that is made while the program runs is none that a type checker follows.
    return checked(tuple.__class_getitem__((kind, ...)), path) if path.is_file() else ()


def _rows(path: Path) -> list[dict[str, str]]:
    # An empty file is what a run leaves that was stopped before its first epoch ended.
    return list(csv.DictReader(_read_text(path).splitlines()))


def _read_curves(path: Path) -> dict[str, Floats]:
    rows = _rows(path)
    if not rows:
        return {}
    if "epoch" not in rows[0]:
        raise RunError(f"{path} has no column 'epoch'. It was not written by a run, or was damaged.")
    return {name: np.array([_value(path, row, name) for row in rows]) for name in rows[0] if name}


def _value(path: Path, row: Mapping[str, str | None], column: str) -> float:
    try:
        return float(row.get(column) or "nan")
    except ValueError:
        raise RunError(f"{path} holds '{row[column]}' under '{column}', which is not a number.") from None


def _read_splits(folder: Path, check: Check, classes: int) -> Iterator[tuple[str, Arrays]]:
    for split in _SPLITS:
        path = folder / f"{split}.npz"
        if path.is_file():
            arrays = _read_arrays(path)
            check(path, arrays, classes)
            yield split, arrays


def _read_arrays(path: Path) -> Arrays:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:  # zipfile, zlib, numpy and the disk each have errors of their own
        raise RunError(f"{path} cannot be read: {error}. `vyvod evaluate RUN` writes it again.") from error


def _scores_so_far(folder: Path, record: RunRecord, curves: Mapping[str, Floats]) -> dict[str, SplitScores]:
    """The val scores of the best epoch (or of the last one), for a run that was stopped before its evaluation."""
    if not curves:
        return {}
    epochs = curves["epoch"]
    places = np.flatnonzero(epochs == record.best_epoch)
    place = int(places[0]) if len(places) else len(epochs) - 1
    overall = {
        name.removeprefix("val_"): _known(values[place])
        for name, values in curves.items()
        if name.startswith("val_") and name != "val_loss"
    }
    return {
        "val": SplitScores(overall=overall, per_class=_per_class_at(folder / "per_class.csv", record, epochs[place]))
    }


def _per_class_at(path: Path, record: RunRecord, epoch: float) -> dict[str, tuple[float | None, ...]]:
    rows = [row for row in _rows(path) if row.get("split") == "val" and _value(path, row, "epoch") == epoch]
    by_class = {row.get("class"): row for row in rows}
    if not rows or not set(record.data.classes) <= set(by_class):
        return {}
    columns = [name for name in rows[0] if name not in ("epoch", "split", "class")]
    return {
        name: tuple(_known(_value(path, by_class[label], name)) for label in record.data.classes) for name in columns
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
