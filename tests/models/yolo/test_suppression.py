import time
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torchvision.ops import batched_nms

from vyvod.models.yolo import suppression
from vyvod.models.yolo.boxes import to_corners
from vyvod.models.yolo.decoding import Coding, Level
from vyvod.models.yolo.suppression import Limits, detect, suppressed

ANCHORS = torch.tensor([[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]])
LIMITS = Limits(0.001, 0.6, 300)


def random_levels(*, images: int = 2, classes: int = 4, objectness: float = -3.0) -> list[Level]:
    generator = torch.Generator().manual_seed(0)
    levels = []
    for stride, side in ((8, 12), (16, 6)):
        raw = torch.randn(images, 3, side, side, 5 + classes, generator=generator) * 2
        raw[..., 4] += objectness
        levels.append(Level(raw, ANCHORS * stride / 8, stride, Coding(2.0, squared=True)))
    return levels


def plainly(levels: list[Level], image: int, limits: Limits) -> tuple[Tensor, Tensor, Tensor]:
    """Decode everything, then suppress everything."""
    rows = torch.cat([level.decoded()[image] for level in levels])
    scores = rows[:, 4:5] * rows[:, 5:]
    places, labels = (scores > limits.score).nonzero(as_tuple=True)
    boxes, values = to_corners(rows[places, :4]), scores[places, labels]
    kept = batched_nms(boxes, values, labels, limits.overlap)[: limits.detections]
    return boxes[kept], labels[kept] + 1, values[kept]


@pytest.mark.parametrize("limits", [LIMITS, Limits(0.3, 0.45, 7), Limits(0.0, 0.6, 300)])
def test_the_short_way_gives_what_the_long_way_gives(limits: Limits) -> None:
    levels = random_levels()
    for image, found in enumerate(detect(levels, limits)):
        boxes, labels, scores = plainly(levels, image, limits)
        assert len(scores) > 5
        assert torch.allclose(found["scores"], scores)
        assert torch.equal(found["labels"], labels)
        assert torch.allclose(found["boxes"], boxes, atol=1e-4)


def test_suppression_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 5], [50, 50, 60, 60]])
    scores = torch.tensor([[0.9, 0.0], [0.8, 0.7], [0.6, 0.0], [0.0, 0.5]])
    found = suppressed(boxes, scores, LIMITS)
    # The second box goes as class 1 (IoU 0.9), and stays as class 2, where it is the best; the third has an IoU of 0.5.
    assert found["labels"].tolist() == [1, 2, 1, 2]
    assert found["scores"].tolist() == pytest.approx([0.9, 0.7, 0.6, 0.5])
    assert found["boxes"][:, 3].tolist() == [10, 9, 5, 60]


def test_distant_centres_may_overlap_more() -> None:
    # IoU 2/3. Centres 2 apart, the box around both 12 x 10: (4 / 244) ** 0.6 = 0.0849, so 0.5818 is left.
    boxes = torch.tensor([[0.0, 0, 10, 10], [2, 0, 12, 10]])
    scores = torch.tensor([[0.9], [0.8]])

    def kept(overlap: float, *, distance: bool) -> int:
        return len(suppressed(boxes, scores, Limits(0.001, overlap, 300, distance=distance))["scores"])

    assert [kept(overlap, distance=False) for overlap in (0.57, 0.6, 0.7)] == [1, 1, 2]
    assert [kept(overlap, distance=True) for overlap in (0.57, 0.59, 0.7)] == [1, 2, 2]


def test_concentric_boxes_are_suppressed_by_distance_as_by_iou() -> None:
    generator = torch.Generator().manual_seed(0)
    half = torch.rand(200, 2, generator=generator) * 40 + 5
    boxes = torch.cat([50 - half, 50 + half], dim=1)
    scores = torch.rand(200, 3, generator=generator)
    plain, distant = (
        suppressed(boxes, scores, Limits(0.001, 0.6, 300, distance=distance)) for distance in (False, True)
    )
    assert 3 < len(plain["scores"]) < 300
    for name in ("labels", "scores", "boxes"):
        assert torch.equal(plain[name], distant[name]), name


def test_nothing_to_find() -> None:
    found = detect(random_levels(objectness=-100), LIMITS)
    assert [{name: tuple(tensor.shape) for name, tensor in one.items()} for one in found] == [
        {"boxes": (0, 4), "labels": (0,), "scores": (0,)}
    ] * 2
    assert found[0]["labels"].dtype == torch.int64


def test_numbers_that_are_none_are_no_detections() -> None:
    levels = random_levels()
    for level in levels:
        level.raw.fill_(float("nan"))
    assert [len(one["scores"]) for one in detect(levels, LIMITS)] == [0, 0]


def test_in_a_crowd_only_the_best_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression, "CELLS", 20)
    levels = random_levels(objectness=3.0)
    rows = torch.cat([level.decoded()[0] for level in levels])
    best = {tuple(box.tolist()) for box in to_corners(rows[rows[:, 4].topk(20).indices, :4]).round()}
    found = detect(levels, replace(LIMITS, candidates=30))[0]
    assert 0 < len(found["scores"]) <= 30
    assert {tuple(box.tolist()) for box in found["boxes"].round()} <= best


def test_an_untrained_network_takes_no_minutes() -> None:
    raw = torch.zeros(1, 3, 80, 80, 5 + 80) + torch.rand(1, 3, 80, 80, 85, generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    found = detect([Level(raw, ANCHORS, 8, Coding(2.0, squared=True))], LIMITS)
    assert len(found[0]["scores"]) == 300
    assert time.perf_counter() - start < 10
