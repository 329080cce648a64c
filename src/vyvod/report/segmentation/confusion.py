"""Which class the pixels of a class are taken for."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from vyvod.report.confusion import Confusion, draw, pair_table, pairs, shares_of
from vyvod.report.document import Block, Paragraph, Picture, Pictures, Section, Strong, Text
from vyvod.report.figures import COLOURS
from vyvod.report.records import Floats, Run
from vyvod.report.text import Words

_ANNOTATED = 21
"""Up to that many classes the cells have numbers, ..."""
_LARGE, _MIDDLE = 6, 12
"""... and up to that many, large and middle-sized ones."""
_PAIRS = 15


def section(run: Run, words: Words, counts: Confusion, *, split: str) -> Section:
    """The confusion matrix in shares of the pixels of a class; at least one pixel was counted."""
    name, shares = words.say(f"split_{split}"), shares_of(counts)
    blocks: list[Block] = [
        Paragraph(_sentence(run, words, counts, split=name)),
        Pictures([_picture(run, words, shares, split=name, errors=bool(pairs(counts)))]),
    ]
    if pairs(counts):
        title = words.say("col_wrong_pixels")
        blocks.append(pair_table(run.classes, counts, most=_PAIRS, count=words.large, title=title, words=words))
    return Section("confusion", words.say("section_confusion"), blocks)


def _sentence(run: Run, words: Words, counts: Confusion, *, split: str) -> Text:
    if not pairs(counts):
        return words.text("pixel_confusion_none", split=split)
    truth, predicted = pairs(counts)[0]
    return words.text(
        "pixel_confusion_top",
        split=split,
        wrong=words.share(1 - float(np.trace(counts) / counts.sum())),
        truth=Strong(run.classes[truth]),
        predicted=Strong(run.classes[predicted]),
        share=words.share(float(counts[truth, predicted] / counts[truth].sum())),
    )


def _picture(run: Run, words: Words, shares: Floats, *, split: str, errors: bool) -> Picture:
    title = words.say("fig_confusion", split=split)
    few, least = len(run.classes) <= _ANNOTATED, _least(len(run.classes))
    # A few pixels of almost every class fall to almost every other: they would colour the whole figure.
    seen = np.where(shares < least, 0.0, shares)
    annotate = partial(_annotate, shares=seen, words=words) if few else None
    figure = draw(title, run.classes, seen, annotate=annotate, words=words)
    blank = words.say("cap_pixel_blank", least=words.percent(least, 2 if least < 0.001 else 1))
    caption = words.say("cap_pixel_confusion" if few else "cap_confusion_many")
    return Picture(
        "confusion", figure, words.say("alt_confusion" if errors else "alt_right", title=title), f"{caption} {blank}"
    )


def _least(classes: int) -> float:
    """The smallest share that is drawn: what is below would be a zero with the digits that there is room for."""
    return 0.0005 if classes <= _LARGE else 0.005


def _annotate(axes: Axes, *, shares: Floats, words: Words) -> None:
    count = len(shares)
    size, digits = (14, 1) if count <= _LARGE else (11.5, 0) if count <= _MIDDLE else (8, 0)
    for row, column in np.argwhere(shares > 0):
        colour = COLOURS["surface" if shares[row, column] > 0.7 else "ink"]
        text = words.number(100 * float(shares[row, column]), digits)
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
