"""The comparison in numbers: differences of the ideas, of all metrics, and of the classes."""

import math

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
)
from vyvod.report.experiment.digits import plain
from vyvod.report.experiment.forest import Line, draw
from vyvod.report.experiment.phrases import difference_of, margin_of, verdict_text
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import ClassRecord, DifferenceRecord, IdeaRecord
from vyvod.report.text import Words

MOST_CLASSES = 20
"""So many classes are drawn; the table has all."""


def comparison(experiment: Experiment, words: Words) -> list[Section]:
    """The difference of each idea as a figure, and the tables of all metrics."""
    if not experiment.ideas:
        return []
    several = len(experiment.ideas) > 1
    blocks: list[Block] = []
    if several:
        blocks += [Paragraph(verdict_text(experiment, idea, words)) for idea in experiment.ideas]
    blocks += _forest(experiment, words)
    for idea in experiment.ideas:
        blocks += [Heading((Code(idea.name),))] if several and idea.metrics else []
        blocks += [_metric_table(experiment, idea, words)] if idea.metrics else []
    return [Section("comparison", words.say("section_comparison"), blocks)] if blocks else []


def _forest(experiment: Experiment, words: Words) -> list[Block]:
    lines = [
        Line(idea.name, difference_of(idea.comparison))
        for idea in experiment.ideas
        if idea.comparison and idea.comparison.difference is not None
    ]
    if not lines:
        return []
    title = words.say("fig_difference", metric=words.curve(experiment.metric))
    up = experiment.higher_is_better
    figure = draw(title, lines, margin=experiment.margin, higher_is_better=up, words=words)
    alt = "; ".join(f"{line.label}: {line.estimate.full(words, sign=True)}" for line in lines)
    caption = words.say("cap_difference", split=experiment.split, margin=margin_of(experiment, words))
    return [Pictures([Picture("difference", figure, f"{title}. {alt}", caption)])]


def _metric_table(experiment: Experiment, idea: IdeaRecord, words: Words) -> Table:
    rows = sorted(idea.metrics, key=lambda part: part.name != experiment.metric)
    columns = [Column(words.say("col_metric")), *_columns(words)]
    cells = [[Cell((_metric_name(part.name, experiment.metric, words),)), *_cells(part, words)] for part in rows]
    return Table(words.say("table_metrics", split=experiment.split), columns, cells)


def _metric_name(name: str, headline: str, words: Words) -> str | Strong:
    return Strong(words.metric(name)) if name == headline else words.metric(name)


def _columns(words: Words) -> list[Column]:
    titles = ("baseline", "col_idea", "col_difference", "col_interval")
    return [Column(words.say(title), numeric=True) for title in titles]


def _cells(part: DifferenceRecord, words: Words) -> list[Cell]:
    estimate = difference_of(part)
    values = [(plain(value, estimate.decimals, words), value) for value in (part.baseline, part.idea)]
    return [
        *(Cell((text,), _order(value)) for text, value in values),
        Cell((estimate.signed(words),), _order(part.difference)),
        Cell((estimate.bounds(words),), _order(part.low)),
    ]


def _order(value: float | None) -> float:
    return math.nan if value is None else value


def by_size(classes: tuple[ClassRecord, ...]) -> list[ClassRecord]:
    """The largest differences first, those without a value last."""
    return sorted(classes, key=lambda part: -abs(part.difference) if part.difference is not None else 1.0)


def classes(experiment: Experiment, words: Words) -> list[Section]:
    """Differences by class, the largest first: a figure and a table for each idea."""
    ideas = [idea for idea in experiment.ideas if idea.per_class]
    blocks: list[Block] = []
    for number, idea in enumerate(ideas, start=1):
        blocks += [Heading((Code(idea.name),))] if len(experiment.ideas) > 1 else []
        blocks += _class_blocks(idea, experiment, "" if number == 1 else f"_{number}", words)
    return [Section("class_differences", words.say("section_class_differences"), blocks)] if blocks else []


def _class_blocks(idea: IdeaRecord, experiment: Experiment, ending: str, words: Words) -> list[Block]:
    rows = by_size(idea.per_class)
    metric = words.short_metric(rows[0].metric)
    known = [part for part in rows if part.difference is not None]
    columns = [Column(words.say("col_class")), *_columns(words)]
    cells = [[Cell((part.name,)), *_cells(part, words)] for part in rows]
    table = Table(words.say("table_class_differences", metric=metric), columns, cells, sortable=True)
    if not known:
        return [table]
    some = len(known) > MOST_CLASSES
    key = "fig_class_differences_some" if some else "fig_class_differences"
    title = words.say(key, metric=metric, **({"shown": MOST_CLASSES} if some else {}))
    lines = [Line(part.name, difference_of(part)) for part in known[:MOST_CLASSES]]
    up = rows[0].metric != "loss" if experiment.metric != rows[0].metric else experiment.higher_is_better
    figure = draw(title, lines, margin=None, higher_is_better=up, words=words)
    picture = Picture(
        f"class_differences{ending}", figure, words.say("alt_table", title=title), words.say("cap_class_differences")
    )
    return [Pictures([picture]), table]
