"""YOLO v3: Darknet-53 and three scales, also with a spatial pyramid (62 to 63 M parameters); tiny: two scales (8.9 M).

Redmon and Farhadi 2018 (https://arxiv.org/abs/1804.02767), from darknet's cfg files; published on COCO at 416 pixels: 31.0 mAP,
55.3 at IoU 0.5 (tiny: 33.1 there). Parameters are registered in the order of darknet's files of weights. Outputs begin with few
objects; darknet's begin with one in every other cell.
"""

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
from vyvod.models.yolo.loss3 import Yolo3Loss
from vyvod.models.yolo.options import YoloOptions, yolo_input
from vyvod.models.yolo.options import classes_of as classes_of  # asked of this file
from vyvod.models.yolo.tiny import TinyYolo
from vyvod.types import InputSpec

RESIZE = "letterbox"
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
CODING = Coding()
SCALES = (
    Scale(32, ((116, 90), (156, 198), (373, 326)), CODING),
    Scale(16, ((30, 61), (62, 45), (59, 119)), CODING),
    Scale(8, ((10, 13), (16, 30), (33, 23)), CODING),
)
TINY_SCALES = (
    Scale(32, ((81, 82), (135, 169), (344, 319)), CODING),
    Scale(16, ((10, 14), (23, 27), (37, 58)), CODING),
)


class Options(YoloOptions):
    """Options of YOLO v3."""

    size: Literal["full", "spp", "tiny"] = "full"
    """full and spp have Darknet-53, 62 and 63 M parameters; tiny is a dozen times faster."""
    nms_threshold: float = Field(0.45, gt=0, le=1)
    """IoU above which the weaker of two boxes of a class is dropped."""


def head(options: Options) -> tuple[str, ...]:
    """The output convolutions."""
    return tuple(f"output{scale.stride}" for scale in (TINY_SCALES if options.size == "tiny" else SCALES))


def read(path: Path, options: Options) -> dict[str, Tensor] | None:
    """Darknet's files, of whole networks and of their beginnings."""
    return darknet.read(path, lambda classes: build(options, fit_input(options, None), classes))


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, multiples of 32; 416 x 416 for photos of various sizes."""
    return yolo_input(native, side=416)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """Images and targets in, losses or detections out (``models/yolo/detector.py``)."""
    if options.size == "tiny":
        loss = Yolo3Loss(options.gains)
        return TinyYolo(TinyDarknet(), 1024, TINY_SCALES, loss, options.limits, classes)
    return Yolo3(options, classes)


class Yolo3(DarknetYolo):
    """Darknet-53; strides 32, 16 and 8, each after the one before."""

    def __init__(self, options: Options, classes: int) -> None:
        super().__init__(SCALES, Yolo3Loss(options.gains), options.limits)
        outputs = 3 * (5 + classes)
        self.backbone = Darknet53()
        self.block32 = pyramid(1024, 512) if options.size == "spp" else alternating(1024, 512)
        self.features32 = ConvNormAct(512, 1024, 3)
        self.output32 = Output(1024, outputs)
        self.up16 = Up(512, 256)
        self.block16 = alternating(768, 256)
        self.features16 = ConvNormAct(256, 512, 3)
        self.output16 = Output(512, outputs)
        self.up8 = Up(256, 128)
        self.block8 = alternating(384, 128)
        self.features8 = ConvNormAct(128, 256, 3)
        self.output8 = Output(256, outputs)
        initialise(self, anchors=3)
        set_batch_norm(self)

    def outputs(self, images: Tensor) -> list[Tensor]:
        """``(N, 3, H, W)`` -> three times ``(N, 3 * (5 + K), H / stride, W / stride)``."""
        fine, middle, coarse = self.backbone(images)
        coarse = self.block32(coarse)
        middle = self.block16(torch.cat([self.up16(coarse), middle], dim=1))
        fine = self.block8(torch.cat([self.up8(middle), fine], dim=1))
        return [
            self.output32(self.features32(coarse)),
            self.output16(self.features16(middle)),
            self.output8(self.features8(fine)),
        ]


class Darknet53(nn.Module):
    """52 of the 53 convolutions of Darknet-53; the last was for ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNormAct(3, 32, 3)
        repeats = {64: 1, 128: 2, 256: 8, 512: 8, 1024: 4}
        self.stages = nn.ModuleList(_stage(channels, number) for channels, number in repeats.items())

    def forward(self, images: Tensor) -> list[Tensor]:
        """``(N, 3, H, W)`` -> maps of strides 8, 16 and 32 with 256, 512 and 1024 channels."""
        maps = [self.stem(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[-3:]


def _stage(channels: int, number: int) -> nn.Sequential:
    residuals = (Residual(channels, inner=channels // 2) for _ in range(number))
    return nn.Sequential(ConvNormAct(channels // 2, channels, 3, stride=2), *residuals)


class TinyDarknet(nn.Module):
    """3x3 convolutions of 16 to 1024 channels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvNormAct(3, 16, 3)]
        for channels in (32, 64, 128, 256):
            layers += [nn.MaxPool2d(2), ConvNormAct(channels // 2, channels, 3)]
        self.fine = nn.Sequential(*layers)
        # The last pool keeps the size: its windows lack a row below and a column at the right, which is -inf, not 0, since
        # leaky layers give negative values.
        last = (nn.ConstantPad2d((0, 1, 0, 1), float("-inf")), nn.MaxPool2d(2, stride=1))
        self.coarse = nn.Sequential(nn.MaxPool2d(2), ConvNormAct(256, 512, 3), *last, ConvNormAct(512, 1024, 3))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 3, H, W)`` -> maps of strides 16 and 32 with 256 and 1024 channels."""
        fine = self.fine(images)
        return fine, self.coarse(fine)
