"""What is wrong with the images of a data set: unreadable ones, duplicates, odd files, unequal classes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from vyvod.data.contract import Dataset, DataSettings, HasFiles, Images, LabelledSplit, Split, files_of
from vyvod.data.duplicates import SIDE, near_pairs
from vyvod.data.formats.folders import opened, orientation, rgb
from vyvod.data.loading import default_workers
from vyvod.errors import DataError
from vyvod.types import SPLITS, Progress, Silence

EXAMPLES = 10
UNEQUAL = 3.0
"""From this ratio of the largest class to the smallest on, it is a finding."""
_CHUNK = 4096
_FILES_PER_STEP = 64
_MANY_FILES = 2000
_FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm", ".pbm"),
}
_ODD_MODES = {
    "CMYK": "CMYK",
    "P": "palette",
    "PA": "palette",
    "RGBA": "transparent",
    "LA": "transparent",
    "1": "black-and-white",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One image and what is the matter with it."""

    id: str
    problem: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Duplicates inside a split, or across two."""

    splits: tuple[str, str]
    """The same name twice for those inside a split."""
    exact: int
    """Images of the second split that are in the first too (inside a split: that have an earlier twin)."""
    near: int
    """Likewise, showing nearly the same."""
    label_conflicts: int
    """How many of these carry another label than their twin."""
    examples: tuple[tuple[str, str], ...]
    """Ids of at most ten pairs, exact ones first."""


@dataclass(frozen=True, slots=True)
class ClassSize:
    """A class and how many images it has in all splits together."""

    name: str
    images: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found."""

    images: int
    near_checked: bool
    """False: near duplicates were not looked for, and files were only opened, not decoded."""
    unreadable: tuple[Problem, ...]
    modes: Mapping[str, int]
    """Pillow's mode -> number of images: ``L`` is grey, ``P`` a palette, ``I;16`` 16-bit grey."""
    exif_rotated: int
    odd_formats: tuple[Problem, ...]
    """Files that are not what their name says, GIFs among photos, tiny images."""
    duplicates: tuple[Duplicates, ...]
    smallest_class: ClassSize | None
    largest_class: ClassSize | None
    imbalance: float
    """Images of the largest class / images of the smallest."""
    findings: tuple[str, ...]
    """Sentences, the worst first; empty where nothing is suspicious."""

    def summary(self) -> dict[str, Any]:
        """The same as dictionaries, lists, strings and numbers."""
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return record


def audit(dataset: Dataset, *, near: bool = True, progress: Progress | None = None) -> Audit:
    """Look at every image.

    Args:
        dataset: what to look at.
        near: look for near duplicates too, and decode every file. Without it files are only opened (so that it costs little
            before a training), and exact duplicates are files of the same bytes rather than of the same pixels.
        progress: how to show where it stands.

    Returns:
        what was found; nothing that is found is an error.
    """
    looks = _look(dataset, near=near, progress=progress or Silence())
    duplicates = tuple(_duplicates(looks, near=near))
    sizes = _class_sizes(dataset)
    small, large = (min(sizes, key=_images), max(sizes, key=_images)) if sizes else (None, None)
    found = Audit(
        images=len(looks),
        near_checked=near,
        unreadable=tuple(Problem(look.id, look.problem) for look in looks if look.problem),
        modes=dict(Counter(look.mode for look in looks if not look.problem).most_common()),
        exif_rotated=sum(look.rotated for look in looks),
        odd_formats=tuple(_odd_formats(looks)),
        duplicates=duplicates,
        smallest_class=small,
        largest_class=large,
        imbalance=round(large.images / max(small.images, 1), 3) if small and large else 1.0,
        findings=(),
    )
    return replace(found, findings=tuple(_findings(found)))


def _images(size: ClassSize) -> int:
    return size.images


