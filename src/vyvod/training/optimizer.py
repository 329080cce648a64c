"""The optimiser, and the moving average of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel

from vyvod.training.settings import TrainingSettings

DEFAULTS = {"adamw": (1e-3, 0.05), "sgd": (0.05, 5e-4)}
"""Optimiser -> learning rate, weight decay."""
Tensors = tuple[Tensor, ...] | list[Tensor]


def learning_rate(settings: TrainingSettings) -> float:
    """The highest learning rate: as set, or the optimiser's default."""
    return DEFAULTS[settings.optimizer][0] if settings.learning_rate is None else settings.learning_rate


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> Optimizer:
    """The optimiser over all trainable parameters; biases and norms are not decayed.

    Frozen parameters are in it too: without a gradient they are skipped, and freeing them later needs no new optimiser.
    """
    decay = DEFAULTS[settings.optimizer][1] if settings.weight_decay is None else settings.weight_decay
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if settings.optimizer == "sgd":
        nesterov = settings.momentum > 0
        return SGD(groups, lr=learning_rate(settings), momentum=settings.momentum, nesterov=nesterov)
    return AdamW(groups, lr=learning_rate(settings))


def make_average(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of the network that follows its weights and buffers; young averages follow faster: (1 + n) / (10 + n)."""

    def follow(averages: Tensors, current: Tensors, updates: Tensor | int) -> None:
        rate = min(decay, (1 + int(updates)) / (10 + int(updates)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, current, 1 - rate)  # all tensors in one call, as torch's own averages do it
        else:
            torch._foreach_copy_(averages, current)

    return AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
