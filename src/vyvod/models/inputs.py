"""The input that a network is built for."""

from vyvod.types import InputSpec


def rgb_input(native: InputSpec | None, *, photos: int = 224, smallest: int = 1) -> InputSpec:
    """An RGB input as large as the images; grey images will be repeated to three channels.

    Args:
        native: the images as they are; None where their sizes differ.
        photos: side in pixels of the square that is used where the sizes differ.
        smallest: smaller sides are brought up to that many pixels.
    """
    if native is None:
        return InputSpec(3, photos, photos)
    return InputSpec(3, max(native.height, smallest), max(native.width, smallest))
