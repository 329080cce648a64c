"""Average precision and recall against pycocotools, to the last bit: stored cases, COCO's own objects, random sets."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hotcoco import mask as hotcoco_mask
from pycocotools import mask as outlines
from pycocotools.cocoeval import COCOeval
from tests.metrics.detections import Sets, evaluated, expected, hand, random_sets, reference, same

from vyvod.errors import DataError
from vyvod.metrics import detection as metrics
from vyvod.metrics.boxes.coco import Kind
from vyvod.metrics.detection import Found, Truth


def read(truth: dict[str, Any], results: list[dict[str, Any]]) -> Sets:
    """Files of COCO as columns, float32 as a data set and a network give them; ids become places in the sorted lists."""
    images = {identity: place for place, identity in enumerate(sorted(image["id"] for image in truth["images"]))}
    classes = {identity: place for place, identity in enumerate(sorted(row["id"] for row in truth["categories"]))}

    def columns(rows: list[dict[str, Any]]) -> list[np.ndarray]:
        sides = np.array([row["bbox"] for row in rows], dtype=np.float64)
        box = np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1).astype(np.float32)
        image, label = (
            [index[row[name]] for row in rows] for index, name in ((images, "image_id"), (classes, "category_id"))
        )
        return [np.array(image), np.array(label), box]

    image, label, box = columns(truth["annotations"])
    area = np.array([row["area"] for row in truth["annotations"]], dtype=np.float32)
    crowd = np.array([bool(row["iscrowd"]) for row in truth["annotations"]])
    found_image, found_label, found_box = columns(results)
    score = np.array([row["score"] for row in results], dtype=np.float32)
    return (
        Truth(image, label, box, area, crowd),
        Found(found_image, found_label, score, found_box),
        len(images),
        len(classes),
    )


def agrees(sets: Sets, theirs: COCOeval, kind: Kind = "bbox") -> None:
    """Every number equals pycocotools' to the last bit."""
    scores = metrics.coco(*sets, kind=kind)
    assert same(scores.overall, expected(theirs))
    precision = np.where(theirs.eval["precision"] < 0, np.nan, theirs.eval["precision"])
    assert np.array_equal(scores.precision_curve, precision[0, :, :, 0, 2].T, equal_nan=True)
    for name, chosen in (("ap", slice(None)), ("ap50", 0), ("ap75", 5)):
        means = [np.mean(precision[chosen, :, label, 0, 2]) for label in range(sets[3])]
        assert np.array_equal(scores.per_class[name], means, equal_nan=True)
    truth = sets[0]
    counted = [np.sum((truth.label == label) & ~truth.crowd) for label in range(sets[3])]
    assert scores.per_class["support"].tolist() == counted


def test_published_case(shared_data: Path) -> None:
    """Boxes with two decimals, many of them with an IoU right on a threshold; the values are those of the original program."""
    folder = shared_data / "voc2012_100" / "coco_eval_case"
    truth = json.loads((folder / "gts" / "sampled_gts_bbox_area.json").read_text())
    results = json.loads((folder / "cocoapi_results.json").read_text())
    sets = read(truth, results)
    agrees(sets, evaluated(truth, results))
    published = {
        "map": 0.503647, "map50": 0.696973, "map75": 0.571667, "map_small": 0.593252, "map_medium": 0.557991,
        "map_large": 0.489363, "ar1": 0.386813, "ar10": 0.593680, "ar100": 0.595353,
    }  # fmt: skip
    assert metrics.coco(*sets).overall == pytest.approx(published, abs=1e-6)


@pytest.mark.parametrize("crowded", [False, True])
def test_stored_detections(shared_data: Path, *, crowded: bool) -> None:
    folder = shared_data / "voc2012_100"
    results = json.loads((folder / "detections" / "coco_dets.json").read_text())
    truth = json.loads((folder / "coco" / "instances_v2.json").read_text())
    names = {category["name"]: category["id"] for category in truth["categories"]}
    files = {image["file_name"]: image["id"] for image in truth["images"]}
    theirs = {category["id"]: category["name"] for category in results["categories"]}
    images = {image["id"]: image["file_name"] for image in results["images"]}
    for number, row in enumerate(truth["annotations"]):
        row["iscrowd"] = int(crowded and number % 3 == 0)
    found = [
        {
            "image_id": files[images[row["image_id"]]],
            "category_id": names[theirs[row["category_id"]]],
            "bbox": row["bbox"],
            "score": row["score"],
        }
        for row in results["annotations"]
        if theirs[row["category_id"]] in names
    ]
    assert len(found) > 150
    agrees(read(truth, found), evaluated(truth, found))


