"""EfficientNet b0 to b7 and V2 s, m, l: depth, width and image size scaled together, 5 to 119 M parameters.

Tan and Le 2019 (https://arxiv.org/abs/1905.11946) and 2021 (https://arxiv.org/abs/2104.00298), as torchvision has it. The
network divides the size by 32; images under 64 pixels are brought up to 64.
"""

from typing import Literal

from torch import Tensor, nn
from torchvision import models
from torchvision.models import WeightsEnum

from vyvod.models.inputs import rgb_input
from vyvod.types import InputSpec, Record

HEAD = ("classifier.1",)

PHOTO_SIZES = {
    "b0": 224, "b1": 240, "b2": 288, "b3": 300, "b4": 380, "b5": 456, "b6": 528, "b7": 600,
    "v2-s": 384, "v2-m": 480, "v2-l": 480,
}  # fmt: skip
"""Variant -> side in pixels at which torchvision's weights are evaluated."""


class Options(Record):
    """Options of EfficientNet."""

    variant: Literal["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "v2-s", "v2-m", "v2-l"] = "b0"
    """Size of the network; photos of various sizes are brought to the size that belongs to it (b0: 224, b7: 600)."""


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, at least 64 pixels; photos of various sizes at the variant's own size."""
    return rgb_input(native, photos=PHOTO_SIZES[options.variant], smallest=64)


def pretrained(options: Options) -> WeightsEnum:
    """Torchvision's ImageNet weights."""
    return models.get_model_weights(_name(options)).DEFAULT


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes)`` logits."""
    model: nn.Module = models.get_model(_name(options), num_classes=classes)
    return model


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` -> the maps before they are pooled, ``(N, C, H', W')``."""
    maps: Tensor = network.get_submodule("features")(images)
    return maps


def _name(options: Options) -> str:
    return f"efficientnet_{options.variant.replace('-', '_')}"
