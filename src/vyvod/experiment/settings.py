"""The settings of a run: a YAML file and ``key=value`` words, checked as a whole before anything starts."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from vyvod import catalog
from vyvod.data.contract import DataSettings
from vyvod.data.transforms import AugmentationSettings
from vyvod.errors import SettingsError
from vyvod.files import read_yaml
from vyvod.models.build import resolve
from vyvod.models.contract import ModelSettings
from vyvod.report.settings import ReportSettings
from vyvod.tasks.detection import DetectionSettings
from vyvod.tasks.reconstruction import ReconstructionSettings
from vyvod.tasks.segmentation import SegmentationSettings
from vyvod.training.settings import TrainingSettings
from vyvod.types import Record, TaskName

SHORT = ("data", "model")
"""``data=cifar10`` is short for ``data.name=cifar10``."""


DEFAULTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "segmentation": {"training": {"batch_size": 4, "epochs": 50}},
    "detection": {
        "training": {"batch_size": 8, "epochs": 50},
        "augmentation": {"rescale": [0.5, 1.5], "hsv": [0.015, 0.7, 0.4]},
    },
}
"""Task -> group -> setting -> default, where that of the group does not suit the task. ``DEFAULTS`` of an architecture's file
go before these."""
_ONLY: Mapping[str, tuple[str, ...]] = {
    "augmentation.crop": ("classification", "reconstruction"),
    "augmentation.scale": ("classification", "reconstruction"),
    "augmentation.padding": ("classification", "reconstruction"),
    "augmentation.policy": ("classification", "reconstruction"),
    "augmentation.erase": ("classification",),
    "augmentation.mixup": ("classification",),
    "augmentation.cutmix": ("classification",),
    "augmentation.crop_size": ("segmentation",),
    "augmentation.elastic": ("segmentation",),
    "augmentation.rescale": ("segmentation", "detection"),
    "augmentation.flip_vertical": ("segmentation", "detection"),
    "augmentation.turn": ("segmentation", "detection"),
    "augmentation.mosaic": ("segmentation", "detection"),
    "augmentation.color": ("classification", "segmentation", "reconstruction"),
    "augmentation.mosaic_mixup": ("detection",),
    "augmentation.translate": ("detection",),
    "augmentation.rotate": ("detection",),
    "augmentation.shear": ("detection",),
    "augmentation.hsv": ("detection",),
    "augmentation.multi_scale": ("detection",),
    "data.mean": ("classification", "segmentation", "reconstruction"),
    "data.std": ("classification", "segmentation", "reconstruction"),
    "data.resize": ("classification", "reconstruction"),
    "training.label_smoothing": ("classification", "segmentation"),
    "segmentation": ("segmentation",),
    "detection": ("detection",),
    "reconstruction": ("reconstruction",),
}
"""Setting -> the tasks that know it."""


class Settings(Record):
    """The whole description of one training."""

    task: TaskName | None = None
    """Follows from the architecture; state it to have it checked."""
    name: str | None = None
    """Name of the run folder; by default data set and architecture. A taken name is numbered."""
    folder: Path = Path("runs")
    """Where run folders are made."""
    seed: int = Field(0, ge=0)
    """Same settings and seed: same numbers."""
    data: DataSettings = DataSettings()
    """Which images."""
    model: ModelSettings = ModelSettings()
    """Which network."""
    augmentation: AugmentationSettings = AugmentationSettings()
    """How training images are varied."""
    training: TrainingSettings = TrainingSettings()
    """How it is trained."""
    segmentation: SegmentationSettings = SegmentationSettings()
    """What is minimised and how whole images are evaluated, in segmentation."""
    detection: DetectionSettings = DetectionSettings()
    """How images are brought to the network and at which confidence its answers count, in detection."""
    reconstruction: ReconstructionSettings = ReconstructionSettings()
    """What an autoencoder has to undo, in reconstruction."""
    tracking: tuple[Literal["tensorboard", "wandb"], ...] = ("tensorboard",)
    """Where the numbers go besides the CSV files."""
    report: ReportSettings = ReportSettings()
    """How the report looks."""


def read_settings(file: Path | None, words: Sequence[str] = ()) -> Settings:
    """The settings of a file, changed by ``key=value`` words.

    Args:
        file: YAML, or None for the defaults.
        words: such as ``training.epochs=5``, ``model=resnet``, ``tracking=[tensorboard,wandb]``; values are YAML.

    Raises:
        SettingsError: lists every problem at once.
    """
    record = _spelled_out(read_yaml(file) if file else {})
    for key, value in map(_parse, words):
        _put(record, key, value)
    return check(record)


def check(record: Mapping[str, Any]) -> Settings:
    """Settings from a nested mapping.

    Raises:
        SettingsError: lists every problem at once.
    """
    record = _with_defaults(_spelled_out(record))
    problems: list[str] = []
    settings = None
    try:
        settings = Settings.model_validate(record)
        problems += _contradictions(settings)
    except ValidationError as error:
        problems += [_explain(problem) for problem in error.errors()]
    problems += _unknown_parts(record)
    if settings is None or problems:
        raise _report(problems)
    return settings


def _with_defaults(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with what suits its task and its architecture where nothing is said."""
    complete, entry = dict(record), _architecture_of(record)
    own = entry.constants.get("DEFAULTS", {}) if entry else {}
    usual = DEFAULTS.get(entry.tasks[0], {}) if entry else {}
    for group in {**usual, **own}:
        given = complete.get(group) or {}
        if isinstance(given, Mapping):
            complete[group] = {**usual.get(group, {}), **own.get(group, {}), **given}
    return complete


