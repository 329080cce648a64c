"""Your own images with boxes: COCO JSON, Pascal VOC XML or YOLO text files, found out from the folder.

Layout, whatever is there in ``data.root``:

- COCO: ``annotations/*.json`` or ``*.json``, with ``train``, ``val`` or ``test`` in their names where there are several; images
  beside them, in ``images/`` or in a folder of the split. Also ``train/_annotations.coco.json`` and the like.
- VOC: ``Annotations/*.xml`` and ``JPEGImages/`` (or the XML files beside the images), with or without
  ``ImageSets/Main/{train,val,test,trainval}.txt``; also ``train/*.xml`` and the like.
- YOLO: ``data.yaml`` with path, train, val, test (folders of images or lists) and names; ``images/`` and ``labels/``. Without
  ``data.yaml``: ``classes.txt`` or ``*.names``, one name a line, beside ``images/`` and ``labels/``.

``data.variant`` (coco, voc or yolo) chooses where several formats are there. Classes are those of the files; VOC's are sorted,
unless ``classes.txt`` lists them. Boxes are clipped to their images; those that are empty, outside or no numbers are dropped, and
a note says how many. Images without objects stay. Missing splits are carved from the training images.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings
from vyvod.data.formats import coco_folder, voc_folder, yolo
from vyvod.data.formats.boxes import BoxFolder, one_size
from vyvod.errors import DataError, SettingsError

TASKS = ("detection",)
CARD = Card(title="Own images with boxes", homepage="", licence="not stated", citation="")
FORMATS = ("coco", "voc", "yolo")
_SAID = {"coco": "COCO's JSON", "voc": "Pascal VOC's XML", "yolo": "YOLO's text files"}
_TREES = {"coco": coco_folder.TREE, "voc": voc_folder.TREE, "yolo": yolo.TREE}


def load(settings: DataSettings, task: str) -> Dataset:
    """Load them from ``data.root``.

    Raises:
        SettingsError: ``data.variant`` is no format.
        DataError: no format is recognised, or several are; files are missing or make no sense.
    """
    root = _root(settings)
    name, read = _recognised(root, settings)
    found = read()
    splits, origins = complete(found.splits, settings, source="all" if found.piled else "train")
    notes = [f"The boxes are read from {_SAID[name]}.", *found.notes]
    if any(origin.carved for origin in origins.values()):
        notes += _carved(found)
    native_size = one_size(list(found.splits.values()))
    return Dataset(
        replace(CARD, title=root.resolve().name), found.classes, splits, origins, native_size=native_size, notes=notes
    )


def _root(settings: DataSettings) -> Path:
    expected = "; or ".join(f"{_SAID[name]} ({tree})" for name, tree in _TREES.items())
    if settings.root is None:
        raise DataError(f"data=box-folder needs data.root: the folder that holds {expected}.")
    root = settings.root.expanduser()
    if not root.is_dir():
        raise DataError(f"The folder data.root={root} does not exist. Expected in it: {expected}.")
    return root


def _recognised(root: Path, settings: DataSettings) -> tuple[str, Callable[[], BoxFolder]]:
    """The format of the folder, and what reads it."""
    if settings.variant not in (None, *FORMATS):
        raise SettingsError(f"data.variant={settings.variant}: data=box-folder knows the formats {', '.join(FORMATS)}.")
    readers = _readers(root, settings)
    if settings.variant is not None:
        if settings.variant not in readers:
            raise DataError(f"There is no {_SAID[settings.variant]} in {root}. Expected: {_TREES[settings.variant]}.")
        return settings.variant, readers[settings.variant]
    if len(readers) > 1:
        there = " and ".join(_SAID[name] for name in readers)
        raise DataError(f"{root} holds {there}. Choose one: data.variant={' or data.variant='.join(readers)}.")
    if not readers:
        expected = "; or ".join(f"{_SAID[name]} ({tree})" for name, tree in _TREES.items())
        raise DataError(f"No boxes were found in {root}. Expected: {expected}.")
    return next(iter(readers.items()))


def _readers(root: Path, settings: DataSettings) -> dict[str, Callable[[], BoxFolder]]:
    json_files, xml_folders, names = coco_folder.find_coco(root), voc_folder.find_voc(root), yolo.find_yolo(root)
    readers: dict[str, Callable[[], BoxFolder]] = {}
    if xml_folders:
        readers["voc"] = lambda: voc_folder.read_voc(root, xml_folders, on_error=settings.on_error)
    if names is not None:
        readers["yolo"] = lambda: yolo.read_yolo(root, names, on_error=settings.on_error)
    # A JSON file that speaks of something else is only looked at where there is nothing else.
    if json_files and (not readers or all(coco_folder.looks_like_coco(file) for file in json_files.values())):
        readers["coco"] = lambda: coco_folder.read_coco(root, json_files, on_error=settings.on_error)
    return readers


def _carved(found: BoxFolder) -> Iterator[str]:
    missing = [name for name in ("val", "test") if name not in found.splits]
    yield (
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} drawn from the training images, image by image. Where "
        "several images show one thing (a place, a patient, a film), sort them into splits by it, or the test is too easy."
    )
