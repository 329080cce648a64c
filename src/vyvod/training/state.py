"""What a training consists of while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lightning_fabric.wrappers import _FabricModule
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel


@dataclass(slots=True)
class State:
    """Everything that changes during a training."""

    network: nn.Module
    """The network itself: its state dict is what is saved."""
    model: _FabricModule
    """The network as it is called in training: on its device, in its precision, over all processes."""
    optimizer: Optimizer
    average: AveragedModel | None = None
    epoch: int = 0
    """Epochs done."""
    step: int = 0
    """Steps of the optimiser done."""
    best: float | None = None
    """Best value of the monitored metric."""
    best_epoch: int = 0
    """The epoch, counted from 1, after which it was reached; 0 before the first."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The rows of metrics.csv."""
    class_rows: list[dict[str, Any]] = field(default_factory=list)
    """The rows of per_class.csv."""

    skipped: list[str] = field(default_factory=list)
    """A sentence for each image that could not be read (``data.on_error=skip``)."""

    @property
    def evaluated(self) -> nn.Module:
        """The network that is evaluated and handed out: the moving average where there is one."""
        return self.network if self.average is None else self.average.module
