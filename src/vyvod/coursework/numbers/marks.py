"""Marks in a README, the tables that follow them, and the numbers in their cells."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MARK = re.compile(r"\s{0,3}<!--\s*vyvod:\s*(values|experiment)\b([^>]*)-->\s*")
_KEY = re.compile(r"\s(run|kind|split|columns|rows|name)=")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"[\s|:-]+")
_BAR = re.compile(r"(?<!\\)\|")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_SPACES = " \u00a0\u202f\u2009\u2007'’"
_NUMBER = re.compile(
    rf"[≈~]?\s*([+-]?)(\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?![\d])|[\d.,]*\d)((?<=\d)[.,]\d+)?(e[+-]?\d{{1,3}})?\s*(%?)(.*)",
    re.IGNORECASE,
)
_REST = re.compile(r"\s*(?:(?:±|\+/-|\(|\[).*|[^\d]*)")
_LONGEST = 2000
"""Letters of a mark."""
_LONGEST_CELL = 300
"""Letters of a cell with a number."""
_UNDEFINED = ("—", "–", "-", "--", "nan", "n/a", "н/д")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    line: int
    """In the README, from 1."""
    cells: Sequence[str]
    """At least one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line for programs, and the table after it."""

    word: str
    """values or experiment."""
    line: int
    """In the README, from 1."""
    values: Mapping[str, str]
    rows: Sequence[Row] | None
    """Of the table, without its head; None where no table follows before the next heading or mark."""

    def names(self, key: str) -> list[str]:
        """A list of names with commas; empty where the mark has none."""
        return [name for name in self.values.get(key, "").split(",") if name]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is printed."""

    readings: tuple[float | None, ...]
    """What it can mean: ``1,234`` is 1.234 in one language and 1234 in another. None: undefined, a dash."""
    half: float
    """Half a unit of its last place."""
    places: int
    """Printed decimals."""
    percent: bool = False

    def shows(self, value: float | None) -> bool:
        """Whether this is what the value looks like, rounded to the printed places."""
        if value is not None and self.half >= 0.5 and abs(value) < 1 and not value.is_integer():
            return False  # as 0 or 1 it would look like nothing at all, or like all
        return any(
            reading is value is None
            or (reading is not None and value is not None and abs(reading - value) <= self.half + 1e-9)
            for reading in self.readings
        )


def marks(readme: str) -> Iterator[Mark]:
    """The marks outside of code, in their order."""
    lines = [line.rstrip("\r") for line in readme.split("\n")]
    places = [place for place, line in _outside_code(lines) if len(line) <= _LONGEST and _MARK.fullmatch(line)]
    for place, end in zip(places, [*places, len(lines)][1:], strict=True):
        found = _MARK.fullmatch(lines[place])
        if found:
            # A name may have spaces: a value goes on to the next key.
            parts = [part.strip() for part in _KEY.split(found[2])[1:]]
            yield Mark(
                found[1], place + 1, dict(zip(parts[::2], parts[1::2], strict=True)), _table(lines, place + 1, end)
            )


def number(cell: str) -> Number | None:
    """The number of a cell, without its spread or interval; None where there is none.

    Takes a decimal comma or point, thousands apart by any space, comma or apostrophe, U+2212, emphasis, code and per cent.
    """
    if len(cell) > _LONGEST_CELL:
        return None
    text = re.sub(r"^[\u2212\u2013\u2014](?= ?\d)", "-", plain(cell))
    if text.lower() in _UNDEFINED:
        return Number((None,), 0.0, 0)
    found = _NUMBER.fullmatch(text)
    if found is None or not _REST.fullmatch(found[6]):
        return None
    sign, whole, part, power, percent, _ = found.groups()
    digits = re.sub(f"[{_SPACES}]", "", whole + (part or ""))
    return _read(sign, digits, power or "", percent=bool(percent))


def plain(cell: str) -> str:
    """The text of a cell as a reader sees it, in composed letters and on single spaces."""
    text = re.sub(r"\\([!-/:-@\[-`{-~])|\*\*|__|[*`]", lambda found: found[1] or "", _TAG.sub("", cell))
    return unicodedata.normalize("NFC", " ".join(html.unescape(text).split()))


def key(name: str) -> str:
    """What a name is recognised by, however it was emphasised or escaped; of a cell, that of its plain text."""
    return re.sub(r"[*_`~\\\s]", "", unicodedata.normalize("NFC", name)).casefold()


def _outside_code(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    fence = ""
    for place, line in enumerate(lines):
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
        elif found:
            fence = found[1]
        else:
            yield place, line


def _table(lines: Sequence[str], start: int, end: int) -> list[Row] | None:
    for place in range(start, end - 1):
        if lines[place].lstrip().startswith("#"):
            return None
        if (
            "|" in lines[place]
            and "-" in lines[place + 1]
            and "|" in lines[place + 1]
            and _RULE.fullmatch(lines[place + 1])
        ):
            return list(_rows(lines, place + 2, end))
    return None


def _rows(lines: Sequence[str], start: int, end: int) -> Iterator[Row]:
    for place in range(start, end):
        line = lines[place].strip()
        if not line or line.startswith(("<", "#", ">")):
            return
        cells = _BAR.split(line)
        first, last = int(line.startswith("|")), int(len(cells) > 1 and not cells[-1].strip())
        if cells[first : len(cells) - last]:
            yield Row(place + 1, [cell.strip() for cell in cells[first : len(cells) - last]])


def _read(sign: str, digits: str, power: str, *, percent: bool) -> Number | None:
    scale = 0.01 if percent else 1.0
    readings, places = [], 0
    for text in _as_written(digits):
        try:
            value = float(f"{sign}{text}{power}") * scale
        except ValueError:
            return None
        places = max(places, len(text.partition(".")[2]))
        readings.append(value)
    if not readings or not all(math.isfinite(value) for value in readings):
        return None
    return Number(tuple(readings), 0.5 * 10.0 ** (int(power[1:] or 0) - places) * scale, places, percent)


def _as_written(digits: str) -> list[str]:
    """The possible meanings of digits with commas and points, with a decimal point."""
    marks = [letter for letter in digits if letter in ",."]
    if not marks:
        return [digits]
    last = marks[-1]
    other = {",": ".", ".": ","}[last]
    grouped = re.fullmatch(rf"[1-9]\d{{0,2}}(?:[{re.escape(last)}]\d{{3}})+", digits)
    if marks.count(last) == 1:
        whole, _, part = digits.rpartition(last)
        if marks[:-1] and not re.fullmatch(rf"\d{{1,3}}(?:[{re.escape(other)}]\d{{3}})+", whole):
            return []
        decimal = f"{whole.replace(other, '')}.{part}"
        # Nobody separates thousands by a point here, but an English page does by a comma.
        return [decimal, digits.replace(",", "")] if grouped and last == "," else [decimal]
    return [digits.replace(last, "")] if grouped else []
