import pytest
import torch
from torch import nn

from vyvod.errors import SettingsError
from vyvod.models.segmentation.unet import Options, build, fit_input, margin
from vyvod.types import InputSpec

PUBLISHED = Options(width=64, padding="valid", batch_norm=False)


def network(options: Options, channels: int, classes: int) -> nn.Module:
    with torch.device("meta"):
        return build(options, InputSpec(channels, 572, 572), classes)


def count(options: Options, channels: int, classes: int) -> int:
    return sum(parameter.numel() for parameter in network(options, channels, classes).parameters())


@pytest.mark.parametrize(
    ("channels", "classes", "expected"),
    [(1, 2, 31_030_658), (3, 2, 31_031_810), (3, 1, 31_031_745), (3, 21, 31_033_045)],
)
def test_the_published_network(channels: int, classes: int, expected: int) -> None:
    assert count(PUBLISHED, channels, classes) == expected


def test_variants_have_the_known_counts() -> None:
    assert count(Options(width=64), 3, 2) == 31_037_698
    assert count(Options(width=64, batch_norm=False), 1, 2) == 31_030_658
    assert count(Options(width=32, batch_norm=False), 1, 2) == 7_759_554
    assert count(Options(width=16, batch_norm=False), 1, 2) == 1_940_834


def test_the_published_network_has_23_convolutions_and_takes_572_to_388() -> None:
    model = network(PUBLISHED, 1, 2)
    convolutions = [part for part in model.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(convolutions) == 23
    assert not any(isinstance(part, nn.BatchNorm2d) for part in model.modules())
    assert all(part.bias is not None for part in convolutions)
    for side, expected in ((572, 388), (188, 4), (204, 20)):
        assert model(torch.empty(1, 1, side, side, device="meta")).shape == (1, 2, expected, expected)
    assert margin(PUBLISHED) == 92


def test_inputs() -> None:
    assert fit_input(PUBLISHED, InputSpec(1, 388, 388)) == InputSpec(1, 572, 572)
    assert fit_input(PUBLISHED, InputSpec(1, 389, 372)) == InputSpec(1, 588, 556)
    assert fit_input(PUBLISHED, None) == InputSpec(3, 700, 700)  # 512 -> 516
    assert fit_input(Options(), InputSpec(1, 512, 500)) == InputSpec(1, 512, 512)
    assert fit_input(Options(depth=2), InputSpec(3, 33, 4)) == InputSpec(3, 36, 4)
    with pytest.raises(SettingsError, match="stride is 16, so it needs at least 16"):
        fit_input(Options(), InputSpec(1, 15, 64))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_valid_tiles_of_an_image_give_the_parts_of_its_output(depth: int) -> None:
    """Overlap-tile, figure 2 of the paper: it holds only where every skip is cut in the middle and the margin is right."""
    options = Options(width=2, depth=depth, padding="valid", batch_norm=False)
    torch.manual_seed(0)
    model = build(options, InputSpec(1, 64, 64), 2).double().eval()
    stride, lost = 2**depth, 2 * margin(options)
    whole = fit_input(options, InputSpec(1, 48, 56))
    image = torch.randn(1, 1, whole.height, whole.width, dtype=torch.float64)
    tile = fit_input(options, InputSpec(1, 16, 16))
    with torch.no_grad():
        complete = model(image)
        for top, left in ((0, 0), (stride, 0), (stride, 3 * stride)):
            part = model(image[:, :, top : top + tile.height, left : left + tile.width])
            expected = complete[:, :, top : top + tile.height - lost, left : left + tile.width - lost]
            torch.testing.assert_close(part, expected)
    assert complete.std() > 1e-3


def test_initialisation_is_he() -> None:
    torch.manual_seed(0)
    model = build(Options(width=16, batch_norm=False), InputSpec(3, 64, 64), 2)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            assert not parameter.any(), name
        elif parameter.numel() > 4000:
            inputs = parameter.shape[0] if parameter.shape[-1] == 2 else parameter[0].numel()
            assert parameter.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.05), name


def test_dropout_is_at_the_end_of_the_contracting_path() -> None:
    calls: list[int] = []
    model = build(Options(width=2), InputSpec(1, 64, 64), 2)
    model.dropout.register_forward_hook(lambda module, inputs, output: calls.append(output.shape[-1]))
    model(torch.randn(2, 1, 64, 64))
    assert calls == [8, 4]
    assert model.dropout.p == 0.5
