"""Images on which an idea changes the answer: mended by it, or broken, over the runs of both arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Columns = Mapping[str, np.ndarray]
MOST = 12
"""Images of each kind."""
_SCORES = ("dice", "f1")
"""The score of an image, in the per-image columns of segmentation and of detection."""
_LEAST = 0.05
"""Smaller differences of an image's mean score are nothing to look at."""


def flips(baseline: Sequence[Columns], idea: Sequence[Columns]) -> dict[str, list[dict[str, Any]]] | None:
    """The images that differ most between the arms; None where an arm has no runs, or images have no score.

    Args:
        baseline: the per-image columns of its runs, n_b of them, all of the same images in the same order.
        idea: of its runs, n_i.

    Returns:
        ``fixed`` and ``broken``, strongest first. Classification: most runs of one arm are right and most of the other are wrong,
        ``baseline_right`` of n_b and ``idea_right`` of n_i. Else the mean score over the runs, ``baseline`` and ``idea``.
    """
    if not baseline or not idea:
        return None
    if "predicted" in baseline[0] and baseline[0]["predicted"].ndim == 1:
        return _classified(baseline, idea)
    name = next((name for name in _SCORES if name in baseline[0]), None)
    return None if name is None else _scored(name, baseline, idea)


def _classified(baseline: Sequence[Columns], idea: Sequence[Columns]) -> dict[str, list[dict[str, Any]]]:
    counts = [np.sum([run["predicted"] == run["label"] for run in arm], axis=0) for arm in (baseline, idea)]
    before, after = counts[0] / len(baseline), counts[1] / len(idea)
    ids = baseline[0]["id"]

    def entries(chosen: np.ndarray) -> list[dict[str, Any]]:
        return [
            {"id": str(ids[place]), "baseline_right": int(counts[0][place]), "idea_right": int(counts[1][place])}
            for place in chosen
        ]

    return {
        "fixed": entries(_strongest(after - before, (before < 0.5) & (after > 0.5))),
        "broken": entries(_strongest(before - after, (before > 0.5) & (after < 0.5))),
    }


def _scored(name: str, baseline: Sequence[Columns], idea: Sequence[Columns]) -> dict[str, list[dict[str, Any]]]:
    # An image without a score in one run (nothing there, nothing found) says nothing about an arm.
    means = [np.mean([run[name] for run in arm], axis=0) for arm in (baseline, idea)]
    gain = np.nan_to_num(means[1] - means[0])
    ids = baseline[0]["id"]

    def entries(chosen: np.ndarray) -> list[dict[str, Any]]:
        return [
            {"id": str(ids[place]), "baseline": float(means[0][place]), "idea": float(means[1][place])}
            for place in chosen
        ]

    return {
        "fixed": entries(_strongest(gain, gain >= _LEAST)),
        "broken": entries(_strongest(-gain, -gain >= _LEAST)),
    }


def _strongest(gain: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Places of the largest gains among those that are wanted; equal ones in the order of the images."""
    places = np.flatnonzero(wanted)
    order: np.ndarray = places[np.argsort(-gain[places], kind="stable")][:MOST]
    return order
