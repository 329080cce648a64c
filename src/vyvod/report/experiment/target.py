"""Time to target: how many runs reached it, how soon, and whether the choice of the target matters."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Heading,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Strong,
    Table,
    Text,
)
from vyvod.report.experiment.curves import LOOKS
from vyvod.report.experiment.digits import p_value, plain
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import UNITS, IdeaRecord, PaceRecord, TargetRecord
from vyvod.report.figures import COLOURS, TICK_STEPS, blank, number_axis, shortened, style
from vyvod.report.text import UNKNOWN, Words


def sections(experiment: Experiment, words: Words) -> list[Section]:
    """For each idea a table; one figure of the speed-up for all of them."""
    known = [(idea, idea.time_to_target) for idea in experiment.ideas if idea.time_to_target]
    if not known:
        return []
    blocks: list[Block] = [Paragraph(_lead(experiment, known[0][1], words)), Paragraph(words.text("target_how"))]
    for idea, target in known:
        blocks += [Heading((Code(idea.name),))] if len(known) > 1 else []
        blocks.append(_table(target, words))
    figure = _speedup([(idea, target) for idea, target in known if _drawn(target)], experiment, words)
    if figure:
        caption = words.say("cap_speedup", metric=words.metric(experiment.metric))
        title = words.say("fig_speedup")
        blocks.append(Pictures([Picture("speedup", figure, f"{title}. {_alt(known, words)}", caption)]))
    return [Section("target", words.say("section_target"), blocks)]


def level(target: TargetRecord, words: Words) -> str:
    """The target; the mean of values on val is given in three decimals."""
    if target.source == "baseline" or target.target is None:
        return plain(target.target, 3, words)
    return words.tick(target.target)


def duration(value: float | None, unit: str, words: Words) -> str:
    """A time in one of the units, without its name where that is a number of something."""
    if value is None:
        return UNKNOWN
    if unit == "seconds":
        return words.duration(value)
    return plain(value, 0 if unit == "steps" or abs(value) >= 100 or value == int(value) else 1, words)


def _lead(experiment: Experiment, target: TargetRecord, words: Words) -> Text:
    key = "target_lead_baseline" if target.source == "baseline" else "target_lead_given"
    return words.text(key, value=Strong(level(target, words)), metric=words.metric(experiment.metric))


def _table(target: TargetRecord, words: Words) -> Table:
    titles = (
        "col_reached_baseline", "col_reached_idea", "col_restricted_baseline", "col_restricted_idea", "col_ratio", "col_p",
    )  # fmt: skip
    columns = [
        Column(words.say("col_unit")),
        *(Column(words.say(title), numeric=True) for title in titles),
        Column(words.say("col_verdict")),
    ]
    rows = [_row(unit, target.units[unit], words) for unit in UNITS if unit in target.units]
    return Table(words.say("table_target", value=level(target, words)), columns, rows)


def _row(unit: str, pace: PaceRecord, words: Words) -> list[Cell]:
    arms = zip(pace.reached, (pace.baseline, pace.idea), strict=True)
    reached = [words.say("reached_of", reached=count, n=len(runs)) for count, runs in arms]
    means = [duration(value, unit, words) for value in pace.restricted_mean]
    verdict = words.say(f"pace_{pace.verdict}") if pace.verdict else UNKNOWN
    p = p_value(pace.p, words, bare=True)
    numbers = (*reached, *means, plain(pace.ratio, 2, words), p)
    return [Cell((words.say(f"unit_{unit}"),)), *(Cell((text,)) for text in numbers), Cell((verdict,))]


def _drawn(target: TargetRecord) -> bool:
    return sum(part.ratio is not None for part in target.speedup) > 1


def _alt(known: list[tuple[IdeaRecord, TargetRecord]], words: Words) -> str:
    parts = []
    for idea, target in known:
        ratios = [part.ratio for part in target.speedup if part.ratio is not None]
        if ratios:
            parts.append(
                words.say(
                    "alt_curve", name=idea.name, first=plain(ratios[0], 2, words), last=plain(ratios[-1], 2, words)
                )
            )
    return "; ".join(parts)


def _speedup(known: list[tuple[IdeaRecord, TargetRecord]], experiment: Experiment, words: Words) -> Figure | None:
    if not known:
        return None
    with style():
        figure = blank(words.say("fig_speedup"), 3.4)
        axes = figure.add_subplot()
        axes.axhline(1, color=COLOURS["muted"], linewidth=1.3, zorder=1)
        for place, (idea, target) in enumerate(known):
            colour, dashes = LOOKS[1 + place % (len(LOOKS) - 1)]
            points = [(part.threshold, part.ratio) for part in target.speedup if part.ratio is not None]
            axes.plot(
                *zip(*points, strict=True),
                color=COLOURS[colour],
                dashes=dashes or (None, None),
                label=shortened(idea.name, 18),
            )
        level_of = known[0][1].target
        if level_of is not None:
            axes.axvline(level_of, color=COLOURS["ink"], linewidth=1.3, dashes=(1.5, 2.5), zorder=1)
            text = words.say("target_line", value=level(known[0][1], words))
            axes.annotate(
                text, (level_of, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                ha="right", va="bottom", fontsize=12, color=COLOURS["ink"],
            )  # fmt: skip
        if len(known) > 1:
            axes.legend(frameon=False, fontsize=12)
        axes.set_xlabel(words.say("axis_target", metric=words.curve(experiment.metric)))
        axes.set_ylabel(words.say("axis_speedup"))
        axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=5, steps=TICK_STEPS))
            number_axis(axis, words)
        if not experiment.higher_is_better:
            axes.invert_xaxis()
    return figure
