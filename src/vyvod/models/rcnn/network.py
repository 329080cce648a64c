"""Networks in two stages: one finds regions that may hold an object, the other says what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torchvision import models
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import mobilenet_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.ops import FrozenBatchNorm2d

from vyvod.models.build import freeze
from vyvod.types import InputSpec, Record, Side

BUILDERS = {
    "resnet50-fpn": "resnet50_fpn",
    "resnet50-fpn-v2": "resnet50_fpn_v2",
    "mobilenet": "mobilenet_v3_large_fpn",
    "mobilenet-320": "mobilenet_v3_large_320_fpn",
}
"""Backbone in the settings -> what stands behind ``fasterrcnn_`` and ``maskrcnn_`` in torchvision."""
STAGES = {
    "resnet": ("layer4", "layer3", "layer2", "layer1", "conv1 bn1"),
    "mobilenet": ("16", "13 14 15", "7 8 9 10 11 12", "4 5 6", "2 3", "0 1"),
}
"""Layers of a backbone's stages, the last first: ``trainable_layers`` counts from there."""
PRETRAINED_STAGES = 3
FINER = {16: (3, 5), 8: (2, 3, 5)}
"""Finest stride -> stages of MobileNet that the pyramid stands on, counted from the first."""
SIDES = {"mobilenet-320": (320, 640)}
"""Of the shorter and the longer side of an image, where they are not 800 and 1333."""
PUBLISHED_FEATURES = 1024
POOLED = 7
"""Side of the map that is cut out for a region."""

Images = Tensor | Sequence[Tensor]
"""``(N, 3, H, W)``, or N times ``(3, h, w)`` of any sizes; float32 in 0..1, RGB."""
Targets = Sequence[dict[str, Tensor]]
"""For each image ``boxes`` ``(M, 4)`` float32 pixels, ``labels`` ``(M,)`` int64 from 1, and for masks ``(M, h, w)`` uint8."""
Norm = Literal["batch", "group", "frozen"]


class RcnnOptions(Record):
    """Options that Faster R-CNN and Mask R-CNN share."""

    min_size: Side | None = None
    """Images are resized so that their shorter side has that many pixels, small ones too; by default 800, with
    mobilenet-320 320."""
    max_size: Side | None = None
    """... but their longer side not more than that many; by default 1333, with mobilenet-320 640."""
    norm: Norm | None = None
    """Of the backbone. `batch`: of the images that are trained on; `frozen`: with the statistics of the weights, unchanged;
    `group`: of groups of 8 to 64 channels of each image, which does not mind small batches, but takes no published weights. By
    default frozen with model.weights (v2: batch), else batch."""
    trainable_layers: int | None = Field(None, ge=0, le=6)
    """Stages of the backbone that are trained, counted from the last: ResNet has 5, MobileNet 6. By default 3 with model.weights,
    else all."""
    proposals: int | None = Field(None, ge=10)
    """Regions of each image that the first stage hands on; by default 2000 in training and 1000 in evaluation, with
    mobilenet-320 150 in evaluation. Fewer are faster."""
    rpn_batch: int = Field(256, ge=8)
    """Anchors of each image that the first stage learns from in a step."""
    box_batch: int = Field(512, ge=8)
    """Regions of each image that the second stage learns from in a step. On a CPU most of the time goes here: 64 make a step of
    mobilenet-320 several times faster."""
    box_features: int = Field(1024, ge=16)
    """Width of the second stage's hidden layers; published weights have 1024."""
    score_threshold: float = Field(0.05, ge=0, lt=1)
    """Lowest score of a detection."""
    nms_threshold: float = Field(0.5, gt=0, le=1)
    """Of two boxes of a class whose IoU is above it, the one with the lower score is dropped."""
    detections: int = Field(100, ge=1)
    """At most, of each image."""
    backbone: str
    """A key of ``BUILDERS``; which ones, and the default, each architecture says."""


AnyOptions = TypeVar("AnyOptions", bound=RcnnOptions)


def fit_input(options: RcnnOptions, native: InputSpec | None) -> InputSpec:
    """RGB, native size, since the network resizes; for images of various sizes the largest that it resizes them to."""
    shorter, longer = sides(options)
    return InputSpec(3, shorter, longer) if native is None else InputSpec(3, native.height, native.width)


