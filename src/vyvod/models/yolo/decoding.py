"""From the numbers of an output map to boxes: the formulas of YOLO v3, v4 and v5."""

from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST_EXPONENT = 8.0
"""Sizes above 3000 anchors are noise of an untrained network, and infinite ones would make NaN of what follows."""


@dataclass(frozen=True, slots=True)
class Coding:
    """What raw numbers t mean: centres, ``k * sigmoid(t) - (k - 1) / 2`` cells from their cell, and multiples of an anchor."""

    spread: float = 1.0
    """k: above 1, the borders of the cell can be reached (v4's scale_x_y); 1 in v3, 2 in v5."""
    squared: bool = False
    """The multiple is ``(2 sigmoid(t))^2``, at most 4 (v5), instead of ``exp(t)``."""

    def centres(self, raw: Tensor) -> Tensor:
        """``(..., 2)`` raw x, y -> cells from the corner of the cell."""
        return raw.sigmoid() * self.spread - (self.spread - 1) / 2

    def multiples(self, raw: Tensor) -> Tensor:
        """``(..., 2)`` raw width, height -> multiples of the anchor."""
        return (2 * raw.sigmoid()).square() if self.squared else raw.clamp(max=LARGEST_EXPONENT).exp()


@dataclass(frozen=True, slots=True)
class Level:
    """The output map of one stride, and what its numbers mean."""

    raw: Tensor
    """``(N, A, H, W, 5 + K)`` logits: x, y, width, height, objectness, classes; any float dtype."""
    anchors: Tensor
    """``(A, 2)`` float32 width, height in pixels of the input."""
    stride: int
    """Pixels of the input per cell."""
    coding: Coding

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """N, A, H, W."""
        images, anchors, height, width, _ = self.raw.shape
        return images, anchors, height, width

    @property
    def objectness(self) -> Tensor:
        """``(N, A, H, W)`` float32 logits."""
        return self.raw[..., 4].float()

    def boxes(self, raw: Tensor, cells: Tensor, anchors: Tensor) -> Tensor:
        """Boxes of some cells.

        Args:
            raw: ``(..., 4)`` float32 logits or more of them in the last dimension.
            cells: ``(..., 2)`` float32 column, row.
            anchors: ``(..., 2)`` pixels.

        Returns:
            ``(..., 4)`` centre x, centre y, width, height in pixels of the input.
        """
        centres = (self.coding.centres(raw[..., :2]) + cells) * self.stride
        return torch.cat([centres, self.coding.multiples(raw[..., 2:4]) * anchors], dim=-1)

    def all_boxes(self) -> Tensor:
        """``(N, A, H, W, 4)`` boxes of every cell."""
        _, _, height, width = self.shape
        rows, columns = (torch.arange(side, device=self.raw.device) for side in (height, width))
        cells = torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)], dim=-1).float()
        return self.boxes(self.raw[..., :4].float(), cells, self.anchors[:, None, None])

    def decoded(self) -> Tensor:
        """``(N, A * H * W, 5 + K)``: boxes, and the logits as probabilities."""
        return torch.cat([self.all_boxes(), self.raw[..., 4:].float().sigmoid()], dim=-1).flatten(1, 3)