@dataclass(slots=True)
class _Look:
    """What one look at an image shows."""

    id: str
    split: int = 0
    label: int = -1
    problem: str = ""
    mode: str = "RGB"
    format: str | None = None  # None: not a file
    suffix: str = ""  # of the file's name; ids need not have one
    side: int = 0  # the shorter one, pixels
    rotated: bool = False
    digest: bytes | None = None  # None: nothing can be equal to it
    thumbnail: np.ndarray | None = None  # (32, 32) uint8 grey


def _look(dataset: Dataset, *, near: bool, progress: Progress) -> list[_Look]:
    looks: list[_Look] = []
    splits = [dataset.splits[name] for name in SPLITS]
    progress.begin("checking images", sum(map(len, splits)))
    repeated = frozenset[int]() if near else _repeated_sizes(splits)
    for number, split in enumerate(splits):
        labels = split.labels.tolist() if isinstance(split, LabelledSplit) else [-1] * len(split)
        start = len(looks)
        for chunk in _look_at(split, near=near, repeated=repeated):
            looks.extend(chunk)
            progress.advance(len(chunk))
        for look, label in zip(looks[start:], labels, strict=True):
            look.split, look.label = number, label
    progress.end()
    return looks


def _look_at(split: Split, *, near: bool, repeated: frozenset[int]) -> Iterator[list[_Look]]:
    if isinstance(split, Images):
        return _look_at_memory(split, near=near)
    files = files_of(split)
    return _look_at_samples(split) if files is None else _look_at_files(files, near=near, repeated=repeated)


def _look_at_memory(split: Images, *, near: bool) -> Iterator[list[_Look]]:
    mode, side = "L" if split.images.shape[1] == 1 else "RGB", min(split.images.shape[2:])
    for start in range(0, len(split), _CHUNK):
        images = split.images[start : start + _CHUNK]
        thumbnails = _thumbnails(images) if near else [None] * len(images)
        yield [
            _Look(identity, mode=mode, side=side, digest=_digest(pixels), thumbnail=thumbnail)
            for identity, pixels, thumbnail in zip(
                split.ids[start : start + _CHUNK], images.numpy(), thumbnails, strict=True
            )
        ]


def _look_at_samples(split: Split) -> Iterator[list[_Look]]:
    for index, identity in enumerate(split.ids):
        try:
            image = split[index].image.as_subclass(Tensor)
        except DataError as error:
            yield [_Look(identity, problem=_reason(error))]
            continue
        mode = "L" if len(image) == 1 else "RGB"
        thumbnail = _thumbnails(image[None])[0]
        yield [
            _Look(identity, mode=mode, side=min(image.shape[1:]), digest=_digest(image.numpy()), thumbnail=thumbnail)
        ]


def _look_at_files(split: HasFiles, *, near: bool, repeated: frozenset[int]) -> Iterator[list[_Look]]:
    workers = default_workers(DataSettings(), 1) if len(split) >= _MANY_FILES else 0
    files = _Files(split, repeated, near=near)
    yield from DataLoader(files, batch_size=_FILES_PER_STEP, num_workers=workers, collate_fn=list)


class _Files(TorchDataset[_Look]):
    """Looks at files, one by one, in a worker."""

    def __init__(self, split: HasFiles, repeated: frozenset[int], *, near: bool) -> None:
        self.split, self.near, self.repeated = split, near, repeated

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> _Look:
        identity, path = self.split.ids[index], self.split.path(index)
        try:
            return _look_at_pixels(identity, path) if self.near else _look_at_header(identity, path, self.repeated)
        except DataError as error:
            return _Look(identity, problem=_reason(error))


def _look_at_pixels(identity: str, path: Path) -> _Look:
    with opened(path) as image:
        look = _from_header(identity, path, image)
        pixels = rgb(image)
    look.digest = _digest(pixels)
    look.thumbnail = np.asarray(Image.fromarray(pixels).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))
    return look


