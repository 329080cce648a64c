"""Precision, recall and F1 for every confidence: of each class, and on average."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vyvod.report.detection import confidence
from vyvod.report.document import Paragraph, Picture, Pictures, Section
from vyvod.report.figures import COLOURS, blank, number_axis, shortened, style
from vyvod.report.records import Arrays, Floats, Run
from vyvod.report.text import Words

_NAMED = 8
"""Up to that many classes all lines have names; ..."""
_SOME = 3
"""... with more, so many of the best and of the weakest."""
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("orange", ()), ("green", (6, 2)), ("purple", (2, 2)), ("muted", (6, 2, 1, 2)),
    ("green", ()), ("purple", (6, 2)), ("orange", (2, 2)), ("ink", (1, 1.6)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a figure over 0..1."""

    values: Floats
    """``(K, 101)``, NaN where a class has none."""
    mean: Floats
    """``(101,)``."""
    scores: Floats
    """``(K,)``: what a line is named with and ranked by."""
    whole: float
    """The same for the mean."""


def section(run: Run, words: Words, totals: Arrays, *, split: str) -> Section | None:
    """The curves that are stored; None where no class has one."""
    name = words.say(f"split_{split}")
    pictures = [_precision_recall(run, words, totals, split=name), *_by_confidence(run, words, totals, split=split)]
    drawn = [picture for picture in pictures if picture is not None]
    if not drawn:
        return None
    return Section("curves", words.say("section_curves"), [Paragraph(words.text("curves_lead")), Pictures(drawn)])


