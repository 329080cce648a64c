"""Published files: where they may lie, whether they are whole, and fetching them when that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torchvision.datasets.utils import calculate_md5

from vyvod.data.contract import DataSettings
from vyvod.errors import DataError


@dataclass(frozen=True, slots=True)
class Source:
    """The files that a data set consists of."""

    name: str
    """As in the settings."""
    folder: str
    """Below ``data.root``, as its publishers or torchvision name it."""
    files: Sequence[tuple[str, str | None]]
    """File or folder name -> MD5 sum; None where there is no one sum."""
    home: str
    """Where the files come from: an address."""
    fetch: Callable[[Path], None]
    """Downloads the files so that they come to lie in ``<given folder>/<folder>``."""


def locate(source: Source, settings: DataSettings) -> Path:
    """The folder that holds the files, all of them whole: ``data.root`` itself or the usual folder below it.

    Raises:
        DataError: ``data.root`` is not set, files are missing (and may not be or could not be fetched) or damaged.
    """
    if settings.root is None:
        raise DataError(
            f"data={source.name} needs data.root: the folder that holds {_listing(source)}. They come from {source.home}; "
            "data.download=true fetches them into data.root."
        )
    root = settings.root.expanduser()
    folder = find(source, root)
    if folder is None and settings.download:
        _fetch(source, root)
        folder = find(source, root)
    if folder is None:
        raise DataError(
            f"data={source.name} was not found in {root}. Expected there: {_listing(source)}. They come from {source.home}; "
            "data.download=true fetches them."
        )
    for name, md5 in source.files:
        if md5 is not None:
            _check(folder / name, md5, source)
    return folder


def find(source: Source, root: Path) -> Path | None:
    """The folder that has all the files: ``root/a/b``, ``root/b`` or ``root`` where the usual folder is ``a/b``; or None."""
    parts = Path(source.folder).parts
    places = [root.expanduser().joinpath(*parts[start:]) for start in range(len(parts) + 1)]
    return next((place for place in places if all((place / name).exists() for name, _ in source.files)), None)


def _listing(source: Source) -> str:
    return f"{source.folder}/ with {', '.join(name for name, _ in source.files)}"


def _fetch(source: Source, root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        source.fetch(root)
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(
            f"data={source.name} could not be downloaded: {error}. Fetch {_listing(source)} by hand from {source.home} "
            f"and put it into {root}."
        ) from error


def _check(path: Path, md5: str, source: Source) -> None:
    found = calculate_md5(path)
    if found != md5:
        raise DataError(
            f"{path} is damaged or not the original: its MD5 sum is {found}, that of the original is {md5}. Delete it and "
            f"fetch it again from {source.home}, or with data.download=true."
        )
