"""Writes images with boxes as COCO JSON, Pascal VOC XML or YOLO text files, such that `data=box-folder` reads them again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import yaml
from PIL import Image

from vyvod.data.contract import BoxSplit, Dataset, OutlinedSplit, files_of
from vyvod.types import SPLITS, Progress, Silence, SplitName


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    images: int
    objects: int
    left_out: int
    """Objects that do not count, for which YOLO's files have no word."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An image in the new folder."""

    split: SplitName
    index: int
    name: str
    """Of the image file, without folder; different in all splits."""
    target: Mapping[str, Any]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


def write_boxes(dataset: Dataset, to: str, folder: Path, *, progress: Progress | None = None) -> Written:
    """Write all splits of a data set for detection into an empty folder; image files are copied as they are.

    Args:
        dataset: for detection.
        to: ``coco``, ``voc`` or ``yolo``.
        folder: is made.
        progress: how to show where it stands.

    Returns:
        how much was written. COCO has crowds, areas and outlines, VOC has difficult objects; YOLO has none of them: there
        objects that do not count are left out.
    """
    progress = progress or Silence()
    places = _places(dataset)
    progress.begin("copying images", len(places))
    for place in places:
        _copy(dataset.splits[place.split], place, folder / _FOLDERS[to](place.split))
        progress.advance(1)
    progress.end()
    _WRITERS[to](dataset, places, folder)
    crowd = sum(int(place.target["crowd"].sum()) for place in places) if to == "yolo" else 0
    return Written(len(places), sum(len(place.target["labels"]) for place in places) - crowd, crowd)


FORMATS = ("coco", "voc", "yolo")
_FOLDERS: Mapping[str, Callable[[str], str]] = {
    "coco": lambda split: split,
    "voc": lambda split: "JPEGImages",
    "yolo": lambda split: f"images/{split}",
}


def _places(dataset: Dataset) -> list[_Place]:
    found = [(split, index) for split in SPLITS for index in range(len(dataset.splits[split]))]
    names = _names([_file_name(dataset.splits[split], index) for split, index in found])
    return [
        _Place(split, index, name, _boxes_of(dataset.splits[split]).objects(index))
        for (split, index), name in zip(found, names, strict=True)
    ]


def _boxes_of(split: Any) -> BoxSplit:
    assert isinstance(split, BoxSplit)  # noqa: S101 - checked when it was loaded
    return split


def _file_name(split: Any, index: int) -> str:
    """Id of the image with the ending of its file; folders in it stay for now."""
    files = files_of(split)
    suffix = ".png" if files is None else files.path(index).suffix
    identity: str = split.ids[index]
    return identity.removesuffix(suffix) + suffix


def _names(paths: Sequence[str]) -> list[str]:
    """Names without folders, if these are all different; else with the folders in them."""
    short = [PurePosixPath(path).name for path in paths]
    if len({PurePosixPath(name).stem for name in short}) == len(short):
        return short
    names = [path.strip("/").replace("/", "__") for path in paths]
    if len({PurePosixPath(name).stem for name in names}) == len(names):
        return names
    return [f"{number:06d}_{name}" for number, name in enumerate(names)]


def _copy(split: Any, place: _Place, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = files_of(split)
    if files is not None:
        shutil.copyfile(files.path(place.index), folder / place.name)
    else:
        Image.fromarray(split[place.index].image.permute(1, 2, 0).squeeze(2).numpy()).save(folder / place.name)


def _write_coco(dataset: Dataset, places: Sequence[_Place], folder: Path) -> None:
    categories = [{"id": number, "name": name} for number, name in enumerate(dataset.classes, start=1)]
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    for split in dict.fromkeys(place.split for place in places):
        chosen = [place for place in places if place.split == split]
        images = [_coco_image(place, number) for number, place in enumerate(chosen, start=1)]
        objects = [
            each for number, place in enumerate(chosen, start=1) for each in _coco_objects(dataset, place, number)
        ]
        annotations = [{"id": number, **each} for number, each in enumerate(objects, start=1)]
        record = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(record), encoding="utf-8")


def _coco_image(place: _Place, number: int) -> dict[str, Any]:
    height, width = place.target["size"].tolist()
    return {"id": number, "file_name": place.name, "height": height, "width": width}


def _coco_objects(dataset: Dataset, place: _Place, image: int) -> list[dict[str, Any]]:
    split, target = dataset.splits[place.split], place.target
    # In float64 width and height are exact, and so are the edges that a reader makes of them.
    boxes = target["boxes"].numpy().astype(np.float64)
    outlines = split.outlines(place.index) if isinstance(split, OutlinedSplit) else []
    objects = [
        {
            "image_id": image,
            "category_id": int(target["labels"][number]) + 1,
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": float(target["areas"][number]),
            "iscrowd": int(target["crowd"][number]),
        }
        for number, box in enumerate(boxes.tolist())
    ]
    for each, outline in zip(objects, outlines, strict=False):
        each["segmentation"] = {"size": list(outline["size"]), "counts": _text(outline["counts"])}
    return objects


def _text(counts: Any) -> Any:
    return counts.decode() if isinstance(counts, bytes) else counts


def _write_voc(dataset: Dataset, places: Sequence[_Place], folder: Path) -> None:
    lists = folder / "ImageSets" / "Main"
    for path in (folder / "Annotations", lists):
        path.mkdir(parents=True, exist_ok=True)
    for place in places:
        text = _xml(place, dataset.classes)
        (folder / "Annotations" / f"{place.stem}.xml").write_text(text, encoding="utf-8")
    for split in SPLITS:
        names = "".join(f"{place.stem}\n" for place in places if place.split == split)
        (lists / f"{split}.txt").write_text(names, encoding="utf-8")
    # The XML files have no order of classes.
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in dataset.classes), encoding="utf-8")


def _xml(place: _Place, classes: Sequence[str]) -> str:
    height, width = place.target["size"].tolist()
    objects = zip(*(place.target[key].tolist() for key in ("boxes", "labels", "crowd")), strict=True)
    return "\n".join(
        (
            "<annotation>",
            f"  <filename>{escape(place.name)}</filename>",
            f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
            *(_xml_object(classes[label], box, crowd) for box, label, crowd in objects),
            "</annotation>\n",
        )
    )


def _xml_object(name: str, box: Sequence[float], crowd: int) -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    edges = "".join(f"<{corner}>{_number(value)}</{corner}>" for corner, value in corners)
    return f"  <object><name>{escape(name)}</name><difficult>{int(crowd)}</difficult><bndbox>{edges}</bndbox></object>"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _write_yolo(dataset: Dataset, places: Sequence[_Place], folder: Path) -> None:
    for place in places:
        path = folder / "labels" / place.split / f"{place.stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(_yolo_lines(place.target)), encoding="utf-8")
    there = {place.split for place in places}
    record: dict[str, Any] = {split: f"images/{split}" for split in SPLITS if split in there}
    record["names"] = dict(enumerate(dataset.classes))
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def _yolo_lines(target: Mapping[str, Any]) -> list[str]:
    height, width = target["size"].tolist()
    counted = ~target["crowd"].numpy()
    boxes = target["boxes"].numpy()[counted].astype(np.float64) / [width, height, width, height]
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    rows = zip(target["labels"].numpy()[counted].tolist(), *centres.T.tolist(), *sizes.T.tolist(), strict=True)
    return [" ".join(map(repr, row)) + "\n" for row in rows]


_WRITERS: Mapping[str, Callable[[Dataset, Sequence[_Place], Path], None]] = {
    "coco": _write_coco,
    "voc": _write_voc,
    "yolo": _write_yolo,
}
