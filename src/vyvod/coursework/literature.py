"""What architectures reach as published: figures of the original papers and of torchvision's weights, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_IMAGENET = "ImageNet top-1 {} % (torchvision)"
_COCO_DETECTION = "COCO val mAP {} (torchvision)"
_VOC_LABELS = "COCO val, VOC's classes: mIoU {} (torchvision)"
_YOLO5 = "COCO val mAP {} at 640 pixels (YOLOv5, v7.0)"
_CIFAR = "CIFAR-10 accuracy {} % (He et al. 2016)"
_CUTOUT = "{} % (DeVries & Taylor 2017, 200 epochs)"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one network reached."""

    text: str
    """Data, metric, value and source, short."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options of the architecture that it holds for; those that are not named do not matter. The default comes first."""
    data: str | None = None
    """Only where this data set is asked about; such figures go first."""


def _each(option: str, text: str, values: Mapping[Any, str], **options: Any) -> tuple[Figure, ...]:
    return tuple(Figure(text.format(value), {option: choice, **options}) for choice, value in values.items())


FIGURES: Mapping[str, tuple[Figure, ...]] = {
    "alexnet": (Figure(_IMAGENET.format("56.5")),),
    "vgg": (
        *_each("depth", _IMAGENET, {16: "73.4", 19: "74.2"}, batch_norm=True),
        *_each("depth", _IMAGENET, {16: "71.6", 19: "72.4"}, batch_norm=False),
    ),
    "resnet": (
        Figure("CIFAR-10 accuracy " + _CUTOUT.format("95.3"), {"depth": 18}, "cifar10"),
        Figure("CIFAR-100 accuracy " + _CUTOUT.format("77.5"), {"depth": 18}, "cifar100"),
        *_each("depth", _IMAGENET, {18: "69.8", 34: "73.3", 50: "76.1", 101: "77.4", 152: "78.3"}),
        *_each("depth", _CIFAR, {20: "91.25", 32: "92.49", 44: "92.83", 56: "93.03", 110: "93.57"}),
    ),
    "efficientnet": (
        *_each(
            "variant", _IMAGENET, {"b0": "77.7", "b1": "78.6", "b2": "80.6", "b3": "82.0", "b4": "83.4", "b5": "83.4"}
        ),
        *_each("variant", _IMAGENET, {"b6": "84.0", "b7": "84.1", "v2-s": "84.2", "v2-m": "85.1", "v2-l": "85.8"}),
    ),
    "deeplab": (
        Figure(
            "VOC 2012 val mIoU 62.25, with CRF 67.64 (Chen et al. 2015)", {"backbone": "vgg16", "head": "large-fov"}
        ),
        Figure(
            "VOC 2012 val mIoU 76.35, with CRF 77.69 (Chen et al. 2017)", {"backbone": "resnet101", "head": "aspp-l"}
        ),
    ),
    "deeplabv3": _each("backbone", _VOC_LABELS, {"resnet50": "66.4", "resnet101": "67.4", "mobilenet": "60.3"}),
    "unet": (Figure("PhC-U373 IoU 92.0, DIC-HeLa 77.5 (Ronneberger et al. 2015)", {"width": 64}),),
    "faster-rcnn": _each(
        "backbone",
        _COCO_DETECTION,
        {"resnet50-fpn": "37.0", "resnet50-fpn-v2": "46.7", "mobilenet": "32.8", "mobilenet-320": "22.8"},
        finest_stride=32,
    ),
    "mask-rcnn": _each(
        "backbone", _COCO_DETECTION, {"resnet50-fpn": "37.9, of masks 34.6", "resnet50-fpn-v2": "47.4, of masks 41.8"}
    ),
    "yolo3": (
        Figure("COCO test-dev mAP 31.0 at 416 pixels (Redmon & Farhadi 2018)", {"size": "full"}),
        Figure("COCO test-dev mAP@0.5 60.6 at 608 pixels (Redmon's page)", {"size": "spp"}),
        Figure("COCO test-dev mAP@0.5 33.1 at 416 pixels (Redmon's page)", {"size": "tiny"}),
    ),
    "yolo4": (
        Figure("COCO test-dev mAP 41.2 at 416 pixels (Bochkovskiy et al. 2020)", {"size": "full"}),
        Figure("COCO test-dev mAP 22.0 at 416 pixels (Wang et al. 2021)", {"size": "tiny"}),
    ),
    "yolo5": _each("size", _YOLO5, {"n": "28.0", "s": "37.4", "m": "45.4", "l": "49.0", "x": "50.7"}),
}
"""Architecture -> what its variants reached. Where nothing certain is known, there is nothing."""


def figure(model: Mapping[str, Any], data: str) -> str | None:
    """What a network reaches in the literature, preferably on that data set; None where nothing certain is known.

    Args:
        model: ``name`` and options, as in the settings; options that are not given are taken to be the usual ones, whose figure
            stands first.
        data: the data set in question.
    """
    known = [
        each
        for each in FIGURES.get(str(model.get("name")), ())
        if each.data in (None, data) and all(model.get(key, value) == value for key, value in each.options.items())
    ]
    return min(known, key=lambda each: each.data is None).text if known else None
