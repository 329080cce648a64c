"""What is found in boxes, each thing made on purpose."""

from pathlib import Path

import numpy as np

from vyvod.data.box_audit import audit_boxes
from vyvod.data.contract import Card, Dataset
from vyvod.data.formats.boxes import LabelledImage, gathered
from vyvod.data.load import choose_classes


def dataset(*images: LabelledImage, classes: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    empty = gathered(Path(), [])
    return Dataset(Card("t", "", "", ""), classes, {"train": gathered(Path(), images), "val": empty, "test": empty})


def image(name: str, boxes: list[list[float]], labels: list[int], **facts: bool) -> LabelledImage:
    return LabelledImage(name, (100, 100), np.array(boxes, dtype=float), labels, **facts)


def test_nothing_suspicious():
    found = audit_boxes(dataset(image("a", [[0, 0, 9, 9], [20, 20, 40, 40]], [0, 1])))
    assert list(found.findings()) == []
    assert found.summary()["classes"][1] == {
        "name": "dog",
        "objects": {"train": 1, "val": 0, "test": 0},
        "images": {"train": 1, "val": 0, "test": 0},
    }


def test_each_thing_is_found():
    boxes = [
        [0, 0, 9, 9], [0.5, 0, 9, 9.5], [0, 0, 9, 9],  # the first two repeat each other, the third is of another class
        [50, 50, 53, 80],  # tiny
        [-20, 0, 30, 30], [200, 0, 220, 9], [5, 5, 1, 1], [float("nan"), 0, 1, 1],
    ]  # fmt: skip
    labels = [0, 0, 1, 0, 0, 0, 0, 0]
    made = dataset(image("a", boxes, labels), image("b", [], [], unlabelled=True), classes=("cat", "dog", "cow"))
    found = audit_boxes(made)
    assert list(found.findings()) == [
        "1 box with corners that are no numbers (NaN, infinite), dropped; the first image is a.",
        "1 box without width or height, or with swapped corners, dropped; the first image is a.",
        "1 box wholly outside the image, dropped; the first image is a.",
        "1 box reaching beyond the image, clipped; the first image is a.",
        "1 image without a label file, taken as without objects; the first image is b.",
        "1 box that repeat another box of the same class; the first image is a.",
        "In train 'cow' never occurs.",
        "1 box with a side shorter than 4 pixels, which few networks find; the first image is a.",
        "1 image without objects, such as b.",
    ]
    record = found.summary()
    assert (record["duplicates"], record["tiny"], record["empty"]) == ({"a": 1}, {"a": 1}, ["b"])
    assert record["oddities"]["clipped"] == {"a": 1}
    # What was met while reading is known behind a choice of classes too.
    assert audit_boxes(choose_classes(made, ["dog"])).oddities["outside"] == {"a": 1}


def test_unequal_classes():
    boxes = [[10 * n, 0, 10 * n + 9, 9] for n in range(10)]
    made = dataset(image("a", boxes, [0] * 10), image("b", boxes[:1], [1]))
    assert list(audit_boxes(made).findings()) == ["The classes are unequal: 'cat' has 10 objects, 'dog' has 1."]
