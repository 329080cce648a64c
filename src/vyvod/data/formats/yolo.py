"""YOLO's text files: ``data.yaml`` with folders and names of classes, and a file of boxes for each image.

A line is ``class x y width height``, the centre and the size as shares of the image's width and height; or, for outlines,
``class x y x y x y ...``, of which the surrounding box is taken. An image without a file, or with an empty one, has no objects.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml

from vyvod.data.formats.boxes import (
    OUTSIDE,
    UNLABELLED,
    BoxFiles,
    BoxFolder,
    Framer,
    LabelledImage,
    box_notes,
    gathered,
    unlabelled_note,
)
from vyvod.data.formats.class_tables import read_names
from vyvod.data.formats.folders import SPLIT_FOLDERS, images_below, split_folders
from vyvod.data.formats.voc_xml import listed_names
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TREE = "data.yaml (path, train, val, test, names), images/ and labels/ with a text file for each image"
_USUAL = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_KEYS: Mapping[SplitName, tuple[str, ...]] = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}
_BOX, _POLYGON = 5, 7


@dataclass(frozen=True, slots=True)
class YoloFolder:
    """Where names and images of a folder in YOLO's format are."""

    root: Path
    names: Mapping[int, str]
    """Class number in the files -> name; numbers may have gaps."""
    source: Path
    """The file that has the names, for messages."""
    images: Mapping[SplitName, Sequence[Path]]
    """Split -> its image files; a single pile is ``train``."""
    piled: bool
    """There are no splits."""


def find_yolo(root: Path) -> Path | None:
    """The file by which a folder in YOLO's format is recognised: a ``data.yaml``, or a list of names beside ``labels/``."""
    for file in [*(root / name for name in _USUAL), *sorted([*root.glob("*.yaml"), *root.glob("*.yml")])]:
        if file.is_file() and re.search(r"^names\s*:", _text(file), re.MULTILINE):
            return file
    lists = [
        path
        for path in (root / "classes.txt", root / "labels" / "classes.txt", *root.glob("*.names"))
        if path.is_file()
    ]
    labels = next((path for path in (root / "labels", *root.glob("*/labels")) if path.is_dir()), None)
    return lists[0] if lists and labels is not None else None


def read_yolo(root: Path, file: Path, *, on_error: str = "stop") -> BoxFolder:
    """Read a folder in YOLO's format.

    Args:
        root: ``data.root``.
        file: as of `find_yolo`.
        on_error: ``skip`` leaves images out that cannot be read.

    Raises:
        DataError: names or folders are missing or contradict each other, no image has a label file, or a line of one makes no
            sense; the text names file and line.
    """
    folder = _from_yaml(root, file) if file.suffix in (".yaml", ".yml") else _from_folders(root, file)
    places = {number: place for place, number in enumerate(folder.names)}
    framer = Framer(folder.root, on_error)
    splits = {split: _split(folder, images, places, framer) for split, images in folder.images.items()}
    known = list(splits.values())
    _check_labelled(root, known)
    _check_shares(root, known)
    notes = [*box_notes(known), *unlabelled_note(known), *framer.notes()]
    return BoxFolder(tuple(folder.names.values()), splits, folder.piled, notes)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}. Save it as text in UTF-8.") from error


def _from_yaml(root: Path, file: Path) -> YoloFolder:
    try:
        said = yaml.safe_load(_text(file))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(f"{file} is not a YAML file: {error}.") from error
    if not isinstance(said, dict):
        raise DataError(f"{file} holds no settings. Expected: {TREE}.")
    names = _names(file, said)
    entries = {split: next((said[key] for key in keys if said.get(key)), None) for split, keys in _KEYS.items()}
    if not entries["train"] and not entries["val"] and not entries["test"]:
        raise DataError(f"{file} has neither train nor val nor test; each is a folder of images or a list of them.")
    bases = _bases(root, said.get("path"))
    images = {split: _images(file, split, entry, bases) for split, entry in entries.items() if entry}
    return YoloFolder(_common(root, images), names, file, images, piled=False)


def _names(file: Path, said: Mapping[str, Any]) -> dict[int, str]:
    names = said.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or not all(map(_is_entry, names.items())):
        raise DataError(
            f"{file}: `names` is no list of classes. Expected names: [cat, dog], or names: {{0: cat, 1: dog}}."
        )
    found = {int(key): str(name) for key, name in sorted(names.items(), key=lambda pair: int(pair[0]))}
    _check_different(file, list(found.values()))
    if isinstance(said.get("nc"), int) and said["nc"] != len(found):
        raise DataError(f"{file}: nc is {said['nc']}, but there are {len(found)} names. Correct one of them.")
    return found


