"""Anchors: how well they fit the objects of a data set, and finding better ones.

The rule is YOLO v5's (Jocher 2020): an anchor fits an object if neither side is more than four times that of the other. Anchors
for other objects are found by k-means over their sizes, then by small random changes of which the better are kept.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.vq import kmeans
from torch import Tensor

THRESHOLD = 4.0
"""Largest ratio of sides at which an anchor still fits."""
ENOUGH = 0.98
"""Share of objects that have a fitting anchor with which the published ones are kept."""
SAMPLE = 4000
"""Objects, spread evenly over all sizes, that the search looks at."""
MUTATIONS = 1000
SPREAD = 0.1
"""Standard deviation of a change, about that share of a side."""


def best_possible_recall(sizes: Tensor, anchors: Tensor, threshold: float = THRESHOLD) -> float:
    """The share of objects that some anchor fits, which no training can exceed.

    Args:
        sizes: ``(M, 2)`` width, height of the objects, pixels of the input.
        anchors: ``(A, 2)`` likewise.
        threshold: largest ratio of sides.

    Returns:
        0 to 1; NaN without objects.
    """
    return float((_best_fit(_array(sizes), _array(anchors)) > 1 / threshold).mean()) if len(sizes) else float("nan")


def fit_anchors(sizes: Tensor, count: int, seed: int, *, threshold: float = THRESHOLD) -> Tensor:
    """Find anchors for objects.

    Args:
        sizes: ``(M, 2)`` width, height of the objects, pixels of the input, M > 0.
        count: how many anchors.
        seed: of the random changes: the same, and the same objects in any order, give the same anchors.
        threshold: largest ratio of sides at which an anchor fits.

    Returns:
        ``(count, 2)`` float32 width, height, ascending by area.
    """
    objects = _sample(_array(sizes))
    anchors = _refine(_clusters(objects, count), objects, threshold, np.random.default_rng(seed))
    return torch.from_numpy(anchors[np.argsort(anchors.prod(axis=1), kind="stable")]).float()


def choose_anchors(sizes: Tensor, published: Tensor, seed: int, *, threshold: float = THRESHOLD) -> tuple[Tensor, str]:
    """Keep the published anchors, or find others where they fit too few objects.

    Args:
        sizes: ``(M, 2)`` width, height of the objects of the train images, pixels of the input.
        published: ``(A, 2)`` or ``(L, A, 2)`` likewise.
        seed: of the search.
        threshold: largest ratio of sides at which an anchor fits.

    Returns:
        ``(A, 2)`` or ``(L * A, 2)`` anchors, ascending by area where they are new; a sentence that says what was done and why.
    """
    published = published.reshape(-1, 2).float()
    recall = best_possible_recall(sizes, published, threshold)
    if not len(sizes):
        return published, "Anchors as published: there are no objects to fit them to."
    if recall > ENOUGH:
        return published, f"Anchors as published: they fit {recall:.1%} of the objects."
    found = fit_anchors(sizes, len(published), seed, threshold=threshold)
    better = best_possible_recall(sizes, found, threshold)
    if better <= recall:
        return published, f"Anchors as published: they fit {recall:.1%} of the objects, and none better were found."
    return found, (
        f"Anchors fitted to the objects of the train images: {listed(found)} (width x height, pixels of the input). They fit "
        f"{better:.1%} of the objects, the published ones {recall:.1%}."
    )


def listed(anchors: Tensor) -> str:
    """``(A, 2)`` -> ``10x13, 16x30``, rounded to pixels."""
    return ", ".join(f"{width:.0f}x{height:.0f}" for width, height in anchors.tolist())


def _array(sizes: Tensor) -> np.ndarray:
    return sizes.detach().cpu().double().numpy().reshape(-1, 2)


def _best_fit(sizes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """``(M,)`` for each object the worse of the two ratios of sides, 0..1, with the anchor where that is best."""
    ratios: np.ndarray = np.exp(-_distances(np.log(sizes), np.log(anchors)))
    return ratios


def _distances(sizes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """``(M,)`` largest difference of a side from the nearest anchor. All are logarithms, which the search needs only once."""
    widths = np.abs(sizes[:, :1] - anchors[:, 0])
    heights = np.abs(sizes[:, 1:] - anchors[:, 1])
    nearest: np.ndarray = np.maximum(widths, heights).min(axis=1)
    return nearest


def _fitness(anchors: np.ndarray, sizes: np.ndarray, threshold: float) -> float:
    """Mean of the ratios that are good enough to count; anchors and sizes are logarithms."""
    distances = _distances(sizes, anchors)
    return float(np.exp(-distances[distances < np.log(threshold)]).sum() / len(sizes))


def _sample(sizes: np.ndarray) -> np.ndarray:
    """At most ``SAMPLE`` objects, evenly spread from the smallest to the largest."""
    ordered: np.ndarray = sizes[np.lexsort((sizes[:, 0], sizes.prod(axis=1)))]
    places = np.linspace(0, len(ordered) - 1, min(len(ordered), SAMPLE)).round().astype(int)
    chosen: np.ndarray = ordered[places]
    return chosen


def _clusters(sizes: np.ndarray, count: int) -> np.ndarray:
    """``(count, 2)`` centres of k-means. It starts from sizes at even distances by area, so it draws nothing."""
    scale = sizes.std(axis=0)
    scale[scale == 0] = 1
    different = np.unique(sizes, axis=0)
    different = different[np.argsort(different.prod(axis=1), kind="stable")]
    places = (np.arange(count) + 0.5) / count * len(different)
    start = different[places.astype(int)] / scale
    centres = kmeans(sizes / scale, start)[0] * scale
    # Where there are fewer sizes than anchors, clusters stay empty and are left out.
    return np.concatenate([centres, start[: count - len(centres)] * scale])


def _refine(anchors: np.ndarray, sizes: np.ndarray, threshold: float, random: np.random.Generator) -> np.ndarray:
    """Change some sides a little, many times over; each time keep what is better."""
    kept, sizes = np.log(anchors), np.log(sizes)
    best = _fitness(kept, sizes, threshold)
    for _ in range(MUTATIONS):
        touched = random.random(kept.shape) < random.random()
        changed = kept + touched * random.normal(0, SPREAD, kept.shape)
        fitness = _fitness(changed, sizes, threshold)
        if fitness > best:
            kept, best = changed, fitness
    refined: np.ndarray = np.exp(kept)
    return refined
