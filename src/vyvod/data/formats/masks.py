"""Images with masks: a class index for every pixel, read from whatever files a data set keeps them in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torchvision import tv_tensors

from vyvod.data.contract import IGNORE, fingerprint
from vyvod.data.formats.folders import decode, file_size, opened, orientation
from vyvod.errors import DataError
from vyvod.types import Sample


class MaskReader(Protocol):
    """From the key of a mask to its class indices. It is sent to workers, so it is a small picklable object."""

    def __call__(self, key: str) -> np.ndarray:
        """``(H, W)`` uint8 class indices, 255 where nothing counts.

        Raises:
            DataError: the mask is missing, cannot be decoded, or holds what is in no table; the text names file and values.
        """

    def files(self, key: str) -> Sequence[Path]:
        """The files that the mask is made of."""


@dataclass(slots=True)
class MaskFiles:
    """A split for segmentation whose images and masks are decoded when they are asked for."""

    root: Path
    ids: Sequence[str]
    """Stable names of the images."""
    images: Sequence[str]
    """Paths of the images relative to ``root``, with ``/``."""
    keys: Sequence[str]
    """What ``read`` is given for each image: often the path of the mask."""
    read: MaskReader
    channels: int = 3
    """1: all images are grey, and stay so."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place: ``(channels, H, W)`` image and ``(H, W)`` mask, uint8.

        Raises:
            DataError: image or mask cannot be read, their sizes differ, or an image that should be grey is not; the text
                names the files.
        """
        image, mask = self._image(self.path(index)), self.mask(index)
        if image.shape[-2:] != mask.shape:
            raise DataError(_sizes_differ(self.path(index), image.shape, self.read.files(self.keys[index]), mask.shape))
        return Sample(image, tv_tensors.Mask(torch.from_numpy(mask)), self.ids[index])

    def _image(self, path: Path) -> tv_tensors.Image:
        image = decode(path)
        return image if self.channels == 3 else _grey(image, path)

    def mask(self, index: int) -> np.ndarray:
        """The mask at that place without its image, ``(H, W)`` uint8."""
        return self.read(self.keys[index])

    def path(self, index: int) -> Path:
        """The image file at that place."""
        return self.root / self.images[index]

    def fingerprint(self) -> str:
        """Hash over ids and the sizes of all files: cheap, and blind to a change that keeps the size."""
        paths = [path for index, key in enumerate(self.keys) for path in (self.path(index), *self.read.files(key))]
        sizes = np.array([file_size(path) for path in paths])
        return fingerprint("\n".join(self.ids).encode(), "\n".join(self.keys).encode(), sizes.tobytes())

    def subset(self, indices: Sequence[int] | np.ndarray) -> MaskFiles:
        """The images at these places, in this order."""
        places = [int(place) for place in indices]
        return MaskFiles(
            self.root, [self.ids[p] for p in places], [self.images[p] for p in places], [self.keys[p] for p in places],
            self.read, self.channels,
        )  # fmt: skip


def _grey(image: tv_tensors.Image, path: Path) -> tv_tensors.Image:
    # A difference between the channels would be lost without a word.
    if not (torch.equal(image[0], image[1]) and torch.equal(image[0], image[2])):
        raise DataError(
            f"{path} is in colour, while the images of this data set are grey. Save it as grey, or all as RGB."
        )
    return tv_tensors.Image(image[:1])


@dataclass(frozen=True, slots=True, eq=False)
class NumberMasks:
    """Reads masks of whole numbers, each of which stands for a class. A key is a path relative to ``root``."""

    root: Path
    table: np.ndarray
    """``(M,)`` int: class index of each number 0..M-1; 255 is ignored, -1 is an error."""
    expected: str
    """What may stand in a mask, for the message."""

    def __call__(self, key: str) -> np.ndarray:
        """``(H, W)`` uint8 class indices.

        Raises:
            DataError: the mask cannot be read, is in colour, or holds a number outside the table.
        """
        return mapped(indices(self.root / key), self.table, self.root / key, expected=self.expected)

    def files(self, key: str) -> Sequence[Path]:
        """The one file of the mask."""
        return (self.root / key,)


@dataclass(frozen=True, slots=True, eq=False)
class ColourMasks:
    """Reads masks of colours, each of which stands for a class. A key is a path relative to ``root``."""

    root: Path
    codes: np.ndarray
    """``(M,)`` int: codes of the colours as of `colour_codes`, all different."""
    table: np.ndarray
    """``(M,)`` int: class index of each colour; 255 is ignored."""
    expected: str
    """What may stand in a mask, for the message."""

    def __call__(self, key: str) -> np.ndarray:
        """``(H, W)`` uint8 class indices.

        Raises:
            DataError: the mask cannot be read, or holds a colour outside the table.
        """
        path = self.root / key
        codes, order = stored(path).codes(), np.argsort(self.codes)
        places = order[np.searchsorted(self.codes, codes, sorter=order).clip(max=len(order) - 1)]
        wrong = self.codes[places] != codes
        if wrong.any():
            raise DataError(_wrong_colours(path, np.unique(codes[wrong]), self.expected))
        classes: np.ndarray = self.table[places].astype(np.uint8)
        return classes

    def files(self, key: str) -> Sequence[Path]:
        """The one file of the mask."""
        return (self.root / key,)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A mask file as it is stored."""

    values: np.ndarray
    """``(H, W)`` integers for palette, grey and 16-bit files, ``(H, W, 3)`` uint8 for RGB ones; upright."""
    palette: np.ndarray | None
    """``(256, 3)`` uint8: the colours of a palette file."""

    def codes(self) -> np.ndarray:
        """``(H, W)`` int32 codes of the colours that a person sees, as of `colour_codes`; -1 where a number is none.

        Of the numbers above 255 only 65535 is a colour: the white of 16-bit files.
        """
        if self.values.ndim == 3:
            return colour_codes(self.values)
        if self.palette is not None:
            codes: np.ndarray = colour_codes(self.palette)[self.values]
            return codes
        grey = np.where(self.values == 65535, 255, self.values).astype(np.int32)
        return np.where((grey >= 0) & (grey <= 255), grey * GREY, -1)


