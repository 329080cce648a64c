"""Scores of each image: how they are spread, and the weakest of them."""

import numpy as np

from vyvod.report import spread
from vyvod.report.document import Block, Cell, Code, Column, Section, Table
from vyvod.report.records import Arrays, Floats, Run
from vyvod.report.text import Words

_WEAKEST = 10
_COUNTS = {"true_positives": "col_right", "false_positives": "col_false", "false_negatives": "col_missing"}


def section(run: Run, words: Words, split: str) -> Section:
    """The spread of F1 over images; at least one of them has a value."""
    rows = run.per_image[split]
    f1 = rows["f1"].astype(np.float64)
    blocks: list[Block] = spread.blocks("f1", f1, split=words.say(f"split_{split}"), blind="images_blank", words=words)
    return Section("images", words.say("section_images"), [*blocks, _weakest(words, rows, f1)])


def _weakest(words: Words, rows: Arrays, f1: Floats) -> Table:
    """The images with the lowest F1; of equal ones those with most errors first."""
    counts = {name: rows[name].sum(axis=1).astype(np.int64) for name in _COUNTS if name in rows}
    none = np.zeros(len(f1), dtype=np.int64)
    wrong = counts.get("false_positives", none) + counts.get("false_negatives", none)
    worst = [int(place) for place in np.lexsort((-wrong, f1)) if np.isfinite(f1[place])][:_WEAKEST]
    columns = [Column(words.say("col_image")), Column(words.short_metric("f1"), numeric=True)]
    columns += [Column(words.say(_COUNTS[name]), numeric=True) for name in counts]
    lines = []
    for place in worst:
        cells = [Cell((Code(str(rows["id"][place])),)), Cell((words.number(f1[place], 3),), float(f1[place]))]
        lines.append([*cells, *(Cell((words.integer(part[place]),), int(part[place])) for part in counts.values())])
    return Table(words.say("table_weakest"), columns, lines, sortable=True)
