"""Is the idea better than the baseline: difference, interval, verdict. Pure numbers; docs/method.md explains and measures it.

``Var(D) = s_b^2 / n_b + s_i^2 / n_i + V_test`` for ``D = mean(idea) - mean(baseline)``: the seeds of both arms, and the finite
test set. Student's t with Satterthwaite's degrees of freedom; the variance of the test set, from a thousand drawn sets, counts
as known. Not paired by seed: equal seeds do not pair runs of different networks.

Source: Welch 1947; Satterthwaite 1946, "An approximate distribution of estimates of variance components"; Holm 1979; Schuirmann
1987 (two one-sided tests for equivalence; with a 95 % interval each of them is one at 2.5 %).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vyvod.errors import SettingsError
from vyvod.evaluation import spread as spreads
from vyvod.evaluation.spread import LEVEL, half_width, spread

Floats = NDArray[np.float64]
Direction = Literal["up", "down"]
Verdict = Literal["better", "worse", "equivalent", "undecided"]
Reason = Literal["no_values", "seeds", "no_variance"]

FEWEST_SEEDS = 3
"""Runs in each arm below which there is no verdict."""
MOST_SEEDS = 1000
"""More are nobody's plan."""
_ROUNDING = 1e-12
"""Values that differ relatively by less are equal."""


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """The runs of one arm."""

    n: int
    """Runs with a value."""
    mean: float
    sd: float
    """Between seeds; NaN for fewer than two runs."""
    low: float
    """95 % interval of the mean, over seeds and test sets; NaN where nothing tells its width."""
    high: float

    def record(self) -> dict[str, Any]:
        """The fields of ``results.json``; NaN is null."""
        return {"n": self.n} | {name: _number(getattr(self, name)) for name in ("mean", "sd", "low", "high")}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The idea's runs against the baseline's; in the metric's own unit, NaN where unknown."""

    difference: float
    """mean(idea) - mean(baseline), whichever direction is better."""
    runs: tuple[int, int]
    """With a value: baseline, idea."""
    variances: tuple[float, float]
    """Between the seeds of the baseline and of the idea: s_b^2 and s_i^2."""
    test_variance: float
    """V_test, of the difference."""
    margin: float
    direction: Direction
    low: float = math.nan
    """Of the 95 % interval, for this idea alone."""
    high: float = math.nan
    standard_error: float = math.nan
    df: float = math.nan
    """Satterthwaite's; infinite where only the test set varies."""
    p: float = math.nan
    """Two-sided, of no difference, for this idea alone."""
    p_holm: float = math.nan
    """The same among several ideas: ``p`` until ``holm`` has seen them all; NaN without a verdict."""
    detectable: float = math.nan
    """The smallest true difference that as many runs would call better or worse four times in five."""
    verdict: Verdict | None = None
    reason: Reason | None = None
    """Why there is no verdict: an arm without values, fewer than 3 runs in an arm, nothing that varies."""
    seeds_needed: int | None = None
    """Runs in each arm that would decide, were the estimates the truth; None where it is decided, or 1000 would not do."""
    limited_by_test_set: bool = False
    """At these estimates no number of seeds would decide: only a larger test set."""

    def record(self) -> dict[str, Any]:
        """The fields of ``results.json``; NaN and an infinite df are null."""
        numbers = ("difference", "low", "high", "standard_error", "df", "p", "p_holm", "detectable")
        as_they_are = ("verdict", "reason", "seeds_needed", "limited_by_test_set")
        terms = zip(("baseline", "idea"), self.variances, self.runs, strict=True)
        components = {name: _number(variance / runs) if runs else None for name, variance, runs in terms}
        return {
            "level": LEVEL,
            **{name: _number(getattr(self, name)) for name in numbers},
            **{name: getattr(self, name) for name in as_they_are},
            "components": components | {"test_set": _number(self.test_variance)},
        }


def summarise(values: Sequence[float], *, test_variance: float = 0.0) -> ArmSummary:
    """Mean of an arm's runs and its interval.

    Args:
        values: of the runs; those that are not finite are left out.
        test_variance: of the mean, from the finite test set: ``variance_of_mean(...).remaining``.
    """
    kept = _finite(values)
    if not len(kept):
        return ArmSummary(0, *[math.nan] * 4)
    mean, variance = float(kept.mean()), _variance(kept)
    error, df = spread((variance,), (len(kept),), test_variance)
    half = float(half_width(error, df)) if error > 0 else math.nan  # where nothing varies, nothing tells the width
    return ArmSummary(len(kept), mean, math.sqrt(variance), mean - half, mean + half)


