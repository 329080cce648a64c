"""The PSNR of each image: how it is spread over the images of a split, and the weakest of them."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vyvod.metrics.reconstruction import psnr
from vyvod.report.document import Block, Cell, Code, Column, Paragraph, Picture, Pictures, Section, Strong, Table
from vyvod.report.figures import COLOURS, blank, number_axis, style
from vyvod.report.records import Floats, Run
from vyvod.report.text import Words

_WEAKEST = 10
_BINS = 24


def section(run: Run, words: Words, split: str) -> Section:
    """The spread over images; there is at least one."""
    rows = run.per_image[split]
    ratios = psnr(rows["mse"].astype(np.float64))
    name, metric = words.say(f"split_{split}"), words.short_metric("psnr")
    sentence = words.text(
        "images_spread",
        metric=metric,
        median=Strong(words.number(float(np.median(ratios)), 1)),
        low=words.number(float(np.quantile(ratios, 0.1)), 1),
    )
    title = words.say("fig_images", metric=metric, split=name)
    figure = _draw(title, ratios, metric, words=words)
    picture = Picture("psnr_images", figure, title, words.say("cap_images", metric=metric))
    blocks: list[Block] = [Paragraph(sentence), Pictures([picture]), _weakest(rows["id"], ratios, words)]
    return Section("images", words.say("section_images"), blocks)


def _weakest(names: np.ndarray, ratios: Floats, words: Words) -> Table:
    worst = np.argsort(ratios, kind="stable")[:_WEAKEST]
    columns = [Column(words.say("col_image")), Column(words.metric("psnr"), numeric=True)]
    rows = [
        [Cell((Code(str(names[place])),)), Cell((words.number(float(ratios[place]), 2),), float(ratios[place]))]
        for place in worst
    ]
    return Table(words.say("table_weakest"), columns, rows, sortable=True)


def _draw(title: str, ratios: Floats, metric: str, *, words: Words) -> Figure:
    middle = float(np.median(ratios))
    with style():
        figure = blank(title, 3.2)
        axes = figure.add_subplot()
        axes.hist(ratios, bins=min(_BINS, max(1, len(ratios))), color=COLOURS["blue"], rwidth=0.92)
        axes.axvline(middle, color=COLOURS["orange"], linewidth=1.8, dashes=(4, 2))
        axes.annotate(
            words.say("median", value=words.number(middle, 1)),
            (middle, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=12,
            color=COLOURS["orange"],
        )
        axes.set(xlabel=words.say("axis_image", metric=metric), ylabel=words.say("col_images"))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        for axis in (axes.xaxis, axes.yaxis):
            number_axis(axis, words)
    return figure
