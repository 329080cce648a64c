"""Training curves of the arms: a thin line for each run, their mean, and a band between the lowest and the highest run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vyvod.report.document import Block, Paragraph, Picture, Pictures, Section
from vyvod.report.experiment.digits import decimals, plain
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import ArmRecord, IdeaRecord, TargetRecord
from vyvod.report.figures import COLOURS, Series, blank, draw_line, epoch_axis, name_ends, shortened, style
from vyvod.report.records import Floats, Run
from vyvod.report.text import Words

LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("blue", ()),
    ("orange", (6, 2)),
    ("green", (2, 2)),
    ("purple", (6, 2, 1, 2)),
)
"""Of the baseline, then of the ideas of a figure."""
_IDEAS = len(LOOKS) - 1
"""Ideas of one figure; more of them make another figure."""
_LETTERS = 20
"""Of a name beside its line."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The curves of an arm in one column of ``metrics.csv``."""

    name: str
    """Of the arm, in full."""
    values: Floats
    """``(R, E)``: R runs over the epochs of the figure, NaN where a run has none."""
    colour: str
    dashes: tuple[float, ...]

    @property
    def complete(self) -> NDArray[np.bool_]:
        """``(E,)``: the epochs that all runs have."""
        return np.asarray(np.isfinite(self.values).all(axis=0))

    @property
    def mean(self) -> Series:
        """The mean over the runs, where all of them have a value."""
        values = np.full(self.values.shape[1], np.nan)
        values[self.complete] = self.values[:, self.complete].mean(axis=0)
        return Series(shortened(self.name, _LETTERS), values, self.colour, self.dashes)


def section(experiment: Experiment, words: Words) -> Section:
    """Losses and the metric of the goal, the baseline against up to three ideas in a figure."""
    title, results = words.say("section_arm_curves"), experiment.results
    if results is None or not any(run.curves for run in experiment.runs.values()):
        return Section("curves", title, [Paragraph(words.text("curves_none"))])
    blocks: list[Block] = [Paragraph(words.text("arm_curves_lead"))]
    for number, first in enumerate(range(0, max(len(results.ideas), 1), _IDEAS), start=1):
        ideas = results.ideas[first : first + _IDEAS]
        ending = "" if number == 1 else f"_{number}"
        pictures = [
            _metric(experiment, results.baseline, ideas, ending=ending, words=words),
            _loss(experiment, results.baseline, ideas, ending=ending, words=words),
        ]
        blocks.append(Pictures([picture for picture in pictures if picture]))
    return Section("curves", title, blocks)


def _bundles(experiment: Experiment, arms: Sequence[ArmRecord], column: str, words: Words) -> list[Bundle]:
    runs = [[run for run in experiment.of_arm(arm) if _has(run, column)] for arm in arms]
    last = int(max((run.curves["epoch"].max() for part in runs for run in part), default=0))
    return [
        Bundle(
            arm.name if place else words.say("baseline"),
            np.array([_over_epochs(run, column, last) for run in part]),
            *LOOKS[place],
        )
        for place, (arm, part) in enumerate(zip(arms, runs, strict=True))
        if part
    ]


def _has(run: Run, column: str) -> bool:
    return bool(np.isfinite(run.curves.get(column, np.zeros(0))).any())


def _over_epochs(run: Run, column: str, last: int) -> Floats:
    """``(last,)`` values of a run in the epochs 1..last."""
    values = np.full(last, np.nan)
    places = run.curves["epoch"].astype(np.int64) - 1
    values[places[places >= 0]] = run.curves[column][places >= 0]
    return values


def _metric(
    experiment: Experiment, baseline: ArmRecord, ideas: Sequence[IdeaRecord], *, ending: str, words: Words
) -> Picture | None:
    column = f"val_{experiment.metric}"
    bundles = _bundles(experiment, (baseline, *ideas), column, words)
    if not bundles:
        return None
    targets = [idea.time_to_target for idea in ideas if idea.time_to_target]
    drawn = [part for part in targets if part.metric in (None, column, experiment.metric) and part.target is not None]
    title = words.say("fig_curves_metric", metric=words.curve(experiment.metric))
    caption = words.say("cap_curves_metric", metric=words.metric(experiment.metric))
    with style():
        figure = blank(title, 4.3)
        axes = figure.add_subplot()
        _draw(axes, bundles, words)
        if drawn:
            _mark_target(axes, drawn, ideas, words)
            caption = f"{caption} {words.say('cap_curves_target')}"
    return Picture(f"curves_metric{ending}", figure, f"{title}. {_ends(bundles, words)}", caption)


