"""AlexNet: five convolutions and three large fully connected layers, 61 M parameters.

Krizhevsky, Sutskever and Hinton 2012, in the one-column form of Krizhevsky 2014 (https://arxiv.org/abs/1404.5997), as
torchvision has it. The network needs at least 63 pixels; smaller images are brought up to 64.
"""

from pydantic import Field
from torch import Tensor, nn
from torchvision import models
from torchvision.models import WeightsEnum

from vyvod.models.inputs import rgb_input
from vyvod.types import InputSpec, Record

HEAD = ("classifier.6",)


class Options(Record):
    """Options of AlexNet."""

    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the values that are dropped before the first two fully connected layers."""


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, at least 64 pixels."""
    return rgb_input(native, smallest=64)


def pretrained(options: Options) -> WeightsEnum:
    """Torchvision's ImageNet weights."""
    return models.AlexNet_Weights.DEFAULT


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes)`` logits."""
    model: nn.Module = models.alexnet(num_classes=classes, dropout=options.dropout)
    return model


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` -> the maps before they are pooled, ``(N, C, H', W')``."""
    maps: Tensor = network.get_submodule("features")(images)
    return maps
