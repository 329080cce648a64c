"""Scores of each class: in words, as bars, as a table."""

import numpy as np

from vyvod.report import bars
from vyvod.report.detection.confidence import Confidences
from vyvod.report.document import Block, Cell, Column, Note, Paragraph, Pictures, Section, Table
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
        paint = bars.paint_two(scores, words, wide="ap50", narrow="ap")
        blocks = [
            Paragraph(bars.extremes(run, words, scores["ap50"], key="detection_extremes")),
            Pictures([bars.picture(run, words, scores["ap50"], name="ap_classes", split=split, paint=paint)]),
        ]
    blocks += [
        _table(run, words, scores, split=split, shown={name: _title(name, confidences, words) for name in shown})
    ]
    blocks.append(Paragraph(words.text("detection_columns")))
    if any(np.isnan(scores[name]).any() for name in shown):
        blocks.append(Note(words.text("detection_undefined", dash=UNKNOWN)))
    return Section("classes", words.say("section_classes"), blocks)


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
