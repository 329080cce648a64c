"""Scores of each class: in words, as bars, as a table."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from vyvod.report import bars
from vyvod.report.document import (
    Block,
    Cell,
    Column,
    Inline,
    Note,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Strong,
    Table,
)
from vyvod.report.figures import COLOURS
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
        blocks = [Paragraph(_extremes(run, words, scores["dice"])), Pictures([_bars(run, words, scores, split=split)])]
    blocks.append(_table(run, words, {name: scores[name] for name in shown}, split=split))
    if any(np.isnan(scores[name]).any() for name in shown):
        blocks.append(Note(words.text("segmentation_undefined", dash=UNKNOWN)))
    return Section("classes", words.say("section_classes"), blocks)


def _extremes(run: Run, words: Words, dice: Floats) -> tuple[Inline, ...]:
    best, worst = int(np.nanargmax(dice)), int(np.nanargmin(dice))
    return words.text(
        "segmentation_extremes",
        best=Strong(run.classes[best]),
        high=words.number(dice[best], 3),
        worst=Strong(run.classes[worst]),
        low=words.number(dice[worst], 3),
    )


def _bars(run: Run, words: Words, scores: dict[str, Floats], *, split: str) -> Picture:
    dice = scores["dice"]
    kept = bars.kept_classes(dice)
    some = "_some" if None in kept else ""
    title = words.say(f"fig_dice_classes{some}", split=words.say(f"split_{split}"))
    paint = partial(_paint, dice=dice, iou=scores.get("iou"), words=words)
    figure = bars.draw(title, run.classes, dice, kept=kept, paint=paint, words=words)
    classes = words.count(int(np.isfinite(dice).sum()), "class_of")
    counts = {"worst": bars.WORST, "best": bars.BEST, "classes": classes} if some else {}
    caption = words.say(f"cap_dice_classes{some}", **counts)
    return Picture("per_class", figure, words.say("alt_table", title=title), caption)


def _paint(axes: Axes, rows: list[int], places: list[int], *, dice: Floats, iou: Floats | None, words: Words) -> None:
    for values, height, colour, name in ((dice, 0.66, "wash", "dice"), (iou, 0.24, "blue", "iou")):
        if values is not None:
            axes.barh(rows, values[places], height=height, color=COLOURS[colour], label=words.short_metric(name))


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
