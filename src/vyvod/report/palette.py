"""Pictures of a few flat colours."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def hex_colour(colour: Sequence[int] | NDArray[np.uint8]) -> str:
    """``#rrggbb``."""
    return "#" + "".join(f"{int(part):02x}" for part in colour)


def rgb(colour: str) -> tuple[int, int, int]:
    """The parts of ``#rrggbb``, 0..255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def palette_image(indices: NDArray[np.uint8], colours: NDArray[np.uint8], *, clear: int | None) -> Image.Image:
    """A palette image of no more colours than it needs.

    Args:
        indices: ``(H, W)``.
        colours: ``(256, 3)`` RGB of each index.
        clear: index that is transparent.
    """
    used, places = np.unique(indices, return_inverse=True)
    image = Image.fromarray(places.reshape(indices.shape).astype(np.uint8))
    image.putpalette(colours[used].ravel().tolist())
    if clear is not None and clear in used:
        image.info["transparency"] = int(np.searchsorted(used, clear))
    return image
