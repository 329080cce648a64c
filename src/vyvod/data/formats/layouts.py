"""Data sets that keep the folders of their publishers: where below ``data.root`` they lie, and whether files are missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vyvod.data.contract import DataSettings
from vyvod.errors import DataError


@dataclass(frozen=True, slots=True)
class Layout:
    """How a data set lies on disk, so that it is recognised and a missing part is named."""

    name: str
    """As in the settings."""
    places: Sequence[str]
    """Where below ``data.root`` it may lie, the first choice first; ``""`` is ``data.root`` itself."""
    marks: Sequence[str]
    """Files or folders by which a place is recognised; all of them are there."""
    tree: str
    """What is expected, for messages."""
    home: str
    """Where the files come from: an address."""


def find_layout(layout: Layout, settings: DataSettings) -> Path:
    """The folder that holds the data set.

    Raises:
        DataError: ``data.root`` is not set or does not exist, or the data set is not in it.
    """
    if settings.root is None:
        raise DataError(
            f"data={layout.name} needs data.root: the folder that holds {layout.tree}. It comes from {layout.home}."
        )
    root = settings.root.expanduser()
    if not root.is_dir():
        raise DataError(f"The folder data.root={root} does not exist. Expected in it: {layout.tree}.")
    for place in layout.places:
        if all((root / place / mark).exists() for mark in layout.marks):
            return root / place
    fetch = " data.download=true cannot fetch it: its publishers ask for it by hand." if settings.download else ""
    raise DataError(
        f"data={layout.name} was not found in {root}. Expected there: {layout.tree}. It comes from {layout.home}.{fetch}"
    )


def listed(folder: Path) -> set[str]:
    """Names of what is in a folder; none where there is no such folder."""
    # One listing costs as much as a handful of look-ups, and there may be a hundred thousand.
    return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - names, not paths


def check_present(folder: Path, names: Iterable[str], *, what: str, cure: str) -> None:
    """Find out at once, not in the third epoch, that files are missing.

    Raises:
        DataError: a name is not in the folder; the text names the first and counts the others.
    """
    there, wanted = listed(folder), list(names)
    missing = [name for name in wanted if name not in there]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(wanted)} {what} are missing in {folder}, the first is {missing[0]}. {cure}"
        )