def for_weights(options: AnyOptions, source: str) -> AnyOptions:
    """As torchvision has it: with weights batch norms are frozen (v2: not) and the backbone's first stages are not trained."""
    norm = options.norm or ("batch" if options.backbone.endswith("v2") else "frozen")
    layers = PRETRAINED_STAGES if options.trainable_layers is None else options.trainable_layers
    return options.model_copy(update={"norm": norm, "trainable_layers": layers})


def classes_of(outputs: int) -> int:
    """The head has one output more than there are classes: background."""
    return outputs - 1


def assemble(family: str, options: RcnnOptions, classes: int, *, finest_stride: int | None = None) -> Rcnn:
    """Build one of torchvision's networks, freshly initialised.

    Args:
        family: ``fasterrcnn`` or ``maskrcnn``.
        options: as set.
        classes: without background.
        finest_stride: of MobileNet's maps that are looked at, pixels; None: as published, 32.
    """
    backbone = options.backbone
    theirs = models.get_model(
        f"{family}_{BUILDERS[backbone]}", weights=None, weights_backbone=None, num_classes=classes + 1, **_arguments(options)
    )  # fmt: skip
    if options.box_features != PUBLISHED_FEATURES:
        _narrow(theirs.roi_heads, options.box_features, classes, convolutional=backbone.endswith("v2"))
    if finest_stride is not None:
        _see_finer(theirs, finest_stride)
    model = Rcnn(theirs.backbone, theirs.rpn, theirs.roi_heads, theirs.transform)
    _set_norms(model if options.norm == "group" else model.backbone.body, options.norm or "batch")
    freeze(model, _frozen(backbone, options.trainable_layers), ())
    return model


def sides(options: RcnnOptions) -> tuple[int, int]:
    """Pixels of the shorter and of the longer side that images are resized to."""
    shorter, longer = SIDES.get(options.backbone, (800, 1333))
    shorter = options.min_size or shorter
    return shorter, max(options.max_size or longer, shorter)


