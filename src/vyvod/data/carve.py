"""Splits that the source does not have: drawn with a seed, stratified where images have a class, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, Self, TypeVar, runtime_checkable

import numpy as np

from vyvod.data.contract import BoxSplit, DataSettings, LabelledSplit, Origin, Split
from vyvod.errors import SettingsError
from vyvod.seeds import generator
from vyvod.types import SPLITS, SplitName


@runtime_checkable
class Divisible(Split, Protocol):
    """A split of which a part is a split too."""

    def subset(self, indices: Sequence[int] | np.ndarray) -> Self:
        """The images at these places, in this order."""


S = TypeVar("S", bound=Divisible)


FEW = 3
"""Images that a carved split has at least, as far as a quarter of the training images allows."""


def strata(split: Split) -> np.ndarray:
    """``(N,)`` class indices by which draws are stratified; zeros where images have no class of their own.

    An image with objects stands for the rarest of their classes, so that each split gets some of it.
    """
    if isinstance(split, BoxSplit):
        return _rarest([split.objects(place)["labels"].numpy() for place in range(len(split))])
    return split.labels.numpy() if isinstance(split, LabelledSplit) else np.zeros(len(split), dtype=np.int64)


def _rarest(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Of each image the class that occurs in the fewest images; -1 without objects."""
    present = [np.unique(found) for found in labels]
    images = np.bincount(np.concatenate([*present, np.zeros(0, dtype=np.int64)]))
    return np.array([found[images[found].argmin()] if len(found) else -1 for found in present], dtype=np.int64)


def draw(labels: np.ndarray, count: int, *, seed: int, purpose: str, keep: int = 0) -> np.ndarray:
    """Draw images so that every class has its share.

    Shares that are no whole numbers are rounded by largest remainder; ties are decided by the seed.

    Args:
        labels: ``(N,)`` class indices.
        count: how many to draw; all if there are fewer.
        seed: seed of the draw.
        purpose: a word; draws for different purposes with one seed do not depend on each other.
        keep: of each class at least that many images are not drawn; then fewer than ``count`` may be drawn.

    Returns:
        ``(M,)`` int64 ascending places, M <= count.
    """
    source = generator(seed, "carve", purpose).bit_generator
    # Raw words of the bit generator: NumPy promises them for ever, which it does not for permutation() or choice().
    keys = source.random_raw(len(labels))
    classes, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    quotas = _quotas(sizes, min(count, len(labels)), source.random_raw(len(classes)), keep)
    order = np.lexsort((keys, members))
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    drawn: np.ndarray = np.sort(order[rank < np.repeat(quotas, sizes)])
    return drawn


def _quotas(sizes: np.ndarray, count: int, ties: np.ndarray, keep: int) -> np.ndarray:
    total, allowed = max(int(sizes.sum()), 1), np.maximum(sizes - keep, 0)
    quotas: np.ndarray = np.minimum(sizes * count // total, allowed)
    for place in np.lexsort((ties, -(sizes * count % total))):
        if quotas.sum() < count and quotas[place] < allowed[place]:
            quotas[place] += 1
    return quotas


def complete(
    known: Mapping[SplitName, S], settings: DataSettings, *, source: Literal["train", "all"] = "train"
) -> tuple[dict[SplitName, S], dict[SplitName, Origin]]:
    """Carve the splits that are missing out of the training images.

    Args:
        known: what the source has. Without ``train`` nothing is carved: the missing splits are empty and have no origin,
            and the data set can be evaluated, not trained on.
        settings: fractions, of the training images as the source has them, and seed.
        source: what the source calls its training images.

    Returns:
        all three splits, and where each comes from.

    Raises:
        SettingsError: the fractions leave nothing to train on.
    """
    origins = {name: Origin(name) for name in known}
    if "train" not in known:
        empty = next(iter(known.values())).subset([])
        return {name: known.get(name, empty) for name in SPLITS}, origins
    pool, fractions = known["train"], _fractions(known, settings)
    splits, rest = dict(known), np.arange(len(pool))
    for name, fraction in fractions.items():
        # A few images at least: a checkpoint chosen by a single one is chosen by chance.
        count = max(round(len(pool) * fraction), min(FEW, len(pool) // 4))
        taken = draw(strata(pool)[rest], count, seed=settings.split_seed, purpose=name, keep=1)
        splits[name] = pool.subset(rest[taken])
        rest = np.delete(rest, taken)
    if fractions:
        splits["train"] = pool.subset(rest)
    for name in ("train", *fractions) if fractions else ():
        origins[name] = Origin(
            source, carved=True, share=len(splits[name]) / max(len(pool), 1), seed=settings.split_seed
        )
    return {name: splits[name] for name in SPLITS}, {name: origins[name] for name in SPLITS}


def _fractions(known: Mapping[SplitName, S], settings: DataSettings) -> dict[SplitName, float]:
    wanted: dict[SplitName, float] = {"test": settings.test_fraction, "val": settings.val_fraction}
    fractions = {name: fraction for name, fraction in wanted.items() if name not in known}
    if sum(fractions.values()) >= 1:
        raise SettingsError(
            f"data.val_fraction={settings.val_fraction} and data.test_fraction={settings.test_fraction} leave nothing to train "
            "on; together they must be less than 1."
        )
    return fractions
