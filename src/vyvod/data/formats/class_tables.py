"""Tables in which a person, or a labelling program, says which number or colour of a mask is which class."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vyvod.errors import DataError

COLOURS_CSV = ("class_dict.csv", "classes.csv")
LABELMAP = "labelmap.txt"
NAMES = "classes.txt"
_COLUMNS = (("name", "class", "label"), ("r", "red"), ("g", "green"), ("b", "blue"))


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The classes in the order of the file."""

    path: Path
    names: tuple[str, ...]
    codes: tuple[int, ...] = ()
    """Colour code of each line, red in the highest of three bytes; empty in a list of names."""


def read_names(folder: Path) -> ClassTable | None:
    """The names in ``classes.txt``, one a line, the first for the number 0; None where there is no such file.

    Raises:
        DataError: it is empty or no text.
    """
    path = folder / NAMES
    if not path.is_file():
        return None
    names = tuple(line for _, line in _lines(path))
    if not names:
        raise DataError(f"{path} is empty. Expected: the name of a class in each line, the first for the number 0.")
    return ClassTable(path, names)


def read_colours(folder: Path) -> ClassTable | None:
    """The colours in ``class_dict.csv`` or ``classes.csv`` (lines name,r,g,b) or in CVAT's ``labelmap.txt`` (name:r,g,b::).

    Several colours may have the same name. None where there is no such file.

    Raises:
        DataError: a line cannot be read, or a colour stands there twice.
    """
    path = next((folder / name for name in (*COLOURS_CSV, LABELMAP) if (folder / name).is_file()), None)
    if path is None:
        return None
    rows = list(_labelmap(path) if path.name == LABELMAP else _csv(path))
    codes = tuple(_code(path, number, cells) for number, _, cells in rows)
    if not rows:
        raise DataError(f"{path} names no class. Expected: {_expected(path)}.")
    twice = next((place for place, code in enumerate(codes) if code in codes[:place]), None)
    if twice is not None:
        raise DataError(f"{path}, line {rows[twice][0]}: '{rows[twice][1]}' has the colour of an earlier class.")
    return ClassTable(path, tuple(name for _, name, _ in rows), codes)


_Row = tuple[int, str, Sequence[str]]  # line number, name, red green blue


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}. Save it as text in UTF-8.") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _labelmap(path: Path) -> Iterator[_Row]:
    for number, line in _lines(path):
        name, _, rest = line.partition(":")
        yield number, name.strip(), rest.partition(":")[0].split(",")


def _csv(path: Path) -> Iterator[_Row]:
    lines = list(_lines(path))
    separator = next((mark for mark in (",", ";", "\t") if lines and mark in lines[0][1]), ",")
    rows = [(number, _cells(line, separator)) for number, line in lines]
    columns = _columns(rows[0][1]) if rows else None
    for number, row in rows if columns is None else rows[1:]:
        cells = [row[place] if place < len(row) else "" for place in columns or range(4)]
        yield number, cells[0], cells[1:]


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]


def _columns(header: Sequence[str]) -> list[int] | None:
    """Where name, red, green and blue stand; None where the first line is no header."""
    words = [cell.casefold() for cell in header]
    found = [next((words.index(name) for name in names if name in words), None) for names in _COLUMNS]
    return None if None in found else [place for place in found if place is not None]


def _code(path: Path, number: int, cells: Sequence[str]) -> int:
    digits = [cell.strip() for cell in cells]
    if len(digits) != 3 or not all(cell.isdecimal() and int(cell) < 256 for cell in digits):
        raise DataError(f"{path}, line {number}: '{','.join(cells)}' is no colour. Expected: {_expected(path)}.")
    red, green, blue = map(int, digits)
    return red << 16 | green << 8 | blue


def _expected(path: Path) -> str:
    line = "name:r,g,b::" if path.name == LABELMAP else "name,r,g,b"
    return f"a line {line} for each class, colours from 0 to 255"
