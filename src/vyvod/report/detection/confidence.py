"""The two confidences at which detections are counted: the fixed one, and the one that was best on val."""

import math
from dataclasses import dataclass

from vyvod.report.records import Run
from vyvod.report.text import Words


@dataclass(frozen=True, slots=True)
class Confidences:
    """Both in words; a dash where one is unknown."""

    fixed: str
    best: str


def confidences_of(run: Run, words: Words) -> Confidences:
    """Those of a run."""
    return Confidences(_written(fixed(run), words), _written(best(run), words))


def fixed(run: Run) -> float:
    """The confidence that was set beforehand; NaN where it is unknown."""
    if run.record.input and run.record.input.confidence is not None:
        return run.record.input.confidence
    stored = next((totals["confidence"] for totals in run.totals.values() if "confidence" in totals), math.nan)
    return float(stored)


def best(run: Run) -> float:
    """The confidence with the best macro F1 on val; NaN where it is unknown."""
    split = run.scores.get("val")
    value = split.overall.get("best_f1_confidence") if split else None
    return math.nan if value is None else value


def _written(value: float, words: Words) -> str:
    """With two decimals, or more where it has them: it is a setting, not a measurement."""
    return words.number(value, 2 if math.isnan(value) or round(value, 2) == round(value, 6) else 3)
