"""How far a mean, or a difference of two means, may be off: standard error, degrees of freedom, and what can be told from chance.

All functions take arrays too, of any one shape, such as many numbers of runs at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]

LEVEL = 0.95
POWER = 0.8
_POINTS = 40
"""Of each arm's variance, in the mean over all variances that seeds might show."""


def spread(variances: Sequence[Any], runs: Sequence[Any], test_variance: float) -> tuple[Floats, Floats]:
    """Standard error and Satterthwaite's degrees of freedom.

    Args:
        variances: between the seeds of each arm, s^2.
        runs: in each arm, n.
        test_variance: from the finite test set, known.

    Returns:
        the root of ``sum(s^2 / n) + V_test``, NaN where a variance is; and infinite degrees of freedom where no seeds vary.
    """
    terms = [np.asarray(variance) / np.maximum(n, 1) for variance, n in zip(variances, runs, strict=True)]
    total = np.asarray(sum(terms) + test_variance, dtype=np.float64)
    doubt = np.asarray(sum(term**2 / np.maximum(n - 1, 1) for term, n in zip(terms, runs, strict=True)))
    return np.sqrt(total), np.divide(total**2, doubt, out=np.full(total.shape, np.inf), where=doubt > 0)


def half_width(error: Floats, df: Floats) -> Floats:
    """Of the 95 % interval."""
    half: Floats = stats.t.isf((1 - LEVEL) / 2, df) * error
    return half


def detectable_difference(variances: Sequence[float], runs: Sequence[int], test_variance: float) -> float:
    """The smallest true difference whose interval leaves out 0 in 80 % of the experiments; NaN where a variance is unknown.

    The textbook's (t of 0.975 + t of 0.8) x standard error promises too much for Welch's interval, whose width changes from
    experiment to experiment: with 3 runs against 3 such a difference is found in 69 %. So the share is averaged over the
    variances that the seeds might show, were these here the true ones.

    Args:
        variances: between the seeds of the baseline and of the idea, as if known.
        runs: in each arm; at least two.
        test_variance: of the difference, from the finite test set.
    """
    error = math.sqrt(sum(variance / n for variance, n in zip(variances, runs, strict=True)) + test_variance)
    if not error > 0 or min(runs) < 2:
        return math.nan
    shown = np.meshgrid(*(v * _sample_variances(n) for v, n in zip(variances, runs, strict=True)))
    half = half_width(*spread(shown, runs, test_variance)) / error

    def power(difference: float) -> float:
        return float((special.ndtr(difference - half) + special.ndtr(-difference - half)).mean()) - POWER

    return float(optimize.brentq(power, 0.0, float(half.max()) + 5)) * error


def _sample_variances(runs: int) -> Floats:
    """Equally likely variances of n values from a normal distribution of variance 1."""
    shares = (np.arange(_POINTS) + 0.5) / _POINTS
    quantiles: Floats = stats.chi2.ppf(shares, runs - 1) / (runs - 1)
    return quantiles
