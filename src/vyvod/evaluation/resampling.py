"""What the runs would have scored on other test sets of the same size: bootstrap over images, the same ones for all runs.

The per-image columns of the run folders are enough; no network is needed. Every run sees the same drawn images, so that what
makes an image hard for all of them cancels in a difference. From the values on the drawn sets follows the part of the
uncertainty that comes from the finite test set; docs/method.md has the reasoning.

Source of the bootstrap: Efron 1979, "Bootstrap methods: another look at the jackknife". Of runs and images as crossed random
effects: Gallas 2006, "One-shot estimate of MRMC variance: AUC"; readers there are runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from vyvod import seeds
from vyvod.errors import RunError
from vyvod.evaluation.resampled_metrics import Array, Floats, Measured, Rows, statistic
from vyvod.metrics import detection as boxes

RESAMPLES = 1000
DETECTION_RESAMPLES = 200
"""Average precision has to be sorted anew for every drawn set; the variance of 200 values is known to 10 %."""
_CELLS = 4_000_000
"""Weights that are in memory at once."""


@dataclass(frozen=True, slots=True)
class Values:
    """A metric of R runs, on the whole test set and on B drawn ones."""

    whole: Floats
    """``(R,)``, or ``(R, K)`` for a metric of each class."""
    resampled: Floats
    """``(R, B)``, or ``(R, B, K)``; the b-th set is the same images for all runs."""

    def of(self, runs: Sequence[int]) -> Values:
        """Of some of the runs, such as those of an arm; ``runs`` are places in the list that was resampled."""
        places = list(runs)
        return Values(self.whole[places], self.resampled[places])

    def of_class(self, label: int) -> Values:
        """Of one class, where there is a value for each."""
        return Values(self.whole[..., label], self.resampled[..., label])


@dataclass(frozen=True, slots=True)
class Resamples:
    """All that can be recomputed on drawn test sets, for the runs of all arms."""

    images: int
    """N, in the test set."""
    number: int
    """B, drawn sets."""
    overall: dict[str, Values]
    """Metric -> its values; metrics that do not follow from the per-image columns are not in it."""
    per_class: Values
    """The metric ``resampled_metrics.PER_CLASS`` of the task."""


@dataclass(frozen=True, slots=True)
class SetVariance:
    """How much a mean over runs, or a difference of two, varies over test sets of the same size; a metric's unit, squared."""

    whole: float
    """Over the drawn sets, for these very runs."""
    between_runs: float
    """The part of it by which these runs fluctuate one by one; the variance between seeds contains it already."""

    @property
    def remaining(self) -> float:
        """What has to be added to the variance between seeds, so that nothing is counted twice."""
        return max(self.whole - self.between_runs, 0.0)


def resample(
    task: str, runs: Sequence[Rows], classes: Sequence[str], *, number: int | None = None, seed: int = 0
) -> Resamples:
    """Values of all runs on the whole test set and on drawn ones.

    Seconds for ten classifiers with 10 000 images. Detection takes, for each run and drawn set, as long as COCO's evaluation
    of the whole set does: 10 ms for 60 images, 0.4 s for 5000.

    Args:
        task: its name.
        runs: the per-image columns of R runs, of all arms together.
        classes: names of the classes, K.
        number: of drawn sets, B; 1000 by default, 200 for detection.
        seed: of the drawing.

    Raises:
        RunError: for runs without images, for images that not all runs have, and for images whose truth differs.
    """
    rows = matched(runs)
    number = number or (DETECTION_RESAMPLES if task == "detection" else RESAMPLES)
    statistics = [statistic(task, columns, classes) for columns in rows]
    images = len(rows[0]["id"])
    whole = [measure(np.ones((1, images))) for measure in statistics]
    parts: list[list[Measured]] = [[] for _ in rows]
    for weights in _draws(images, number, seed):
        for part, measure in zip(parts, statistics, strict=True):
            part.append(measure(weights))
    return Resamples(images, number, _overall(whole, parts), _values(whole, parts, lambda measured: measured[1]))


def _overall(whole: Sequence[Measured], parts: Sequence[Sequence[Measured]]) -> dict[str, Values]:
    names = [name for name in whole[0][0] if all(name in overall for overall, _ in whole)]
    return {name: _values(whole, parts, partial(_metric, name)) for name in names}


def _metric(name: str, measured: Measured) -> Floats:
    return measured[0][name]


