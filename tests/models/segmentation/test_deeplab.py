import pytest
import torch
from tests.models.classification.counting import parameters
from torch import Tensor, nn
from torchvision.models import ResNet101_Weights, VGG16_Weights, get_model

from vyvod.errors import SettingsError
from vyvod.models.build import resolve
from vyvod.models.contract import ModelSettings
from vyvod.models.segmentation.deeplab import (
    FIELDS,
    DeepLab,
    Options,
    _from_resnet,
    _from_vgg,
    build,
    fit_input,
    head,
    pretrained,
)
from vyvod.models.weights import Weights, load_weights
from vyvod.types import InputSpec

SPEC = InputSpec(3, 321, 321)
RESNET = Options(backbone="resnet101", head="aspp-l")


def weightless(options: Options, classes: int = 21) -> DeepLab:
    with torch.device("meta"):
        return build(options, SPEC, classes)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("large-fov", 20_505_429),
        ("7x7", 134_346_581),
        ("4x4", 65_140_565),
        ("4x4-large", 65_140_565),
        ("aspp-s", 37_877_652),
        ("aspp-l", 37_877_652),
    ],
)
def test_parameter_counts(head: str, expected: int) -> None:
    assert parameters("deeplab", 21, head=head) == expected
    assert sum(parameter.numel() for parameter in weightless(Options(head=head)).backbone.parameters()) == 14_714_688


def test_parameter_count_of_resnet101() -> None:
    assert parameters("deeplab", 21, backbone="resnet101", head="aspp-l") == 44_048_532


@pytest.mark.parametrize("options", [*(Options(head=head) for head in FIELDS), RESNET], ids=str)
def test_scores_are_eight_times_coarser(options: Options) -> None:
    model = weightless(options)
    # 320: Caffe rounds up where torch would round down to 40.
    for side, scores in ((321, 41), (320, 41), (513, 65), (65, 9)):
        images = torch.empty(2, 3, side, side - 8, device="meta")
        assert model.scores(images).shape == (2, 21, scores, scores - 1)
        assert model(images).shape == (2, 21, side, side - 8)


def test_maps_have_the_sizes_of_the_paper() -> None:
    sizes: list[int] = []
    model = weightless(Options())
    for part in model.backbone:
        if isinstance(part, nn.MaxPool2d):
            part.register_forward_hook(lambda module, inputs, output: sizes.append(output.shape[-1]))
    model(torch.empty(1, 3, 321, 321, device="meta"))
    assert sizes == [161, 81, 41, 41, 41]
    dilations = [part.dilation[0] for part in model.backbone if isinstance(part, nn.Conv2d)]
    assert dilations == [1] * 10 + [2] * 3


def test_corners_are_aligned() -> None:
    torch.manual_seed(0)
    model = build(Options(), SPEC, 3).eval()
    images = torch.randn(1, 3, 41, 33)
    with torch.no_grad():
        torch.testing.assert_close(model(images)[:, :, ::8, ::8], model.scores(images))