def _architecture_of(record: Mapping[str, Any]) -> catalog.Entry | None:
    """The architecture that these settings name; None where that cannot be told yet."""
    try:
        return catalog.find_architecture((record.get("model") or {}).get("name", ModelSettings().name))
    except (SettingsError, AttributeError, TypeError):
        return None  # told elsewhere, with all other mistakes


def _unknown_parts(record: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with the names of data set and architecture, and with the options of the latter."""
    parts: tuple[Callable[[], object], ...] = (
        lambda: resolve(ModelSettings.model_validate(record.get("model", {}))),
        lambda: catalog.find_dataset(DataSettings.model_validate(record.get("data", {})).name),
    )
    for find in parts:
        try:
            find()
        except ValidationError:
            continue  # told already, with all other wrong values
        except SettingsError as error:
            yield from (line.removeprefix("  - ") for line in str(error).splitlines() if not line.endswith("settings:"))


def with_changes(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A nested mapping, not yet checked, with some dotted keys changed; the mapping itself stays as it is.

    Raises:
        SettingsError: a key leads into something that is not a group.
    """
    changed = copy.deepcopy(_spelled_out(record))
    for key, value in changes.items():
        _put(changed, f"{key}.name" if key in SHORT and isinstance(value, str) else key, value)
    return changed


def as_record(settings: Settings) -> dict[str, Any]:
    """The settings as a nested mapping of plain values, fit for YAML and JSON."""
    return settings.model_dump(mode="json")


def _spelled_out(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {"name": value} if key in SHORT and isinstance(value, str) else value for key, value in record.items()}


def _parse(word: str) -> tuple[str, Any]:
    key, equals, text = word.partition("=")
    if not equals or not key.strip():
        raise SettingsError(
            f"'{word}' is neither a YAML file nor a setting. Write key=value, such as training.epochs=5."
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    # YAML reads 1e-3 as a string, for want of a dot.
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value) if value[:1] in "0123456789.+-" else value
    key = key.strip()
    return (f"{key}.name" if key in SHORT and isinstance(value, str) else key), value


def _put(record: dict[str, Any], key: str, value: Any) -> None:
    *folders, last = key.split(".")
    for folder in folders:
        inner = record.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"'{key}' cannot be set: '{folder}' is {inner!r}, not a group of settings.")
        record = inner
    if last == "name" and folders and folders[0] == "model" and record.get("name") not in (None, value):
        # Options belong to the architecture: another one starts from its own.
        for option in set(record) - set(ModelSettings.model_fields):
            del record[option]
    record[last] = value


