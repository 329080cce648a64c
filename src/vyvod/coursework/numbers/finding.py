"""What comes out when a number is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass

REWRITE = "write the README again with `vyvod coursework homework` and the number of the homework"
_CURE = re.compile(r"[;.] (?=write the README again|Put that number|Copy (?:it|the file))")


@dataclass(frozen=True, slots=True)
class NumberFinding:
    """A number of a README, or what hinders looking at it."""

    place: str
    """Line of the README and table, or a file."""
    claimed: str
    true: str
    ok: bool | None
    """None: it cannot be told."""
    text: str
    """What stands there, what the run says, and the cure."""

    @property
    def found(self) -> str:
        """``text`` without the cure and the full stop."""
        return _CURE.split(self.text, maxsplit=1)[0].rstrip(".")

    @property
    def cure(self) -> str:
        """The rest of ``text``, a sentence of its own; empty where there is none."""
        cure = _CURE.split(self.text, maxsplit=1)[1:]
        return cure[0][:1].upper() + cure[0][1:] if cure else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a table."""

    line: int
    table: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.table}"


def wrong(place: Place | str, claimed: str, true: str, text: str) -> NumberFinding:
    """A number that is not the run's, or that is missing."""
    return NumberFinding(str(place), claimed, true, ok=False, text=text)


def right(place: Place | str, numbers: str, text: str) -> NumberFinding:
    """Numbers that are the run's, told together."""
    return NumberFinding(str(place), numbers, numbers, ok=True, text=text)


def unknown(place: Place | str, text: str, *, claimed: str = "") -> NumberFinding:
    """Something that cannot be told."""
    return NumberFinding(str(place), claimed, "", ok=None, text=text)


def told(value: float | None) -> str:
    """A value as it stands in a file."""
    return "no value" if value is None else f"{value:.6g}"


def counted(number: int, noun: str) -> str:
    """``1 number``, ``2 numbers``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
