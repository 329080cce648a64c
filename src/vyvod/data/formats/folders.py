"""Class folders: one folder of image files for each class, with or without train, val and test folders above them."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from torch import Tensor
from torchvision import tv_tensors

from vyvod.data.contract import fingerprint
from vyvod.errors import DataError
from vyvod.types import SPLITS, Sample, SplitName

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
)
SPLIT_FOLDERS: Mapping[SplitName, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""What the folders of splits may be called, in any case of letters."""

# Pillow would hand an EPS file that is called .jpg to Ghostscript; only these decoders are allowed to look at a file. Those
# that are named by their classes are not registered before they are imported.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", TiffImageFile.format, WebPImageFile.format)
_ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PROBES = 256


@dataclass(slots=True)
class ImageFiles:
    """A split whose images are files, decoded when they are asked for."""

    root: Path
    ids: Sequence[str]
    """Paths relative to ``root``, with ``/``."""
    labels: Tensor
    """``(N,)`` int64 class indices."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place, ``(3, H, W)``.

        Raises:
            DataError: the file cannot be decoded; the text names it.
        """
        return Sample(decode(self.path(index)), int(self.labels[index]), self.ids[index])

    def path(self, index: int) -> Path:
        """The file at that place."""
        return self.root / self.ids[index]

    def fingerprint(self) -> str:
        """Hash over ids, labels and sizes of the files: cheap, and blind to a change that keeps the size."""
        sizes = [file_size(self.root / identity) for identity in self.ids]
        return fingerprint("\n".join(self.ids).encode(), self.labels.numpy().tobytes(), np.array(sizes).tobytes())

    def subset(self, indices: Sequence[int] | np.ndarray) -> ImageFiles:
        """The images at these places, in this order."""
        places = np.asarray(indices, dtype=np.int64)
        return ImageFiles(self.root, [self.ids[place] for place in places], self.labels[places])


def file_size(path: Path) -> int:
    """Bytes; -1 where there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def decode(path: Path) -> tv_tensors.Image:
    """Read an image file as it is meant to be seen.

    The EXIF rotation is applied; grey is repeated over three channels; 16-bit grey keeps its upper 8 bits; CMYK and palettes
    become RGB; what is transparent becomes white; of an animation the first frame counts.

    Returns:
        ``(3, H, W)`` uint8, RGB.

    Raises:
        DataError: the file is missing, truncated, not an image, or so large that it may be a decompression bomb.
    """
    with opened(path) as image:
        return tv_tensors.Image(torch.from_numpy(rgb(image)).permute(2, 0, 1).contiguous())


@contextmanager
def opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Open an image file: its header is read, its pixels are not yet.

    Raises:
        DataError: whatever goes wrong with the image until the end of the ``with`` block; ``__cause__`` holds the reason.
    """
    try:
        with warnings.catch_warnings():
            # Odd metadata is no reason to write to a person's terminal for every image, a bomb is one to stop.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                yield image
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist. Check data.root.") from error
    except Exception as error:
        # Decoders raise anything on damaged files: OSError, SyntaxError, IndexError, zlib.error ...
        reason = Exception(_reason(error))
        raise DataError(
            f"{path} cannot be decoded: {reason}. Replace or delete it, or leave such images out with data.on_error=skip."
        ) from reason


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image of a known format"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"it has more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels, which may be a decompression bomb"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip(".") or type(error).__name__


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where there is none, or none that can be read."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata around pixels that are fine
        return 1
    return value if value in UPRIGHT else 1


