"""A YOLO as torchvision's detectors are: images and targets in, losses or detections out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vyvod.models.yolo.assignment import Objects, collect
from vyvod.models.yolo.decoding import Coding, Level
from vyvod.models.yolo.padding import Frame, Group, grouped
from vyvod.models.yolo.suppression import Limits, detect

Loss = Callable[[Sequence[Level], Objects], dict[str, Tensor]]
"""Output maps and objects of a batch -> parts of the loss, means over the images."""
Images = Tensor | Sequence[Tensor]
"""``(N, 3, H, W)``, or N times ``(3, h, w)`` of any sizes; float32 in 0..1, RGB."""
Target = Mapping[str, Tensor]
"""``boxes`` ``(M, 4)`` float32 left, top, right, bottom, pixels of the image; ``labels`` ``(M,)`` int64 from 1; M may be 0."""
Detections = dict[str, Tensor]
"""``boxes`` ``(D, 4)`` float32, inside the image; ``labels`` ``(D,)`` int64 from 1; ``scores`` ``(D,)`` float32, descending."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One of the strides at which a network looks for objects."""

    stride: int
    """Pixels of the input per cell."""
    anchors: tuple[tuple[float, float], ...]
    """Published sizes, width and height in pixels."""
    coding: Coding


class Yolo(nn.Module, ABC):
    """Padding, grouping, losses and detections; what differs between the versions is given or written below.

    Images are padded with grey to multiples of the coarsest stride, each for itself: an answer does not depend on the neighbours
    in the batch. Images of one padded size share a pass.
    """

    def __init__(self, scales: tuple[Scale, ...], loss: Loss, limits: Limits) -> None:
        super().__init__()
        self.scales = scales
        self.loss = loss
        self.limits = limits

    @abstractmethod
    def outputs(self, images: Tensor) -> list[Tensor]:
        """All convolutions of a pass.

        Args:
            images: ``(N, 3, H, W)``, sides multiples of the coarsest stride.

        Returns:
            for each scale ``(N, A * (5 + K), H / stride, W / stride)``.
        """

    @abstractmethod
    def anchors_in_pixels(self) -> Tensor:
        """``(L, A, 2)`` float32 width, height, in the order of ``scales``."""

    @abstractmethod
    def _keep_anchors(self, pixels: Tensor) -> None:
        """Store ``(L, A, 2)`` anchors."""

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels per cell, in the network's own order of its levels."""
        return tuple(scale.stride for scale in self.scales)

    def set_anchors(self, sizes: Tensor) -> None:
        """Exchange the anchors; the smallest go to the finest level.

        Args:
            sizes: ``(L * A, 2)`` width, height in pixels of the input.
        """
        current = self.anchors_in_pixels()
        levels, anchors, _ = current.shape
        if sizes.shape != (levels * anchors, 2):
            raise ValueError(f"expected anchors of shape {(levels * anchors, 2)}, got {tuple(sizes.shape)}")
        ascending = sizes[sizes.prod(dim=1).argsort(stable=True)].view(levels, anchors, 2)
        ranks = [sorted(self.strides).index(stride) for stride in self.strides]
        self._keep_anchors(ascending[ranks].to(current))

    def forward(self, images: Images, targets: Sequence[Target] | None = None) -> dict[str, Tensor] | list[Detections]:
        """In training mode the parts of the loss, means over the images; in evaluation mode the detections of each image."""
        groups = self._grouped(images)
        if not self.training:
            found = [(group, self._detections(self.levels(group.images), group)) for group in groups]
            return _in_order(found)
        if targets is None:
            raise ValueError("a detector in training mode needs targets")
        return _mean([(len(group.places), self._losses(self.levels(group.images), group, targets)) for group in groups])

    def judge(self, images: Images, targets: Sequence[Target]) -> tuple[dict[str, Tensor], list[Detections]]:
        """Losses and detections of one pass, in the mode that the network is in."""
        losses, found = [], []
        for group in self._grouped(images):
            levels = self.levels(group.images)
            losses.append((len(group.places), self._losses(levels, group, targets)))
            found.append((group, self._detections(levels, group)))
        return _mean(losses), _in_order(found)

    def predict_batch(self, images: Tensor) -> Tensor:
        """Every cell decoded, of a fixed shape: what is exported.

        Args:
            images: ``(N, 3, H, W)`` float32 in 0..1, sides multiples of the coarsest stride.

        Returns:
            ``(N, cells, 5 + K)`` float32: centre x, centre y, width, height in pixels, the probability of an object, and those of
            the classes if there is one; by level, anchor, row, column.
        """
        return torch.cat([level.decoded() for level in self.levels(images)], dim=1)

    def levels(self, images: Tensor) -> list[Level]:
        """``(N, 3, H, W)``, sides multiples of the coarsest stride -> output maps with what their numbers mean."""
        return [
            Level(
                torch.unflatten(raw, 1, (len(anchors), -1)).permute(0, 1, 3, 4, 2), anchors, scale.stride, scale.coding
            )
            for raw, anchors, scale in zip(self.outputs(images), self.anchors_in_pixels(), self.scales, strict=True)
        ]

    def _grouped(self, images: Images) -> list[Group]:
        if not len(images) and not isinstance(images, Tensor):
            images = next(self.parameters()).new_zeros(0, 3, max(self.strides), max(self.strides))
        return grouped(images, max(self.strides))

    def _losses(self, levels: list[Level], group: Group, targets: Sequence[Target]) -> dict[str, Tensor]:
        mine = [targets[place] for place in group.places]
        return self.loss(levels, collect(mine, group.frames, group.images.device))

    @torch.no_grad()
    def _detections(self, levels: list[Level], group: Group) -> list[Detections]:
        return [_inside(found, frame) for found, frame in zip(detect(levels, self.limits), group.frames, strict=True)]


