"""From stored images to what a network sees: one sample at a time in the workers, or whole batches on the device.

Batch transforms draw for every image of its own, and for the whole global batch before a process takes its part: the
same images get the same draws on one device and on many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as v2f

from vyvod.types import InputSpec, Record, Sample, Side

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class AugmentationSettings(Record):
    """How training images are varied. Every image has a draw of its own."""

    flip: float = Field(0.5, ge=0, le=1)
    """Probability of mirroring left and right; 0 for digits and text."""
    crop: Literal["auto", "pad", "resized", "none"] = "auto"
    """Classification. pad: shift by up to `padding`; resized: cut out the share `scale` and resize; auto: pad up to 96 pixels."""
    padding: float = Field(0.0625, ge=0, le=0.5)
    """Largest shift, as a share of the side: 2 pixels of 32; long trainings on CIFAR take 0.125."""
    scale: tuple[float, float] = (0.25, 1.0)
    """Smallest and largest share of the area that `crop: resized` cuts out."""
    crop_size: Side | tuple[Side, Side] | None = None
    """Segmentation: side of the square, or [height, width], that is cut out for training; by default the whole image where all
    are alike and at most 640 pixels, else 512. What lies outside a smaller image does not count."""
    rescale: tuple[float, float] = (0.5, 2.0)
    """Segmentation and detection: smallest and largest factor by which an image is enlarged; [1, 1] is off."""
    flip_vertical: float = Field(0.0, ge=0, le=1)
    """Segmentation and detection: probability of mirroring up and down; 0.5 for microscopes and satellites."""
    turn: bool = False
    """Segmentation and detection: turn by 0, 90, 180 or 270 degrees, where there is no up and down."""
    elastic: float = Field(0.0, ge=0)
    """Segmentation: random displacements on a 3 x 3 grid with that standard deviation in pixels (Ronneberger 2015: 10)."""
    mosaic: float = Field(0.0, ge=0, le=1)
    """Segmentation and detection: probability of putting four images together into one; for tiny sets, and usual for YOLO."""
    mosaic_mixup: float = Field(0.0, ge=0, le=1)
    """Detection: probability of blending the result with another such image, shares from Beta(32, 32)."""
    translate: float = Field(0.1, ge=0, le=0.9)
    """Detection: largest shift, as a share of the side of the input."""
    rotate: float = Field(0.0, ge=0, le=180)
    """Detection: largest angle of a rotation, degrees; boxes then become those around the turned ones."""
    shear: float = Field(0.0, ge=0, lt=90)
    """Detection: largest angle of a shear, degrees."""
    hsv: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Detection: largest relative change of hue, saturation and value; [0.015, 0.7, 0.4] is usual for YOLO."""
    multi_scale: float = Field(0.0, ge=0, lt=1)
    """Detection: each batch at a random size, up to that share smaller or larger, in steps of 32 pixels; 0.5 is usual."""
    policy: Literal["none", "autoaugment", "randaugment", "trivialaugment", "augmix"] = "none"
    """A ready set of colour and geometry changes of torchvision; slower, since it works image by image. Classification only."""
    color: float = Field(0.0, ge=0, le=1)
    """Largest relative change of brightness, contrast and saturation."""
    erase: float = Field(0.0, ge=0, le=1)
    """Probability of blanking a rectangle of 2 to 20 % of the image (random erasing, Zhong et al. 2017). Classification only."""
    mixup: float = Field(0.0, ge=0)
    """Alpha of mixup (Zhang et al. 2017); 0 is off, 0.2 is usual. Classification only."""
    cutmix: float = Field(0.0, ge=0)
    """Alpha of CutMix (Yun et al. 2019); 0 is off, 1 is usual. With both on, each batch takes one. Classification only."""


NO_AUGMENTATION = AugmentationSettings(flip=0, crop="none")


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Mean and standard deviation per channel, of values in 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class Draws:
    """Random numbers for one batch: drawn for the global batch, handed out for this process's part of it."""

    def __init__(self, source: np.random.Generator, total: int, part: slice) -> None:
        self.source, self.total, self.part = source, total, part

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """``(n,)`` float32 in low..high."""
        return self._mine(self.source.uniform(low, high, self.total).astype(np.float32))

    def integers(self, low: int, high: int) -> Tensor:
        """``(n,)`` int64 in low..high, both included."""
        return self._mine(self.source.integers(low, high, self.total, endpoint=True))

    def beta(self, alpha: float) -> Tensor:
        """``(n,)`` float32 from Beta(alpha, alpha)."""
        return self._mine(self.source.beta(alpha, alpha, self.total).astype(np.float32))

    def one(self, low: float, high: float) -> float:
        """One number for the whole batch."""
        return float(self.source.uniform(low, high))

    def coin(self) -> bool:
        """One toss for the whole batch."""
        return bool(self.source.integers(2))

    def _mine(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values[self.part])