GREY = 0x010101
"""Colour code of a shade of grey / the shade."""


def stored(path: Path) -> Stored:
    """Read a mask file: palette indices or grey values as they are, with the palette.

    Raises:
        DataError: it is missing, cannot be decoded, is a JPEG, or holds floating-point numbers.
    """
    with opened(path) as image:
        if image.format in ("JPEG", "MPO"):
            raise ValueError("it is a JPEG, which smears the classes into each other; save the mask as PNG")
        if orientation(image) > 1:
            raise ValueError("it is rotated by EXIF; save the mask upright")
        if image.mode == "F":
            raise ValueError("its values are floating-point numbers; a mask holds whole class numbers")
        return Stored(np.array(_plain(image)), _palette(image))


def indices(path: Path) -> np.ndarray:
    """A mask file as it is stored: palette indices or grey values, not colours.

    Returns:
        ``(H, W)`` integers for palette, grey and 16-bit files, ``(H, W, 3)`` uint8 for RGB ones; upright.

    Raises:
        DataError: it is missing, cannot be decoded, is a JPEG, or holds floating-point numbers.
    """
    return stored(path).values


def _plain(image: Image.Image) -> Image.Image:
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("RGBA", "CMYK", "YCbCr", "LAB", "HSV"):
        return image.convert("RGB")
    return image.getchannel(0) if image.mode in ("LA", "PA", "La") else image


def _palette(image: Image.Image) -> np.ndarray | None:
    if image.mode not in ("P", "PA"):
        return None
    colours = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: len(colours)] = colours
    return palette


def colour_codes(colours: np.ndarray) -> np.ndarray:
    """``(..., 3)`` uint8 RGB -> ``(...)`` int32, red in the highest bits."""
    wide = colours.astype(np.int32)
    codes: np.ndarray = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return codes


def mapped(values: np.ndarray, table: np.ndarray, path: Path, *, expected: str) -> np.ndarray:
    """Stored numbers -> class indices.

    Args:
        values: ``(H, W)`` integers as stored, or ``(H, W, 3)`` where red, green and blue are equal.
        table: ``(M,)`` int: class index of each number 0..M-1; 255 is ignored, -1 is an error.
        path: the file, for the message.
        expected: what may stand there, for the message.

    Returns:
        ``(H, W)`` uint8.

    Raises:
        DataError: a number is outside the table, or the mask is in colour.
    """
    if values.ndim == 3:
        if np.ptp(values, axis=2).any():
            raise DataError(f"{path} is in colour; expected {expected}. Save it as grey or palette PNG.")
        values = values[..., 0]
    inside = (values >= 0) & (values < len(table))
    found = table[np.where(inside, values, 0)]
    wrong = ~inside | (found < 0)
    if wrong.any():
        raise DataError(_wrong_values(path, np.unique(values[wrong]), expected))
    return found.astype(np.uint8)


