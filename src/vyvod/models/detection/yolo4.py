"""YOLO v4: CSPDarknet-53 with Mish, a spatial pyramid and path aggregation (64 M parameters); tiny: two scales (6.1 M).

Bochkovskiy, Wang and Liao 2020 (https://arxiv.org/abs/2004.10934), from darknet's cfg files; published on COCO: 41.2 mAP at 416
pixels, 43.5 at 608 (tiny: 22.0 at 416). Parameters are registered in the order of darknet's files of weights.

Differences: the gradient of the box loss is the true one (``models/yolo/loss4.py``); outputs begin with few objects.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vyvod.models.yolo import darknet
from vyvod.models.yolo.blocks import (
    ConvNormAct,
    Output,
    Residual,
    Up,
    alternating,
    initialise,
    pyramid,
    set_batch_norm,
)
from vyvod.models.yolo.decoding import Coding
from vyvod.models.yolo.detector import DarknetYolo, Scale
from vyvod.models.yolo.loss4 import Yolo4Loss
from vyvod.models.yolo.options import YoloOptions, yolo_input
from vyvod.models.yolo.options import classes_of as classes_of  # asked of this file
from vyvod.models.yolo.suppression import Limits
from vyvod.models.yolo.tiny import TinyYolo
from vyvod.types import InputSpec

RESIZE = "stretch"
DEFAULTS = {
    "training": {
        "epochs": 100,
        "batch_size": 8,
        "optimizer": "adamw",
        "learning_rate": 0.001,
        "clip_norm": 10.0,
        "ema": 0.999,
    },
    "augmentation": {"mosaic": 0.5},
}
SCALES = (
    Scale(8, ((12, 16), (19, 36), (40, 28)), Coding(1.2)),
    Scale(16, ((36, 75), (76, 55), (72, 146)), Coding(1.1)),
    Scale(32, ((142, 110), (192, 243), (459, 401)), Coding(1.05)),
)
TINY_SCALES = (
    Scale(32, ((81, 82), (135, 169), (344, 319)), Coding(1.05)),
    # As published: the cfg file gives 81 x 82 to both levels, and 10 x 14 to none.
    Scale(16, ((23, 27), (37, 58), (81, 82)), Coding(1.05)),
)


class Options(YoloOptions):
    """Options of YOLO v4."""

    size: Literal["full", "tiny"] = "full"
    """tiny is a dozen times faster."""
    suppression: Literal["distance", "iou"] = "distance"
    """distance: boxes whose centres are far apart may overlap more (as published, darknet's greedynms); iou: as other YOLOs."""
    box_gain: float = Field(5.0, ge=0)
    """Weight of the boxes in the loss."""

    @property
    def limits(self) -> Limits:
        """For the suppression."""
        return replace(super().limits, distance=self.suppression == "distance")


def head(options: Options) -> tuple[str, ...]:
    """The output convolutions."""
    return tuple(f"output{scale.stride}" for scale in (TINY_SCALES if options.size == "tiny" else SCALES))


def read(path: Path, options: Options) -> dict[str, Tensor] | None:
    """Darknet's files, of whole networks and of their beginnings."""
    return darknet.read(path, lambda classes: build(options, fit_input(options, None), classes))


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, multiples of 32; 416 x 416 for photos of various sizes (the paper's best is 608)."""
    return yolo_input(native, side=416)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """Images and targets in, losses or detections out (``models/yolo/detector.py``)."""
    if options.size == "tiny":
        loss = Yolo4Loss(options.gains, also=None)
        return TinyYolo(TinyCSPDarknet(), 512, TINY_SCALES, loss, options.limits, classes)
    return Yolo4(options, classes)


class Yolo4(DarknetYolo):
    """Down to stride 32, up to 8, where the first output is, and down again to the outputs of 16 and 32."""

    def __init__(self, options: Options, classes: int) -> None:
        super().__init__(SCALES, Yolo4Loss(options.gains), options.limits)
        outputs = 3 * (5 + classes)
        self.backbone = CSPDarknet53()
        self.block32 = pyramid(1024, 512)
        self.up16 = Join(512, 512, 256)
        self.block16 = alternating(512, 256)
        self.up8 = Join(256, 256, 128)
        self.block8 = alternating(256, 128)
        self.features8 = ConvNormAct(128, 256, 3)
        self.output8 = Output(256, outputs)
        self.down16 = ConvNormAct(128, 256, 3, stride=2)
        self.path16 = alternating(512, 256)
        self.features16 = ConvNormAct(256, 512, 3)
        self.output16 = Output(512, outputs)
        self.down32 = ConvNormAct(256, 512, 3, stride=2)
        self.path32 = alternating(1024, 512)
        self.features32 = ConvNormAct(512, 1024, 3)
        self.output32 = Output(1024, outputs)
        initialise(self, anchors=3)
        set_batch_norm(self)

    def outputs(self, images: Tensor) -> list[Tensor]:
        """``(N, 3, H, W)`` -> three times ``(N, 3 * (5 + K), H / stride, W / stride)``."""
        fine, middle, coarse = self.backbone(images)
        coarse = self.block32(coarse)
        middle = self.block16(self.up16(coarse, middle))
        fine = self.block8(self.up8(middle, fine))
        middle = self.path16(torch.cat([self.down16(fine), middle], dim=1))
        coarse = self.path32(torch.cat([self.down32(middle), coarse], dim=1))
        return [
            self.output8(self.features8(fine)),
            self.output16(self.features16(middle)),
            self.output32(self.features32(coarse)),
        ]


class Join(nn.Module):
    """A coarse map, raised, behind a fine one; both squeezed to equal width."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        self.up = Up(coarse, outputs)
        self.lateral = ConvNormAct(fine, outputs, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """``(N, coarse, H, W)`` and ``(N, fine, 2H, 2W)`` -> ``(N, 2 * outputs, 2H, 2W)``."""
        return torch.cat([self.lateral(fine), self.up(coarse)], dim=1)


class CSPDarknet53(nn.Module):
    """Darknet-53 in cross-stage partial form."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNormAct(3, 32, 3, activation="mish")
        repeats = {64: 1, 128: 2, 256: 8, 512: 8, 1024: 4}
        self.stages = nn.ModuleList(CSPStage(channels, number) for channels, number in repeats.items())

    def forward(self, images: Tensor) -> list[Tensor]:
        """``(N, 3, H, W)`` -> maps of strides 8, 16 and 32 with 256, 512 and 1024 channels."""
        maps = [self.stem(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[-3:]


class CSPStage(nn.Module):
    """Half of the channels pass the residual units, half pass by; the first stage has both in full width."""

    def __init__(self, channels: int, number: int) -> None:
        super().__init__()
        width = 64 if channels == 64 else channels // 2
        inner = 32 if channels == 64 else width
        self.down = ConvNormAct(channels // 2, channels, 3, stride=2, activation="mish")
        self.aside = ConvNormAct(channels, width, 1, activation="mish")
        self.before = ConvNormAct(channels, width, 1, activation="mish")
        self.units = nn.Sequential(*(Residual(width, inner=inner, activation="mish") for _ in range(number)))
        self.after = ConvNormAct(width, width, 1, activation="mish")
        self.merge = ConvNormAct(2 * width, channels, 1, activation="mish")

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C / 2, H, W)`` -> ``(N, C, H / 2, W / 2)``."""
        halved = self.down(maps)
        aside, passed = self.aside(halved), self.after(self.units(self.before(halved)))
        result: Tensor = self.merge(torch.cat([passed, aside], dim=1))
        return result


class TinyCSPDarknet(nn.Module):
    """Two convolutions, three blocks, one convolution."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64)
        self.stem = nn.Sequential(*(ConvNormAct(inputs, outputs, 3, stride=2) for inputs, outputs in pairwise(widths)))
        self.blocks = nn.ModuleList(TinyBlock(channels) for channels in (64, 128, 256))
        self.pool = nn.MaxPool2d(2)
        self.last = ConvNormAct(512, 512, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 3, H, W)`` -> maps of strides 16 and 32 with 256 and 512 channels."""
        maps = self.stem(images)
        inner = maps
        for block in self.blocks:
            maps, inner = block(maps)
            maps = self.pool(maps)
        return inner, self.last(maps)


class TinyBlock(nn.Module):
    """A 3x3 convolution, and two more for the second half of its channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.first = ConvNormAct(channels, channels, 3)
        self.second = ConvNormAct(half, half, 3)
        self.third = ConvNormAct(half, half, 3)
        self.merge = ConvNormAct(channels, channels, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, C, H, W)`` -> ``(N, 2C, H, W)``, and of that the second half."""
        whole = self.first(maps)
        second = self.second(whole.chunk(2, dim=1)[1])
        merged = self.merge(torch.cat([self.third(second), second], dim=1))
        return torch.cat([whole, merged], dim=1), merged
