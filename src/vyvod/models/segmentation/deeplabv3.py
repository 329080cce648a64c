"""DeepLabv3 with ResNet 50, 101 or MobileNetV3: dilated convolutions and pooling at several reaches, 11 to 61 M parameters.

Chen, Papandreou, Schroff and Adam 2017 (https://arxiv.org/abs/1706.05587), as torchvision has it. model.weights=imagenet are its
weights for COCO with the 21 classes of Pascal VOC. In training, batches need at least two images: the pooled branch has a batch
norm over a single pixel of each image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn
from torchvision import models
from torchvision.models import WeightsEnum, segmentation

from vyvod.models.inputs import strided_input
from vyvod.types import InputSpec, Record

STRIDES = {"resnet50": 8, "resnet101": 8, "mobilenet": 16}


class Options(Record):
    """Options of DeepLabv3."""

    backbone: Literal["resnet50", "resnet101", "mobilenet"] = "resnet50"
    """mobilenet is MobileNetV3 large."""
    aux_head: bool = True
    """In training, a second and simpler head on an earlier map, whose loss is added with a small weight."""


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB; multiples of 8, with MobileNet of 16."""
    return strided_input(native, stride=STRIDES[options.backbone])


def head(options: Options) -> tuple[str, ...]:
    """The last convolution of each head."""
    return ("classifier.4", "aux_classifier.4") if options.aux_head else ("classifier.4",)


def pretrained(options: Options) -> "Download":
    """Torchvision's weights for COCO with the classes of VOC."""
    return Download(models.get_model_weights(_name(options)).DEFAULT, options.aux_head)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes, H, W)`` logits; in training ``{"out": logits, "aux": logits}``."""
    theirs = models.get_model(
        _name(options), weights=None, weights_backbone=None, num_classes=classes, aux_loss=options.aux_head
    )
    return DeepLabV3(theirs.backbone, theirs.classifier, theirs.aux_classifier)


class DeepLabV3(segmentation.DeepLabV3):  # type: ignore[misc]  # torchvision has no types
    """Torchvision's network, but for its outputs in evaluation."""

    def forward(self, images: Tensor) -> Tensor | dict[str, Tensor]:
        """``(N, 3, H, W)`` -> ``(N, classes, H, W)``; in training with an auxiliary head a dictionary of two."""
        if self.training and self.aux_classifier is not None:
            return dict(super().forward(images))
        logits: Tensor = super().forward(images)["out"]
        return logits


@dataclass(frozen=True, slots=True)
class Download:
    """Weights with the face of torchvision's ``WeightsEnum``, without the auxiliary head where the network has none."""

    weights: WeightsEnum
    aux_head: bool

    @property
    def url(self) -> str:
        """Where they come from."""
        return str(self.weights.url)

    def get_state_dict(self, *, progress: bool, check_hash: bool) -> Mapping[str, Tensor]:
        """Fetch them, unless they have been fetched before."""
        state: Mapping[str, Tensor] = self.weights.get_state_dict(progress=progress, check_hash=check_hash)
        return {name: tensor for name, tensor in state.items() if self.aux_head or not name.startswith("aux_")}

    def transforms(self) -> Any:
        """An object with the ``mean`` and ``std`` of the images that they were trained on."""
        return self.weights.transforms()


def _name(options: Options) -> str:
    return "deeplabv3_" + ("mobilenet_v3_large" if options.backbone == "mobilenet" else options.backbone)