def _is_entry(entry: tuple[object, object]) -> bool:
    # Lists in lists would be spelled out as text, and YAML can name one list a billion times.
    key, name = entry
    numbered = (isinstance(key, int) and key >= 0) or (isinstance(key, str) and key.isdecimal())
    return numbered and isinstance(name, str | int | float)


def _check_different(file: Path, names: Sequence[str]) -> None:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError(f"{file} has the class '{twice}' twice; names must be different.")


def _bases(root: Path, path: object) -> list[Path]:
    """Folders below which the images of a ``data.yaml`` may lie: its `path` is often one of another machine."""
    stated = [Path(path).expanduser()] if isinstance(path, str) and path else []
    return [*(root / base for base in stated), *(root.parent / base for base in stated), root, root.parent]


def _images(file: Path, split: str, entry: object, bases: Sequence[Path]) -> list[Path]:
    entries = entry if isinstance(entry, list) else [entry]
    paths = [each for each in entries if isinstance(each, str)]
    if len(paths) < len(entries):
        raise DataError(f"{file}: {split} is no path of a folder or list of images, and no list of such paths.")
    return [image for path in paths for image in _images_of(file, split, path, bases)]


def _images_of(file: Path, split: str, entry: str, bases: Sequence[Path]) -> list[Path]:
    # Roboflow writes ../train/images where it means train/images.
    spellings = (entry, entry.removeprefix("../"), entry.removeprefix("./"))
    place = next((base / each for base in bases for each in spellings if (base / each).exists()), None)
    if place is None:
        raise DataError(
            f"{file}: {split} is '{entry}', which does not exist below {bases[0]}. Correct it, or `path`, the folder that it "
            "starts from."
        )
    if place.is_dir():
        found = images_below(place)
        if not found:
            raise DataError(f"{file}: {split} is {place}, which holds no images.")
        return found
    return list(_listed(place, bases))


def _listed(file: Path, bases: Sequence[Path]) -> Iterator[Path]:
    """The images that a list names; absolute paths of another machine are looked for by their last parts."""
    lines = [line.strip().replace("\\", "/") for line in _text(file).splitlines() if line.strip()]
    places = list(dict.fromkeys([file.parent, *bases]))
    found = [_existing(line, places) for line in lines]
    missing = [line for line, path in zip(lines, found, strict=True) if path is None]
    if missing or not lines:
        what = f"names {missing[0]}, which does not exist ({len(missing)} such images)" if missing else "names no image"
        raise DataError(f"{file} {what}. Expected: the path of an image in each line, relative to the list.")
    yield from (path for path in found if path is not None)


def _existing(line: str, places: Sequence[Path]) -> Path | None:
    parts = PurePosixPath(line).parts
    endings = [line, *("/".join(parts[start:]) for start in range(1, len(parts)))]
    return next((place / end for end in endings for place in places if (place / end).is_file()), None)


def _common(root: Path, images: Mapping[SplitName, Sequence[Path]]) -> Path:
    """The folder from which ids are counted: ``data.root``, or the one above all images where they lie elsewhere."""
    folders = {os.path.normpath(path.parent) for found in images.values() for path in found}
    inside = all(Path(folder).is_relative_to(os.path.normpath(root)) for folder in folders)
    return root if inside else Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))  # noqa: PTH100


def _from_folders(root: Path, file: Path) -> YoloFolder:
    """Without a ``data.yaml``: ``images/`` and ``labels/``, with the splits above or below them."""
    table = read_names(file.parent) if file.name == "classes.txt" else None
    names = table.names if table is not None else [line.strip() for line in _text(file).splitlines() if line.strip()]
    _check_different(file, names)
    above, images = split_folders(root), root / "images"
    inside = split_folders_of(images) if images.is_dir() else {}
    places = inside or ({split: folder / "images" for split, folder in above.items()} if above else {})
    found: dict[SplitName, Sequence[Path]] = {
        split: images_below(place) for split, place in places.items() if place.is_dir()
    }
    piled = not found
    if piled:
        found = {"train": images_below(images if images.is_dir() else root)}
    return YoloFolder(root, dict(enumerate(names)), file, found, piled)


