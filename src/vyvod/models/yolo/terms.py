"""Terms of the losses: sums and means over the pairs of an assignment that hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from vyvod.models.yolo.decoding import Level

Terms = tuple[Tensor, Tensor, Tensor]
"""Boxes, objectness and classes of one level: scalars."""


@dataclass(frozen=True, slots=True)
class Gains:
    """Weights of the parts of a loss."""

    box: float
    objectness: float
    classes: float

    def scaled(self, *, box: float, objectness: float, classes: float) -> Gains:
        """Gains times factors."""
        return Gains(self.box * box, self.objectness * objectness, self.classes * classes)

    def weigh(self, terms: Iterable[Terms]) -> dict[str, Tensor]:
        """Sums over the levels, weighted: ``box``, ``objectness`` and ``class``."""
        box, objectness, classes = (torch.stack(column).sum() for column in zip(*terms, strict=True))
        return {"box": box * self.box, "objectness": objectness * self.objectness, "class": classes * self.classes}

    def weigh_sums(self, terms: Iterable[Terms], *, images: int) -> dict[str, Tensor]:
        """Means over the images of terms that are sums over the cells; 0 images count as one."""
        share = 1 / max(images, 1)
        return self.scaled(box=share, objectness=share, classes=share).weigh(terms)


def total(values: Tensor, counts: Tensor) -> Tensor:
    """Sum of the rows that count; 0, with a gradient, where none does.

    Args:
        values: ``(E,)``.
        counts: ``(E,)`` bool.
    """
    return torch.where(counts, values, 0.0).sum()


def mean(values: Tensor, counts: Tensor) -> Tensor:
    """Mean of the rows that count; 0, with a gradient, where none does."""
    return total(values, counts) / counts.sum().clamp(min=1)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """``(E,)`` int64 -> ``(E, classes)`` float32; unlike torch's, it does not make a GPU wait."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of every element, same shape."""
    return binary_cross_entropy_with_logits(logits, targets, reduction="none")


def objectness_sum(level: Level, positive: Tensor, ignored: Tensor) -> Tensor:
    """YOLO v3 and v4: binary cross-entropy summed over all cells that are positive or not ignored.

    Args:
        level: the output map.
        positive: ``(N, A, H, W)`` float32, 1 where an object is answered for, else 0.
        ignored: ``(N, A, H, W)`` bool; does not matter where positive.
    """
    losses = cross_entropy(level.objectness, positive)
    return torch.where(ignored & (positive == 0), 0.0, losses).sum()
