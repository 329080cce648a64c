"""Counting parameters without filling them."""

import torch

from vyvod.models.build import resolve
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec


def parameters(name: str, classes: int, side: int = 224, **options: object) -> int:
    architecture = resolve(ModelSettings(name=name, **options))
    with torch.device("meta"):
        model = architecture.module.build(architecture.options, InputSpec(3, side, side), classes)
    return sum(parameter.numel() for parameter in model.parameters())


def runs_at(name: str, side: int, **options: object) -> torch.Size:
    architecture = resolve(ModelSettings(name=name, **options))
    with torch.device("meta"):
        model = architecture.module.build(architecture.options, InputSpec(3, side, side), 10).eval()
        return model(torch.empty(2, 3, side, side)).shape
