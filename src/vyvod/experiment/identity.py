"""When two runs are the same: the settings that decide numbers, the code that computes them, and the images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import vyvod
from vyvod.errors import UserError
from vyvod.experiment.settings import Settings, as_record, read_settings
from vyvod.files import read_yaml
from vyvod.models.build import resolve

_INDIFFERENT = (
    "name",
    "folder",
    "seed",
    "report",
    "tracking",
    "data.workers",
    "data.cache",
    "data.audit",
    "data.download",
)
"""Settings that no number depends on, and the seed, by which the runs of an arm differ."""
_DECIDES = (
    "catalog.py",
    "data",
    "losses.py",
    "metrics",
    "models",
    "seeds.py",
    "tasks",
    "training",
    "evaluation/evaluate.py",
)
_DECIDES_TOO = (
    "assembly.py",
    "classification.py",
    "detection.py",
    "reconstruction.py",
    "run.py",
    "segmentation.py",
    "settings.py",
)
"""Files and folders of the package, and of ``experiment/``, on which the numbers of a run depend. Reports, tracking and the
command line do not matter: a better figure is no reason to train anew."""
_BEST = "checkpoints/best.safetensors"


def canonical(settings: Settings) -> dict[str, Any]:
    """The settings that decide the numbers, those of the architecture too; what is said and what is a default looks alike."""
    record, architecture = as_record(settings), resolve(settings.model)
    record["task"] = settings.task or architecture.task
    record["model"] |= architecture.options.model_dump(mode="json")
    return _without(record, _INDIFFERENT)


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {prefix + key: value}
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs between two nested mappings: ``key``, ``before``, ``after``; None where a side lacks the key."""
    one, other = flat(before), flat(after)
    keys = [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
    return [{"key": key, "before": one.get(key), "after": other.get(key)} for key in keys]


def settings_of(folder: Path) -> dict[str, Any]:
    """The settings of a run that decide its numbers; as they are written where they no longer fit this version of the program."""
    try:
        return canonical(read_settings(folder / "settings.yaml"))
    except UserError:
        return _without(read_yaml(folder / "settings.yaml"), _INDIFFERENT)


def settings_hash(settings: Settings) -> str:
    """Hash of the settings that decide the numbers, without the seed.

    Weights count by what is in them and not by where they lie. Nor does the place of the images count: their fingerprint does,
    which stands beside this hash in ``run.json``.
    """
    record = _without(canonical(settings), ("data.root",))
    weights = settings.model.weights
    if weights is not None and (content := _weights_file(weights)) is not None:
        record["model"]["weights"] = _file_hash(content)
    return text_hash(record)


def code_fingerprint(settings: Settings) -> str:
    """Hash of the sources that compute the numbers: the package's, and the user's own files of data set and network."""
    digest = hashlib.sha256()
    for path in _sources(settings):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]


def text_hash(record: object, *, digits: int = 16) -> str:
    """SHA-256 of a record of plain values, its first hexadecimal digits; the order of keys does not matter."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def own_files(settings: Settings) -> list[Path]:
    """The user's own Python files that these settings name."""
    return [Path(name) for name in (settings.data.name, settings.model.name) if name.endswith(".py")]


def _sources(settings: Settings) -> Iterator[Path]:
    package = Path(vyvod.__file__).parent
    for name in (*_DECIDES, *(f"experiment/{each}" for each in _DECIDES_TOO)):
        place = package / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.is_file() else []
    yield from (path.expanduser() for path in own_files(settings))


def _weights_file(source: str) -> Path | None:
    """The file behind ``model.weights``; None for a download, and for what is not there yet."""
    path = Path(source).expanduser()
    path = path / _BEST if path.is_dir() else path
    return path if path.is_file() else None


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _without(record: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    mine = {key for key in keys if "." not in key}
    kept = {key: value for key, value in record.items() if key not in mine}
    for key in keys:
        group, dot, last = key.partition(".")
        if dot and isinstance(kept.get(group), Mapping):
            kept[group] = {name: value for name, value in kept[group].items() if name != last}
    return kept
