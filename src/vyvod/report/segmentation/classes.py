"""Scores of each class: in words, as bars, as a table."""

import numpy as np

from vyvod.report import bars
from vyvod.report.document import Block, Cell, Column, Note, Paragraph, Pictures, Section, Table
from vyvod.report.records import Floats, Run
from vyvod.report.segmentation.masks import class_texts
from vyvod.report.text import UNKNOWN, Words

_COLUMNS = ("dice", "iou", "precision", "recall", "f1")


def section(run: Run, words: Words, split: str) -> Section:
    """Dice, IoU and the other values of each class; the split has values of classes."""
    scores = {name: bars.floats(values) for name, values in run.scores[split].per_class.items()}
    shown = [name for name in dict.fromkeys((*_COLUMNS, *scores)) if name in scores and name != "support"]
    blocks: list[Block] = []
    if np.isfinite(scores.get("dice", np.zeros(0))).any():
        paint = bars.paint_two(scores, words, wide="dice", narrow="iou")
        blocks = [
            Paragraph(bars.extremes(run, words, scores["dice"], key="segmentation_extremes")),
            Pictures([bars.picture(run, words, scores["dice"], name="dice_classes", split=split, paint=paint)]),
        ]
    blocks.append(_table(run, words, {name: scores[name] for name in shown}, split=split))
    if any(np.isnan(scores[name]).any() for name in shown):
        blocks.append(Note(words.text("segmentation_undefined", dash=UNKNOWN)))
    return Section("classes", words.say("section_classes"), blocks)


def _table(run: Run, words: Words, scores: dict[str, Floats], *, split: str) -> Table:
    support = bars.floats(run.scores[split].per_class.get("support", ()))
    columns = [Column(words.say("col_number"), numeric=True), Column(words.say("col_class"))]
    columns += [Column(words.short_metric(name), numeric=True) for name in scores]
    if len(support):
        columns += [Column(words.say(name), numeric=True) for name in ("col_pixel_support", "col_pixel_share")]
    rows = []
    for place, text in enumerate(class_texts(run)):
        values = [Cell((words.number(scores[name][place], 3),), float(scores[name][place])) for name in scores]
        rows.append([Cell((str(place + 1),), place + 1), Cell(text), *values, *_support(support, place, words)])
    title = words.say("table_classes", split=words.say(f"split_{split}"))
    return Table(title, columns, rows, sortable=True)


def _support(support: Floats, place: int, words: Words) -> list[Cell]:
    if not len(support):
        return []
    pixels, share = float(support[place]), float(support[place] / max(float(np.nansum(support)), 1.0))
    return [Cell((words.large(pixels),), pixels), Cell((words.share(share),), share)]
