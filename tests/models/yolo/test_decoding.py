import math

import pytest
import torch
from torch import Tensor

from vyvod.models.yolo.decoding import Coding, Level

ANCHORS = torch.tensor([[10.0, 20.0], [30.0, 5.0]])


def level(raw: Tensor, coding: Coding) -> Level:
    return Level(raw, ANCHORS, 8, coding)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        # Cell (2, 1) of stride 8, sigmoid(t) = 0.75 for x, 0.25 for y, t = log 2 for the width and 0 for the height.
        (Coding(), [(0.75 + 2) * 8, (0.25 + 1) * 8, 20, 20]),
        (Coding(1.2), [(0.75 * 1.2 - 0.1 + 2) * 8, (0.25 * 1.2 - 0.1 + 1) * 8, 20, 20]),
        (Coding(2, squared=True), [(1.5 - 0.5 + 2) * 8, (0.5 - 0.5 + 1) * 8, 10 * (4 / 3) ** 2, 20]),
    ],
    ids=["v3", "v4", "v5"],
)
def test_one_cell_by_hand(coding: Coding, expected: list[float]) -> None:
    raw = torch.zeros(1, 2, 3, 4, 6)
    raw[0, 0, 1, 2, :4] = torch.tensor([logit(0.75), logit(0.25), math.log(2), 0])
    boxes = level(raw, coding).all_boxes()
    assert boxes[0, 0, 1, 2].tolist() == pytest.approx(expected, rel=1e-5)
    # The other anchor, in the last cell, with zeros: the middle of the cell, or 0.5 cells, and its own size.
    assert boxes[0, 1, 2, 3].tolist() == pytest.approx([28, 20, 30, 5], rel=1e-5)


def test_whole_levels_and_single_cells_agree() -> None:
    raw = torch.randn(2, 2, 5, 3, 7, generator=torch.Generator().manual_seed(0))
    one = level(raw, Coding(1.1))
    picked = one.boxes(raw[1, 0, 4, 2], torch.tensor([2.0, 4.0]), ANCHORS[0])
    assert torch.allclose(one.all_boxes()[1, 0, 4, 2], picked)


def test_decoded_has_a_row_for_each_anchor_row_and_column() -> None:
    raw = torch.zeros(1, 2, 2, 3, 7)
    raw[0, 1, 0, 2, 4:] = torch.tensor([logit(0.9), logit(0.2), logit(0.3)])
    decoded = level(raw, Coding()).decoded()
    assert decoded.shape == (1, 12, 7)
    assert decoded[0, 6 + 2, 4:].tolist() == pytest.approx([0.9, 0.2, 0.3])
    assert decoded[0, 0, 4:].tolist() == [0.5, 0.5, 0.5]


def test_half_precision_is_decoded_in_single() -> None:
    decoded = level(torch.zeros(1, 2, 40, 40, 6, dtype=torch.bfloat16), Coding()).decoded()
    assert decoded.dtype == torch.float32
    assert decoded[0, -1, :2].tolist() == [39.5 * 8, 39.5 * 8]


def test_wild_numbers_stay_finite() -> None:
    assert level(torch.full((1, 2, 1, 1, 6), 1e4), Coding()).decoded().isfinite().all()
