"""What only a classifier's report has: F1 by class, the confusion matrix, the calibration."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vyvod.errors import RunError
from vyvod.metrics.classification import confusion_matrix
from vyvod.report import bars, confusion
from vyvod.report.classification import calibration, gallery
from vyvod.report.contract import Shown
from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Inline,
    Note,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Strong,
    Table,
    Text,
)
from vyvod.report.figures import COLOURS, class_balance
from vyvod.report.records import SPLITS, Arrays, ExampleRecord, Floats, Run, SplitRecord
from vyvod.report.stored import expect_names
from vyvod.report.text import UNKNOWN, Words

EXAMPLE: type[ExampleRecord] = gallery.AnswerRecord
CURVES: Sequence[str] = ("f1", "accuracy", "precision", "recall")
"""Micro F1 is the accuracy; the others would only lie on top of these."""
SENTENCES: Mapping[str, str] = {}
TILES: Sequence[str] = ("accuracy",)
LOWER_IS_BETTER: Sequence[str] = ("calibration_error", "loss")
DEFINITIONS: Mapping[str, str] = {}

_NEEDED = ("label", "predicted", "confidence")
_COLUMNS = ("precision", "recall", "f1")
_ANNOTATED_CELLS = 12
"""Up to that many classes the confusion matrix has numbers in its cells."""


def check_rows(path: Path, rows: Arrays, classes: int) -> None:
    """Raise `RunError` for rows that no classifier of this run wrote."""
    expect_names(path, rows, _NEEDED)
    for name in ("label", "predicted"):
        if rows[name].size and not (rows[name].min() >= 0 and rows[name].max() < classes):
            raise RunError(
                f"{path} holds a class outside of 0..{classes - 1} under '{name}'; it belongs to another run."
            )


def check_totals(path: Path, totals: Arrays, classes: int) -> None:
    """Every value of a classifier follows from its rows: nothing here is read."""


def brief(run: Run, words: Words) -> list[Text]:
    """The task in a sentence, and the images."""
    names = run.classes
    classes = words.count(len(names), "class_of")
    if len(names) <= 20:
        task = words.text("task_classification", classes=classes, names=", ".join(names))
    else:
        task = words.text("task_classification_many", classes=classes, names=", ".join(names[:3]), last=names[-1])
    return [task, _input(run, words)]


def _input(run: Run, words: Words) -> Text:
    seen, native = run.record.input, run.record.data.native_size
    if seen is None:
        return ()
    stored = words.say("native_fixed", height=native[0], width=native[1]) if native else words.say("native_various")
    channels = words.say("grey" if seen.channels == 1 else "colour")
    if native == (seen.height, seen.width):
        return words.text("task_input_same", native=stored, channels=channels)
    return words.text(
        "task_input",
        native=stored,
        input=words.say("native_fixed", height=seen.height, width=seen.width),
        channels=channels,
        resized=words.say("resized") if seen.resized else "",
    )


def facts(run: Run, words: Words) -> dict[str, str]:
    """The definitions are the same for every run."""
    return {}


def headline(run: Run, words: Words, split: str) -> Text:
    """The headline metric, and the accuracy as a share of the images."""
    overall = run.scores[split].overall
    sentence = words.text(
        "headline",
        model=Code(run.record.model.name),
        data=run.data_title,
        metric=words.metric(run.record.headline),
        value=Strong(words.number(overall.get(run.record.headline))),
        images=words.count(run.images(split), "image_on"),
        split=words.say(f"of_split_{split}"),
    )
    accuracy = overall.get("accuracy")
    if accuracy is None:
        return (*sentence, *words.text("headline_end"))
    return (*sentence, *words.text("headline_accuracy", share=Strong(words.percent(accuracy))))


def split_sizes(record: SplitRecord, words: Words) -> dict[str, str]:
    """Images of the split, of its smallest and of its largest class."""
    sizes = [min(record.counts), max(record.counts)] if record.counts else [None, None]
    titles = ("col_images", "col_smallest", "col_largest")
    return {
        words.say(title): words.integer(value) for title, value in zip(titles, (record.images, *sizes), strict=True)
    }


def balance(run: Run, words: Words) -> list[Block]:
    """Images of each class."""
    splits = run.record.data.splits
    counts = {split: splits[split].counts for split in SPLITS if split in splits and any(splits[split].counts)}
    if not counts or any(len(values) != len(run.classes) for values in counts.values()):
        return []
    caption = words.say("cap_class_balance")
    figure = class_balance(run.classes, counts, title=caption.rstrip("."), words=words)
    picture = Picture("class_balance", figure, caption, caption)
    sentence = [Paragraph(_balance_sentence(run, words, counts["train"]))] if "train" in counts else []
    return [*sentence, Pictures([picture])]


def _balance_sentence(run: Run, words: Words, counts: Sequence[int]) -> Text:
    least, most = min(counts), max(counts)
    sizes: dict[str, Inline] = {
        "largest": Strong(run.classes[counts.index(most)]),
        "smallest": Strong(run.classes[counts.index(least)]),
        "most": words.count(most, "image"),
        "least": words.count(least, "image"),
    }
    if least == most:
        return words.text("balance_equal", images=words.count(most, "image"))
    if least == 0:
        return words.text("balance_empty", **sizes)
    ratio = words.number(most / least, 2 if most / least < 2 else 1)
    return words.text("balance_even" if most / least < 1.5 else "balance_uneven", **sizes, ratio=ratio)


def examples(run: Run, words: Words, count: int) -> list[Block]:
    """Images with the class that the network named."""
    return gallery.blocks(run, words, count)


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The image, its class, and the class that the network named."""
    return gallery.shown(run, example, words)


