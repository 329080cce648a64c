"""The files on the branch of a homework besides README: settings, code, versions and the results that its numbers rest on."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from PIL import Image

from vyvod import __version__
from vyvod.coursework import write_up
from vyvod.coursework.flat import on_white
from vyvod.coursework.notebook import installed_requirements
from vyvod.coursework.places import beside, own_weights
from vyvod.coursework.records import name_of
from vyvod.coursework.selection import Selection
from vyvod.coursework.templates import requirements_text, vyvod_line
from vyvod.errors import RunError
from vyvod.files import read_yaml
from vyvod.report.document import Document
from vyvod.report.figures import photo_png, png
from vyvod.report.records import Run

LARGEST_FILE = 1_000_000
"""Bytes of a file of results."""
LARGEST_PICTURE = 400_000
LARGEST_SUM = 3_000_000
"""Bytes of all results of the runs of experiments; the main run comes first and does not count."""

_RECORDS = ("run.json", "settings.yaml", "metrics.csv", "per_class.csv", "scores.json")
_KEPT_OF_EXPERIMENT = ("run.json", "scores.json")
_WEIGHTS, _BEFORE = "model.weights", "before/"
"""A setting of an experiment file, and how it names a run that the experiment itself trains first."""
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)$")


@dataclass(slots=True)
class Contents:
    """Files by their paths in the repository."""

    files: dict[str, bytes] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    """Results that are too large."""
    differing: list[str] = field(default_factory=list)
    """Libraries of which the runs had different versions."""
    requirements: list[str] = field(default_factory=list)
    """Lines of ``requirements.txt``."""
    weights: list[str] = field(default_factory=list)
    """What the settings begin from, as they name it, and what nothing here trains."""
    first: dict[str, str] = field(default_factory=dict)
    """Initial weights that a run of this repository has, as settings name them -> the settings of that run, handed in too."""
    needed: dict[str, list[str]] = field(default_factory=dict)
    """Name of an experiment -> settings of the runs that have to be there before it."""

    def put(self, path: str, text: str) -> None:
        """Add a text."""
        self.files[path] = text.encode("utf-8", "surrogateescape")


def collect(top: Path, selection: Selection) -> Contents:
    """Settings, own files, versions and results.

    Raises:
        UserError: a file of a run cannot be read.
    """
    contents = Contents()
    _requirements(contents, selection)
    _results(contents, selection)
    for run in (selection.main, *selection.runs):
        record, path = portable(top, run.folder, contents), f"settings/{name_of(run.folder)}.yaml"
        # Those of a run that others begin from say how it is called, too.
        if path not in contents.first.values():
            contents.put(path, _yaml(record))
    for experiment in selection.experiments:
        file, name = experiment.folder / "experiment.yaml", name_of(experiment.folder)
        if file.is_file():
            record = _whole(top, file, contents)
            contents.put(f"settings/{name}.yaml", _yaml(record))
            contents.needed[name] = [path for weights, path in contents.first.items() if weights in _texts(record)]
        for picture in write_up.own_pictures(experiment):
            contents.files[f"figures/{name_of(experiment.folder)}/{picture.name}"] = smaller(_read(picture))
    return contents


def draw(document: Document) -> dict[str, bytes]:
    """Path -> PNG of every picture of a document."""
    return {
        f"figures/{picture.name}.png": smaller(photo_png(picture.figure) if picture.photos else png(picture.figure))
        for picture in document.pictures()
    }


def smaller(data: bytes) -> bytes:
    """A picture in at most `LARGEST_PICTURE` bytes: with fewer colours, then with fewer pixels."""
    if len(data) <= LARGEST_PICTURE:
        return data
    try:
        with Image.open(io.BytesIO(data)) as opened:
            image = on_white(opened)
    except Exception:  # Pillow's decoders raise what they like; what is no picture stays what it is
        return data
    while len(data) > LARGEST_PICTURE and min(image.size) > 64:
        buffer = io.BytesIO()
        image.quantize(192).save(buffer, "PNG", optimize=True)
        data = buffer.getvalue()
        image = image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS)
    return data


def _requirements(contents: Contents, selection: Selection) -> None:
    """The versions that the runs loaded, those of the main run first; what is installed where no run has them."""
    versions: dict[str, str] = {}
    differing: dict[str, None] = {}
    for folder in selection.folders.values():
        path = folder / "requirements.txt"
        for line in _read(path).decode("utf-8", "replace").splitlines() if path.is_file() else ():
            found = _PIN.match(line.strip())
            if found and versions.setdefault(found[1], found[2]) != found[2]:
                differing[found[1]] = None
    if not versions:
        versions = dict(line.split("==", 1) for line in installed_requirements() if _PIN.match(line))
    version = versions.get("vyvod", __version__)
    # The address is that of the version which is installed now.
    vyvod = vyvod_line() if version == __version__ else f"vyvod=={version}"
    text = requirements_text(versions, vyvod=vyvod)
    contents.put("requirements.txt", text)
    contents.differing += differing
    contents.requirements += [line for line in text.splitlines() if not line.startswith("#")]


def _results(contents: Contents, selection: Selection) -> None:
    own = {name_of(run.folder): run for run in (selection.main, *selection.runs)}
    for name, run in own.items():
        for path in (*_RECORDS, *(f"{kind}/{split}.npz" for kind in ("per_image", "totals") for split in run.scores)):
            _take(contents, run.folder, path, name)
    spent = 0
    for experiment in selection.experiments:
        for path in ("record.json", "results.json"):
            _take(contents, experiment.folder, path, name_of(experiment.folder))
    for name, folder in selection.folders.items():
        if name not in own:
            for path in (*_KEPT_OF_EXPERIMENT, f"per_image/{_final(selection, folder)}.npz"):
                spent += _take(contents, folder, path, name, room=LARGEST_SUM - spent)


def _final(selection: Selection, folder: Path) -> str:
    return next((part.split for part in selection.experiments if folder in _folders(part.runs.values())), "test")


def _folders(runs: Iterable[Run]) -> list[Path]:
    return [run.folder for run in runs]


def _take(contents: Contents, folder: Path, path: str, name: str, *, room: int = LARGEST_FILE) -> int:
    """Copy a file of results if it is there and not too large; its bytes."""
    source, target = folder / path, f"results/{name}/{path}"
    if not source.is_file() or not source.resolve().is_relative_to(folder.resolve()):
        return 0
    size = source.stat().st_size
    if size > min(LARGEST_FILE, room):
        contents.left_out.append(target)
        return 0
    contents.files[target] = _read(source)
    return size


def portable(top: Path, folder: Path, contents: Contents) -> dict[str, Any]:
    """The settings of a run as they work in any copy of the repository; own files that they name are added."""
    record = read_yaml(folder / "settings.yaml")
    record.pop("name", None)
    record["folder"] = "runs"
    return _without_machine(top, record, contents)


def _without_machine(top: Path, record: Mapping[str, Any], contents: Contents) -> dict[str, Any]:
    changed = {key: dict(value) if isinstance(value, Mapping) else value for key, value in record.items()}
    for key in ("data", "model"):
        part = changed.get(key)
        if isinstance(part, dict):
            name = part.get("name")
            if isinstance(name, str) and name.endswith(".py"):
                part["name"] = _own_file(top, name, contents)
        elif isinstance(part, str) and part.endswith(".py"):
            changed[key] = _own_file(top, part, contents)
    data = changed.get("data")
    if isinstance(data, dict) and isinstance(data.get("root"), str):
        data["root"] = _inside(top, data["root"])
    model = changed.get("model")
    own = own_weights(model)
    if own is not None and isinstance(model, dict):
        model["weights"] = _weights(top, own, contents)
    return changed


def _weights(top: Path, own: str, contents: Contents) -> str:
    """Initial weights as every copy of the repository can name them; they are too large to be handed in."""
    if own.startswith(_BEFORE):
        return own
    path = beside(_inside(top, own), "weights")
    run = _run_of(top, path)
    if run is None:
        contents.weights += [path] if path not in contents.weights else []
    elif path not in contents.first:
        contents.first[path] = f"settings/{name_of(run)}.yaml"
        # Under its own name, so that the weights lie where the settings look for them.
        contents.put(contents.first[path], _yaml({"name": run.name, **portable(top, run, contents)}))
    return path


def _run_of(top: Path, path: str) -> Path | None:
    """The run in ``runs/`` that a path from the top of the repository leads into; None where it leads elsewhere."""
    parts = PurePosixPath(path).parts
    run = top / "runs" / parts[1] if len(parts) > 1 and parts[0] == "runs" else None
    there = run is not None and all((run / name).is_file() for name in ("run.json", "settings.yaml"))
    return run if there else None


def _texts(record: object) -> set[str]:
    """Every text in a record."""
    if isinstance(record, Mapping):
        return set[str]().union(*map(_texts, record.values()))
    if isinstance(record, list):
        return set[str]().union(*map(_texts, record))
    return {record} if isinstance(record, str) else set()


def _inside(top: Path, path: str) -> str:
    """A path from the top of the repository, where it lies inside."""
    given = Path(path).expanduser()
    if given.is_absolute() and given.resolve().is_relative_to(top.resolve()):
        return given.resolve().relative_to(top.resolve()).as_posix()
    return path


def _own_file(top: Path, name: str, contents: Contents) -> str:
    """Add a data set or an architecture of the student's own; how settings name it from the top of the repository."""
    path = next((path for path in (top / name, Path(name).expanduser()) if path.is_file()), None)
    if path is None:
        raise RunError(
            f"The settings of a run name {name}, which is not there any more. Put it back, so that it can be handed in."
        )
    data = _read(path)
    # Runs may have had files of one name and different content, from different folders or times.
    taken = {name.casefold(): content for name, content in contents.files.items()}
    endings = ("", *(f"_{number}" for number in range(2, len(taken) + 3)))
    names = (f"settings/{path.stem}{ending}{path.suffix}" for ending in endings)
    target = next(name for name in names if taken.get(name.casefold(), data) == data)
    contents.files[target] = data
    return f"./{target}"


