"""What only a classifier's report has: F1 by class, the confusion matrix, the calibration."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from numpy.typing import NDArray

from vyvod.metrics.classification import calibration_error, confusion_matrix
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
    Text,
)
from vyvod.report.figures import COLOURS, blank, cells, number_axis, shortened, style
from vyvod.report.records import Floats, Run
from vyvod.report.text import UNKNOWN, Words

CURVES = ("f1", "accuracy", "precision", "recall")
"""Metrics whose curves are drawn. Micro F1 is the accuracy; the others would only lie on top of these."""
LOWER_IS_BETTER = ("calibration_error", "loss")

_COLUMNS = ("precision", "recall", "f1")
_NAMED_CELLS = 25
"""Up to that many classes the confusion matrix names its rows, ..."""
_ANNOTATED_CELLS = 12
"""... and up to that many, it writes numbers into its cells."""
_MANY = 36
"""With more classes, the bars show only the weakest and the best."""
_WORST, _BEST = 20, 10
_BINS = 10
_FEW = 10
"""Images in a group of the calibration figure below which its accuracy is mostly chance."""


def brief(run: Run, words: Words) -> Text:
    """The task in a sentence."""
    names = run.classes
    classes = words.count(len(names), "class_of")
    if len(names) <= 20:
        return words.text("task_classification", classes=classes, names=", ".join(names))
    return words.text("task_classification_many", classes=classes, names=", ".join(names[:3]), last=names[-1])


def sections(run: Run, words: Words) -> list[Section]:
    """Scores of each class, confusion matrix, calibration: as far as the run folder holds them."""
    split = run.final_split
    if split is None:
        return []
    parts = [_classes(run, words, split)] if run.scores[split].per_class else []
    rows = run.per_image.get(split, {})
    if len(rows.get("label", ())):
        confusion = confusion_matrix(rows["label"], rows["predicted"], len(run.classes))
        parts += [_confusion(run, words, confusion, split=split), _calibration(rows, words, split)]
    return parts


def accuracy_sentence(run: Run, words: Words, split: str) -> Text | None:
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


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _classes(run: Run, words: Words, split: str) -> Section:
    scores = {name: _floats(values) for name, values in run.scores[split].per_class.items()}
    shown = [name for name in (*_COLUMNS, *scores) if name in scores and name != "support"]
    shown = list(dict.fromkeys(shown))
    blocks: list[Block] = []
    f1 = scores.get("f1")
    if f1 is not None and np.isfinite(f1).any():
        best, worst = int(np.nanargmax(f1)), int(np.nanargmin(f1))
        extremes: dict[str, Inline] = {
            "best": Strong(run.classes[best]),
            "high": words.number(f1[best], 3),
            "worst": Strong(run.classes[worst]),
            "low": words.number(f1[worst], 3),
        }
        blocks = [
            Paragraph(words.text("classes_extremes", **extremes)),
            Pictures([_bars(run, words, scores, split=split)]),
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


def _bars(run: Run, words: Words, scores: dict[str, Floats], *, split: str) -> Picture:
    f1 = scores["f1"]
    order = [int(place) for place in np.argsort(-f1, kind="stable") if np.isfinite(f1[place])]
    some = len(order) > _MANY
    kept = [*order[:_BEST], None, *order[-_WORST:]] if some else order
    name = words.say(f"split_{split}")
    title = words.say("fig_per_class_some" if some else "fig_per_class", split=name)
    figure = _draw_bars(title, [shortened(name, 16) for name in run.classes], kept, scores=scores, words=words)
    counts = {"worst": _WORST, "best": _BEST, "classes": words.count(len(order), "class_of")}
    caption = words.say("cap_per_class_some", **counts) if some else words.say("cap_per_class")
    return Picture("per_class", figure, words.say("alt_table", title=title), caption)


def _draw_bars(
    title: str, names: Sequence[str], kept: Sequence[int | None], *, scores: dict[str, Floats], words: Words
) -> Figure:
    """Bars from the best class down; None stands for the classes that are left out."""
    with style():
        figure = blank(title, 1.7 + 0.34 * len(kept))
        axes = figure.add_subplot()
        shown = [(row, place) for row, place in enumerate(kept) if place is not None]
        rows, places = [row for row, _ in shown], [place for _, place in shown]
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
        _name_bars(axes, names, kept, f1=scores["f1"], words=words)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.03, 0.99), ncols=3, frameon=False, fontsize=12, handletextpad=0.3
        )
    return figure


def _name_bars(axes: Axes, names: Sequence[str], kept: Sequence[int | None], *, f1: Floats, words: Words) -> None:
    left_out = words.say("between", classes=len(names) - len([place for place in kept if place is not None]))
    axes.set_yticks(
        range(len(kept)),
        [left_out if place is None else names[place] for place in kept],
        color=COLOURS["ink"],
    )
    for row, place in enumerate(kept):
        if place is not None:
            value = words.number(float(f1[place]), 2)
            axes.annotate(
                value,
                (1.03, row),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=12.5,
                annotation_clip=False,
            )
    axes.set_xlim(0, 1)
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x")
    number_axis(axes.xaxis, words)


def _confusion(run: Run, words: Words, confusion: NDArray[np.int64], *, split: str) -> Section:
    many = len(run.classes) > _ANNOTATED_CELLS
    title = words.say("fig_confusion", split=words.say(f"split_{split}"))
    figure = _draw_confusion(title, run.classes, confusion, words=words)
    caption = words.say("cap_confusion_many" if many else "cap_confusion")
    picture = Picture("confusion", figure, words.say("alt_table", title=title), caption)
    images = words.count(int(confusion.sum()), "image_on")
    pairs = confusion_pairs(confusion)
    if not pairs:
        blocks: list[Block] = [Paragraph(words.text("confusion_none", images=images)), Pictures([picture])]
        return Section("confusion", words.say("section_confusion"), blocks)
    truth, predicted = pairs[0]
    support = int(confusion[truth].sum())
    top = words.text(
        "confusion_top",
        errors=words.count(int(confusion.sum() - np.trace(confusion)), "error"),
        images=images,
        truth=Strong(run.classes[truth]),
        predicted=Strong(run.classes[predicted]),
        count=words.integer(confusion[truth, predicted]),
        support=words.integer(support),
        share=words.percent(confusion[truth, predicted] / support),
    )
    table = _pair_table(run.classes, confusion, pairs[:15], words=words)
    return Section("confusion", words.say("section_confusion"), [Paragraph(top), Pictures([picture]), table])


def confusion_pairs(confusion: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(truth, prediction) of all confusions, the most frequent first; equal ones in the order of the classes."""
    errors = confusion * (1 - np.eye(len(confusion), dtype=np.int64))
    rows, columns = np.nonzero(errors)
    order = np.argsort(-errors[rows, columns], kind="stable")
    return [(int(rows[place]), int(columns[place])) for place in order]


