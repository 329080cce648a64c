"""ImageNet (ILSVRC): 1.3 million photos in 1000 classes in the usual folders, or with boxes (LOC and DET).

Layout: ``data.root/train/<wnid>/*.JPEG`` and ``data.root/val/<wnid>/*.JPEG``, 150 GB; a subset of the classes will do. It has
to be requested at https://image-net.org; ``torchvision.datasets.ImageNet`` unpacks its archives into these folders.

Splits: as everywhere in the field the published 50 000 validation images are what results are reported on, so they are
``test`` here; ``val``, which chooses the checkpoint, is carved from the training images. With ``val/`` alone a network can
be evaluated on ``test``, not trained.

Boxes: ``Annotations/CLS-LOC`` and ``Data/CLS-LOC`` (544 546 + 50 000 images, each with boxes of one of 1000 classes; variant
loc), or ``Annotations/DET`` and ``Data/DET`` (456 567 + 20 121 images, 200 classes; variant det), as Kaggle has them below
``ILSVRC``; ``data.root`` is the folder above ``ILSVRC``, or ``ILSVRC``. An XML file for each image, the class is a WordNet id;
images without one are left out. Classes are those that occur. With ``data.classes``, by name or WordNet id, images without such
an object are left out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings, Origin
from vyvod.data.formats.boxes import BoxFiles, Framer, LabelledImage, box_notes, gathered
from vyvod.data.formats.folders import read_class_folders, split_folders
from vyvod.data.formats.voc_folder import labelled_image
from vyvod.data.formats.voc_xml import Annotation, read_annotation
from vyvod.errors import DataError, SettingsError
from vyvod.types import SplitName

TASKS = ("classification", "detection")
HOME = "https://image-net.org/challenges/LSVRC/2012/"
CARD = Card(
    title="ImageNet (ILSVRC 2012)",
    homepage=HOME,
    licence="for non-commercial research and education, on request",
    citation="Olga Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, https://arxiv.org/abs/1409.0575",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)


@cache
def aliases() -> Mapping[str, str]:
    """WordNet id -> name of the class, such as ``n01440764`` -> ``tench``: either may stand in ``data.classes``."""
    from timm.data.imagenet_info import ImageNetInfo
    from torchvision.models import ResNet18_Weights

    # torchvision lists the names in the order of the sorted ids.
    ids: list[str] = ImageNetInfo().label_names()  # type: ignore[no-untyped-call]
    return dict(zip(ids, ResNet18_Weights.IMAGENET1K_V1.meta["categories"], strict=True))


@cache
def detection_aliases() -> Mapping[str, str]:
    """WordNet id -> name for all 21 841 ids: DET has classes, such as ``n02084071`` (dog), that are none of the 1000."""
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet22k")
    names, taken = dict(aliases()), set(aliases().values())
    for wnid in info.label_names():  # type: ignore[no-untyped-call]
        if wnid not in names:
            name = info.label_name_to_description(wnid, detailed=False).split(",")[0]
            names[wnid] = f"{name} ({wnid})" if name in taken else name
            taken.add(name)
    return names


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        SettingsError: there is no such variant.
        DataError: there is neither a ``train`` nor a ``val`` folder with class folders, or, for detection, with annotations.
    """
    return _load_boxes(settings) if task == "detection" else _load_classes(settings)


def _load_classes(settings: DataSettings) -> Dataset:
    root = _root(settings)
    folders, found = read_class_folders(root, wanted=_wanted(settings))
    names: dict[SplitName, str] = {"train": "train", "test": "val"}
    known = {split: found[name] for split, name in names.items() if name in found}
    splits, origins = complete(known, settings)
    if "test" in known:
        origins["test"] = Origin("val")
    return Dataset(CARD, tuple(aliases().get(folder, folder) for folder in folders), splits, origins)


def _root(settings: DataSettings) -> Path:
    expected = f"train/<wnid>/*.JPEG and val/<wnid>/*.JPEG, or one of the two. ImageNet has to be requested at {HOME}"
    if settings.root is None:
        raise DataError(f"data=imagenet needs data.root: the folder that holds {expected}.")
    root = settings.root.expanduser()
    if not root.is_dir():
        raise DataError(f"The folder data.root={root} does not exist. Expected in it: {expected}.")
    sorted_out = split_folders(root)
    for name in ("train", "val"):
        if (root / name).is_dir() and name not in sorted_out:
            raise DataError(
                f"{root / name} has no class folders. Expected: {expected}; torchvision.datasets.ImageNet sorts the "
                "archives into such folders."
            )
    if not sorted_out:
        raise DataError(
            f"{root} has neither train/ nor val/. Expected in data.root: {expected}; data.download cannot fetch it."
        )
    return root


