"""Videos as images, one after the other; and annotated images as a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vyvod.errors import DataError, SettingsError

VIDEO_SUFFIXES = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"))
_CODEC = "mp4v"
"""MPEG-4 part 2: every build of OpenCV can write it."""


@dataclass(slots=True)
class Video:
    """The frames of a video file, decoded as they are asked for."""

    path: Path
    rate: float = field(init=False)
    """Frames per second."""
    count: int = field(init=False)
    """Frames, as the file says: some say too many, or none."""
    _capture: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the file.

        Raises:
            SettingsError: the extra ``video`` is not installed.
            DataError: it is no video that can be read.
        """
        cv2 = _library()
        # As a file and nothing else: a name with a number in it would mean a series of images, others a device or an address.
        self._capture = cv2.VideoCapture(str(self.path.resolve()), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise DataError(
                f"{self.path} cannot be read as a video. Convert it to MP4 (H.264), or give its frames as a folder."
            )
        self.rate = float(self._capture.get(cv2.CAP_PROP_FPS)) or 25.0
        self.count = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    def __iter__(self) -> Iterator[Tensor]:
        """``(3, H, W)`` uint8 RGB frames."""
        while True:
            there, frame = self._capture.read()
            if not there:
                break
            yield torch.from_numpy(np.ascontiguousarray(frame[:, :, ::-1])).permute(2, 0, 1)
        self._capture.release()


@dataclass(slots=True)
class VideoWriter:
    """Writes images of one size as an MP4 file, which appears under its name when it is whole."""

    path: Path
    rate: float
    """Frames per second."""
    _unfinished: Path = field(init=False, repr=False)
    _writer: Any = field(init=False, repr=False, default=None)

    def add(self, image: Image.Image) -> None:
        """The next frame.

        Raises:
            DataError: no such file can be written.
        """
        if self._writer is None:
            self._open(image.size)
        self._writer.write(np.asarray(image.convert("RGB"))[:, :, ::-1])

    def _open(self, size: tuple[int, int]) -> None:
        cv2 = _library()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._unfinished = self.path.with_name(f".{self.path.name}")
        self._writer = cv2.VideoWriter(str(self._unfinished), cv2.VideoWriter_fourcc(*_CODEC), self.rate, size)
        if not self._writer.isOpened():
            raise DataError(f"{self.path} cannot be written as a video. Choose another folder: --output DIR.")

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._unfinished.replace(self.path)


def _library() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise SettingsError(
            "Videos need OpenCV, which is not installed. Install it with `pip install vyvod[video]`."
        ) from error
    return cv2
