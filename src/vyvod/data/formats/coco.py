"""COCO's instance files: an index of the objects in arrays, outlines read from the file when an image is asked for.

The index serves every task that has objects: categories, boxes, areas and crowd flags are at hand; outlines, most of the file,
stay there. A million objects take 90 MB instead of several GB, and the index can be sent to workers.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hotcoco import mask as hotcoco_mask
from PIL import Image

from vyvod.data.contract import IGNORE, Rle
from vyvod.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """The images of a COCO file and their objects. Images are in the order of their ids, objects in that of their images."""

    file: Path
    categories: Mapping[int, str]
    """Id -> name, in the order of ids; ids may have gaps."""
    image_ids: np.ndarray
    """``(N,)`` int64, ascending."""
    names: Sequence[str]
    """Names of the N image files, as the file has them: not to be trusted as paths."""
    sizes: np.ndarray
    """``(N, 2)`` int64 height and width, pixels."""
    starts: np.ndarray
    """``(N + 1,)`` int64: the objects of image n are at ``starts[n]`` to ``starts[n + 1] - 1``."""
    ids: np.ndarray
    """``(M,)`` int64 ids of the objects."""
    category_ids: np.ndarray
    """``(M,)`` int64."""
    crowd: np.ndarray
    """``(M,)`` bool: a group that was outlined as one."""
    boxes: np.ndarray
    """``(M, 4)`` float64 left, top, width, height, pixels; NaN where the file has none."""
    areas: np.ndarray
    """``(M,)`` float64 pixels; NaN where the file has none."""
    outlined: np.ndarray
    """``(M,)`` bool: there are polygons or an RLE."""
    spans: np.ndarray
    """``(M, 2)`` int64: where the record of an object begins and ends in the file, bytes."""
    slivers: Sequence[int]
    """Ids of objects that have polygons of less than three points, which have no area and are passed over."""

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.image_ids)

    def objects(self, image: int) -> range:
        """Places of the objects of the image at that place."""
        return range(int(self.starts[image]), int(self.starts[image + 1]))

    def outlines(self, image: int, places: Sequence[int] | None = None) -> list[Rle]:
        """The objects of the image at that place, or those of them at ``places``, as RLE, read from the file.

        Raises:
            DataError: the file has changed, or an outline makes no sense; the text names the object.
        """
        height, width = self.sizes[image].tolist()
        places = self.objects(image) if places is None else places
        return [
            self._outline(int(self.ids[place]), record, height, width)
            for place, record in zip(places, self._records(places), strict=True)
        ]

    def _records(self, places: Sequence[int]) -> list[bytes]:
        if not places:
            return []
        with self.file.open("rb") as stream:
            return [_piece(stream, *self.spans[place].tolist()) for place in places]

    def _outline(self, identity: int, text: bytes, height: int, width: int) -> Rle:
        try:
            record = json.loads(text)
            if record["id"] != identity:
                raise ValueError("another object stands there")
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{self.file} has changed since it was read ({error}). Start again.") from error
        try:
            return rasterised(record["segmentation"], height, width)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise DataError(
                f"{self.file}: the outline of annotation {identity} makes no sense: {error}. Mend or remove the annotation."
            ) from error


def _piece(stream: Any, start: int, end: int) -> bytes:
    stream.seek(start)
    piece: bytes = stream.read(end - start)
    return piece


def rasterised(outline: Any, height: int, width: int) -> Rle:
    """Polygons or RLE of an object -> RLE of its pixels, equal to pycocotools'.

    Args:
        outline: ``[[x, y, x, y, ...], ...]`` in pixels, their union counts and polygons of less than three points have no area;
            or ``{"size": [height, width], "counts": [...] or "..."}``.
        height: of the image, pixels.
        width: likewise.

    Raises:
        ValueError, TypeError, KeyError: it makes no sense.
    """
    if isinstance(outline, list):
        polygons = [_polygon(points) for points in outline if len(points) >= _TRIANGLE]
        parts = hotcoco_mask.frPyObjects(polygons, height, width) if polygons else []
        return hotcoco_mask.merge(parts) if parts else _empty(height, width)
    if list(outline["size"]) != [height, width]:
        raise ValueError(f"its RLE is for {outline['size']}, the image is {[height, width]} (height, width)")
    _check_counts(outline["counts"], height * width)
    rle: Rle = hotcoco_mask.frPyObjects({"size": [height, width], "counts": outline["counts"]}, height, width)
    # Only decoding finds out whether compressed runs fit into the image.
    hotcoco_mask.decode(rle)
    return rle


def _empty(height: int, width: int) -> Rle:
    rle: Rle = hotcoco_mask.frPyObjects({"size": [height, width], "counts": [height * width]}, height, width)
    return rle


_LARGEST_ID = (1 << 63) - 1
_TRIANGLE = 6
"""Numbers of the smallest polygon."""


def _polygon(points: Any) -> list[float]:
    numbers = np.asarray(points, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) % 2 or not np.isfinite(numbers).all():
        raise ValueError("a polygon is a list of numbers x, y, x, y, ...")
    return [float(number) for number in numbers]


def _check_counts(counts: Any, pixels: int) -> None:
    if isinstance(counts, str):
        return
    runs = np.asarray(counts)
    if runs.ndim != 1 or runs.dtype.kind not in "iu" or (runs < 0).any() or int(runs.sum()) != pixels:
        raise ValueError(
            f"the runs of an RLE are whole numbers, 0 or more, that add up to the {pixels} pixels of the image"
        )


def corners(boxes: np.ndarray) -> np.ndarray:
    """``(M, 4)`` left, top, width, height -> ``(M, 4)`` left, top, right, bottom."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class InstanceMasks:
    """Paints the objects of an image into one mask. A key is the id of an image, or ends in ``/`` and the id.

    Crowds are painted first and do not count; then the objects, the larger ones first, so that what is small stays on top. What
    nothing is painted on is class 0.
    """

    instances: Instances
    classes: Mapping[int, int]
    """Category id -> class index, for all categories."""

    def __call__(self, key: str) -> np.ndarray:
        """``(H, W)`` uint8 class indices, 255 in crowds.

        Raises:
            DataError: an outline makes no sense; the text names the annotation.
        """
        image = int(np.searchsorted(self.instances.image_ids, int(key.rpartition("/")[2])))
        outlines = self.instances.outlines(image)
        pixels = np.array([int(hotcoco_mask.area(outline)) for outline in outlines], dtype=np.int64)
        places = np.array(self.instances.objects(image), dtype=np.int64)
        crowd = self.instances.crowd[places]
        mask = np.zeros(self.instances.sizes[image], dtype=np.uint8)
        for number in np.lexsort((-pixels, ~crowd)):
            label = IGNORE if crowd[number] else self.classes[int(self.instances.category_ids[places[number]])]
            mask[hotcoco_mask.decode(outlines[number]).astype(bool)] = label
        return mask

    def files(self, key: str) -> Sequence[Path]:
        """The file of all objects."""
        return (self.instances.file,)


