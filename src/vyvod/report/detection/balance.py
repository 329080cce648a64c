"""How many objects of each class a data set holds, and how large they are."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from vyvod.report.document import Block, Cell, Column, Note, Paragraph, Picture, Pictures, Strong, Table, Text
from vyvod.report.figures import COLOURS, blank, class_balance, style
from vyvod.report.records import SPLITS, Floats, ObjectsRecord, Run
from vyvod.report.text import Words

_UNEVEN = 1.5
"""Times the objects of the smallest class that the largest may have to be worth no word."""
_SMALL, _LARGE = 32**2, 96**2
"""Areas in pixels: COCO's limits."""


def blocks(run: Run, words: Words) -> list[Block]:
    """Objects of the classes in words, as bars and as a table, and the sizes of the boxes; nothing where none were counted."""
    counted = _counted(run)
    if not counted:
        return []
    sentences = _sentences(run, words, counted["train"]) if "train" in counted else []
    title = words.say("fig_objects")
    amounts = {split: record.counts for split, record in counted.items()}
    figure = class_balance(run.classes, amounts, title=title, words=words)
    alt = words.say("alt_table", title=title)
    pictures = [Picture("class_balance", figure, alt, words.say("cap_objects"))]
    split, record = next(iter(counted.items()))
    sizes = _boxes(record)
    told = [Paragraph(_said(sizes, words))] if len(sizes) else []
    if len(sizes):
        pictures.append(_sizes(sizes, words, split=words.say(f"split_{split}")))
    return [*sentences, *told, Pictures(pictures), _table(run, words, counted)]


def _counted(run: Run) -> dict[str, ObjectsRecord]:
    records = {split: record.objects for split in SPLITS if (record := run.record.data.splits.get(split))}
    whole = {split: objects for split, objects in records.items() if objects and any(objects.counts)}
    return {split: objects for split, objects in whole.items() if len(objects.counts) == len(run.classes)}


def _sentences(run: Run, words: Words, record: ObjectsRecord) -> list[Block]:
    absent = [name for name, count in zip(run.classes, record.counts, strict=True) if not count]
    if absent:
        return [Note(words.text("objects_absent", names=", ".join(absent)), "warning")]
    least, most = min(record.counts), max(record.counts)
    if most < _UNEVEN * least:
        return []
    sentence: Text = words.text(
        "objects_uneven",
        largest=Strong(run.classes[record.counts.index(most)]),
        most=words.count(most, "object"),
        smallest=Strong(run.classes[record.counts.index(least)]),
        least=words.count(least, "object"),
    )
    return [Paragraph(sentence)]


def _boxes(record: ObjectsRecord) -> Floats:
    """``(N, 2)`` width and height; a box without area cannot stand on a logarithmic axis."""
    sizes = np.asarray(record.boxes, dtype=np.float64).reshape(-1, 2)
    whole: Floats = sizes[(sizes > 0).all(axis=1)]
    return whole


def _said(sizes: Floats, words: Words) -> Text:
    areas = sizes.prod(axis=1)
    width, height = np.median(sizes, axis=0)
    return words.text(
        "sizes_said",
        width=Strong(words.integer(width)),
        height=Strong(words.integer(height)),
        small=words.share(float((areas < _SMALL).mean())),
        large=words.share(float((areas > _LARGE).mean())),
    )


def _sizes(sizes: Floats, words: Words, *, split: str) -> Picture:
    title = words.say("fig_sizes", split=split)
    caption = words.say("cap_sizes", boxes=words.count(len(sizes), "box"))
    return Picture("box_sizes", _draw(title, sizes, words), f"{title}. {caption}", caption)


def _draw(title: str, sizes: Floats, words: Words) -> Figure:
    low = 2.0 ** np.floor(np.log2(sizes.min() / 1.2))
    high = 2.0 ** np.ceil(np.log2(sizes.max() * 1.2))
    with style():
        figure = blank(title, 5.0)
        axes = figure.add_subplot()
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        _limits(axes, low, high)
        axes.plot(*sizes.T, "o", color=COLOURS["blue"], markersize=4, alpha=0.35, markeredgewidth=0, linestyle="none")
        axes.set_xlabel(words.say("axis_width"))
        axes.set_ylabel(words.say("axis_height"))
        axes.set_aspect("equal")
        axes.grid(visible=True, axis="both")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(base=2, numticks=9))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _: words.integer(value)))
    return figure


def _limits(axes: Axes, low: float, high: float) -> None:
    for area, name in ((_SMALL, "32²"), (_LARGE, "96²")):
        if low**2 < area < high**2:
            axes.plot(
                [area / high, high], [high, area / high], color=COLOURS["muted"], linewidth=1.2, dashes=(4, 3), zorder=1
            )
            left = max(low, area / high)
            axes.annotate(
                name,
                (left, area / left),
                xytext=(14, -2),
                textcoords="offset points",
                va="top",
                fontsize=12,
                color=COLOURS["muted"],
            )


def _table(run: Run, words: Words, counted: Mapping[str, ObjectsRecord]) -> Table:
    columns = [Column(words.say("col_number"), numeric=True), Column(words.say("col_class"))]
    for split in counted:
        name = words.say(f"split_{split}")
        columns += [Column(words.say(f"col_{kind}_in", split=name), numeric=True) for kind in ("objects", "images")]
    rows = []
    for place, label in enumerate(run.classes):
        cells = [Cell((str(place + 1),), place + 1), Cell((label,))]
        for record in counted.values():
            cells += [_number(record.counts, place, words), _number(record.images, place, words)]
        rows.append(cells)
    return Table(words.say("table_objects"), columns, rows, sortable=True)


def _number(values: Sequence[int], place: int, words: Words) -> Cell:
    value = values[place] if place < len(values) else None
    return Cell((words.integer(value),), value)
