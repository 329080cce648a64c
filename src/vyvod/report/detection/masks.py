"""Stored masks of detections as a picture in the colours of right and false ones."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vyvod.errors import RunError
from vyvod.report.detection.boxes import LOOKS, BoxRecord, detection_role
from vyvod.report.gallery import open_picture
from vyvod.report.palette import palette_image, rgb
from vyvod.report.records import Run


def mask_picture(run: Run, record: BoxRecord, size: tuple[int, int]) -> Image.Image | None:
    """The pixels of the detections, right ones blue and false ones orange.

    Args:
        run: whose folder holds the picture.
        record: of the example.
        size: width and height of the photo.

    Returns:
        mode P, what belongs to no detection is transparent; None where no masks are stored.

    Raises:
        RunError: the picture cannot be decoded, or is no palette picture.
    """
    if record.masks is None:
        return None
    image = open_picture(run.folder, record.masks)
    if image.mode not in ("P", "L"):
        raise RunError(
            f"{run.folder / record.masks} is a picture of mode {image.mode}; masks are palette pictures whose values are "
            "the numbers of the detections. `vyvod evaluate RUN` writes the examples again."
        )
    indices = np.asarray(image if image.size == size else image.resize(size, Image.Resampling.NEAREST))
    return palette_image(indices, _colours(record), clear=0)


def _colours(record: BoxRecord) -> NDArray[np.uint8]:
    colours = np.zeros((256, 3), dtype=np.uint8)
    for place, part in enumerate(record.predicted[:255], start=1):
        colours[place] = rgb(LOOKS[detection_role(part)].colour)
    return colours
