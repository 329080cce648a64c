"""Torchvision's weights of detectors: where they are, and how they come to fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from torchvision import models
from torchvision.models import WeightsEnum, detection

from vyvod.models.rcnn.network import BUILDERS
from vyvod.models.weights import TORCH_SUFFIXES, read_weights

BODY = "backbone.body"
IMAGENET = {
    "resnet50": models.ResNet50_Weights.IMAGENET1K_V1,
    "mobilenet": models.MobileNet_V3_Large_Weights.IMAGENET1K_V1,
}
"""Torchvision's detectors were trained from these; the later weights of the same networks transfer less well."""
RENAMED = (
    (r"^(rpn\.head\.conv)\.(weight|bias)$", r"\1.0.0.\2"),
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2"),
)
"""Names in files from before torchvision 0.13 -> names today."""
WITHOUT_EPSILON = (
    detection.FasterRCNN_ResNet50_FPN_Weights.COCO_V1,
    detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1,
)
"""Trained with an epsilon of 0 in the batch norms, as torchvision sets it when it loads them."""
EPSILON = 1e-5
"""Of torchvision's frozen and other batch norms."""


@dataclass(frozen=True, slots=True)
class BodyDownload:
    """ImageNet weights of a classifier, for the backbone of a detector; the face of torchvision's ``WeightsEnum``."""

    weights: WeightsEnum

    @property
    def parts(self) -> tuple[str, ...]:
        """The submodule that they are for."""
        return (BODY,)

    @property
    def url(self) -> str:
        """Where they come from."""
        return str(self.weights.url)

    def get_state_dict(self, *, progress: bool, check_hash: bool) -> Mapping[str, Tensor]:
        """Fetch them, unless they have been fetched before."""
        return as_body(self.weights.get_state_dict(progress=progress, check_hash=check_hash))

    def transforms(self) -> Any:
        """An object with the ``mean`` and ``std`` of the images that they were trained on."""
        return self.weights.transforms()


@dataclass(frozen=True, slots=True)
class DetectorDownload:
    """COCO weights of a whole detector, for the 80 classes in the order of COCO's ids; the face of a ``WeightsEnum``."""

    weights: WeightsEnum

    @property
    def url(self) -> str:
        """Where they come from."""
        return str(self.weights.url)

    def get_state_dict(self, *, progress: bool, check_hash: bool) -> Mapping[str, Tensor]:
        """Fetch them, unless they have been fetched before."""
        return as_ours(self.weights.get_state_dict(progress=progress, check_hash=check_hash), self.weights)


def imagenet(backbone: str) -> BodyDownload:
    """The weights of the backbone."""
    return BodyDownload(IMAGENET[backbone.partition("-")[0]])


def coco(family: str, backbone: str) -> DetectorDownload:
    """The weights of the whole network."""
    return DetectorDownload(models.get_model_weights(f"{family}_{BUILDERS[backbone]}").COCO_V1)


def read(path: Path, family: str, backbone: str) -> Mapping[str, Tensor] | None:
    """The weights in a file of torchvision's, of a detector or of the backbone's classifier; None: in any other file."""
    if path.suffix not in TORCH_SUFFIXES:
        return None
    tensors = read_weights(path).tensors
    theirs = coco(family, backbone)
    if path.name == Path(theirs.url).name:
        return as_ours(tensors, theirs.weights)
    if "fc.weight" in tensors or "features.0.0.weight" in tensors:
        return as_body(tensors)
    modern = with_names_of_today(tensors)
    return modern if set(modern) != set(tensors) else None


def as_body(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A classifier's weights under the names of a detector's backbone, without the classifier's last layers."""
    kept = {name.removeprefix("features."): tensor for name, tensor in state.items() if not _of_classifier(name)}
    return {f"{BODY}.{name}": tensor for name, tensor in kept.items()}


def as_ours(state: Mapping[str, Tensor], weights: WeightsEnum) -> dict[str, Tensor]:
    """The weights of a detector as our network has them: names of today, COCO's classes without gaps, its epsilon."""
    state = with_names_of_today(state)
    categories = weights.meta["categories"]
    kept = [index for index, name in enumerate(categories) if name != "N/A"]
    state = {name: _without_gaps(name, tensor, kept, len(categories)) for name, tensor in state.items()}
    return _with_epsilon(state) if weights in WITHOUT_EPSILON else state


def with_names_of_today(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename what torchvision has renamed."""
    return {_rename(name): tensor for name, tensor in state.items()}


def _of_classifier(name: str) -> bool:
    return name.startswith(("fc.", "classifier."))


def _rename(name: str) -> str:
    for old, new in RENAMED:
        name = re.sub(old, new, name)
    return re.sub(r"^(roi_heads\.mask_head)\.mask_fcn(\d)\.", lambda found: f"{found[1]}.{int(found[2]) - 1}.0.", name)


def _without_gaps(name: str, tensor: Tensor, kept: list[int], categories: int) -> Tensor:
    """A layer's rows for the classes that COCO has: of 91 ids 11 were never used, and the data set counts 80 classes."""
    if not name.startswith(("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")):
        return tensor
    rows = tensor.view(categories, -1, *tensor.shape[1:])[kept]
    return rows.flatten(0, 1)


def _with_epsilon(state: dict[str, Tensor]) -> dict[str, Tensor]:
    # Taken off the variances, the epsilon that is added later comes to nothing, also when the weights are written and read again.
    return {
        name: tensor - EPSILON if name.startswith(BODY) and name.endswith("running_var") else tensor
        for name, tensor in state.items()
    }
