"""Reconstruction: draw an image again, from itself, from a noisy copy, or from what is left of it; used for pretraining.

Targets of a batch: ``{"images": (N, C, H, W) float32}``, the images as they are, normalised; and where patches are hidden
``"hidden"``, ``(N, 1, H, W)`` bool. Images are normalised as for a classifier, so that it can use the encoder: the loss is the
squared error of normalised values, metrics are those of values in 0..1. With hidden patches both count there only, as in He et
al. 2021 (https://arxiv.org/abs/2111.06377): what is seen need not be learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from vyvod import losses
from vyvod.data.loading import BatchTransform, Preparation, Request
from vyvod.data.transforms import (
    Draws,
    Normalisation,
    OnImage,
    SampleTransform,
    augmented,
    crops_by_padding,
    for_evaluation,
    for_training,
    to_network,
)
from vyvod.metrics import reconstruction as metrics
from vyvod.seeds import derive
from vyvod.types import Batch, LossParts, Record, Scores


class ReconstructionSettings(Record):
    """What an autoencoder has to undo. For reconstruction only."""

    noise: float = Field(0.0, ge=0, le=1)
    """Standard deviation of the noise that is added to the images, of values in 0..1; 0 is off, 0.2 is usual."""
    masked: float = Field(0.0, ge=0, lt=1)
    """Share of the patches that are hidden (set to the mean); loss and metrics then count there only. 0 is off, 0.5 is usual."""
    patch: int = Field(4, ge=1)
    """Side of a patch, pixels: about a seventh of the image's."""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The task; it has no classes."""

    name: ClassVar[str] = "reconstruction"
    headline: ClassVar[str] = metrics.HEADLINE
    lower_is_better: ClassVar[tuple[str, ...]] = ("loss", *metrics.LOWER_IS_BETTER)

    settings: ReconstructionSettings
    normalisation: Normalisation
    classes: tuple[str, ...] = ()

    def preparation(self, request: Request) -> Preparation:
        """From stored images to what the network sees, with the images themselves as targets."""
        return Preparation(self._batch_transform(request), _image_transform(request))

    def _batch_transform(self, request: Request) -> BatchTransform:
        def transform(batch: Batch, draws: Draws) -> Batch:
            stored = augmented(cast(Tensor, batch.images), request.augmentation, draws)
            images = to_network(stored, request.spec, request.normalisation)
            # In evaluation an image is spoilt the same way in every run, whatever batch it is in.
            seeds = draws.integers(0, 2**62).tolist() if request.training else [seed_of(name) for name in batch.ids]
            seen, hidden = self.spoilt(images, seeds)
            return replace(
                batch, images=seen, targets={"images": images, **({} if hidden is None else {"hidden": hidden})}
            )

        return transform

    def spoilt(self, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """Images as the network gets to see them.

        Args:
            images: ``(N, C, H, W)`` float32, normalised.
            seeds: one for each image.

        Returns:
            the same with noise and hidden patches; ``(N, 1, H, W)`` bool, True where a patch is hidden, None where none is.
        """
        if not self.settings.noise and not self.settings.masked:
            return images, None
        # A generator for each image costs about as much as drawing its noise, and makes it independent of its batch.
        sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        if self.settings.noise:
            noise = torch.stack([torch.randn(images.shape[1:], generator=source) for source in sources])
            images = images + noise.to(images.device) * self.settings.noise / self._scaled(
                self.normalisation.std, images
            )
        if not self.settings.masked:
            return images, None
        height, width = images.shape[-2:]
        hidden = torch.stack([self._patches(height, width, source) for source in sources]).to(images.device)
        return images.masked_fill(hidden, 0.0), hidden

    def _patches(self, height: int, width: int, source: torch.Generator) -> Tensor:
        """``(1, height, width)`` bool: the share of the patches that is hidden, at least one."""
        side = self.settings.patch
        rows, columns = -(-height // side), -(-width // side)
        number = max(1, round(self.settings.masked * rows * columns))
        grid = torch.zeros(rows * columns, dtype=torch.bool)
        grid[torch.rand(rows * columns, generator=source).argsort()[:number]] = True
        patches = grid.view(1, rows, columns).repeat_interleave(side, 1).repeat_interleave(side, 2)
        return patches[:, :height, :width]

    def losses(self, model: nn.Module, batch: Batch) -> LossParts:
        """The squared error of normalised values, under its name."""
        targets = cast(Mapping[str, Tensor], batch.targets)
        errors = losses.squared_errors(model(batch.images), targets["images"], counted=targets.get("hidden"))
        return {"squared_error": errors.mean()}

    def validate(self, model: nn.Module, batch: Batch) -> Tensor:
        """``(N, C, H, W)`` float32, normalised."""
        drawn: Tensor = model(batch.images)
        return drawn.float()

    def meter(self) -> ReconstructionMeter:
        """A new, empty meter."""
        return ReconstructionMeter(self)

    def values(self, images: Tensor) -> Tensor:
        """``(N, C, H, W)`` values in 0..1 of normalised images."""
        mean, std = (self._scaled(parts, images) for parts in (self.normalisation.mean, self.normalisation.std))
        return (images * std + mean).clamp(0, 1)

    def redrawn(self, model: nn.Module, images: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """What the network sees of images and makes of it, for a person.

        Args:
            model: in evaluation mode.
            images: ``(N, C, H, W)`` float32, normalised.
            seeds: one for each image.

        Returns:
            seen and redrawn, ``(N, C, H, W)`` in 0..1, the latter with visible patches as they are; ``(N,)`` squared errors.
        """
        seen, hidden = self.spoilt(images, seeds)
        drawn = model(seen).float()
        errors = losses.squared_errors(self.values(drawn), self.values(images), counted=hidden)
        shown = drawn if hidden is None else torch.where(hidden, drawn, images)
        return self.values(seen), self.values(shown), errors

    @staticmethod
    def _scaled(parts: tuple[float, ...], images: Tensor) -> Tensor:
        return torch.tensor(parts, device=images.device).view(1, -1, 1, 1)


def seed_of(identity: str) -> int:
    """The seed with which an image of that id is spoilt in evaluation."""
    return derive(0, "spoilt", identity)


def _image_transform(request: Request) -> SampleTransform | None:
    spec, augmentation = request.spec, request.augmentation
    if not request.training:
        return None if request.kept else OnImage(for_evaluation(spec, request.data.resize))
    by_image = augmentation.policy != "none" or not crops_by_padding(augmentation, max(spec.height, spec.width))
    if request.kept and not by_image:
        return None
    return OnImage(for_training(spec, augmentation, request.data.resize))


@dataclass
class ReconstructionMeter:
    """Keeps the loss and the squared error of each image; every metric follows from them."""

    task: Reconstruction
    ids: list[str] = field(default_factory=list)
    columns: dict[str, list[Tensor]] = field(default_factory=lambda: {"loss": [], "mse": []})

    def update(self, predictions: Tensor, targets: Mapping[str, Tensor], ids: list[str]) -> None:
        """Add a batch.

        Args:
            predictions: ``(N, C, H, W)`` float32, normalised.
            targets: as the task prepares them.
            ids: N ids.
        """
        images, hidden = targets["images"], targets.get("hidden")
        values = self.task.values
        self.ids.extend(ids)
        self.columns["loss"].append(losses.squared_errors(predictions, images, counted=hidden).cpu())
        self.columns["mse"].append(losses.squared_errors(values(predictions), values(images), counted=hidden).cpu())

    def merge(self, other: Self) -> None:
        """Add what another process has collected."""
        self.ids.extend(other.ids)
        for name, column in other.columns.items():
            self.columns[name].extend(column)

    def compute(self) -> Scores:
        """The scores; per-image rows are sorted by id, so that they do not depend on how the work was shared out."""
        order = np.argsort(np.array(self.ids, dtype=np.str_), kind="stable")
        rows = {name: _array(parts)[order] for name, parts in self.columns.items()}
        rows["id"] = np.array(self.ids, dtype=np.str_)[order]
        return from_rows(rows)


def from_rows(rows: dict[str, np.ndarray]) -> Scores:
    """All scores from the per-image columns, for all images or for any choice of them.

    Args:
        rows: ``id``; ``loss`` and ``mse``, ``(N,)`` float32.
    """
    overall = metrics.overall(rows["mse"].astype(np.float64))
    overall["loss"] = float(rows["loss"].mean(dtype=np.float64)) if len(rows["loss"]) else float("nan")
    return Scores(overall, {}, rows)


def _array(parts: list[Tensor]) -> np.ndarray:
    return torch.cat(parts).numpy() if parts else np.zeros(0, dtype=np.float32)
