"""How soon runs reach a target: epochs, steps, seconds; runs that never do are censored, not given a number.

A run reaches the target at the first epoch from which its running best is at or above it (at or below it, where lower is
better). Both arms are looked at for equally long: up to the shorter one of their budgets, the limit. A run that has not
reached the target by then is censored. It has no time, but it has a rank, the last one, shared by all that are censored: how
long they would have taken is unknown, that it is longer is not.

The test is Fisher's: of all ways to call as many of the runs the baseline, in how many are the mean ranks of the two arms that
far apart. Where the target is the baseline's own, it is taken anew from the runs that are called the baseline: a target made of
some of the runs is nearer to them than to the others, with or without an effect.
Source: Fisher 1935, "The Design of Experiments"; Royston and Parmar 2013, "Restricted mean survival time".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vyvod import seeds
from vyvod.errors import RunError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Unit = Literal["epochs", "steps", "seconds"]
SpeedVerdict = Literal["faster", "slower", "undecided", "cannot"]

UNITS: tuple[Unit, ...] = ("epochs", "steps", "seconds")
ALPHA = 0.05
MOST_SPLITS = 20_000
"""Ways to split the runs that are all looked at; of more, as many are drawn."""
_ROUNDING = 1e-12
"""A value that is lower than the target by less, relatively, has reached it: means of equal values are not exactly equal."""
THRESHOLDS = 20
"""Of the speed-up curve."""


@dataclass(frozen=True, slots=True)
class Course:
    """A run's way, epoch by epoch: the columns of its ``metrics.csv``, E rows."""

    epochs: Floats
    """``(E,)``, ascending."""
    steps: Floats
    """``(E,)``: done by the end of the epoch."""
    seconds: Floats
    """``(E,)``: since the beginning; the file has those of each epoch, so these are its sums."""
    values: Floats
    """``(E,)``: the metric on val; NaN, such as in an epoch that went astray, reaches no target."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times to the target in one unit."""

    baseline: tuple[float, ...]
    """Of each run; infinite for a censored one."""
    idea: tuple[float, ...]
    limit: float
    """How long both arms were looked at."""
    restricted_mean: tuple[float, float]
    """Baseline, idea: mean of min(time, limit). With censored runs it is a lower bound of the mean time."""
    ratio: float
    """baseline / idea: 2 is twice as fast; NaN where an arm never reached the target."""
    p: float
    """Two-sided, exact or from 20 000 drawn splits; NaN for an arm of one run."""
    verdict: SpeedVerdict

    @property
    def reached(self) -> tuple[int, int]:
        """Runs that reached the target: baseline, idea."""
        return sum(map(math.isfinite, self.baseline)), sum(map(math.isfinite, self.idea))

    def record(self) -> dict[str, Any]:
        """The fields of ``results.json``; censored runs are null."""
        return {
            "baseline": [_number(time) for time in self.baseline],
            "idea": [_number(time) for time in self.idea],
            "limit": self.limit,
            "reached": list(self.reached),
            "restricted_mean": list(self.restricted_mean),
            "ratio": _number(self.ratio),
            "p": _number(self.p),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """Epochs to one threshold: restricted means, NaN in an arm of which less than half of the runs reached it."""

    threshold: float
    baseline: float
    idea: float
    ratio: float
    """baseline / idea."""

    def record(self) -> dict[str, float | None]:
        """The fields of ``results.json``; NaN is null."""
        return {name: _number(getattr(self, name)) for name in ("threshold", "baseline", "idea", "ratio")}


@dataclass(frozen=True, slots=True)
class TimeToTarget:
    """How soon the runs of both arms reach the target."""

    target: float
    source: Literal["baseline", "given"]
    units: dict[Unit, Times]
    speedup: tuple[SpeedUp, ...]
    """For thresholds up to the best that any run reached."""

    def record(self, metric: str) -> dict[str, Any]:
        """The fields of ``results.json``.

        Args:
            metric: its column in ``metrics.csv``.
        """
        return {
            "target": self.target,
            "source": self.source,
            "metric": metric,
            "units": {unit: times.record() for unit, times in self.units.items()},
            "speedup": [point.record() for point in self.speedup],
        }


def smallest_p(baseline_runs: int, idea_runs: int) -> float:
    """The smallest p that the test can give: known beforehand. 0.1 for 3 runs against 3, 0.029 for 4 against 4."""
    return min(1.0, 2 / math.comb(baseline_runs + idea_runs, baseline_runs))


def can_decide(baseline_runs: int, idea_runs: int) -> bool:
    """Whether so many runs can give a verdict at all."""
    return smallest_p(baseline_runs, idea_runs) <= ALPHA


def compare_times(
    baseline: Sequence[Course],
    idea: Sequence[Course],
    *,
    target: float | None = None,
    lower_is_better: bool = False,
    units: Sequence[Unit] = UNITS,
    seed: int = 0,
) -> TimeToTarget:
    """How soon the runs of the idea reach the target, against those of the baseline.

    Args:
        baseline: its runs, at least one.
        idea: the runs of the idea, at least one.
        target: a value of the metric; by default the mean over the baseline's runs of their best values.
        lower_is_better: of the metric.
        units: in which times are compared.
        seed: of the splits that are drawn, where there are too many to look at all.

    Raises:
        RunError: for an arm without runs, and for a run without a single value.
    """
    sign = -1.0 if lower_is_better else 1.0
    progress = _Progress.of(baseline, idea, sign)
    given = None if target is None else sign * target
    if given is None and not np.isfinite(progress.best).all():
        raise RunError("a run has no value of the metric on val, so there is no target to be taken from; give a number")
    reached = progress.target(progress.arms[None]) if given is None else np.array([given])
    return TimeToTarget(
        float(sign * reached[0]),
        "baseline" if target is None else "given",
        {unit: _times(progress, unit, given, seed) for unit in units},
        tuple(_speedup(progress, sign)),
    )


@dataclass(frozen=True, slots=True)
class _Progress:
    """The runs of both arms, R together, the baseline's first."""

    running_best: list[Floats]
    """R times ``(E,)``; higher is better."""
    marks: dict[Unit, list[Floats]]
    """Unit -> R times ``(E,)``: where each epoch ends."""
    arms: NDArray[np.bool_]
    """``(R,)``: belongs to the baseline."""

    @classmethod
    def of(cls, baseline: Sequence[Course], idea: Sequence[Course], sign: float) -> _Progress:
        if not baseline or not idea or not all(len(course.values) for course in (*baseline, *idea)):
            raise RunError("time to target needs at least one run with one epoch in each arm")
        runs = [*baseline, *idea]
        best = [np.fmax.accumulate(sign * course.values.astype(np.float64)) for course in runs]
        marks: dict[Unit, list[Floats]] = {unit: [getattr(course, unit) for course in runs] for unit in UNITS}
        return cls([np.nan_to_num(values, nan=-np.inf) for values in best], marks, np.arange(len(runs)) < len(baseline))

    @property
    def best(self) -> Floats:
        """``(R,)``: the best value of each run."""
        return np.array([values[-1] for values in self.running_best])

    def target(self, arms: NDArray[np.bool_]) -> Floats:
        """``(P, R)`` who is the baseline -> ``(P,)`` the mean of its runs' best values."""
        mean: Floats = (arms @ self.best) / arms.sum(axis=1)
        return mean

    def times(self, unit: Unit, targets: Floats) -> Floats:
        """``(P,)`` targets -> ``(P, R)``: when each run reaches each of them; infinite where it does not."""
        needed = targets - _ROUNDING * np.abs(targets)
        columns = [
            np.append(marks, np.inf)[np.searchsorted(best, needed, side="left")]
            for best, marks in zip(self.running_best, self.marks[unit], strict=True)
        ]
        return np.stack(columns, axis=1)

    def limit(self, unit: Unit, arms: NDArray[np.bool_]) -> Floats:
        """``(P, R)`` who is the baseline -> ``(P,)``: the budget of the arm with the shorter one."""
        ends = np.array([marks[-1] for marks in self.marks[unit]], dtype=np.float64)
        budgets = [np.where(members, ends, -np.inf).max(axis=1) for members in (arms, ~arms)]
        shorter: Floats = np.minimum(*budgets)
        return shorter


def _times(progress: _Progress, unit: Unit, given: float | None, seed: int) -> Times:
    arms = progress.arms
    times, limits = _limited(progress, unit, arms[None], given)
    baseline, idea = times[0, arms], times[0, ~arms]
    limit = float(limits[0])
    means = tuple(float(np.minimum(part, limit).mean()) for part in (baseline, idea))
    known = np.isfinite(baseline).any() and np.isfinite(idea).any()
    p, gap = _permutation(progress, unit, given, seed)
    return Times(
        tuple(baseline.tolist()),
        tuple(idea.tolist()),
        limit,
        (means[0], means[1]),
        means[0] / means[1] if known and means[1] > 0 else math.nan,
        p,
        _verdict(p, gap, int(arms.sum()), int((~arms).sum())),
    )


def _limited(progress: _Progress, unit: Unit, arms: NDArray[np.bool_], given: float | None) -> tuple[Floats, Floats]:
    """``(P, R)`` times, infinite beyond the limit, and ``(P,)`` limits, for P ways to say who is the baseline."""
    targets = progress.target(arms) if given is None else np.full(len(arms), given)
    times, limits = progress.times(unit, targets), progress.limit(unit, arms)
    return np.where(times <= limits[:, None], times, np.inf), limits


def _verdict(p: float, gap: float, baseline_runs: int, idea_runs: int) -> SpeedVerdict:
    if not can_decide(baseline_runs, idea_runs):
        return "cannot"
    if p > ALPHA or gap == 0:
        return "undecided"
    return "faster" if gap > 0 else "slower"


def _permutation(progress: _Progress, unit: Unit, given: float | None, seed: int) -> tuple[float, float]:
    """p, and by how much the mean rank of the baseline is above that of the idea: positive where the idea is faster."""
    runs, baseline_runs = len(progress.arms), int(progress.arms.sum())
    if min(baseline_runs, runs - baseline_runs) < 2:
        return math.nan, 0.0

    def gap(first: Ints, second: Ints, axis: int) -> Floats:
        # SciPy shuffles the numbers of the runs, not their times: the target depends on who is called the baseline.
        chosen = np.moveaxis(np.asarray(first), axis, -1).reshape(-1, baseline_runs)
        return _rank_gap(progress, unit, chosen, given).reshape(np.moveaxis(np.asarray(first), axis, -1).shape[:-1])

    numbers = np.arange(runs)
    result = stats.permutation_test(
        (numbers[:baseline_runs], numbers[baseline_runs:]),
        gap,
        vectorized=True,
        n_resamples=MOST_SPLITS,
        batch=1000,
        rng=seeds.generator(seed, "permutation"),
    )
    return float(result.pvalue), float(result.statistic)


def _rank_gap(progress: _Progress, unit: Unit, chosen: Ints, given: float | None) -> Floats:
    """``(P, n_b)`` numbers of the runs that are called the baseline -> ``(P,)``."""
    arms = np.zeros((len(chosen), len(progress.arms)), dtype=np.bool_)
    np.put_along_axis(arms, chosen.astype(np.int64), values=True, axis=1)
    ranks = stats.rankdata(_limited(progress, unit, arms, given)[0], axis=1)
    above: Floats = (ranks * arms).sum(axis=1) / arms.sum(axis=1) - (ranks * ~arms).sum(axis=1) / (~arms).sum(axis=1)
    return above


def _speedup(progress: _Progress, sign: float) -> list[SpeedUp]:
    """Thresholds from where the runs start, on the average, to the best that any of them reached."""
    starts = np.array([values[0] for values in progress.running_best])
    best = progress.best[np.isfinite(progress.best)]
    if not np.isfinite(starts).any() or not len(best):
        return []
    thresholds = np.linspace(starts[np.isfinite(starts)].mean(), best.max(), THRESHOLDS)
    limit = float(progress.limit("epochs", progress.arms[None])[0])
    times = progress.times("epochs", thresholds)
    times = np.where(times <= limit, times, np.inf)
    means = [_half_reached_mean(times[:, members], limit) for members in (progress.arms, ~progress.arms)]
    return [
        SpeedUp(float(sign * threshold), float(before), float(after), float(before / after))
        for threshold, before, after in zip(thresholds, *means, strict=True)
    ]


def _half_reached_mean(times: Floats, limit: float) -> Floats:
    """``(P, n)`` -> ``(P,)`` restricted means; below half, they would tell of the limit rather than of the runs."""
    enough = np.isfinite(times).mean(axis=1) >= 1 / 2
    return np.where(enough, np.minimum(times, limit).mean(axis=1), np.nan)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