def rgb(image: Image.Image) -> np.ndarray:
    """Pixels of an open image, upright, ``(H, W, 3)`` uint8.

    Raises:
        ValueError: its values are floating-point numbers, whose range is not known.
    """
    turn = UPRIGHT.get(orientation(image))
    upright = _to_rgb(image)
    return np.array(upright if turn is None else upright.transpose(turn))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its values are floating-point numbers of unknown range; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def read_class_folders(
    root: Path, *, wanted: Sequence[str] | None = None
) -> tuple[tuple[str, ...], dict[str, ImageFiles]]:
    """Find the images below a folder.

    Folders of splits are called ``train``, ``val`` (``valid``, ``validation``) and ``test``; hidden files and files that are
    no images by their names are passed over; images may lie in folders below that of their class.

    Args:
        root: holds class folders, or folders of splits which hold class folders.
        wanted: only these classes need to have images.

    Returns:
        class names in natural order (``class2`` before ``class10``), and split name -> images; the only name is ``all`` where
        there are no folders of splits.

    Raises:
        DataError: there is no such folder, there are no class folders, or a class folder is empty.
    """
    root = root.expanduser()
    if not root.is_dir():
        raise DataError(f"The folder data.root={root} does not exist.")
    folders: dict[str, Path] = {str(name): folder for name, folder in split_folders(root).items()} or {"all": root}
    found = {name: _classes_in(folder) for name, folder in folders.items()}
    classes = tuple(sorted({label for labels in found.values() for label in labels}, key=natural))
    if not classes:
        raise DataError(
            f"There are no class folders in {root}. Expected {root.name}/<class>/<image>, or {root.name}/train/<class>/<image> "
            "and the same for val and test."
        )
    return classes, {name: _files(root, labels, classes, wanted) for name, labels in found.items()}


def split_folders(root: Path) -> dict[SplitName, Path]:
    """The folders of splits in a folder, as far as they are there.

    Raises:
        DataError: a split has two, such as ``val`` and ``valid``.
    """
    # A folder `train` without folders in it is a class: pictures of trains.
    children = [child for child in _children(root) if any(path.is_dir() for path in child.iterdir())]
    folders: dict[SplitName, Path] = {}
    for name in SPLITS:
        matching = [child for child in children if child.name.lower() in SPLIT_FOLDERS[name]]
        if len(matching) > 1:
            raise DataError(
                f"{root} has both {matching[0].name}/ and {matching[1].name}/; keep one of them as {name}/."
            )
        if matching:
            folders[name] = matching[0]
    return folders


def _children(folder: Path) -> list[Path]:
    visible = (path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))
    return [path for path in visible if path.is_dir()]


def _classes_in(folder: Path) -> dict[str, Path]:
    return {child.name: child for child in _children(folder)}


def _files(root: Path, labels: Mapping[str, Path], classes: Sequence[str], wanted: Sequence[str] | None) -> ImageFiles:
    ids: list[str] = []
    numbers: list[int] = []
    for number, name in enumerate(classes):
        found = images_below(labels[name]) if name in labels else []
        if name in labels and not found and (wanted is None or name in wanted):
            raise DataError(
                f"The class folder {labels[name]} has no images ({', '.join(sorted(IMAGE_SUFFIXES))}). Fill or delete it, or "
                "name the classes to be used: data.classes=[...]."
            )
        ids.extend(path.relative_to(root).as_posix() for path in found)
        numbers.extend([number] * len(found))
    return ImageFiles(root, ids, torch.tensor(numbers, dtype=torch.int64))


def images_below(folder: Path) -> list[Path]:
    """Image files in a folder and below it, in natural order; hidden ones are passed over."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        visible = (name for name in files if not name.startswith("."))
        found.extend(Path(place, name) for name in visible if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES)  # noqa: PTH122 - a Path costs five times as much, and there may be a million
    return sorted(found, key=lambda path: natural(path.as_posix()))


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which `class2` comes before `class10`."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name


class Files(Protocol):
    """A split whose images are files."""

    def __len__(self) -> int:
        """Number of images."""

    def path(self, index: int) -> Path:
        """The image file at that place."""


def common_size(splits: Sequence[Files]) -> tuple[int, int] | None:
    """Height and width where all images have the same, judged by up to 256 images spread over the splits."""
    paths = [
        split.path(index)
        for split in splits
        for index in range(0, len(split), max(1, len(split) * len(splits) // _PROBES))
    ]
    sizes: set[tuple[int, int]] = set()
    for path in paths:
        try:
            with opened(path) as image:
                turned = orientation(image) >= 5
                sizes.add((image.width, image.height) if turned else (image.height, image.width))
        except DataError:
            continue
        if len(sizes) > 1:
            return None
    return next(iter(sizes), None)
