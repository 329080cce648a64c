"""Sets of boxes for the tests of detection metrics, and pycocotools on them."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools import mask as outlines
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from vyvod.metrics.detection import Found, Truth

Sets = tuple[Truth, Found, int, int]
"""Objects, detections, number of images, number of classes."""


def hand(objects: list[tuple[Any, ...]], detections: list[tuple[Any, ...]]) -> tuple[Truth, Found]:
    """Objects as (image, class, box[, crowd]), detections as (image, class, score, box)."""
    crowd = np.array([bool(row[3:] and row[3]) for row in objects], dtype=np.bool_)
    box = np.array([row[2] for row in objects], dtype=np.float32).reshape(-1, 4)
    found_box = np.array([row[3] for row in detections], dtype=np.float32).reshape(-1, 4)
    image, label = (np.array([row[place] for row in objects], dtype=np.int64) for place in (0, 1))
    found_image, found_label = (np.array([row[place] for row in detections], dtype=np.int64) for place in (0, 1))
    score = np.array([row[2] for row in detections], dtype=np.float32)
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    return Truth(image, label, box, area, crowd), Found(found_image, found_label, score, found_box)


def random_sets(
    seed: int, *, images: int = 12, classes: int = 5, objects: int = 6, detections: int = 20, masks: bool = False
) -> Sets:
    """Crowds, images without objects or detections, classes that are absent or only predicted, equal scores, small boxes."""
    random = np.random.default_rng(seed)
    image = np.sort(random.integers(0, max(1, images - 2), random.integers(0, objects * images)))
    label = random.integers(0, max(1, classes - 1), len(image))
    box = _boxes(random, len(image))
    found_image = np.sort(random.integers(min(1, images - 1), images, random.integers(0, detections * images)))
    found_label = random.integers(min(1, classes - 1), classes, len(found_image))
    found_box = _boxes(random, len(found_image))
    for place in np.flatnonzero(random.random(len(found_image)) < 0.7):
        there = np.flatnonzero(image == found_image[place])
        if len(there):
            of = random.choice(there)
            found_box[place] = box[of] + random.normal(0, 3, 4)
            found_label[place] = label[of] if random.random() < 0.8 else found_label[place]
    found_box[:, 2:] = np.maximum(found_box[:, 2:], found_box[:, :2] + 1)
    score = random.random(len(found_image)).astype(np.float32).round(1 + seed % 2)
    order = np.lexsort((-score, found_image))
    crowd = random.random(len(image)) < 0.15
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) * random.uniform(0.5, 1, len(image)).astype(np.float32)
    found_box = found_box.astype(np.float32)
    truth = Truth(image, label, box, area, crowd, _masks(random, box) if masks else None)
    found = Found(
        found_image[order], found_label[order], score[order], found_box[order],
        _masks(random, found_box[order]) if masks else None,
    )  # fmt: skip
    return truth, found, images, classes


def _boxes(random: np.random.Generator, number: int) -> np.ndarray:
    corner, size = random.uniform(0, 180, (number, 2)), 120 * random.beta(1, 2, (number, 2)) + 2
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32)


def _masks(random: np.random.Generator, box: np.ndarray) -> list[dict[str, Any]]:
    """Boxes with holes, in images of 320 x 330 pixels."""
    result = []
    for left, top, right, bottom in np.clip(box, 0, 319).astype(int):
        mask = np.zeros((320, 330), dtype=np.uint8, order="F")
        inner = mask[top : bottom + 1, left : right + 1]
        inner[random.random(inner.shape) < 0.9] = 1
        result.append(outlines.encode(mask))
    return result


def reference(truth: Truth, found: Found, images: int, classes: int, kind: str = "bbox", *, cut: int = 100) -> COCOeval:
    """pycocotools on the columns, evaluated and summed up."""
    return evaluated(_ground(truth, images, classes), _results(found, kind), kind, cut=cut)


def evaluated(truth: dict[str, Any], results: list[dict[str, Any]], kind: str = "bbox", *, cut: int = 100) -> COCOeval:
    """pycocotools on the contents of files of COCO."""
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = {"info": {}, **truth}
        ground.createIndex()
        evaluation = COCOeval(ground, ground.loadRes(results) if results else _nothing(ground), kind)
        evaluation.params.maxDets = [1, 10, cut]
        evaluation.evaluate()
        evaluation.accumulate()
        if cut == 100:
            evaluation.summarize()
    return evaluation


def expected(evaluation: COCOeval) -> dict[str, float]:
    """The numbers of pycocotools under our names, NaN for its -1."""
    names = ("map", "map50", "map75", "map_small", "map_medium", "map_large", "ar1", "ar10", "ar100")
    return {
        name: float("nan") if value == -1 else float(value)
        for name, value in zip(names, evaluation.stats, strict=False)
    }


def same(first: dict[str, float], second: dict[str, float]) -> bool:
    """Equal to the last bit, NaN being equal to NaN."""
    return list(first) == list(second) and np.array_equal(list(first.values()), list(second.values()), equal_nan=True)


def _ground(truth: Truth, images: int, classes: int) -> dict[str, Any]:
    annotations = [
        {"id": row + 1, "image_id": int(truth.image[row]) + 1, "category_id": int(truth.label[row]),
         "bbox": _sides(truth.box[row]), "area": float(truth.area[row]), "iscrowd": int(truth.crowd[row])}
        | ({"segmentation": truth.outlines[row]} if truth.outlines else {})
        for row in range(len(truth.label))
    ]  # fmt: skip
    return {
        "images": [{"id": number + 1, "height": 320, "width": 330} for number in range(images)],
        "categories": [{"id": label, "name": str(label)} for label in range(classes)],
        "annotations": annotations,
    }


def _results(found: Found, kind: str) -> list[dict[str, Any]]:
    return [
        {"image_id": int(found.image[row]) + 1, "category_id": int(found.label[row]), "score": float(found.score[row])}
        | (
            {"segmentation": found.outlines[row]}
            if kind == "segm" and found.outlines
            else {"bbox": _sides(found.box[row])}
        )
        for row in range(len(found.score))
    ]


def _nothing(ground: COCO) -> COCO:
    empty = COCO()
    empty.dataset = {**ground.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _sides(box: np.ndarray) -> list[float]:
    left, top, right, bottom = (float(value) for value in box)
    return [round(value, 3) for value in (left, top, right - left, bottom - top)]
