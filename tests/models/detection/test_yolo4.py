import pytest
import torch
from tests.models.classification.counting import parameters
from tests.models.detection.golden import GOLDEN, compare, fill_darknet, images
from torch import nn

from vyvod.models.detection.yolo4 import Options, build, fit_input, head
from vyvod.models.yolo.blocks import ConvNormAct, Output
from vyvod.models.yolo.detector import Yolo
from vyvod.types import InputSpec

SPEC = InputSpec(3, 64, 64)


def layers() -> list[int]:
    """Numbers of the convolutions in yolov4.cfg; the others are routes, shortcuts, pools and outputs."""
    numbers, layer = [0], 1
    for units in (1, 2, 8, 8, 4):
        numbers += [layer, layer + 1, layer + 3]
        layer += 4
        for _ in range(units):
            numbers += [layer, layer + 1]
            layer += 3
        numbers += [layer, layer + 2]
        layer += 3
    assert layer == 105
    neck = [105, 106, 107, 114, 115, 116, 117, 120, *range(122, 128), 130, *range(132, 139)]
    return [*numbers, *neck, 141, *range(143, 150), 152, *range(154, 161)]


def weightless(size: str, classes: int = 80) -> Yolo:
    with torch.device("meta"):
        return build(Options(size=size), SPEC, classes)


@pytest.mark.parametrize(
    ("size", "for_coco", "for_voc", "buffers", "convolutions"),
    [("full", 64_363_101, 64_040_001, 66_304, 110), ("tiny", 6_056_606, 5_918_006, 6_208, 21)],
)
def test_counts(size: str, for_coco: int, for_voc: int, buffers: int, convolutions: int) -> None:
    assert parameters("yolo4", 80, size=size) == for_coco
    assert parameters("yolo4", 20, size=size) == for_voc
    model = weightless(size)
    assert sum(tensor.numel() for name, tensor in model.named_buffers() if "running" in name) == buffers
    assert sum(isinstance(module, ConvNormAct | Output) for module in model.modules()) == convolutions


def test_every_head_equals_the_golden_one() -> None:
    model = fill_darknet(weightless("full").to_empty(device="cpu"), layers(), GOLDEN["yolov4"]["gain"])
    with torch.no_grad():
        outputs = model.outputs(images())
    for output, expected in zip(outputs, GOLDEN["yolov4"]["heads"], strict=True):
        compare(output, expected)


@pytest.mark.parametrize(
    ("size", "last", "expected"), [("full", "block8", 170_038_676), ("tiny", "features32", 19_789_716)]
)
def test_published_beginnings_end_where_a_part_does(size: str, last: str, expected: int) -> None:
    model = weightless(size)
    names = [name for name, _ in model.named_children()]
    parts = names[: names.index(last) + 1]
    state = {name: tensor for name, tensor in model.state_dict().items() if name.split(".")[0] in parts}
    numbers = sum(tensor.numel() for name, tensor in state.items() if not name.endswith("num_batches_tracked"))
    assert 20 + 4 * numbers == expected


def test_mish_in_the_backbone_and_leaky_behind_it() -> None:
    for name, module in weightless("full").named_modules():
        if isinstance(module, ConvNormAct):
            assert isinstance(module.activation, nn.Mish if name.startswith("backbone.") else nn.LeakyReLU), name


def test_a_tiny_block_looks_again_at_the_second_half() -> None:
    block = build(Options(size="tiny"), SPEC, 1).backbone.blocks[0].eval()
    seen: list[torch.Tensor] = []
    block.second.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    maps = torch.randn(1, 64, 8, 8)
    whole, inner = block(maps)
    first = block.first(maps)
    assert torch.equal(seen[0], first[:, 32:])
    assert torch.equal(whole, torch.cat([first, inner], dim=1))
    second = block.second(first[:, 32:])
    assert torch.equal(inner, block.merge(torch.cat([block.third(second), second], dim=1)))


def test_levels_and_head() -> None:
    assert weightless("full").strides == (8, 16, 32)
    assert weightless("tiny").strides == (32, 16)
    assert head(Options(size="full")) == ("output8", "output16", "output32")
    assert head(Options(size="tiny")) == ("output32", "output16")
    assert [scale.coding.spread for scale in weightless("full").scales] == [1.2, 1.1, 1.05]


def test_published_anchors_of_tiny_overlap_but_others_do_not() -> None:
    model = build(Options(size="tiny"), SPEC, 1)
    assert model.anchors.tolist() == [[[81, 82], [135, 169], [344, 319]], [[23, 27], [37, 58], [81, 82]]]
    model.set_anchors(torch.arange(1.0, 7.0)[:, None].expand(6, 2))
    assert model.anchors[..., 0].tolist() == [[4, 5, 6], [1, 2, 3]]


def test_input() -> None:
    assert fit_input(Options(), None) == InputSpec(3, 416, 416)
    assert fit_input(Options(), InputSpec(3, 416, 417)) == InputSpec(3, 416, 448)
