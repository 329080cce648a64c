"""What is wrong with the boxes of a data set: outside their images, duplicates, tiny ones, unequal classes, empty images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vyvod.data.contract import BoxSplit, Dataset
from vyvod.data.formats.boxes import ODDITIES, BoxFiles
from vyvod.data.objects import ObjectCounts, count_objects
from vyvod.types import SPLITS, Progress, Silence, SplitName

EXAMPLES = 10
TINY = 4.0
"""Pixels: a box with a shorter side is tiny."""
SAME = 1.0
"""Pixels: boxes of one class whose corners differ by less are the same one twice."""
UNEQUAL = 10.0
"""From this ratio of the objects of the largest class to those of the smallest on, it is a finding."""
_SAID = {
    "not finite": "{boxes} with corners that are no numbers (NaN, infinite), dropped",
    "empty": "{boxes} without width or height, or with swapped corners, dropped",
    "outside": "{boxes} wholly outside the image, dropped",
    "clipped": "{boxes} reaching beyond the image, clipped",
    "unlabelled": "{images} without a label file, taken as without objects",
}


@dataclass(frozen=True, slots=True)
class BoxAudit:
    """What was found."""

    counts: Mapping[SplitName, ObjectCounts]
    oddities: Mapping[str, Mapping[str, int]]
    """Kind, as in `ODDITIES` -> id of an image -> number of boxes: what was met while reading."""
    duplicates: Mapping[str, int]
    """Id of an image -> boxes that repeat another of the same class."""
    tiny: Mapping[str, int]
    """Id of an image -> boxes with a side shorter than `TINY`."""
    empty: Sequence[str]
    """Ids of images without objects."""
    classes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The same as dictionaries, lists, strings and numbers."""
        return {
            "objects": {split: counts.record() for split, counts in self.counts.items()},
            "oddities": {kind: dict(images) for kind, images in self.oddities.items()},
            "duplicates": dict(self.duplicates),
            "tiny": dict(self.tiny),
            "empty": list(self.empty),
            "classes": [
                {
                    "name": name,
                    "objects": {split: int(counts.counts[place]) for split, counts in self.counts.items()},
                    "images": {split: int(counts.images[place]) for split, counts in self.counts.items()},
                }
                for place, name in enumerate(self.classes)
            ],
            "findings": list(self.findings()),
        }

    def findings(self) -> Iterator[str]:
        """Sentences, the worst first; none where nothing is suspicious."""
        for kind in ODDITIES:
            yield from _told(self.oddities[kind], _SAID[kind])
        yield from _told(self.duplicates, "{boxes} that repeat another box of the same class")
        yield from self._absent()
        yield from _told(self.tiny, f"{{boxes}} with a side shorter than {TINY:g} pixels, which few networks find")
        yield from self._unequal()
        if self.empty:
            yield f"{_many(len(self.empty), 'image')} without objects, such as {self.empty[0]}."

    def _absent(self) -> Iterator[str]:
        for split, counts in self.counts.items():
            absent = [name for name, number in zip(self.classes, counts.counts, strict=True) if not number]
            if absent and counts.counts.sum():
                yield f"In {split} {_listed(absent)} never occur{'s' if len(absent) == 1 else ''}."

    def _unequal(self) -> Iterator[str]:
        totals = np.sum([counts.counts for counts in self.counts.values()], axis=0)
        sizes = [(int(total), name) for total, name in zip(totals, self.classes, strict=True) if total]
        if not sizes:
            return
        (few, small), (many, large) = min(sizes), max(sizes)
        if many >= UNEQUAL * few:
            yield f"The classes are unequal: '{large}' has {many} objects, '{small}' has {few}."


@dataclass(slots=True)
class _Found:
    oddities: dict[str, dict[str, int]] = field(default_factory=lambda: {kind: {} for kind in ODDITIES})
    duplicates: dict[str, int] = field(default_factory=dict)
    tiny: dict[str, int] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)


def audit_boxes(dataset: Dataset, *, progress: Progress | None = None) -> BoxAudit:
    """Look at every box; images are not decoded.

    Args:
        dataset: for detection.
        progress: how to show where it stands.

    Returns:
        what was found; nothing that is found is an error.
    """
    progress, found, counts = progress or Silence(), _Found(), {}
    progress.begin("checking boxes", sum(map(len, dataset.splits.values())))
    for name in SPLITS:
        split = dataset.splits[name]
        assert isinstance(split, BoxSplit)  # noqa: S101 - checked when it was loaded
        counts[name] = count_objects(split, len(dataset.classes))
        for place, identity in enumerate(split.ids):
            progress.advance(1)
            _look(split.objects(place), identity, found)
        _look_back(split, found)
    progress.end()
    return BoxAudit(counts, found.oddities, found.duplicates, found.tiny, found.empty, dataset.classes)


def _look(target: Mapping[str, Any], identity: str, found: _Found) -> None:
    boxes, labels = target["boxes"].numpy(), target["labels"].numpy()
    if not len(boxes):
        found.empty.append(identity)
        return
    repeated = _repeated(boxes, labels)
    tiny = int(((boxes[:, 2:] - boxes[:, :2]).min(axis=1) < TINY).sum())
    found.duplicates.update({identity: repeated} if repeated else {})
    found.tiny.update({identity: tiny} if tiny else {})


def _repeated(boxes: np.ndarray, labels: np.ndarray) -> int:
    """Boxes with an earlier one of the same class at nearly the same place."""
    near = (np.abs(boxes[:, None] - boxes[None]) < SAME).all(axis=2) & (labels[:, None] == labels[None])
    return int(np.triu(near, k=1).any(axis=0).sum())


def _look_back(split: Any, found: _Found) -> None:
    """What was met while reading, also behind a choice of classes."""
    while not isinstance(split, BoxFiles):
        if not hasattr(split, "split"):
            return
        split = split.split
    for number, kind in enumerate(ODDITIES):
        counts = split.found.oddities[:, number]
        found.oddities[kind].update({split.ids[place]: int(counts[place]) for place in np.flatnonzero(counts).tolist()})


def _told(images: Mapping[str, int], text: str) -> Iterator[str]:
    if images:
        boxes, number = _many(sum(images.values()), "box", "boxes"), _many(len(images), "image")
        yield f"{text.format(boxes=boxes, images=number)}; the first image is {next(iter(images))}."


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:EXAMPLES])
    return shown if len(names) <= EXAMPLES else f"{shown} and {len(names) - EXAMPLES} more classes"


def _many(number: int, noun: str, nouns: str | None = None) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"
