"""YOLO v5: anchors, SiLU and a path aggregation network; 1.9 M (n) to 87 M parameters (x).

Jocher 2020, release 6.0 (2021), which has no paper; published on COCO at 640 pixels: 28.0 (n), 37.4 (s), 45.4 (m), 49.0 (l) and
50.7 mAP (x). Written from facts about it, without its code; parameters have the names of the published weights.
"""

import math
from pathlib import Path
from typing import Literal, NamedTuple, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from vyvod.models.yolo import checkpoint
from vyvod.models.yolo.blocks import C3, SPPF, Conv, set_batch_norm
from vyvod.models.yolo.decoding import Coding
from vyvod.models.yolo.detector import Scale, Yolo
from vyvod.models.yolo.loss5 import Yolo5Loss
from vyvod.models.yolo.options import YoloOptions, yolo_input
from vyvod.models.yolo.options import classes_of as classes_of  # asked of this file
from vyvod.types import InputSpec

RESIZE = "letterbox"
HEAD = ("model.24.m",)
DEFAULTS = {
    "training": {
        "epochs": 100,
        "batch_size": 8,
        "optimizer": "adamw",
        "learning_rate": 0.002,
        "clip_norm": 10.0,
        "ema": 0.999,
    },
    "augmentation": {"mosaic": 1.0},
}
CODING = Coding(spread=2.0, squared=True)
SCALES = (
    Scale(8, ((10, 13), (16, 30), (33, 23)), CODING),
    Scale(16, ((30, 61), (62, 45), (59, 119)), CODING),
    Scale(32, ((116, 90), (156, 198), (373, 326)), CODING),
)


class Multiples(NamedTuple):
    """What makes a size of the family."""

    depth: float
    """Of the numbers of bottlenecks."""
    width: float
    """Of the numbers of channels."""


SIZES = {
    "n": Multiples(0.33, 0.25),
    "s": Multiples(0.33, 0.50),
    "m": Multiples(0.67, 0.75),
    "l": Multiples(1.0, 1.0),
    "x": Multiples(1.33, 1.25),
}


class Options(YoloOptions):
    """Options of YOLO v5."""

    size: Literal["n", "s", "m", "l", "x"] = "n"
    """Width and depth: 1.9, 7.2, 21, 47 or 87 M parameters."""
    box_gain: float = Field(0.05, ge=0)
    """Weight of the boxes in the loss."""
    objectness_gain: float = Field(1.0, ge=0)
    """Weight of the objectness, for images of 640 pixels; grows with the area."""
    class_gain: float = Field(0.5, ge=0)
    """Weight of the classes, for 80 of them; grows with their number."""


