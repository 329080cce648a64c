"""Scores of each class: in words, as bars, as a table."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from vyvod.report import bars
from vyvod.report.detection.confidence import Confidences
from vyvod.report.document import Block, Cell, Column, Note, Paragraph, Picture, Pictures, Section, Strong, Table, Text
from vyvod.report.figures import COLOURS
from vyvod.report.records import Floats, Run
from vyvod.report.text import UNKNOWN, Words

_AREAS = ("ap", "ap50", "mask_ap", "mask_ap50")
_FIXED = ("precision", "recall", "f1")
_BEST = tuple(f"{name}_at_best_f1" for name in _FIXED)
_LETTERS = {"precision": "P", "recall": "R", "f1": "F1"}
"""Eleven columns leave no room for words."""
_LEFT_OUT = ("support", "ap75")


def section(run: Run, words: Words, split: str, *, confidences: Confidences) -> Section:
    """AP, precision, recall and F1 of each class; the split has values of classes."""
    scores = {name: bars.floats(values) for name, values in run.scores[split].per_class.items()}
    order = dict.fromkeys((*_AREAS, *_FIXED, *_BEST, *scores))
    shown = [name for name in order if name in scores and name not in _LEFT_OUT]
    blocks: list[Block] = []
    if np.isfinite(scores.get("ap50", np.zeros(0))).any():
        blocks = [Paragraph(_extremes(run, words, scores["ap50"])), Pictures([_bars(run, words, scores, split=split)])]
    blocks += [
        _table(run, words, scores, split=split, shown={name: _title(name, confidences, words) for name in shown})
    ]
    blocks.append(Paragraph(words.text("detection_columns")))
    if any(np.isnan(scores[name]).any() for name in shown):
        blocks.append(Note(words.text("detection_undefined", dash=UNKNOWN)))
    return Section("classes", words.say("section_classes"), blocks)


def _extremes(run: Run, words: Words, values: Floats) -> Text:
    best, worst = int(np.nanargmax(values)), int(np.nanargmin(values))
    return words.text(
        "detection_extremes",
        best=Strong(run.classes[best]),
        high=words.number(values[best], 3),
        worst=Strong(run.classes[worst]),
        low=words.number(values[worst], 3),
    )


def _bars(run: Run, words: Words, scores: dict[str, Floats], *, split: str) -> Picture:
    values = scores["ap50"]
    kept = bars.kept_classes(values)
    some = "_some" if None in kept else ""
    title = words.say(f"fig_ap_classes{some}", split=words.say(f"split_{split}"))
    paint = partial(_paint, scores=scores, words=words)
    figure = bars.draw(title, run.classes, values, kept=kept, paint=paint, words=words)
    classes = words.count(int(np.isfinite(values).sum()), "class_of")
    counts = {"worst": bars.WORST, "best": bars.BEST, "classes": classes} if some else {}
    caption = words.say(f"cap_ap_classes{some}", **counts)
    return Picture("per_class", figure, words.say("alt_table", title=title), caption)


def _paint(axes: Axes, rows: list[int], places: list[int], *, scores: dict[str, Floats], words: Words) -> None:
    for name, height, colour in (("ap50", 0.66, "wash"), ("ap", 0.24, "blue")):
        if name in scores:
            axes.barh(rows, scores[name][places], height, color=COLOURS[colour], label=words.short_metric(name))


def _title(name: str, confidences: Confidences, words: Words) -> str:
    if name in _FIXED:
        return words.say("col_at", metric=_LETTERS[name], confidence=confidences.fixed)
    if name in _BEST:
        return words.say("col_at", metric=_LETTERS[name.removesuffix("_at_best_f1")], confidence=confidences.best)
    return words.short_metric(name)


def _table(run: Run, words: Words, scores: dict[str, Floats], *, split: str, shown: dict[str, str]) -> Table:
    support = scores.get("support")
    columns = [Column(words.say("col_number"), numeric=True), Column(words.say("col_class"))]
    columns += [Column(words.say("col_objects"), numeric=True)] if support is not None else []
    columns += [Column(title, numeric=True) for title in shown.values()]
    rows = []
    for place, label in enumerate(run.classes):
        cells = [Cell((str(place + 1),), place + 1), Cell((label,))]
        if support is not None:
            cells.append(Cell((words.integer(support[place]),), float(support[place])))
        cells += [Cell((words.number(scores[name][place], 3),), float(scores[name][place])) for name in shown]
        rows.append(cells)
    title = words.say("table_classes", split=words.say(f"split_{split}"))
    return Table(title, columns, rows, sortable=True)
