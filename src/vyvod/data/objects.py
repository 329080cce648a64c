"""How many objects each class has, and how large they are: for what a person should know before training, and for anchors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vyvod.data.contract import BoxSplit

AT_MOST = 1000
"""Boxes whose sizes are recorded, spread evenly over the split."""


@dataclass(frozen=True, slots=True)
class ObjectCounts:
    """What the boxes of a split hold."""

    counts: np.ndarray
    """``(K,)`` int64 objects of each class that count."""
    images: np.ndarray
    """``(K,)`` int64 images in which such an object of the class occurs."""
    crowd: int
    """Objects that do not count."""
    empty: int
    """Images without any object."""
    sizes: np.ndarray
    """``(M, 2)`` float32 width and height of the objects that count, pixels, in the order of the images."""

    def record(self) -> dict[str, Any]:
        """For ``run.json``."""
        places = np.unique(np.linspace(0, len(self.sizes) - 1, min(len(self.sizes), AT_MOST)).round().astype(np.int64))
        return {
            "counts": self.counts.tolist(),
            "images": self.images.tolist(),
            "crowd": self.crowd,
            "empty": self.empty,
            "boxes": self.sizes[places].astype(np.float64).round(2).tolist(),
        }


def count_objects(split: BoxSplit, classes: int) -> ObjectCounts:
    """Count the objects of each class in all images (a second for 100 000); no image is decoded."""
    counts, images = np.zeros(classes, dtype=np.int64), np.zeros(classes, dtype=np.int64)
    sizes = [np.zeros((0, 2), dtype=np.float32)]
    crowd = empty = 0
    for place in range(len(split)):
        target = split.objects(place)
        counted = ~target["crowd"].numpy()
        found = np.bincount(target["labels"].numpy()[counted], minlength=classes)
        boxes = target["boxes"].numpy()[counted]
        counts += found
        images += found > 0
        sizes.append(boxes[:, 2:] - boxes[:, :2])
        crowd += int((~counted).sum())
        empty += len(counted) == 0
    return ObjectCounts(counts, images, crowd, empty, np.concatenate(sizes))