def read_instances(file: Path) -> Instances:
    """Read the index of a file such as `XX.

    Polygons of less than three points are passed over and counted in ``slivers``; anything else that makes no sense is an error.

    Raises:
        DataError: it is missing or no COCO file, or an entry is broken; the text names its id.
    """
    found = _Found(file)
    try:
        # Not read_text, which drops characters at the ends of lines: places in the text must be places in the file.
        text = file.read_bytes().decode()
        _collect(text, found)
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist. Check data.root.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is not a whole JSON file: {error}. Unpack or export it again.") from error
    for section in ("images", "annotations", "categories"):
        if section not in found.sections:
            raise DataError(f"{file} has no list `{section}`; a COCO file has images, annotations and categories.")
    return _indexed(found, _byte_spans(text, np.array(found.spans, dtype=np.int64).reshape(-1, 2)))


@dataclass(slots=True)
class _Found:
    """What was read so far, a number for each object in arrays: lists of Python numbers take ten times the memory."""

    file: Path
    sections: dict[str, Any] = field(default_factory=dict)
    ids: array[int] = field(default_factory=lambda: array("q"))
    images: array[int] = field(default_factory=lambda: array("q"))
    categories: array[int] = field(default_factory=lambda: array("q"))
    crowd: array[int] = field(default_factory=lambda: array("b"))
    boxes: array[float] = field(default_factory=lambda: array("d"))
    areas: array[float] = field(default_factory=lambda: array("d"))
    outlined: array[int] = field(default_factory=lambda: array("b"))
    spans: array[int] = field(default_factory=lambda: array("q"))
    slivers: list[int] = field(default_factory=list)