def test_branches_are_added_up() -> None:
    class Fixed(nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def forward(self, maps: Tensor) -> Tensor:
            return maps * self.value

    model = DeepLab(nn.Identity(), [Fixed(value) for value in (1, 2, 4, 8)])
    assert torch.equal(model.scores(torch.ones(1, 1, 2, 2)), torch.full((1, 1, 2, 2), 15.0))


def test_resnet_stages_have_the_dilations_of_the_paper() -> None:
    backbone = weightless(RESNET).backbone
    assert [[block.conv2.dilation[0] for block in stage] for stage in (backbone.layer3, backbone.layer4)] == [
        [2] * 23,
        [4] * 3,
    ]
    assert [
        stage[0].conv2.stride[0] for stage in (backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4)
    ] == [
        1,
        2,
        1,
        1,
    ]


def test_only_the_last_layer_starts_small() -> None:
    torch.manual_seed(0)
    model = build(Options(head="aspp-s"), SPEC, 21)
    for branch in model.branches:
        assert branch.fc8.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not branch.fc8.bias.any()
        assert branch.fc6.weight.std().item() == pytest.approx((2 / (9 * 512)) ** 0.5, rel=0.05)


def test_inputs() -> None:
    assert fit_input(Options(), InputSpec(1, 320, 322)) == InputSpec(3, 321, 329)
    assert fit_input(Options(), InputSpec(3, 321, 513)) == InputSpec(3, 321, 513)
    assert fit_input(RESNET, None) == InputSpec(3, 513, 513)
    with pytest.raises(SettingsError, match="stride is 8"):
        fit_input(Options(), InputSpec(3, 7, 100))


@pytest.mark.parametrize("kind", ["large-fov", "7x7", "4x4", "4x4-large", "aspp-s"])
def test_resnet_with_another_head_was_never_published(kind: str) -> None:
    with pytest.raises(SettingsError, match=r"resnet101 was published with model\.head=aspp-l only, not"):
        resolve(ModelSettings(name="deeplab", backbone="resnet101", head=kind))


@pytest.mark.parametrize("kind", FIELDS)
def test_weights_of_vgg_fill_all_but_the_last_layer(kind: str) -> None:
    options = Options(head=kind)
    with torch.device("meta"):
        given = _from_vgg(get_model("vgg16").state_dict(), FIELDS[kind])
    wanted = {
        name: tensor.shape
        for name, tensor in weightless(options).state_dict().items()
        if not name.startswith(head(options))
    }
    assert {name: tensor.shape for name, tensor in given.items()} == wanted


def test_weights_of_resnet_fill_all_but_the_last_layer() -> None:
    with torch.device("meta"):
        given = _from_resnet(get_model("resnet101").state_dict())
    model = weightless(RESNET)
    assert {f"backbone.{name}" for name in model.backbone.state_dict()} == set(given)
    loaded = load_weights(model, Weights(given, "imagenet"), head=head(RESNET))
    assert len(loaded.not_loaded) == 8


def numbered(*, rows: bool) -> dict[str, Tensor]:
    """VGG's first fully connected layer where each weight is the number of its row, or of its column; it takes no memory."""
    numbers = torch.arange(4096, dtype=torch.int16)[:, None] if rows else torch.arange(25088, dtype=torch.int16)[None]
    square = torch.arange(4096, dtype=torch.int16).expand(4096, 4096)
    bias = torch.arange(4096, dtype=torch.int16)
    return {
        "classifier.0.weight": numbers.expand(4096, 25088),
        "classifier.0.bias": bias,
        "classifier.3.weight": square,
        "classifier.3.bias": bias,
    }


def test_branches_take_different_filters_and_keep_their_order() -> None:
    given = _from_vgg(numbered(rows=True), FIELDS["aspp-l"])
    for place in range(4):
        expected = torch.arange(place, 4096, 4, dtype=torch.int16)
        assert torch.equal(given[f"branches.{place}.fc6.weight"][:, 7, 2, 1], expected)
        assert torch.equal(given[f"branches.{place}.fc6.bias"], expected)
        # What fc7 reads is what this branch's fc6 writes.
        assert torch.equal(given[f"branches.{place}.fc7.weight"][5, :, 0, 0], expected)


def test_taps_are_spread_over_the_seven() -> None:
    given = _from_vgg(numbered(rows=False), FIELDS["large-fov"])["branches.0.fc6.weight"]
    assert given[9, 2].tolist() == [[98 + 7 * row + column for column in (0, 3, 6)] for row in (0, 3, 6)]


def test_where_weights_come_from() -> None:
    assert pretrained(Options()).url == VGG16_Weights.IMAGENET1K_V1.url
    assert pretrained(RESNET).url == ResNet101_Weights.IMAGENET1K_V1.url
    assert tuple(pretrained(RESNET).transforms().mean) == (0.485, 0.456, 0.406)
