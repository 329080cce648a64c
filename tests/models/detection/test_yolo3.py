import pytest
import torch
from tests.models.classification.counting import parameters
from tests.models.detection.golden import GOLDEN, compare, fill_darknet, images
from torch import nn

from vyvod.models.detection.yolo3 import Options, build, fit_input, head
from vyvod.models.yolo.blocks import ConvNormAct, Output, set_batch_norm
from vyvod.models.yolo.detector import Yolo
from vyvod.types import InputSpec

SPEC = InputSpec(3, 64, 64)
TINY_LAYERS = [0, 2, 4, 6, 8, 10, 12, 13, 14, 15, 18, 21, 22]


def full_layers() -> list[int]:
    """Numbers of the convolutions in yolov3.cfg: each residual unit is two convolutions and a shortcut."""
    numbers, layer = [0], 1
    for units in (1, 2, 8, 8, 4):
        numbers.append(layer)
        layer += 1
        for _ in range(units):
            numbers += [layer, layer + 1]
            layer += 3
    return [*numbers, *range(75, 82), 84, *range(87, 94), 96, *range(99, 106)]


def weightless(size: str, classes: int = 80) -> Yolo:
    with torch.device("meta"):
        return build(Options(size=size), SPEC, classes)


@pytest.mark.parametrize(
    ("size", "for_coco", "for_voc", "buffers", "convolutions"),
    [
        ("full", 61_949_149, 61_626_049, 52_608, 75),
        ("tiny", 8_852_366, 8_713_766, 6_368, 13),
        ("spp", 62_998_749, 62_675_649, 53_632, 76),
    ],
)
def test_counts(size: str, for_coco: int, for_voc: int, buffers: int, convolutions: int) -> None:
    assert parameters("yolo3", 80, size=size) == for_coco
    assert parameters("yolo3", 20, size=size) == for_voc
    model = weightless(size)
    assert sum(tensor.numel() for name, tensor in model.named_buffers() if "running" in name) == buffers
    assert sum(isinstance(module, ConvNormAct | Output) for module in model.modules()) == convolutions


@pytest.mark.parametrize(
    ("size", "name", "layers"), [("tiny", "yolov3-tiny", TINY_LAYERS), ("full", "yolov3", full_layers())]
)
def test_every_head_equals_the_golden_one(size: str, name: str, layers: list[int]) -> None:
    model = fill_darknet(weightless(size).to_empty(device="cpu"), layers, GOLDEN[name]["gain"])
    with torch.no_grad():
        outputs = model.outputs(images())
    for output, expected in zip(outputs, GOLDEN[name]["heads"], strict=True):
        compare(output, expected)


@pytest.mark.parametrize(
    ("size", "parts", "expected"),
    [("full", ("backbone",), 162_482_580), ("tiny", ("backbone", "block32", "features32"), 30_973_396)],
)
def test_published_beginnings_end_where_a_part_does(size: str, parts: tuple[str, ...], expected: int) -> None:
    model = weightless(size)
    assert tuple(name for name, _ in model.named_children())[: len(parts)] == parts
    state = {name: tensor for name, tensor in model.state_dict().items() if name.split(".")[0] in parts}
    numbers = sum(tensor.numel() for name, tensor in state.items() if not name.endswith("num_batches_tracked"))
    assert 20 + 4 * numbers == expected


def test_constants_of_the_batch_norms_can_be_set() -> None:
    model = weightless("tiny")
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-5, 0.01)}
    set_batch_norm(model, eps=1e-6)  # as OpenCV computes
    assert {norm.eps for norm in norms} == {1e-6}


def test_the_last_pool_of_tiny_sees_no_zeros_outside() -> None:
    model = build(Options(size="tiny"), SPEC, 1)
    pool = nn.Sequential(*model.backbone.coarse[2:4])
    maps = -torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    assert pool(maps)[0, 0].tolist() == [[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]]


def test_beginning() -> None:
    torch.manual_seed(0)
    model = build(Options(size="tiny"), SPEC, 4)
    for module in model.modules():
        if isinstance(module, ConvNormAct) and module.conv.weight.numel() > 4000:
            inputs = module.conv.weight[0].numel()
            assert module.conv.weight.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.05)
    model.eval()
    decoded = model.predict_batch(torch.rand(1, 3, 64, 64))
    # Hardly an object anywhere, and boxes of about the sizes of the anchors.
    assert (decoded[..., 4] - 0.01).abs().max() < 0.01
    assert (decoded[0, :4, 2:4] / model.anchors[0, 0] - 1).abs().max() < 0.6


def test_levels_and_head() -> None:
    assert head(Options(size="full")) == ("output32", "output16", "output8")
    assert head(Options(size="tiny")) == ("output32", "output16")
    assert weightless("full").strides == (32, 16, 8)
    model = build(Options(size="tiny"), SPEC, 1)
    assert model.anchors[0].tolist() == [[81, 82], [135, 169], [344, 319]]
    assert model.anchors[1].tolist() == [[10, 14], [23, 27], [37, 58]]


def test_input() -> None:
    assert fit_input(Options(), None) == InputSpec(3, 416, 416)
    assert fit_input(Options(), InputSpec(1, 100, 96)) == InputSpec(3, 128, 96)
