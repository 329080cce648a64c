"""What is wrong with the masks of a data set: unreadable or of another size, values in no table, empty ones, absent classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vyvod.data.contract import BACKGROUND, IGNORE, Dataset, MaskSplit, files_of
from vyvod.data.formats.folders import opened, orientation
from vyvod.errors import DataError
from vyvod.types import SPLITS, Progress, Silence, SplitName

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class MaskAudit:
    """What was found."""

    masks: int
    """Masks that could be read."""
    problems: tuple[tuple[str, str], ...]
    """Id and a sentence for each mask that cannot be used."""
    empty: tuple[str, ...]
    """Ids of masks in which every pixel is background or does not count."""
    pixels: dict[SplitName, np.ndarray]
    """Split -> ``(K,)`` int64 pixels of each class."""
    images: dict[SplitName, np.ndarray]
    """Split -> ``(K,)`` int64 masks in which each class occurs."""
    classes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The same as dictionaries, lists, strings and numbers."""
        return {
            "masks": self.masks,
            "problems": [{"id": identity, "problem": problem} for identity, problem in self.problems],
            "empty": list(self.empty),
            "classes": [
                {
                    "name": name,
                    "pixels": {split: int(counts[place]) for split, counts in self.pixels.items()},
                    "images": {split: int(counts[place]) for split, counts in self.images.items()},
                }
                for place, name in enumerate(self.classes)
            ],
            "findings": list(self.findings()),
        }

    def findings(self) -> Iterator[str]:
        """Sentences, the worst first; none where nothing is suspicious."""
        if self.problems:
            yield f"{_many(len(self.problems), 'mask')} cannot be used; the first: {self.problems[0][1]}"
        for split in SPLITS:
            absent = [name for name, number in zip(self.classes, self.images[split], strict=True) if not number]
            if absent and self.pixels[split].sum():
                yield f"In {split} {_listed(absent)} never occur{'s' if len(absent) == 1 else ''}."
        if self.empty:
            yield f"{_many(len(self.empty), 'mask')} without any object, such as that of {self.empty[0]}."
        yield from self._smallest()

    def _smallest(self) -> Iterator[str]:
        pixels = np.sum(list(self.pixels.values()), axis=0)
        shares = pixels / max(int(pixels.sum()), 1)
        rare = [int(place) for place in np.argsort(shares, kind="stable") if 0 < shares[place] < 0.001]
        if rare:
            name, share = self.classes[rare[0]], shares[rare[0]]
            yield f"'{name}' has only {share:.4%} of all pixels: look at its own Dice, not at accuracy."


def audit_masks(dataset: Dataset, *, progress: Progress | None = None) -> MaskAudit:
    """Read every mask, and compare its size with that of its image.

    Args:
        dataset: for segmentation.
        progress: how to show where it stands.

    Returns:
        what was found; nothing that is found is an error.
    """
    progress = progress or Silence()
    classes = len(dataset.classes)
    pixels = {name: np.zeros(classes, dtype=np.int64) for name in SPLITS}
    images = {name: np.zeros(classes, dtype=np.int64) for name in SPLITS}
    problems: list[tuple[str, str]] = []
    empty: list[str] = []
    masks = 0
    progress.begin("checking masks", sum(map(len, dataset.splits.values())))
    for name in SPLITS:
        for identity, found in _looked_at(dataset.splits[name], progress):
            if isinstance(found, str):
                problems.append((identity, found))
                continue
            masks += 1
            pixels[name] += found[:classes]
            images[name] += found[:classes] > 0
            if not found[_objects(dataset.classes)].sum():
                empty.append(identity)
    progress.end()
    return MaskAudit(masks, tuple(problems), tuple(empty), pixels, images, dataset.classes)


def _objects(classes: Sequence[str]) -> slice:
    return slice(1 if classes[0] == BACKGROUND else 0, IGNORE)


def _looked_at(split: Any, progress: Progress) -> Iterator[tuple[str, np.ndarray | str]]:
    """Id, and how often each value occurs in the mask, ``(256,)``, or what is wrong with it."""
    assert isinstance(split, MaskSplit)  # noqa: S101 - checked when it was loaded
    for place, identity in enumerate(split.ids):
        progress.advance(1)
        try:
            mask = split.mask(place)
            _check_size(split, place, mask)
        except DataError as error:
            yield identity, str(error)
        else:
            yield identity, np.bincount(mask.ravel(), minlength=256)


def _check_size(split: MaskSplit, place: int, mask: np.ndarray) -> None:
    files = files_of(split)
    if files is None:
        return
    with opened(files.path(place)) as image:
        size = (image.width, image.height) if orientation(image) >= 5 else (image.height, image.width)
    if size != mask.shape:
        split[place]  # reads both, and says what differs and how to cure it; it is no error where the data set resizes


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:EXAMPLES])
    return shown if len(names) <= EXAMPLES else f"{shown} and {len(names) - EXAMPLES} more classes"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
