"""Goal and idea as they were registered, and what was changed."""

import json
import re
from typing import Any

from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Heading,
    Inline,
    Note,
    Paragraph,
    Points,
    Section,
    Table,
    Text,
)
from vyvod.report.experiment.digits import decimals, plain
from vyvod.report.experiment.phrases import margin_of
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import ChangeRecord
from vyvod.report.text import UNKNOWN, Words

_LONGEST = 300
"""Letters of a value of a setting."""


def goal(experiment: Experiment, words: Words) -> Section:
    """What was to be reached, why the idea should help, and when that was written down."""
    registered = experiment.record.registered
    sentence = words.text(
        f"goal_sentence_{registered.goal.direction}",
        metric=words.metric(experiment.metric),
        split=experiment.split,
        margin=margin_of(experiment, words),
    )
    blocks: list[Block] = [Paragraph(sentence), *_idea(registered.idea, words)]
    if registered.time:
        blocks.append(Paragraph(words.text("goal_registered", time=words.moment(registered.time))))
    return Section("goal", words.say("section_goal"), [*blocks, _facts(experiment, words)])


def _idea(text: str, words: Words) -> list[Block]:
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return [Paragraph((" ".join(part.split()),)) for part in parts] or [Paragraph(words.text("idea_none"))]


def _facts(experiment: Experiment, words: Words) -> Table:
    registered = experiment.record.registered
    detectable = registered.detectable
    expected = detectable.difference
    found = words.say("reg_detectable_none") if expected is None else plain(expected, decimals(expected), words)
    facts: list[tuple[str, Inline | None]] = [
        ("metric", words.metric(experiment.metric)),
        ("direction", words.say(f"reg_direction_{registered.goal.direction}")),
        ("margin", f"±{margin_of(experiment, words)}"),
        ("target", _target(registered.target, words)),
        ("seeds", ", ".join(map(str, registered.seeds)) or UNKNOWN),
        ("detectable", found),
        ("basis", detectable.basis),
        ("time", words.moment(registered.time)),
        ("hash", Code(registered.hash) if registered.hash else None),
    ]
    columns = [Column(words.say("col_quantity")), Column(words.say("col_value"))]
    rows = [[Cell((words.say(f"reg_{name}"),)), Cell((value,))] for name, value in facts if value]
    return Table(words.say("table_registered"), columns, rows)


def _target(target: str | float | None, words: Words) -> str | None:
    if target is None:
        return None
    return words.tick(target) if isinstance(target, float) else words.say("reg_target_baseline")


def changes(experiment: Experiment, words: Words) -> Section:
    """The settings that differ, idea by idea, and what differs besides."""
    planned = experiment.record.registered
    compared = {idea.name: idea for idea in experiment.ideas}
    names = list(dict.fromkeys([*planned.changes, *compared]))
    blocks: list[Block] = []
    for name in names:
        idea = compared.get(name)
        stored = (
            idea.changes
            if idea
            else tuple(
                ChangeRecord(key=key, before=UNKNOWN, after=value) for key, value in planned.changes[name].items()
            )
        )
        blocks += [Heading((Code(name),))] if len(names) > 1 else []
        blocks.append(_change_table(stored, words) if stored else Paragraph(words.text("changes_none")))
        if idea and idea.also_changed:
            blocks.append(Note(words.text("also_changed"), "warning"))
            blocks.append(Points([(sentence,) for sentence in idea.also_changed]))
    return Section("changes", words.say("section_changes"), blocks or [Paragraph(words.text("changes_none"))])


def _change_table(stored: tuple[ChangeRecord, ...], words: Words) -> Table:
    columns = [Column(words.say(title)) for title in ("col_key", "col_before", "col_after")]
    rows = [[Cell((Code(part.key),)), Cell(_value(part.before)), Cell(_value(part.after))] for part in stored]
    return Table(words.say("table_changes"), columns, rows)


def _value(value: Any) -> Text:
    if value is None or value == UNKNOWN:
        return (UNKNOWN,)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return (Code(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"),)
