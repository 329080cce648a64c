"""What each kind of error costs."""

import numpy as np
from matplotlib.figure import Figure

from vyvod.report.document import Block, Cell, Column, Paragraph, Picture, Pictures, Section, Strong, Table, Text
from vyvod.report.figures import COLOURS, blank, style
from vyvod.report.records import Floats
from vyvod.report.text import Words

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
"""In the order in which ``totals/<split>.npz`` holds them."""


def section(words: Words, costs: Floats, *, split: str) -> Section:
    """Costs as bars and as a table; ``costs`` is ``(6,)``, at least one a number."""
    name = words.say(f"split_{split}")
    title = words.say("fig_errors", split=name)
    picture = Picture(
        "errors", _draw(title, costs, words), words.say("alt_table", title=title), words.say("cap_errors")
    )
    blocks: list[Block] = [Paragraph(_top(words, costs, split=name)), Pictures([picture]), _table(words, costs)]
    return Section("errors", words.say("section_errors"), blocks)


def _top(words: Words, costs: Floats, *, split: str) -> Text:
    place = int(np.nanargmax(costs))
    if not costs[place] > 0:
        return (words.say("errors_none", split=split),)
    cost = Strong(words.number(costs[place], 3))
    return words.text("errors_top", split=split, name=Strong(words.say(f"tide_{KINDS[place]}")), cost=cost)


def _table(words: Words, costs: Floats) -> Table:
    columns = [
        Column(words.say("col_error")), Column(words.say("col_cost"), numeric=True), Column(words.say("col_definition")),
    ]  # fmt: skip
    rows = [
        [
            Cell((words.say(f"tide_{kind}"),)),
            Cell((words.number(cost, 3),), float(cost)),
            Cell((words.say(f"tell_{kind}"),)),
        ]
        for kind, cost in zip(KINDS, costs, strict=True)
    ]
    return Table(words.say("table_errors"), columns, rows, sortable=True)


def _draw(title: str, costs: Floats, words: Words) -> Figure:
    known = np.nan_to_num(np.maximum(costs, 0))
    with style():
        figure = blank(title, 3.4)
        axes = figure.add_subplot()
        colours = [COLOURS["orange" if cost == known.max() > 0 else "wash"] for cost in known]
        bars = axes.barh(range(len(KINDS)), known, 0.66, color=colours)
        labels = [words.number(cost, 3) for cost in costs]
        axes.bar_label(bars, labels, padding=4, fontsize=12.5, color=COLOURS["ink"])
        axes.set_yticks(range(len(KINDS)), [words.say(f"tide_{kind}") for kind in KINDS], color=COLOURS["ink"])
        axes.set(xlim=(0, 1.2 * known.max() or 1), xticks=[])
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
    return figure
