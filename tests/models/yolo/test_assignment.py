import pytest
import torch
from torch import Tensor

from vyvod.models.yolo.assignment import (
    Assignment,
    Objects,
    best_anchors,
    best_overlap,
    by_ratio,
    collect,
    in_own_cell,
)
from vyvod.models.yolo.decoding import Coding, Level
from vyvod.models.yolo.padding import Frame


def level(*, anchors: list[list[float]], stride: int = 10, side: int = 4, images: int = 1, classes: int = 2) -> Level:
    raw = torch.zeros(images, len(anchors), side, side, 5 + classes)
    return Level(raw, torch.tensor(anchors), stride, Coding(2.0, squared=True))


def objects(*boxes: list[float], labels: list[int] | None = None, images: list[int] | None = None) -> Objects:
    image = torch.tensor(images or [0] * len(boxes), dtype=torch.long)
    label = torch.tensor(labels or [0] * len(boxes), dtype=torch.long)
    counts = tuple(torch.bincount(image, minlength=int(image.max()) + 1 if len(image) else 1).tolist())
    return Objects(image, label, torch.tensor(boxes, dtype=torch.float32).view(-1, 4), counts)


def slots(pairs: Assignment) -> list[tuple[int, int, int, int]]:
    """Object, anchor, row, column of the pairs that hold."""
    columns = (pairs.object, pairs.anchor, pairs.row, pairs.column)
    return list(zip(*(column[pairs.holds].tolist() for column in columns), strict=True))


def test_objects_are_collected_in_pixels_of_the_padded_input() -> None:
    targets = [
        {"boxes": torch.tensor([[0.0, 0, 10, 20]]), "labels": torch.tensor([3])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)},
        {"boxes": torch.tensor([[1.0, 2, 3, 4], [5, 5, 5, 6]]), "labels": torch.tensor([1, 2])},
    ]
    found = collect(targets, [Frame(2, 5, 30, 30), Frame(0, 0, 32, 32), Frame(0, 1, 30, 32)], torch.device("cpu"))
    assert found.counts == (1, 0, 2)
    assert found.image.tolist() == [0, 2, 2]
    assert found.label.tolist() == [2, 0, 1]
    assert found.boxes[:, :2].tolist() == [[7, 15], [2, 4], [5, 6.5]]
    assert found.sizes[:2].tolist() == [[10, 20], [2, 2]]
    assert found.sizes[2].tolist() == pytest.approx([0.001, 1])  # no width: its logarithm stays finite


@pytest.mark.parametrize(
    ("centre", "cells"),
    [
        # Rows and columns of cells of 10 pixels in a map of 4 x 4.
        ((12.0, 27.0), {(2, 1), (2, 0), (3, 1)}),  # left of and below the middle of its cell
        ((28.0, 13.0), {(1, 2), (1, 3), (0, 2)}),  # right of and above it
        ((3.0, 38.0), {(3, 0)}),  # there is nothing further left or below
        ((40.0, 40.0), {(3, 3)}),  # on the corner of the image: its last cell
        ((0.0, 0.0), {(0, 0)}),
        ((5.0, 5.0), {(0, 0)}),  # in the middle of its cell
    ],
)
def test_v5_cells_by_hand(centre: tuple[float, float], cells: set[tuple[int, int]]) -> None:
    pairs = by_ratio(level(anchors=[[10, 10]]), objects([*centre, 10, 10]), largest=4)
    assert {slot[2:] for slot in slots(pairs)} == cells


@pytest.mark.parametrize(
    ("size", "anchors"),
    [((10, 10), {0, 1}), ((39, 39), {0, 1}), ((41, 10), {1}), ((100, 100), set()), ((2.6, 10), {0})],
)
def test_v5_anchors_by_hand(size: tuple[float, float], anchors: set[int]) -> None:
    pairs = by_ratio(level(anchors=[[10, 10], [20, 15]]), objects([15, 15, *size]), largest=4)
    assert {slot[1] for slot in slots(pairs)} == anchors


def test_v5_order_of_pairs_is_that_in_which_the_last_wins() -> None:
    # The first object's right neighbour is the second's own cell.
    pairs = by_ratio(level(anchors=[[10, 10]]), objects([18, 15, 10, 10], [25, 15, 10, 10]), largest=4)
    shared = pairs.holds & (pairs.row == 1) & (pairs.column == 2)
    assert pairs.object[shared].tolist() == [1, 0]
    assert pairs.object[shared & pairs.last()].tolist() == [0]
    values = torch.arange(len(pairs.holds)).float() + 1
    put = pairs.spread(values, pairs.last())
    assert put[0, 0, 1, 2] == values[shared][1]
    assert (put > 0).sum() == 2


def two_levels() -> list[Level]:
    return [level(anchors=[[10, 10], [20, 20]]), level(anchors=[[40, 40], [80, 40]], stride=20, side=2)]


def test_the_best_anchor_of_all_levels() -> None:
    chosen = best_anchors(two_levels(), objects([15, 15, 9, 9], [15, 15, 70, 40], [15, 15, 24, 20]))
    assert chosen[0].tolist() == [[True, False, False], [False, False, True]]
    assert chosen[1].tolist() == [[False, False, False], [False, True, False]]


