"""What a data set file provides, and what the rest of the program may rely on.

A data set is one file in ``data/datasets`` (or a user's own ``my_data.py``) with::

    '''Title in one line, shown by `vyvod list data`.'''

    TASKS = ("classification",)                    # which tasks it has targets for
    CARD = Card(title=..., homepage=..., licence=..., citation=...)

    def load(settings: DataSettings, task: TaskName) -> Dataset: ...

It reads ``settings.root``; it touches the network only when ``settings.download`` is true. The contract test over the
catalog, and ``vyvod data check``, then know how to treat it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from pydantic import Field
from torch import Tensor

from vyvod.types import Record, Sample, Side, SplitName


class DataSettings(Record):
    """Which images, and how they are read."""

    name: str = "fashion-mnist-mini"
    """A data set of `vyvod list data`, or your own file (./my_data.py)."""
    root: Path | None = None
    """The folder of the images. Not needed for the data sets that ship with the program."""
    download: bool = False
    """Fetch the data set from its home when it is not in `root`. Without this the network is never used."""
    variant: str | None = None
    """Which edition, where a data set has several, such as 2007 or 2012 of voc."""
    classes: tuple[str, ...] | str | None = None
    """Only these classes, in this order, or the name of a choice that the data set offers (coco: voc). Pixels of the other
    classes become background, or do not count where there is none."""
    val_fraction: float = Field(0.1, gt=0, lt=1)
    """Share of the training images that becomes the val split where the source has none."""
    test_fraction: float = Field(0.1, gt=0, lt=1)
    """Share of the training images that becomes the test split where the source has none with labels."""
    split_seed: int = Field(0, ge=0)
    """Seed of the carved splits; not the seed of the run, so that all seeds see the same images."""
    limit: int | None = Field(None, ge=1)
    """At most that many images of each split (a quick trial); drawn with `split_seed`."""
    image_size: Side | tuple[Side, Side] | None = None
    """[height, width] in pixels, or one number. Classification: what the network sees, one number is a square. Segmentation:
    whole images are brought to this size first, one number is the shorter side. Detection: what the network sees, one number
    is a square into which images are fitted. By default what suits images and network."""
    resize: Literal["crop", "stretch"] = "crop"
    """Photos for evaluation: shorter side to size / 0.875 and the centre cut out, or the whole image stretched."""
    mean: tuple[float, ...] | None = None
    """Mean of each channel, of values in 0..1; by default that of the weights or of the data set."""
    std: tuple[float, ...] | None = None
    """Standard deviation of each channel, of values in 0..1."""
    workers: int | None = Field(None, ge=0)
    """Processes that decode images; by default as many as there are cores, at most 8. Never changes the numbers."""
    cache: bool | None = None
    """Keep the decoded images in memory; by default when they fit into 1 GiB (and, for classes, into 96 pixels a side)."""
    audit: bool = True
    """Look for duplicates and odd files before training (seconds for 100 000 files); `vyvod data check` looks closer."""
    on_error: Literal["stop", "skip"] = "stop"
    """What to do with an image that cannot be decoded: stop and name it, or leave it out and count it."""


IGNORE = 255
"""Value of the pixels of a mask that do not count: no loss, no metric."""

BACKGROUND = "background"
"""The class of everything that is none of the others; the first one, where a data set has it."""

Palette = Sequence[tuple[int, int, int]]
"""Colour of each class, RGB 0..255."""


@dataclass(frozen=True, slots=True)
class Card:
    """Facts about a data set, for reports and citations."""

    title: str
    homepage: str
    licence: str
    citation: str
    mean: tuple[float, ...] | None = None
    """Mean of each channel of the training images, values in 0..1."""
    std: tuple[float, ...] | None = None
    """Standard deviation of each channel."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a split comes from, so that the report can say it."""

    source: SplitName | Literal["all"]
    """The split of the source; ``all`` where the source has no splits."""
    carved: bool = False
    """True where it was drawn from ``source`` by us: ``share`` of it, stratified by class, with ``seed``."""
    share: float = 1.0
    seed: int | None = None


