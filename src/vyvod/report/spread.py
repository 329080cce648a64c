"""A score of each image: how it is spread over the images of a split."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vyvod.report.document import Block, Inline, Paragraph, Picture, Pictures, Strong
from vyvod.report.figures import COLOURS, blank, number_axis, style
from vyvod.report.records import Floats
from vyvod.report.text import Words

_BINS = 20


def blocks(metric: str, scores: Floats, *, split: str, blind: str, words: Words) -> list[Block]:
    """The spread in a sentence and as a histogram.

    Args:
        metric: its name in the files.
        scores: ``(N,)`` between 0 and 1, NaN for images that cannot be judged; at least one is a number.
        split: its name in words.
        blind: key of the sentence about images without a value.
        words: the language.
    """
    known = scores[np.isfinite(scores)]
    name = words.short_metric(metric)
    title = words.say("fig_images", metric=name, split=split)
    sentence = words.text(
        "images_spread",
        metric=name,
        median=Strong(words.number(float(np.median(known)), 3)),
        low=words.number(float(np.quantile(known, 0.1)), 3),
    )
    left_out = len(scores) - len(known)
    without = words.text(blind, images=words.count(left_out, "image")) if left_out else ()
    caption = words.say("cap_images", metric=name)
    picture = Picture(
        f"{metric}_images", _draw(title, known, name, words=words), f"{title}. {_flat(sentence)}", caption
    )
    return [Paragraph((*sentence, *without)), Pictures([picture])]


def _flat(text: tuple[Inline, ...]) -> str:
    return "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in text)


def _draw(title: str, scores: Floats, name: str, *, words: Words) -> Figure:
    middle = float(np.median(scores))
    with style():
        figure = blank(title, 3.2)
        axes = figure.add_subplot()
        counts, edges = np.histogram(scores, bins=_BINS, range=(0, 1))
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
        axes.set(xlim=(0, 1), xlabel=words.say("axis_image", metric=name), ylabel=words.say("col_images"))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        for axis in (axes.xaxis, axes.yaxis):
            number_axis(axis, words)
    return figure