def _report(problems: Iterable[str]) -> SettingsError:
    lines = list(dict.fromkeys(problems))
    return SettingsError(
        lines[0]
        if len(lines) == 1
        else "\n".join([f"{len(lines)} problems in the settings:", *(f"  - {line}" for line in lines)])
    )


def _explain(problem: Mapping[str, Any]) -> str:
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"There is no setting '{key}'.{_nearest_key(place)} `vyvod settings` lists all."
    if problem["input"] is None:
        return f"{key} has no value. Write {key}=VALUE, or leave it out."
    message = problem["msg"].removeprefix("Value error, ").replace(" for <class 'pathlib.Path'>", "")
    message = message[:1].lower() + message[1:].replace("Input should be", "expected").rstrip(".")
    return f"{key}={problem['input']!r}: {message.replace('input should be', 'expected')}."


def _nearest_key(place: Sequence[str]) -> str:
    keys = list(all_keys(Settings))
    inside = [key for key in keys if key.rpartition(".")[0] == ".".join(place[:-1])]
    last = {key.rpartition(".")[2]: key for key in reversed(keys)} | {key.rpartition(".")[2]: key for key in inside}
    found = catalog.nearest(place[-1], last)
    return f" Did you mean '{last[found.split(chr(39))[1]]}'?" if found else ""


