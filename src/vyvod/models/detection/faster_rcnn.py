"""Faster R-CNN with a feature pyramid on ResNet-50 or MobileNetV3: two stages, accurate, 19 to 44 M parameters.

Ren, He, Girshick and Sun 2015 (https://arxiv.org/abs/1506.01497), Lin et al. 2016 (https://arxiv.org/abs/1612.03144), as
torchvision has them. The network resizes the images itself (min_size, max_size). model.weights=coco fetches torchvision's weights
of the whole network, model.weights=imagenet those of the backbone. From scratch on a CPU take mobilenet-320 with
box_batch=64, proposals=200, box_features=256 and finest_stride=16: a step takes a fraction of the time, and more is found.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import model_validator
from torch import Tensor, nn

from vyvod.models.rcnn import network, published

# Asked of this file (``models/contract.py``), and the same for both architectures.
from vyvod.models.rcnn.network import classes_of as classes_of
from vyvod.models.rcnn.network import fit_input as fit_input
from vyvod.models.rcnn.network import for_weights as for_weights
from vyvod.types import InputSpec

HEAD = ("roi_heads.box_predictor",)
RESIZE = "none"
DEFAULTS = {"training": {"batch_size": 4, "optimizer": "adamw", "learning_rate": 0.0005, "clip_norm": 10.0}}
FAMILY = "fasterrcnn"


class Options(network.RcnnOptions):
    """Options of Faster R-CNN."""

    backbone: Literal["resnet50-fpn", "resnet50-fpn-v2", "mobilenet", "mobilenet-320"] = "resnet50-fpn"
    """v2 has batch norms in the pyramid and convolutions in the second stage, and is more accurate; mobilenet is MobileNetV3
    large, mobilenet-320 the same on small images."""
    finest_stride: Literal[8, 16, 32] = 32
    """Of MobileNet's maps, pixels. As published both are of stride 32, in which small and crowded objects are lost; finer ones
    cost time and take no published weights of the whole network."""

    @model_validator(mode="after")
    def _only_mobilenet(self) -> "Options":
        if self.finest_stride != 32 and not self.backbone.startswith("mobilenet"):
            raise ValueError(
                "model.finest_stride is for model.backbone=mobilenet and mobilenet-320; ResNet-50 has maps of stride 4"
            )
        return self


def pretrained(options: Options) -> published.BodyDownload:
    """Torchvision's ImageNet weights, for the backbone."""
    return published.imagenet(options.backbone)


def pretrained_on_coco(options: Options) -> published.DetectorDownload:
    """Torchvision's weights of the whole network."""
    return published.coco(FAMILY, options.backbone)


def read(path: Path, options: Options) -> Mapping[str, Tensor] | None:
    """Torchvision's own files, old ones too."""
    return published.read(path, FAMILY, options.backbone)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """Images -> boxes, labels in 1..classes and scores; in training with targets -> losses."""
    finer = None if options.finest_stride == 32 else options.finest_stride
    return network.assemble(FAMILY, options, classes, finest_stride=finer)