def test_objects_of_coco(shared_data: Path) -> None:
    """80 images with crowds and outlines; detections are jittered objects, of which a part is of another class."""
    truth = json.loads((shared_data / "coco_mini" / "annotations" / "instances_train2017.json").read_text())
    assert sum(row["iscrowd"] for row in truth["annotations"]) > 0
    random = np.random.default_rng(0)
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    results, masks, true_masks = [], [], []
    for row in truth["annotations"]:
        true_masks.append(outline(row, *sizes[row["image_id"]]))
        for _ in range(random.integers(0, 4)):
            box = np.array(row["bbox"]) + random.normal(0, 0.08, 4) * np.array(row["bbox"])[[2, 3, 2, 3]]
            category = row["category_id"] if random.random() < 0.8 else truth["categories"][random.integers(80)]["id"]
            score = round(float(random.random()), 2)
            place = {"image_id": row["image_id"], "category_id": category, "score": score}
            results.append({**place, "bbox": np.maximum(box, 1).round(2).tolist()})
            masks.append(shifted(true_masks[-1], int(random.integers(0, 6))))
    sets = read(truth, results)
    agrees(sets, evaluated(truth, results))
    segments = [
        {name: value for name, value in row.items() if name != "bbox"} | {"segmentation": mask}
        for row, mask in zip(results, masks, strict=True)
    ]
    objects, found = replace(sets[0], outlines=true_masks), replace(sets[1], outlines=masks)
    agrees((objects, found, *sets[2:]), evaluated(truth, segments, "segm"), kind="segm")


