"""Batch norm over all processes, on any device.

``torch.nn.SyncBatchNorm`` (Ioffe and Szegedy 2015 over the whole batch) works on GPUs only. This one works wherever the
processes can add up tensors, so two processes on a CPU train as one process with both halves of the batch does.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import all_reduce, get_world_size, is_available, is_initialized
from torch.nn.modules.batchnorm import _BatchNorm

from vyvod.errors import SettingsError

_ORDINARY = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def convert_batch_norm(model: nn.Module) -> nn.Module:
    """Turn every batch norm of a network into one over all processes, in place; names, values and hooks stay.

    Raises:
        SettingsError: it has a batch norm with a forward pass of its own.
    """
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm | SyncBatchNorm):
            # A change of class instead of a new module: frozen layers stay frozen, and nobody holds an old one.
            module.__class__ = _synchronised(type(module), name)  # type: ignore[assignment]
    return model


def _synchronised(kind: type[nn.Module], name: str) -> type[nn.Module]:
    if kind in _ORDINARY:
        return SyncBatchNorm
    if kind.__module__.startswith("timm.") and kind.__name__ == "BatchNormAct2d":
        return SyncBatchNormAct
    raise SettingsError(
        f"The layer '{name}' is a {kind.__name__}, which cannot be shared by several processes. Use nn.BatchNorm2d in the "
        "network, or train with training.devices=1."
    )


class SyncBatchNorm(_BatchNorm):
    """Batch norm with the mean and variance of the batches of all processes; alone, or in evaluation, ``nn.BatchNorm``.

    Every process must take part in every training step; their shares may differ in size, and may be empty.
    """

    def forward(self, images: Tensor) -> Tensor:
        """``(N, C, ...)`` -> the same shape and dtype."""
        if not self.training or not _in_company():
            return super().forward(images)
        values = images.float() if images.dtype in (torch.float16, torch.bfloat16) else images
        shape = (1, -1, *[1] * (images.ndim - 2))
        count, mean = _mean(values)
        centred = values - mean.view(shape)
        variance = _total((centred * centred).sum(_all_but_channels(values))) / count
        self._follow(count, mean.detach(), variance.detach())
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight
        normalised = centred * scale.view(shape)
        return (normalised if self.bias is None else normalised + self.bias.view(shape)).to(images.dtype)

    @torch.no_grad()
    def _follow(self, count: Tensor, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        rate = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        unbiased = variance * (count / (count - 1).clamp(min=1))
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), rate)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2 dimensions, got {input.ndim}")


class SyncBatchNormAct(SyncBatchNorm):
    """The same, followed by dropout and activation, for timm's ``BatchNormAct2d``."""

    drop: nn.Module
    act: nn.Module

    def forward(self, images: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        activated: Tensor = self.act(self.drop(super().forward(images)))
        return activated


class _Total(torch.autograd.Function):
    """Sum over all processes; the gradient of a sum is the sum of the gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        all_reduce(total)
        return total


def _total(values: Tensor) -> Tensor:
    total: Tensor = _Total.apply(values)
    return total


def _mean(values: Tensor) -> tuple[Tensor, Tensor]:
    count = values.new_tensor([values.numel() / values.shape[1]])
    sums = _total(torch.cat([values.sum(_all_but_channels(values)), count]))
    return sums[-1].detach(), sums[:-1] / sums[-1].detach()


def _all_but_channels(values: Tensor) -> list[int]:
    return [place for place in range(values.ndim) if place != 1]


def _in_company() -> bool:
    return is_available() and is_initialized() and get_world_size() > 1
