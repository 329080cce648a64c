"""Plain: a small network to start from, stages of 3x3 convolutions, 0.29 M parameters.

Each stage halves the side of the maps and doubles their channels; after the last one every channel is averaged over the image
and a linear layer decides. The first convolution already steps by two pixels, since maps at full size cost the most: at the
default options an image of 28x28 takes 8.1 million multiplications. Grey and RGB images of any size will do.
"""

from pydantic import Field
from torch import Tensor, nn

from vyvod.types import InputSpec, Record

HEAD = ("head",)


class Options(Record):
    """Options of the plain network."""

    width: int = Field(32, ge=1)
    """Channels of the first stage; every further stage has twice as many."""
    stages: int = Field(3, ge=1, le=8)
    """How often the side is halved; 3 suits images of 28 to 64 pixels, 4 or 5 larger ones."""
    depth: int = Field(2, ge=1)
    """Convolutions in each stage."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the averaged channels that is dropped before the linear layer."""


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """The images as they are; photos of various sizes as RGB with 128 pixels."""
    return native or InputSpec(3, 128, 128)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, C, H, W)`` images -> ``(N, classes)`` logits."""
    return Plain(options, spec.channels, classes)


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, C, H, W)`` -> ``(N, width * 2 ** (stages - 1), H', W')``."""
    maps: Tensor = network.get_submodule("stages")(images)
    return maps


class Plain(nn.Module):
    """Stages of convolutions, an average over the image, and a linear layer."""

    def __init__(self, options: Options, channels: int, classes: int) -> None:
        super().__init__()
        widths = [options.width * 2**stage for stage in range(options.stages)]
        inputs = [channels, *widths]
        self.stages = nn.Sequential(
            *(_stage(before, after, options.depth) for before, after in zip(inputs, widths, strict=False))
        )
        self.dropout = nn.Dropout(options.dropout)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, classes)``."""
        maps = self.stages(images)  # (N, width * 2 ** (stages - 1), H / 2 ** stages, W / 2 ** stages), rounded up
        logits: Tensor = self.head(self.dropout(maps.mean((2, 3))))
        return logits


def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    first = _layer(inputs, outputs, stride=2)
    return nn.Sequential(*first, *(part for _ in range(depth - 1) for part in _layer(outputs, outputs, stride=1)))


def _layer(inputs: int, outputs: int, *, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
