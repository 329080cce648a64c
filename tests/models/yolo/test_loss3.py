import math

import pytest
import torch
from tests.models.yolo.darknet_losses import V3, golden_levels, golden_objects, golden_raw, gradient, nothing

from vyvod.models.yolo.assignment import Objects
from vyvod.models.yolo.decoding import Coding, Level
from vyvod.models.yolo.loss3 import Yolo3Loss
from vyvod.models.yolo.terms import Gains

GAINS = Gains(box=1.0, objectness=1.0, classes=1.0)
LOSS = Yolo3Loss(GAINS, ignore=V3["ignore_thresh"])


def test_gradients_are_darknets() -> None:
    raw = golden_raw()
    parts = LOSS(golden_levels(raw), golden_objects())
    delta = -gradient(sum(parts.values()), raw)
    assert delta.abs().sum((0, 1, 2, 3)).tolist() == pytest.approx(V3["delta_abs_sum_per_channel"], abs=1e-5)
    for anchor, row, column, *expected in V3["nonzero_box"]:
        assert delta[0, anchor, row, column, :4].tolist() == pytest.approx(expected, abs=1e-5)
    assert int((delta[..., :4] != 0).any(-1).sum()) == len(V3["nonzero_box"])
    assert int((delta[..., 4] == 0).sum()) == V3["zero_obj"]


def one_cell(**logits: float) -> Level:
    values = torch.zeros(1, 1, 1, 1, 7)
    for place, name in enumerate(("x", "y", "w", "h", "objectness", "first", "second")):
        values[..., place] = logits.get(name, 0.0)
    return Level(values, torch.tensor([[10.0, 10.0]]), 40, Coding())


def test_one_cell_by_hand() -> None:
    # A box of 20 x 10 in an image of 40 x 40, centre at 3/4 and 1/2: k = 2 - 200 / 1600.
    objects = Objects(torch.tensor([0]), torch.tensor([1]), torch.tensor([[30.0, 20, 20, 10]]), (1,))
    parts = Yolo3Loss(GAINS)([one_cell(h=0.5)], objects)
    weight = 2 - 200 / 1600
    expected = weight * (2 * math.log(2) + (math.log(2) ** 2 + 0.5**2) / 2)
    assert parts["box"].item() == pytest.approx(expected, rel=1e-5)
    assert parts["objectness"].item() == pytest.approx(math.log(2), rel=1e-5)
    assert parts["class"].item() == pytest.approx(2 * math.log(2), rel=1e-5)


def test_gains_weigh_the_parts() -> None:
    raw = golden_raw()
    plain = LOSS(golden_levels(raw), golden_objects())
    weighed = Yolo3Loss(Gains(2.0, 3.0, 0.5), LOSS.ignore)(golden_levels(raw), golden_objects())
    for name, gain in (("box", 2), ("objectness", 3), ("class", 0.5)):
        assert weighed[name].item() == pytest.approx(gain * plain[name].item(), rel=1e-5)


def test_what_is_ignored_depends_on_the_threshold() -> None:
    raw = golden_raw()
    levels, objects = golden_levels(raw), golden_objects()
    sums = [Yolo3Loss(GAINS, ignore)(levels, objects)["objectness"].item() for ignore in (0.25, 1.0)]
    assert sums[0] < sums[1]


def test_without_objects_only_the_objectness_is_left() -> None:
    raw = golden_raw()
    parts = LOSS(golden_levels(raw), nothing())
    assert parts["box"].item() == parts["class"].item() == 0
    softplus = torch.nn.functional.softplus(raw[..., 4]).sum().item()
    assert parts["objectness"].item() == pytest.approx(softplus + 192 * math.log(2), rel=1e-5)


def test_losses_are_means_over_images() -> None:
    raw, objects = golden_raw().detach(), golden_objects()
    once = LOSS(golden_levels(raw), objects)
    more = Objects(objects.image, objects.label, objects.boxes, (4, 0))
    both = LOSS(golden_levels(torch.cat([raw, raw])), more)
    empty = LOSS(golden_levels(raw), nothing())
    for name in once:
        assert both[name].item() == pytest.approx((once[name] + empty[name]).item() / 2, rel=1e-5)


def test_single_precision_inside_of_autocast() -> None:
    raw = golden_raw().detach().bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = LOSS(golden_levels(raw), golden_objects())
    outside = LOSS(golden_levels(raw.float()), golden_objects())
    for name, value in inside.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(outside[name].item(), rel=1e-6)
