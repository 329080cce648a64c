"""Reading a run folder: files from disk -> checked records. Nothing in them is executed, and every complaint names its file."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from vyvod.errors import RunError, UserError
from vyvod.files import read_json

Floats = NDArray[np.float64]
Status = Literal["running", "finished", "interrupted", "failed"]
_NEEDED = ("label", "predicted", "confidence")


class Stored(BaseModel):
    """A part of a stored record. Keys that this version does not know are left alone: newer runs stay readable."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class OriginRecord(Stored):
    """Where a split comes from."""

    source: str
    carved: bool = False
    share: float = 1.0
    seed: int | None = None


class SplitRecord(Stored):
    """A split: its size, its classes, its hash."""

    images: int
    counts: tuple[int, ...] = ()
    fingerprint: str | None = None
    origin: OriginRecord | None = None


class DuplicatesRecord(Stored):
    """Duplicates inside a split (the same name twice), or across two."""

    splits: tuple[str, str]
    exact: int = 0
    near: int = 0
    label_conflicts: int = 0


class AuditRecord(Stored):
    """What the audit of the images found."""

    near_checked: bool = False
    unreadable: tuple[Any, ...] = ()
    modes: Mapping[str, int] = {}
    exif_rotated: int = 0
    odd_formats: tuple[Any, ...] = ()
    duplicates: tuple[DuplicatesRecord, ...] = ()


class DataRecord(Stored):
    """The data set of a run."""

    name: str
    title: str | None = None
    homepage: str | None = None
    licence: str | None = None
    citation: str | None = None
    classes: tuple[str, ...]
    channels: int | None = None
    native_size: tuple[int, int] | None = None
    splits: Mapping[str, SplitRecord] = {}
    audit: AuditRecord | None = None
    skipped: tuple[str, ...] = ()


class InputRecord(Stored):
    """What the network sees."""

    channels: int
    height: int
    width: int
    resized: bool = False


class WeightsRecord(Stored):
    """The weights that the run started from."""

    source: str
    loaded: int = 0
    not_loaded: tuple[str, ...] = ()


class ModelRecord(Stored):
    """The network of a run."""

    name: str
    title: str | None = None
    parameters: int | None = None
    trainable: int | None = None
    macs: int | None = None
    weights: WeightsRecord | None = None


class TimingsRecord(Stored):
    """What the run cost."""

    training_seconds: float | None = None
    evaluation_seconds: float | None = None
    seconds_per_epoch: float | None = None
    images_per_second: float | None = None
    peak_memory_bytes: int | None = None


class HardwareRecord(Stored):
    """What the run was computed on."""

    device: str | None = None
    name: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    devices: int = 1
    precision: str | None = None


class GitRecord(Stored):
    """The state of the code."""

    commit: str
    dirty: bool = False


class EventRecord(Stored):
    """Something that happened to the run."""

    event: str
    time: str | None = None
    epoch: int | None = None


class RunRecord(Stored):
    """``run.json``."""

    format: Literal[1]
    name: str
    task: str
    status: Status
    error: str | None = None
    seed: int | None = None
    command: str | None = None
    started: str | None = None
    ended: str | None = None
    data: DataRecord
    input: InputRecord | None = None
    model: ModelRecord
    headline: str
    best_epoch: int | None = None
    epochs: int = 0
    timings: TimingsRecord = TimingsRecord()
    hardware: HardwareRecord = HardwareRecord()
    versions: Mapping[str, str | None] = {}
    git: GitRecord | None = None
    history: tuple[EventRecord, ...] = ()


class SplitScores(Stored):
    """The values of one split; None where a metric is undefined."""

    overall: Mapping[str, float | None] = {}
    per_class: Mapping[str, tuple[float | None, ...]] = {}


class ExampleRecord(Stored):
    """An image of the gallery."""

    file: str
    id: str
    truth: str
    predicted: str
    confidence: float
    top: tuple[tuple[str, float], ...] = ()
    right: bool
    role: Literal["random", "worst", "best", "gallery"] = "gallery"


@dataclass(frozen=True, slots=True)
class Run:
    """Everything of a run folder that a report rests on."""

    folder: Path
    record: RunRecord
    curves: Mapping[str, Floats]
    """Column of ``metrics.csv`` -> ``(E,)`` values, one for each epoch; NaN where it is empty. No column without an epoch."""
    scores: Mapping[str, SplitScores]
    per_image: Mapping[str, Mapping[str, NDArray[Any]]]
    examples: tuple[ExampleRecord, ...]
    """Those whose image is there."""
    lost_examples: int
    settings: str
    """``settings.yaml`` as it stands, empty where there is none."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, K of them."""
        return self.record.data.classes

    @property
    def final_split(self) -> str | None:
        """The split that the report speaks about: test, before it was evaluated val, None without any scores."""
        return next((split for split in ("test", "val") if split in self.scores), None)


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        RunError: it is no run folder, or one of its files cannot be read or makes no sense.
    """
    if not (folder / "run.json").is_file():
        raise RunError(
            f"{folder} is not a run folder: it holds no run.json. Give the folder that `vyvod train` has made."
        )
    record = _checked(RunRecord, folder / "run.json")
    curves = _read_curves(folder / "metrics.csv")
    examples = _read_examples(folder)
    kept = tuple(example for example in examples if example_file(folder, example) is not None)
    return Run(
        folder=folder,
        record=record,
        curves=curves,
        scores=_read_scores(folder / "scores.json") or _scores_so_far(folder, record, curves),
        per_image=dict(_read_per_image(folder / "per_image", len(record.data.classes))),
        examples=kept,
        lost_examples=len(examples) - len(kept),
        settings=_read_text(folder / "settings.yaml"),
    )


def example_file(folder: Path, example: ExampleRecord) -> Path | None:
    """The image of an example, or None where it is missing or lies outside of the run folder."""
    path = (folder / example.file).resolve()
    if not path.is_file():
        path = (folder / "examples" / example.file).resolve()
    return path if path.is_file() and path.is_relative_to(folder.resolve()) else None


def _checked(kind: Any, path: Path) -> Any:
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
    return _checked(dict[str, SplitScores], path) if path.is_file() else {}


def _read_examples(folder: Path) -> tuple[ExampleRecord, ...]:
    path = folder / "examples.json"
    return _checked(tuple[ExampleRecord, ...], path) if path.is_file() else ()


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


def _read_per_image(folder: Path, classes: int) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    for split in ("val", "test"):
        path = folder / f"{split}.npz"
        if path.is_file():
            yield split, _read_arrays(path, classes)


def _read_arrays(path: Path, classes: int) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except Exception as error:  # zipfile, zlib, numpy and the disk each have errors of their own
        raise RunError(f"{path} cannot be read: {error}. `vyvod evaluate RUN` writes it again.") from error
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}. `vyvod evaluate RUN` writes it again.")
    for name in ("label", "predicted"):
        if arrays[name].size and not (arrays[name].min() >= 0 and arrays[name].max() < classes):
            raise RunError(
                f"{path} holds a class outside of 0..{classes - 1} under '{name}'; it belongs to another run."
            )
    return arrays


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
    if not set(record.data.classes) <= set(by_class):
        return {}
    columns = [name for name in rows[0] if name not in ("epoch", "split", "class")]
    return {
        name: tuple(_known(_value(path, by_class[label], name)) for label in record.data.classes) for name in columns
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
