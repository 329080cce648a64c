"""Differences with their intervals, one below the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vyvod.report.experiment.digits import Estimate
from vyvod.report.figures import COLOURS, TICK_STEPS, blank, number_axis, shortened, style
from vyvod.report.text import Words


@dataclass(frozen=True, slots=True)
class Line:
    """A difference and what it is of; the value is known."""

    label: str
    estimate: Estimate


def draw(title: str, lines: Sequence[Line], *, margin: float | None, higher_is_better: bool, words: Words) -> Figure:
    """A line for each difference, 0 and the margin behind them.

    Args:
        title: says what is drawn.
        lines: the differences, the first on top.
        margin: half of the band around 0; None: there is none.
        higher_is_better: to which side the good lies.
        words: the language.
    """
    with style():
        figure = blank(title, 1.55 + 0.4 * len(lines))
        axes = figure.add_subplot()
        if margin is not None:
            axes.axvspan(-margin, margin, color=COLOURS["line"], alpha=0.55, linewidth=0, zorder=0)
        axes.axvline(0, color=COLOURS["muted"], linewidth=1.4, zorder=1)
        for row, line in enumerate(lines):
            _draw_line(axes, row, line.estimate, higher_is_better=higher_is_better)
            _write_value(axes, row, line.estimate.signed(words))
        _finish(axes, [shortened(line.label, 18) for line in lines], words)
        axes.set_xlabel(words.say(f"axis_difference_{'up' if higher_is_better else 'down'}"))
    return figure


def one_sided(estimate: Estimate) -> bool:
    """The interval does not contain 0."""
    return estimate.low is not None and estimate.high is not None and (estimate.low > 0 or estimate.high < 0)


def _draw_line(axes: Axes, row: int, estimate: Estimate, *, higher_is_better: bool) -> None:
    value = estimate.value or 0.0
    clear = one_sided(estimate)
    colour = COLOURS["blue" if (value > 0) == higher_is_better else "orange"] if clear else COLOURS["muted"]
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=colour, linewidth=2.4, zorder=2)
    face = colour if clear else COLOURS["surface"]
    axes.plot([value], [row], "o", markersize=9, color=colour, markerfacecolor=face, markeredgewidth=2, zorder=3)


def _write_value(axes: Axes, row: int, text: str) -> None:
    place = ("axes fraction", "data")
    axes.annotate(text, (1.03, row), xycoords=place, va="center", fontsize=12.5, annotation_clip=False)


def _finish(axes: Axes, names: Sequence[str], words: Words) -> None:
    axes.set_yticks(range(len(names)), names, color=COLOURS["ink"])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=TICK_STEPS))
    number_axis(axes.xaxis, words)
