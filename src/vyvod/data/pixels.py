"""How many pixels each class has: for class weights, and for what a person should know before training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vyvod.data.contract import IGNORE, MaskSplit
from vyvod.errors import DataError
from vyvod.types import Progress, Silence

AT_MOST = 1000
"""Masks that are counted, spread evenly over the split: seconds, whatever its size."""


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """What the masks of a split hold."""

    masks: int
    """Masks that were counted."""
    counts: np.ndarray
    """``(K,)`` int64 pixels of each class."""
    images: np.ndarray
    """``(K,)`` int64 masks in which each class occurs."""
    pixels: np.ndarray
    """``(K,)`` int64 pixels, ignored ones left out, of the masks in which each class occurs."""
    ignored: int
    """Pixels that do not count."""

    def record(self) -> dict[str, Any]:
        """For ``run.json``."""
        return {
            "masks": self.masks,
            "counts": self.counts.tolist(),
            "images": self.images.tolist(),
            "ignored": self.ignored,
        }


def count_pixels(split: MaskSplit, classes: int, *, progress: Progress | None = None) -> PixelCounts:
    """Count the pixels of each class in up to `AT_MOST` masks; masks that cannot be read are passed over here."""
    progress = progress or Silence()
    places = np.unique(np.linspace(0, len(split) - 1, min(len(split), AT_MOST)).round().astype(np.int64))
    totals = np.zeros(256, dtype=np.int64)
    images, pixels = np.zeros(classes, dtype=np.int64), np.zeros(classes, dtype=np.int64)
    masks = 0
    progress.begin("counting pixels", len(places))
    for place in places.tolist():
        progress.advance(1)
        try:
            found = np.bincount(split.mask(place).ravel(), minlength=256)
        except DataError:
            continue  # it is met again when it is trained on, and treated as data.on_error says
        masks += 1
        totals += found
        images += found[:classes] > 0
        pixels += (found[:classes] > 0) * found[:IGNORE].sum()
    progress.end()
    return PixelCounts(masks, totals[:classes], images, pixels, int(totals[IGNORE]))


def balanced_weights(found: PixelCounts) -> np.ndarray:
    """Median frequency balancing (Eigen & Fergus 2015, https://arxiv.org/abs/1411.4734).

    Returns:
        ``(K,)`` float64: the median of the classes' frequencies over the frequency of each, the frequency being the share of
        the pixels of the masks in which the class occurs; 1 for a class that never occurs.
    """
    frequency = found.counts / np.maximum(found.pixels, 1)
    there = frequency > 0
    if not there.any():
        return np.ones(len(frequency))
    weights: np.ndarray = np.where(there, np.median(frequency[there]) / np.where(there, frequency, 1), 1.0)
    return weights
