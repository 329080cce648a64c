"""The examples of an autoencoder: what it sees, what it draws, and the image itself, in a row."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from vyvod.report.contract import Shown
from vyvod.report.document import Block, Paragraph, Picture, Pictures
from vyvod.report.figures import COLOURS, blank, shortened, style
from vyvod.report.gallery import choose, in_order, open_picture
from vyvod.report.records import ExampleRecord, Run
from vyvod.report.text import Words

_TINY = 96
"""Pixels: images up to this size are enlarged as squares, not smoothed."""
_LARGEST = 320
_WIDTH, _HEIGHT = 8.0, 1.25
"""Inches of the figure and of a row."""
_SIDE_BY_SIDE = 2
"""Examples in a row."""
_COLUMNS = ("input", "output", "original")


class RedrawnRecord(ExampleRecord):
    """An image with what the network saw and what it drew."""

    input: str
    output: str
    psnr: float

    @property
    def files(self) -> tuple[str, ...]:
        """The image, what the network saw, what it drew."""
        return (self.file, self.input, self.output)


def blocks(run: Run, words: Words, count: int) -> list[Block]:
    """The examples of a run.

    Args:
        run: read from its folder, with examples.
        words: the language.
        count: images in the figure.
    """
    chosen = choose(cast(tuple[RedrawnRecord, ...], run.examples), count)
    ratios = ", ".join(words.number(example.psnr, 1) for example in chosen)
    alt = words.say("reconstruction_alt_examples", images=words.count(len(chosen), "image"), ratios=ratios)
    caption = words.say("reconstruction_cap_examples")
    picture = Picture("examples", _draw(run, chosen, words), alt, caption, photos=True)
    return [Paragraph(words.text("reconstruction_examples_lead")), Pictures([picture])]


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The image and what the network drew of it."""
    record = cast(RedrawnRecord, in_order([example])[0])
    photo, drawn = (open_picture(run.folder, name).convert("RGB") for name in (record.file, record.output))
    return Shown(photo, photo, drawn, "", words.say("image_psnr", value=words.number(record.psnr, 1)), ())


def _draw(run: Run, chosen: Sequence[RedrawnRecord], words: Words) -> Figure:
    with style():
        rows = -(-len(chosen) // _SIDE_BY_SIDE)
        figure = blank("", _HEIGHT * rows + 0.3, width=_WIDTH)
        grid = figure.subplots(rows, _SIDE_BY_SIDE * len(_COLUMNS), squeeze=False)
        triples = grid.reshape(-1, len(_COLUMNS))
        for triple, example in zip(triples, chosen, strict=False):
            for axes, file in zip(triple, (example.input, example.output, example.file), strict=True):
                _show(axes, open_picture(run.folder, file).convert("RGB"))
            _label(triple[0], example, words)
        for axes in triples[len(chosen) :].ravel():
            axes.set_visible(False)
        for axes, name in zip(grid[0], _COLUMNS * _SIDE_BY_SIDE, strict=True):
            axes.set_title(words.say(f"picture_{name}"), loc="center", fontsize=11)
    return figure


def _label(axes: Axes, example: RedrawnRecord, words: Words) -> None:
    role = "" if example.role == "gallery" else f"{words.say(f'role_{example.role}')}\n"
    score = words.say("image_psnr", value=words.number(example.psnr, 1))
    axes.set_ylabel(f"{role}{score}\n{shortened(example.id, 14)}", fontsize=10)


def _show(axes: Axes, image: Image.Image) -> None:
    image.thumbnail((_LARGEST, _LARGEST))
    axes.imshow(np.asarray(image), interpolation="nearest" if max(image.size) <= _TINY else "antialiased")
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        # Black and white images must end somewhere, on any paper.
        spine.set(visible=True, color=COLOURS["muted"], linewidth=0.6)
