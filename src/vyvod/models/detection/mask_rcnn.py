"""Mask R-CNN with a feature pyramid on ResNet-50: Faster R-CNN with a mask for every object, 44 to 46 M parameters.

He, Gkioxari, Dollár and Girshick 2017 (https://arxiv.org/abs/1703.06870), as torchvision has it. The data set needs
outlines. The network resizes the images itself (min_size, max_size). model.weights=coco fetches torchvision's weights of the
whole network, model.weights=imagenet those of the backbone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from vyvod.models.rcnn import network, published

# Asked of this file (``models/contract.py``), and the same for both architectures.
from vyvod.models.rcnn.network import classes_of as classes_of
from vyvod.models.rcnn.network import fit_input as fit_input
from vyvod.models.rcnn.network import for_weights as for_weights
from vyvod.types import InputSpec

HEAD = ("roi_heads.box_predictor", "roi_heads.mask_predictor.mask_fcn_logits")
RESIZE = "none"
DEFAULTS = {"training": {"batch_size": 4, "optimizer": "adamw", "learning_rate": 0.0005, "clip_norm": 10.0}}
MASKS = True
FAMILY = "maskrcnn"


class Options(network.RcnnOptions):
    """Options of Mask R-CNN."""

    backbone: Literal["resnet50-fpn", "resnet50-fpn-v2"] = "resnet50-fpn"
    """v2 has batch norms in the pyramid and convolutions in the second stage, and is more accurate."""


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
    """Images -> boxes, labels in 1..classes, scores and masks; in training with targets -> losses."""
    return network.assemble(FAMILY, options, classes)
