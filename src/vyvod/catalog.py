"""What is on offer: the name of a file is the name in the settings. Files are read, not imported, until one is chosen.

``data/datasets/fashion_mnist.py`` is ``data=fashion-mnist``; ``models/classification/resnet.py`` is ``model=resnet`` and
its folder is its task. The first line of a file's docstring is its line in ``vyvod list``. A path that ends in ``.py`` is a
user's own file; ``timm/<name>`` and ``smp/<architecture>/<encoder>`` are architectures of those libraries.
"""

import ast
import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from vyvod.errors import SettingsError

_PACKAGE = Path(__file__).parent
TASKS: tuple[str, ...] = ("classification", "segmentation", "detection", "reconstruction")
LIBRARIES = {"timm": "classification", "smp": "segmentation"}
"""Prefix of an architecture from a library -> its task; ``timm/resnet10t`` is built by ``models/<task>/timm.py``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set or architecture on offer."""

    name: str
    tasks: tuple[str, ...]
    title: str
    """First line of the file's docstring."""
    path: Path
    constants: dict[str, Any]
    """Module-level literals of the file, read without running it."""


def datasets() -> dict[str, Entry]:
    """Data sets that come with the program, by name."""
    return {entry.name: entry for entry in map(_read, _files(_PACKAGE / "data" / "datasets"))}


def architectures() -> dict[str, Entry]:
    """Architectures that come with the program, by name."""
    shelves = (path for task in TASKS for path in _files(_PACKAGE / "models" / task))
    entries = map(_read, shelves)
    return {entry.name + entry.constants.get("PATTERN", ""): entry for entry in entries}


def metrics() -> dict[str, dict[str, str]]:
    """Task -> metric name -> what it is."""
    return {path.stem: _read(path).constants["METRICS"] for path in _files(_PACKAGE / "metrics")}


def find_dataset(name: str, *, task: str | None = None) -> Entry:
    """The data set of that name, or in that ``.py`` file.

    Raises:
        SettingsError: there is none; the text names the nearest, of those for the task where that is given.
    """
    return _find(name, datasets(), task, kind="data set", key="data", command="vyvod list data")


def find_architecture(name: str, *, task: str | None = None) -> Entry:
    """The architecture of that name, in that ``.py`` file, or of a library (``timm/<name>``).

    Raises:
        SettingsError: there is none; the text names the nearest, of those for the task where that is given.
    """
    library = name.split("/", 1)[0]
    if library in LIBRARIES and not name.endswith(".py"):
        return _read(_PACKAGE / "models" / LIBRARIES[library] / f"{library}.py")
    return _find(name, architectures(), task, kind="architecture", key="model", command="vyvod list models")


def load(entry: Entry) -> ModuleType:
    """Import the file of an entry.

    Raises:
        SettingsError: a user's own file cannot be imported, or lacks what the contract asks for.
    """
    if entry.path.is_relative_to(_PACKAGE):
        return importlib.import_module(".".join(("vyvod", *entry.path.relative_to(_PACKAGE).with_suffix("").parts)))
    name = f"vyvod_own_{entry.path.stem}"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(entry.path):
        return loaded
    spec = importlib.util.spec_from_file_location(name, entry.path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{entry.path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SettingsError(f"{entry.path} cannot be imported: {type(error).__name__}: {error}.") from error
    return module


def nearest(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known word that is nearest, or nothing."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{matches[0]}'?" if matches else ""


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_")) if folder.is_dir() else []


def _find(name: str, known: dict[str, Entry], task: str | None, *, kind: str, key: str, command: str) -> Entry:
    if name.endswith(".py"):
        return _read_own(name, kind=kind, key=key)
    if name in known:
        return known[name]
    fitting = [other for other, entry in known.items() if task is None or task in entry.tasks]
    raise SettingsError(
        f"There is no {kind} '{name}'.{nearest(name, fitting)} `{command}` lists what there is; "
        f"for your own, write {key}=./my_file.py."
    )


def _read_own(name: str, *, kind: str, key: str) -> Entry:
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        raise SettingsError(
            f"The file {name} of the {kind} does not exist (looked for {path}). Give its path: {key}=./my_file.py."
        )
    entry = _read(path)
    if not entry.tasks or set(entry.tasks) - set(TASKS):
        raise SettingsError(
            f'{name} does not say what it is for. Write TASKS = ("classification",) at its top; known: {", ".join(TASKS)}.'
        )
    return entry


def _read(path: Path) -> Entry:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise SettingsError(f"{path} is not a Python file: {error}.") from error
    constants = dict(_literals(tree))
    tasks = (path.parent.name,) if path.parent.name in TASKS else tuple(constants.get("TASKS", ()))
    title = (ast.get_docstring(tree) or path.stem).splitlines()[0]
    own = not path.is_relative_to(_PACKAGE)
    return Entry(str(path) if own else path.stem.replace("_", "-"), tasks, title, path, constants)


def _literals(tree: ast.Module) -> Iterable[tuple[str, Any]]:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                try:
                    yield name, ast.literal_eval(value)
                except ValueError:
                    continue
            case _:
                continue
