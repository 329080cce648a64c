"""COCO 2017: photos of everyday scenes, 80 kinds of objects outlined, as masks with background or as boxes.

Home: https://cocodataset.org. Annotations CC BY 4.0, photos from flickr under various terms. 118 287 + 5000 images, 19 GB.

Layout: ``data.root`` holds ``annotations/instances_{train,val}2017.json`` and the folders ``train2017`` and ``val2017`` (or
``images/train2017`` ...).

Masks: the outlines of the objects are painted, the larger ones first, so that what is small stays on top; crowds are 255 and do
not count; what nobody outlined is background, as are images without objects. ``data.classes=voc`` chooses the 20 classes of
Pascal VOC under VOC's names; the other objects become background. Polygons of less than three points are passed over, and a note
says how many; any other broken annotation is an error that names its id.

Boxes: those of the file, clipped to the image, with the outline's area and, for networks with masks, the outline. Crowds do not
count: a detection on one is neither right nor wrong. Images without objects stay. With ``data.classes=voc`` objects of the other
60 classes are left out.

Splits: the published val is ``test`` here, for the outlines of the test images are not public; ``val``, which chooses the
checkpoint, is carved from train.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from vyvod.data.box_choice import chosen_objects
from vyvod.data.carve import complete
from vyvod.data.contract import BACKGROUND, BoxSplit, Card, Dataset, DataSettings, Origin
from vyvod.data.formats import voc
from vyvod.data.formats.boxes import BoxFiles, box_notes
from vyvod.data.formats.coco import InstanceMasks, Instances, read_instances
from vyvod.data.formats.coco_boxes import Located, instance_boxes
from vyvod.data.formats.layouts import Layout, check_present, find_layout
from vyvod.data.formats.masks import MaskFiles, voc_palette
from vyvod.errors import DataError
from vyvod.types import SplitName

TASKS = ("segmentation", "detection")
HOME = "https://cocodataset.org"
CARD = Card(
    title="COCO 2017",
    homepage=HOME,
    licence="annotations CC BY 4.0, photos from flickr under various terms",
    citation="Tsung-Yi Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, https://arxiv.org/abs/1405.0312",
)
OBJECTS = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
    "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
    "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
    "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
"""The 80 categories in the order of their ids, which have gaps."""
CLASSES = (BACKGROUND, *OBJECTS)
CLASS_SETS = {"voc": voc.CLASSES}
"""Choices of classes: ``data.classes=voc``."""
VOC_NAMES = {
    "airplane": "aeroplane", "couch": "sofa", "dining table": "diningtable", "motorcycle": "motorbike",
    "potted plant": "pottedplant", "tv": "tvmonitor",
}  # fmt: skip
"""COCO's names for classes of VOC, where they differ."""
LAYOUT = Layout(
    "coco", ("", "coco", "coco2017"), ("annotations",),
    "annotations/instances_train2017.json and train2017/*.jpg, and the same for val2017", HOME,
)  # fmt: skip


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: it is not there, images are missing, or an annotation is broken.
    """
    root = find_layout(LAYOUT, settings)
    names: dict[SplitName, str] = {"train": "train2017", "test": "val2017"}
    folders = {split: folder for split, name in names.items() if (folder := _folder(root, name)) is not None}
    if not folders:
        raise DataError(f"{root} has neither train2017/ nor val2017/. Expected in data.root: {LAYOUT.tree}.")
    found = {split: _instances(root, names[split]) for split in folders}
    return (_boxes if task == "detection" else _masks)(root, folders, found, settings)


_Folders = Mapping[SplitName, str]
_Found = Mapping[SplitName, Instances]


def _masks(root: Path, folders: _Folders, found: _Found, settings: DataSettings) -> Dataset:
    classes = CLASS_SETS.get(settings.classes, CLASSES) if isinstance(settings.classes, str) else CLASSES
    for instances in found.values():
        _check_outlined(instances)
    known = {split: _split(root, folders[split], found[split], classes) for split in folders}
    _check_apart(known)
    splits, origins = complete(known, settings)
    if "test" in known:
        origins["test"] = Origin("val")
    notes = tuple(_notes(found.values(), classes))
    return Dataset(CARD, classes, splits, origins, palette=voc_palette(len(classes)), notes=notes)


def _boxes(root: Path, folders: _Folders, found: _Found, settings: DataSettings) -> Dataset:
    known = {split: _box_split(root, folders[split], found[split]) for split in folders}
    _check_apart(known)
    splits, origins = complete(known, settings)
    if "test" in known:
        origins["test"] = Origin("val")
    dataset = Dataset(CARD, OBJECTS, splits, origins, notes=tuple(box_notes(list(known.values()))))
    return _of_voc(dataset) if settings.classes == "voc" else dataset


def _of_voc(dataset: Dataset) -> Dataset:
    # After val is carved: it has the same images whatever is chosen.
    places = class_numbers(dict(enumerate(OBJECTS)), (BACKGROUND, *voc.OBJECTS))
    number = torch.tensor([places[place] - 1 for place in range(len(OBJECTS))])
    splits = {name: chosen_objects(cast(BoxSplit, split), number) for name, split in dataset.splits.items()}
    note = "Of COCO's 80 kinds of objects those are classes that Pascal VOC has; the others are left out."
    return replace(dataset, classes=voc.OBJECTS, splits=splits, notes=(note, *dataset.notes))


def _folder(root: Path, name: str) -> str | None:
    """Where the images of a split lie, relative to the root; None where they are not there."""
    return next((place for place in (name, f"images/{name}") if (root / place).is_dir()), None)


def _instances(root: Path, name: str) -> Instances:
    instances = read_instances(root / "annotations" / f"instances_{name}.json")
    strange = [category for category in instances.categories.values() if category not in OBJECTS]
    if strange:
        raise DataError(
            f"{instances.file} has the category '{strange[0]}', which is none of COCO's 80. Expected: the published file, from "
            f"{HOME}."
        )
    return instances


def _check_outlined(instances: Instances) -> None:
    bare = np.flatnonzero(~instances.outlined)
    if len(bare):
        raise DataError(
            f"{instances.file}: annotation {instances.ids[bare[0]]} has no outline ({len(bare)} such annotations); masks need "
            "`segmentation` with polygons or an RLE. Add it or remove the annotation."
        )


def _located(root: Path, folder: str, instances: Instances) -> Located:
    cure = f"Unpack the archive of {HOME} again, or remove these images from {instances.file.name}."
    check_present(root / folder, instances.names, what="images", cure=cure)
    ids = [f"{Path(folder).name}/{Path(file).stem}" for file in instances.names]
    return Located(root, [f"{folder}/{file}" for file in instances.names], ids)


def _split(root: Path, folder: str, instances: Instances, classes: Sequence[str]) -> MaskFiles:
    located = _located(root, folder, instances)
    return MaskFiles(
        root,
        located.ids,
        located.images,
        # The choice of classes is part of the keys, and so of the fingerprint: with another choice the targets differ.
        [f"{len(classes)}/{identity}" for identity in instances.image_ids],
        InstanceMasks(instances, class_numbers(instances.categories, classes)),
    )


def _box_split(root: Path, folder: str, instances: Instances) -> BoxFiles:
    labels = {identity: OBJECTS.index(name) for identity, name in instances.categories.items()}
    return instance_boxes(instances, _located(root, folder, instances), labels)


def class_numbers(categories: Mapping[int, str], classes: Sequence[str]) -> dict[int, int]:
    """Category id -> class index; 0, background, for categories that are none of the classes."""
    places = {name: place for place, name in enumerate(classes)}
    return {
        identity: places.get(name, places.get(VOC_NAMES.get(name, BACKGROUND), 0))
        for identity, name in categories.items()
    }


def _check_apart(known: Mapping[SplitName, MaskFiles] | Mapping[SplitName, BoxFiles]) -> None:
    """No image is trained on and tested on.

    Raises:
        DataError: an image of that name is in both.
    """
    if len(known) < len(("train", "test")):
        return
    both = {Path(image).name for image in known["train"].images} & {Path(image).name for image in known["test"].images}
    if both:
        raise DataError(f"{min(both)} is in train2017 and in val2017. Take the published files, from {HOME}.")


def _notes(found: Iterable[Instances], classes: Sequence[str]) -> Iterator[str]:
    slivers = [identity for instances in found for identity in instances.slivers]
    yield "Masks are painted from the outlines, the larger objects first; crowds do not count (255)."
    if classes is not CLASSES:
        yield "Of COCO's 80 kinds of objects those are classes that Pascal VOC has; the others are background."
    if slivers:
        yield (
            f"{len(slivers)} annotations have polygons of less than three points, which were passed over; the first is "
            f"{slivers[0]}."
        )
