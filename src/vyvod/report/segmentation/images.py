"""Scores of each image: how they are spread, and the weakest of them."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Inline,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Strong,
    Table,
)
from vyvod.report.figures import COLOURS, blank, number_axis, style
from vyvod.report.records import Arrays, Floats, Run
from vyvod.report.segmentation.masks import class_texts
from vyvod.report.text import UNKNOWN, Words

_BINS = 20
_WEAKEST = 10
_COUNTS = ("true_positives", "support", "predicted")


def section(run: Run, words: Words, split: str) -> Section:
    """The spread of Dice over images; at least one of them has a value."""
    rows = run.per_image[split]
    dice = rows["dice"].astype(np.float64)
    known = dice[np.isfinite(dice)]
    title = words.say("fig_dice_images", split=words.say(f"split_{split}"))
    spread = words.text(
        "images_spread",
        median=Strong(words.number(float(np.median(known)), 3)),
        low=words.number(float(np.quantile(known, 0.1)), 3),
    )
    blind = len(dice) - len(known)
    without = words.text("images_empty", images=words.count(blind, "image")) if blind else ()
    figure = _histogram(title, known, words)
    picture = Picture("dice_images", figure, f"{title}. {_flat(spread)}", words.say("cap_dice_images"))
    blocks: list[Block] = [Paragraph((*spread, *without)), Pictures([picture]), _weakest(run, words, rows, dice)]
    return Section("images", words.say("section_images"), blocks)


def _flat(text: tuple[Inline, ...]) -> str:
    return "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in text)


def _histogram(title: str, dice: Floats, words: Words) -> Figure:
    middle = float(np.median(dice))
    with style():
        figure = blank(title, 3.2)
        axes = figure.add_subplot()
        counts, edges = np.histogram(dice, bins=_BINS, range=(0, 1))
        axes.bar(edges[:-1], counts, 0.92 / _BINS, align="edge", color=COLOURS["blue"])
        axes.axvline(middle, color=COLOURS["orange"], linewidth=1.8, dashes=(4, 2))
        axes.annotate(
            words.say("median", value=words.number(middle, 3)),
            (middle, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right" if middle > 0.8 else "left" if middle < 0.2 else "center",
            va="bottom",
            fontsize=12,
            color=COLOURS["orange"],
        )
        axes.set(xlim=(0, 1), xlabel=words.say("axis_image_dice"), ylabel=words.say("col_images"))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        for axis in (axes.xaxis, axes.yaxis):
            number_axis(axis, words)
    return figure


def _weakest(run: Run, words: Words, rows: Arrays, dice: Floats) -> Table:
    worst = [int(place) for place in np.argsort(dice, kind="stable")[:_WEAKEST] if np.isfinite(dice[place])]
    columns = [Column(words.say("col_image")), Column(words.short_metric("dice"), numeric=True)]
    counted = all(name in rows for name in _COUNTS)
    if counted:
        columns += [Column(words.say("col_missed")), Column(words.say("col_overdone"))]
    lines = []
    for place in worst:
        cells = [Cell((Code(str(rows["id"][place])),)), Cell((words.number(dice[place], 3),), float(dice[place]))]
        lines.append([*cells, *(_faults(run, rows, place, words) if counted else [])])
    return Table(words.say("table_weakest"), columns, lines, sortable=True)


def _faults(run: Run, rows: Arrays, place: int, words: Words) -> list[Cell]:
    """The classes that lack most pixels of an image, and that have most too many, with their share of the image."""
    true, support, predicted = (rows[name][place].astype(np.int64) for name in _COUNTS)
    return [_fault(run, wrong, int(support.sum()), words) for wrong in (support - true, predicted - true)]


def _fault(run: Run, wrong: NDArray[np.int64], pixels: int, words: Words) -> Cell:
    if not wrong.any():
        return Cell((UNKNOWN,))
    place = int(wrong.argmax())
    return Cell((*class_texts(run)[place], f" ({words.share(wrong[place] / max(pixels, 1))})"))