@runtime_checkable
class Split(Protocol):
    """The images of one split, in a fixed order."""

    @property
    def ids(self) -> Sequence[str]:
        """Stable ids, N of them, all different."""

    def __len__(self) -> int:
        """Number of images, N."""

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place, as stored: no resizing, no augmentation.

        Raises:
            DataError: the image cannot be read; the text names the file.
        """

    def fingerprint(self) -> str:
        """Hash of what the split holds; differs when an image or a target differs."""


@dataclass(slots=True)
class Around:
    """The same images as another split has, handed out in another way."""

    split: Split

    @property
    def ids(self) -> Sequence[str]:
        """Those of the split."""
        return self.split.ids

    def __len__(self) -> int:
        """Number of images."""
        return len(self.split)

    def fingerprint(self) -> str:
        """That of the split."""
        return self.split.fingerprint()


@runtime_checkable
class LabelledSplit(Split, Protocol):
    """A split for classification."""

    labels: Tensor
    """``(N,)`` int64 class indices."""


@runtime_checkable
class HasFiles(Split, Protocol):
    """A split whose images are files."""

    def path(self, index: int) -> Path:
        """The image file at that place."""


@runtime_checkable
class MaskSplit(Split, Protocol):
    """A split for segmentation. The target of a sample is ``(H, W)`` uint8, a class index or 255 for each pixel."""

    def mask(self, index: int) -> np.ndarray:
        """The mask at that place without its image, ``(H, W)`` uint8."""


Rle = dict[str, Any]
"""The pixels of an object, ``{"size": [height, width], "counts": ...}``, as hotcoco and pycocotools have it."""


@runtime_checkable
class BoxSplit(Split, Protocol):
    """A split for detection. The target of a sample is a dictionary of the image's M objects.

    ``boxes`` ``(M, 4)`` float32 left, top, right, bottom, pixels of the upright image, inside of it and not empty; ``labels``
    ``(M,)`` int64 class indices; ``crowd`` ``(M,)`` bool: does not count (COCO's crowds, VOC's difficult objects), neither
    trained on nor judged; ``areas`` ``(M,)`` float32 pixels, of the outline where it is known, else of the box; ``size``
    ``(2,)`` int64 height and width of the image.
    """

    def objects(self, index: int) -> dict[str, Any]:
        """The target at that place without its image."""


@runtime_checkable
class OutlinedSplit(BoxSplit, Protocol):
    """A split for detection whose objects have outlines."""

    def outlines(self, index: int) -> list[Rle]:
        """M outlines, in the order of the objects."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A loaded data set: train, val and test, and what is known about them."""

    card: Card
    classes: tuple[str, ...]
    splits: Mapping[SplitName, Split]
    """Always all three; no image is in two of them."""
    origins: Mapping[SplitName, Origin] = field(default_factory=dict)
    native_size: tuple[int, int] | None = None
    """Height and width where all images have the same; None where they differ."""
    channels: int = 3
    """1 where all images are grey."""
    palette: Palette | None = None
    """Segmentation: the data set's own colours; None: the usual ones."""
    notes: Sequence[str] = ()
    """Sentences about what was found and decided while reading, such as the kind of the masks, for the user and the report."""


def files_of(split: Split) -> HasFiles | None:
    """The split with the files, where there is one, also behind a choice of classes."""
    inner: Any = split
    while not isinstance(inner, HasFiles):
        if not hasattr(inner, "split"):
            return None
        inner = inner.split
    return inner if len(inner) == len(split) else None


@dataclass(slots=True)
class Images:
    """A split whose images lie in memory."""

    images: Tensor
    """``(N, C, H, W)`` uint8."""
    labels: Tensor
    """``(N,)`` int64 class indices."""
    ids: Sequence[str]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place."""
        from torchvision import tv_tensors

        return Sample(tv_tensors.Image(self.images[index]), int(self.labels[index]), self.ids[index])

    def fingerprint(self) -> str:
        """SHA-256 over pixels, labels and ids."""
        return fingerprint(self.images.numpy().tobytes(), self.labels.numpy().tobytes(), "\n".join(self.ids).encode())

    def subset(self, indices: Sequence[int] | np.ndarray) -> Images:
        """The images at these places, in this order."""
        places = np.asarray(indices, dtype=np.int64)
        return Images(self.images[places], self.labels[places], [self.ids[place] for place in places])


def fingerprint(*parts: bytes) -> str:
    """SHA-256 over the parts, first 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:16]
