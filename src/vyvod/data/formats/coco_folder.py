"""Folders with COCO's JSON files, as labelling programs export them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from vyvod.data.formats.boxes import BoxFiles, BoxFolder, Framer, box_notes
from vyvod.data.formats.coco import Instances, read_instances
from vyvod.data.formats.coco_boxes import Located, instance_boxes
from vyvod.data.formats.folders import SPLIT_FOLDERS
from vyvod.data.formats.layouts import listed
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TREE = (
    "annotations/{train,val,test}.json and the images, or one JSON file and the images, or train/_annotations.coco.json"
)
_ROBOFLOW = "_annotations.coco.json"
_HEAD = 1 << 16
_OTHERS = re.compile(r"caption|keypoint|panoptic|stuff|image_info|package|config", re.IGNORECASE)
"""Names of JSON files that have no boxes, or the same ones once more."""


def find_coco(root: Path) -> Mapping[SplitName | None, Path]:
    """The JSON files of a folder, by split; None is the key of the only one where names tell no split."""
    nested = [*root.glob("annotations/*.json"), *root.glob("Annotations/*.json")]
    below = [path for path in root.glob("*/*.json") if _split_of(path.parent.name) is not None]
    for candidates in (nested, below, [*root.glob("*.json")]):
        files = sorted(path for path in candidates if not path.name.startswith("."))
        files = [path for path in files if path.name.startswith("instances")] or files
        files = [path for path in files if not _OTHERS.search(path.name)] or files
        if files:
            return _by_split(files)
    return {}


def _by_split(files: Sequence[Path]) -> dict[SplitName | None, Path]:
    found: dict[SplitName | None, Path] = {}
    for file in files:
        split = _split_of(file.stem) or _split_of(file.parent.name)
        if split in found:
            raise DataError(
                f"{file.parent} has both {found[split].name} and {file.name} for {split or 'all images'}. Keep one of them, or "
                "name them after their splits: train.json, val.json, test.json."
            )
        found[split] = file
    if None in found and len(found) > 1:
        raise DataError(
            f"{found[None]} tells no split by its name. Call it train.json, val.json or test.json, or remove it."
        )
    return found


def _split_of(name: str) -> SplitName | None:
    words = re.findall(r"[a-z]+", name.lower())
    return next((split for split in SPLITS if set(SPLIT_FOLDERS[split]) & set(words)), None)


def looks_like_coco(file: Path) -> bool:
    """Whether the beginning of a JSON file speaks of images or annotations."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    return any(word in head for word in (b'"images"', b'"annotations"', b'"categories"'))


def read_coco(root: Path, files: Mapping[SplitName | None, Path], *, on_error: str = "stop") -> BoxFolder:
    """Read the boxes, and the outlines where all objects have them, of COCO's JSON files.

    Args:
        root: ``data.root``.
        files: as of `find_coco`.
        on_error: ``skip`` uses images that cannot be read as long as their entry says how large they are.

    Returns:
        splits with the categories as classes, in the order of their ids.

    Raises:
        DataError: a file is broken or not COCO's, or images are missing; the text names them.
    """
    found = {split or "train": read_instances(file) for split, file in files.items()}
    classes = _classes(list(found.values()))
    framer = Framer(root, on_error)
    splits = {split: _split(root, instances, classes, framer) for split, instances in found.items()}
    notes = [*box_notes(list(splits.values())), *_notes(list(found.values()), list(splits.values()))]
    return BoxFolder(classes, splits, piled=list(files) == [None], notes=notes)


def _classes(found: Sequence[Instances]) -> tuple[str, ...]:
    names = {
        name: None
        for instances in found
        for identity, name in instances.categories.items()
        if not _is_heading(instances, identity)
    }
    for instances in found:
        values = list(instances.categories.values())
        twice = next((name for place, name in enumerate(values) if name in values[:place]), None)
        if twice is not None:
            raise DataError(
                f"{instances.file} has two categories called '{twice}'. Give them different names, or one id."
            )
    if not names:
        raise DataError(f'{found[0].file} has no categories. Add them: [{{"id": 1, "name": "cat"}}, ...].')
    return tuple(names)


def _is_heading(instances: Instances, identity: int) -> bool:
    # Roboflow writes the name of the project as category 0, which no object has.
    others = len(instances.categories) > 1 and instances.file.name == _ROBOFLOW
    return others and identity == 0 and not (instances.category_ids == 0).any()


def _split(root: Path, instances: Instances, classes: Sequence[str], framer: Framer) -> BoxFiles:
    images = _images(root, instances)
    frames = [_frame(framer, instances, place, image) for place, image in enumerate(images)]
    turns = np.array([turn for _, turn in frames], dtype=np.uint8)
    places = {name: place for place, name in enumerate(classes)}
    labels = {identity: places[name] for identity, name in instances.categories.items() if name in places}
    return instance_boxes(instances, Located(root, images, images, turns), labels)


def _frame(framer: Framer, instances: Instances, place: int, image: str) -> tuple[tuple[int, int], int]:
    height, width = instances.sizes[place].tolist()
    where = f"{instances.file}, image {instances.image_ids[place]},"
    framed = framer(image, (height, width), where=where)
    assert framed is not None  # noqa: S101 - the file says how large the image is
    return framed


def _images(root: Path, instances: Instances) -> list[str]:
    """Paths of the images relative to the root.

    Raises:
        DataError: images are missing.
    """
    names = [_inside(name) for name in instances.names]
    best = [""] * len(names)
    for folder in _folders(root, instances.file):
        found = _below(root, folder, names)
        if all(found):
            return found
        best = found if sum(map(bool, found)) > sum(map(bool, best)) else best
    missing = [name for name, path in zip(names, best, strict=True) if not path]
    raise DataError(
        f"{len(missing)} of {len(names)} images of {instances.file} are missing below {root}, the first is {missing[0]}. "
        f"Expected: {TREE}. Add the images or remove their entries."
    )


def _inside(name: str) -> str:
    """A path that cannot lead out of a folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.name if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1] else str(path)


def _folders(root: Path, file: Path) -> Iterator[Path]:
    """Where the images of a file may lie, the likeliest first."""
    split = _split_of(file.stem)
    usual = SPLIT_FOLDERS[split] if split is not None else ()
    names = [file.stem.removeprefix("instances_"), *usual]
    above = [root, *(root / name for name in ("images", "JPEGImages", "data", "img"))]
    places = [file.parent, *(folder / name for folder in above for name in names), *above, file.parent / "images"]
    yield from (place for place in dict.fromkeys(places) if place.is_dir())


def _below(root: Path, folder: Path, names: Sequence[str]) -> list[str]:
    """Path of each image relative to the root, or nothing where it is not there."""
    there: dict[Path, set[str]] = {}
    found = []
    for name in names:
        path = folder / name
        if path.parent not in there:
            there[path.parent] = listed(path.parent)
        found.append(path.relative_to(root).as_posix() if path.name in there[path.parent] else "")
    if not any(found) and any("/" in name for name in names):
        return _below(root, folder, [PurePosixPath(name).name for name in names])
    return found


def _notes(found: Sequence[Instances], splits: Sequence[BoxFiles]) -> Iterator[str]:
    slivers = [identity for instances in found for identity in instances.slivers]
    if slivers:
        yield (
            f"{len(slivers)} annotations have polygons of less than three points, which were passed over; the first is "
            f"{slivers[0]}."
        )
    outlined = sum(int(instances.outlined.sum()) for instances in found)
    if outlined and not all(hasattr(split, "outlines") for split in splits):
        yield "Not all objects have outlines: the data set serves boxes only."
