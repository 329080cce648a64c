"""The examples of a classifier: the figure of them, and the cards of the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from vyvod.report.contract import Shown
from vyvod.report.document import AnswerCard, Block, Choice, Gallery, Paragraph, Picture
from vyvod.report.figures import COLOURS, blank, shortened, style
from vyvod.report.gallery import choose, in_order, open_picture
from vyvod.report.records import ExampleRecord, Run
from vyvod.report.text import Words

_COLUMNS = 5
_TINY = 96
"""Pixels: images up to this size are enlarged as squares, not smoothed."""


class AnswerRecord(ExampleRecord):
    """An image with the class that the network named."""

    truth: str
    predicted: str
    confidence: float
    top: tuple[tuple[str, float], ...] = ()
    right: bool


def blocks(run: Run, words: Words, count: int) -> list[Block]:
    """The examples of a run.

    Args:
        run: read from its folder, with examples.
        words: the language.
        count: images in the figure.
    """
    examples = cast(tuple[AnswerRecord, ...], run.examples)
    chosen = choose(examples, count)
    picture = Picture("examples", _draw(run.folder, chosen, words), _alt(chosen, words), words.say("cap_examples"))
    cards = [_card(run.folder, example, words) for example in in_order(examples)]
    groups = [Choice("right", f"✓ {words.say('filter_right')}"), Choice("wrong", f"✗ {words.say('filter_wrong')}")]
    gallery = Gallery(picture, cards, groups, words.say("filter_class"), at_first=20)
    return [Paragraph(words.text("examples_lead")), gallery]


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The image, its class, and the class that the network named."""
    record = cast(AnswerRecord, example)
    photo = open_picture(run.folder, record.file).convert("RGB")
    answer = f"{record.predicted} ({words.percent(record.confidence, 0)})"
    return Shown(photo, None, None, record.truth, answer, [record.truth])


def _alt(chosen: Sequence[AnswerRecord], words: Words) -> str:
    right = sum(example.right for example in chosen)
    return words.say("alt_examples", images=words.count(len(chosen), "image"), right=right)


def _card(folder: Path, example: AnswerRecord, words: Words) -> AnswerCard:
    return AnswerCard(
        group="right" if example.right else "wrong",
        tags=[example.truth],
        image=open_picture(folder, example.file).convert("RGB"),
        truth=example.truth,
        predicted=example.predicted,
        confidence=words.percent(example.confidence),
        right=example.right,
        role=example.role,
        name=example.id,
        top=[(name, probability, words.percent(probability)) for name, probability in example.top[:3]],
    )


def _draw(folder: Path, chosen: Sequence[AnswerRecord], words: Words) -> Figure:
    rows = -(-len(chosen) // _COLUMNS)
    with style():
        figure = blank("", 2.72 * rows, width=8)
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes in grid[len(chosen) :]:
            axes.set_visible(False)
        for axes, example in zip(grid, chosen, strict=False):
            _draw_one(axes, _square(open_picture(folder, example.file).convert("RGB")), example, words=words)
    return figure


def _draw_one(axes: Axes, pixels: NDArray[np.uint8], example: AnswerRecord, *, words: Words) -> None:
    colour = COLOURS["green" if example.right else "orange"]
    axes.imshow(pixels, interpolation="nearest" if len(pixels) <= _TINY else "antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(
            visible=True,
            color=colour,
            linewidth=3,
            capstyle="butt",
            linestyle="solid" if example.right else (0, (2.4, 1.6)),
        )
    axes.set_title(words.say(f"role_{example.role}"), fontsize=11, pad=5)
    place: Any = {"transform": axes.transAxes, "ha": "left", "va": "top"}
    axes.text(0, -0.05, shortened(example.truth, 15), fontsize=12.5, **place)
    axes.text(0, -0.20, f"→ {shortened(example.predicted, 14)}", fontsize=12.5, color=colour, **place)
    mark = "✓" if example.right else "✗"
    axes.text(
        0, -0.35, f"{mark} {words.percent(example.confidence)}", fontsize=12.5, fontweight="bold", color=colour, **place
    )


def _square(image: Image.Image) -> NDArray[np.uint8]:
    """The image in the middle of a white square, at most 400 pixels a side: all frames of the figure are alike."""
    image.thumbnail((400, 400))
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(canvas)
