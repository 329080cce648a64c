"""The input that a network is built for."""

from vyvod.errors import SettingsError
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


def strided_input(
    native: InputSpec | None, *, stride: int, surplus: int = 0, lost: int = 0, smallest: int = 0, channels: int = 3
) -> InputSpec:
    """The smallest input that a network takes and whose output covers the images.

    Args:
        native: the images or crops as they are; None where their sizes differ: 512 x 512.
        stride: sides must be a multiple of it,
        surplus: plus this.
        lost: pixels by which the output is shorter than the input.
        smallest: side of the smallest image, where it is not the stride.
        channels: that the network sees.

    Raises:
        SettingsError: the images are smaller than that.
    """
    height, width = (512, 512) if native is None else (native.height, native.width)
    if min(height, width) < max(stride, smallest):
        raise SettingsError(
            f"Images of {height} x {width} pixels are too small: the network's stride is {stride}, so it needs at least "
            f"{max(stride, smallest)} pixels on each side. Choose larger crops (augmentation.crop_size) or enlarge the images "
            "(data.image_size)."
        )
    sides = (stride * -(-(side + lost - surplus) // stride) + surplus for side in (height, width))
    return InputSpec(channels, *sides)
