"""Honest digits: how many decimals a number deserves follows from how uncertain it is. The one place that decides it."""

import math
from dataclasses import dataclass

from vyvod.report.text import NBSP, UNKNOWN, Words

MINUS = "\u2212"
_UNKNOWN_WIDTH = 4
"""Decimals where nothing says how uncertain a value is."""
_MOST = 6


def decimals(half_width: float | None) -> int:
    """Decimals that leave two significant digits of the half-width of an interval; below 0: tens, hundreds.

    ``0.0123`` -> 3, ``0.0996`` (that is 0.10) -> 2, ``4.2`` -> 1, ``250`` -> -1. Without a width 4, and never more than 6.
    """
    if half_width is None or not math.isfinite(half_width) or half_width <= 0:
        return _UNKNOWN_WIDTH
    rounded = float(f"{half_width:.1e}")
    return min(_MOST, 1 - math.floor(math.log10(rounded)))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; any of them may be unknown."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def bounded(self) -> bool:
        """It has an interval."""
        return self.low is not None and self.high is not None

    @property
    def decimals(self) -> int:
        """Of the value and of both bounds."""
        return decimals((self.high - self.low) / 2 if self.low is not None and self.high is not None else None)

    def number(self, words: Words) -> str:
        """The value alone."""
        return plain(self.value, self.decimals, words)

    def signed(self, words: Words) -> str:
        """The value with its sign, as differences are written."""
        return signed(self.value, self.decimals, words)

    def bounds(self, words: Words) -> str:
        """``[0.86, 0.88]``, in Russian ``[0,86; 0,88]``; a dash without an interval."""
        if not self.bounded:
            return UNKNOWN
        low, high = (plain(bound, self.decimals, words) for bound in (self.low, self.high))
        return f"[{low}{',' if words.language == 'en' else ';'} {high}]"

    def full(self, words: Words, *, sign: bool = False) -> str:
        """The value, and its interval where there is one."""
        value = self.signed(words) if sign else self.number(words)
        return f"{value} {self.bounds(words)}" if self.bounded else value


def plain(value: float | None, digits: int, words: Words) -> str:
    """A number with so many decimals and a real minus sign; no minus before a zero."""
    if value is None:
        return UNKNOWN
    rounded = round(value, digits) + 0.0
    return words.number(rounded, max(digits, 0)).replace("-", MINUS)


def signed(value: float | None, digits: int, words: Words) -> str:
    """The same with a plus before what is above zero."""
    text = plain(value, digits, words)
    return f"+{text}" if value is not None and round(value, digits) > 0 else text


def p_value(p: float | None, words: Words, *, bare: bool = False) -> str:
    """``p = 0.012``, ``p < 0.001``; with ``bare`` only what stands behind the p, and no equals sign."""
    if p is None:
        return UNKNOWN
    sign, value = ("<", words.number(0.001, 3)) if p < 0.001 else ("=", words.number(p, 3 if p < 0.1 else 2))
    if bare:
        return value if sign == "=" else f"<{NBSP}{value}"
    return f"p{NBSP}{sign}{NBSP}{value}"


def amount(value: float, noun: str, words: Words) -> str:
    """A mean of whole numbers with its noun: ``2.4 epochs``; ``2,4 эпохи``, ``3 эпохи``, ``21 эпоху``."""
    rounded = round(value, 1) if abs(value) < 10 else round(value)
    if rounded == int(rounded):
        return words.count(int(rounded), noun)
    return f"{words.number(rounded, 1)}{NBSP}{words.fraction_form(noun)}"
