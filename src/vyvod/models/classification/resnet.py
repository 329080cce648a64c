"""ResNet 18 to 152 for photos, and the narrow ResNet 20 to 110 for CIFAR.

He, Zhang, Ren and Sun 2015 (https://arxiv.org/abs/1512.03385). 18, 34, 50, 101 and 152 are torchvision's (50 and deeper with
the stride in the 3x3 convolution); 20, 32, 44, 56 and 110 are the networks of section 4.2, with 0.27 to 1.7 M parameters.
"""

from typing import Literal, TypeVar

from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models
from torchvision.models import WeightsEnum

from vyvod.errors import SettingsError
from vyvod.models.inputs import rgb_input
from vyvod.types import InputSpec, Record

HEAD = ("fc", "linear")
Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)

CIFAR_DEPTHS = (20, 32, 44, 56, 110)
SMALL = 64
"""Images up to that many pixels count as small."""


class Options(Record):
    """Options of ResNet."""

    depth: Literal[18, 34, 50, 101, 152, 20, 32, 44, 56, 110] = 18
    """Layers with weights; 20, 32, 44, 56 and 110 are the narrow networks for CIFAR."""
    stem: Literal["auto", "imagenet", "small"] = "auto"
    """Beginning of 18 to 152: imagenet (7x7 stride 2, pooling), small (3x3 stride 1); auto: small up to 64 pixels."""
    shortcut: Literal["A", "B"] = "A"
    """Where 20 to 110 change their width: A skips pixels and adds channels of zeros (as in the paper), B is a 1x1 convolution."""

    @model_validator(mode="after")
    def _check(self) -> "Options":
        if self.depth in CIFAR_DEPTHS and self.stem == "imagenet":
            raise ValueError(f"model.depth={self.depth} has no ImageNet stem; leave out model.stem")
        if self.depth not in CIFAR_DEPTHS and self.shortcut == "B":
            raise ValueError(
                f"model.shortcut=B belongs to depth 20 to 110; model.depth={self.depth} always has 1x1 convolutions there"
            )
        return self


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB; the ImageNet stem gets at least 64 pixels, and 20 to 110 see photos of various sizes at 32."""
    if options.depth in CIFAR_DEPTHS:
        return rgb_input(native, photos=32)
    return rgb_input(native, smallest=SMALL if options.stem == "imagenet" else 1)


def for_weights(options: Options, source: str) -> Options:
    """The options under which ImageNet weights fit: with the stem that they were trained with."""
    imagenet = source == "imagenet" and options.stem == "auto"
    return options.model_copy(update={"stem": "imagenet"}) if imagenet else options


def pretrained(options: Options) -> WeightsEnum:
    """Torchvision's ImageNet weights.

    Raises:
        SettingsError: there are none for these options.
    """
    if options.depth in CIFAR_DEPTHS or options.stem == "small":
        raise SettingsError(
            f"There are no ImageNet weights for model.depth={options.depth} with model.stem={options.stem}. "
            "Choose depth 18, 34, 50, 101 or 152 with model.stem=imagenet, or leave out model.weights."
        )
    return models.get_model_weights(f"resnet{options.depth}").DEFAULT


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes)`` logits."""
    if options.depth in CIFAR_DEPTHS:
        return CifarResNet(options.depth, classes, options.shortcut)
    model: nn.Module = models.get_model(f"resnet{options.depth}", num_classes=classes)
    if options.stem == "small" or (options.stem == "auto" and max(spec.height, spec.width) <= SMALL):
        model.conv1 = _he(nn.Conv2d(3, 64, 3, padding=1, bias=False), mode="fan_out")
        model.maxpool = nn.Identity()
    return model


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` -> the maps of the last stage, ``(N, C, H', W')``."""
    if isinstance(network, CifarResNet):
        return network.maps(images)
    parts = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    for part in parts:
        images = network.get_submodule(part)(images)
    return images


class CifarResNet(nn.Module):
    """Section 4.2 of the paper: 3 stages of (depth - 2) / 6 blocks with 16, 32 and 64 channels.

    Names of the parts as in https://github.com/akamaster/pytorch_resnet_cifar10, so that those weights fit.
    """

    def __init__(self, depth: int, classes: int, shortcut: str) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = _he(nn.Conv2d(3, 16, 3, padding=1, bias=False))
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, shortcut)
        self.layer2 = _stage(16, 32, blocks, shortcut)
        self.layer3 = _stage(32, 64, blocks, shortcut)
        self.linear = _he(nn.Linear(64, classes))

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` -> ``(N, classes)``."""
        logits: Tensor = self.linear(self.maps(images).mean((2, 3)))
        return logits

    def maps(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` -> ``(N, 64, H / 4, W / 4)``, rounding up."""
        maps = functional.relu(self.bn1(self.conv1(images)))
        last: Tensor = self.layer3(self.layer2(self.layer1(maps)))
        return last


class Block(nn.Module):
    """Two 3x3 convolutions and the shortcut around them."""

    def __init__(self, inputs: int, outputs: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.conv1 = _he(nn.Conv2d(inputs, outputs, 3, stride=outputs // inputs, padding=1, bias=False))
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _he(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False))
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, inputs, H, W)`` -> ``(N, outputs, H', W')``; the side is halved, rounding up, where the width doubles."""
        change = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(maps)))))
        return functional.relu(change + self.shortcut(maps))


class ZeroPadding(nn.Module):
    """Shortcut A: every second pixel, and channels of zeros, half of them before and half behind."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        """How many channels of zeros are added on each side."""

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, C + 2 * channels, H / 2, W / 2)``, rounding up."""
        return functional.pad(maps[:, :, ::2, ::2], (0, 0, 0, 0, self.channels, self.channels))


def _stage(inputs: int, outputs: int, blocks: int, shortcut: str) -> nn.Sequential:
    first = Block(inputs, outputs, _shortcut(inputs, outputs, shortcut))
    return nn.Sequential(first, *(Block(outputs, outputs, nn.Identity()) for _ in range(blocks - 1)))


def _shortcut(inputs: int, outputs: int, kind: str) -> nn.Module:
    if inputs == outputs:
        return nn.Identity()
    if kind == "A":
        return ZeroPadding((outputs - inputs) // 2)
    return nn.Sequential(_he(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)), nn.BatchNorm2d(outputs))


def _he(layer: Layer, *, mode: Literal["fan_in", "fan_out"] = "fan_in") -> Layer:
    nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
    return layer