class Rcnn(GeneralizedRCNN):  # type: ignore[misc]  # torchvision has no types
    """Torchvision's network, with two differences in evaluation mode.

    Images of one size share a pass, others do not: torchvision pads a batch to its largest image, and what it finds in an image
    then depends on its neighbours. And the network can judge: losses and detections of one pass.
    """

    def forward(self, images: Images, targets: Targets | None = None) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """In training mode losses, means over the images; in evaluation mode the detections of each image."""
        if self.training:
            losses: dict[str, Tensor] = super().forward(images, targets)
            return losses
        found = dict[int, dict[str, Tensor]]()
        for places in _of_one_size(images):
            found |= dict(zip(places, super().forward([images[place] for place in places]), strict=True))
        return [found[place] for place in range(len(images))]

    @torch.no_grad()
    def judge(self, images: Images, targets: Targets) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
        """Losses and detections of images whose objects are known, in evaluation mode.

        The losses are those of the training, of regions that are always drawn alike and with batch norms as in evaluation. The
        backbone runs once, the two stages twice.

        Returns:
            Scalar losses, means over the images; for each image boxes, labels and scores.
        """
        shares, found = list[dict[str, Tensor]](), dict[int, dict[str, Tensor]]()
        for places in _of_one_size(images):
            losses, ones = self._judge_alike([images[place] for place in places], [targets[place] for place in places])
            shares.append({name: loss * (len(places) / len(images)) for name, loss in losses.items()})
            found |= dict(zip(places, ones, strict=True))
        summed = {name: torch.stack([share[name] for share in shares]).sum() for name in shares[0]}
        return summed, [found[place] for place in range(len(images))]

    def _judge_alike(
        self, images: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
        batch, resized = self.transform(images, targets)
        features = self.backbone(batch.tensors)
        with self._learning(batch.tensors.device):
            proposals, losses = self.rpn(batch, features, resized)
            _, box_losses = self.roi_heads(features, proposals, batch.image_sizes, resized)
        proposals, _ = self.rpn(batch, features)
        found, _ = self.roi_heads(features, proposals, batch.image_sizes)
        given = [(image.shape[-2], image.shape[-1]) for image in images]
        return {**box_losses, **losses}, self.transform.postprocess(found, batch.image_sizes, given)

    @torch.no_grad()
    def outputs(self, images: Tensor) -> Any:
        """Every convolution and matrix of a pass in evaluation mode, for as many regions as there can be; for counting."""
        batch, _ = self.transform(images)
        features = self.backbone(batch.tensors)
        self.rpn.head(list(features.values()))
        count, heads = self.rpn.post_nms_top_n() * len(images), self.roi_heads
        channels = self.backbone.out_channels
        heads.box_predictor(heads.box_head(images.new_empty(count, channels, POOLED, POOLED)))
        if heads.has_mask():
            count = heads.detections_per_img * len(images)
            heads.mask_predictor(heads.mask_head(images.new_empty(count, channels, 2 * POOLED, 2 * POOLED)))

    @contextmanager
    def _learning(self, device: torch.device) -> Iterator[None]:
        """Both stages answer losses; the layers in them stay in evaluation mode, and what they draw is always the same."""
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(0)
            self.rpn.training = self.roi_heads.training = True
            try:
                yield
            finally:
                self.rpn.training = self.roi_heads.training = False


def _of_one_size(images: Images) -> list[list[int]]:
    """Places of the images, those of equal size together."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, image in enumerate(images):
        places.setdefault(tuple(image.shape), []).append(place)
    return list(places.values())


def _arguments(options: RcnnOptions) -> dict[str, Any]:
    shorter, longer = sides(options)
    arguments = {
        "min_size": shorter,
        "max_size": longer,
        "rpn_batch_size_per_image": options.rpn_batch,
        "box_batch_size_per_image": options.box_batch,
        "box_score_thresh": options.score_threshold,
        "box_nms_thresh": options.nms_threshold,
        "box_detections_per_img": options.detections,
    }
    return arguments | ({} if options.proposals is None else _proposals(options.proposals))


def _proposals(count: int) -> dict[str, int]:
    # Suppression compares pairs: twice as many as are wanted go in from each level, as torchvision's 2000 and 1000 roughly do.
    names = [(f"rpn_pre_nms_top_n_{when}", f"rpn_post_nms_top_n_{when}") for when in ("train", "test")]
    return {name: number for before, after in names for name, number in ((before, 2 * count), (after, count))}


def _narrow(heads: Any, features: int, classes: int, *, convolutional: bool) -> None:
    """Give the second stage other hidden layers."""
    channels = heads.box_head[0][0].in_channels if convolutional else heads.box_head.fc6.in_features // POOLED**2
    heads.box_head = (
        FastRCNNConvFCHead((channels, POOLED, POOLED), [channels] * 4, [features], norm_layer=nn.BatchNorm2d)
        if convolutional
        else TwoMLPHead(channels * POOLED**2, features)
    )
    heads.box_predictor = FastRCNNPredictor(features, classes + 1)


def _see_finer(model: Any, stride: int) -> None:
    """Give MobileNet a pyramid that begins with a finer map."""
    stages = FINER[stride]
    model.backbone = mobilenet_backbone(
        backbone_name="mobilenet_v3_large", weights=None, fpn=True, norm_layer=nn.BatchNorm2d, trainable_layers=6,
        returned_layers=list(stages),
    )  # fmt: skip
    known = model.rpn.anchor_generator
    levels = len(stages) + 1  # and one that is pooled from the last
    model.rpn.anchor_generator = AnchorGenerator(known.sizes[:1] * levels, known.aspect_ratios[:1] * levels)


def _set_norms(module: nn.Module, norm: Norm) -> None:
    """Put other norms in the place of batch norms; torchvision's builders choose them by whether they load weights."""
    if norm == "batch":
        return
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d):
            channels = child.num_features
            setattr(module, name, FrozenBatchNorm2d(channels) if norm == "frozen" else _group_norm(channels))
        else:
            _set_norms(child, norm)


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32 if channels % 32 == 0 else channels // 8, channels)


def _frozen(backbone: str, trainable: int | None) -> tuple[str, ...]:
    stages = STAGES[backbone.partition("-")[0].rstrip("0123456789")]
    frozen = () if trainable is None else stages[trainable:]
    return tuple(f"backbone.body.{name}" for stage in frozen for name in stage.split())
