"""The learning-rate finder: the loss while the rate grows from step to step (Smith 2015, https://arxiv.org/abs/1506.01186)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from vyvod.tasks.contract import Task
from vyvod.types import Batch

SMOOTHING = 0.9
BLOWN_UP = 4.0
"""The sweep ends when the smoothed loss is that many times its lowest value."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the finder saw."""

    rates: list[float]
    losses: list[float]
    """Smoothed, one for each rate."""

    @property
    def steepest(self) -> float:
        """The rate at which the loss falls fastest over the logarithm of the rate."""
        # The first tenth is the average still finding its place.
        start = len(self.losses) // 10
        falls = [
            (after - before, place)
            for place, (before, after) in enumerate(zip(self.losses, self.losses[1:], strict=False))
        ]
        return self.rates[min(falls[start:] or falls)[1]]

    @property
    def lowest(self) -> float:
        """The rate with the lowest loss, just before it rises."""
        return self.rates[min(range(len(self.losses)), key=self.losses.__getitem__)]

    @property
    def proposed(self) -> float:
        """Between the two: the steepest, but never above a third of the lowest."""
        return min(math.sqrt(self.steepest * self.lowest), self.lowest / 3)


def sweep(network: nn.Module, optimizer: Optimizer, task: Task, batches: Iterable[Batch], rates: list[float]) -> Sweep:
    """Train on a batch at each rate, from low to high, until the loss blows up.

    The network is trained on the way and is of no use afterwards.
    """
    average, seen, losses = 0.0, [], []
    network.train()
    for rate, batch in zip(rates, batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss = torch.stack(list(task.losses(network, batch).values())).sum()
        if not math.isfinite(loss.item()):
            break
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average = SMOOTHING * average + (1 - SMOOTHING) * loss.item()
        seen.append(rate)
        losses.append(average / (1 - SMOOTHING ** len(seen)))
        if losses[-1] > BLOWN_UP * min(losses):
            break
    return Sweep(seen, losses)
