"""Images of any sizes -> batches whose sides are multiples of the network's stride."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

GREY = 0.5
"""What stands around an image, as in darknet's letterboxes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an image lies in its padded form."""

    left: int
    """Pixels before its first column."""
    top: int
    """Pixels above its first row."""
    height: int
    """Of the image alone."""
    width: int
    """Of the image alone."""


@dataclass(frozen=True, slots=True)
class Group:
    """Images of one padded size."""

    places: list[int]
    """Which images of the batch they are."""
    images: Tensor
    """``(n, 3, H, W)``, centred on grey."""
    frames: list[Frame]
    """Where each of them lies."""


def grouped(images: Tensor | Sequence[Tensor], stride: int) -> list[Group]:
    """Pad each image to its own multiple of the stride, so that its neighbours do not matter, and put equal sizes together.

    Args:
        images: ``(N, 3, H, W)``, or N times ``(3, h, w)``.
        stride: pixels.

    Returns:
        Groups in the order of their first image.
    """
    if isinstance(images, Tensor):
        frame = _frame(images, stride)
        return [Group(list(range(len(images))), _padded(images, frame, stride), [frame] * len(images))]
    frames = [_frame(image, stride) for image in images]
    places: dict[tuple[int, int], list[int]] = {}
    for place, frame in enumerate(frames):
        places.setdefault((_rounded(frame.height, stride), _rounded(frame.width, stride)), []).append(place)
    return [
        Group(mine, torch.stack([_padded(images[i], frames[i], stride) for i in mine]), [frames[i] for i in mine])
        for mine in places.values()
    ]


def _frame(image: Tensor, stride: int) -> Frame:
    height, width = image.shape[-2:]
    return Frame((_rounded(width, stride) - width) // 2, (_rounded(height, stride) - height) // 2, height, width)


def _padded(images: Tensor, frame: Frame, stride: int) -> Tensor:
    right = _rounded(frame.width, stride) - frame.width - frame.left
    bottom = _rounded(frame.height, stride) - frame.height - frame.top
    margins = (frame.left, right, frame.top, bottom)
    return functional.pad(images, margins, value=GREY) if any(margins) else images


def _rounded(side: int, stride: int) -> int:
    return stride * max(1, -(-side // stride))