def identity_table(classes: int) -> np.ndarray:
    """The table of masks that hold class indices already, with 255 for pixels that do not count."""
    table = np.full(256, -1, dtype=np.int64)
    table[:classes] = np.arange(classes)
    table[IGNORE] = IGNORE
    return table


def voc_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """The colours of Pascal VOC's palette, also the usual ones for data sets without colours of their own.

    The bits of the class number are dealt out to red, green and blue, the lowest first, to the highest bits of each.
    """
    return tuple(_voc_colour(number) for number in range(count))


def _voc_colour(number: int) -> tuple[int, int, int]:
    channels = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            channels[channel] |= ((number >> (3 * place + channel)) & 1) << (7 - place)
    return channels[0], channels[1], channels[2]


def pairs_by_name(
    images: Sequence[Path], masks: Sequence[Path], *, expected: str, folders: tuple[Path, Path] | None = None
) -> Iterator[tuple[Path, Path]]:
    """Each image with the mask of the same name without the ending, or with `_mask`, `_label`, `_gt` or the like behind it.

    Args:
        images: files.
        masks: files; masks without an image are left alone.
        expected: where a mask should lie, for the message.
        folders: the folders of images and of masks: then paths below them have to agree, not only names.

    Raises:
        DataError: an image has no mask, has several, or only one that is a JPEG.
    """
    images_folder, masks_folder = folders or (None, None)
    exact, marked = _by_name(masks, masks_folder, ending=None), _by_name(masks, masks_folder, ending=_MASK_ENDING)
    names = [_name(path, images_folder) for path in images]
    found = [exact.get(name) or marked.get(name) or [] for name in names]
    lonely = [path for path, candidates in zip(images, found, strict=True) if not candidates]
    if lonely:
        more = f" (and {len(lonely) - 1} more)" if len(lonely) > 1 else ""
        raise DataError(
            f"The image {lonely[0]}{more} has no mask. Expected: {expected}. Add the mask or remove the image."
        )
    yield from ((path, _only(path, candidates)) for path, candidates in zip(images, found, strict=True))


_MASK_ENDING = re.compile(r"[ _-](mask|masks|label|labels|labelids|annotation|annot|gt|seg|l)$", re.IGNORECASE)
_JPEG = (".jpg", ".jpeg", ".jfif")


def _name(path: Path, folder: Path | None) -> str:
    return PurePath(path.name if folder is None else path.relative_to(folder)).with_suffix("").as_posix()


def _by_name(masks: Sequence[Path], folder: Path | None, *, ending: re.Pattern[str] | None) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in masks:
        name = _name(path, folder)
        if ending is None or ending.search(name):
            found.setdefault(name if ending is None else ending.sub("", name), []).append(path)
    return found


def _only(image: Path, candidates: Sequence[Path]) -> Path:
    # A JPEG beside a PNG is a preview.
    sharp = [path for path in candidates if path.suffix.lower() not in _JPEG]
    if len(sharp) > 1:
        raise DataError(f"The image {image} has two masks, {sharp[0]} and {sharp[1].name}. Keep one of them.")
    if not sharp:
        raise DataError(
            f"The mask {candidates[0]} is a JPEG, which smears the classes into each other. Make the masks anew as PNG; "
            "turning the JPEG into a PNG does not bring back what is lost."
        )
    return sharp[0]


def _sizes_differ(image: Path, size: Sequence[int], masks: Sequence[Path], mask_size: Sequence[int]) -> str:
    return (
        f"{image} is {size[-1]} x {size[-2]} pixels, its mask {masks[0] if masks else ''} is {mask_size[1]} x {mask_size[0]}. "
        "Both must have the same size; a mask is enlarged or made smaller with nearest-neighbour, never smoothed."
    )


def _wrong_values(path: Path, values: np.ndarray, expected: str) -> str:
    shown = ", ".join(map(str, values[:5])) + (", ..." if len(values) > 5 else "")
    return f"{path} holds the values {shown}; expected {expected}. Mend the mask, or the table of classes."


def _wrong_colours(path: Path, codes: np.ndarray, expected: str) -> str:
    shown = "; ".join(rgb_text(code) for code in codes[:5].tolist()) + ("; ..." if len(codes) > 5 else "")
    many = f" ({len(codes)} such colours: is it smoothed?)" if len(codes) > 5 else ""
    return f"{path} holds the colours {shown}{many}; expected {expected}. Mend the mask, or the table of classes."


def rgb_text(code: int) -> str:
    """A colour code as ``red,green,blue``; -1 is none."""
    return "a number above 255" if code < 0 else f"{code >> 16},{code >> 8 & 255},{code & 255}"
