"""The confusion matrix: its figure, and the confusions in order. Counts of whatever a task counts: images, pixels."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from numpy.typing import NDArray

from vyvod.report.document import Cell, Column, Table
from vyvod.report.figures import COLOURS, blank, cells, shortened, style
from vyvod.report.records import Floats
from vyvod.report.text import Words

Confusion = NDArray[np.int64]
_NAMED = 25
"""Up to that many classes the figure names its rows and columns."""
_LARGE = 12
"""Up to that many classes the cells are large."""


def pairs(confusion: Confusion) -> list[tuple[int, int]]:
    """(truth, prediction) of all confusions, the most frequent first; equal ones in the order of the classes."""
    errors = confusion * (1 - np.eye(len(confusion), dtype=np.int64))
    rows, columns = np.nonzero(errors)
    order = np.argsort(-errors[rows, columns], kind="stable")
    return [(int(rows[place]), int(columns[place])) for place in order]


def pair_table(
    classes: Sequence[str], confusion: Confusion, *, most: int, count: Callable[[int], str], title: str, words: Words
) -> Table:
    """The most frequent confusions.

    Args:
        classes: their names.
        confusion: ``(K, K)``, rows are the truth.
        most: rows of the table.
        count: writes a count.
        title: of the column of counts.
        words: the language.
    """
    rows = []
    for truth, predicted in pairs(confusion)[:most]:
        number = int(confusion[truth, predicted])
        share = number / int(confusion[truth].sum())
        numbers = [Cell((count(number),), number), Cell((words.percent(share),), share)]
        rows.append([Cell((classes[truth],)), Cell((classes[predicted],)), *numbers])
    columns = [
        Column(words.say("axis_truth")),
        Column(words.say("axis_predicted")),
        Column(title, numeric=True),
        Column(words.say("col_share_of_truth"), numeric=True),
    ]
    return Table(words.say("table_confusions"), columns, rows, sortable=True)


def shares_of(confusion: Confusion) -> Floats:
    """``(K, K)`` shares of the rows; 0 in the row of a class that does not occur."""
    shares: Floats = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def draw(
    title: str, classes: Sequence[str], shares: Floats, *, annotate: Callable[[Axes], None] | None, words: Words
) -> Figure:
    """Rows = truth, columns = prediction; the colour of a cell is as strong as its share of the row.

    Args:
        title: says what is drawn.
        classes: their names.
        shares: ``(K, K)`` of the rows, 0..1.
        annotate: writes into the cells, whose centres are at whole numbers; None where there are too many of them.
        words: the language.
    """
    count = len(classes)
    with style():
        figure = blank(title, 6.4 if count > _LARGE else 3.0 + 0.42 * count)
        axes = figure.add_subplot()
        _fill_cells(axes, shares, faint=annotate is None)
        if annotate is not None:
            annotate(axes)
        _axes(axes, classes, words)
    return figure


def _fill_cells(axes: Axes, shares: Floats, *, faint: bool) -> None:
    """One shape for each of 12 shades: the page stays small with 1000 classes, too."""
    # Cells without numbers need more colour to be seen: the square root lifts rare confusions out of the background.
    shades = np.ceil((np.sqrt(shares) if faint else shares) * 12).astype(np.int64)
    diagonal = np.eye(len(shares), dtype=np.bool_)
    for shade in range(1, 13):
        for part, colour in ((diagonal, "blue"), (~diagonal, "orange")):
            places = np.argwhere((shades == shade) & part)
            if len(places):
                opacity = 0.15 + 0.85 * shade / 12 if faint else 0.06 + 0.92 * shade / 12
                axes.add_patch(PathPatch(cells(places), color=COLOURS[colour], alpha=opacity, linewidth=0))


def _axes(axes: Axes, classes: Sequence[str], words: Words) -> None:
    count = len(classes)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_aspect("equal" if count > _LARGE else "auto")
    axes.set_xlabel(words.say("axis_predicted"))
    axes.set_ylabel(words.say("axis_truth"))
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
    if count <= _NAMED:
        names = [shortened(name, 16) for name in classes]
        size = 12 if count <= _LARGE else 10
        axes.set_xticks(
            range(count), names, rotation=45, ha="right", rotation_mode="anchor", color=COLOURS["ink"], fontsize=size
        )
        axes.set_yticks(range(count), names, color=COLOURS["ink"], fontsize=size)
        axes.tick_params(length=0)
        return
    step = 10 if count <= 150 else 50 if count <= 500 else 100
    numbers = [1, *range(step, count + 1, step)]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([number - 1 for number in numbers], [str(number) for number in numbers])