def _look_at_header(identity: str, path: Path, repeated: frozenset[int]) -> _Look:
    with opened(path) as image:
        look = _from_header(identity, path, image)
        if path.stat().st_size in repeated:
            look.digest = _digest(path.read_bytes())
    return look


def _from_header(identity: str, path: Path, image: Image.Image) -> _Look:
    # MPO is what cameras call a JPEG with a second picture in it.
    name = "JPEG" if image.format == "MPO" else image.format
    return _Look(
        identity,
        mode=image.mode,
        format=name,
        suffix=path.suffix,
        side=min(image.size),
        rotated=orientation(image) > 1,
    )


def _repeated_sizes(splits: Sequence[Split]) -> frozenset[int]:
    """Sizes in bytes that several files have: only these can be equal, the others need not be read."""
    sizes: Counter[int] = Counter()
    for split in splits:
        files = files_of(split)
        if files is not None:
            sizes.update(path.stat().st_size for path in map(files.path, range(len(split))) if path.is_file())
    return frozenset(size for size, number in sizes.items() if number > 1)


def _reason(error: DataError) -> str:
    return str(error.__cause__ or error)


def _digest(content: np.ndarray | bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(content, np.ndarray):
        digest.update(repr(content.shape).encode())
        content = content.tobytes()
    digest.update(content)
    return digest.digest()


def _thumbnails(images: Tensor) -> np.ndarray:
    """``(N, C, H, W)`` uint8 -> ``(N, 32, 32)`` uint8 grey."""
    values = images.float()
    if values.shape[1] == 3:
        values = (values * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1, keepdim=True)
    values = functional.interpolate(values, (SIDE, SIDE), mode="bilinear", antialias=True)
    return values[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()


def _duplicates(looks: Sequence[_Look], *, near: bool) -> Iterator[Duplicates]:
    splits, labels = np.array([look.split for look in looks]), np.array([look.label for look in looks])
    exact = _exact_pairs(looks, splits)
    similar = _near_pairs(looks, exact) if near else exact[:0]
    pairs, is_exact = np.concatenate([exact, similar]), np.arange(len(exact) + len(similar)) < len(exact)
    for first, second in _split_pairs():
        chosen = (splits[pairs[:, 0]] == first) & (splits[pairs[:, 1]] == second)
        if not chosen.any():
            continue
        twins, copies = pairs[chosen].T
        same = set(copies[is_exact[chosen]].tolist())
        yield Duplicates(
            splits=(SPLITS[first], SPLITS[second]),
            exact=len(same),
            near=len(set(copies.tolist()) - same),
            label_conflicts=len(set(copies[labels[twins] != labels[copies]].tolist())),
            examples=tuple(
                (looks[a].id, looks[b].id) for a, b in zip(twins[:EXAMPLES], copies[:EXAMPLES], strict=True)
            ),
        )


def _split_pairs() -> list[tuple[int, int]]:
    # Across splits first: they spoil the result.
    numbers = range(len(SPLITS))
    return [(0, 2), (0, 1), (1, 2), *((number, number) for number in numbers)]


def _exact_pairs(looks: Sequence[_Look], splits: np.ndarray) -> np.ndarray:
    """``(M, 2)`` places: the first of each group of equal images in each split, and each later member of the group."""
    groups: dict[bytes, list[int]] = {}
    for place, look in enumerate(looks):
        if look.digest is not None:
            groups.setdefault(look.digest, []).append(place)
    pairs = [
        (first, place)
        for members in groups.values()
        if len(members) > 1
        for first in {int(splits[place]): place for place in reversed(members)}.values()
        for place in members
        if place > first
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _near_pairs(looks: Sequence[_Look], exact: np.ndarray) -> np.ndarray:
    # Of equal images one stands for all.
    copies = set(exact[:, 1].tolist())
    thumbnails = {
        place: look.thumbnail for place, look in enumerate(looks) if look.thumbnail is not None and place not in copies
    }
    if len(thumbnails) < 2:
        return exact[:0]
    found: np.ndarray = np.array(list(thumbnails))[near_pairs(np.stack(list(thumbnails.values())))]
    return found


def _class_sizes(dataset: Dataset) -> list[ClassSize]:
    labels = [split.labels for split in dataset.splits.values() if isinstance(split, LabelledSplit)]
    if not labels or not dataset.classes:
        return []
    counts = torch.bincount(torch.cat(labels), minlength=len(dataset.classes)).tolist()
    return [ClassSize(name, number) for name, number in zip(dataset.classes, counts, strict=True)]


def _odd_formats(looks: Sequence[_Look]) -> Iterator[Problem]:
    files = [look for look in looks if look.format is not None]
    if not files:
        return
    usual = Counter(look.format for look in files).most_common(1)[0][0]
    side = float(np.median([look.side for look in files]))
    for look in files:
        suffix = look.suffix.lower()
        if suffix and suffix not in _FORMATS.get(look.format or "", (suffix,)):
            yield Problem(look.id, f"its name says {suffix}, its content is {look.format}")
        elif look.format == "GIF" and usual != "GIF":
            yield Problem(look.id, f"a GIF among {usual} images, often a placeholder")
        elif look.side < max(4, side / 8):
            yield Problem(look.id, f"its shorter side has only {look.side} pixels, usual are {side:.0f}")


def _findings(found: Audit) -> Iterator[str]:
    if found.unreadable:
        first = found.unreadable[0]
        yield f"{_many(found.unreadable, 'image')} cannot be read; the first is {first.id}: {first.problem}."
    for pair in found.duplicates:
        yield from _leak(pair) if pair.splits[0] != pair.splits[1] else ()
    conflicts = sum(pair.label_conflicts for pair in found.duplicates)
    if conflicts:
        yield f"{_many(conflicts, 'duplicate')} with another label than the twin: at least one label of each pair is wrong."
    if found.odd_formats:
        first = found.odd_formats[0]
        yield f"{_many(found.odd_formats, 'file')} may be no proper image; the first is {first.id}: {first.problem}."
    for pair in found.duplicates:
        if pair.splits[0] == pair.splits[1]:
            yield f"{_copies(pair)} inside {pair.splits[0]}, such as {pair.examples[0][1]} of {pair.examples[0][0]}."
    yield from _notes(found)


def _leak(pair: Duplicates) -> Iterator[str]:
    first, second = pair.splits
    twins = f"such as {pair.examples[0][1]} of {pair.examples[0][0]}"
    yield f"{_copies(pair)} of {first} in {second}, {twins}: {second} is not independent of {first}."


def _copies(pair: Duplicates) -> str:
    parts = ((pair.exact, "exact copy", "exact copies"), (pair.near, "near copy", "near copies"))
    return " and ".join(f"{number} {one if number == 1 else many}" for number, one, many in parts if number)


def _notes(found: Audit) -> Iterator[str]:
    if found.modes.get("L") and found.modes.get("RGB"):
        yield f"{_many(found.modes['L'], 'grey image')} among {found.modes['RGB']} in colour, read as RGB."
    for mode, number in found.modes.items():
        name = "16-bit or 32-bit grey" if mode.startswith("I") else _ODD_MODES.get(mode, mode)
        if mode not in ("L", "RGB"):
            yield f"{_many(number, 'image')} in mode {mode} ({name}), read as 8-bit RGB."
    if found.exif_rotated:
        yield f"{_many(found.exif_rotated, 'image')} rotated by EXIF, read upright; other programs may not do so."
    if found.smallest_class and found.largest_class and found.imbalance >= UNEQUAL:
        yield (
            f"The classes are unequal: '{found.largest_class.name}' has {found.largest_class.images} images, "
            f"'{found.smallest_class.name}' has {found.smallest_class.images}."
        )


def _many(things: int | Sequence[object], noun: str) -> str:
    number = things if isinstance(things, int) else len(things)
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