def sections(run: Run, words: Words, split: str) -> list[Section]:
    """Scores of each class, confusion matrix, calibration: as far as the run folder holds them."""
    parts = [_classes(run, words, split)] if run.scores[split].per_class else []
    rows = run.per_image.get(split, {})
    if len(rows.get("label", ())):
        counts = confusion_matrix(rows["label"], rows["predicted"], len(run.classes))
        parts += [_confusion(run, words, counts, split=split), calibration.section(rows, words, split)]
    return parts


def remark(run: Run, words: Words, split: str) -> Text | None:
    """The accuracy with what the size of the split leaves open, or None without predictions."""
    rows = run.per_image.get(split, {})
    images = len(rows.get("label", ()))
    if not images:
        return None
    right = int((rows["label"] == rows["predicted"]).sum())
    low, high = wilson(right, images)
    return words.text(
        "accuracy_interval",
        split=words.say(f"split_{split}"),
        right=words.integer(right),
        images=words.integer(images),
        value=Strong(words.percent(right / images)),
        low=words.percent(low),
        high=words.percent(high),
    )


def wilson(right: int, images: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953); ``images`` is at least 1."""
    z = 1.959964
    share = right / images
    centre = share + z * z / (2 * images)
    spread = z * math.sqrt(share * (1 - share) / images + z * z / (4 * images * images))
    return max(0.0, (centre - spread) / (1 + z * z / images)), min(1.0, (centre + spread) / (1 + z * z / images))


def _classes(run: Run, words: Words, split: str) -> Section:
    scores = {name: bars.floats(values) for name, values in run.scores[split].per_class.items()}
    shown = [name for name in (*_COLUMNS, *scores) if name in scores and name != "support"]
    shown = list(dict.fromkeys(shown))
    blocks: list[Block] = []
    f1 = scores.get("f1")
    if f1 is not None and np.isfinite(f1).any():
        paint = partial(_paint_bars, scores=scores, words=words)
        blocks = [
            Paragraph(bars.extremes(run, words, f1, key="classes_extremes")),
            Pictures([bars.picture(run, words, f1, name="per_class", split=split, paint=paint)]),
        ]
    blocks.append(_class_table(run, words, {name: scores[name] for name in shown}, split=split))
    if any(np.isnan(scores[name]).any() for name in shown):
        blocks.append(Note(words.text("note_undefined", dash=UNKNOWN)))
    return Section("classes", words.say("section_classes"), blocks)


def _support(run: Run, split: str) -> list[int]:
    stored = run.scores[split].per_class.get("support")
    if stored:
        return [int(value or 0) for value in stored]
    record = run.record.data.splits.get(split)
    return list(record.counts) if record and record.counts else []


def _class_table(run: Run, words: Words, scores: dict[str, Floats], *, split: str) -> Table:
    support = _support(run, split)
    names = [*scores, *(["support"] if support else [])]
    columns = [Column(words.say("col_number"), numeric=True), Column(words.say("col_class"))]
    rows = []
    for place, label in enumerate(run.classes):
        values = [Cell((words.number(scores[name][place], 3),), float(scores[name][place])) for name in scores]
        count = [Cell((words.integer(support[place]),), support[place])] if support else []
        rows.append([Cell((str(place + 1),), place + 1), Cell((label,)), *values, *count])
    return Table(
        words.say("table_classes", split=words.say(f"split_{split}")),
        [*columns, *(Column(words.short_metric(name), numeric=True) for name in names)],
        rows,
        sortable=True,
    )


def _paint_bars(axes: Axes, rows: list[int], places: list[int], *, scores: dict[str, Floats], words: Words) -> None:
    axes.barh(rows, scores["f1"][places], height=0.66, color=COLOURS["wash"], label="F1")
    for metric, marker, colour in (("precision", "o", "blue"), ("recall", "D", "orange")):
        if metric in scores:
            look: Any = {"color": COLOURS[colour], "s": 90 if marker == "o" else 36, "label": words.curve(metric)}
            axes.scatter(
                scores[metric][places],
                rows,
                marker=marker,
                zorder=3,
                linewidths=1,
                clip_on=False,
                edgecolors=COLOURS["surface"],
                **look,
            )


def _confusion(run: Run, words: Words, counts: confusion.Confusion, *, split: str) -> Section:
    many = len(run.classes) > _ANNOTATED_CELLS
    title = words.say("fig_confusion", split=words.say(f"split_{split}"))
    shares = confusion.shares_of(counts)
    annotate = None if many else partial(_annotate_cells, counts=counts, shares=shares, words=words)
    figure = confusion.draw(title, run.classes, shares, annotate=annotate, words=words)
    caption = words.say("cap_confusion_many" if many else "cap_confusion")
    images = words.count(int(counts.sum()), "image_on")
    pairs = confusion.pairs(counts)
    picture = Picture("confusion", figure, words.say("alt_confusion" if pairs else "alt_right", title=title), caption)
    if not pairs:
        blocks: list[Block] = [Paragraph(words.text("confusion_none", images=images)), Pictures([picture])]
        return Section("confusion", words.say("section_confusion"), blocks)
    truth, predicted = pairs[0]
    support = int(counts[truth].sum())
    top = words.text(
        "confusion_top",
        errors=words.count(int(counts.sum() - np.trace(counts)), "error"),
        images=images,
        truth=Strong(run.classes[truth]),
        predicted=Strong(run.classes[predicted]),
        count=words.integer(counts[truth, predicted]),
        support=words.integer(support),
        share=words.percent(counts[truth, predicted] / support),
    )
    table = confusion.pair_table(
        run.classes, counts, most=15, count=words.integer, title=words.say("col_errors"), words=words
    )
    return Section("confusion", words.say("section_confusion"), [Paragraph(top), Pictures([picture]), table])


def _annotate_cells(axes: Axes, *, counts: confusion.Confusion, shares: Floats, words: Words) -> None:
    size = (13 if len(counts) <= 10 else 11) - 1.5 * max(0, len(str(counts.max())) - 3)
    for row, column in np.argwhere(counts > 0):
        share = shares[row, column]
        look: dict[str, Any] = {"ha": "center", "color": COLOURS["surface" if share > 0.7 else "ink"]}
        axes.text(column, row + 0.02, words.integer(counts[row, column]), fontsize=size, va="bottom", **look)
        axes.text(column, row + 0.12, words.percent(share, 0), fontsize=size - 3.5, va="top", **look)
