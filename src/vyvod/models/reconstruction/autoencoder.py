"""Autoencoder: the body of another architecture as encoder and a small decoder, for pretraining.

The encoder is the network that ``model=<backbone>`` builds, without what lies behind its last feature maps, under the same
names: ``model.weights=runs/autoencoder`` loads it there. The decoder doubles the side of the maps until they are as large as the
image. What the network has to undo (noise, hidden patches) is said by ``reconstruction:``. Sources: Vincent et al. 2008
(denoising, https://doi.org/10.1145/1390156.1390294), Pathak et al. 2016 (hidden patches and a convolutional encoder,
https://arxiv.org/abs/1604.07379), He et al. 2021 (a loss on hidden patches only, https://arxiv.org/abs/2111.06377).
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from vyvod import catalog
from vyvod.errors import SettingsError
from vyvod.models.build import Architecture, resolve
from vyvod.models.build import fit_input as fit_backbone
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec, Record

Features = Callable[[nn.Module, Tensor], Tensor]
"""``(N, C, H, W)`` images -> ``(N, C', H', W')``, the last feature maps of a network."""
WIDEST = 8
"""The decoder's coarsest maps have at most that many times the channels of its finest."""


class Options(Record):
    """Options of the autoencoder."""

    backbone: str = "plain"
    """Architecture whose body is the encoder, such as plain, resnet, vgg, timm/<name>, unet or smp/<architecture>/<encoder>."""
    backbone_options: Mapping[str, Any] = {}
    """Options of that architecture, such as {depth: 18}; model.weights loads the encoder where they are the same."""
    decoder_width: int = Field(16, ge=1)
    """Channels of the decoder's finest maps; each coarser level has twice as many, up to eight times."""

    @model_validator(mode="after")
    def _check(self) -> Options:
        try:
            _backbone(self)
        except SettingsError as error:
            inside = re.sub(r"\bmodel\.(?=\w)", "model.backbone_options.", str(error))
            raise ValueError(f"model.backbone={self.backbone}: {inside}") from error
        return self


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """What the backbone is built for."""
    return fit_backbone(_backbone(options), native)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, C, H, W)`` normalised images -> ``(N, C, H, W)`` normalised images."""
    backbone = _backbone(options)
    features: Features = backbone.module.features
    encoder: nn.Module = backbone.module.build(backbone.options, spec, 2)
    maps = _trim(encoder, features, spec)
    if maps.ndim != 4:
        raise SettingsError(
            f"The features of model.backbone={options.backbone} have {maps.ndim} dimensions; an autoencoder needs feature maps, "
            "(N, C, H, W), as convolutional networks have them. Choose such a network, for instance resnet."
        )
    _, channels, height, width = maps.shape
    return Autoencoder(encoder, features, Decoder(InputSpec(channels, height, width), spec, options.decoder_width))


class Autoencoder(nn.Module):
    """An encoder, whose tensors are named as in the network that it is taken from, and a decoder."""

    def __init__(self, encoder: nn.Module, features: Features, decoder: Decoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.features = features
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, C, H, W)``."""
        drawn: Tensor = self.decoder(self.features(self.encoder, images))
        return drawn


class Decoder(nn.Module):
    """Levels that double the side of the maps, each enlargement followed by a 3x3 convolution, and a last convolution.

    Enlarging before the convolution leaves no checkerboard (Odena et al. 2016, https://distill.pub/2016/deconv-checkerboard).
    """

    def __init__(self, maps: InputSpec, image: InputSpec, width: int) -> None:
        super().__init__()
        self.size = (image.height, image.width)
        times = max(image.height / maps.height, image.width / maps.width)
        levels = max(1, math.ceil(math.log2(times)))
        widths = [width * min(2**level, WIDEST) for level in reversed(range(levels))]
        self.levels = nn.ModuleList(_level(*pair) for pair in pairwise((maps.channels, *widths)))
        self.output = nn.Conv2d(width, image.channels, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C', H', W')`` -> ``(N, C, H, W)``."""
        for remaining, level in zip(reversed(range(len(self.levels))), self.levels, strict=True):
            # Sides are those of the image halved and rounded up, as strided convolutions leave them: nothing is cut off.
            size = [-(-side // 2**remaining) for side in self.size]
            maps = level(functional.interpolate(maps, size, mode="nearest"))
        drawn: Tensor = self.output(maps)
        return drawn


def _level(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _backbone(options: Options) -> Architecture:
    """The architecture of the encoder.

    Raises:
        SettingsError: there is none of that name, its options are wrong, or its file does not say where its features end.
    """
    own = set(options.backbone_options) & set(ModelSettings.model_fields)
    if own:
        raise SettingsError(f"model.{min(own)} is no option of a network; it stands directly under `model:`.")
    entry = catalog.find_architecture(options.backbone)
    if not callable(getattr(catalog.load(entry), "features", None)):
        raise SettingsError(
            f"{options.backbone} cannot be an encoder: its file has no function features(network, images) that gives the last "
            "feature maps. Choose plain, resnet, vgg, alexnet, efficientnet, timm/<name>, unet or smp/<architecture>/<encoder>, "
            "or write the function in your own file."
        )
    return resolve(ModelSettings(name=options.backbone, **options.backbone_options))


def _trim(encoder: nn.Module, features: Features, spec: InputSpec) -> Tensor:
    """Take out the layers that the features do not depend on, such as the head.

    Returns:
        the features of two images, without values.
    """
    twin = copy.deepcopy(encoder).to("meta").eval()
    maps = features(twin, torch.empty(2, spec.channels, spec.height, spec.width, device="meta"))
    maps.sum().backward()  # type: ignore[no-untyped-call]
    for name, module in twin.named_modules():
        own = list(module.parameters(recurse=False))
        if name and own and all(parameter.grad is None for parameter in own):
            parent, _, last = name.rpartition(".")
            setattr(encoder.get_submodule(parent), last, nn.Identity())
    for name, parameter in encoder.named_parameters():
        # A tensor of a layer that is used otherwise: several processes would wait for its gradient for ever.
        parameter.requires_grad = twin.get_parameter(name).grad is not None
    return maps