def test_other_anchors_above_a_threshold() -> None:
    # 24 x 20 = 480: IoU 100 / 480 with the first, 400 / 480 with the second, 480 / 1600 with the third, 480 / 3200 with the last.
    chosen = best_anchors(two_levels(), objects([15, 15, 24, 20]), above=0.213)
    assert [one[:, 0].tolist() for one in chosen] == [[False, True], [True, False]]


def test_an_anchor_of_two_levels_answers_in_both() -> None:
    levels = [level(anchors=[[10, 10], [20, 20]]), level(anchors=[[20, 20], [80, 40]], stride=20, side=2)]
    chosen = best_anchors(levels, objects([15, 15, 21, 21]))
    assert [one[:, 0].tolist() for one in chosen] == [[False, True], [True, False]]


def test_of_equally_good_anchors_the_first_answers() -> None:
    chosen = best_anchors([level(anchors=[[10, 20], [20, 10]])], objects([15, 15, 15, 15]))
    assert chosen[0].tolist() == [[True], [False]]


def test_own_cell_also_at_the_border() -> None:
    one = level(anchors=[[10, 10]])
    pairs = in_own_cell(
        one, objects([39.9, 0, 3, 3], [40, 40, 3, 3], [12, 27, 3, 3]), torch.ones(1, 3, dtype=torch.bool)
    )
    assert slots(pairs) == [(0, 0, 0, 3), (1, 0, 3, 3), (2, 0, 2, 1)]


def test_objects_that_share_a_slot() -> None:
    one, three = level(anchors=[[10, 10], [20, 20]], images=2, classes=3), [[15.0, 15, 9, 9]] * 3
    boxes = objects(*three, labels=[0, 2, 1], images=[0, 0, 1])
    chosen = torch.tensor([[True, True, True], [False, False, True]])
    pairs = in_own_cell(one, boxes, chosen)
    assert pairs.holds.tolist() == [True, True, True, False, False, True]
    assert pairs.last().tolist() == [False, True, True, False, False, True]
    assert pairs.sharers()[pairs.holds].tolist() == [2, 2, 1, 1]
    classes = pairs.classes(boxes, 3)[pairs.last()]
    assert classes.tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("crowd", [1, 40])
def test_best_overlap_looks_at_the_own_image_only(crowd: int) -> None:
    # Zeros: boxes of the anchors' size in the middle of each cell.
    one = level(anchors=[[10, 10]], images=3)
    far = [[300.0, 300, 5, 5]] * (crowd - 1)
    boxes = objects(*far, [15, 15, 10, 10], [25, 35, 10, 5], images=[0] * crowd + [2])
    overlaps = best_overlap(one, boxes)
    assert overlaps.shape == (3, 1, 4, 4)
    assert overlaps[0, 0].nonzero().tolist() == [[1, 1]]
    assert overlaps[0, 0, 1, 1].item() == pytest.approx(1)
    assert not overlaps[1].any()
    assert overlaps[2, 0, 3, 2].item() == pytest.approx(0.5)


def nothing() -> Objects:
    return Objects(torch.zeros(0).long(), torch.zeros(0).long(), torch.zeros(0, 4), (0, 0))


def test_without_objects_nothing_is_assigned() -> None:
    one = level(anchors=[[10, 10], [20, 20]], images=2)
    for pairs in (by_ratio(one, nothing(), largest=4), in_own_cell(one, nothing(), best_anchors([one], nothing())[0])):
        assert not pairs.last().any()
        assert not pairs.spread(pairs.holds.float(), pairs.last()).any()
    assert not best_overlap(one, nothing()).any()


def reference_matches(one: Level, boxes: Tensor) -> set[tuple[int, int, int, int]]:
    """The rule of v5 in loops."""
    found = set()
    _, anchors, height, width = one.shape
    for place, (x, y, w, h) in enumerate(boxes.tolist()):
        for anchor in range(anchors):
            aw, ah = one.anchors[anchor].tolist()
            if max(w / aw, aw / w, h / ah, ah / h) >= 4:
                continue
            gx, gy = x / one.stride, y / one.stride
            cells = [(int(gy), int(gx))]
            cells += [(int(gy), int(gx) - 1)] if gx % 1 < 0.5 and gx > 1 else []
            cells += [(int(gy) - 1, int(gx))] if gy % 1 < 0.5 and gy > 1 else []
            cells += [(int(gy), int(gx) + 1)] if gx % 1 > 0.5 and width - gx > 1 else []
            cells += [(int(gy) + 1, int(gx))] if gy % 1 > 0.5 and height - gy > 1 else []
            found |= {(place, anchor, *cell) for cell in cells}
    return found


def test_v5_equals_the_rule_in_loops() -> None:
    draws = torch.rand(60, 4, generator=torch.Generator().manual_seed(1))
    boxes = torch.cat([draws[:, :2] * 79 + 0.3, draws[:, 2:] * 60 + 1], dim=1)
    one = level(anchors=[[10, 10], [30, 12], [50, 70]], side=8)
    pairs = by_ratio(one, objects(*boxes.tolist()), largest=4)
    assert len(slots(pairs)) > 100
    assert set(slots(pairs)) == reference_matches(one, boxes)
