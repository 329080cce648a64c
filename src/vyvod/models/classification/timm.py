"""Any architecture of the timm library: timm/<name>, such as timm/resnet10t.

Wightman 2019, https://github.com/huggingface/pytorch-image-models; `vyvod list models` does not show them all: there are more
than a thousand. Networks with a fixed input size (most transformers) get the images resized to it, the others take them as
they are, but at least 64 pixels, as most of them divide the size by 32.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
from pydantic import Field, field_validator
from torch import Tensor, nn

from vyvod.errors import SettingsError
from vyvod.models.inputs import rgb_input
from vyvod.types import InputSpec, Record

PATTERN = "/<name>"
"""What stands behind ``timm`` in the name of an architecture."""


class Options(Record):
    """Options of an architecture of timm."""

    variant: str = "resnet10t"
    """Name in timm, with or without a tag (resnet18, resnet18.a1_in1k); model=timm/<name> sets it."""
    drop_rate: float = Field(0.0, ge=0, lt=1)
    """Dropout before the classifier."""

    @field_validator("variant")
    @classmethod
    def _check(cls, variant: str) -> str:
        if not timm.is_model(variant):
            raise ValueError(f"timm {timm.__version__} has no such architecture{_nearest(variant)}")
        name, dot, tag = variant.partition(".")
        if dot and not timm.is_model_pretrained(variant):
            tags = ", ".join(timm.list_pretrained(f"{name}.*")).replace(f"{name}.", "") or "none"
            raise ValueError(f"timm has no weights '{tag}' for {name}; there are: {tags}")
        return variant


def head(options: Options) -> tuple[str, ...]:
    """Names of the classifier's parts, which differ from network to network."""
    names = _facts(options).classifier or ()
    return (names,) if isinstance(names, str) else tuple(names)


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB; a network with a fixed size gets that size, the others at least 64 pixels."""
    facts = _facts(options)
    side = (facts.test_input_size or facts.input_size)[-1]
    if facts.fixed_input_size:
        return InputSpec(*facts.input_size)
    return rgb_input(native, photos=side, smallest=64)


def pretrained(options: Options) -> Download:
    """Timm's own weights.

    Raises:
        SettingsError: there are none.
    """
    if not timm.is_model_pretrained(options.variant):
        raise SettingsError(f"timm has no ImageNet weights for {options.variant}; leave out model.weights.")
    return Download(options.variant)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes)`` logits."""
    model: nn.Module = timm.create_model(
        options.variant, pretrained=False, num_classes=classes, drop_rate=options.drop_rate
    )
    return model


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` -> ``(N, C, H', W')`` where the network has maps; plain transformers have ``(N, T, C)`` tokens."""
    maps: Tensor = network.forward_features(images)  # type: ignore[operator]
    channels_last = getattr(network, "output_fmt", "NCHW") == "NHWC"
    return maps.permute(0, 3, 1, 2) if channels_last else maps


@dataclass(frozen=True, slots=True)
class Download:
    """Weights of timm, with the face of torchvision's ``WeightsEnum``."""

    variant: str

    @property
    def url(self) -> str:
        """Where the weights come from."""
        facts = self._facts
        return (
            f"https://huggingface.co/{facts.hf_hub_id}/resolve/main/model.safetensors"
            if facts.hf_hub_id
            else str(facts.url)
        )

    @property
    def folder(self) -> Path:
        """Where downloaded files are kept."""
        from huggingface_hub.constants import HF_HUB_CACHE

        name = str(self._facts.hf_hub_id).replace("/", "--")
        return Path(HF_HUB_CACHE) / f"models--{name}"

    def get_state_dict(self, *, progress: bool, check_hash: bool) -> Mapping[str, Tensor]:
        """Fetch the weights, unless they have been fetched before."""
        state: Mapping[str, Tensor] = timm.create_model(self.variant, pretrained=True).state_dict()
        return state

    def transforms(self) -> Any:
        """An object with the ``mean`` and ``std`` of the images that the weights were trained on."""
        return self._facts

    @property
    def _facts(self) -> Any:
        return timm.get_pretrained_cfg(self.variant)


def _facts(options: Options) -> Any:
    return timm.get_pretrained_cfg(options.variant)


def _nearest(variant: str) -> str:
    names = difflib.get_close_matches(variant.partition(".")[0], timm.list_models(), n=3, cutoff=0.5)
    return f"; near it are {', '.join(names)}" if names else ""
