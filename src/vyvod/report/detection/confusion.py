"""Which class objects are taken for, which are missed, and what is seen where nothing is."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from vyvod.report import confusion
from vyvod.report.confusion import Confusion
from vyvod.report.document import Block, Paragraph, Picture, Pictures, Section, Strong, Text
from vyvod.report.figures import COLOURS
from vyvod.report.records import Floats, Run
from vyvod.report.text import Words

_ANNOTATED = 12
"""Up to that many classes, background included, the cells have numbers."""
_PAIRS = 15


def section(run: Run, words: Words, counts: Confusion, *, split: str, confidence: str) -> Section:
    """The confusion matrix with the background; at least one object or detection was counted."""
    name, names = words.say(f"split_{split}"), [*run.classes, words.say("background")]
    blocks: list[Block] = [
        Paragraph(_sentence(words, counts, split=name, confidence=confidence)),
        Pictures([_picture(names, words, counts, split=name)]),
    ]
    if confusion.pairs(counts):
        title = words.say("col_boxes")
        blocks.append(confusion.pair_table(names, counts, most=_PAIRS, count=words.integer, title=title, words=words))
    return Section("confusion", words.say("section_confusion"), blocks)


def _sentence(words: Words, counts: Confusion, *, split: str, confidence: str) -> Text:
    objects, right = int(counts[:-1].sum()), int(np.trace(counts[:-1, :-1]))
    missed = int(counts[:-1, -1].sum())
    return words.text(
        "detection_confusion_top",
        split=split,
        confidence=confidence,
        objects=words.count(objects, "object_of"),
        right=Strong(_part(right, objects, words)),
        wrong=Strong(_part(objects - right - missed, objects, words)),
        missed=Strong(_part(missed, objects, words)),
        false=Strong(words.integer(int(counts[-1, :-1].sum()))),
    )


def _part(count: int, whole: int, words: Words) -> str:
    return f"{words.integer(count)} ({words.share(count / whole)})" if whole else words.integer(count)


def _picture(names: list[str], words: Words, counts: Confusion, *, split: str) -> Picture:
    title, shares = words.say("fig_confusion", split=split), confusion.shares_of(counts)
    few = len(names) <= _ANNOTATED
    annotate = partial(_annotate, counts=counts, shares=shares, words=words) if few else None
    figure = confusion.draw(title, names, shares, annotate=annotate, words=words)
    caption = words.say("detection_cap_confusion" if few else "detection_cap_confusion_many")
    alt = words.say("alt_confusion" if confusion.pairs(counts) else "alt_right", title=title)
    return Picture("confusion", figure, alt, caption)


def _annotate(axes: Axes, *, counts: Confusion, shares: Floats, words: Words) -> None:
    size = (13 if len(counts) <= 10 else 11) - 1.5 * max(0, len(str(counts.max())) - 3)
    for row, column in np.argwhere(counts > 0):
        colour = COLOURS["surface" if shares[row, column] > 0.7 else "ink"]
        count, share = words.integer(counts[row, column]), words.percent(shares[row, column], 0)
        axes.text(column, row + 0.02, count, ha="center", va="bottom", color=colour, fontsize=size)
        axes.text(column, row + 0.12, share, ha="center", va="top", color=colour, fontsize=size - 3.5)
