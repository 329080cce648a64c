import pytest
import torch

from vyvod.models.build import build, cost, fit_input, resolve
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec

FASHION = InputSpec(1, 28, 28)


def test_cost_is_what_the_docstring_says() -> None:
    architecture = resolve(ModelSettings())
    assert architecture.name == "plain"
    counted = cost(build(architecture, FASHION, 10), FASHION)
    # By hand: 3x3 filters between 1, 32, 32, 64, 64, 128, 128 channels, batch norms, linear.
    filters = [1 * 32, 32 * 32, 32 * 64, 64 * 64, 64 * 128, 128 * 128]
    pixels = [14 * 14, 14 * 14, 7 * 7, 7 * 7, 4 * 4, 4 * 4]
    assert counted["parameters"] == 9 * sum(filters) + 2 * 2 * (32 + 64 + 128) + 128 * 10 + 10 == 288_170
    assert counted["macs"] == sum(9 * pairs * size for pairs, size in zip(filters, pixels, strict=True)) + 1280


@pytest.mark.parametrize("side", [8, 32, 100, 224])
def test_takes_grey_and_colour_of_any_size(side: int) -> None:
    for channels in (1, 3):
        architecture = resolve(ModelSettings(name="plain", width=4, stages=4, depth=1))
        spec = fit_input(architecture, InputSpec(channels, side, side))
        assert spec == InputSpec(channels, side, side)
        assert build(architecture, spec, 5)(torch.rand(3, channels, side, side)).shape == (3, 5)


def test_dropout_is_an_option() -> None:
    model = build(resolve(ModelSettings(name="plain", dropout=0.3)), FASHION, 10)
    assert model.dropout.p == 0.3
