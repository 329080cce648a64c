"""Pascal VOC 2007 and 2012: photos with boxes of 20 classes, or with masks of them and background.

Home: http://host.robots.ox.ac.uk/pascal/VOC/. Photos from flickr, for research.

Layout: ``VOCdevkit/VOC2012/`` with ``JPEGImages/*.jpg``, ``SegmentationClass/*.png`` and
``ImageSets/Segmentation/{train,val,test}.txt``; ``data.root`` is the folder above ``VOCdevkit``, ``VOCdevkit``, or ``VOC2012``
itself. ``data.variant`` is 2007 or 2012 (the default where both are there). Borders of objects and difficult regions are 255 and
do not count.

Splits: the masks of the 1456 test images of 2012 are not public, so the published val (1449 images) is ``test`` here, as
everywhere in the field, and ``val``, which chooses the checkpoint, is carved from train (1464). 2007 (209 / 213 / 210) has masks
for all three splits, and they are used as published where they are there.

SBD (Hariharan et al. 2011, http://home.bharathh.info/pubs/codes/SBD/download.html) outlines 11355 photos of VOC 2012, more
roughly and without borders. Its masks are used for training where they are found: as PNG in ``SegmentationClassAug`` (of which
``ImageSets/Segmentation/trainaug.txt`` lists those for training), or in SBD's own ``benchmark_RELEASE/dataset/cls/*.mat`` below
``data.root``. Images of VOC's val and test are never trained on, and VOC's own masks are preferred.

Boxes: ``Annotations/*.xml`` and ``ImageSets/Main/{train,val,trainval,test}.txt`` take the place of masks and lists; objects that
are marked difficult do not count, as in VOC's own evaluation. Corners are taken for edges as they stand, as the usual converters
do; VOC itself counts pixels from 1 and the last one in. The annotations of the test images of 2012 are not public, so its val is
``test`` here; those of 2007 are. ``data.variant=2007+2012`` is the usual mixture: trained on train and val of both years, tested
on 2007's test (``val`` is carved from the training images).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vyvod.data.carve import S, complete
from vyvod.data.contract import Card, Dataset, DataSettings, Origin
from vyvod.data.formats.boxes import BoxFiles, Framer, box_notes, gathered, joined
from vyvod.data.formats.layouts import Layout, check_present, find_layout, listed
from vyvod.data.formats.masks import MaskFiles, voc_palette
from vyvod.data.formats.voc import CLASSES, OBJECTS, VocMasks, read_list
from vyvod.data.formats.voc_folder import MAIN, check_apart, labelled_image, main_lists
from vyvod.data.formats.voc_xml import read_annotation
from vyvod.errors import DataError, SettingsError
from vyvod.types import SPLITS, SplitName

TASKS = ("segmentation", "detection")
HOME = "http://host.robots.ox.ac.uk/pascal/VOC/"
CARD = Card(
    title="Pascal VOC",
    homepage=HOME,
    licence="photos from flickr under various terms, for research",
    citation="Mark Everingham et al., The Pascal Visual Object Classes (VOC) Challenge, IJCV 2010",
)
YEARS = ("2012", "2007")
BOTH = "2007+2012"
"""The mixture of both years that detectors are usually trained on."""
_SBD_FOLDERS = ("benchmark_RELEASE/dataset", "sbd", "SBD")
_AUGMENTED = "SegmentationClassAug"


@dataclass(frozen=True, slots=True)
class _Names:
    """Image name -> key of its mask, for each split of the source; no image twice."""

    published: Mapping[SplitName, Mapping[str, str]]
    sbd: Path | None
    notes: tuple[str, ...]


def load(settings: DataSettings, task: str) -> Dataset:
    """Load an edition from ``data.root``.

    Raises:
        SettingsError: there is no such edition.
        DataError: it is not in ``data.root``, or images or masks of its lists are missing.
    """
    return _load_boxes(settings) if task == "detection" else _load_masks(settings)


def _load_masks(settings: DataSettings) -> Dataset:
    folder, year = _edition(settings)
    names = _with_sbd(_published(folder), folder, settings)
    for keys in names.published.values():
        _check_files(folder, keys)
    read = VocMasks(folder, names.sbd)
    known = {split: _split(folder, keys, read) for split, keys in names.published.items()}
    splits, origins, notes = _arranged(known, settings, "masks")
    return Dataset(
        replace(CARD, title=f"Pascal VOC {year}"), CLASSES, splits, origins,
        palette=voc_palette(len(CLASSES)), notes=(*notes, *names.notes),
    )  # fmt: skip


_MASKS = ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation")
_BOXES = ("JPEGImages", "Annotations", "ImageSets/Main")


def _edition(settings: DataSettings, marks: Sequence[str] = _MASKS) -> tuple[Path, str]:
    if settings.variant not in (None, *YEARS):
        both = f", and {BOTH} for detection" if marks is _BOXES else ""
        raise SettingsError(f"data.variant={settings.variant}: data=voc has the variants 2007 and 2012{both}.")
    years = YEARS if settings.variant is None else (settings.variant,)
    places = [f"{above}VOC{year}" for year in years for above in ("VOCdevkit/", "")]
    tree = f"VOCdevkit/VOC{years[0]}/ with {marks[0]}/, {marks[1]}/ and {marks[2]}/"
    folder = find_layout(Layout("voc", (*places, ""), marks, tree, HOME), settings)
    # A folder of another name is what the settings say, and the last edition if they say nothing.
    named = folder.resolve().name.removeprefix("VOC")
    year = named if named in YEARS else years[0]
    if settings.variant not in (None, year):
        raise DataError(
            f"data.root={folder} is VOC {year}, and data.variant={settings.variant}. Name the folder of that edition, or the one "
            "above."
        )
    return folder, year


def _published(folder: Path) -> dict[SplitName, list[str]]:
    """The lists of images: of test only where its masks are there, of train from trainval where it has no list."""
    lists = folder / "ImageSets" / "Segmentation"
    names: dict[SplitName, list[str]] = {split: read_list(lists / f"{split}.txt") for split in SPLITS}
    names["train"] = names["train"] or [
        name for name in read_list(lists / "trainval.txt") if name not in set(names["val"])
    ]
    masks = listed(folder / "SegmentationClass")
    if not any(f"{name}.png" in masks for name in names["test"]):
        names["test"] = []
    if not names["train"] and not names["val"]:
        raise DataError(f"{lists} has no list of images; expected train.txt and val.txt, a name in each line.")
    check_apart(lists, names, cure="Take the published lists.")
    return {split: listed_names for split, listed_names in names.items() if listed_names}


def _with_sbd(names: Mapping[SplitName, Sequence[str]], folder: Path, settings: DataSettings) -> _Names:
    published = {
        split: {name: f"SegmentationClass/{name}.png" for name in listed_names} for split, listed_names in names.items()
    }
    lists = folder / "ImageSets" / "Segmentation"
    # All of them, whether or not their masks are public: nothing of val and test is trained on.
    own = {name for split in SPLITS for name in read_list(lists / f"{split}.txt")} | set(names.get("train", ()))
    extra = _augmented(folder, own)
    sbd = None if extra else _find_sbd(folder, settings)
    if sbd is not None:
        extra = _from_sbd(folder, sbd, own)
    if not extra or "train" not in published:
        return _Names(published, None, ())
    published["train"] |= extra
    return _Names(published, sbd, (_sbd_note(len(extra), sbd),))


def _augmented(folder: Path, own: Iterable[str]) -> dict[str, str]:
    lists = folder / "ImageSets" / "Segmentation"
    masks = listed(folder / _AUGMENTED)
    names = read_list(lists / "trainaug.txt") or read_list(lists / "train_aug.txt")
    names = names or sorted(name.removesuffix(".png") for name in masks if name.endswith(".png"))
    extra = {name: f"{_AUGMENTED}/{name}.png" for name in names if name not in own}
    return extra if masks else {}


def _find_sbd(folder: Path, settings: DataSettings) -> Path | None:
    assert settings.root is not None  # noqa: S101 - the edition was found in it
    above = [settings.root.expanduser(), folder.parent, folder]
    places = [place / name for place in above for name in _SBD_FOLDERS]
    return next((place for place in places if (place / "cls").is_dir()), None)


def _from_sbd(folder: Path, sbd: Path, own: Iterable[str]) -> dict[str, str]:
    photos = listed(folder / "JPEGImages")
    names = sorted(name.removesuffix(".mat") for name in listed(sbd / "cls") if name.endswith(".mat"))
    return {name: f"cls/{name}.mat" for name in names if name not in own and f"{name}.jpg" in photos}


def _sbd_note(count: int, sbd: Path | None) -> str:
    place = _AUGMENTED if sbd is None else "benchmark_RELEASE/dataset/cls"
    return (
        f"{count} images with the rougher masks of SBD ({place}) are trained on beside VOC's own; none of them is in VOC's lists "
        "of val and test. Move that folder away to train without."
    )


def _check_files(folder: Path, keys: Mapping[str, str]) -> None:
    cure = f"Unpack the archive of {HOME} again; data.root={folder} must hold all images and masks of the lists."
    check_present(folder / "JPEGImages", (f"{name}.jpg" for name in keys), what="images", cure=cure)
    for place in ("SegmentationClass", _AUGMENTED):
        masks = [key.removeprefix(f"{place}/") for key in keys.values() if key.startswith(f"{place}/")]
        check_present(folder / place, masks, what="masks", cure=cure)


def _split(folder: Path, keys: Mapping[str, str], read: VocMasks) -> MaskFiles:
    return MaskFiles(folder, list(keys), [f"JPEGImages/{name}.jpg" for name in keys], list(keys.values()), read)


def _arranged(
    known: Mapping[SplitName, S], settings: DataSettings, targets: str
) -> tuple[dict[SplitName, S], dict[SplitName, Origin], tuple[str, ...]]:
    """The published splits, or val as the test split where the masks or boxes of test are not public."""
    if "test" in known:
        return *complete(known, settings), (
            f"The {targets} of the published test split are there: it is the test split.",
        )
    renamed: dict[SplitName, S] = {"test" if name == "val" else name: split for name, split in known.items()}
    splits, origins = complete(renamed, settings)
    if "val" not in known:
        return splits, origins, ()
    origins["test"] = Origin("val")
    return (
        splits,
        origins,
        (f"The {targets} of the published test split are not there: the published val is the test split.",),
    )


def _load_boxes(settings: DataSettings) -> Dataset:
    variants = YEARS[::-1] if settings.variant == BOTH else (settings.variant,)
    editions = [_edition(settings.model_copy(update={"variant": variant}), _BOXES) for variant in variants]
    root = editions[0][0] if len(editions) == 1 else editions[0][0].parent
    found = [_box_splits(folder, root) for folder, _ in editions]
    known = found[0] if len(found) == 1 else _mixed(root, found)
    splits, origins, notes = _arranged(known, settings, "boxes")
    title = f"Pascal VOC {'+'.join(year for _, year in editions)}"
    notes = (*notes, *box_notes(list(known.values())))
    return Dataset(replace(CARD, title=title), OBJECTS, splits, origins, notes=notes)


def _box_splits(folder: Path, root: Path) -> dict[SplitName, BoxFiles]:
    lists = main_lists(folder)
    there = listed(folder / "Annotations")
    if not any(f"{name}.xml" in there for name in lists.get("test", ())):
        lists.pop("test", None)
    if not lists:
        raise DataError(f"{folder / MAIN} has no list of images; expected train.txt and val.txt.")
    check_apart(folder / MAIN, lists)
    return {split: _box_split(folder, root, names) for split, names in lists.items()}


def _box_split(folder: Path, root: Path, names: Sequence[str]) -> BoxFiles:
    cure = f"Unpack the archive of {HOME} again; data.root={folder} must hold all images and annotations of the lists."
    check_present(folder / "JPEGImages", (f"{name}.jpg" for name in names), what="images", cure=cure)
    check_present(folder / "Annotations", (f"{name}.xml" for name in names), what="annotations", cure=cure)
    places, framer = {name: place for place, name in enumerate(OBJECTS)}, Framer(root, lenient=True)
    prefix = folder.relative_to(root).as_posix()
    images = [f"{prefix}/JPEGImages/{name}.jpg".removeprefix("./") for name in names]
    said = [read_annotation(folder / "Annotations" / f"{name}.xml") for name in names]
    found = [labelled_image(image, each, places, framer) for image, each in zip(images, said, strict=True)]
    return gathered(root, [image for image in found if image is not None], names)


def _mixed(root: Path, found: Sequence[Mapping[SplitName, BoxFiles]]) -> dict[SplitName, BoxFiles]:
    """Train and val of both years for training, the test images of 2007 for testing."""
    test = found[0].get("test")
    if test is None:
        raise DataError(
            f"data.variant={BOTH} is tested on the test images of 2007, whose annotations are not in {root / 'VOC2007'}. Unpack "
            f"VOCtest_06-Nov-2007.tar of {HOME} there, or choose data.variant=2007 or 2012."
        )
    return {"train": joined([split for each in found for name, split in each.items() if name != "test"]), "test": test}
