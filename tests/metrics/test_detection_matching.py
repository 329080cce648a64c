"""Matches against pycocotools' own, the table of confusions by hand and by its sums, counts of images."""

import math

import numpy as np
import pytest
from tests.metrics.detections import Sets, hand, random_sets, reference

from vyvod.metrics import detection as metrics

ONE, TWO, FAR = (0, 0, 100, 100), (200, 200, 300, 300), (500, 500, 600, 600)
CROWD = (400, 0, 600, 200)


def theirs(sets: Sets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Verdicts, partners and found objects from ``evalImgs``, at IoU 0.5, with room for all detections."""
    truth, found, _, _ = sets
    right, partner = np.full(len(found.score), 9), np.full(len(found.score), -1)
    taken = np.zeros(len(truth.label), dtype=bool)
    evaluation = reference(*sets, cut=10**6)
    for cell in evaluation.evalImgs:
        if cell is None or cell["aRng"] != [0, 1e10]:
            continue
        rows = np.array(cell["dtIds"], dtype=int) - 1
        matches, ignored = cell["dtMatches"][0].astype(int), cell["dtIgnore"][0].astype(bool)
        right[rows] = np.where(ignored, -1, matches > 0)
        partner[rows] = np.where(ignored, -1, matches - 1)
        counted = (cell["gtMatches"][0] > 0) & (np.array(cell["gtIgnore"]) == 0)
        taken[np.array(cell["gtIds"], dtype=int)[counted] - 1] = True
    return right, partner, taken


@pytest.mark.parametrize("seed", range(30))
def test_matches_of_pycocotools(seed: int) -> None:
    sets = random_sets(seed)
    matching = metrics.match(*sets)
    right, partner, taken = theirs(sets)
    assert matching.right.tolist() == right.tolist()
    assert matching.partner.tolist() == partner.tolist()
    assert metrics.matched(*sets).tolist() == right.tolist()
    assert metrics.found_objects(*sets).tolist() == taken.tolist()


def test_beyond_a_hundred_detections() -> None:
    sets = random_sets(22, images=3, classes=1, detections=900)
    assert np.bincount(sets[1].image).max() > 100
    assert metrics.matched(*sets).tolist() == theirs(sets)[0].tolist()


def test_matches_by_hand() -> None:
    truth, found = hand(
        [(0, 0, ONE), (0, 0, CROWD, True), (1, 1, TWO)],
        [
            (0, 0, 0.9, (0, 0, 100, 60)),  # IoU 0.6: right
            (0, 0, 0.8, ONE),  # better, but too late
            (0, 0, 0.7, (410, 10, 450, 50)),  # on the crowd
            (0, 0, 0.6, (450, 10, 490, 50)),  # as well: a crowd takes any number
            (0, 1, 0.5, (450, 10, 490, 50)),  # of another class: wrong
            (1, 1, 0.9, (200, 200, 300, 249)),  # IoU 0.49
        ],
    )
    matching = metrics.match(truth, found, 2, 2)
    assert matching.right.tolist() == [1, 0, -1, -1, 0, 0]
    assert matching.right.dtype == np.int8
    assert matching.partner.tolist() == [0, -1, -1, -1, -1, -1]
    assert metrics.found_objects(truth, found, 2, 2).tolist() == [True, False, False]
    assert metrics.found_objects(truth, found, 2, 2, 0.45).tolist() == [True, False, True]
    assert metrics.found_objects(truth, found, 2, 2, confidence=0.95).tolist() == [False] * 3


@pytest.mark.parametrize("seed", range(10))
def test_matching_at_a_confidence_is_a_part_of_the_whole(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    kept = found.confident(0.5)
    strong = metrics.Found(found.image[kept], found.label[kept], found.score[kept], found.box[kept])
    alone = metrics.match(truth, strong, images, classes)
    whole = metrics.match(truth, found, images, classes)
    assert alone.right.tolist() == whole.right[kept].tolist()
    assert alone.partner.tolist() == whole.partner[kept].tolist()


def test_nothing_to_match() -> None:
    for objects, detections in (([], []), ([(0, 0, ONE)], []), ([], [(0, 0, 0.5, ONE)])):
        truth, found = hand(objects, detections)
        matching = metrics.match(truth, found, 1, 1)
        assert matching.right.tolist() == [0] * len(detections)
        assert matching.found_objects(len(objects)).tolist() == [False] * len(objects)
        counts = metrics.image_counts(truth, found, matching, 1, 1, confidence=0.25)
        assert counts.false_positives.sum() == len(detections)
        assert counts.false_negatives.sum() == len(objects)
        assert np.array_equal(counts.f1(), [0.0 if objects or detections else math.nan], equal_nan=True)


def test_confusion_by_hand() -> None:
    truth, found = hand(
        [(0, 0, ONE), (0, 1, TWO), (0, 1, CROWD, True), (1, 2, ONE), (1, 0, TWO)],
        [
            (0, 1, 0.9, ONE),  # surest on the first object, of another class: the object is found all the same
            (0, 0, 0.8, ONE),
            (0, 2, 0.7, TWO),  # takes the second object for a 2
            (0, 1, 0.6, (410, 10, 450, 50)),  # on the crowd
            (0, 0, 0.5, FAR),
            (1, 2, 0.2, ONE),  # too weak: missed
        ],
    )
    matching = metrics.match(truth, found, 2, 3)
    table = metrics.confusion(truth, found, matching, 2, 3, confidence=0.25)
    assert table.tolist() == [
        [1, 0, 0, 1],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [1, 1, 0, 0],
    ]
    assert table.dtype == np.int64


@pytest.mark.parametrize("seed", range(20))
def test_sums_of_confusion(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    matching = metrics.match(truth, found, images, classes)
    for confidence in (0.0, 0.25, 0.7):
        table = metrics.confusion(truth, found, matching, images, classes, confidence=confidence)
        counts = metrics.image_counts(truth, found, matching, images, classes, confidence=confidence)
        right = counts.true_positives.sum(axis=0)
        assert np.diagonal(table).tolist() == [*right, 0]
        assert table[:-1].sum(axis=1).tolist() == metrics.support(truth, classes).tolist()
        assert table[:, :-1].sum(axis=0).tolist() == (right + counts.false_positives.sum(axis=0)).tolist()
        assert (right + counts.false_negatives.sum(axis=0)).tolist() == metrics.support(truth, classes).tolist()


def test_counts_of_images_by_hand() -> None:
    truth, found = hand(
        [(0, 0, ONE), (0, 1, TWO), (2, 0, CROWD, True)],
        [(0, 0, 0.9, ONE), (0, 0, 0.8, ONE), (0, 1, 0.1, TWO), (2, 0, 0.9, (410, 10, 450, 50)), (3, 1, 0.25, ONE)],
    )
    matching = metrics.match(truth, found, 4, 2)
    counts = metrics.image_counts(truth, found, matching, 4, 2, confidence=0.25)
    assert counts.true_positives.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    assert counts.false_positives.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert counts.false_negatives.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    assert np.array_equal(counts.f1(), [0.5, math.nan, math.nan, 0.0], equal_nan=True)
