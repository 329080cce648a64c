"""What a task is: all that the loop and the evaluation need to know about outputs and targets."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

from torch import nn

from vyvod.data.loading import Preparation, Request
from vyvod.types import Batch, LossParts, Scores


class Meter(Protocol):
    """Collects predictions over a split and turns them into scores."""

    def update(self, predictions: Any, targets: Any, ids: list[str]) -> None:
        """Add a batch."""

    def merge(self, other: Self) -> None:
        """Add what another process or shard has collected; order does not matter."""

    def compute(self) -> Scores:
        """Overall, per-class and per-image values; an empty meter gives NaN. Includes the mean loss as ``loss``."""


class Task(Protocol):
    """Losses, predictions, meter: the only place that knows what outputs and targets of its kind look like."""

    name: ClassVar[str]
    headline: ClassVar[str]
    """The metric that chooses the checkpoint, by default."""
    lower_is_better: ClassVar[tuple[str, ...]]
    """Values of the meter that improve by going down, the loss among them."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""

    def preparation(self, request: Request) -> Preparation:
        """From stored uint8 samples to what the network sees; without augmentation for evaluation."""

    def losses(self, model: nn.Module, batch: Batch) -> LossParts:
        """Parts of the training loss, scalars, means over the batch; their sum is minimised."""

    def validate(self, model: nn.Module, batch: Batch) -> Any:
        """Predictions for the meter; the network is in evaluation mode."""

    def meter(self) -> Meter:
        """A new, empty meter."""