def read(path: Path, options: Options) -> dict[str, Tensor] | None:
    """The original ``.pt`` files."""
    return checkpoint.read(path, options.size)


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, multiples of 32; 640 x 640 for photos of various sizes."""
    return yolo_input(native, side=640)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """Images and targets in, losses or detections out (``models/yolo/detector.py``)."""
    return Yolo5(options, classes)


class Layer(NamedTuple):
    """A row of the published table."""

    sources: tuple[int, ...]
    """Layers whose outputs are its input; -1 is the one before."""
    kind: Literal["conv", "down", "c3", "plain c3", "sppf", "up", "cat"]
    channels: int = 0
    """Of its output, before the width is applied."""
    repeats: int = 0
    """Bottlenecks, before the depth is applied."""


BEFORE = (-1,)
LAYERS = (
    Layer(BEFORE, "down", 64),
    Layer(BEFORE, "down", 128),
    Layer(BEFORE, "c3", 128, 3),
    Layer(BEFORE, "down", 256),
    Layer(BEFORE, "c3", 256, 6),
    Layer(BEFORE, "down", 512),
    Layer(BEFORE, "c3", 512, 9),
    Layer(BEFORE, "down", 1024),
    Layer(BEFORE, "c3", 1024, 3),
    Layer(BEFORE, "sppf", 1024),
    Layer(BEFORE, "conv", 512),
    Layer(BEFORE, "up"),
    Layer((-1, 6), "cat"),
    Layer(BEFORE, "plain c3", 512, 3),
    Layer(BEFORE, "conv", 256),
    Layer(BEFORE, "up"),
    Layer((-1, 4), "cat"),
    Layer(BEFORE, "plain c3", 256, 3),
    Layer(BEFORE, "down", 256),
    Layer((-1, 14), "cat"),
    Layer(BEFORE, "plain c3", 512, 3),
    Layer(BEFORE, "down", 512),
    Layer((-1, 10), "cat"),
    Layer(BEFORE, "plain c3", 1024, 3),
)
DETECTED = (17, 20, 23)
"""Layers that see strides 8, 16 and 32."""


class Yolo5(Yolo):
    """The layers in their published order; the last is ``Detect``."""

    def __init__(self, options: Options, classes: int) -> None:
        super().__init__(SCALES, Yolo5Loss(options.gains), options.limits)
        layers, channels = _layers(SIZES[options.size])
        self.model = nn.ModuleList([*layers, Detect([channels[place] for place in DETECTED], classes)])
        set_batch_norm(self, eps=1e-3, momentum=0.03)

    @property
    def detect(self) -> "Detect":
        """The last layer, with the output convolutions and the anchors."""
        return cast(Detect, self.model[-1])

    def outputs(self, images: Tensor) -> list[Tensor]:
        """``(N, 3, H, W)`` -> three times ``(N, 3 * (5 + K), H / stride, W / stride)``."""
        seen: list[Tensor] = []
        for layer, row in zip(self.model, LAYERS, strict=False):
            sources = [seen[place] for place in row.sources] if seen else [images]
            seen.append(torch.cat(sources, dim=1) if row.kind == "cat" else layer(sources[0]))
        maps: list[Tensor] = self.detect([seen[place] for place in DETECTED])
        return maps

    def anchors_in_pixels(self) -> Tensor:
        """``(3, 3, 2)`` float32, finest level first."""
        return torch.stack([sizes * stride for sizes, stride in zip(self.detect.anchors, self.strides, strict=True)])

    def _keep_anchors(self, pixels: Tensor) -> None:
        self.detect.anchors.copy_(_in_cells(pixels))


class Detect(nn.Module):
    """An output convolution for each level, and the anchors in cells of their level, as published weights hold them."""

    anchors: Tensor

    def __init__(self, channels: list[int], classes: int) -> None:
        super().__init__()
        self.register_buffer("anchors", _in_cells(torch.tensor([scale.anchors for scale in SCALES])))
        self.m = nn.ModuleList(_output(inputs, scale, classes) for inputs, scale in zip(channels, SCALES, strict=True))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """A map for each level -> ``(N, 3 * (5 + K), H, W)`` for each level."""
        return [output(one) for output, one in zip(self.m, maps, strict=True)]


def _in_cells(pixels: Tensor) -> Tensor:
    return torch.stack([sizes / scale.stride for sizes, scale in zip(pixels, SCALES, strict=True)])


@torch.no_grad()
def _output(inputs: int, scale: Scale, classes: int) -> nn.Conv2d:
    output = nn.Conv2d(inputs, len(scale.anchors) * (5 + classes), 1)
    biases = cast(Tensor, output.bias).view(len(scale.anchors), -1)
    # As if 8 of the cells of an image of 640 pixels held an object: else their first gradients are all "nothing here".
    biases[:, 4] += math.log(8 / (640 / scale.stride) ** 2)
    # With one class it is nearly certain from the start; nothing trains it.
    biases[:, 5:] += math.log(0.6 / (classes - 0.99999))
    return output


def _layers(multiples: Multiples) -> tuple[list[nn.Module], list[int]]:
    """The layers, and the channels of their outputs."""
    layers: list[nn.Module] = []
    channels: list[int] = []
    for row in LAYERS:
        inputs = sum(channels[place] for place in row.sources) if channels else 3
        outputs = 8 * math.ceil(row.channels * multiples.width / 8) or inputs
        repeats = max(round(row.repeats * multiples.depth), 1)
        layers.append(_layer(row, inputs, outputs, repeats=repeats, first=not channels))
        channels.append(outputs)
    return layers, channels


def _layer(row: Layer, inputs: int, outputs: int, *, repeats: int, first: bool) -> nn.Module:
    match row.kind:
        case "down":
            return Conv(inputs, outputs, 6 if first else 3, stride=2)
        case "conv":
            return Conv(inputs, outputs)
        case "c3" | "plain c3":
            return C3(inputs, outputs, repeats=repeats, shortcut=row.kind == "c3")
        case "sppf":
            return SPPF(inputs, outputs)
        case "up":
            return nn.Upsample(scale_factor=2, mode="nearest")
        case "cat":
            return nn.Identity()
