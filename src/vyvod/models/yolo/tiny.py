"""The tiny networks of YOLO v3 and v4: a backbone each, and the same two outputs."""

import torch
from torch import Tensor, nn

from vyvod.models.yolo.blocks import ConvNormAct, Output, Up, initialise, set_batch_norm
from vyvod.models.yolo.detector import DarknetYolo, Loss, Scale
from vyvod.models.yolo.suppression import Limits


class TinyYolo(DarknetYolo):
    """Strides 32 and 16. The backbone gives maps of strides 16 and 32, the first with 256 channels."""

    def __init__(
        self, backbone: nn.Module, channels: int, scales: tuple[Scale, ...], loss: Loss, limits: Limits, classes: int
    ) -> None:
        super().__init__(scales, loss, limits)
        outputs = 3 * (5 + classes)
        self.backbone = backbone
        self.block32 = ConvNormAct(channels, 256, 1)
        self.features32 = ConvNormAct(256, 512, 3)
        self.output32 = Output(512, outputs)
        self.up16 = Up(256, 128)
        self.features16 = ConvNormAct(384, 256, 3)
        self.output16 = Output(256, outputs)
        initialise(self, anchors=3)
        set_batch_norm(self)

    def outputs(self, images: Tensor) -> list[Tensor]:
        """``(N, 3, H, W)`` -> two times ``(N, 3 * (5 + K), H / stride, W / stride)``."""
        fine, coarse = self.backbone(images)
        coarse = self.block32(coarse)
        fine = torch.cat([self.up16(coarse), fine], dim=1)
        return [self.output32(self.features32(coarse)), self.output16(self.features16(fine))]
