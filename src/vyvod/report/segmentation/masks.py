"""Label maps as pictures: masks in the colours of the data set, and the map of the errors."""

import colorsys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vyvod.errors import RunError
from vyvod.report.document import Swatch, Text
from vyvod.report.gallery import open_picture
from vyvod.report.palette import hex_colour, palette_image, rgb
from vyvod.report.records import Run

IGNORED = 255
"""Index of the pixels that do not count."""
RIGHT, MISSED, FALSE, WRONG = range(4)
"""Kinds of pixels in a map of errors; besides them there is `IGNORED`."""
MISSED_COLOUR, FALSE_COLOUR, WRONG_COLOUR = "#e66900", "#0059b8", "#c0005c"
"""Told apart with the common kinds of colour blindness, and each has a pattern of its own."""
IGNORED_COLOUR, IGNORED_LINE = "#d9d9d9", "#8c8c8c"

Labels = NDArray[np.uint8]
"""``(H, W)`` class indices; `IGNORED` where nothing counts."""
Colours = NDArray[np.uint8]
"""``(256, 3)`` RGB of each index."""
_LINE = 254
"""Index of the darker lines in hatched areas; no class where there are fewer than 255 of them."""

_ERROR_COLOURS = {
    RIGHT: "#ffffff",
    MISSED: MISSED_COLOUR,
    FALSE: FALSE_COLOUR,
    WRONG: WRONG_COLOUR,
    4 + FALSE: "#66a9ec",
    4 + WRONG: "#ff8fc2",
    IGNORED: IGNORED_COLOUR,
    _LINE: IGNORED_LINE,
}


def read_labels(folder: Path, name: str, size: tuple[int, int]) -> Labels:
    """A stored mask, of the size of its photo.

    Args:
        folder: of the run.
        name: of the picture.
        size: width and height of the photo.

    Raises:
        RunError: it cannot be decoded, or is no palette image.
    """
    image = open_picture(folder, name)
    if image.mode not in ("P", "L"):
        raise RunError(
            f"{folder / name} is a picture of mode {image.mode}; masks are palette images whose values are the classes. "
            "`vyvod evaluate RUN` writes the examples again."
        )
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.NEAREST))


def class_colours(run: Run) -> Colours | None:
    """The colours of the data set; without them those of the stored masks, and None without both."""
    classes = len(run.classes)
    given = run.record.data.palette or _stored_colours(run)
    if given is None:
        return None
    colours = np.empty((256, 3), dtype=np.uint8)
    colours[:] = rgb(IGNORED_COLOUR)
    colours[_LINE] = rgb(IGNORED_LINE)
    # Hues at the golden angle are far from those of the classes before: for classes that the palette lacks.
    hues = [colorsys.hsv_to_rgb(0.618 * place % 1, 0.75, 0.9) for place in range(classes)]
    colours[:classes] = np.round(255 * np.array(hues))
    for place, colour in enumerate(given[:classes]):
        colours[place] = np.clip(colour, 0, 255)
    return colours


def _stored_colours(run: Run) -> Sequence[Sequence[int]] | None:
    masks = [name for example in run.examples[:1] for name in example.files[1:]]
    if not masks:
        return None
    stored = open_picture(run.folder, masks[0]).getpalette() or []
    return [stored[place : place + 3] for place in range(0, len(stored), 3)]


def class_texts(run: Run) -> list[Text]:
    """The names of the classes, each with its colour where the colours are known."""
    colours = class_colours(run)
    if colours is None:
        return [(name,) for name in run.classes]
    return [(Swatch(hex_colour(colours[place])), name) for place, name in enumerate(run.classes)]


def background(classes: Sequence[str]) -> int | None:
    """The class that means: no object. Only the first one can be it."""
    return 0 if classes and classes[0] == "background" else None


def errors(truth: Labels, predicted: Labels, none: int | None) -> Labels:
    """Kind of each pixel: `RIGHT`, `MISSED`, `FALSE`, `WRONG` or `IGNORED`.

    Args:
        truth: the true classes.
        predicted: the network's, of the same shape.
        none: class of the background. Without one, every wrong pixel is of the `WRONG` class.
    """
    kinds = np.where(truth == predicted, RIGHT, WRONG).astype(np.uint8)
    if none is not None:
        kinds[(truth != none) & (predicted == none)] = MISSED
        kinds[(truth == none) & (predicted != none)] = FALSE
    kinds[truth == IGNORED] = IGNORED
    return kinds


def hatched(labels: Labels, colours: Colours) -> Labels:
    """The same, with dark lines over the pixels that do not count, where an index is left for them."""
    if tuple(colours[_LINE]) != rgb(IGNORED_LINE):
        return labels
    return np.where((labels == IGNORED) & _stripes(labels.shape), np.uint8(_LINE), labels)


def over(photo: Image.Image, labels: Labels, colours: Colours, *, clear: int | None) -> Image.Image:
    """The photo under a mask that lets a third of it through; RGB.

    Args:
        photo: RGB.
        labels: of the size of the photo.
        colours: of the classes.
        clear: the class that leaves the photo as it is.
    """
    pixels = np.asarray(photo).astype(np.float32)
    painted = 0.35 * pixels + 0.65 * colours[labels]
    kept = np.zeros(labels.shape, dtype=np.bool_) if clear is None else labels == clear
    return Image.fromarray(np.round(np.where(kept[..., None], pixels, painted)).astype(np.uint8))


def error_picture(kinds: Labels) -> Image.Image:
    """The kinds of error as a palette image: missed plain, false striped, wrong dotted, ignored hatched.

    Args:
        kinds: from `errors`, as large as the picture is shown: patterns are made of its pixels.

    Returns:
        mode P; right pixels are transparent.
    """
    rows, columns = np.indices(kinds.shape)
    dots, stripes = (rows % 5 < 2) & (columns % 5 < 2), _stripes(kinds.shape)
    indices = kinds.copy()
    # Index 4 + kind is the second colour of a pattern.
    indices[(kinds == FALSE) & stripes] = 4 + FALSE
    indices[(kinds == WRONG) & dots] = 4 + WRONG
    indices[(kinds == IGNORED) & stripes] = _LINE
    colours = np.zeros((256, 3), dtype=np.uint8)
    for index, colour in _ERROR_COLOURS.items():
        colours[index] = rgb(colour)
    return palette_image(indices, colours, clear=RIGHT)


def enlarged(labels: Labels, times: int) -> Labels:
    """Each pixel as a square of ``times`` pixels a side."""
    return labels.repeat(times, axis=0).repeat(times, axis=1)


def _stripes(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = np.indices(shape)
    stripes: NDArray[np.bool_] = (rows + columns) % 6 < 2
    return stripes
