"""Your own images with masks: a folder of images and one of masks, with or without train, val and test.

Layout: ``data.root/images`` and ``data.root/masks``, or ``train/images`` and ``train/masks``, or ``images/train`` and
``masks/train``, or ``train`` and ``train_masks``; the same for ``val`` and ``test``. Usual other names will do, such as
``JPEGImages`` and ``SegmentationClass``. A mask has the name of its image, with or without ``_mask``, ``_label`` or the like.

Masks, of which the kind is found out: black and white; grey or palette PNGs with class numbers (``classes.txt`` in ``data.root``
names them, one a line; 255 does not count); colours, with ``class_dict.csv`` or ``classes.csv`` (lines name,r,g,b) or CVAT's
``labelmap.txt``. Missing splits are carved from the training images.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings
from vyvod.data.formats.folders import IMAGE_SUFFIXES, SPLIT_FOLDERS, common_size, opened
from vyvod.data.formats.mask_kinds import PROBES, recognise
from vyvod.data.formats.masks import MaskFiles, MaskReader, pairs_by_name
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TASKS = ("segmentation",)
CARD = Card(title="Own images with masks", homepage="", licence="not stated", citation="")
IMAGES = ("images", "image", "imgs", "img", "jpegimages")
MASKS = ("masks", "mask", "labels", "label", "annotations", "annotation", "gt", "segmentationclass")
BESIDE = ("_masks", "_mask", "_labels", "_label", "_annotations", "_annot", "annot", "_gt")
"""What is added to the name of a split's folder of images to make that of its masks."""
TREE = "images/ and masks/, or train/images/ and train/masks/ (or images/train/ and masks/train/), and the same for val and test"
_GREY = ("1", "L", "LA", "I", "I;16", "I;16B")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the images of a split and their masks lie."""

    images: Path
    masks: Path | None
    """None: there is no folder of masks."""


Places = Mapping[SplitName | Literal["all"], Place]


def load(settings: DataSettings, task: str) -> Dataset:
    """Load them from ``data.root``.

    Raises:
        DataError: the folders are not laid out as above, an image has no mask, or the masks are of no known kind.
    """
    root = _root(settings)
    places = _places(root)
    _check_places(root, places)
    pairs = {name: _pairs(place) for name, place in places.items() if place.masks is not None}
    masks = [_key(root, mask) for found in pairs.values() for _, mask in found]
    kind = recognise(root, masks, on_error=settings.on_error)
    channels = 1 if _all_grey([image for found in pairs.values() for image, _ in found]) else 3
    known: dict[SplitName, MaskFiles] = {
        "train" if name == "all" else name: _files(root, found, kind.read, channels) for name, found in pairs.items()
    }
    splits, origins = complete(known, settings, source="all" if "all" in pairs else "train")
    carved = any(origin.carved for origin in origins.values())
    notes = [*kind.notes, *_notes(root, places, carved=carved, channels=channels)]
    return Dataset(
        replace(CARD, title=root.resolve().name), kind.classes, splits, origins,
        native_size=common_size(list(known.values())), channels=channels, palette=kind.palette, notes=notes,
    )  # fmt: skip


def _root(settings: DataSettings) -> Path:
    if settings.root is None:
        raise DataError(f"data=mask-folder needs data.root: the folder that holds {TREE}.")
    root = settings.root.expanduser()
    if not root.is_dir():
        raise DataError(f"The folder data.root={root} does not exist. Expected in it: {TREE}.")
    return root


def _places(root: Path) -> Places:
    images, masks = _folder(root, IMAGES), _folder(root, MASKS)
    if images is None:
        return {name: _place(folder) for name, folder in _split_folders(root).items()}
    inner = _split_folders(images)
    if not inner:
        return {"all": Place(images, masks)}
    below = _split_folders(masks) if masks is not None else {}
    return {name: Place(folder, below.get(name)) for name, folder in inner.items()}


def _place(folder: Path) -> Place:
    images = _folder(folder, IMAGES)
    if images is not None:
        return Place(images, _folder(folder, MASKS))
    return Place(folder, _folder(folder.parent, [folder.name.casefold() + ending for ending in BESIDE]))


def _folder(parent: Path, names: Sequence[str]) -> Path | None:
    """The one folder of that name, in any case of letters, that holds image files."""
    children = [path for path in sorted(parent.iterdir()) if path.is_dir() and path.name.casefold() in names]
    found = [path for path in children if next(_pictures(path), None) is not None]
    if len(found) > 1:
        raise DataError(
            f"{parent} has both {found[0].name}/ and {found[1].name}/, which may mean the same. Move one away."
        )
    return found[0] if found else None


def _split_folders(parent: Path) -> dict[SplitName, Path]:
    found = {name: _folder(parent, SPLIT_FOLDERS[name]) for name in SPLITS}
    return {name: folder for name, folder in found.items() if folder is not None}


def _pictures(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
        if path.suffix.lower() in IMAGE_SUFFIXES and not hidden:
            yield path


def _check_places(root: Path, places: Places) -> None:
    if all(place.masks is None for place in places.values()):
        where = (
            f"{next(iter(places.values())).images} holds images, but there are no masks" if places else "was not found"
        )
        raise DataError(f"data=mask-folder: in {root} {where}. Expected: {TREE}.")
    if "train" in places and places["train"].masks is None:
        raise DataError(
            f"{places['train'].images} holds images, but there are no masks of train. Expected in {root}: {TREE}."
        )


def _pairs(place: Place) -> list[tuple[Path, Path]]:
    assert place.masks is not None  # noqa: S101 - the caller leaves such places out
    images, masks = sorted(_pictures(place.images)), sorted(_pictures(place.masks))
    expected = f"a file of the same name in {place.masks}"
    return list(pairs_by_name(images, masks, expected=expected, folders=(place.images, place.masks)))


def _key(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _files(root: Path, pairs: Sequence[tuple[Path, Path]], read: MaskReader, channels: int) -> MaskFiles:
    images = [_key(root, image) for image, _ in pairs]
    return MaskFiles(root, images, images, [_key(root, mask) for _, mask in pairs], read, channels)


def _all_grey(paths: Sequence[Path]) -> bool:
    """Whether the images, judged by up to 64, are stored as grey."""
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), PROBES)).round().astype(int))
    return all(_is_grey(paths[place]) for place in chosen)


def _is_grey(path: Path) -> bool:
    try:
        with opened(path) as image:
            return image.mode in _GREY
    except DataError:
        return True  # it says nothing; who reads it says what is the matter


def _notes(root: Path, places: Places, *, carved: bool, channels: int) -> Iterator[str]:
    if channels == 1:
        yield "The images are grey and stay so: the network sees one channel."
    for name, place in places.items():
        if place.masks is None:
            yield f"{_key(root, place.images)} has no masks and is left out; {name} is carved from the training images."
    if carved:
        yield (
            "Missing splits are drawn image by image. Where several images show one thing (a patient, a slide, a film), sort "
            "them into train/, val/ and test/ by that thing, or the test is too easy."
        )
