"""Sentences and numbers as each language writes them; the words themselves are in ``texts/``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from vyvod.report.document import Inline, Text
from vyvod.report.settings import Language
from vyvod.report.texts import (
    classification,
    coursework,
    data_sets,
    detection,
    experiment,
    reconstruction,
    segmentation,
    shared,
)
from vyvod.report.texts.shared import Entry

NBSP = "\u00a0"
UNKNOWN = "—"

FORMS = shared.FORMS | experiment.FORMS | coursework.FORMS
TEXTS = (
    shared.TEXTS
    | classification.TEXTS
    | segmentation.TEXTS
    | detection.TEXTS
    | reconstruction.TEXTS
    | experiment.TEXTS
    | coursework.TEXTS
)
METRICS = shared.METRICS | classification.METRICS | segmentation.METRICS | detection.METRICS | reconstruction.METRICS
SHORT_METRICS = (
    shared.SHORT_METRICS
    | classification.SHORT_METRICS
    | segmentation.SHORT_METRICS
    | detection.SHORT_METRICS
    | reconstruction.SHORT_METRICS
)
LOSS_PARTS = segmentation.LOSS_PARTS | detection.LOSS_PARTS
AUDIT = shared.AUDIT
CURVES = shared.CURVES | classification.CURVES | segmentation.CURVES | detection.CURVES | reconstruction.CURVES


@dataclass(frozen=True, slots=True)
class Words:
    """The words and numbers of one language."""

    language: Language

    def say(self, key: str, **values: object) -> str:
        """A sentence or label as plain text."""
        return self._pick(TEXTS[key]).format(**values)

    def text(self, key: str, **values: Inline) -> Text:
        """A sentence whose parts keep their emphasis, code or link."""
        parts: list[Inline] = []
        for literal, name, _, _ in Formatter().parse(self._pick(TEXTS[key])):
            parts += [literal] if literal else []
            parts += [values[name]] if name else []
        return tuple(parts)

    def metric(self, name: str) -> str:
        """The name of an overall metric."""
        return self._named(METRICS, name)

    def short_metric(self, name: str) -> str:
        """The name of a metric of one class, or on a label."""
        return self._named(SHORT_METRICS, name)

    def curve(self, name: str) -> str:
        """The name of an overall metric beside its line, or on a tile."""
        return self._named(CURVES, name)

    def loss_part(self, name: str) -> str:
        """The name of a part of the loss beside its line."""
        return self._named(LOSS_PARTS, name)

    def note(self, sentence: str) -> str:
        """What a data set says of itself, a note or its licence; only the words of the program's own have a translation."""
        return data_sets.RUSSIAN.get(sentence, sentence) if self.language == "ru" else sentence

    def finding(self, name: str) -> str:
        """The name of a finding of the audit."""
        return self._named(AUDIT, name)

    def event(self, name: str) -> str:
        """The name of an event in the history of a run."""
        return self.say(f"event_{name}") if f"event_{name}" in TEXTS else name

    def count(self, number: int, noun: str) -> str:
        """``1 epoch``, ``5 epochs``; ``1 эпоха``, ``2 эпохи``, ``5 эпох``."""
        english, russian = FORMS[noun]
        form = english[number != 1] if self.language == "en" else russian[russian_form(number)]
        return f"{self.integer(number)}{NBSP}{form}"

    def fraction_form(self, noun: str) -> str:
        """The form of a noun after a fraction: ``2.4 epochs``, ``2,4 эпохи``."""
        english, russian = FORMS[noun]
        return english[1] if self.language == "en" else russian[1]

    def number(self, value: float | None, digits: int = 4) -> str:
        """A value with that many decimals; a dash where it is unknown or NaN."""
        if value is None or math.isnan(value):
            return UNKNOWN
        return self._localised(f"{value:,.{digits}f}")

    def integer(self, value: float | None) -> str:
        """A whole number with its thousands apart."""
        return self.number(value, 0)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share of 1 as per cent."""
        if share is None or math.isnan(share):
            return UNKNOWN
        return self.number(100 * share, digits) + (NBSP if self.language == "ru" else "") + "%"

    def share(self, share: float) -> str:
        """A share of 1 as per cent, also where it is tiny: ``31.4%``, ``0.03%``, ``<0.01%``, ``0%``."""
        if 0 < share < 5e-5:
            return f"<{self.percent(1e-4, 2)}"
        return self.percent(share, 0 if share in (0, 1) else 1 if share >= 0.00995 else 2)

    def tick(self, value: float) -> str:
        """A number on an axis, as short as it can be."""
        text = f"{value:.10g}"
        return self._localised(text).replace("-", "\u2212") if "e" not in text else self._localised(f"{value:.0e}")

    def large(self, value: float | None) -> str:
        """A large count in three digits: ``94.4 k``, ``11.2 M``."""
        if value is None or math.isnan(value):
            return UNKNOWN
        # First rounded, then in units: 999 950 is a million and not 1e+03 thousands.
        rounded = float(f"{value:.3g}")
        for size, unit in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
            if rounded >= size:
                return f"{self._localised(f'{rounded / size:.6g}')}{NBSP}{self.say(unit)}"
        return self.integer(value)

    def duration(self, seconds: float | None) -> str:
        """A time in its two largest units."""
        if seconds is None or math.isnan(seconds):
            return UNKNOWN
        if seconds < 60:
            return f"{self.number(seconds, 2 if seconds < 10 else 1)}{NBSP}{self.say('second')}"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes}{NBSP}{self.say('minute')} {rest}{NBSP}{self.say('second')}"
        return f"{minutes // 60}{NBSP}{self.say('hour')} {minutes % 60}{NBSP}{self.say('minute')}"

    def memory(self, size: float | None) -> str:
        """A number of bytes in MiB or GiB."""
        if size is None or math.isnan(size):
            return UNKNOWN
        small = size < 2**30
        value = self.number(size / (2**20 if small else 2**30), 0 if small else 1)
        return f"{value}{NBSP}{self.say('mebibyte' if small else 'gibibyte')}"

    def date(self, stamp: str | None) -> str:
        """A day, from an ISO 8601 time; the stamp itself where it is none."""
        return self._time(stamp, "%Y-%m-%d", "%d.%m.%Y")

    def moment(self, stamp: str | None) -> str:
        """Day and time, from an ISO 8601 time."""
        return self._time(stamp, "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")

    def quoted(self, name: str) -> str:
        """A name in the quotation marks of the language."""
        return f"{self.say('quote_open')}{name}{self.say('quote_close')}"

    def _time(self, stamp: str | None, english: str, russian: str) -> str:
        if not stamp:
            return UNKNOWN
        try:
            return datetime.fromisoformat(stamp).strftime(english if self.language == "en" else russian)
        except ValueError:
            return stamp

    def _pick(self, entry: Entry) -> str:
        return entry[self.language == "ru"]

    def _named(self, names: Mapping[str, Entry], name: str) -> str:
        return self._pick(names[name]) if name in names else name.replace("_", " ")

    def _localised(self, text: str) -> str:
        return text if self.language == "en" else text.replace(",", NBSP).replace(".", ",")


def russian_form(number: int) -> int:
    """Which of the three Russian forms follows a number: 0 (1, 21), 1 (2..4, 22), 2 (0, 5..20, 25)."""
    last, teens = number % 10, 11 <= number % 100 <= 14
    if last == 1 and not teens:
        return 0
    return 1 if 2 <= last <= 4 and not teens else 2