def compare(
    baseline: Sequence[float],
    idea: Sequence[float],
    *,
    margin: float,
    direction: Direction = "up",
    test_variance: float = 0.0,
) -> Comparison:
    """The idea's runs against the baseline's, as if it were the only idea; ``holm`` corrects for several.

    Values that are not finite are left out; the caller lists such runs. Where all runs of an arm score the same, its seeds add
    no variance; where both arms are like that, the interval comes from the test set alone and is the normal one. With no
    variance of the test set either there is no interval and no verdict. One run in an arm tells nothing about seeds: a
    difference without an interval; two give an interval without a verdict.

    Args:
        baseline: the metric of each run of the baseline.
        idea: of each run of the idea, any number.
        margin: the smallest difference that matters, 0 or more, in the metric's unit.
        direction: whether higher or lower values are better.
        test_variance: of the difference, from the finite test set: ``variance_of_difference(...).remaining``.

    Raises:
        SettingsError: for a margin that is negative or not finite.
    """
    if not (math.isfinite(margin) and margin >= 0):
        raise SettingsError(f"the margin is {margin}; give the smallest difference that matters, 0 or more")
    arms = _finite(baseline), _finite(idea)
    before, after = (float(values.mean()) if len(values) else math.nan for values in arms)
    comparison = Comparison(
        after - before,
        (len(arms[0]), len(arms[1])),
        (_variance(arms[0]), _variance(arms[1])),
        test_variance,
        margin,
        direction,
    )
    comparison = _with_interval(comparison)
    reason = _reason(comparison)
    if reason is not None:
        return replace(comparison, reason=reason)
    return _decided(comparison, comparison.p, ideas=1)


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Several ideas against one baseline: p corrected by Holm, and verdicts that follow from it.

    Of the ideas that would have a verdict, better or worse are those whose corrected p is below 0.05: in at most one family of
    20 is any idea called so that makes no difference. Intervals, and with them equivalence, stay those of each idea alone.

    Args:
        comparisons: one for each idea, as ``compare`` gives them; those without a verdict are handed back as they are.
    """
    places = [place for place, comparison in enumerate(comparisons) if comparison.verdict is not None]
    adjusted = _holm(np.array([comparisons[place].p for place in places], dtype=np.float64))
    result = list(comparisons)
    for place, p in zip(places, adjusted, strict=True):
        result[place] = _decided(comparisons[place], float(p), ideas=len(places))
    return result


def detectable_difference(sd_baseline: float, sd_idea: float, *, seeds: int, test_variance: float = 0.0) -> float:
    """The smallest true difference that would be called better or worse four times in five; to be stated before the runs.

    Args:
        sd_baseline: between seeds, from earlier runs.
        sd_idea: likewise; where nothing is known, that of the baseline.
        seeds: runs in each arm, n; NaN for fewer than two.
        test_variance: of the difference, from the finite test set.
    """
    return spreads.detectable_difference((sd_baseline**2, sd_idea**2), (seeds, seeds), test_variance)


def _finite(values: Sequence[float]) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    kept: Floats = given[np.isfinite(given)]
    return kept


def _variance(values: Floats) -> float:
    """Between runs; exactly 0 where they differ by rounding only, NaN for fewer than two."""
    if len(values) < 2:
        return math.nan
    if np.ptp(values) <= _ROUNDING * np.abs(values).max():
        return 0.0
    return float(values.var(ddof=1))


def _with_interval(comparison: Comparison) -> Comparison:
    error, df = spread(comparison.variances, comparison.runs, comparison.test_variance)
    if not error > 0:
        return comparison
    difference, half = comparison.difference, float(half_width(error, df))
    return replace(
        comparison,
        low=difference - half,
        high=difference + half,
        standard_error=float(error),
        df=float(df),
        p=float(2 * stats.t.sf(abs(difference) / error, df)),
        detectable=spreads.detectable_difference(comparison.variances, comparison.runs, comparison.test_variance),
    )


def _reason(comparison: Comparison) -> Reason | None:
    fewest = min(comparison.runs)
    if fewest == 0:
        return "no_values"
    if fewest < FEWEST_SEEDS:
        return "seeds"
    return None if comparison.standard_error > 0 else "no_variance"


def _decided(comparison: Comparison, p: float, *, ideas: int) -> Comparison:
    verdict = _verdict(comparison, p)
    decided = replace(comparison, p_holm=p, verdict=verdict, seeds_needed=None, limited_by_test_set=False)
    return _with_seeds_needed(decided, ideas) if verdict == "undecided" else decided


def _verdict(comparison: Comparison, p: float) -> Verdict:
    # One side of 0 first: a difference that is there and does not matter is still better or worse; its interval says the rest.
    if p < 1 - LEVEL and (comparison.low > 0 or comparison.high < 0):
        return "better" if (comparison.low > 0) == (comparison.direction == "up") else "worse"
    inside = -comparison.margin < comparison.low and comparison.high < comparison.margin
    return "equivalent" if inside else "undecided"


def _with_seeds_needed(comparison: Comparison, ideas: int) -> Comparison:
    """With the fewest runs in each arm for which the interval around this difference would decide.

    Holm's first step is the hardest; among several ideas the interval that has to leave out 0 is the one of that step.
    """
    n = np.arange(FEWEST_SEEDS, MOST_SEEDS + 1)
    decides = _decides(comparison, *spread(comparison.variances, (n, n), comparison.test_variance), ideas)
    limit = _decides(comparison, *spread((0.0, 0.0), (1, 1), comparison.test_variance), ideas)
    needed = int(n[decides][0]) if decides.any() else None
    return replace(comparison, seeds_needed=needed, limited_by_test_set=needed is None and not limit.any())


def _decides(comparison: Comparison, error: Floats, df: Floats, ideas: int) -> NDArray[np.bool_]:
    difference = abs(comparison.difference)
    apart = difference > stats.t.isf((1 - LEVEL) / 2 / ideas, df) * error
    decides: NDArray[np.bool_] = apart | (difference + half_width(error, df) < comparison.margin)
    return decides


def _holm(p: Floats) -> Floats:
    """Holm's step-down correction: the smallest of m is multiplied by m, the next one by m - 1, none falls below one before."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
