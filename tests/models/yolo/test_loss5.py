import pytest
import torch
from tests.models.detection.golden import GOLDEN, numbers, tensor
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import complete_box_iou_loss

from vyvod.models.detection.yolo5 import SCALES
from vyvod.models.yolo.assignment import Objects, by_ratio
from vyvod.models.yolo.boxes import to_corners
from vyvod.models.yolo.decoding import Level
from vyvod.models.yolo.loss5 import Yolo5Loss
from vyvod.models.yolo.terms import Gains

LOSS = Yolo5Loss(Gains(box=0.05, objectness=1.0, classes=0.5))
EXPECTED = GOLDEN["yolov5_loss"]


def levels_from(raws: list[Tensor]) -> list[Level]:
    return [
        Level(raw, torch.tensor(scale.anchors, dtype=torch.float32), scale.stride, scale.coding)
        for raw, scale in zip(raws, SCALES, strict=True)
    ]


def golden_raws() -> list[Tensor]:
    shapes = [(2, 3, side, side, 10) for side in (32, 16, 8)]
    return [
        tensor((numbers(f"p{place}", 2 * 3 * shape[2] ** 2 * 10) - 0.5) * 4, *shape).requires_grad_()
        for place, shape in enumerate(shapes)
    ]


def golden_objects() -> Objects:
    rows = torch.tensor(EXPECTED["targets"])
    return Objects(rows[:, 0].long(), rows[:, 1].long(), rows[:, 2:] * EXPECTED["img"], (2, 3))


def nothing(images: int = 2) -> Objects:
    return Objects(torch.zeros(0).long(), torch.zeros(0).long(), torch.zeros(0, 4), (0,) * images)


def test_golden_values() -> None:
    raws = golden_raws()
    parts = LOSS(levels_from(raws), golden_objects())
    values = [parts[name].item() for name in ("box", "objectness", "class")]
    assert values == pytest.approx(EXPECTED["items"], abs=1e-6)
    total = sum(parts.values())
    assert total.item() * EXPECTED["batch"] == pytest.approx(EXPECTED["loss"], abs=2e-6)
    (total * EXPECTED["batch"]).backward()
    sums = [raw.grad.abs().sum().item() for raw in raws]
    assert sums == pytest.approx(EXPECTED["grad_abs_sum"], rel=1e-5)


def test_golden_positives() -> None:
    levels = levels_from(golden_raws())
    counts = [int(by_ratio(level, golden_objects(), largest=4).holds.sum()) for level in levels]
    assert counts == EXPECTED["positives"]


def test_boxes_are_a_mean_of_torchvisions_loss() -> None:
    raws = golden_raws()
    (fine, *_), objects = levels_from(raws), golden_objects()
    pairs = by_ratio(fine, objects, largest=4)
    chosen = fine.all_boxes()[pairs.image, pairs.anchor, pairs.row, pairs.column][pairs.holds]
    truths = objects.boxes[pairs.object][pairs.holds]
    theirs = complete_box_iou_loss(to_corners(chosen), to_corners(truths), reduction="mean")
    far = [torch.full_like(raw, -20.0) for raw in raws[1:]]
    coarse_anchors = [
        Level(level.raw, level.anchors * 1000, level.stride, level.coding) for level in levels_from([raws[0], *far])
    ]
    parts = LOSS([fine, *coarse_anchors[1:]], objects)
    assert parts["box"].item() == pytest.approx(0.05 * theirs.item(), abs=1e-6)


def test_without_objects_only_the_objectness_is_left() -> None:
    raws = golden_raws()
    parts = LOSS(levels_from(raws), nothing())
    assert parts["box"].item() == parts["class"].item() == 0
    expected = sum(
        balance * binary_cross_entropy_with_logits(raw[..., 4], torch.zeros_like(raw[..., 4]))
        for raw, balance in zip(raws, (4, 1, 0.4), strict=True)
    )
    assert parts["objectness"].item() == pytest.approx(expected.item() * (256 / 640) ** 2, rel=1e-5)
    sum(parts.values()).backward()
    assert all(raw.grad.isfinite().all() for raw in raws)


def test_with_one_class_there_is_nothing_to_tell_apart() -> None:
    raws = [raw[..., :6].detach().requires_grad_() for raw in golden_raws()]
    objects = golden_objects()
    one = Objects(objects.image, torch.zeros_like(objects.label), objects.boxes, objects.counts)
    parts = LOSS(levels_from(raws), one)
    assert parts["class"].item() == 0
    sum(parts.values()).backward()
    assert not raws[0].grad[..., 5].any()


def test_the_mean_does_not_grow_with_the_batch() -> None:
    raws, objects = [raw.detach() for raw in golden_raws()], golden_objects()
    twice = Objects(
        torch.cat([objects.image, objects.image + 2]),
        objects.label.repeat(2),
        objects.boxes.repeat(2, 1),
        objects.counts * 2,
    )
    once = LOSS(levels_from(raws), objects)
    again = LOSS(levels_from([torch.cat([raw, raw]) for raw in raws]), twice)
    for name, value in once.items():
        assert again[name].item() == pytest.approx(value.item(), rel=1e-5), name


def test_single_precision_inside_of_autocast() -> None:
    raws = [raw.detach().bfloat16().requires_grad_() for raw in golden_raws()]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = LOSS(levels_from(raws), golden_objects())
    outside = LOSS(levels_from([raw.detach().float() for raw in raws]), golden_objects())
    for name, value in inside.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(outside[name].item(), rel=1e-6)


def test_an_empty_batch_has_no_loss() -> None:
    raws = [torch.zeros(0, 3, side, side, 7, requires_grad=True) for side in (8, 4, 2)]
    assert [part.item() for part in LOSS(levels_from(raws), nothing(0)).values()] == [0, 0, 0]
