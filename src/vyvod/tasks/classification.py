"""Classification: one class per image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from vyvod import losses
from vyvod.data.loading import BatchTransform, Preparation, Request
from vyvod.data.transforms import (
    Draws,
    OnImage,
    SampleTransform,
    augmented,
    crops_by_padding,
    erased,
    for_evaluation,
    for_training,
    mixed,
    to_network,
)
from vyvod.metrics import classification as metrics
from vyvod.types import Batch, LossParts, Scores


@dataclass(frozen=True, slots=True)
class Classification:
    """The task for a given list of classes."""

    name: ClassVar[str] = "classification"
    headline: ClassVar[str] = metrics.HEADLINE
    lower_is_better: ClassVar[tuple[str, ...]] = ("loss", *metrics.LOWER_IS_BETTER)

    classes: tuple[str, ...]
    label_smoothing: float = 0.0

    def preparation(self, request: Request) -> Preparation:
        """From stored images to normalised float32 batches; labels become class shares under mixup and CutMix."""
        return Preparation(self._batch_transform(request), _image_transform(request))

    def _batch_transform(self, request: Request) -> BatchTransform:
        augmentation = request.augmentation
        mixes = augmentation.mixup > 0 or augmentation.cutmix > 0

        def transform(batch: Batch, draws: Draws) -> Batch:
            images = augmented(cast(Tensor, batch.images), augmentation, draws)
            images = erased(to_network(images, request.spec, request.normalisation), augmentation.erase, draws)
            targets = batch.targets
            if mixes:
                images, targets = mixed(images, targets, len(self.classes), augmentation, draws)
            return replace(batch, images=images, targets=targets)

        return transform

    def losses(self, model: nn.Module, batch: Batch) -> LossParts:
        """The cross-entropy, under its name."""
        logits = model(batch.images)
        return {"cross_entropy": losses.cross_entropy(logits, batch.targets, label_smoothing=self.label_smoothing)}

    def validate(self, model: nn.Module, batch: Batch) -> Tensor:
        """``(N, K)`` float32 logits."""
        return self.logits(model, cast(Tensor, batch.images))

    def logits(self, model: nn.Module, images: Tensor) -> Tensor:
        """``(N, K)`` float32 logits for prepared images."""
        logits: Tensor = model(images)
        return logits.float()

    def meter(self) -> ClassificationMeter:
        """A new, empty meter."""
        return ClassificationMeter(len(self.classes))


def _image_transform(request: Request) -> SampleTransform | None:
    spec, augmentation = request.spec, request.augmentation
    if not request.training:
        return None if request.kept else OnImage(for_evaluation(spec, request.data.resize))
    cuts = not (crops_by_padding(augmentation, max(spec.height, spec.width)) or augmentation.crop == "none")
    if request.kept and not cuts and augmentation.policy == "none":
        return None  # the rest is done to whole batches
    return OnImage(for_training(spec, augmentation, "stretch" if request.kept else request.data.resize))


COLUMNS = ("label", "predicted", "confidence", "probability", "in_top5", "loss", "top", "top_probability")
TOP = 3
"""Most probable classes that are kept for each image, for pictures and tables of confusions."""


@dataclass(slots=True)
class ClassificationMeter:
    """Keeps a few numbers per image; every metric follows from them, for any subset of the images."""

    classes: int
    ids: list[str] = field(default_factory=list)
    columns: dict[str, list[Tensor]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def update(self, predictions: Tensor, targets: Tensor, ids: list[str]) -> None:
        """Add a batch.

        Args:
            predictions: ``(N, K)`` float32 logits.
            targets: ``(N,)`` int64 class indices.
            ids: N ids.
        """
        probabilities = predictions.softmax(dim=1)
        best_probabilities, best = probabilities.topk(min(5, self.classes), dim=1)
        values = {
            "label": targets,
            "predicted": best[:, 0],
            "confidence": best_probabilities[:, 0],
            "probability": probabilities.gather(1, targets[:, None])[:, 0],
            "in_top5": (best == targets[:, None]).any(dim=1),
            # The plain loss, without label smoothing: comparable between runs with different settings.
            "loss": losses.cross_entropy(predictions, targets, reduction="none"),
            "top": best[:, :TOP],
            "top_probability": best_probabilities[:, :TOP],
        }
        self.ids.extend(ids)
        for name, column in values.items():
            self.columns[name].append(column)

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
        return from_rows(rows, self.classes)


def from_rows(rows: dict[str, np.ndarray], classes: int) -> Scores:
    """All scores from the per-image columns, for all images or for any choice of them.

    Args:
        rows: the columns of ``per_image/*.npz``, each ``(N,)`` or ``(N, TOP)``.
        classes: number of classes, K.
    """
    confusion = metrics.confusion_matrix(rows["label"], rows["predicted"], classes)
    right = rows["label"] == rows["predicted"]
    overall = metrics.overall(confusion)
    if classes > 5:
        overall["top5"] = _mean(rows["in_top5"])
    overall["calibration_error"] = metrics.calibration_error(rows["confidence"].astype(np.float64), right)
    overall["loss"] = _mean(rows["loss"])
    return Scores(overall, metrics.per_class(confusion), rows, {"confusion": confusion})


def _mean(values: np.ndarray) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else float("nan")


def _array(parts: list[Tensor]) -> np.ndarray:
    return torch.cat(parts).cpu().numpy() if parts else np.zeros(0, dtype=np.int64)
