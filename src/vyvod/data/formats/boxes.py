"""Images with boxes: the objects of a whole split lie in a few arrays, images are decoded when they are asked for.

A million objects take 40 MB in arrays and are sent to workers at once, where lists of dictionaries would take a gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from hotcoco import mask as hotcoco_mask
from PIL import Image

from vyvod.data.contract import Rle, fingerprint
from vyvod.data.formats.folders import UPRIGHT, decode, file_size, opened, orientation
from vyvod.errors import DataError
from vyvod.types import Sample, SplitName

ODDITIES = ("not finite", "empty", "outside", "clipped", "unlabelled")
"""What is counted for each image: boxes with NaN or infinite corners, boxes without width or height (or with swapped corners),
boxes wholly outside, all of which were dropped; boxes that were clipped to the image; 1 where the image has no label file."""
NOT_FINITE, EMPTY, OUTSIDE, CLIPPED, UNLABELLED = range(len(ODDITIES))
_ROUNDING = 0.5
"""Pixels by which a box may reach beyond the image without a word: files round."""
_LARGEST = 1 << 31
"""Pixels: no object has that many; who says so has made a slip."""
_SIDEWAYS = 5
"""From this EXIF orientation on height and width change places."""


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The objects of N images, M in all, in the order of the images; checked."""

    starts: np.ndarray
    """``(N + 1,)`` int64: the objects of image n are at ``starts[n]`` to ``starts[n + 1] - 1``."""
    boxes: np.ndarray
    """``(M, 4)`` float32 left, top, right, bottom, pixels, inside the image and not empty."""
    labels: np.ndarray
    """``(M,)`` int64 class indices."""
    crowd: np.ndarray
    """``(M,)`` bool: does not count."""
    areas: np.ndarray
    """``(M,)`` float32 pixels."""
    sources: np.ndarray
    """``(M,)`` int64: where the object stands in its source, for who reads outlines."""
    sizes: np.ndarray
    """``(N, 2)`` int64 height and width of the upright images, pixels."""
    oddities: np.ndarray
    """``(N, 5)`` int64: how often each of `ODDITIES` was met."""
    turns: np.ndarray
    """``(N,)`` uint8: EXIF orientation by which boxes were turned; 1 where they were upright."""

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.sizes)

    def of(self, image: int) -> slice:
        """Places of the objects of the image at that place."""
        return slice(int(self.starts[image]), int(self.starts[image + 1]))

    def subset(self, images: np.ndarray) -> Objects:
        """The objects of the images at these places, in this order."""
        counts = np.diff(self.starts)[images]
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[:-1][images] - starts[:-1], counts)
        return Objects(
            starts, self.boxes[places], self.labels[places], self.crowd[places], self.areas[places],
            self.sources[places], self.sizes[images], self.oddities[images], self.turns[images],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """What files say about the objects of N images, M in all, in the order of the images; nothing is checked."""

    counts: np.ndarray
    """``(N,)`` int64 objects of each image."""
    boxes: np.ndarray
    """``(M, 4)`` float64 left, top, right, bottom, pixels."""
    labels: np.ndarray
    """``(M,)`` int64 class indices."""
    sizes: np.ndarray
    """``(N, 2)`` int64 height and width of the images as the boxes mean them, pixels."""
    crowd: np.ndarray | None = None
    """``(M,)`` bool; None: no object is one."""
    areas: np.ndarray | None = None
    """``(M,)`` float64 pixels; NaN, or None: that of the box."""
    sources: np.ndarray | None = None
    """``(M,)`` int64; None: the place of the object here."""
    unlabelled: np.ndarray | None = None
    """``(N,)`` bool: the image has no label file; None: all have."""
    turns: np.ndarray | None = None
    """``(N,)`` uint8 EXIF orientation by which images, and so boxes, are to be turned; None: all are upright."""


def checked(said: Annotated) -> Objects:
    """Turn boxes upright, clip them to their images, and drop those of which nothing is left.

    Args:
        said: what the files say.

    Returns:
        objects with finite boxes of positive width and height inside their images; what was dropped is counted.
    """
    images = np.repeat(np.arange(len(said.counts)), said.counts)
    turns = np.ones(len(said.counts), dtype=np.uint8) if said.turns is None else said.turns
    boxes, sizes = _turned(said.boxes, said.sizes, turns, images)
    clipped, problem = _clipped(boxes, sizes[images])
    kept = (problem != NOT_FINITE) & (problem != EMPTY) & (problem != OUTSIDE)
    sources = np.arange(len(boxes)) if said.sources is None else said.sources
    crowd = np.zeros(len(boxes), dtype=bool) if said.crowd is None else said.crowd
    return Objects(
        starts=np.concatenate([[0], np.cumsum(np.bincount(images[kept], minlength=len(said.counts)))]).astype(np.int64),
        boxes=clipped[kept], labels=said.labels[kept], crowd=crowd[kept],
        areas=_areas(said.areas, clipped)[kept], sources=sources[kept].astype(np.int64), sizes=sizes,
        oddities=_oddities(said, images, problem), turns=turns,
    )  # fmt: skip


def _turned(
    boxes: np.ndarray, sizes: np.ndarray, turns: np.ndarray, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of stored images -> boxes of the upright ones, and their sizes."""
    boxes = boxes.astype(np.float64).reshape(-1, 4)
    upright = np.where((turns >= _SIDEWAYS)[:, None], sizes[:, ::-1], sizes)
    for turn in np.unique(turns[turns > 1]).tolist():
        chosen = turns[images] == turn
        boxes[chosen] = _turn(boxes[chosen], sizes[images[chosen]], turn)
    return boxes, upright


def _turn(boxes: np.ndarray, sizes: np.ndarray, orientation: int) -> np.ndarray:
    left, top, right, bottom = boxes.T
    height, width = sizes.T
    # Which way the stored columns and rows run, seen upright: EXIF 2.32, table 6.
    if orientation in (2, 3, 7, 8):
        left, right = width - right, width - left
    if orientation in (3, 4, 6, 7):
        top, bottom = height - bottom, height - top
    columns = (top, left, bottom, right) if orientation >= _SIDEWAYS else (left, top, right, bottom)
    return np.stack(columns, axis=1)


def _clipped(boxes: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(M, 4)`` float32 boxes inside their images, and ``(M,)`` what was the matter with each, -1 for nothing."""
    limits = sizes[:, [1, 0, 1, 0]].astype(np.float64)
    finite = np.isfinite(boxes).all(axis=1)
    known = np.where(finite[:, None], boxes, 0.0)
    inside = np.clip(known, 0.0, limits).astype(np.float32)
    problem = np.full(len(boxes), -1)
    problem[(np.abs(known - inside) > _ROUNDING).any(axis=1)] = CLIPPED
    problem[_is_empty(inside)] = EMPTY
    problem[(known[:, :2] >= limits[:, 2:]).any(axis=1) | (known[:, 2:] <= 0).any(axis=1)] = OUTSIDE
    problem[_is_empty(known)] = EMPTY
    problem[~finite] = NOT_FINITE
    return inside, problem


def _is_empty(boxes: np.ndarray) -> np.ndarray:
    empty: np.ndarray = np.any(boxes[:, 2:] <= boxes[:, :2], axis=1)
    return empty


def _areas(said: np.ndarray | None, boxes: np.ndarray) -> np.ndarray:
    areas: np.ndarray = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    if said is not None:
        # The comparison is false for NaN.
        areas = np.where((said > 0) & (said < _LARGEST), said, areas)
    return areas.astype(np.float32)


def _oddities(said: Annotated, images: np.ndarray, problem: np.ndarray) -> np.ndarray:
    counts = np.zeros((len(said.counts), len(ODDITIES)), dtype=np.int64)
    np.add.at(counts, (images[problem >= 0], problem[problem >= 0]), 1)
    if said.unlabelled is not None:
        counts[:, UNLABELLED] = said.unlabelled
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """An image and what its annotation says, m objects; nothing is checked."""

    image: str
    """Path relative to the root of the split, with ``/``."""
    size: tuple[int, int]
    """Height and width of the frame in which the boxes lie, pixels."""
    boxes: np.ndarray
    """``(m, 4)`` float64 left, top, right, bottom, pixels of that frame."""
    labels: Sequence[int]
    """m class indices."""
    crowd: Sequence[bool] | None = None
    """Which of the m do not count; None: all count."""
    turn: int = 1
    """EXIF orientation by which image and boxes are turned; 1: not at all."""
    unlabelled: bool = False
    """There is no label file."""


def gathered(root: Path, found: Sequence[LabelledImage], ids: Sequence[str] | None = None) -> BoxFiles:
    """The images with their objects as a split; ids are the paths of the images if there are no others."""
    crowd = [image.crowd if image.crowd is not None else [False] * len(image.labels) for image in found]
    said = Annotated(
        counts=np.array([len(image.labels) for image in found], dtype=np.int64),
        boxes=np.concatenate([np.zeros((0, 4)), *(image.boxes.reshape(-1, 4) for image in found)]),
        labels=np.array([label for image in found for label in image.labels], dtype=np.int64),
        sizes=np.array([image.size for image in found], dtype=np.int64).reshape(-1, 2),
        crowd=np.array([flag for flags in crowd for flag in flags], dtype=bool),
        unlabelled=np.array([image.unlabelled for image in found], dtype=bool),
        turns=np.array([image.turn for image in found], dtype=np.uint8),
    )
    images = [image.image for image in found]
    return BoxFiles(root, images if ids is None else ids, images, checked(said))


@dataclass(slots=True)
class BoxFiles:
    """A split for detection whose images are files, decoded when they are asked for."""

    root: Path
    ids: Sequence[str]
    """Stable names of the images."""
    images: Sequence[str]
    """Paths of the images relative to ``root``, with ``/``."""
    found: Objects

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place: ``(3, H, W)`` uint8 image and the dictionary of its objects.

        Raises:
            DataError: the image cannot be read, or has another size than its boxes are for; the text names the file.
        """
        image = decode(self.path(index))
        height, width = self.found.sizes[index].tolist()
        if tuple(image.shape[-2:]) != (height, width):
            raise DataError(_sizes_differ(self.path(index), image.shape[-1], image.shape[-2], width, height))
        return Sample(image, self.objects(index), self.ids[index])

    def objects(self, index: int) -> dict[str, Any]:
        """The target at that place without its image, as `BoxSplit` has it."""
        places, found = self.found.of(index), self.found
        return {
            "boxes": torch.from_numpy(found.boxes[places].copy()),
            "labels": torch.from_numpy(found.labels[places].copy()),
            "crowd": torch.from_numpy(found.crowd[places].copy()),
            "areas": torch.from_numpy(found.areas[places].copy()),
            "size": torch.from_numpy(found.sizes[index].copy()),
        }

    def path(self, index: int) -> Path:
        """The image file at that place."""
        return self.root / self.images[index]

    def fingerprint(self) -> str:
        """Hash over ids, objects and sizes of the files: blind to a change of an image that keeps its size."""
        found, sizes = self.found, np.array([file_size(self.path(index)) for index in range(len(self))])
        arrays = (found.starts, found.boxes, found.labels, found.crowd, found.areas, found.sizes, sizes)
        return fingerprint("\n".join(self.ids).encode(), *(array.tobytes() for array in arrays))

    def subset(self, indices: Sequence[int] | np.ndarray) -> BoxFiles:
        """The images at these places, in this order."""
        places = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            ids=[self.ids[place] for place in places],
            images=[self.images[place] for place in places],
            found=self.found.subset(places),
        )


def joined(splits: Sequence[BoxFiles]) -> BoxFiles:
    """Several splits below one root as one; outlines are lost."""
    found = [split.found for split in splits]
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(each.starts) for each in found]))])
    fields = ("boxes", "labels", "crowd", "areas", "sources", "sizes", "oddities", "turns")
    columns = {name: np.concatenate([getattr(each, name) for each in found]) for name in fields}
    ids = [identity for split in splits for identity in split.ids]
    return BoxFiles(
        splits[0].root, ids, [image for split in splits for image in split.images], Objects(starts, **columns)
    )


class OutlineReader(Protocol):
    """From objects to their outlines. It is sent to workers, so it is a small picklable object."""

    def __call__(self, sources: Sequence[int]) -> list[Rle]:
        """The outlines of objects of one image, in the frame of the stored image.

        Raises:
            DataError: an outline cannot be read or makes no sense; the text names it.
        """


@dataclass(slots=True)
class OutlinedFiles(BoxFiles):
    """A split for detection whose objects have outlines."""

    read: OutlineReader = field(kw_only=True)

    def outlines(self, index: int) -> list[Rle]:
        """M outlines, in the order of the objects, of the upright image."""
        outlines = self.read(self.found.sources[self.found.of(index)].tolist())
        turn = UPRIGHT.get(int(self.found.turns[index]))
        return outlines if turn is None else [_turned_outline(outline, turn) for outline in outlines]


def _turned_outline(outline: Rle, turn: Image.Transpose) -> Rle:
    upright = np.array(Image.fromarray(hotcoco_mask.decode(outline)).transpose(turn))
    turned: Rle = hotcoco_mask.encode(np.asfortranarray(upright))
    return turned


def _sizes_differ(path: Path, width: int, height: int, said_width: int, said_height: int) -> str:
    return (
        f"{path} is {width} x {height} pixels, its boxes are for {said_width} x {said_height}. Label the image anew, or bring it "
        "to that size."
    )


@dataclass(frozen=True, slots=True)
class Header:
    """Of an image file: how large it is, and how it is turned."""

    height: int
    """Stored, pixels."""
    width: int
    orientation: int
    """EXIF, 1 is upright."""

    @property
    def upright(self) -> tuple[int, int]:
        """Height and width as it is meant to be seen."""
        return (self.width, self.height) if self.orientation >= _SIDEWAYS else (self.height, self.width)


def read_header(path: Path) -> Header:
    """Size and orientation of an image file, without decoding its pixels (0.1 ms).

    Raises:
        DataError: it is missing, no image, or so large that it may be a decompression bomb.
    """
    with opened(path) as image:
        return Header(image.height, image.width, orientation(image))


def frame(path: Path, header: Header, said: tuple[int, int] | None, *, where: str) -> tuple[tuple[int, int], int]:
    """In which frame the boxes of an image lie.

    Programs that pass over EXIF draw boxes on the stored image, others on the upright one; the size that they write down tells.

    Args:
        path: the image, for the message.
        header: of the image.
        said: height and width as the annotation has them; None where it has none: then boxes are upright.
        where: the annotation, for the message.

    Returns:
        height and width of that frame, and the orientation by which boxes have to be turned, 1 for not at all.

    Raises:
        DataError: the annotation is for an image of another size.
    """
    if said is None or said == header.upright:
        return header.upright, 1
    if said == (header.height, header.width):
        return said, header.orientation
    height, width = header.upright
    raise DataError(
        f"{where} is for an image of {said[1]} x {said[0]} pixels, {path} has {width} x {height}. Correct the size if it is a "
        "slip; if the image was resized, label it anew."
    )


@dataclass(frozen=True, slots=True)
class Framer:
    """Finds out in which frame the boxes of images lie, and which images cannot be used."""

    root: Path
    on_error: str = "stop"
    """``skip``: an image that cannot be read, and whose size no annotation says, is left out."""
    lenient: bool = False
    """A size in an annotation that fits neither frame is passed over: for published files, which nobody can mend."""
    left_out: list[str] = field(default_factory=list)
    """Images that were left out."""

    def __call__(self, image: str, said: tuple[int, int] | None, *, where: str) -> tuple[tuple[int, int], int] | None:
        """The frame as of `frame`; that of the annotation where the image cannot be read; None: leave the image out.

        Raises:
            DataError: the annotation is for an image of another size, or there is no way to know the size.
        """
        path = self.root / image
        try:
            header = read_header(path)
        except DataError:
            if said is not None:
                return said, 1  # it is met again when it is decoded, and treated as data.on_error says
            if self.on_error == "stop":
                raise
            self.left_out.append(image)
            return None
        if self.lenient and said not in (header.upright, (header.height, header.width)):
            said = None
        return frame(path, header, said, where=where)

    def notes(self) -> Iterator[str]:
        """A sentence about images that were left out."""
        if self.left_out:
            yield f"{len(self.left_out)} unreadable images are left out; the first is {self.left_out[0]}."


@dataclass(frozen=True, slots=True)
class BoxFolder:
    """What a folder of own images holds."""

    classes: tuple[str, ...]
    splits: Mapping[SplitName, BoxFiles]
    """Those that the folder has; a single pile is ``train``."""
    piled: bool
    """The folder has no splits."""
    notes: Sequence[str]


_TOLD: Mapping[int, str] = {
    NOT_FINITE: "with corners that are no numbers (NaN, infinite) {were} dropped",
    EMPTY: "without width or height, or with swapped corners, {were} dropped",
    OUTSIDE: "wholly outside {their} dropped",
    CLIPPED: "reaching beyond {their} clipped",
}


def box_notes(splits: Sequence[BoxFiles]) -> Iterator[str]:
    """Sentences about the boxes that were dropped or clipped while reading: how many, and the first image."""
    for kind, text in _TOLD.items():
        hit = [(split.ids[place], int(n)) for split in splits for place, n in _hits(split, kind)]
        if hit:
            total = sum(number for _, number in hit)
            one = text.format(were="was", their="its image was")
            many = text.format(were="were", their="their images were")
            yield f"{total} {f'box {one}' if total == 1 else f'boxes {many}'}; the first image is {hit[0][0]}."


def _hits(split: BoxFiles, kind: int) -> Iterator[tuple[int, int]]:
    counts = split.found.oddities[:, kind]
    yield from ((int(place), int(counts[place])) for place in np.flatnonzero(counts))


def unlabelled_note(splits: Sequence[BoxFiles]) -> Iterator[str]:
    """A sentence about images that have no label file."""
    ids = [split.ids[place] for split in splits for place, _ in _hits(split, UNLABELLED)]
    if ids:
        have = "image has no label file and is" if len(ids) == 1 else "images have no label files and are"
        yield f"{len(ids)} {have} taken as without objects; the first is {ids[0]}."


def one_size(splits: Sequence[BoxFiles]) -> tuple[int, int] | None:
    """Height and width where all images have the same."""
    sizes = np.unique(np.concatenate([split.found.sizes for split in splits]), axis=0)
    return (int(sizes[0, 0]), int(sizes[0, 1])) if len(sizes) == 1 else None
