"""Splits for detection with the objects of some classes, or with some of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from torch import Tensor

from vyvod.data.carve import Divisible
from vyvod.data.contract import BoxSplit, OutlinedSplit, Rle, fingerprint
from vyvod.types import Sample


def chosen_objects(split: BoxSplit, number: Tensor | None, places: np.ndarray | None = None) -> ChosenObjects:
    """The split with other class indices, or with some of its images; with outlines where it has them."""
    return (ChosenOutlined if isinstance(split, OutlinedSplit) else ChosenObjects)(split, number, places)


@dataclass(slots=True)
class ChosenObjects:
    """A split for detection with the objects of some classes, or with some of its images, or both."""

    split: Any
    """A `BoxSplit`; an `OutlinedSplit` in `ChosenOutlined`."""
    number: Tensor | None
    """``(K,)`` int64: old class index -> new one, or -1 for a class that is left out; None: all stay as they are."""
    places: np.ndarray | None = None
    """Of the images; None: all of them."""

    @property
    def ids(self) -> Sequence[str]:
        """Those of the chosen images."""
        return self.split.ids if self.places is None else [self.split.ids[place] for place in self.places]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.split) if self.places is None else len(self.places)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place."""
        sample: Sample = self.split[self._place(index)]
        return replace(sample, target=self._of(sample.target))

    def objects(self, index: int) -> dict[str, Any]:
        """The target at that place without its image."""
        return self._of(self.split.objects(self._place(index)))

    def _place(self, index: int) -> int:
        return index if self.places is None else int(self.places[index])

    def _of(self, target: dict[str, Any]) -> dict[str, Any]:
        if self.number is None:
            return target
        labels = self.number[target["labels"]]
        kept = {key: target[key][labels >= 0] for key in ("boxes", "crowd", "areas")}
        return target | kept | {"labels": labels[labels >= 0]}

    def fingerprint(self) -> str:
        """Hash of the split, of the choice of classes and of that of images."""
        number = b"" if self.number is None else self.number.numpy().tobytes()
        places = b"" if self.places is None else self.places.tobytes()
        return fingerprint(self.split.fingerprint().encode(), number, places)

    def subset(self, indices: Sequence[int] | np.ndarray) -> Self:
        """The images at these places, in this order."""
        places = np.asarray(indices, dtype=np.int64)
        if isinstance(self.split, Divisible):
            return replace(
                self, split=self.split.subset(places if self.places is None else self.places[places]), places=None
            )
        return replace(self, places=places if self.places is None else self.places[places])


@dataclass(slots=True)
class ChosenOutlined(ChosenObjects):
    """The same for objects with outlines."""

    def outlines(self, index: int) -> list[Rle]:
        """The outlines of the chosen objects, in their order."""
        place = self._place(index)
        outlines = self.split.outlines(place)
        if self.number is None:
            return list(outlines)
        kept = (self.number[self.split.objects(place)["labels"]] >= 0).tolist()
        return [outline for outline, there in zip(outlines, kept, strict=True) if there]
