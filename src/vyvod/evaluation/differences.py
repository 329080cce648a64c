"""From the runs of two arms to what is reported of them: the comparison of the headline metric, and tables without verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vyvod.evaluation.comparison import ArmSummary, Comparison, Direction, compare, summarise
from vyvod.evaluation.resampling import Resamples, Values, variance_of_difference, variance_of_mean

Arms = tuple[Sequence[int], Sequence[int]]
"""Places of the baseline's runs and of the idea's in the list that was resampled."""


def summarise_arm(arm: Values) -> ArmSummary:
    """Mean and interval of an arm, over seeds and test sets.

    Args:
        arm: a metric of its runs.
    """
    return summarise(arm.whole.tolist(), test_variance=variance_of_mean(arm).remaining)


def compare_arms(baseline: Values, idea: Values, *, margin: float, direction: Direction = "up") -> Comparison:
    """The comparison, with the variance of the test set taken from the drawn ones.

    Args:
        baseline: a metric of its runs.
        idea: the same metric of the idea's runs.
        margin: the smallest difference that matters.
        direction: whether higher or lower values are better.
    """
    variance = variance_of_difference(baseline, idea).remaining
    return compare(
        baseline.whole.tolist(), idea.whole.tolist(), margin=margin, direction=direction, test_variance=variance
    )


def metric_rows(scores: Sequence[Mapping[str, float | None]], resamples: Resamples, arms: Arms) -> list[dict[str, Any]]:
    """Every overall metric: means of both arms, their difference, its interval; no verdicts.

    Args:
        scores: of each run that was resampled, the overall values of the test split in ``scores.json``.
        resamples: of these runs. A metric that does not follow from the per-image columns has no interval.
        arms: which of the runs are compared.
    """
    names = dict.fromkeys(name for run in scores for name in run)
    return [{"name": name, **_metric_row(name, scores, resamples, arms)} for name in names]


def _metric_row(
    name: str, scores: Sequence[Mapping[str, float | None]], resamples: Resamples, arms: Arms
) -> dict[str, float | None]:
    if name in resamples.overall:
        return _row(*(resamples.overall[name].of(runs) for runs in arms))
    values = np.array([run.get(name) for run in scores], dtype=np.float64)  # null becomes NaN
    unknown = np.full((len(values), 0), math.nan)
    return _row(*(Values(values, unknown).of(runs) for runs in arms)) | {"low": None, "high": None}


def class_rows(classes: Sequence[str], metric: str, resamples: Resamples, arms: Arms) -> list[dict[str, Any]]:
    """The main metric of each class: means of both arms, their difference, its interval; no verdicts.

    Args:
        classes: names, in class order.
        metric: its name, ``resampled_metrics.PER_CLASS`` of the task.
        resamples: of the runs.
        arms: which of the runs are compared.
    """
    parts = [resamples.per_class.of(runs) for runs in arms]
    return [
        {"class": name, "metric": metric, **_row(*(part.of_class(label) for part in parts))}
        for label, name in enumerate(classes)
    ]


def _row(baseline: Values, idea: Values) -> dict[str, float | None]:
    compared = compare_arms(baseline, idea, margin=0.0)
    record = compared.record()
    means = (summarise(arm.whole.tolist()).record()["mean"] for arm in (baseline, idea))
    return dict(zip(("baseline", "idea"), means, strict=True)) | {
        name: record[name] for name in ("difference", "low", "high")
    }
