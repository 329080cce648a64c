"""Pictures that are written for people: from tensors to PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFont
from torch import Tensor

from vyvod.data.contract import BACKGROUND, IGNORE, Palette
from vyvod.data.formats.masks import voc_palette
from vyvod.files import write_atomically

SIDE = 512
"""Longest side of an annotated image, pixels; smaller ones are enlarged in whole steps, so that the text can be read."""


def picture(image: Tensor) -> Image.Image:
    """``(C, H, W)`` uint8, grey repeated to RGB."""
    return Image.fromarray(image.expand(3, -1, -1).permute(1, 2, 0).cpu().contiguous().numpy())


def write_png(path: Path, image: Image.Image) -> None:
    """Write it atomically."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    write_atomically(path, lambda file: file.write(buffer.getvalue()))


def enlarged(image: Image.Image) -> Image.Image:
    """Tiny images in whole steps to at least half of `SIDE`, large ones down to it."""
    times = SIDE // 2 // max(image.size)
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((SIDE, SIDE))
    return image


def font() -> Any:
    """A font with Cyrillic: matplotlib ships DejaVu; Pillow's own has Latin letters only."""
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 15)


def mask_picture(mask: np.ndarray, palette: Palette | None, classes: int) -> Image.Image:
    """A mask as a palette image: its values are the class indices, its colours those of the data set.

    Args:
        mask: ``(H, W)`` uint8, 255 where nothing counts.
        palette: None: the usual colours.
        classes: number of classes.
    """
    image = Image.fromarray(mask)
    image.putpalette(_colours(palette, classes).ravel().tolist())
    return image


def overlay(image: Tensor, mask: np.ndarray, palette: Palette | None, classes: Sequence[str]) -> Image.Image:
    """The mask laid over the image, half transparent; background and what does not count stay as they are.

    Args:
        image: ``(C, H, W)`` uint8.
        mask: ``(H, W)`` uint8.
        palette: None: the usual colours.
        classes: their names.
    """
    pixels = np.asarray(picture(image)).astype(np.float32)
    shown = mask != IGNORE
    if BACKGROUND in classes:
        shown &= mask != classes.index(BACKGROUND)
    colours = _colours(palette, len(classes))[mask].astype(np.float32)
    mixed = np.where(shown[..., None], 0.5 * pixels + 0.5 * colours, pixels)
    return Image.fromarray(mixed.round().astype(np.uint8))


def _colours(palette: Palette | None, classes: int) -> np.ndarray:
    """``(256, 3)`` uint8; what does not count is the pale grey of Pascal VOC's border."""
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[:classes] = np.array(palette if palette is not None else voc_palette(classes), dtype=np.uint8)
    colours[IGNORE] = (224, 224, 192)
    return colours
