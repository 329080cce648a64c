"""DeepLab v1 and v2: VGG-16 or ResNet-101 with holes, so that maps stay eight times finer than for classification.

Chen, Papandreou, Kokkinos, Murphy and Yuille 2015 (v1, https://arxiv.org/abs/1412.7062) and 2016 (v2,
https://arxiv.org/abs/1606.00915). The default is v1's LargeFOV, 20.5 M parameters. The scores, one for 8 x 8 pixels, are enlarged
with the corners aligned, which is exact for sides of 8k + 1 (321, 513). The CRF is no part of the network (`segmentation.crf`).

Differences: v2's ResNet-101 has its strides in the 3x3 convolutions, as torchvision's weights want it, sees one scale instead
of three, and trains its batch norms unless frozen. Where ImageNet weights fill a smaller fc6, its filters are every fourth of
VGG's instead of a random choice.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet101_Weights, VGG16_Weights, WeightsEnum, resnet101

from vyvod.models.inputs import strided_input
from vyvod.types import InputSpec, Record


class FieldOfView(NamedTuple):
    """How fc6 looks around."""

    kernel: int
    rates: tuple[int, ...]
    """Distance between its taps, in pixels of the map; a branch for each."""
    width: int
    """Channels of fc6 and fc7."""


FIELDS: Mapping[str, FieldOfView] = {
    "large-fov": FieldOfView(3, (12,), 1024),
    "7x7": FieldOfView(7, (4,), 4096),
    "4x4": FieldOfView(4, (4,), 4096),
    "4x4-large": FieldOfView(4, (8,), 4096),
    "aspp-s": FieldOfView(3, (2, 4, 8, 12), 1024),
    "aspp-l": FieldOfView(3, (6, 12, 18, 24), 1024),
}
VGG16 = (64, 64, "halve", 128, 128, "halve", 256, 256, 256, "halve", 512, 512, 512, "keep", 512, 512, 512, "keep")
"""Channels of the convolutions, and what the poolings do to the size of the map."""


class Options(Record):
    """Options of DeepLab v1 and v2."""

    backbone: Literal["vgg16", "resnet101"] = "vgg16"
    """resnet101 is v2's, with model.head=aspp-l."""
    head: Literal["large-fov", "7x7", "4x4", "4x4-large", "aspp-s", "aspp-l"] = "large-fov"
    """What looks around: one large kernel with holes (v1), or the sum of four with holes of different sizes (aspp, v2)."""

    @model_validator(mode="after")
    def _check(self) -> "Options":
        if self.backbone == "resnet101" and self.head != "aspp-l":
            raise ValueError(
                f"model.backbone=resnet101 was published with model.head=aspp-l only, not {self.head}; write model.head=aspp-l"
            )
        return self


def fit_input(options: Options, native: InputSpec | None) -> InputSpec:
    """RGB, sides of 8k + 1."""
    return strided_input(native, stride=8, surplus=1)


def head(options: Options) -> tuple[str, ...]:
    """The last convolution of each branch."""
    return tuple(f"branches.{place}.fc8" for place in range(len(FIELDS[options.head].rates)))


def pretrained(options: Options) -> "Download":
    """Torchvision's ImageNet weights of the backbone; VGG's fully connected layers become fc6 and fc7."""
    weights = VGG16_Weights if options.backbone == "vgg16" else ResNet101_Weights
    return Download(weights.IMAGENET1K_V1, FIELDS[options.head] if options.backbone == "vgg16" else None)


def build(options: Options, spec: InputSpec, classes: int) -> nn.Module:
    """``(N, 3, H, W)`` images -> ``(N, classes, H, W)`` logits."""
    field = FIELDS[options.head]
    if options.backbone == "vgg16":
        return DeepLab(_vgg(), [_vgg_branch(field, rate, classes) for rate in field.rates])
    return DeepLab(_resnet(), [_resnet_branch(rate, classes) for rate in field.rates])


class DeepLab(nn.Module):
    """A backbone with stride 8 and one or several branches whose scores are added up."""

    def __init__(self, backbone: nn.Module, branches: list[nn.Module]) -> None:
        super().__init__()
        self.backbone = backbone
        self.branches = nn.ModuleList(branches)

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` -> ``(N, classes, H, W)``."""
        scores = self.scores(images)
        logits: Tensor = functional.interpolate(scores, images.shape[-2:], mode="bilinear", align_corners=True)
        return logits

    def scores(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` -> ``(N, classes, (H - 1) / 8 + 1, (W - 1) / 8 + 1)``, rounding up."""
        maps = self.backbone(images)
        return torch.stack([branch(maps) for branch in self.branches]).sum(dim=0)


def _vgg() -> nn.Sequential:
    """VGG-16 without its end, layers numbered as in torchvision's ``features``."""
    layers: list[nn.Module] = []
    inputs, dilation = 3, 1
    for step in VGG16:
        if isinstance(step, int):
            convolution = nn.Conv2d(inputs, step, 3, padding=dilation, dilation=dilation)
            layers += [_he(convolution), nn.ReLU(inplace=True)]
            inputs = step
        else:
            layers.append(_pool(stride=2 if step == "halve" else 1))
            dilation = 1 if step == "halve" else 2  # to see as far as if the map had been halved
    # Caffe's average counts the padding too, as torch's does.
    return nn.Sequential(*layers, nn.AvgPool2d(3, stride=1, padding=1))