class DarknetYolo(Yolo):
    """YOLO v3 and v4: the anchors lie in a buffer of the network, in pixels."""

    anchors: Tensor

    def __init__(self, scales: tuple[Scale, ...], loss: Loss, limits: Limits) -> None:
        super().__init__(scales, loss, limits)
        self.register_buffer("anchors", torch.tensor([scale.anchors for scale in scales], dtype=torch.float32))

    def anchors_in_pixels(self) -> Tensor:
        """``(L, A, 2)`` float32 width, height, in the order of ``scales``."""
        return self.anchors

    def _keep_anchors(self, pixels: Tensor) -> None:
        self.anchors.copy_(pixels)


def _inside(found: Detections, frame: Frame) -> Detections:
    """Detections in pixels of the image itself; what lies wholly outside of it is dropped."""
    left, top, right, bottom = found["boxes"].unbind(dim=1)
    horizontal = ((side - frame.left).clamp(0, frame.width) for side in (left, right))
    vertical = ((side - frame.top).clamp(0, frame.height) for side in (top, bottom))
    (left, right), (top, bottom) = horizontal, vertical
    kept = (right > left) & (bottom > top)
    boxes = torch.stack([left, top, right, bottom], dim=1)
    return {"boxes": boxes[kept], "labels": found["labels"][kept], "scores": found["scores"][kept]}


def _mean(losses: Sequence[tuple[int, dict[str, Tensor]]]) -> dict[str, Tensor]:
    """Mean over images of groups that have means of their own."""
    if len(losses) == 1:
        return losses[0][1]
    images = sum(number for number, _ in losses)
    names = losses[0][1]
    return {name: torch.stack([parts[name] * (number / images) for number, parts in losses]).sum() for name in names}


def _in_order(found: Iterable[tuple[Group, list[Detections]]]) -> list[Detections]:
    placed = {place: one for group, ones in found for place, one in zip(group.places, ones, strict=True)}
    return [placed[place] for place in sorted(placed)]