def _values(
    whole: Sequence[Measured], parts: Sequence[Sequence[Measured]], pick: Callable[[Measured], Floats]
) -> Values:
    return Values(
        np.stack([pick(measured)[0] for measured in whole]),
        np.stack([np.concatenate([pick(measured) for measured in part]) for part in parts]),
    )


def variance_of_mean(arm: Values) -> SetVariance:
    """Of the mean over an arm's runs.

    Args:
        arm: ``(n,)`` and ``(n, B)``; runs without a value on the whole set are left out.
    """
    return SetVariance(_variance(_mean(arm)), _own_variance(arm))


def variance_of_difference(baseline: Values, idea: Values) -> SetVariance:
    """Of mean(idea) - mean(baseline), the same images drawn for both.

    Args:
        baseline: ``(n,)`` and ``(n, B)``; runs without a value on the whole set are left out.
        idea: likewise, of any number of runs.
    """
    return SetVariance(_variance(_mean(idea) - _mean(baseline)), _own_variance(baseline) + _own_variance(idea))


def _finite(arm: Values) -> Floats:
    kept: Floats = arm.resampled[np.isfinite(arm.whole)]
    return kept


def _mean(arm: Values) -> Floats:
    kept = _finite(arm)
    return kept.mean(axis=0) if len(kept) else np.full(arm.resampled.shape[1], np.nan)


def _own_variance(arm: Values) -> float:
    """Variance of the mean of n runs over test sets that is each run's own: how far it departs from the others, set by set.

    0 for runs that all score the same: then there is no variance between seeds that could contain it.
    """
    kept, whole = _finite(arm), arm.whole[np.isfinite(arm.whole)]
    if len(kept) < 2 or np.ptp(whole) == 0:
        return 0.0
    # n / (n - 1), since a run is in the mean that it is held against; another 1 / n, since it is wanted of their mean.
    return float(np.mean([_variance(own) for own in kept - kept.mean(axis=0)])) / (len(kept) - 1)


def _variance(values: Floats) -> float:
    # A drawn set may lack all images of a class; its value is then unknown, not zero.
    known = values[np.isfinite(values)]
    return float(known.var(ddof=1)) if len(known) > 1 else float("nan")


def matched(runs: Sequence[Rows]) -> list[Rows]:
    """The columns of all runs in the order of the images' ids.

    Raises:
        RunError: for no runs, runs without images, images that not all runs have, and images whose truth differs.
    """
    if not runs or not all(len(columns["id"]) for columns in runs):
        raise RunError("there are no images to compare the runs on; give runs that were evaluated on a test split")
    ordered = [_ordered(columns) for columns in runs]
    for number, columns in enumerate(ordered[1:], start=2):
        _check_ids(ordered[0]["id"], columns["id"], number)
        _check_truth(ordered[0], columns, number)
    return ordered


def _ordered(columns: Rows) -> Rows:
    order = np.argsort(columns["id"], kind="stable")
    if (order == np.arange(len(order))).all():
        return columns
    if "found_image" in columns:
        return boxes.resample(columns, order)
    return {name: column[order] for name, column in columns.items()}


def _check_ids(first: Array, other: Array, number: int) -> None:
    if not np.array_equal(first, other):
        raise RunError(
            f"the test images of the runs differ: run 1 has {len(first)}, run {number} has {len(other)}, and "
            f"{len(np.intersect1d(first, other))} are in both; only runs that were evaluated on the same images can be "
            "compared: train them with the same data settings"
        )


def _check_truth(first: Rows, other: Rows, number: int) -> None:
    for name in ("label", "support", "truth_image", "truth_label", "truth_box"):
        if name in first and not np.array_equal(first[name], other[name]):
            raise RunError(
                f"the test images of run 1 and run {number} have the same ids, but not the same truth (column {name}); "
                "only runs that were evaluated on the same annotations can be compared"
            )


def _draws(images: int, number: int, seed: int) -> Iterator[Floats]:
    """``(b, N)`` weights, how often each image was drawn; of as many sets at once as fit into memory."""
    generator = seeds.generator(seed, "resampling")
    size = max(1, _CELLS // images)
    for start in range(0, number, size):
        sets = min(size, number - start)
        cells = generator.integers(images, size=(sets, images)) + np.arange(sets)[:, None] * images
        yield np.bincount(cells.ravel(), minlength=sets * images).reshape(sets, images).astype(np.float64)
