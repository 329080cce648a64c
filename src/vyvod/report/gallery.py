"""Images with the network's output: which ones, the figure of them, and the cards of the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from vyvod.errors import RunError
from vyvod.report.document import Block, Card, Gallery, Paragraph, Picture, Section
from vyvod.report.figures import COLOURS, blank, shortened, style
from vyvod.report.records import ExampleRecord, Run, example_file
from vyvod.report.text import Words

ROLES = ("random", "worst", "best", "gallery")
_COLUMNS = 5
_TINY = 96
"""Pixels: images up to this size are enlarged as squares, not smoothed."""


def section(run: Run, words: Words, count: int) -> Section:
    """The examples of a run.

    Args:
        run: read from its folder.
        words: the language.
        count: images in the figure.
    """
    blocks: list[Block] = [Paragraph(words.text("no_examples"))]
    if run.examples:
        chosen = choose(run.examples, count)
        picture = Picture("examples", _draw(run.folder, chosen, words), _alt(chosen, words), words.say("cap_examples"))
        ordered = sorted(run.examples, key=lambda example: ROLES.index(example.role))
        cards = [_card(run.folder, example, words) for example in ordered]
        blocks = [Paragraph(words.text("examples_lead")), Gallery(picture, cards)]
    return Section("examples", words.say("section_examples"), blocks)


def choose(examples: Sequence[ExampleRecord], count: int) -> list[ExampleRecord]:
    """Up to ``count`` examples: half of them random, the others the worst and the best; the rest of the gallery fills up."""
    by_role = {role: [example for example in examples if example.role == role] for role in ROLES}
    shares = {"random": count - count // 2, "worst": count // 2 - count // 5, "best": count // 5}
    chosen = [example for role, share in shares.items() for example in by_role[role][:share]]
    spare = [example for role in ROLES for example in by_role[role] if example not in chosen]
    return sorted(chosen + spare[: count - len(chosen)], key=lambda example: ROLES.index(example.role))


def read_image(path: Path) -> Image.Image:
    """An image of the gallery as RGB.

    Raises:
        RunError: it cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except Exception as error:  # Pillow's decoders raise what they like on damaged files
        raise RunError(f"{path} cannot be decoded: {error}. `vyvod evaluate RUN` writes the examples again.") from error


def _alt(chosen: Sequence[ExampleRecord], words: Words) -> str:
    right = sum(example.right for example in chosen)
    return words.say("alt_examples", images=words.count(len(chosen), "image"), right=right)


def _card(folder: Path, example: ExampleRecord, words: Words) -> Card:
    top = [(name, probability, words.percent(probability)) for name, probability in example.top[:3]]
    file = example_file(folder, example) or folder
    confidence = words.percent(example.confidence)
    return Card(
        file, example.truth, example.predicted, confidence, example.right, role=example.role, name=example.id, top=top
    )


def _draw(folder: Path, chosen: Sequence[ExampleRecord], words: Words) -> Figure:
    rows = -(-len(chosen) // _COLUMNS)
    with style():
        figure = blank("", 2.72 * rows, width=8)
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes in grid[len(chosen) :]:
            axes.set_visible(False)
        for axes, example in zip(grid, chosen, strict=False):
            _draw_one(axes, _square(read_image(example_file(folder, example) or folder)), example, words=words)
    return figure


def _draw_one(axes: Axes, pixels: NDArray[np.uint8], example: ExampleRecord, *, words: Words) -> None:
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
