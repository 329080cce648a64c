"""How sure a classifier is, against how often it is right."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vyvod.metrics.classification import calibration_error
from vyvod.report.document import Paragraph, Picture, Pictures, Section
from vyvod.report.figures import COLOURS, blank, number_axis, style
from vyvod.report.records import Arrays, Floats
from vyvod.report.text import Words

_BINS = 10
_FEW = 10
"""Images in a group of the figure below which its accuracy is mostly chance."""


def section(rows: Arrays, words: Words, split: str) -> Section:
    """How sure the network is, against how often it is right.

    Args:
        rows: columns of ``per_image/<split>.npz``, with at least one row.
        words: the language.
        split: the rows are of this one.
    """
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