def mean_over_classes(values: Floats) -> Floats:
    """``(K, N)`` -> ``(N,)`` means that leave out what is not a number; NaN where nothing is left."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    means: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), math.nan)
    return means


def _precision_recall(run: Run, words: Words, totals: Arrays, *, split: str) -> Picture | None:
    values = totals.get("precision_curve")
    if values is None or not np.isfinite(values).any():
        return None
    areas = mean_over_classes(values.T)
    lines = _Lines(values, mean_over_classes(values), areas, float(np.nanmean(areas)))
    title = words.say("fig_precision_recall", split=split)
    with style():
        figure, axes = _axes(title, words, across="axis_recall", up="axis_precision")
        shown = _draw(axes, lines, run.classes, words=words)
        _name(figure, axes)
    return _picture("precision_recall", title, figure, shown, words=words, lines=lines)


def _by_confidence(run: Run, words: Words, totals: Arrays, *, split: str) -> list[Picture]:
    values = totals.get("f1_by_confidence")
    if values is None or not np.isfinite(values).any():
        return []
    known = np.isfinite(values).any(axis=1)
    highest = np.where(known, np.where(np.isfinite(values), values, -1).max(axis=1), math.nan)
    mean = mean_over_classes(values)
    lines = _Lines(values, mean, highest, float(np.nanmax(mean)))
    title = words.say("fig_f1_confidence", split=words.say(f"split_{split}"))
    with style():
        figure, axes = _axes(title, words, across="axis_threshold", up=None)
        axes.set_ylabel(words.short_metric("f1"))
        shown = _draw(axes, lines, run.classes, words=words)
        _mark(axes, run, words)
        _name(figure, axes)
    picture = _picture("f1_confidence", title, figure, shown, words=words, lines=lines)
    return [picture, *_means(run, words, totals, split=split)]


def _means(run: Run, words: Words, totals: Arrays, *, split: str) -> list[Picture]:
    """Precision, recall and F1 on average, with their values at the confidence that was best on val."""
    title, overall = words.say("fig_confidence", split=words.say(f"split_{split}")), run.scores[split].overall
    told = []
    with style():
        figure, axes = _axes(title, words, across="axis_threshold", up=None)
        for name, colour, dashes in (("precision", "green", (6, 2)), ("recall", "purple", (2, 2)), ("f1", "blue", ())):
            values = totals.get(f"{name}_by_confidence")
            if values is None or not np.isfinite(values).any():
                continue
            value = words.number(overall.get(f"{name}_at_best_f1"), 3)
            told.append(words.say("curve_value", name=words.curve(name), value=value))
            _line(axes, mean_over_classes(values), told[-1], colour=colour, dashes=dashes, thick=name == "f1")
        _mark(axes, run, words)
        _name(figure, axes)
    alt = f"{title}. {'; '.join(told)}"
    return [Picture("confidence", figure, alt, words.say("cap_confidence"))] if told else []


def _picture(name: str, title: str, figure: Figure, shown: Sequence[str], *, words: Words, lines: _Lines) -> Picture:
    caption = words.say(f"cap_{name}")
    classes = int(np.isfinite(lines.scores).sum())
    if classes > _NAMED:
        caption += words.say("curves_some", classes=words.count(classes, "class_of"))
    return Picture(name, figure, f"{title}. {'; '.join(shown)}", caption)


def _axes(title: str, words: Words, *, across: str, up: str | None) -> tuple[Figure, Axes]:
    figure = blank(title, 5.2)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=words.say(across), ylabel=words.say(up) if up else "")
    axes.grid(visible=True, axis="both")
    for axis in (axes.xaxis, axes.yaxis):
        number_axis(axis, words)
    return figure, axes


def _draw(axes: Axes, lines: _Lines, classes: Sequence[str], *, words: Words) -> list[str]:
    """The lines of the classes, thin, and their mean, thick; what the named ones are called."""
    order = [int(place) for place in np.argsort(-lines.scores, kind="stable") if np.isfinite(lines.scores[place])]
    named = order if len(order) <= _NAMED else [*order[:_SOME], *order[-_SOME:]]
    for place in order:
        if place not in named:
            _line(axes, lines.values[place], None, colour="line", dashes=())
    names = []
    if len(order) > 1:
        mean = words.say("curve_mean", classes=words.count(len(order), "class_of"))
        names.append(words.say("curve_value", name=mean, value=words.number(lines.whole, 3)))
    for place, (colour, dashes) in zip(named, _LOOKS, strict=False):
        value = words.number(float(lines.scores[place]), 3)
        names.append(words.say("curve_value", name=shortened(classes[place], 18), value=value))
        look = ("blue", ()) if len(order) == 1 else (colour, dashes)
        _line(axes, lines.values[place], names[-1], colour=look[0], dashes=look[1], thick=len(order) == 1)
    if len(order) > 1:
        _line(axes, lines.mean, names[0], colour="blue", dashes=(), thick=True)
    return names


def _line(
    axes: Axes, values: Floats, name: str | None, *, colour: str, dashes: tuple[float, ...], thick: bool = False
) -> None:
    axes.plot(
        np.linspace(0, 1, len(values)),
        values,
        color=COLOURS[colour],
        linewidth=3.2 if thick else 1.5 if name else 0.9,
        dashes=dashes or (None, None),
        label=name,
        zorder=4 if thick else 3 if name else 2,
    )


def _mark(axes: Axes, run: Run, words: Words) -> None:
    """The confidences at which detections are counted."""
    marks = [(confidence.fixed(run), (1, 2.5)), (confidence.best(run), (5, 3))]
    for place, dashes in marks:
        if not math.isnan(place):
            axes.axvline(place, color=COLOURS["muted"], linewidth=1.4, dashes=dashes, zorder=1)
    known = sorted({round(place, 6) for place, _ in marks if not math.isnan(place)})
    for number, place in enumerate(known):
        # Two that are close are written to either side.
        side = "center" if len(known) < 2 or known[1] - known[0] > 0.12 else ("right", "left")[number]
        axes.annotate(
            words.tick(place), (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
            ha=side, va="bottom", fontsize=12, color=COLOURS["muted"],
        )  # fmt: skip


def _name(figure: Figure, axes: Axes) -> None:
    """The names of the lines below the figure, the mean first."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        handles, labels = [handles[-1], *handles[:-1]], [labels[-1], *labels[:-1]]
    rows = -(-len(labels) // 2)
    figure.set_figheight(4.4 + 0.26 * rows)
    figure.legend(
        handles, labels, loc="outside lower left", ncols=2, frameon=False, fontsize=11.5, handlelength=2.6,
        columnspacing=1.2, borderpad=0,
    )  # fmt: skip
