"""Small R-CNNs, and images with objects for them."""

from typing import Any

import torch
from torch import Tensor, nn

from vyvod.models.build import Architecture, build, fit_input, resolve
from vyvod.models.contract import ModelSettings

# (backbone, parameters of 90 classes with the batch norms of training, with frozen ones)
FASTER = [
    ("resnet50-fpn", 41_808_406, 41_755_286),
    ("resnet50-fpn-v2", 43_712_278, 43_712_278),
    ("mobilenet", 19_410_754, 19_386_354),
    ("mobilenet-320", 19_410_754, 19_386_354),
]
MASK = [("resnet50-fpn", 44_454_513, 44_401_393), ("resnet50-fpn-v2", 46_359_409, 46_359_409)]


def described(name: str, **options: Any) -> Architecture:
    return resolve(ModelSettings(name=name, **options))


def made(architecture: Architecture, classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return build(architecture, fit_input(architecture, None), classes)


def quick(name: str = "faster-rcnn", classes: int = 3, **options: Any) -> nn.Module:
    """A network that sees images at 64 to 96 pixels, and finds something although it is untrained."""
    backbone = {"backbone": "mobilenet-320"} if name == "faster-rcnn" else {}
    small = {
        "min_size": 64,
        "max_size": 96,
        "proposals": 20,
        "box_batch": 16,
        "box_features": 32,
        "score_threshold": 0.0,
    }
    return made(described(name, **{**backbone, **small, **options}), classes)


def scene(
    *sizes: tuple[int, int], objects: int = 2, masks: bool = False
) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Noise of these heights and widths, with objects in it."""
    random = torch.Generator().manual_seed(0)
    images, targets = [], []
    for height, width in sizes:
        corners = torch.rand(objects, 2, generator=random) * torch.tensor([width, height]) / 2
        boxes = torch.cat([corners, corners + torch.tensor([width, height]) / 3], dim=1)
        images.append(torch.rand(3, height, width, generator=random))
        targets.append({"boxes": boxes, "labels": torch.arange(objects) % 3 + 1})
        if masks:
            targets[-1]["masks"] = (torch.rand(objects, height, width, generator=random) > 0.5).to(torch.uint8)
    return images, targets
