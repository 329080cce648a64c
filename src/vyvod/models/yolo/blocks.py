"""Layers of YOLO v3, v4 and v5.

YOLO v3 and v4 are registered in the order of darknet's cfg files, so that a walk over ``modules()`` meets every ``ConvNormAct``
in the order in which a ``.weights`` file holds its numbers. YOLO v5's layers have the names of its published weights.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal["leaky", "mish"]


class ConvNormAct(nn.Module):
    """Convolution, batch norm, activation: what darknet calls a convolutional layer."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, activation: Activation = "leaky"
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.BatchNorm2d | None = nn.BatchNorm2d(outputs)
        self.activation = nn.Mish() if activation == "mish" else nn.LeakyReLU(0.1, inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H / stride, W / stride)``, rounded up."""
        values = self.conv(maps)
        result: Tensor = self.activation(values if self.norm is None else self.norm(values))
        return result


class Output(nn.Module):
    """The linear 1x1 convolution, with a bias, that gives the output map of a level."""

    norm: None = None

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H, W)``."""
        values: Tensor = self.conv(maps)
        return values


class Residual(nn.Module):
    """1x1 to fewer channels, 3x3 back, plus the input; no activation after the sum."""

    def __init__(self, channels: int, *, inner: int, activation: Activation = "leaky") -> None:
        super().__init__()
        self.squeeze = ConvNormAct(channels, inner, 1, activation=activation)
        self.expand = ConvNormAct(inner, channels, 3, activation=activation)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        result: Tensor = maps + self.expand(self.squeeze(maps))
        return result


class SPP(nn.Module):
    """Spatial pyramid pooling: maxima around each place in 13, 9 and 5 pixels, before the map itself."""

    def __init__(self) -> None:
        super().__init__()
        # Torch pads with -inf; with zeros the negative values of leaky layers would be lost at the borders.
        self.pools = nn.ModuleList(nn.MaxPool2d(size, stride=1, padding=size // 2) for size in (13, 9, 5))

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, 4C, H, W)``."""
        return torch.cat([*(pool(maps) for pool in self.pools), maps], dim=1)


class Up(nn.Module):
    """1x1 convolution, then every pixel twice in both directions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = ConvNormAct(inputs, outputs, 1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, 2H, 2W)``."""
        raised: Tensor = self.upsample(self.squeeze(maps))
        return raised


def alternating(inputs: int, channels: int, *, number: int = 5) -> nn.Sequential:
    """1x1 convolutions to ``channels`` and 3x3 ones to twice as many, in turn; an odd number ends with ``channels``."""
    layers = [ConvNormAct(inputs, channels, 1)]
    for place in range(1, number):
        layers.append(ConvNormAct(channels, 2 * channels, 3) if place % 2 else ConvNormAct(2 * channels, channels, 1))
    return nn.Sequential(*layers)


def pyramid(inputs: int, channels: int) -> nn.Sequential:
    """Three convolutions, spatial pyramid pooling, three convolutions."""
    return nn.Sequential(
        *alternating(inputs, channels, number=3), SPP(), *alternating(4 * channels, channels, number=3)
    )


class Conv(nn.Module):
    """YOLO v5: convolution, batch norm, SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1) -> None:
        super().__init__()
        # The 6x6 of the first layer has stride 2 and sees 2 pixels of padding, so that it exactly halves the size.
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.act = nn.SiLU()  # in place it would have to keep a copy for its gradient

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H / stride, W / stride)``."""
        result: Tensor = self.act(self.bn(self.conv(maps)))
        return result


class Bottleneck(nn.Module):
    """YOLO v5: 1x1 and 3x3 of equal width, with or without the input added."""

    def __init__(self, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels, 1)
        self.cv2 = Conv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        result: Tensor = self.cv2(self.cv1(maps))
        return maps + result if self.shortcut else result


class C3(nn.Module):
    """YOLO v5: a cross-stage partial block of three 1x1 convolutions; half of the channels pass the bottlenecks."""

    def __init__(self, inputs: int, outputs: int, *, repeats: int, shortcut: bool) -> None:
        super().__init__()
        half = outputs // 2
        self.cv1 = Conv(inputs, half)
        self.cv2 = Conv(inputs, half)
        self.cv3 = Conv(2 * half, outputs)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut=shortcut) for _ in range(repeats)))

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H, W)``."""
        result: Tensor = self.cv3(torch.cat([self.m(self.cv1(maps)), self.cv2(maps)], dim=1))
        return result


class SPPF(nn.Module):
    """YOLO v5: spatial pyramid pooling by three 5x5 pools in a row, which together see 5, 9 and 13 pixels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = inputs // 2
        self.cv1 = Conv(inputs, half)
        self.cv2 = Conv(4 * half, outputs)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H, W)``."""
        seen = [self.cv1(maps)]
        for _ in range(3):
            seen.append(self.pool(seen[-1]))
        result: Tensor = self.cv2(torch.cat(seen, dim=1))
        return result


def set_batch_norm(network: nn.Module, *, eps: float = 1e-5, momentum: float = 0.01) -> None:
    """Set the constants of every batch norm: programs differ in them, and weights were trained with theirs.

    Args:
        network: changed in place.
        eps: darknet has 1e-5 on GPUs; OpenCV computes with 1e-6, YOLO v5 with 1e-3.
        momentum: share of a batch in the running values.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = eps, momentum


OBJECTNESS = 0.01
"""What a fresh YOLO v3 or v4 says of every cell."""


@torch.no_grad()
def initialise(network: nn.Module, *, anchors: int) -> None:
    """YOLO v3 and v4: filters as darknet draws them; outputs that start with "nothing here" and boxes of the anchors' sizes.

    Darknet starts the outputs as any layer. From scratch, ten thousand empty cells would then drown the objects in the first
    hundreds of steps; the prior is that of RetinaNet (Lin et al. 2017, https://arxiv.org/abs/1708.02002).

    Args:
        network: changed in place.
        anchors: of a level.
    """
    for module in network.modules():
        if isinstance(module, ConvNormAct):
            nn.init.normal_(module.conv.weight, std=(2 / module.conv.weight[0].numel()) ** 0.5)
        elif isinstance(module, Output) and module.conv.bias is not None:
            nn.init.normal_(module.conv.weight, std=0.01)
            nn.init.zeros_(module.conv.bias)
            module.conv.bias.view(anchors, -1)[:, 4] = math.log(OBJECTNESS / (1 - OBJECTNESS))
