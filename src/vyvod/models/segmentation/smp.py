"""Any pair of the segmentation_models.pytorch library: smp/<architecture>/<encoder>, such as smp/unet/resnet34.

Iakubovskii 2019, https://github.com/qubvel-org/segmentation_models.pytorch. Twelve architectures (unet, unetplusplus, manet,
linknet, fpn, pspnet, deeplabv3, deeplabv3plus, pan, upernet, segformer, dpt) times 76 encoders, and any network of timm as
tu-<name>; `vyvod list models` does not show them all. model.weights=imagenet fetches weights of the encoder only; the decoder
is new, so to train it alone write model.freeze=[encoder], not all-but-head.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import segmentation_models_pytorch as library
import timm
import torch
from pydantic import field_validator
from segmentation_models_pytorch.encoders import encoders, get_preprocessing_params
from torch import Tensor, nn

from vyvod.errors import SettingsError
from vyvod.models.inputs import strided_input
from vyvod.types import InputSpec, Record

PATTERN = "/<architecture>/<encoder>"
"""What stands behind ``smp`` in the name of an architecture."""
ARCHITECTURES = tuple(library.MODEL_ARCHITECTURES_MAPPING)
TIMM = "tu-"
"""What stands before the name of an encoder that timm builds."""
_IMAGENET = "imagenet"
STRIDES = {"deeplabv3": 8, "pspnet": 8, "deeplabv3plus": 16, "pan": 16}
"""Of the others: 32, or two patches of a transformer. U-Net takes any size, but its maps only lie on one another at multiples."""


class Options(Record):
    """Options of a pair of architecture and encoder."""

    variant: str = "unet/resnet18"
    """<architecture>/<encoder>; model=smp/<architecture>/<encoder> sets it."""

    @field_validator("variant")
    @classmethod
    def _check(cls, variant: str) -> str:
        architecture, slash, encoder = variant.partition("/")
        if not slash:
            raise ValueError("expected model=smp/<architecture>/<encoder>, such as smp/unet/resnet18")
        if architecture not in ARCHITECTURES:
            raise ValueError(f"smp has no architecture '{architecture}'; there are {', '.join(ARCHITECTURES)}")
        if architecture == "dpt" and not encoder.startswith(TIMM):
            raise ValueError(f"dpt needs a transformer of timm, such as {TIMM}vit_tiny_patch16_224, not '{encoder}'")
        _check_encoder(encoder)
        return variant


def head(options: Options) -> tuple[str, ...]:
    """The last convolution."""
    return ("segmentation_head.head.4",) if options.variant.startswith("dpt/") else ("segmentation_head.0",)


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB; multiples of 8, 16 or 32, for dpt of two patches; pan pools three times more and needs 128 pixels."""
    architecture, _, encoder = options.variant.partition("/")
    if architecture == "dpt":
        patch = int(next(iter(re.findall(r"patch(\d+)", encoder)), 16))
        return strided_input(native, stride=2 * patch)
    return strided_input(native, stride=STRIDES.get(architecture, 32), smallest=128 if architecture == "pan" else 0)


def pretrained(options: Options) -> Download:
    """The library's weights of the encoder.

    Raises:
        SettingsError: there are none.
    """
    encoder = options.variant.partition("/")[2]
    if encoder.startswith(TIMM) and not timm.is_model_pretrained(encoder.removeprefix(TIMM)):
        raise SettingsError(f"timm has no weights for {encoder.removeprefix(TIMM)}; leave out model.weights.")
    return Download(options.variant)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes, H, W)`` logits."""
    model = _create(options.variant, classes, weights=None)
    for name in _idle(model, spec):
        model.get_parameter(name).requires_grad = False  # several processes would wait for its gradient for ever
    return model


def features(network: nn.Module, images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` -> the coarsest maps of the encoder, ``(N, C, H', W')``."""
    maps: Tensor = network.get_submodule("encoder")(images)[-1]
    return maps


@dataclass(frozen=True, slots=True)
class Download:
    """Weights of an encoder, with the face of torchvision's ``WeightsEnum``."""

    variant: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The submodules that the weights are for."""
        return ("encoder",)

    @property
    def url(self) -> str:
        """Where the weights come from."""
        repository, revision = self._place
        return f"https://huggingface.co/{repository}/resolve/{revision}/model.safetensors"

    @property
    def folder(self) -> Path:
        """Where downloaded files are kept."""
        from huggingface_hub.constants import HF_HUB_CACHE

        return Path(HF_HUB_CACHE) / f"models--{self._place[0].replace('/', '--')}"

    def get_state_dict(self, *, progress: bool, check_hash: bool) -> Mapping[str, Tensor]:
        """Fetch the weights, unless they have been fetched before."""
        state = _create(self.variant, 1, weights=self._edition).state_dict()
        return {name: tensor for name, tensor in state.items() if name.startswith("encoder.")}

    def transforms(self) -> Any:
        """An object with the ``mean`` and ``std`` of the images that the weights were trained on."""
        if self._encoder.startswith(TIMM):
            return self._facts
        return SimpleNamespace(**get_preprocessing_params(self._encoder, self._edition))

    @property
    def _encoder(self) -> str:
        return self.variant.partition("/")[2]

    @property
    def _edition(self) -> str:
        """Which weights, where there are several: a few encoders have none of plain ImageNet."""
        known = tuple(encoders[self._encoder]["pretrained_settings"]) if self._encoder in encoders else (_IMAGENET,)
        return _IMAGENET if _IMAGENET in known else known[0]

    @property
    def _place(self) -> tuple[str, str]:
        """Repository and revision."""
        if self._encoder in encoders:
            settings = encoders[self._encoder]["pretrained_settings"][self._edition]
            return settings["repo_id"], settings["revision"]
        return str(self._facts.hf_hub_id), "main"

    @property
    def _facts(self) -> Any:
        return timm.get_pretrained_cfg(self._encoder.removeprefix(TIMM))


def _create(variant: str, classes: int, *, weights: str | None) -> nn.Module:
    architecture, _, encoder = variant.partition("/")
    # Transformers with a fixed grid of positions take other sizes only when asked to.
    flexible = {"dynamic_img_size": True} if architecture == "dpt" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old names of encoders; that transformers of timm know their weights by name
        model: nn.Module = library.create_model(architecture, encoder, weights, 3, classes, **flexible)
    return model


def _idle(model: nn.Module, spec: InputSpec) -> list[str]:
    """Parameters that the output does not depend on: pspnet uses half of an encoder, most EfficientNets have an end too many."""
    twin = copy.deepcopy(model).to("meta").eval()
    with contextlib.suppress(Exception):  # what cannot be run here is run, and explained, by the caller
        twin(torch.empty(2, spec.channels, spec.height, spec.width, device="meta")).sum().backward()
        return [name for name, parameter in twin.named_parameters() if parameter.grad is None]
    return []


def _check_encoder(encoder: str) -> None:
    name = encoder.removeprefix(TIMM)
    if encoder.startswith(TIMM) and not timm.is_model(name):
        near = _nearest(name.partition(".")[0], timm.list_models(), TIMM)
        raise ValueError(f"timm {timm.__version__} has no network '{name}'{near}")
    if not encoder.startswith(TIMM) and encoder not in encoders:
        near = _nearest(encoder, encoders, "")
        raise ValueError(f"smp has no encoder '{encoder}'{near}; networks of timm are {TIMM}<name>")


def _nearest(name: str, known: Iterable[str], prefix: str) -> str:
    names = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; near it are {', '.join(prefix + near for near in names)}" if names else ""
