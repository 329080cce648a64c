"""Settings that lead out of where they are: own files, folders of images, initial weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vyvod import catalog
from vyvod.errors import SettingsError, UserError

_KNOWN_WEIGHTS = (None, "imagenet", "coco")


def own_files(
    settings: Mapping[str, Any], sources: Mapping[str, str] | None, known: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings with own files beside the notebook, and the text of these files by their new names.

    Args:
        settings: that name own files.
        sources: own file as the settings name it -> its text; by default the files are read.
        known: files that lie there already, name -> text; they are among those that come back.
    """
    carried = {key: dict(value) if isinstance(value, Mapping) else value for key, value in settings.items()}
    files = dict(known or {})
    for key in ("data", "model"):
        given = carried.get(key)
        named = given.get("name") if isinstance(given, dict) else given
        if not isinstance(named, str) or not named.endswith(".py"):
            continue
        text = sources[named] if sources is not None and named in sources else _read_source(named)
        name = _safe_name(named, key, text, taken=files)
        files[name] = text
        carried[key] = {**(given if isinstance(given, dict) else {}), "name": f"./{name}"}
    return carried, files


def _safe_name(named: str, key: str, text: str, *, taken: Mapping[str, str]) -> str:
    # IPython expands braces and quotes in the line of a magic; a plain word means itself.
    name = re.split(r"[/\\]", named)[-1]
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\.py", name)
    others = (f"own_{key}{ending}.py" for ending in ("", *range(2, len(taken) + 3)))
    return next(each for each in (*([name] if plain else []), *others) if taken.get(each, text) == text)


def _read_source(named: str) -> str:
    try:
        return Path(named).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{named}, which the settings name, cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class Places:
    """What has to be found anew on another machine."""

    root: str | None
    download: bool
    weights: str | None


def without_machine(settings: Mapping[str, Any]) -> tuple[dict[str, Any], Places]:
    """The settings without folders of this machine, and what has to be found anew."""
    carried = {key: value for key, value in settings.items() if key != "folder"}
    data = carried.get("data")
    data = dict(data) if isinstance(data, Mapping) else {} if data is None else {"name": data}
    root = data.pop("root", None)
    needed = root is not None or not _ships(data.get("name"))
    if data:
        carried["data"] = data
    model = carried.get("model")
    own = own_weights(model)
    if own is not None and isinstance(model, Mapping):
        carried["model"] = {key: value for key, value in model.items() if key != "weights"}
    if isinstance(tracking := carried.get("tracking"), list | tuple):
        carried["tracking"] = [name for name in tracking if name != "wandb"]
    return carried, Places(
        beside(str(root), "data") if root is not None else "data" if needed else None,
        bool(data.get("download", False)),
        beside(own, "weights") if own is not None else None,
    )


def with_places(settings: Mapping[str, Any], main: Places) -> tuple[dict[str, Any], bool]:
    """The settings of a training that comes first, with places that mean the same on another machine.

    They are written out, since nobody is asked for them; only the folder of images that ``main`` asks for stays open, and the
    second value says so.
    """
    carried, places = without_machine(settings)
    carried["folder"] = "runs"
    shared = places.root is not None and places.root == main.root
    if places.root is not None and not shared:
        data = carried.get("data")
        carried["data"] = {**(data if isinstance(data, Mapping) else {}), "root": places.root}
    if places.weights is not None:
        carried["model"] = {**carried["model"], "weights": places.weights}
    return carried, shared


def own_weights(model: Any) -> str | None:
    """The file or run folder that the settings of a model begin from; None where they begin from nothing, or a download."""
    weights = model.get("weights") if isinstance(model, Mapping) else None
    return str(weights) if weights not in _KNOWN_WEIGHTS else None


def beside(path: str, default: str) -> str:
    """A path that means the same elsewhere; of others the last part."""
    foreign = re.match(r"[/\\~]|[A-Za-z]:|\.\.", path) or ".." in re.split(r"[/\\]", path)
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1].strip("~.") or default if foreign else path


def _ships(name: Any) -> bool:
    if name is None:
        return True
    try:
        return catalog.find_dataset(str(name)).title.rstrip(".").endswith("ships with the program")
    except SettingsError:
        return str(name).endswith(".py")  # an own file may need no folder; the data cell would only be in the way