def augmented(images: Tensor, settings: AugmentationSettings, draws: Draws) -> Tensor:
    """Shift, mirror and recolour a batch.

    Args:
        images: ``(N, C, H, W)`` uint8.
        settings: what to do.
        draws: the random numbers of this batch.

    Returns:
        ``(N, C, H, W)`` uint8, or float32 in 0..255 where colours were changed.
    """
    if crops_by_padding(settings, max(images.shape[-2:])):
        images = _shift_and_flip(images, settings, draws)
    elif settings.flip:
        mirrored = (draws.uniform() < settings.flip).to(images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    return recoloured(images, settings.color, draws)


def crops_by_padding(settings: AugmentationSettings, side: int) -> bool:
    """Whether images of that side are shifted (batch-wise) rather than cut out and resized (image by image)."""
    return settings.crop == "pad" or (settings.crop == "auto" and side <= 96)


def _shift_and_flip(images: Tensor, settings: AugmentationSettings, draws: Draws) -> Tensor:
    # One gather for shift and mirror together, on uint8: a fiftieth of the price of a training step on small images.
    number, _, height, width = images.shape
    down, right = round(height * settings.padding), round(width * settings.padding)
    rows = torch.arange(height) + draws.integers(0, 2 * down)[:, None]
    columns = torch.arange(width) + draws.integers(0, 2 * right)[:, None]
    mirrored = draws.uniform() < settings.flip
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    padded = functional.pad(images, (right, right, down, down))
    first = torch.arange(number, device=images.device)[:, None, None]
    rows, columns = rows.to(images.device), columns.to(images.device)
    return padded.permute(0, 2, 3, 1)[first, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def recoloured(images: Tensor, strength: float, draws: Draws) -> Tensor:
    """Change brightness, contrast and saturation of each image by up to ``strength``, relative; 0 leaves them as they are.

    Args:
        images: ``(N, C, H, W)`` uint8.
        strength: 0..1.
        draws: the random numbers of this batch.

    Returns:
        ``(N, C, H, W)``: float32 in 0..255, or the images themselves.
    """
    if not strength:
        return images
    brightness, contrast, saturation = (
        draws.uniform(1 - strength, 1 + strength).to(images.device)[:, None, None, None] for _ in range(3)
    )
    values = images.float() * brightness
    grey = values.mean(dim=(1, 2, 3), keepdim=True)
    values = grey + contrast * (values - grey)
    pale = values.mean(dim=1, keepdim=True)
    return (pale + saturation * (values - pale)).clamp(0, 255)


def to_network(images: Tensor, spec: InputSpec, normalisation: Normalisation) -> Tensor:
    """Resize where needed, normalise, and repeat grey where the network wants three channels.

    Args:
        images: ``(N, C, H, W)`` uint8, or float32 in 0..255; C = 1 or 3.
        spec: what the network takes.
        normalisation: for one or three channels.

    Returns:
        ``(N, spec.channels, spec.height, spec.width)`` float32.
    """
    values = images.float()
    if values.shape[-2:] != (spec.height, spec.width):
        values = functional.interpolate(values, (spec.height, spec.width), mode="bilinear", antialias=True)
    return normalised(values, spec.channels, normalisation)


def normalised(images: Tensor, channels: int, normalisation: Normalisation) -> Tensor:
    """Normalise, and repeat grey or take colour away where the network wants it.

    Args:
        images: ``(N, C, H, W)`` uint8, or float32 in 0..255; C = 1 or 3.
        channels: of the network.
        normalisation: for one or three channels.

    Returns:
        ``(N, channels, H, W)`` float32.
    """
    values = images.float()
    if values.shape[1] == 3 and channels == 1:
        values = v2f.rgb_to_grayscale(values)
    if values.shape[1] < len(normalisation.mean):
        values = values.expand(-1, len(normalisation.mean), -1, -1)
    mean, std = (
        torch.tensor(parts, device=values.device).view(1, -1, 1, 1) * 255
        for parts in (normalisation.mean, normalisation.std)
    )
    return ((values - mean) / std).expand(-1, channels, -1, -1)


def erased(images: Tensor, probability: float, draws: Draws) -> Tensor:
    """Blank a rectangle of 2 to 20 % of some of the images, to 0 (the mean, once normalised).

    Args:
        images: ``(N, C, H, W)`` float32, normalised.
        probability: share of the images.
        draws: the random numbers of this batch.

    Returns:
        The images, same shape.
    """
    if not probability:
        return images
    box = _boxes(draws.uniform(0.02, 0.2), draws.uniform(-1.2, 1.2).exp(), images.shape[-2:], draws)
    chosen = draws.uniform() < probability
    return images.masked_fill((box & chosen[:, None, None]).to(images.device)[:, None], 0.0)


def mixed(
    images: Tensor, labels: Tensor, classes: int, settings: AugmentationSettings, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Mixup or CutMix with the neighbour in the batch, which the shuffling has made a random partner.

    Neighbours swap in pairs (0 with 1, 2 with 3, ...), so that a process which holds a part of even length mixes the
    same pairs as one that holds the whole batch.

    Args:
        images: ``(N, C, H, W)`` float32.
        labels: ``(N,)`` int64.
        classes: number of classes, K.
        settings: alphas of both.
        draws: the random numbers of this batch.

    Returns:
        images, and ``(N, K)`` float32 shares of the classes.
    """
    number = len(labels)
    order = torch.arange(number)
    partner = (order ^ 1).clamp(max=number - 1).to(images.device)
    shares = functional.one_hot(labels, classes).float()
    cut = settings.cutmix > 0 and (settings.mixup == 0 or draws.coin())
    keep = draws.beta(settings.cutmix if cut else settings.mixup)
    if cut:
        box = _boxes(1 - keep, torch.ones(number), images.shape[-2:], draws)
        keep = 1 - box.float().mean(dim=(1, 2))
        images = torch.where(box.to(images.device)[:, None], images[partner], images)
    keep = keep.to(images.device)
    if not cut:
        images = torch.lerp(images[partner], images, keep[:, None, None, None])
    return images, torch.lerp(shares[partner], shares, keep[:, None])


def _boxes(area: Tensor, aspect: Tensor, size: torch.Size, draws: Draws) -> Tensor:
    # (N, H, W) bool: a rectangle of that share of the area and that aspect in each image, wholly inside it.
    height, width = size
    high = (height * (area * aspect).sqrt()).round().clamp(max=height)
    wide = (width * (area / aspect).sqrt()).round().clamp(max=width)
    top = ((height - high + 1) * draws.uniform()).floor()
    left = ((width - wide + 1) * draws.uniform()).floor()
    rows, columns = torch.arange(height), torch.arange(width)
    inside_rows = (rows >= top[:, None]) & (rows < (top + high)[:, None])
    inside_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    return inside_rows[:, :, None] & inside_columns[:, None, :]


SampleTransform = Callable[[Sample], Sample]
"""A stored sample -> one that can be put into a batch. It draws from torch's global generator, which is seeded for it."""
ImageTransform = Callable[[Tensor], Tensor]
"""``(C, H, W)`` uint8 of any size -> ``(C, H', W')`` uint8."""


@dataclass(frozen=True, slots=True)
class OnImage:
    """A sample transform that leaves the target alone.

    A class and not a closure, as all of these: where workers are spawned, they are sent it.
    """

    transform: ImageTransform

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its image transformed."""
        return replace(sample, image=self.transform(sample.image))


@dataclass(frozen=True, slots=True)
class Fitting:
    """Bring an image to the size of the network; one that has it stays as it is."""

    height: int
    width: int
    resize: str
    """``crop`` or ``stretch``."""

    def __call__(self, image: Tensor) -> Tensor:
        """``(C, H, W)`` -> ``(C, height, width)``, uint8."""
        size = [self.height, self.width]
        if list(image.shape[-2:]) == size:
            return image
        if self.resize == "stretch":
            return _resized(image, size)
        cut: Tensor = v2f.center_crop(_resized(image, [round(min(size) / 0.875)]), size)
        return cut


def _resized(image: Tensor, size: list[int]) -> Tensor:
    resized: Tensor = v2f.resize(image, size, antialias=True)
    return resized


def for_evaluation(spec: InputSpec, resize: str) -> ImageTransform:
    """Bring an image to the size of the network: centre crop or stretch. An image that has the size stays as it is."""
    return Fitting(spec.height, spec.width, resize)


@dataclass(frozen=True, slots=True)
class Chain:
    """One image transform after the other."""

    steps: tuple[ImageTransform, ...]

    def __call__(self, image: Tensor) -> Tensor:
        """``(C, H, W)`` -> ``(C, H', W')``, uint8."""
        for step in self.steps:
            image = step(image)
        return image


def for_training(spec: InputSpec, settings: AugmentationSettings, resize: str) -> ImageTransform:
    """What happens image by image in training: the random cut-out of photos, and torchvision's policies."""
    size = (spec.height, spec.width)
    if crops_by_padding(settings, max(size)) or settings.crop == "none":
        first = for_evaluation(spec, resize)
    else:
        first = v2.RandomResizedCrop(size, scale=settings.scale, antialias=True)
    return Chain((first, *policy(settings)))


def policy(settings: AugmentationSettings) -> list[ImageTransform]:
    """The ready-made policy, as none or one transform."""
    bilinear = InterpolationMode.BILINEAR
    match settings.policy:
        case "autoaugment":
            return [v2.AutoAugment(interpolation=bilinear)]
        case "randaugment":
            return [v2.RandAugment(interpolation=bilinear)]
        case "trivialaugment":
            return [v2.TrivialAugmentWide(interpolation=bilinear)]
        case "augmix":
            return [v2.AugMix(interpolation=bilinear)]
        case _:
            return []
