"""What a task is: all that the loop, the evaluation and the report need to know about outputs and targets."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

import numpy as np
from torch import Tensor, nn

from vyvod.data.loading import BatchTransform
from vyvod.data.transforms import AugmentationSettings, Normalisation
from vyvod.types import Batch, InputSpec, LossParts, Scores


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

    def transform(
        self, spec: InputSpec, normalisation: Normalisation, augmentation: AugmentationSettings
    ) -> BatchTransform:
        """From stored uint8 batches to what the network sees; without augmentation for evaluation."""

    def losses(self, model: nn.Module, batch: Batch) -> LossParts:
        """Parts of the training loss, scalars, means over the batch; their sum is minimised."""

    def predict(self, model: nn.Module, images: Tensor) -> Any:
        """The network's answer to prepared images, ready for a person."""

    def validate(self, model: nn.Module, batch: Batch) -> Any:
        """Predictions for the meter; the network is in evaluation mode."""

    def meter(self) -> Meter:
        """A new, empty meter."""

    def drawing(self, image: Tensor) -> np.ndarray:
        """``(H, W, 3)`` uint8 picture of a stored image for the gallery."""
