"""Image and mask transformed together, for segmentation: whole images for evaluation, random tiles for training.

All sample transforms draw from torch's global generator, which the loader has seeded for the sample. Images are resized with
antialiasing, masks with nearest-neighbour, so that no class is made up between two others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as v2f

from vyvod.data.contract import IGNORE, Around, MaskSplit
from vyvod.data.transforms import AugmentationSettings
from vyvod.types import Sample


@dataclass(frozen=True, slots=True)
class Whole:
    """Bring whole images to a size; their masks keep their own, at which they are evaluated."""

    size: int | tuple[int, int] | None
    """Shorter side, or height and width, or as they are."""

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its image resized, uint8."""
        return replace(sample, image=resized(plain(sample.image), target_size(sample.image.shape, self.size)))


def target_size(shape: Sequence[int], size: int | tuple[int, int] | None) -> tuple[int, int]:
    """Height and width that an image of that shape is brought to."""
    height, width = shape[-2:]
    if isinstance(size, int):
        shorter = min(height, width)
        return round(height * size / shorter), round(width * size / shorter)
    return (height, width) if size is None else size


@dataclass(frozen=True, slots=True)
class RandomTile:
    """A tile cut out at a random place and scale, mirrored, turned and bent: what a network is trained on.

    Where the tile reaches beyond the image, the image is mirrored and the mask does not count.
    """

    height: int
    """Of the image that the network gets, pixels."""
    width: int
    margin: int
    """The mask is smaller than the image by that much on each side, for networks with valid convolutions."""
    size: int | tuple[int, int] | None
    """What whole images are brought to beforehand, as `Whole.size`."""
    settings: AugmentationSettings

    def __call__(self, sample: Sample) -> Sample:
        """``(C, height, width)`` image and ``(height - 2 margin, width - 2 margin)`` mask, uint8."""
        image = resized(plain(sample.image), target_size(sample.image.shape, self.size))
        mask = resized_mask(plain(sample.target), image.shape[-2:])
        image, mask = self._cut(image, mask)
        image, mask = bent(image, mask, self.settings.elastic)
        image, mask = _mirrored_and_turned(image, mask, self.settings)
        inside = slice(self.margin, -self.margin or None)
        return replace(sample, image=image.contiguous(), target=mask[inside, inside].contiguous())

    def _cut(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        factor = uniform(*self.settings.rescale)
        frame = round(self.margin / factor)
        rows = _span(image.shape[-2], round((self.height - 2 * self.margin) / factor), frame)
        columns = _span(image.shape[-1], round((self.width - 2 * self.margin) / factor), frame)
        size = (self.height, self.width)
        return resized(window(image, rows, columns), size), resized_mask(_mask_window(mask, rows, columns), size)


def _span(available: int, wanted: int, frame: int) -> range:
    # Inside the image where there is room, else with the whole image inside; the frame is what the network loses.
    wanted = max(wanted, 1)
    room = available - wanted
    start = int(torch.randint(min(room, 0), max(room, 0) + 1, ()))
    return range(start - frame, start + wanted + frame)


def window(images: Tensor, rows: range, columns: range) -> Tensor:
    """A part of images, mirrored where it reaches beyond them.

    Args:
        images: ``(..., H, W)``.
        rows: may begin below 0 and end above H.
        columns: likewise.

    Returns:
        ``(..., len(rows), len(columns))``.
    """
    height, width = images.shape[-2:]
    if rows.start >= 0 and rows.stop <= height and columns.start >= 0 and columns.stop <= width:
        return images[..., rows.start : rows.stop, columns.start : columns.stop]
    return images[..., _mirrored(rows, height)[:, None].to(images.device), _mirrored(columns, width).to(images.device)]


def _mirrored(places: range, size: int) -> Tensor:
    # As often as needed: a tile may be several times as large as an image.
    if size == 1:
        return torch.zeros(len(places), dtype=torch.int64)
    period = 2 * (size - 1)
    folded = torch.arange(places.start, places.stop).abs() % period
    return torch.minimum(folded, period - folded)


def _mask_window(mask: Tensor, rows: range, columns: range) -> Tensor:
    height, width = mask.shape
    before, after = max(-rows.start, 0), max(rows.stop - height, 0)
    left, right = max(-columns.start, 0), max(columns.stop - width, 0)
    padded = functional.pad(mask, (left, right, before, after), value=IGNORE) if before + after + left + right else mask
    return padded[rows.start + before : rows.stop + before, columns.start + left : columns.stop + left]


def bent(image: Tensor, mask: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Bend both alike by smooth random displacements (Ronneberger 2015, section 3.1, https://arxiv.org/abs/1505.04597).

    Args:
        image: ``(C, H, W)`` uint8.
        mask: ``(H, W)`` uint8.
        strength: standard deviation of the displacements on a 3 x 3 grid, pixels; 0 leaves both as they are.
    """
    if not strength:
        return image, mask
    height, width = mask.shape
    coarse = torch.randn(1, 2, 3, 3) * strength
    moved = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)[0]
    rows = torch.arange(height)[:, None] + moved[0]
    columns = torch.arange(width)[None, :] + moved[1]
    grid = torch.stack([2 * columns / max(width - 1, 1) - 1, 2 * rows / max(height - 1, 1) - 1], dim=-1)[None]
    sample = partial(functional.grid_sample, grid=grid, padding_mode="reflection", align_corners=True)
    new_image = sample(image[None].float(), mode="bilinear")[0]
    new_mask = sample(mask[None, None].float(), mode="nearest")[0, 0]
    return new_image.round().clamp(0, 255).to(torch.uint8), new_mask.to(torch.uint8)


def _mirrored_and_turned(image: Tensor, mask: Tensor, settings: AugmentationSettings) -> tuple[Tensor, Tensor]:
    if settings.flip and uniform(0, 1) < settings.flip:
        image, mask = image.flip(-1), mask.flip(-1)
    if settings.flip_vertical and uniform(0, 1) < settings.flip_vertical:
        image, mask = image.flip(-2), mask.flip(-2)
    if settings.turn:
        # A tile that is not square can only be turned upside down.
        quarters = int(torch.randint(4, ())) if image.shape[-2] == image.shape[-1] else 2 * int(torch.randint(2, ()))
        image, mask = torch.rot90(image, quarters, (-2, -1)), torch.rot90(mask, quarters, (-2, -1))
    return image, mask


@dataclass(slots=True)
class Mosaic(Around):
    """A split that, for a share of its images, puts four together: two above two, the first of them upper left.

    The network meets more places and neighbourhoods than a tiny set has. The others are resized to the first.
    """

    probability: float

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place, or a mosaic of twice its height and width."""
        first = self.split[index]
        if uniform(0, 1) >= self.probability:
            return first
        others = [self.split[int(place)] for place in torch.randint(len(self.split), (3,))]
        size = first.image.shape[-2:]
        images = [resized(plain(sample.image), size) for sample in (first, *others)]
        masks = [resized_mask(plain(sample.target), size) for sample in (first, *others)]
        return replace(first, image=_two_by_two(images), target=_two_by_two(masks))

    def mask(self, index: int) -> np.ndarray:
        """The mask of the upper left image, ``(H, W)`` uint8."""
        return cast(MaskSplit, self.split).mask(index)


def _two_by_two(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([torch.cat([parts[0], parts[1]], dim=-1), torch.cat([parts[2], parts[3]], dim=-1)], dim=-2)


def resized(image: Tensor, size: Sequence[int]) -> Tensor:
    """``(C, H, W)`` uint8 at another height and width, antialiased."""
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    result: Tensor = v2f.resize(image, list(size), antialias=True)
    return result


def resized_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """``(H, W)`` uint8 at another height and width, nearest-neighbour."""
    if tuple(mask.shape) == tuple(size):
        return mask
    result: Tensor = v2f.resize(mask[None], list(size), interpolation=InterpolationMode.NEAREST_EXACT)[0]
    return result


def uniform(low: float, high: float) -> float:
    """A draw between two numbers, from torch's global generator."""
    return low + (high - low) * float(torch.rand(()))


def plain(values: Tensor) -> Tensor:
    """The same values without torchvision's subclass, which looks at every operation: faster, and here all is said explicitly."""
    return values.as_subclass(Tensor)