def _loss(
    experiment: Experiment, baseline: ArmRecord, ideas: Sequence[IdeaRecord], *, ending: str, words: Words
) -> Picture | None:
    both = {split: _bundles(experiment, (baseline, *ideas), f"{split}_loss", words) for split in ("train", "val")}
    both = {split: bundles for split, bundles in both.items() if bundles}
    if not both:
        return None
    title = words.say("fig_curves_loss")
    figure = _draw_losses(title, both, words)
    changed = any(_is_of_loss(change.key) for idea in ideas for change in idea.changes)
    caption = words.say("cap_curves_loss") + (f" {words.say('cap_curves_loss_changed')}" if changed else "")
    alt = "; ".join(f"{split}: {_ends(bundles, words)}" for split, bundles in both.items())
    return Picture(f"curves_loss{ending}", figure, f"{title}. {alt}", caption)


def _draw_losses(title: str, both: dict[str, list[Bundle]], words: Words) -> Figure:
    with style():
        figure = blank(title, 0.9 + 2.6 * len(both))
        panels = np.atleast_1d(figure.subplots(len(both), 1))
        for place, (axes, (split, bundles)) in enumerate(zip(panels, both.items(), strict=True)):
            axes.set_title(words.say(f"split_{split}"))
            _draw(axes, bundles, words)
            if place < len(both) - 1:
                axes.set_xlabel("")
    return figure


def _is_of_loss(key: str) -> bool:
    return (
        "loss" in key
        or key.endswith("label_smoothing")
        or key.startswith(("augmentation.mixup", "augmentation.cutmix"))
    )


def _draw(axes: Axes, bundles: Sequence[Bundle], words: Words) -> None:
    epochs = np.arange(1, max(bundle.values.shape[1] for bundle in bundles) + 1, dtype=np.float64)
    for bundle in bundles:
        colour, complete = COLOURS[bundle.colour], bundle.complete
        if len(bundle.values) > 1 and complete.any():
            low, high = bundle.values[:, complete].min(axis=0), bundle.values[:, complete].max(axis=0)
            axes.fill_between(epochs[complete], low, high, color=colour, alpha=0.13, linewidth=0)
        if len(bundle.values) > 1:
            for row in bundle.values:
                seen = np.isfinite(row)
                axes.plot(epochs[seen], row[seen], color=colour, linewidth=0.9, alpha=0.45)
    means = [bundle.mean for bundle in bundles]
    for mean in means[::-1]:
        draw_line(axes, epochs, mean)
    epoch_axis(axes, epochs, words)
    name_ends(axes, means)


def _mark_target(axes: Axes, targets: Sequence[TargetRecord], ideas: Sequence[IdeaRecord], words: Words) -> None:
    level = float(targets[0].target or 0)
    axes.axhline(level, color=COLOURS["ink"], linewidth=1.3, dashes=(1.5, 2.5), zorder=1)
    text = words.say("target_line", value=plain(level, 3, words))
    right: Any = {"ha": "left", "va": "bottom", "fontsize": 12, "color": COLOURS["ink"]}
    axes.annotate(
        text, (0.01, level), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points", **right
    )
    epochs = targets[0].units.get("epochs")
    marks = [(LOOKS[0][0], epochs.baseline if epochs else ())]
    for place, idea in enumerate(ideas, start=1):
        pace = idea.time_to_target.units.get("epochs") if idea.time_to_target else None
        marks.append((LOOKS[place][0], pace.idea if pace else ()))
    for colour, reached in marks:
        seen = [value for value in reached if value is not None]
        axes.plot(
            seen, [level] * len(seen), "D", color=COLOURS[colour], markersize=6.5,
            markeredgecolor=COLOURS["surface"], markeredgewidth=0.8, zorder=5, clip_on=False,
        )  # fmt: skip


def _ends(bundles: Sequence[Bundle], words: Words) -> str:
    parts = []
    for bundle in bundles:
        values = bundle.mean.values[np.isfinite(bundle.mean.values)]
        if len(values):
            spread = float(np.nanstd(bundle.values[:, len(values) - 1]))
            value = plain(float(values[-1]), decimals(spread or None), words)
            parts.append(words.say("alt_arm_end", name=bundle.name, value=value))
    return "; ".join(parts)