def _wanted(settings: DataSettings) -> list[str] | None:
    if settings.classes is None:
        return None
    return [*settings.classes, *(wnid for wnid, name in aliases().items() if name in settings.classes)]


VARIANTS = {"loc": "CLS-LOC", "det": "DET"}
_BOX_TREE = "ILSVRC/Annotations/CLS-LOC/{train,val} and ILSVRC/Data/CLS-LOC/{train,val}, or the same with DET"


def _load_boxes(settings: DataSettings) -> Dataset:
    root, variant = _box_root(settings)
    chosen = _chosen(settings)
    names: dict[SplitName, str] = {"train": "train", "test": "val"}
    said = {split: _annotations(root, variant, name, chosen) for split, name in names.items()}
    wnids = sorted({wnid for found in said.values() for each in found.values() for wnid in each.names})
    places = {wnid: place for place, wnid in enumerate(wnids)}
    known = {split: _box_split(root, found, places, settings) for split, found in said.items() if found}
    splits, origins = complete(known, settings)
    if "test" in known:
        origins["test"] = Origin("val")
    classes = tuple(detection_aliases().get(wnid, wnid) for wnid in wnids)
    card = replace(CARD, title=f"ImageNet (ILSVRC, {VARIANTS[variant]})")
    return Dataset(card, classes, splits, origins, notes=tuple(box_notes(list(known.values()))))


def _box_root(settings: DataSettings) -> tuple[Path, str]:
    if settings.variant not in (None, *VARIANTS):
        raise SettingsError(f"data.variant={settings.variant}: data=imagenet has loc and det for detection.")
    if settings.root is None:
        raise DataError(f"data=imagenet needs data.root: the folder that holds {_BOX_TREE}. It comes from {HOME}.")
    root = settings.root.expanduser()
    for variant in VARIANTS if settings.variant is None else (settings.variant,):
        for place in (root, root / "ILSVRC"):
            if (place / "Annotations" / VARIANTS[variant]).is_dir() and (place / "Data" / VARIANTS[variant]).is_dir():
                return place, variant
    raise DataError(
        f"data=imagenet has no boxes in {root}. Expected there: {_BOX_TREE}. They come from {HOME}, by request or from Kaggle."
    )


def _chosen(settings: DataSettings) -> Collection[str] | None:
    """The WordNet ids of the chosen classes; None: all of them."""
    if settings.classes is None or isinstance(settings.classes, str):
        return None
    ids = {name: wnid for wnid, name in detection_aliases().items()}
    return {ids.get(name, name) for name in settings.classes}


def _annotations(root: Path, variant: str, split: str, chosen: Collection[str] | None) -> dict[str, Annotation]:
    """Path of an image relative to the root -> what its file says, for images with an object of the chosen classes."""
    folder = root / "Annotations" / VARIANTS[variant] / split
    files = sorted(folder.rglob("*.xml"))
    if chosen is not None and variant == "loc" and split == "train":
        files = [file for file in files if file.parent.name in chosen]  # a folder for each class: most need not be read
    said = {
        f"Data/{VARIANTS[variant]}/{split}/{file.relative_to(folder).with_suffix('.JPEG').as_posix()}": file
        for file in files
    }
    found = {image: _only(read_annotation(file), chosen) for image, file in said.items()}
    return {image: each for image, each in found.items() if chosen is None or each.names}


def _only(said: Annotation, chosen: Collection[str] | None) -> Annotation:
    if chosen is None:
        return said
    kept = [place for place, name in enumerate(said.names) if name in chosen]
    return replace(
        said, names=[said.names[place] for place in kept], boxes=said.boxes[kept],
        difficult=[said.difficult[place] for place in kept],
    )  # fmt: skip


def _box_split(
    root: Path, said: Mapping[str, Annotation], places: Mapping[str, int], settings: DataSettings
) -> BoxFiles:
    missing = [image for image in said if not (root / image).is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(said)} images that have annotations are missing in {root}, the first is {missing[0]}. "
            "Unpack the archive again, or remove their annotations."
        )
    framer = Framer(root, settings.on_error, lenient=True)
    found: Sequence[LabelledImage | None] = [
        labelled_image(image, each, places, framer) for image, each in said.items()
    ]
    kept = [image for image in found if image is not None]
    return gathered(root, kept, [image.image.removeprefix("Data/").removesuffix(".JPEG") for image in kept])
