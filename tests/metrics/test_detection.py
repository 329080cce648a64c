"""All scores of detection from the columns of a run: by hand, for choices of images, without objects; what is loaded."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.metrics.detections import hand, random_sets, same

from vyvod import catalog
from vyvod.metrics import detection as metrics
from vyvod.metrics.detection import Found, Truth

ONE, TWO, FAR = (0, 0, 100, 100), (200, 200, 300, 300), (500, 500, 600, 600)


def columns(truth: Truth, found: Found, images: int) -> dict[str, np.ndarray]:
    rows = {f"truth_{name}": getattr(truth, name) for name in ("image", "label", "box", "area", "crowd")}
    rows |= {f"found_{name}": getattr(found, name) for name in ("image", "label", "score", "box")}
    return rows | {
        "id": np.array([f"{number:03}" for number in range(images)], dtype=np.str_),
        "size": np.full((images, 2), 320, dtype=np.int64),
        "loss": np.arange(images, dtype=np.float32),
    }


def test_by_hand() -> None:
    """Class 0 is found surely, class 1 weakly and after a stray detection, class 2 is in nothing."""
    truth, found = hand(
        [(0, 0, ONE), (1, 1, TWO)],
        [(0, 0, 0.9, ONE), (1, 1, 0.5, FAR), (1, 1, 0.125, TWO)],
    )
    rows = columns(truth, found, 3)
    overall, per_class, totals = metrics.scores_of_rows(rows, 3, confidence=0.25)
    expected = {
        "map": 0.75, "map50": 0.75, "map75": 0.75, "map_small": math.nan, "map_medium": math.nan, "map_large": 0.75,
        "ar1": 0.5, "ar10": 1.0, "ar100": 1.0, "precision": 0.5, "recall": 0.5, "f1": 0.5,
        "precision_at_best_f1": 0.75, "recall_at_best_f1": 1.0, "f1_at_best_f1": (1 + 2 / 3) / 2,
        "best_f1_confidence": 0.125,
    }  # fmt: skip
    assert overall == pytest.approx(expected, nan_ok=True)
    assert all(type(value) is float for value in overall.values())
    by_class = {
        "support": [1, 1, 0], "ap": [1, 0.5, math.nan], "ap50": [1, 0.5, math.nan], "ap75": [1, 0.5, math.nan],
        "precision": [1, 0, math.nan], "recall": [1, 0, math.nan], "f1": [1, 0, math.nan],
        "precision_at_best_f1": [1, 0.5, math.nan], "recall_at_best_f1": [1, 1, math.nan],
        "f1_at_best_f1": [1, 2 / 3, math.nan],
    }  # fmt: skip
    assert per_class.keys() == by_class.keys()
    for name, values in by_class.items():
        assert per_class[name].tolist() == pytest.approx(values, nan_ok=True), name
        assert per_class[name].dtype == np.float64
    assert totals["confusion"].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert totals["tide"].tolist() == pytest.approx([0, 0, 0, 0, 0.25, 0])
    assert totals["confidence"] == 0.25
    # The confidence of val is taken as it is, also where another one would be better.
    strict, _, _ = metrics.scores_of_rows(rows, 3, confidence=0.25, best_confidence=0.75)
    assert strict["best_f1_confidence"] == 0.75
    assert strict["recall_at_best_f1"] == 0.5
    counts, quality = metrics.image_scores(rows, 3, confidence=0.25)
    assert counts["true_positives"].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert counts["false_positives"].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert counts["false_negatives"].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert np.array_equal(quality, [1, 0, math.nan], equal_nan=True)


@pytest.mark.parametrize(("images", "classes"), [(0, 0), (0, 2), (3, 2), (3, 0)])
def test_no_boxes(images: int, classes: int) -> None:
    overall, per_class, totals = metrics.scores_of_rows(columns(*hand([], []), images), classes, confidence=0.25)
    assert all(math.isnan(value) for value in overall.values())
    assert per_class.pop("support").tolist() == [0] * classes
    assert all(np.isnan(values).all() and values.shape == (classes,) for values in per_class.values())
    assert not totals["confusion"].any()
    counts, quality = metrics.image_scores(columns(*hand([], []), images), classes, confidence=0.25)
    assert counts["true_positives"].shape == (images, classes)
    assert np.isnan(quality).all()


def test_only_detections() -> None:
    rows = columns(*hand([], [(0, 1, 0.9, ONE)]), 1)
    overall, per_class, totals = metrics.scores_of_rows(rows, 2, confidence=0.25)
    assert overall["precision"] == overall["f1"] == 0
    assert math.isnan(overall["recall"])
    assert math.isnan(overall["map"])
    assert math.isnan(overall["best_f1_confidence"])
    assert math.isnan(overall["f1_at_best_f1"])
    assert np.array_equal(per_class["f1"], [math.nan, 0], equal_nan=True)
    assert totals["confusion"][-1].tolist() == [0, 1, 0]
    assert metrics.image_scores(rows, 2, confidence=0.25)[1].tolist() == [0.0]


@pytest.mark.parametrize("seed", range(5))
def test_shapes_and_names(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    overall, per_class, totals = metrics.scores_of_rows(columns(truth, found, images), classes, confidence=0.25)
    assert set(overall) == {name for name in metrics.METRICS if not name.startswith("mask_")}
    assert all(values.shape == (classes,) for values in per_class.values())
    curves = ("precision_curve", "precision_by_confidence", "recall_by_confidence", "f1_by_confidence")
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(curves, (classes, 101))
    shapes |= {"confusion": (classes + 1, classes + 1), "confidences": (101,), "tide": (6,), "confidence": ()}
    assert {name: values.shape for name, values in totals.items()} == shapes


def test_masks() -> None:
    truth, found, images, classes = random_sets(1, images=6, objects=4, detections=8, masks=True)
    assert truth.outlines is not None
    assert found.outlines is not None
    rows = columns(truth, found, images)
    overall, per_class = metrics.mask_scores(rows, classes, found=found.outlines, truth=truth.outlines)
    scores = metrics.coco(truth, found, images, classes, kind="segm")
    assert overall == {f"mask_{name}": scores.overall[name] for name in ("map", "map50", "map75")}
    assert set(overall) <= set(metrics.METRICS)
    assert list(per_class) == ["mask_ap", "mask_ap50"]
    assert np.array_equal(per_class["mask_ap"], scores.per_class["ap"], equal_nan=True)
    assert overall["mask_map"] != metrics.coco(truth, found, images, classes).overall["map"]


@pytest.mark.parametrize("seed", range(10))
def test_resampling_one_image_after_the_other(seed: int) -> None:
    """Against the plain way: a loop over the chosen images."""
    truth, found, images, _ = random_sets(seed, masks=seed == 0)
    rows = columns(truth, found, images)
    chosen = np.random.default_rng(seed).integers(0, images, images + 3)
    resampled = metrics.resample(rows, chosen)
    assert resampled.keys() == rows.keys()
    for name, column in rows.items():
        kind = name.split("_")[0]
        if name.endswith("_image"):
            counts = [int(np.sum(column == number)) for number in chosen]
            expected = np.repeat(np.arange(len(chosen)), counts)
        elif kind in ("truth", "found"):
            expected = np.concatenate([column[rows[f"{kind}_image"] == number] for number in chosen])
        else:
            expected = column[chosen]
        assert np.array_equal(resampled[name], expected), name
        assert resampled[name].dtype == column.dtype
    objects, detections = metrics.select(truth, found, chosen, images)
    assert np.array_equal(objects.box, resampled["truth_box"])
    assert np.array_equal(detections.image, resampled["found_image"])
    if truth.outlines is not None:
        rows_of = [row for number in chosen for row in np.flatnonzero(truth.image == number)]
        assert objects.outlines == [truth.outlines[row] for row in rows_of]


def test_choosing_no_image() -> None:
    truth, found, images, classes = random_sets(0)
    rows = metrics.resample(columns(truth, found, images), np.array([], dtype=np.int64))
    assert len(rows["id"]) == len(rows["truth_box"]) == len(rows["found_score"]) == 0
    assert math.isnan(metrics.scores_of_rows(rows, classes, confidence=0.25)[0]["map"])


def test_an_image_twice_is_two_images() -> None:
    """Its objects do not compete for one detection."""
    truth, found = hand([(0, 0, ONE)], [(0, 0, 0.9, ONE), (1, 0, 0.8, FAR)])
    twice = metrics.resample(columns(truth, found, 2), np.array([0, 0]))
    overall, per_class, _ = metrics.scores_of_rows(twice, 1, confidence=0.25)
    assert overall["map"] == overall["f1"] == 1
    assert per_class["support"].tolist() == [2]


@pytest.mark.parametrize("seed", range(5))
def test_all_images_once_change_nothing(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    same_again = metrics.select(truth, found, np.arange(images), images)
    whole = metrics.coco(truth, found, images, classes)
    assert same(metrics.coco(*same_again, images, classes).overall, whole.overall)


def test_rows_need_not_be_sorted_by_image() -> None:
    truth, found, images, classes = random_sets(4)
    rows = np.random.default_rng(0).permutation(len(truth.label))
    mixed = Truth(*(column[rows] for column in (truth.image, truth.label, truth.box, truth.area, truth.crowd)))
    chosen = np.array([3, 3, 1])
    counts = [
        metrics.support(metrics.select(one, found, chosen, images)[0], classes).tolist() for one in (truth, mixed)
    ]
    assert counts[0] == counts[1]
    # Equal scores are taken in their order, so all of them have to differ for the same detections to be right.
    distinct = replace(found, score=np.random.default_rng(1).permutation(len(found.score)) / len(found.score))
    first, second = (metrics.coco(one, distinct, images, classes).overall for one in (truth, mixed))
    assert first == pytest.approx(second, nan_ok=True)


def test_suspects_from_rows() -> None:
    told = metrics.suspects_of_rows(columns(*hand([(0, 0, ONE)], []), 1), 1)
    assert [(suspect.kind, suspect.image) for suspect in told] == [("nothing found", 0)]


def test_catalog_knows_the_metrics() -> None:
    assert catalog.metrics()["detection"] == metrics.METRICS
    assert metrics.HEADLINE in metrics.METRICS
    assert "boxes" not in catalog.metrics()


def test_loads_neither_torch_nor_hotcoco() -> None:
    """A report that has no need of them starts fast."""
    program = (
        "import sys, vyvod.metrics.detection; print([name for name in ('torch', 'hotcoco') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
