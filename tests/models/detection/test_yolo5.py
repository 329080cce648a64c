import math

import pytest
import torch
from tests.models.classification.counting import parameters
from tests.models.detection.golden import GOLDEN, compare, fill, images
from torch import nn

from vyvod.models.detection.yolo5 import SCALES, Options, Yolo5, build, fit_input
from vyvod.types import InputSpec

SPEC = InputSpec(3, 64, 64)
COUNTS = {
    "n": (1_872_157, 1_790_977, 349),
    "s": (7_235_389, 7_073_569, 349),
    "m": (21_190_557, 20_948_097, 481),
    "l": (46_563_709, 46_240_609, 613),
    "x": (86_749_405, 86_345_665, 745),
}


def weightless(size: str = "n", classes: int = 80) -> Yolo5:
    with torch.device("meta"):
        return build(Options(size=size), SPEC, classes)


@pytest.fixture(scope="module")
def filled() -> Yolo5:
    model = build(Options(), SPEC, 80)
    kinds = {"running_mean": "rolling_mean", "running_var": "rolling_variance", "bias": "biases"}
    for name, target in model.state_dict().items():
        last = name.rpartition(".")[2]
        if last != "num_batches_tracked" and last != "anchors":
            kind = kinds.get(last, "weights" if target.ndim > 1 else "scales")
            fill(target, name, kind, GOLDEN["yolov5n"]["gain"])
    return model.eval()


@pytest.mark.parametrize("size", COUNTS)
def test_parameters_and_tensors_are_those_of_the_published_network(size: str) -> None:
    for_coco, for_voc, tensors = COUNTS[size]
    assert parameters("yolo5", 80, size=size) == for_coco
    assert parameters("yolo5", 20, size=size) == for_voc
    assert len(weightless(size).state_dict()) == tensors


def test_tensors_have_the_published_names() -> None:
    state = weightless().state_dict()
    assert next(iter(state)) == "model.0.conv.weight"
    assert state["model.0.conv.weight"].shape == (16, 3, 6, 6)
    for name in (
        "model.2.cv1.conv.weight",
        "model.4.m.1.cv2.bn.running_var",
        "model.9.cv2.bn.num_batches_tracked",
        "model.24.m.2.bias",
        "model.24.anchors",
    ):
        assert name in state
    assert {name.split(".")[1] for name in state} == {
        str(place) for place in range(25) if place not in (11, 12, 15, 16, 19, 22)
    }
    assert "model.13.m.0.cv1.conv.weight" in state


def test_anchors_are_stored_in_cells() -> None:
    model = build(Options(), SPEC, 2)
    assert model.state_dict()["model.24.anchors"][0, 0].tolist() == [1.25, 1.625]
    assert model.anchors_in_pixels().tolist() == [[list(size) for size in scale.anchors] for scale in SCALES]
    assert model.strides == (8, 16, 32)


def test_every_head_equals_the_golden_one(filled: Yolo5) -> None:
    with torch.no_grad():
        levels = filled.levels(images())
        decoded = filled.predict_batch(images())
    for level, expected in zip(levels, GOLDEN["yolov5n"]["heads"], strict=True):
        compare(level.raw, expected)
    compare(decoded, GOLDEN["yolov5n"]["decoded"])


def test_batch_norms_have_the_published_constants() -> None:
    norms = [module for module in weightless().modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.03)}


def test_shortcuts_are_in_the_backbone_only() -> None:
    model = weightless("s")
    assert [bool(model.model[place].m[0].shortcut) for place in (2, 4, 6, 8, 13, 17, 20, 23)] == [True] * 4 + [
        False
    ] * 4


def test_outputs_begin_as_if_eight_cells_held_an_object() -> None:
    torch.manual_seed(0)
    model = build(Options(), SPEC, 20)
    for output, stride in zip(model.detect.m, (8, 16, 32), strict=True):
        biases = output.bias.view(3, 25).detach()
        # The rest is torch's own beginning, within 1 / sqrt(inputs).
        reach = 1 / output.in_channels**0.5
        assert (biases[:, 4] - math.log(8 / (640 / stride) ** 2)).abs().max() <= reach
        assert (biases[:, 5:] - math.log(0.6 / 19.00001)).abs().max() <= reach
        assert biases[:, :4].abs().max() <= reach


@pytest.mark.parametrize(
    ("native", "expected"),
    [(None, (640, 640)), (InputSpec(1, 28, 28), (32, 32)), (InputSpec(3, 480, 641), (480, 672))],
)
def test_input(native: InputSpec | None, expected: tuple[int, int]) -> None:
    assert fit_input(Options(), native) == InputSpec(3, *expected)
