"""U-Net: down and up again, with the fine maps carried across; 1.9 M (width 16) to 31 M parameters (64).

Ronneberger, Fischer and Brox 2015 (https://arxiv.org/abs/1505.04597). The published network is model.width=64 model.padding=valid
model.batch_norm=false: its convolutions see no padding, so its output is 184 pixels shorter than its input (572 -> 388), and
images are mirrored at their borders to make up for it. Batch norm and padding came later and are the default here.
"""

from itertools import pairwise
from typing import Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from vyvod.models.inputs import strided_input
from vyvod.types import InputSpec, Record

HEAD = ("head",)
Layer = TypeVar("Layer", nn.Conv2d, nn.ConvTranspose2d)


class Options(Record):
    """Options of U-Net."""

    width: int = Field(32, ge=1)
    """Channels of the finest maps; doubled at each level. The paper has 64."""
    depth: int = Field(4, ge=1, le=7)
    """How often the maps are halved; sides of the images become multiples of 2^depth."""
    padding: Literal["same", "valid"] = "same"
    """same keeps the size; valid (the paper) computes every pixel from true or mirrored surroundings and costs more."""
    batch_norm: bool = True
    """Batch norm after each 3x3 convolution; the paper has none."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the values that are dropped at the end of the contracting path: in its last two levels."""


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """Grey or RGB, as the images are; multiples of 2^depth, or for valid convolutions 2^depth * k - 4."""
    channels, stride = 3 if native is None else native.channels, 2**options.depth
    if options.padding == "same":
        return strided_input(native, stride=stride, channels=channels)
    return strided_input(native, stride=stride, surplus=-4, lost=2 * margin(options), channels=channels)


def margin(options: Options) -> int:
    """Pixels lost on each side: 4 in each level on the way down, at the bottom and on the way up, 2^level times as wide there."""
    return 6 * 2**options.depth - 4 if options.padding == "valid" else 0


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, C, H, W)`` images -> ``(N, classes, H - 2 margin, W - 2 margin)`` logits."""
    return UNet(options, spec.channels, classes)


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, C, H, W)`` -> the coarsest maps, ``(N, width * 2 ** depth, H', W')``."""
    for level, convolutions in enumerate(network.get_submodule("down").children()):
        images = convolutions(network.get_submodule("pool")(images) if level else images)
    return images


class UNet(nn.Module):
    """Section 2 of the paper: depth + 1 levels, each two 3x3 convolutions on the way down and two on the way up."""

    def __init__(self, options: Options, channels: int, classes: int) -> None:
        super().__init__()
        widths = [options.width * 2**level for level in range(options.depth + 1)]
        self.down = nn.ModuleList(_level(inputs, outputs, options) for inputs, outputs in pairwise((channels, *widths)))
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(options.dropout)
        self.up = nn.ModuleList(Up(width, options) for width in reversed(widths[:-1]))
        self.head = _he(nn.Conv2d(options.width, classes, 1), inputs=options.width)

    def forward(self, images: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, classes, H', W')``."""
        maps, carried = images, []
        for level, convolutions in enumerate(self.down):
            maps = convolutions(self.pool(maps) if level else maps)
            if level >= len(self.down) - 2:
                maps = self.dropout(maps)
            carried.append(maps)
        for up, skip in zip(self.up, reversed(carried[:-1]), strict=True):
            maps = up(maps, skip)
        logits: Tensor = self.head(maps)
        return logits


class Up(nn.Module):
    """One level on the way up."""

    def __init__(self, width: int, options: Options) -> None:
        super().__init__()
        # Its windows do not overlap: each of its outputs sees every input channel once.
        self.up = _he(nn.ConvTranspose2d(2 * width, width, 2, stride=2), inputs=2 * width)
        self.convolutions = _level(2 * width, width, options)

    def forward(self, maps: Tensor, skip: Tensor) -> Tensor:
        """Coarse ``(N, 2C, H, W)`` and fine ``(N, C, H', W')``, H' >= 2H -> ``(N, C, 2H, 2W)``, 4 less with valid padding."""
        raised = self.up(maps)
        top, left = ((skip.shape[axis] - raised.shape[axis]) // 2 for axis in (2, 3))
        centre = skip[:, :, top : top + raised.shape[2], left : left + raised.shape[3]]
        finer: Tensor = self.convolutions(torch.cat([centre, raised], dim=1))
        return finer


def _level(inputs: int, outputs: int, options: Options) -> nn.Sequential:
    return nn.Sequential(*_convolution(inputs, outputs, options), *_convolution(outputs, outputs, options))


def _convolution(inputs: int, outputs: int, options: Options) -> list[nn.Module]:
    padding = 1 if options.padding == "same" else 0
    layer = _he(nn.Conv2d(inputs, outputs, 3, padding=padding, bias=not options.batch_norm), inputs=9 * inputs)
    norm = [nn.BatchNorm2d(outputs)] if options.batch_norm else []
    return [layer, *norm, nn.ReLU(inplace=True)]


def _he(layer: Layer, *, inputs: int) -> Layer:
    # Section 3 of the paper: deviation sqrt(2 / N), N = values that one output is computed from.
    nn.init.normal_(layer.weight, std=(2 / inputs) ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