def _whole(top: Path, file: Path, contents: Contents) -> dict[str, Any]:
    """An experiment file with the settings of its baseline inside, where they are still at hand."""
    record = read_yaml(file)
    baseline = record.get("baseline")
    if isinstance(baseline, str):
        place = next((path for path in (top / baseline, file.parent / baseline) if path.exists()), None)
        if place is not None:
            record["baseline"] = read_yaml(place / "settings.yaml" if place.is_dir() else place)
    if isinstance(record.get("baseline"), Mapping):
        record["baseline"] = _without_machine(top, record["baseline"], contents)
    for group in ("before", "changes"):
        for name, settings in (record.get(group) or {}).items():
            if isinstance(settings, Mapping):
                record[group][name] = _changes(top, _without_machine(top, settings, contents), contents)
    return record


def _changes(top: Path, settings: dict[str, Any], contents: Contents) -> dict[str, Any]:
    """What an idea changes; weights stand there under a dotted name, one or several."""
    given = settings.get(_WEIGHTS)
    several = given.get("grid") if isinstance(given, Mapping) else None
    named = [
        value if (own := own_weights({"weights": value})) is None else _weights(top, own, contents)
        for value in (several if isinstance(several, list) else [given])
    ]
    if given is None:
        return settings
    return {**settings, _WEIGHTS: {"grid": named} if isinstance(several, list) else named[0]}


def _yaml(record: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}.") from error