def outline(row: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    parts = outlines.frPyObjects(row["segmentation"], height, width)
    return outlines.merge(parts) if isinstance(parts, list) else parts


def shifted(mask: dict[str, Any], pixels: int) -> dict[str, Any]:
    return hotcoco_mask.encode(np.asfortranarray(np.roll(hotcoco_mask.decode(mask), pixels, axis=1)))


@pytest.mark.parametrize("seed", range(60))
def test_random_sets(seed: int) -> None:
    sets = random_sets(seed)
    agrees(sets, reference(*sets))


@pytest.mark.parametrize("seed", range(8))
def test_random_masks(seed: int) -> None:
    sets = random_sets(seed, images=6, objects=4, detections=8, masks=True)
    agrees(sets, reference(*sets, kind="segm"), kind="segm")


@pytest.mark.parametrize("seed", range(4))
def test_more_than_a_hundred_detections(seed: int) -> None:
    sets = random_sets(20 + seed, images=3, classes=1, detections=900)
    assert np.bincount(sets[1].image).max() > 100
    agrees(sets, reference(*sets))


def test_nothing_at_all() -> None:
    for images, classes in ((0, 0), (0, 3), (4, 0), (4, 3)):
        scores = metrics.coco(*hand([], []), images, classes)
        assert all(math.isnan(value) for value in scores.overall.values())
        assert scores.precision_curve.shape == (classes, 101)
        assert np.isnan(scores.precision_curve).all()
        assert np.isnan(scores.per_class["ap"]).all()
        assert scores.per_class["support"].tolist() == [0] * classes
        assert np.isnan(metrics.tide(*hand([], []), images, classes)).all()


def test_one_side_empty() -> None:
    box = (0, 0, 40, 40)
    missed = metrics.coco(*hand([(0, 1, box)], []), 1, 2)
    assert missed.overall["map"] == missed.overall["ar100"] == missed.per_class["ap"][1] == 0
    assert math.isnan(missed.per_class["ap"][0])
    assert math.isnan(missed.overall["map_large"])
    stray = metrics.coco(*hand([], [(0, 1, 0.9, box)]), 1, 2)
    assert math.isnan(stray.overall["map"])
    only_crowd = metrics.coco(*hand([(0, 1, box, True)], [(0, 1, 0.9, box)]), 1, 2)
    assert math.isnan(only_crowd.overall["map"])


def test_by_hand() -> None:
    """Two objects, the surer detection wrong: precision is 1/2 at best up to recall 1/2, which 51 of 101 points reach."""
    truth, found = hand(
        [(0, 0, (0, 0, 10, 10)), (0, 0, (50, 50, 60, 60))],
        [(0, 0, 0.9, (200, 200, 220, 220)), (0, 0, 0.8, (0, 0, 10, 10))],
    )
    scores = metrics.coco(truth, found, 1, 1)
    assert scores.overall["map50"] == pytest.approx(0.5 * 51 / 101)
    assert scores.precision_curve[0].tolist() == pytest.approx([0.5] * 51 + [0.0] * 50)
    assert scores.overall["ar1"] == 0
    assert scores.overall["ar10"] == 0.5


@pytest.mark.parametrize("seed", range(10))
def test_short_way_to_map(seed: int) -> None:
    sets = random_sets(seed)
    assert np.array_equal(metrics.mean_average_precision(*sets), metrics.coco(*sets).overall["map"], equal_nan=True)


@pytest.mark.parametrize(
    ("name", "objects", "detections"),
    [
        ("label 2", [(0, 2, (0, 0, 9, 9))], []),
        ("label -1", [(0, -1, (0, 0, 9, 9))], []),
        ("label 7", [], [(0, 7, 0.5, (0, 0, 9, 9))]),
        ("image 3", [], [(3, 0, 0.5, (0, 0, 9, 9))]),
    ],
)
def test_strangers(name: str, objects: list[Any], detections: list[Any]) -> None:
    with pytest.raises(DataError, match=f"has the {name}, but there are [23], counted from 0; mend the "):
        metrics.coco(*hand(objects, detections), 3, 2)


@pytest.mark.parametrize("strange", [math.nan, math.inf])
def test_numbers_that_are_not_finite(strange: float) -> None:
    box, broken = (0, 0, 9, 9), (0, 0, 9, strange)
    with pytest.raises(DataError, match="the network gave is not finite"):
        metrics.coco(*hand([(0, 0, box)], [(0, 0, 0.9, broken)]), 1, 1)
    with pytest.raises(DataError, match="the network gave is not finite"):
        metrics.coco(*hand([(0, 0, box)], [(0, 0, strange, box)]), 1, 1)
    with pytest.raises(DataError, match="mend the annotations"):
        metrics.coco(*hand([(0, 0, broken)], []), 1, 1)


def test_columns_of_different_lengths() -> None:
    truth, found = hand([(0, 0, (0, 0, 9, 9))], [])
    short = Truth(truth.image, truth.label, truth.box, truth.area[:0], truth.crowd)
    with pytest.raises(DataError, match=r"image 1, label 1, box 1, area 0, crowd 1"):
        metrics.coco(short, found, 1, 1)


def test_same_bits_with_any_number_of_threads() -> None:
    program = (
        "import hashlib, numpy as np\n"
        "from tests.metrics.detections import random_sets\n"
        "from vyvod.metrics import detection as metrics\n"
        "sets = random_sets(3, images=300, classes=20)\n"
        "scores, told = metrics.coco(*sets), metrics.match(*sets)\n"
        "parts = [*scores.per_class.values(), scores.precision_curve, told.right, told.partner, metrics.tide(*sets)]\n"
        "parts.append(np.array(list(scores.overall.values())))\n"
        "print(hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest())\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "RAYON_NUM_THREADS": threads},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "3")
    }
    assert len(hashes) == 1


def kinds(objects: list[Any], detections: list[Any], classes: int = 2) -> list[float]:
    costs = metrics.tide(*hand(objects, detections), 1, classes)
    assert costs.shape == (6,)
    return [round(float(cost), 6) for cost in costs]


def test_tide_by_hand() -> None:
    """One error each. Mending it gives what it costs: a wrong first detection halves precision, a missed object halves AP."""
    one, two, off = (0, 0, 100, 100), (200, 200, 300, 300), (0, 40, 100, 140)
    right = [(0, 0, one), (0, 1, two)]
    # Named classification: class 1 has no detection until the wrong label of the second is mended; AP goes from 1/2 to 1.
    assert kinds(right, [(0, 0, 0.9, one), (0, 0, 0.8, two)]) == [0.5, 0, 0, 0, 0, 0]
    # IoU 60/140 with an object of its class: localisation, and the object is not missed by TIDE's count.
    assert kinds(right, [(0, 0, 0.9, off), (0, 1, 0.8, two)]) == [0, 0.5, 0, 0, 0, 0]
    # The same beside an object of another class: both.
    assert kinds(right, [(0, 1, 0.95, off), (0, 0, 0.9, one), (0, 1, 0.8, two)]) == [0, 0, 0.25, 0, 0, 0]
    # The duplicate comes before the detection of a second object of the class: precision 2/3 from recall 1/2 on.
    twice = [(0, 0, 0.9, one), (0, 0, 0.8, one), (0, 0, 0.7, two)]
    duplicate = 1 - (51 + 50 * 2 / 3) / 101
    assert kinds([(0, 0, one), (0, 0, two)], twice, 1) == [0, 0, 0, round(duplicate, 6), 0, 0]
    # Surest of its class, and nothing is there.
    stray = [(0, 0, 0.9, one), (0, 1, 0.95, (500, 500, 600, 600)), (0, 1, 0.8, two)]
    assert kinds(right, stray) == [0, 0, 0, 0, 0.25, 0]
    missed = 1 - 51 / 101
    assert kinds([(0, 0, one), (0, 0, two)], [(0, 0, 0.9, one)], 1) == [0, 0, 0, 0, 0, round(missed, 6)]
    # Without its missed objects nothing is left of the class that could be won.
    assert kinds(right, [(0, 0, 0.9, one)]) == [0, 0, 0, 0, 0, 0]
    # A detection on a crowd is no error.
    assert (
        kinds([*right, (0, 0, (400, 0, 600, 200), True)], [(0, 0, 0.95, (400, 0, 450, 50)), (0, 0, 0.9, one)])[:5]
        == [0] * 5
    )