def all_keys(record: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """Dotted names of all settings."""
    for name, field in record.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from all_keys(field.annotation, f"{prefix}{name}.")


def _contradictions(settings: Settings) -> Iterable[str]:
    yield from _data_contradictions(settings)
    yield from _class_contradictions(settings)
    yield from _training_contradictions(settings)
    yield from _segmentation_contradictions(settings)
    yield from _other_tasks(settings)


def _other_tasks(settings: Settings) -> Iterable[str]:
    """Settings that would do nothing, since they belong to another task."""
    entry = _architecture_of({"model": {"name": settings.model.name}})
    given, defaults = as_record(settings), as_record(Settings())
    for key, owners in _ONLY.items():
        if entry and entry.tasks[0] not in owners and _value(given, key) != _value(defaults, key):
            yield f"{key} is for {' and '.join(owners)}, but model={settings.model.name} is for {entry.tasks[0]}; leave it out."


def _value(record: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        record = record[part]
    return record


def _segmentation_contradictions(settings: Settings) -> Iterable[str]:
    low, high = settings.augmentation.rescale
    if not 0 < low <= high:
        yield f"augmentation.rescale={[low, high]}: expected two factors, 0 < smallest <= largest, such as [0.5, 2]."
    if not settings.segmentation.loss or sum(settings.segmentation.loss.values()) <= 0:
        yield "segmentation.loss names no loss with a factor above 0; write such as cross-entropy+dice."
    if settings.segmentation.border_weight and "cross-entropy" not in settings.segmentation.loss:
        yield "segmentation.border_weight weighs the cross-entropy, which segmentation.loss does not name."


def _data_contradictions(settings: Settings) -> Iterable[str]:
    data, augmentation = settings.data, settings.augmentation
    if data.val_fraction + data.test_fraction >= 1:
        yield f"data.val_fraction={data.val_fraction} and data.test_fraction={data.test_fraction} leave nothing to train on."
    if (data.mean is None) != (data.std is None):
        yield "data.mean and data.std belong together: give both or neither."
    for key, values in (("data.mean", data.mean), ("data.std", data.std)):
        if values is not None and len(values) not in (1, 3):
            yield f"{key} has {len(values)} values; expected 1 (grey) or 3 (RGB)."
    if data.std is not None and min(data.std, default=1) <= 0:
        yield f"data.std={list(data.std)}: standard deviations are above 0."
    if not 0 < augmentation.scale[0] <= augmentation.scale[1] <= 1:
        yield f"augmentation.scale={list(augmentation.scale)}: expected two shares of the area, 0 < smallest <= largest <= 1."
    if max(augmentation.hsv) > 1 or min(augmentation.hsv) < 0:
        yield f"augmentation.hsv={list(augmentation.hsv)}: expected three shares between 0 and 1, such as [0.015, 0.7, 0.4]."


def _class_contradictions(settings: Settings) -> Iterable[str]:
    entry = _architecture_of({"model": {"name": settings.model.name}})
    # A detector of one class tells it from everything else, an autoencoder knows none; the others need something to choose from.
    needed = 1 if entry and entry.tasks[0] in ("detection", "reconstruction") else 2
    classes = settings.data.classes
    if isinstance(classes, tuple) and len(classes) < needed:
        words = {1: "at least one class is", 2: "at least two classes are"}[needed]
        yield f"data.classes={list(classes)}: {words} needed."


def _training_contradictions(settings: Settings) -> Iterable[str]:
    training = settings.training
    if training.batch_size % (training.devices * training.nodes):
        yield (
            f"training.batch_size={training.batch_size} is not a multiple of the {training.devices * training.nodes} "
            "processes (training.devices x training.nodes)."
        )
    if training.warmup_epochs is not None and training.epochs and training.warmup_epochs >= training.epochs:
        yield f"training.warmup_epochs={training.warmup_epochs} is not shorter than training.epochs={training.epochs}."
    if training.step_epochs and training.schedule != "step":
        yield f"training.step_epochs is set, but training.schedule is {training.schedule}; write training.schedule=step."
    if training.schedule == "one-cycle" and training.warmup_epochs:
        yield "training.schedule=one-cycle has a warm-up of its own; leave out training.warmup_epochs."
    if training.precision == "fp16" and training.device == "cpu":
        yield "training.precision=fp16 needs a GPU; on the CPU use bf16 or 32."
    if settings.model.freeze_epochs and not settings.model.freeze:
        yield "model.freeze_epochs is set, but nothing is frozen; name the parts in model.freeze."
    if settings.model.freeze_epochs and training.devices * training.nodes > 1:
        # What is frozen when the processes are joined is never synchronised between them.
        yield "model.freeze_epochs works with training.devices=1 only; leave it out, and the parts stay frozen."


def changed(file: Path, words: Sequence[str], *, only: Sequence[str]) -> Settings:
    """The settings of a run with a few changes, all in certain groups.

    Raises:
        SettingsError: a change is outside of the groups ``only``.
    """
    outside = [word for word in words if word.partition("=")[0].partition(".")[0] not in only]
    if outside:
        raise SettingsError(
            f"'{outside[0]}' cannot be changed here; only settings of {' and '.join(only)} can, such as {only[0]}.*=..."
        )
    return read_settings(file, words)


def schema() -> str:
    """The JSON Schema of a settings file, for editors; options of architectures are free keys under ``model``."""
    return json.dumps(Settings.model_json_schema(), indent=2, ensure_ascii=False)


def explained(settings: Settings) -> str:
    """The settings as YAML, with the meaning of each as a comment; options of the architecture included.

    Those of other tasks are left out.
    """
    architecture = resolve(settings.model)
    record = as_record(settings)
    record["model"] |= architecture.options.model_dump(mode="json")
    for key, owners in _ONLY.items():
        if architecture.task not in owners:
            _take_out(record, key)
    return "".join(_lines(Settings, record, "", extra={"model": type(architecture.options)}))


def _take_out(record: dict[str, Any], key: str) -> None:
    *folders, last = key.split(".")
    for folder in folders:
        record = record[folder]
    del record[last]


def _lines(
    kind: type[BaseModel], record: Mapping[str, Any], indent: str, *, extra: Mapping[str, type[BaseModel]]
) -> Iterable[str]:
    for name, field in kind.model_fields.items():
        if name not in record:
            continue
        inner, meaning = field.annotation, " ".join((field.description or "").split())
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield f"{indent}{name}:  # {meaning}\n"
            yield from _lines(inner, record[name], indent + "  ", extra={})
            if name in extra:
                yield from _lines(extra[name], record[name], indent + "  ", extra={})
        else:
            value = (
                yaml.safe_dump(record[name], default_flow_style=True, allow_unicode=True).removesuffix("...\n").strip()
            )
            yield f"{indent}{name}: {value}  # {meaning}\n"