def _collect(text: str, found: _Found) -> None:
    cursor = _Cursor(text)
    cursor.expect("{")
    while not cursor.took("}"):
        key = cursor.value()
        cursor.expect(":")
        if key == "annotations":
            for start, end, record in cursor.elements():
                _add(found, record, len(found.ids))
                found.spans.extend((start, end))
            found.sections[key] = True
        else:
            found.sections[key] = cursor.value()
        cursor.took(",")


class _Cursor:
    """A place in a JSON text. Values are taken one at a time, so that all the polygons are never in memory together."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self._decode = json.JSONDecoder().raw_decode
        self._space = re.compile("[ \t\n\r\ufeff]*").match

    def _skip_space(self) -> None:
        match = self._space(self.text, self.place)
        self.place = match.end() if match else self.place

    def took(self, mark: str) -> bool:
        self._skip_space()
        there = self.text.startswith(mark, self.place)
        self.place += there
        return there

    def expect(self, mark: str) -> None:
        if not self.took(mark):
            raise ValueError(f"expected '{mark}' at character {self.place}")

    def value(self) -> Any:
        self._skip_space()
        value, self.place = self._decode(self.text, self.place)
        return value

    def elements(self) -> Iterator[tuple[int, int, Any]]:
        self.expect("[")
        while not self.took("]"):
            self._skip_space()
            start = self.place
            value = self.value()
            yield start, self.place, value
            self.took(",")


def _add(found: _Found, record: Any, place: int) -> None:
    """Check an entry of `annotations` and keep what is asked for often."""
    if not isinstance(record, dict) or type(record.get("id")) is not int:
        raise DataError(f"{found.file}: entry {place} of `annotations` has no whole number as `id`.")
    identity = record["id"]
    try:
        found.ids.append(identity)
        found.images.append(record["image_id"])
        found.categories.append(record["category_id"])
        found.crowd.append(_flag(record.get("iscrowd", 0)))
        found.boxes.extend(_box(record.get("bbox")))
        found.areas.append(record.get("area", np.nan))
        outline = record.get("segmentation")
        found.outlined.append(bool(outline))
        if isinstance(outline, list) and _has_sliver(outline):
            found.slivers.append(identity)
    except KeyError as error:
        raise DataError(f"{found.file}: annotation {identity} has no {error}. Mend or remove it.") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{found.file}: annotation {identity} makes no sense: {error}. Mend or remove it.") from error


def _flag(value: Any) -> int:
    if value not in (0, 1):
        raise ValueError(f"iscrowd is {value!r}; expected 0 or 1")
    return int(value)


_NO_BOX = (np.nan,) * 4


def _box(value: Any) -> Sequence[float]:
    if not value:
        return _NO_BOX
    if not isinstance(value, list) or len(value) != len(_NO_BOX):
        raise ValueError("bbox is not left, top, width, height")
    return value


def _has_sliver(polygons: list[Any]) -> bool:
    sliver = False
    for points in polygons:
        if not isinstance(points, list) or len(points) % 2:
            raise ValueError("a polygon is a list of numbers x, y, x, y, ...")
        sliver |= len(points) < _TRIANGLE
    return sliver


def _byte_spans(text: str, spans: np.ndarray) -> np.ndarray:
    """Places in characters -> places in bytes of the file."""
    if text.isascii():
        return spans
    borders = [0, *spans.ravel().tolist()]
    widths = [len(text[start:end].encode()) for start, end in pairwise(borders)]
    return np.cumsum(widths, dtype=np.int64).reshape(-1, 2)


def _indexed(found: _Found, spans: np.ndarray) -> Instances:
    categories = _categories(found.file, found.sections["categories"])
    image_ids, names, sizes = _images(found.file, found.sections["images"])
    ids, images, category_ids = (
        np.array(column, dtype=np.int64) for column in (found.ids, found.images, found.categories)
    )
    _check_known(found.file, ids, images, image_ids, what="image_id")
    _check_known(found.file, ids, category_ids, np.array(list(categories), dtype=np.int64), what="category_id")
    _check_once(found.file, ids, what="annotations")
    order = np.argsort(images, kind="stable")
    return Instances(
        found.file, categories, image_ids, names, sizes,
        starts=np.searchsorted(images[order], np.append(image_ids, np.iinfo(np.int64).max)),
        ids=ids[order], category_ids=category_ids[order], crowd=np.array(found.crowd, dtype=bool)[order],
        boxes=np.array(found.boxes, dtype=np.float64).reshape(-1, 4)[order],
        areas=np.array(found.areas, dtype=np.float64)[order], outlined=np.array(found.outlined, dtype=bool)[order],
        spans=spans[order], slivers=tuple(found.slivers),
    )  # fmt: skip


def _categories(file: Path, entries: Any) -> dict[int, str]:
    try:
        found = {int(entry["id"]): str(entry["name"]) for entry in entries}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{file}: an entry of `categories` lacks a number `id` or a `name`: {error!r}.") from error
    _check_once(file, _whole(file, [int(entry["id"]) for entry in entries], what="categories"), what="categories")
    return dict(sorted(found.items()))


def _images(file: Path, entries: Any) -> tuple[np.ndarray, list[str], np.ndarray]:
    try:
        rows = sorted((int(e["id"]), str(e["file_name"]), int(e["height"]), int(e["width"])) for e in entries)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{file}: an entry of `images` lacks id, file_name, height or width: {error!r}.") from error
    limit = Image.MAX_IMAGE_PIXELS or 1 << 30
    for identity, _, height, width in rows:
        if height < 1 or width < 1 or height * width > limit:
            raise DataError(f"{file}: image {identity} is said to have {width} x {height} pixels; correct its entry.")
    ids = _whole(file, [row[0] for row in rows], what="images")
    _check_once(file, ids, what="images")
    return ids, [row[1] for row in rows], np.array([row[2:] for row in rows], dtype=np.int64).reshape(-1, 2)


def _whole(file: Path, ids: Sequence[int], *, what: str) -> np.ndarray:
    wrong = [identity for identity in ids if not -_LARGEST_ID <= identity <= _LARGEST_ID]
    if wrong:
        raise DataError(f"{file}: an id in `{what}` has {len(str(wrong[0]))} digits; expected numbers of 64 bits.")
    return np.array(ids, dtype=np.int64)


def _check_known(file: Path, ids: np.ndarray, values: np.ndarray, known: np.ndarray, *, what: str) -> None:
    wrong = np.flatnonzero(~np.isin(values, known))
    if len(wrong):
        raise DataError(
            f"{file}: annotation {ids[wrong[0]]} has the {what} {values[wrong[0]]}, which is in no entry of the file "
            f"({len(wrong)} such annotations). Mend or remove them."
        )


def _check_once(file: Path, ids: np.ndarray, *, what: str) -> None:
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{file}: the id {values[counts > 1][0]} occurs twice in `{what}`; ids must be different.")
