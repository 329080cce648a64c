"""Bars of the classes, from the best down; of many classes only the weakest and the best."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vyvod.report.document import Picture, Strong, Text
from vyvod.report.figures import COLOURS, blank, number_axis, shortened, style
from vyvod.report.records import Floats, Run
from vyvod.report.text import Words

WORST, BEST = 20, 10
"""So many are drawn of each where not all are."""
_MANY = 36
"""With more classes, the bars show only the weakest and the best."""

Paint = Callable[[Axes, list[int], list[int]], None]
"""Draws into the axes, given the rows and the classes in them."""
Kept = Sequence[int | None]
"""Classes from the best down; None stands for those that are left out."""


def floats(values: Sequence[float | None]) -> Floats:
    """Stored values of the classes; NaN where one is undefined."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def kept_classes(values: Floats) -> Kept:
    """The classes that are drawn: those with a value, and of many only the extremes."""
    order = [int(place) for place in np.argsort(-values, kind="stable") if np.isfinite(values[place])]
    return [*order[:BEST], None, *order[-WORST:]] if len(order) > _MANY else order


def extremes(run: Run, words: Words, values: Floats, *, key: str) -> Text:
    """The best and the weakest class in a sentence of the texts; one value at least is defined."""
    best, worst = int(np.nanargmax(values)), int(np.nanargmin(values))
    return words.text(
        key,
        best=Strong(run.classes[best]),
        high=words.number(values[best], 3),
        worst=Strong(run.classes[worst]),
        low=words.number(values[worst], 3),
    )


def picture(run: Run, words: Words, values: Floats, *, name: str, split: str, paint: Paint) -> Picture:
    """The classes as bars.

    Args:
        run: says what they are called.
        words: the language.
        values: ``(K,)``, by which they are ordered, and which are written beside the bars.
        name: of the texts: ``fig_<name>`` and ``cap_<name>``, and both with ``_some`` where classes are left out.
        split: of the values.
        paint: draws the bars.
    """
    kept = kept_classes(values)
    some = "_some" if None in kept else ""
    title = words.say(f"fig_{name}{some}", split=words.say(f"split_{split}"))
    figure = draw(title, run.classes, values, kept=kept, paint=paint, words=words)
    classes = words.count(int(np.isfinite(values).sum()), "class_of")
    counts = {"worst": WORST, "best": BEST, "classes": classes} if some else {}
    caption = words.say(f"cap_{name}{some}", **counts)
    return Picture("per_class", figure, words.say("alt_table", title=title), caption)


def paint_two(scores: Mapping[str, Floats], words: Words, *, wide: str, narrow: str) -> Paint:
    """Paints wide bars of a metric, and narrow ones of another over them where there are values of it."""

    def paint(axes: Axes, rows: list[int], places: list[int]) -> None:
        for name, height, colour in ((wide, 0.66, "wash"), (narrow, 0.24, "blue")):
            if name in scores:
                axes.barh(rows, scores[name][places], height, color=COLOURS[colour], label=words.short_metric(name))

    return paint


def draw(
    title: str,
    names: Sequence[str],
    values: Floats,
    *,
    kept: Kept,
    paint: Paint,
    words: Words,
) -> Figure:
    """Horizontal bars between 0 and 1 with their values beside them.

    Args:
        title: says what is drawn.
        names: of the K classes.
        values: ``(K,)``, written beside the bars.
        kept: from `kept_classes`.
        paint: draws the bars.
        words: the language.
    """
    with style():
        figure = blank(title, 1.7 + 0.34 * len(kept))
        axes = figure.add_subplot()
        shown = [(row, place) for row, place in enumerate(kept) if place is not None]
        paint(axes, [row for row, _ in shown], [place for _, place in shown])
        _name_bars(axes, [shortened(name, 16) for name in names], kept, values=values, words=words)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.03, 0.99), ncols=3, frameon=False, fontsize=12, handletextpad=0.3
        )
    return figure


def _name_bars(axes: Axes, names: Sequence[str], kept: Kept, *, values: Floats, words: Words) -> None:
    left_out = words.say("between", classes=len(names) - len([place for place in kept if place is not None]))
    axes.set_yticks(
        range(len(kept)),
        [left_out if place is None else names[place] for place in kept],
        color=COLOURS["ink"],
    )
    for row, place in enumerate(kept):
        if place is not None:
            axes.annotate(
                words.number(float(values[place]), 2),
                (1.03, row),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=12.5,
                annotation_clip=False,
            )
    axes.set_xlim(0, 1)
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x")
    number_axis(axes.xaxis, words)