def split_folders_of(images: Path) -> dict[SplitName, Path]:
    """Folders of splits which hold images themselves."""
    children = {child.name.lower(): child for child in images.iterdir() if child.is_dir()}
    found = {
        split: next((children[name] for name in SPLIT_FOLDERS[split] if name in children), None) for split in SPLITS
    }
    return {split: folder for split, folder in found.items() if folder is not None}


def _split(folder: YoloFolder, images: Sequence[Path], places: Mapping[int, int], framer: Framer) -> BoxFiles:
    found = [labelled for image in images if (labelled := _labelled(folder, image, places, framer)) is not None]
    return gathered(folder.root, found)


def _labelled(folder: YoloFolder, image: Path, places: Mapping[int, int], framer: Framer) -> LabelledImage | None:
    name = Path(os.path.relpath(image, folder.root)).as_posix()
    framed, labels = framer(name, None, where=str(image)), label_file(image)
    if framed is None:
        return None
    (height, width), turn = framed
    there = labels.is_file()
    numbers, shares = read_labels(labels, folder, places) if there else ([], np.zeros((0, 4)))
    return LabelledImage(
        name, (height, width), shares * [width, height, width, height], numbers, turn=turn, unlabelled=not there
    )


def label_file(image: Path) -> Path:
    """Where the boxes of an image stand: in ``labels`` instead of the last ``images`` of its path, or beside it."""
    parts = list(image.parts)
    if "images" not in parts[:-1]:
        return image.with_suffix(".txt")
    parts[len(parts) - 2 - parts[:-1][::-1].index("images")] = "labels"
    apart, beside = Path(*parts).with_suffix(".txt"), image.with_suffix(".txt")
    return beside if beside.is_file() and not apart.is_file() else apart


def read_labels(file: Path, folder: YoloFolder, places: Mapping[int, int]) -> tuple[list[int], np.ndarray]:
    """Read the boxes of one image.

    Args:
        file: a line for each object.
        folder: for messages.
        places: class number in the file -> class index.

    Returns:
        m class indices, and ``(m, 4)`` float64 left, top, right, bottom as shares of the image's width and height.

    Raises:
        DataError: a line has too few or too many numbers, or a class that is none of the names; the text names the line.
    """
    numbers: list[int] = []
    shares: list[tuple[float, ...]] = []
    for place, line in enumerate(_text(file).splitlines(), start=1):
        if line.strip():
            number, values = _line(file, place, line.split())
            if number not in places:
                raise DataError(
                    f"{file}, line {place}: the class {number} is none of the {len(places)} in {folder.source} "
                    f"({listed_names([f'{key}: {name}' for key, name in folder.names.items()])}). Correct the line or the names."
                )
            numbers.append(places[number])
            shares.append(_edges(values))
    return numbers, np.array(shares, dtype=np.float64).reshape(-1, 4)


def _line(file: Path, place: int, words: Sequence[str]) -> tuple[int, list[float]]:
    try:
        values = [float(word) for word in words]
        number = int(values[0])
        fits = len(values) == _BOX or (len(values) >= _POLYGON and len(values) % 2 == 1)
        if number != values[0] or not fits:
            raise ValueError("")
    except (ValueError, OverflowError) as error:
        shown = " ".join(words)[:60]
        raise DataError(
            f"{file}, line {place}: '{shown}' is no object. Expected five numbers, class x y width height, the last four as "
            "shares of the image (or class x y x y x y ... for an outline)."
        ) from error
    return number, values[1:]


def _edges(values: Sequence[float]) -> tuple[float, ...]:
    if len(values) == _BOX - 1:
        x, y, width, height = values
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    across, down = values[0::2], values[1::2]
    return min(across), min(down), max(across), max(down)


def _check_labelled(root: Path, splits: Sequence[BoxFiles]) -> None:
    total = sum(map(len, splits))
    images = next((split for split in splits if len(split)), None)
    if images is None:
        raise DataError(f"{root} holds no images. Expected: {TREE}.")
    if sum(int(split.found.oddities[:, UNLABELLED].sum()) for split in splits) == total:
        looked = label_file(images.path(0))
        raise DataError(f"None of the {total} images has a label file; the first would be {looked}. Expected: {TREE}.")


def _check_shares(root: Path, splits: Sequence[BoxFiles]) -> None:
    outside = sum(int(split.found.oddities[:, OUTSIDE].sum()) for split in splits)
    if outside > sum(len(split.found.boxes) for split in splits):
        raise DataError(
            f"Most boxes in {root} lie outside their images. YOLO's numbers are shares of the image's width and height, 0 to 1, "
            "and x and y are those of the centre. Divide pixels by the size of the image."
        )
