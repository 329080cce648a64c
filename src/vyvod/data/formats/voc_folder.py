"""Folders with an XML file for each image: Pascal VOC's own layout, and what labelling programs make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath

from vyvod.data.formats.boxes import BoxFiles, BoxFolder, Framer, LabelledImage, box_notes, gathered
from vyvod.data.formats.class_tables import read_names
from vyvod.data.formats.folders import IMAGE_SUFFIXES, SPLIT_FOLDERS, natural
from vyvod.data.formats.voc import read_list
from vyvod.data.formats.voc_xml import Annotation, read_annotation
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TREE = "Annotations/*.xml and JPEGImages/ (or the XML files beside the images), and ImageSets/Main/{train,val,test}.txt"
MAIN = Path("ImageSets/Main")
"""Where the lists of images are."""
IMAGES = ("JPEGImages", "images", "Images", "img", "imgs")


@dataclass(frozen=True, slots=True)
class XmlFolder:
    """Where XML files and their images lie."""

    annotations: Path
    images: Path


def find_voc(root: Path) -> Mapping[SplitName | None, XmlFolder]:
    """The folders of XML files, by split; None is the key of the only one where the folder has no folders of splits."""
    whole = _xml_folder(root)
    if whole is not None:
        return {None: whole}
    children = {child.name.lower(): child for child in root.iterdir() if child.is_dir()}
    found: dict[SplitName | None, XmlFolder] = {}
    for split in SPLITS:
        folder = next((children[name] for name in SPLIT_FOLDERS[split] if name in children), None)
        inner = _xml_folder(folder) if folder is not None else None
        if inner is not None:
            found[split] = inner
    return found


def _xml_folder(folder: Path) -> XmlFolder | None:
    for place in (folder / "Annotations", folder / "annotations", folder):
        if place.is_dir() and next(place.glob("*.xml"), None) is not None:
            images = next((folder / name for name in IMAGES if (folder / name).is_dir()), folder)
            return XmlFolder(place, images)
    return None


def read_voc(root: Path, folders: Mapping[SplitName | None, XmlFolder], *, on_error: str = "stop") -> BoxFolder:
    """Read a folder with an XML file for each image.

    Args:
        root: ``data.root``.
        folders: as of `find_voc`.
        on_error: ``skip`` leaves images out that cannot be read.

    Returns:
        the splits of the folders, or of ``ImageSets/Main``, or all images as one pile; classes as in ``classes.txt``, or else
        all that occur, in natural order.

    Raises:
        DataError: an image is missing, or an annotation makes no sense; the text names the file.
    """
    piles = _piles(root, folders)
    said = {split: [read_annotation(file) for file in files] for split, (_, files) in piles.items()}
    classes = _classes(root, [each for found in said.values() for each in found])
    places = {name: place for place, name in enumerate(classes)}
    framer = Framer(root, on_error)
    splits = {}
    for split, found in said.items():
        images = _images(root, piles[split][0], found)
        pairs = zip(images, found, strict=True)
        labelled = (labelled_image(image, each, places, framer) for image, each in pairs)
        splits[split] = gathered(root, [each for each in labelled if each is not None])
    notes = [*box_notes(list(splits.values())), *framer.notes(), *_left_over(root, folders, splits.values())]
    return BoxFolder(classes, splits, piled=list(folders) == [None] and not main_lists(root), notes=notes)


def labelled_image(
    image: str, said: Annotation, places: Mapping[str, int], framer: Framer | None
) -> LabelledImage | None:
    """An image with its objects.

    Args:
        image: path relative to the root of the split.
        said: its annotation.
        places: name of a class -> its index.
        framer: looks at the size of the image file; None: the annotation is believed.

    Returns:
        the image with its objects; None where it is to be left out.

    Raises:
        DataError: an object is of none of the classes, or sizes contradict each other.
    """
    framed = framer(image, said.size, where=str(said.file)) if framer else (said.size, 1)
    if framed is None:
        return None
    size, turn = framed
    if size is None:
        raise DataError(f"{said.file} does not say how large its image is; <size> with width and height is missing.")
    return LabelledImage(image, size, said.boxes, said.labels(places), said.difficult, turn)


_Pile = tuple[XmlFolder, Sequence[Path]]


def _piles(root: Path, folders: Mapping[SplitName | None, XmlFolder]) -> dict[SplitName, _Pile]:
    if None not in folders:
        return {split: (folder, _files(folder)) for split, folder in folders.items() if split is not None}
    whole, lists = folders[None], main_lists(root)
    if not lists:
        return {"train": (whole, _files(whole))}
    check_apart(root / MAIN, lists)
    return {split: (whole, [whole.annotations / f"{name}.xml" for name in names]) for split, names in lists.items()}


def _files(folder: XmlFolder) -> list[Path]:
    return sorted(folder.annotations.glob("*.xml"), key=lambda file: natural(file.name))


def main_lists(root: Path) -> dict[SplitName, list[str]]:
    """Names of the images of each split as ``ImageSets/Main`` has them; train is what trainval has beyond val."""
    folder = root / MAIN
    names: dict[SplitName, list[str]] = {split: read_list(folder / f"{split}.txt") for split in SPLITS}
    held_out = {*names["val"], *names["test"]}
    names["train"] = names["train"] or [n for n in read_list(folder / "trainval.txt") if n not in held_out]
    return {split: found for split, found in names.items() if found}


def check_apart(
    folder: Path, lists: Mapping[SplitName, Sequence[str]], *, cure: str = "No image may be in both."
) -> None:
    """No image is in two lists.

    Args:
        folder: where the lists are.
        lists: names of the images of each split.
        cure: the last sentence of the error.

    Raises:
        DataError: an image is.
    """
    for first, second in combinations(SPLITS, 2):
        both = set(lists.get(first, ())) & set(lists.get(second, ()))
        if both:
            raise DataError(f"{folder}: {min(both)} is in {first}.txt and in {second}.txt. {cure}")


def _classes(root: Path, said: Sequence[Annotation]) -> tuple[str, ...]:
    table = read_names(root)
    if table is not None:
        return table.names
    return tuple(sorted({name for each in said for name in each.names}, key=natural))


def _images(root: Path, folder: XmlFolder, said: Sequence[Annotation]) -> list[str]:
    """Paths of the images relative to the root: those of the names of the XML files, else the ones named in them."""
    there = {path.stem: path for path in sorted(folder.images.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}
    found = [there.get(each.file.stem) or there.get(_stem(each.image)) for each in said]
    missing = [each.file for each, image in zip(said, found, strict=True) if image is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(said)} annotations have no image in {folder.images}, the first is {missing[0].name}. "
            f"Expected: {TREE}. Add the images or remove the annotations."
        )
    return [image.relative_to(root).as_posix() for image in found if image is not None]


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _left_over(root: Path, folders: Mapping[SplitName | None, XmlFolder], splits: Iterable[BoxFiles]) -> Iterator[str]:
    used = {image for split in splits for image in split.images}
    for folder in folders.values():
        names = [path.relative_to(root).as_posix() for path in sorted(folder.images.iterdir()) if _is_image(path)]
        unused = [name for name in names if name not in used]
        if unused:
            yield f"{len(unused)} images have no annotation, or are in no list, and are left out; the first is {unused[0]}."


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
