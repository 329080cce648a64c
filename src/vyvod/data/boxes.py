"""Image and boxes transformed together, for detection: whole images for evaluation, composed canvases for training.

All sample transforms draw from torch's global generator, which the loader has seeded for the sample. An image is resized and laid
on the canvas in whole pixels, and its boxes follow these pixels exactly: there is no canvas of twice the size in between
(Bochkovskiy 2020, https://arxiv.org/abs/2004.10934, names the mosaic; its geometry here is that of YOLO v5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as v2f

from vyvod.data.contract import Around, BoxSplit, OutlinedSplit, Rle, Split
from vyvod.data.hsv import scaled_hsv
from vyvod.data.joint import plain, resized, resized_mask, uniform
from vyvod.data.transforms import AugmentationSettings
from vyvod.types import Sample

Resize = Literal["letterbox", "stretch", "none"]
"""How whole images are brought to the input size: keeping their proportions, or not, or not at all."""
GREY = 114
"""What lies around images, 0..255."""
SMALLEST = 2
"""Boxes of that many pixels or less on a side after augmentation are not trained on, ..."""
LEFT_OVER = 0.1
"""... nor those of which less than that share is still inside, ..."""
THINNEST = 100
"""... nor those that are that many times longer than wide."""
MIXUP_ALPHA = 32.0
PROBES = 256

Objects = dict[str, Any]
"""``boxes`` ``(M, 4)`` float32 pixels of the image, ``labels`` ``(M,)`` int64, where wanted ``masks`` ``(M, H, W)`` uint8."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Brings a whole image to the size of the input; its target stays in the pixels of the stored image."""

    height: int
    width: int
    resize: Resize

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its image resized, uint8."""
        image = plain(sample.image)
        return replace(sample, image=resized(image, self.size(image.shape[-2], image.shape[-1])))

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image is brought to, without the padding around it."""
        if self.resize == "none":
            return height, width
        if self.resize == "stretch":
            return self.height, self.width
        factor = min(self.height / height, self.width / width)
        return max(1, round(height * factor)), max(1, round(width * factor))

    def pixels(self, split: Split) -> float:
        """Of all images of a split together, once resized; judged by up to `PROBES` of them."""
        places = range(0, len(split), max(1, len(split) // PROBES))
        sizes = [self.size(*cast(BoxSplit, split).objects(place)["size"].tolist()) for place in places]
        return len(split) * sum(height * width for height, width in sizes) / max(len(sizes), 1)


@dataclass(slots=True)
class ByShape(Around):
    """A split in the order of the shapes of its images: batches for evaluation then need little padding."""

    order: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        """Sort by height / width; images of one shape stay in their order."""
        split = cast(BoxSplit, self.split)
        sizes = [split.objects(index)["size"].tolist() for index in range(len(split))]
        self.order = sorted(range(len(sizes)), key=lambda index: (sizes[index][0] / sizes[index][1], sizes[index]))

    @property
    def ids(self) -> Sequence[str]:
        """Those of the images, in this order."""
        return [self.split.ids[place] for place in self.order]

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place of the order."""
        return self.split[self.order[index]]


@dataclass(slots=True)
class Outlined(Around):
    """A split whose targets hold the outlines of their objects too."""

    split: OutlinedSplit

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place, with ``outlines`` in its target."""
        sample = self.split[index]
        return replace(sample, target={**sample.target, "outlines": self.split.outlines(index)})

    def objects(self, index: int) -> Objects:
        """The target at that place without its image and outlines."""
        return self.split.objects(index)


@dataclass(slots=True)
class Groups(Around):
    """A split that hands out the samples of which a training image is composed; ``target`` is a list of lists of samples.

    Four samples in a list become a mosaic, one stays alone; two lists are blended.
    """

    mosaic: float
    mixup: float

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place with those that are put beside it."""
        groups = [self._group(index)]
        if self.mixup and uniform(0, 1) < self.mixup:
            groups.append(self._group(self._any()))
        return replace(groups[0][0], target=groups)

    def _group(self, index: int) -> list[Sample]:
        alone = not self.mosaic or uniform(0, 1) >= self.mosaic
        others = [] if alone else [self._any() for _ in range(3)]
        return [self.split[place] for place in (index, *others)]

    def _any(self) -> int:
        return int(torch.randint(len(self.split), ()))


@dataclass(frozen=True, slots=True)
class Composed:
    """Makes a training image of what `Groups` hands out."""

    fit: Fit
    settings: AugmentationSettings
    masks: bool = False
    """The objects have masks, too."""

    def __call__(self, sample: Sample) -> Sample:
        """``(3, height, width)`` uint8 image and its objects; with ``resize="none"`` as large as the first image."""
        image, objects = self._canvas(sample.target[0])
        for group in sample.target[1:]:
            image, objects = _blended(image, objects, *self._canvas(group))
        image, objects = _warped(image, objects, self.settings)
        image, objects = _mirrored(image, objects, self.settings)
        return replace(sample, image=recoloured_hsv(image, self.settings.hsv), target=objects)

    def _canvas(self, samples: Sequence[Sample]) -> tuple[Tensor, Objects]:
        # Those that lie in memory were fitted before; the others must become the same pixels.
        group = [self.fit(sample) for sample in samples]
        size = (self.fit.height, self.fit.width)
        if self.fit.resize == "none":
            size = (group[0].image.shape[-2], group[0].image.shape[-1])
        image = torch.full((3, *size), GREY, dtype=torch.uint8)
        placed = [
            self._placed(image, sample, *place) for sample, place in zip(group, self._places(group, size), strict=True)
        ]
        return image, _joined(placed)

    def _places(self, group: Sequence[Sample], size: tuple[int, int]) -> list[tuple[tuple[int, int], int, int]]:
        """For each sample of a group: height and width on the canvas, and where its upper left corner comes to lie."""
        zoom = uniform(*self.settings.rescale)
        shift = self.settings.translate
        middle = [side * (0.5 + uniform(-shift, shift)) for side in size]
        sizes = [self._zoomed(sample, size, zoom) for sample in group]
        if len(group) == 1:
            (high, wide) = sizes[0]
            return [(sizes[0], round(middle[0] - high / 2), round(middle[1] - wide / 2))]
        # The corner that the four have in common: anywhere in the inner half of a canvas of twice the size.
        corner = [centre + zoom * side * uniform(-0.5, 0.5) for centre, side in zip(middle, size, strict=True)]
        top, left = round(corner[0]), round(corner[1])
        return [
            (taken, top - (taken[0] if above else 0), left - (taken[1] if before else 0))
            for taken, (above, before) in zip(sizes, ((1, 1), (1, 0), (0, 1), (0, 0)), strict=True)
        ]

    def _zoomed(self, sample: Sample, size: tuple[int, int], zoom: float) -> tuple[int, int]:
        stored = (sample.image.shape[-2], sample.image.shape[-1])
        high, wide = replace(self.fit, height=size[0], width=size[1]).size(*stored)
        return max(1, round(high * zoom)), max(1, round(wide * zoom))

    def _placed(self, canvas: Tensor, sample: Sample, size: tuple[int, int], top: int, left: int) -> Objects:
        """Lay one image on the canvas; its objects in the pixels of the canvas, as far as they can be seen."""
        image = plain(sample.image)
        rows = _visible(image.shape[-2], size[0], top, canvas.shape[-2])
        columns = _visible(image.shape[-1], size[1], left, canvas.shape[-1])
        if rows.length and columns.length:
            part = resized(image[:, rows.source, columns.source], (rows.length, columns.length))
            canvas[:, rows.canvas, columns.canvas] = part
        objects = _counted(sample.target)
        stored = [int(side) for side in sample.target["size"]]
        fitted = zip((rows, columns), image.shape[-2:], stored, strict=True)
        factor = [side.factor * length / before for side, length, before in fitted]
        whole = objects["boxes"] * torch.tensor(factor[::-1] * 2) + torch.tensor([columns.offset, rows.offset] * 2)
        boxes = torch.stack(
            [
                whole[:, side].clamp(part.canvas.start, part.canvas.stop)
                for side, part in enumerate((columns, rows, columns, rows))
            ],
            dim=1,
        )
        seen: Objects = {"boxes": boxes, "labels": objects["labels"]}
        if self.masks:
            masks = [_mask(outline, canvas.shape[-2:], (rows, columns), factor) for outline in objects["outlines"]]
            seen["masks"] = _stacked(masks, canvas.shape)
        return _chosen(seen, _still_there(boxes, whole))


@dataclass(frozen=True, slots=True)
class _Visible:
    """One side of an image on a canvas: what of it can be seen, and how its pixels lie there."""

    canvas: slice
    source: slice  # of the image, whole pixels: a part is resized as if it were an image
    factor: float  # from pixels of the image to those of the canvas
    offset: float

    @property
    def length(self) -> int:
        length: int = self.canvas.stop - self.canvas.start
        return length


def _visible(available: int, length: int, start: int, canvas: int) -> _Visible:
    """Of ``available`` pixels that, ``length`` pixels long, begin at ``start`` of a canvas.

    What lies outside is cut off first, since resizing is the most costly part of a mosaic. Cut between two pixels, a part may be
    a little longer than what is seen; its factor follows from both lengths, and boxes and masks follow that factor.
    """
    first = min(max(start, 0), canvas)
    last = max(first, min(start + length, canvas))
    factor = length / available
    source = slice(math.floor((first - start) / factor), min(math.ceil((last - start) / factor), available))
    if last > first:
        factor = (last - first) / (source.stop - source.start)
    return _Visible(slice(first, last), source, factor, first - source.start * factor)


def _mask(outline: Rle, size: Sequence[int], sides: Sequence[_Visible], factors: Sequence[float]) -> Tensor:
    """An outline of the stored image on a canvas of that size: for each pixel the nearest stored one."""
    from hotcoco import mask as hotcoco_mask

    stored = torch.from_numpy(np.ascontiguousarray(hotcoco_mask.decode(outline)))
    mask = torch.zeros(tuple(size), dtype=torch.uint8)
    rows, columns = (
        ((torch.arange(side.canvas.start, side.canvas.stop) + 0.5 - side.offset) / factor).long().clamp(0, length - 1)
        for side, factor, length in zip(sides, factors, stored.shape, strict=True)
    )
    mask[sides[0].canvas, sides[1].canvas] = stored[rows[:, None], columns]
    return mask


def _stacked(masks: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    return torch.stack(list(masks)) if masks else torch.zeros((0, *shape[-2:]), dtype=torch.uint8)


def _counted(target: Objects) -> Objects:
    """The objects that are trained on."""
    kept = ~target["crowd"]
    objects: Objects = {"boxes": target["boxes"][kept], "labels": target["labels"][kept]}
    if "outlines" in target:
        objects["outlines"] = [outline for outline, one in zip(target["outlines"], kept.tolist(), strict=True) if one]
    return objects


def _still_there(boxes: Tensor, whole: Tensor) -> Tensor:
    sides, before = boxes[:, 2:] - boxes[:, :2], whole[:, 2:] - whole[:, :2]
    share = sides.prod(dim=1) / before.prod(dim=1).clamp(min=1e-9)
    thin = sides.amax(dim=1) / sides.amin(dim=1).clamp(min=1e-9)
    return (sides > SMALLEST).all(dim=1) & (share > LEFT_OVER) & (thin < THINNEST)


def _chosen(objects: Objects, kept: Tensor) -> Objects:
    return {name: values[kept] for name, values in objects.items()}


def _joined(parts: Sequence[Objects]) -> Objects:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _blended(image: Tensor, objects: Objects, other: Tensor, others: Objects) -> tuple[Tensor, Objects]:
    share = float(torch.distributions.Beta(MIXUP_ALPHA, MIXUP_ALPHA).sample())
    if image.shape != other.shape:
        other, others = resized(other, image.shape[-2:]), _scaled(others, other.shape, image.shape)
    mixed = torch.lerp(other.float(), image.float(), share).round().to(torch.uint8)
    return mixed, _joined([objects, others])


def _scaled(objects: Objects, before: Sequence[int], after: Sequence[int]) -> Objects:
    factor = torch.tensor([after[-1] / before[-1], after[-2] / before[-2]] * 2)
    changed = {**objects, "boxes": objects["boxes"] * factor}
    if "masks" in objects:
        changed["masks"] = _stacked([resized_mask(mask, after[-2:]) for mask in objects["masks"]], after)
    return changed


def _warped(image: Tensor, objects: Objects, settings: AugmentationSettings) -> tuple[Tensor, Objects]:
    """Turn and shear about the centre."""
    if not settings.rotate and not settings.shear:
        return image, objects
    size = image.shape[-2:]
    move: dict[str, Any] = {
        "angle": uniform(-settings.rotate, settings.rotate),
        "shear": [uniform(-settings.shear, settings.shear), uniform(-settings.shear, settings.shear)],
        "translate": [0, 0],
        "scale": 1.0,
    }
    boxes = tv_tensors.BoundingBoxes(objects["boxes"], format="XYXY", canvas_size=tuple(size), clamping_mode=None)
    whole = plain(v2f.affine(boxes, **move))
    inside = torch.stack([whole[:, side].clamp(0, size[1 - side % 2]) for side in range(4)], dim=1)
    turned = {**objects, "boxes": inside}
    if "masks" in objects:
        turned["masks"] = plain(v2f.affine(tv_tensors.Mask(objects["masks"]), **move))
    warped = v2f.affine(image, **move, interpolation=v2f.InterpolationMode.BILINEAR, fill=GREY)
    return warped, _chosen(turned, _still_there(inside, whole))


def _mirrored(image: Tensor, objects: Objects, settings: AugmentationSettings) -> tuple[Tensor, Objects]:
    if settings.flip and uniform(0, 1) < settings.flip:
        image, objects = _flipped(image, objects, -1)
    if settings.flip_vertical and uniform(0, 1) < settings.flip_vertical:
        image, objects = _flipped(image, objects, -2)
    if settings.turn:
        # A quarter is mirroring along the diagonal and then up and down; an image that is not square is only turned upside down.
        quarters = int(torch.randint(4, ())) if image.shape[-2] == image.shape[-1] else 2 * int(torch.randint(2, ()))
        for _ in range(quarters):
            image, objects = _flipped(*_transposed(image, objects), -2)
    return image.contiguous(), objects


def _flipped(image: Tensor, objects: Objects, side: int) -> tuple[Tensor, Objects]:
    length, first = image.shape[side], 0 if side == -1 else 1
    boxes = objects["boxes"].clone()
    boxes[:, first], boxes[:, first + 2] = length - objects["boxes"][:, first + 2], length - objects["boxes"][:, first]
    masks = {"masks": objects["masks"].flip(side)} if "masks" in objects else {}
    return image.flip(side), {**objects, "boxes": boxes, **masks}


def _transposed(image: Tensor, objects: Objects) -> tuple[Tensor, Objects]:
    masks = {"masks": objects["masks"].transpose(-1, -2)} if "masks" in objects else {}
    return image.transpose(-1, -2), {**objects, "boxes": objects["boxes"][:, [1, 0, 3, 2]], **masks}


def recoloured_hsv(image: Tensor, gains: Sequence[float]) -> Tensor:
    """Multiply hue, saturation and value by factors around 1, each up to its gain.

    Args:
        image: ``(3, H, W)`` uint8 RGB.
        gains: of the three; all 0 leaves the image as it is, without a draw.

    Returns:
        ``(3, H, W)`` uint8.
    """
    if not any(gains):
        return image
    return scaled_hsv(image, *(1 + uniform(-gain, gain) for gain in gains))
