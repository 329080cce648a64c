"""Scores of each image: how they are spread, and the weakest of them."""

import numpy as np
from numpy.typing import NDArray

from vyvod.report import spread
from vyvod.report.document import Block, Cell, Code, Column, Section, Table
from vyvod.report.records import Arrays, Floats, Run
from vyvod.report.segmentation.masks import class_texts
from vyvod.report.text import UNKNOWN, Words

_WEAKEST = 10
_COUNTS = ("true_positives", "support", "predicted")


def section(run: Run, words: Words, split: str) -> Section:
    """The spread of Dice over images; at least one of them has a value."""
    rows = run.per_image[split]
    dice = rows["dice"].astype(np.float64)
    name = words.say(f"split_{split}")
    blocks: list[Block] = spread.blocks("dice", dice, split=name, blind="images_empty", words=words)
    return Section("images", words.say("section_images"), [*blocks, _weakest(run, words, rows, dice)])


def _weakest(run: Run, words: Words, rows: Arrays, dice: Floats) -> Table:
    worst = [int(place) for place in np.argsort(dice, kind="stable")[:_WEAKEST] if np.isfinite(dice[place])]
    columns = [Column(words.say("col_image")), Column(words.short_metric("dice"), numeric=True)]
    counted = all(name in rows for name in _COUNTS)
    if counted:
        columns += [Column(words.say("col_missed")), Column(words.say("col_overdone"))]
    lines = []
    for place in worst:
        cells = [Cell((Code(str(rows["id"][place])),)), Cell((words.number(dice[place], 3),), float(dice[place]))]
        lines.append([*cells, *(_faults(run, rows, place, words) if counted else [])])
    return Table(words.say("table_weakest"), columns, lines, sortable=True)


def _faults(run: Run, rows: Arrays, place: int, words: Words) -> list[Cell]:
    """The classes that lack most pixels of an image, and that have most too many, with their share of the image."""
    true, support, predicted = (rows[name][place].astype(np.int64) for name in _COUNTS)
    return [_fault(run, wrong, int(support.sum()), words) for wrong in (support - true, predicted - true)]


def _fault(run: Run, wrong: NDArray[np.int64], pixels: int, words: Words) -> Cell:
    if not wrong.any():
        return Cell((UNKNOWN,))
    place = int(wrong.argmax())
    return Cell((*class_texts(run)[place], f" ({words.share(wrong[place] / max(pixels, 1))})"))