def _pair_table(
    classes: Sequence[str], confusion: NDArray[np.int64], pairs: Sequence[tuple[int, int]], *, words: Words
) -> Table:
    rows = []
    for truth, predicted in pairs:
        count = int(confusion[truth, predicted])
        share = count / int(confusion[truth].sum())
        numbers = [Cell((words.integer(count),), count), Cell((words.percent(share),), share)]
        rows.append([Cell((classes[truth],)), Cell((classes[predicted],)), *numbers])
    columns = [
        Column(words.say("axis_truth")),
        Column(words.say("axis_predicted")),
        Column(words.say("col_errors"), numeric=True),
        Column(words.say("col_share_of_truth"), numeric=True),
    ]
    return Table(words.say("table_confusions"), columns, rows, sortable=True)


def _draw_confusion(title: str, classes: Sequence[str], confusion: NDArray[np.int64], *, words: Words) -> Figure:
    """Rows = truth, columns = prediction; the colour of a cell is as strong as its share of the row."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    count = len(classes)
    with style():
        figure = blank(title, 6.4 if count > _ANNOTATED_CELLS else 3.0 + 0.42 * count)
        axes = figure.add_subplot()
        _fill_cells(axes, shares)
        if count <= _ANNOTATED_CELLS:
            _annotate_cells(axes, confusion, shares, words=words)
        _confusion_axes(axes, classes, words)
    return figure


def _fill_cells(axes: Axes, shares: Floats) -> None:
    """One shape for each of 12 shades: the page stays small with 1000 classes, too."""
    many = len(shares) > _ANNOTATED_CELLS
    # Small cells need more colour to be seen: the square root lifts rare confusions out of the background.
    shades = np.ceil((np.sqrt(shares) if many else shares) * 12).astype(np.int64)
    diagonal = np.eye(len(shares), dtype=np.bool_)
    for shade in range(1, 13):
        for part, colour in ((diagonal, "blue"), (~diagonal, "orange")):
            places = np.argwhere((shades == shade) & part)
            if len(places):
                opacity = 0.15 + 0.85 * shade / 12 if many else 0.06 + 0.92 * shade / 12
                axes.add_patch(PathPatch(cells(places), color=COLOURS[colour], alpha=opacity, linewidth=0))


def _annotate_cells(axes: Axes, confusion: NDArray[np.int64], shares: Floats, *, words: Words) -> None:
    size = (13 if len(confusion) <= 10 else 11) - 1.5 * max(0, len(str(confusion.max())) - 3)
    for row, column in np.argwhere(confusion > 0):
        share = shares[row, column]
        look: dict[str, Any] = {"ha": "center", "color": COLOURS["surface" if share > 0.7 else "ink"]}
        axes.text(column, row + 0.02, words.integer(confusion[row, column]), fontsize=size, va="bottom", **look)
        axes.text(column, row + 0.12, words.percent(share, 0), fontsize=size - 3.5, va="top", **look)


def _confusion_axes(axes: Axes, classes: Sequence[str], words: Words) -> None:
    count = len(classes)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_aspect("equal" if count > _ANNOTATED_CELLS else "auto")
    axes.set_xlabel(words.say("axis_predicted"))
    axes.set_ylabel(words.say("axis_truth"))
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
    if count <= _NAMED_CELLS:
        names = [shortened(name, 16) for name in classes]
        size = 12 if count <= _ANNOTATED_CELLS else 10
        axes.set_xticks(
            range(count), names, rotation=45, ha="right", rotation_mode="anchor", color=COLOURS["ink"], fontsize=size
        )
        axes.set_yticks(range(count), names, color=COLOURS["ink"], fontsize=size)
        axes.tick_params(length=0)
        return
    step = 10 if count <= 150 else 50 if count <= 500 else 100
    numbers = [1, *range(step, count + 1, step)]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([number - 1 for number in numbers], [str(number) for number in numbers])


def _calibration(rows: Any, words: Words, split: str) -> Section:
    confidence = rows["confidence"].astype(np.float64)
    right = rows["label"] == rows["predicted"]
    title = words.say("fig_reliability", split=words.say(f"split_{split}"))
    figure = _draw_reliability(title, confidence, right, words=words)
    picture = Picture("reliability", figure, title, words.say("cap_reliability", few=_FEW))
    gap = float(confidence.mean() - right.mean())
    # A tenth of a point is what the sentence shows; less is no difference in it.
    verdict = "even" if abs(gap) < 0.005 else "over" if gap > 0 else "under"
    sentence = words.text(
        f"calibration_{verdict}",
        confidence=words.percent(float(confidence.mean())),
        accuracy=words.percent(float(right.mean())),
        gap=words.number(100 * abs(gap), 1),
    )
    error = words.text("calibration_ece", value=words.number(calibration_error(confidence, right)))
    return Section(
        "calibration", words.say("section_calibration"), [Paragraph((*sentence, " ", *error)), Pictures([picture])]
    )


def _draw_reliability(title: str, confidence: Floats, right: NDArray[np.bool_], *, words: Words) -> Figure:
    with style():
        figure = blank(title, 5.0)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        bins = np.clip((confidence * _BINS).astype(np.int64), 0, _BINS - 1)
        _draw_bins(axes, bins, confidence, right=right)
        for x, y, side, name in ((0.015, 0.92, "left", "too_humble"), (0.985, 0.06, "right", "too_sure")):
            axes.text(x, y, words.say(name), ha=side, va="center", fontsize=12, color=COLOURS["muted"])
        axes.set(xlim=(0, 1), ylim=(0, 1), ylabel=words.say("axis_accuracy"))
        below.bar(
            (np.arange(_BINS) + 0.5) / _BINS,
            np.bincount(bins, minlength=_BINS),
            width=0.92 / _BINS,
            color=COLOURS["wash"],
        )
        below.set(ylabel=words.say("axis_number"), xlabel=words.say("axis_confidence"))
        for axis in (axes.xaxis, axes.yaxis, below.yaxis):
            number_axis(axis, words)
    return figure


def _draw_bins(axes: Axes, bins: NDArray[np.int64], confidence: Floats, *, right: NDArray[np.bool_]) -> None:
    """Accuracy against confidence; groups with few images are hollow and stay out of the line."""
    sizes = np.bincount(bins, minlength=_BINS)
    hit = np.flatnonzero(sizes)
    sure = np.bincount(bins, weights=confidence, minlength=_BINS)[hit] / sizes[hit]
    true = np.bincount(bins, weights=right, minlength=_BINS)[hit] / sizes[hit]
    firm = sizes[hit] >= _FEW
    axes.plot([0, 1], [0, 1], color=COLOURS["muted"], linewidth=1.4, dashes=(3, 3))
    axes.vlines(sure[firm], sure[firm], true[firm], color=COLOURS["orange"], linewidth=4, alpha=0.5)
    look: Any = {"color": COLOURS["blue"], "marker": "o", "markersize": 8, "clip_on": False, "zorder": 3}
    hollow: Any = {"linestyle": "none", "markerfacecolor": COLOURS["surface"], "markeredgewidth": 1.8}
    for part, more in ((firm, {}), (~firm, hollow)):
        if part.any():  # a line without points has no extent, which upsets the layout of the figure
            axes.plot(sure[part], true[part], **look, **more)
