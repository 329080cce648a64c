"""VGG-16 and VGG-19: stacks of 3x3 convolutions and three large fully connected layers, 138 to 144 M parameters.

Simonyan and Zisserman 2015 (https://arxiv.org/abs/1409.1556), as torchvision has it; batch norm was added later by others.
The network needs at least 32 pixels. Its last map is pooled to 7x7 whatever the size of the images.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torchvision import models
from torchvision.models import WeightsEnum

from vyvod.models.inputs import rgb_input
from vyvod.types import InputSpec, Record

HEAD = ("classifier.6",)


class Options(Record):
    """Options of VGG."""

    depth: Literal[16, 19] = 16
    """Layers with weights."""
    batch_norm: bool = True
    """Batch norm after each convolution; without it, VGG hardly trains from scratch."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the values that are dropped after the first two fully connected layers."""


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, at least 32 pixels."""
    return rgb_input(native, smallest=32)


def pretrained(options: Options) -> WeightsEnum:
    """Torchvision's ImageNet weights."""
    return models.get_model_weights(_name(options)).DEFAULT


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes)`` logits."""
    model: nn.Module = models.get_model(_name(options), num_classes=classes, dropout=options.dropout)
    return model


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` -> the maps before they are pooled, ``(N, C, H', W')``."""
    maps: Tensor = network.get_submodule("features")(images)
    return maps


def _name(options: Options) -> str:
    return f"vgg{options.depth}" + ("_bn" if options.batch_norm else "")