def _pool(*, stride: int) -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=stride, padding=1, ceil_mode=True)  # Caffe rounds up


def _vgg_branch(field: FieldOfView, rate: int, classes: int) -> nn.Module:
    padding = (field.kernel - 1) * rate // 2
    layers = OrderedDict[str, nn.Module](
        fc6=_he(nn.Conv2d(512, field.width, field.kernel, padding=padding, dilation=rate)),
        relu6=nn.ReLU(inplace=True),
        drop6=nn.Dropout(0.5),
        fc7=_he(nn.Conv2d(field.width, field.width, 1)),
        relu7=nn.ReLU(inplace=True),
        drop7=nn.Dropout(0.5),
        fc8=_small(nn.Conv2d(field.width, classes, 1)),
    )
    return nn.Sequential(layers)


def _resnet() -> nn.Sequential:
    """ResNet-101 whose third and fourth stage are dilated by 2 and 4 instead of halving their maps."""
    whole = resnet101(weights=None, replace_stride_with_dilation=[False, True, True])
    for stage, dilation in ((whole.layer3, 2), (whole.layer4, 4)):
        # Torchvision's first block still has the dilation of the stage before.
        stage[0].conv2.dilation = stage[0].conv2.padding = (dilation, dilation)
    whole.maxpool = _pool(stride=2)
    return nn.Sequential(
        OrderedDict((name, part) for name, part in whole.named_children() if name not in ("avgpool", "fc"))
    )


def _resnet_branch(rate: int, classes: int) -> nn.Module:
    return nn.Sequential(OrderedDict(fc8=_small(nn.Conv2d(2048, classes, 3, padding=rate, dilation=rate))))


def _he(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return _without_bias(layer)


def _small(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.normal_(layer.weight, std=0.01)
    return _without_bias(layer)


def _without_bias(layer: nn.Conv2d) -> nn.Conv2d:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True, slots=True)
class Download:
    """ImageNet weights under the names of this network, with the face of torchvision's ``WeightsEnum``."""

    weights: WeightsEnum
    field: FieldOfView | None
    """How VGG's fully connected layers are cut; None for ResNet."""

    @property
    def url(self) -> str:
        """Where they come from."""
        return str(self.weights.url)

    def get_state_dict(self, *, progress: bool, check_hash: bool) -> Mapping[str, Tensor]:
        """Fetch them, unless they have been fetched before."""
        state = self.weights.get_state_dict(progress=progress, check_hash=check_hash)
        return _from_resnet(state) if self.field is None else _from_vgg(state, self.field)

    def transforms(self) -> Any:
        """An object with the ``mean`` and ``std`` of the images that they were trained on."""
        return self.weights.transforms()


def _from_resnet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"backbone.{name}": tensor for name, tensor in state.items() if not name.startswith("fc.")}


def _from_vgg(state: Mapping[str, Tensor], field: FieldOfView) -> dict[str, Tensor]:
    body = {
        name.replace("features.", "backbone."): tensor for name, tensor in state.items() if name.startswith("features.")
    }
    for place in range(len(field.rates)):
        body |= {f"branches.{place}.{name}": tensor for name, tensor in _fully_connected(state, field, place).items()}
    return body


def _fully_connected(state: Mapping[str, Tensor], field: FieldOfView, branch: int) -> dict[str, Tensor]:
    """VGG's fc6 and fc7 as convolutions: some of the filters, other ones in each branch, and some of the 7x7 taps."""
    step = 4096 // field.width
    filters = slice(branch if step > 1 else 0, None, step)
    taps = torch.linspace(0, 6, field.kernel).round().long()
    fc6 = state["classifier.0.weight"].view(-1, 512, 7, 7)
    return {
        "fc6.weight": fc6[filters][:, :, taps][..., taps],
        "fc6.bias": state["classifier.0.bias"][filters],
        "fc7.weight": state["classifier.3.weight"][filters, filters, None, None],
        "fc7.bias": state["classifier.3.bias"][filters],
    }
