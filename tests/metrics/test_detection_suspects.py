"""Suspicious labels: each kind by hand, what must not be doubted, and planted errors in real boxes."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.metrics.detections import hand, random_sets

from vyvod.metrics import detection as metrics
from vyvod.metrics.detection import Suspect

ONE, TWO, FAR = (0.0, 0.0, 100.0, 100.0), (200.0, 200.0, 300.0, 300.0), (500.0, 500.0, 600.0, 600.0)
SMALL = (700.0, 0.0, 710.0, 10.0)


def doubts(objects: list, detections: list, images: int = 1, classes: int = 3) -> list[Suspect]:
    truth, found = hand(objects, detections)
    return metrics.suspects(truth, found, metrics.matched(truth, found, images, classes), images)


def test_each_kind_and_the_order() -> None:
    told = doubts(
        [(0, 0, ONE), (0, 1, SMALL), (0, 1, TWO), (1, 2, TWO)],
        [(0, 2, 0.75, ONE), (1, 0, 0.875, FAR), (1, 2, 0.9, TWO)],
        images=2,
    )
    assert told == [
        Suspect(1, "missing label", None, 0, 0.875, FAR),
        Suspect(0, "wrong class", 0, 2, 0.75, ONE),
        Suspect(0, "nothing found", 1, None, None, TWO),
        Suspect(0, "nothing found", 1, None, None, SMALL),
    ]


@pytest.mark.parametrize(
    ("why", "objects", "detections"),
    [
        ("all right", [(0, 0, ONE)], [(0, 0, 0.9, ONE)]),
        ("not sure enough", [(0, 0, ONE)], [(0, 0, 0.9, ONE), (0, 0, 0.59, FAR), (0, 1, 0.59, ONE)]),
        ("its own class was found with a higher score", [(0, 0, ONE)], [(0, 0, 0.9, ONE), (0, 1, 0.8, ONE)]),
        ("a duplicate", [(0, 0, ONE)], [(0, 0, 0.9, ONE), (0, 0, 0.8, ONE)]),
        ("touches an object", [(0, 0, ONE)], [(0, 0, 0.9, ONE), (0, 1, 0.9, (0, 70, 100, 170))]),
        ("on a crowd of another class", [(0, 1, ONE, True)], [(0, 0, 0.9, (10, 10, 30, 30))]),
        ("a crowd that nobody finds", [(0, 1, ONE, True)], []),
        ("a weak detection of another class touches it", [(0, 0, ONE)], [(0, 2, 0.01, (0, 70, 100, 170))]),
        ("nothing at all", [], []),
    ],
)
def test_not_doubted(why: str, objects: list, detections: list) -> None:
    assert doubts(objects, detections) == [], why


def test_one_suspect_for_each_place() -> None:
    near = (502.0, 500.0, 602.0, 600.0)
    told = doubts([(0, 0, ONE)], [(0, 1, 0.9, ONE), (0, 2, 0.8, ONE), (0, 1, 0.7, near), (0, 2, 0.95, FAR)])
    assert told == [
        Suspect(0, "missing label", None, 2, pytest.approx(0.95), FAR),
        Suspect(0, "wrong class", 0, 1, pytest.approx(0.9), ONE),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_order_of_rows_does_not_matter(seed: int) -> None:
    truth, found, images, classes = random_sets(seed)
    random = np.random.default_rng(seed)
    # Different scores: the order of equal ones is the order of the rows.
    score = random.permutation(len(found.score)).astype(np.float32) / max(1, len(found.score))
    rows, places = random.permutation(len(truth.label)), random.permutation(len(score))
    found = metrics.Found(found.image, found.label, score, found.box)
    shuffled = (
        metrics.Truth(*(column[rows] for column in (truth.image, truth.label, truth.box, truth.area, truth.crowd))),
        metrics.Found(*(column[places] for column in (found.image, found.label, found.score, found.box))),
    )
    first, second = (
        metrics.suspects(*pair, metrics.matched(*pair, images, classes), images) for pair in ((truth, found), shuffled)
    )
    assert first
    assert first == second


def test_planted_errors(shared_data: Path) -> None:
    """Real blood cells as a perfect network would find them; three labels are spoilt, and exactly these are doubted."""
    names = ["RBC", "WBC", "Platelets"]
    rows = []
    for image, path in enumerate(sorted((shared_data / "bccd").rglob("*.xml"))[:40]):
        for item in ElementTree.parse(path).iter("object"):  # noqa: S314 (our own files)
            box = tuple(float(item.findtext(f"bndbox/{side}") or "") for side in ("xmin", "ymin", "xmax", "ymax"))
            if box[2] > box[0] and box[3] > box[1]:
                rows.append((image, names.index(item.findtext("name") or ""), box))
    boxes = np.array([row[2] for row in rows])
    alone = [place for place in range(len(rows)) if lonely(place, boxes, np.array([row[0] for row in rows]))]
    lost, taken, invented = alone[0], alone[1], alone[2]
    detections = [(image, label, 0.9, box) for place, (image, label, box) in enumerate(rows) if place != invented]
    spoilt = list(rows)
    spoilt[taken] = (rows[taken][0], (rows[taken][1] + 1) % 3, rows[taken][2])
    del spoilt[lost]
    told = doubts(spoilt, detections, images=40)
    assert {(one.kind, one.image, one.box) for one in told} == {
        ("missing label", rows[lost][0], rows[lost][2]),
        ("wrong class", rows[taken][0], rows[taken][2]),
        ("nothing found", rows[invented][0], rows[invented][2]),
    }
    assert len(told) == 3


def lonely(place: int, boxes: np.ndarray, images: np.ndarray) -> bool:
    """No other box of the image comes near."""
    others = boxes[(images == images[place]) & (np.arange(len(boxes)) != place)]
    apart = (others[:, :2] >= boxes[place, 2:]).any(axis=1) | (others[:, 2:] <= boxes[place, :2]).any(axis=1)
    return bool(apart.all())
