"""Pascal VOC's files: the names of its classes, its lists of images, and the masks that SBD adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from scipy.io import loadmat

from vyvod.data.contract import BACKGROUND
from vyvod.data.formats.masks import NumberMasks, identity_table, mapped
from vyvod.errors import DataError

OBJECTS = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""The 20 classes in the order of their numbers 1 to 20."""
CLASSES = (BACKGROUND, *OBJECTS)
EXPECTED = "0 (background), 1 to 20 (classes) and 255 (border)"


def read_list(path: Path) -> list[str]:
    """Names of images in a list of ``ImageSets``, or in one of DeepLab's (``/JPEGImages/x.jpg /SegmentationClassAug/x.png``).

    Returns:
        names without folder and ending, each once, in the order of the list; none where there is no such file.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return list(dict.fromkeys(PurePosixPath(line.split()[0]).stem for line in lines if line.strip()))


@dataclass(frozen=True, slots=True, eq=False)
class VocMasks:
    """Reads VOC's masks, whose keys are paths relative to ``root``, and SBD's, whose keys end in ``.mat``."""

    root: Path
    """The folder of the edition, such as ``VOCdevkit/VOC2012``."""
    sbd: Path | None = None
    """The folder that holds SBD's ``cls``."""

    def __call__(self, key: str) -> np.ndarray:
        """``(H, W)`` uint8 class indices, 255 on borders.

        Raises:
            DataError: the mask is missing, cannot be decoded, is in colour, or holds other values than 0 to 20 and 255.
        """
        table = identity_table(len(CLASSES))
        if self.sbd is not None and key.endswith(".mat"):
            return mapped(read_sbd(self.sbd / key), table, self.sbd / key, expected=EXPECTED)
        return NumberMasks(self.root, table, EXPECTED)(key)

    def files(self, key: str) -> Sequence[Path]:
        """The file of the mask."""
        return (self.sbd / key if self.sbd is not None and key.endswith(".mat") else self.root / key,)


def read_sbd(path: Path) -> np.ndarray:
    """``(H, W)`` integers: the classes in a file of SBD's folder ``cls`` (``GTcls.Segmentation``).

    Raises:
        DataError: it is missing or no such file.
    """
    try:
        values = _segmentation(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist. Check data.root.") from error
    except Exception as error:
        # On damaged files the reader raises anything: ValueError, TypeError, KeyError, zlib.error ... It runs nothing in them.
        raise DataError(f"{path} cannot be read as a mask of SBD: {error}. Unpack SBD's archive again.") from error
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise DataError(
            f"{path}: GTcls.Segmentation has the shape {values.shape} and the type {values.dtype}; expected whole numbers, "
            "height x width. Unpack SBD's archive again."
        )
    return values


def _segmentation(path: Path) -> np.ndarray:
    with path.open("rb") as stream:
        contents: Any = loadmat(stream, variable_names=["GTcls"], squeeze_me=True)
    if "GTcls" not in contents:
        raise ValueError("it has no GTcls")
    return np.asarray(contents["GTcls"]["Segmentation"][()])
