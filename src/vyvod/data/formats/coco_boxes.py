"""Objects of COCO's instance files as boxes, with outlines where all objects have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hotcoco import mask as hotcoco_mask

from vyvod.data.contract import Rle
from vyvod.data.formats.boxes import Annotated, BoxFiles, OutlinedFiles, checked
from vyvod.data.formats.coco import Instances, corners


@dataclass(frozen=True, slots=True, eq=False)
class InstanceOutlines:
    """Reads outlines from the file. A source is the place of an object in the index."""

    instances: Instances

    def __call__(self, sources: Sequence[int]) -> list[Rle]:
        """The outlines of objects of one image.

        Raises:
            DataError: an outline makes no sense; the text names the annotation.
        """
        return self.instances.outlines(_image_of(self.instances, sources[0]), sources) if sources else []


def _image_of(instances: Instances, place: int) -> int:
    return int(np.searchsorted(instances.starts, place, side="right")) - 1


@dataclass(frozen=True, slots=True)
class Located:
    """Where the images of an instance file lie, in its order."""

    root: Path
    images: Sequence[str]
    """Paths relative to ``root``, with ``/``."""
    ids: Sequence[str]
    turns: np.ndarray | None = None
    """``(N,)`` uint8 EXIF orientations by which boxes and outlines are turned; None: all are upright."""


def instance_boxes(instances: Instances, located: Located, labels: Mapping[int, int]) -> BoxFiles:
    """The objects of an instance file as a split.

    Args:
        instances: the index of the file.
        located: its images.
        labels: category id -> class index; objects of other categories are left out.

    Returns:
        boxes of the file, or, where an object has none, those of its outline; with outlines if all objects have them.
    """
    numbers = np.array([labels.get(int(identity), -1) for identity in instances.categories], dtype=np.int64)
    known = np.array(list(instances.categories), dtype=np.int64)
    found = numbers[np.searchsorted(known, instances.category_ids)] if len(known) else instances.category_ids
    chosen = np.flatnonzero(found >= 0)
    said = Annotated(
        counts=np.diff(np.searchsorted(chosen, instances.starts)), boxes=corners(_boxes(instances))[chosen],
        labels=found[chosen], sizes=instances.sizes, crowd=instances.crowd[chosen], areas=instances.areas[chosen],
        sources=chosen, turns=located.turns,
    )  # fmt: skip
    objects = checked(said)
    if len(chosen) and instances.outlined[chosen].all():
        read = InstanceOutlines(instances)
        return OutlinedFiles(located.root, located.ids, located.images, objects, read=read)
    return BoxFiles(located.root, located.ids, located.images, objects)


def _boxes(instances: Instances) -> np.ndarray:
    """``(M, 4)`` left, top, width, height: those of the file, or of the outline where it has none."""
    bare = np.flatnonzero(np.isnan(instances.boxes).all(axis=1) & instances.outlined)
    boxes = instances.boxes.copy()
    for place in bare.tolist():
        (outline,) = instances.outlines(_image_of(instances, place), [place])
        boxes[place] = hotcoco_mask.toBbox(outline)
    return boxes
