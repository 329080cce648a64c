"""Bars of the classes, from the best down; of many classes only the weakest and the best."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vyvod.report.figures import COLOURS, blank, number_axis, shortened, style
from vyvod.report.records import Floats
from vyvod.report.text import Words

WORST, BEST = 20, 10
"""So many are drawn of each where not all are."""
_MANY = 36
"""With more classes, the bars show only the weakest and the best."""

Kept = Sequence[int | None]
"""Classes from the best down; None stands for those that are left out."""


def floats(values: Sequence[float | None]) -> Floats:
    """Stored values of the classes; NaN where one is undefined."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def kept_classes(values: Floats) -> Kept:
    """The classes that are drawn: those with a value, and of many only the extremes."""
    order = [int(place) for place in np.argsort(-values, kind="stable") if np.isfinite(values[place])]
    return [*order[:BEST], None, *order[-WORST:]] if len(order) > _MANY else order


def draw(
    title: str,
    names: Sequence[str],
    values: Floats,
    *,
    kept: Kept,
    paint: Callable[[Axes, list[int], list[int]], None],
    words: Words,
) -> Figure:
    """Horizontal bars between 0 and 1 with their values beside them.

    Args:
        title: says what is drawn.
        names: of the K classes.
        values: ``(K,)``, written beside the bars.
        kept: from `kept_classes`.
        paint: draws into the axes, given the rows and the classes in them.
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
