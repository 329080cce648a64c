"""Test vectors that need no other program: numbers computed from names alone, and what networks filled with them give."""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden.json").read_text())
SIZE = (1, 3, 128, 160)


def numbers(name: str, count: int) -> np.ndarray:
    """``(count,)`` float64 in 0..1: a hash of the name and the place, mixed by the last step of murmur3."""
    mixed = ((zlib.crc32(name.encode()) + np.arange(count, dtype=np.uint64) * 0x9E3779B9) % 2**32).astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> shift)) * np.uint32(factor)
    return (mixed ^ (mixed >> 16)).astype(np.float64) / 2**32


def tensor(values: np.ndarray, *shape: int) -> Tensor:
    return torch.from_numpy(values).float().view(shape)


def images() -> Tensor:
    return tensor(numbers("input", int(np.prod(SIZE))), *SIZE)


@torch.no_grad()
def fill(target: Tensor, name: str, kind: str, gain: float = 1.0) -> None:
    """Fill a tensor in place; ``kind`` is weights, biases, scales, rolling_mean or rolling_variance."""
    values = numbers(name, target.numel())
    if kind == "weights":
        values = (values - 0.5) * 12**0.5 * gain * (2 / target[0].numel()) ** 0.5
    else:
        values = {"scales": 0.8 + 0.4 * values, "rolling_variance": 0.5 + values}.get(kind, 0.4 * (values - 0.5))
    target.copy_(tensor(values, *target.shape))


def fill_darknet(model: nn.Module, layers: list[int], gain: float) -> nn.Module:
    """Fill a network whose convolutions are the given layers of darknet's cfg, in the order in which they are registered."""
    blocks = [module for module in model.modules() if hasattr(module, "norm") and hasattr(module, "conv")]
    for block, layer in zip(blocks, layers, strict=True):
        tensors = {"weights": block.conv.weight}
        if block.norm is None:
            tensors["biases"] = block.conv.bias
        else:
            names = ("biases", "scales", "rolling_mean", "rolling_variance")
            norm = block.norm
            tensors |= dict(zip(names, (norm.bias, norm.weight, norm.running_mean, norm.running_var), strict=True))
        for kind, target in tensors.items():
            fill(target, f"{layer}.{kind}", kind, gain)
    return model.eval()


def compare(values: Tensor, expected: dict) -> None:
    """Shape, seven values within 1e-4 of the largest, mean and deviation."""
    assert list(values.shape) == expected["shape"]
    flat, tolerance = values.double().reshape(-1), 1e-4 * expected["absmax"]
    assert (flat[expected["idx"]] - torch.tensor(expected["val"], dtype=torch.float64)).abs().max() < tolerance
    assert abs(flat.mean() - expected["mean"]) < tolerance
    assert abs(flat.std(correction=0) - expected["std"]) < tolerance
    assert abs(flat.abs().max() - expected["absmax"]) < tolerance
