"""An experiment in a homework: goal, idea, results, comparison with the baseline, conclusions; from the pieces of its report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from vyvod.coursework.records import name_of
from vyvod.coursework.training_results import lowered
from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Heading,
    Mark,
    OwnText,
    Paragraph,
    Strong,
    Table,
    VerdictBox,
)
from vyvod.report.experiment import conclusions, curves, plan, scores, target, verdict
from vyvod.report.experiment.own import END, START, read_own
from vyvod.report.experiment.phrases import arm_mean
from vyvod.report.experiment.reading import Experiment
from vyvod.report.text import TEXTS, Words

_PICTURE = re.compile(r"(!\[[^\]\n]*\]\()figures/([\w.+-]+\.png)(?=[)\s])")
"""Of an experiment's own README, in the text of the person."""


def blocks(experiment: Experiment, words: Words) -> Iterator[Block]:
    """The parts that are required of an experiment, in their order."""
    yield Mark(f"vyvod: experiment name={name_of(experiment.folder)}")
    yield Heading(words.text("hw_experiment", name=Code(experiment.record.name)))
    # The sentence of the goal, the idea, and when both were registered; the table after them is in the experiment's own report.
    first, *idea = plan.goal(experiment, words).blocks[:-1]
    registered = [idea.pop()] if experiment.record.registered.time else []
    yield from _part("hw_goal", [first, *registered], words)
    yield from _part("hw_idea", [*idea, *plan.changes(experiment, words).blocks], words)
    lead = [
        replace(block, facts=()) if isinstance(block, VerdictBox) else block
        for block in verdict.lead(experiment, words)
    ]
    shown = [*lead, *_arms(experiment, words), *curves.section(experiment, words).blocks]
    shown += [block for section in target.sections(experiment, words) for block in section.blocks]
    yield from _part("hw_found", shown, words)
    compared = [block for section in scores.comparison(experiment, words) for block in section.blocks]
    yield from _part("hw_against", compared or [Paragraph(words.text("hw_no_comparison"))], words)
    yield from _part("hw_concluded", _conclusions(experiment, words), words)


def own_pictures(experiment: Experiment) -> Iterator[Path]:
    """Pictures of the experiment's folder that the text of the person shows."""
    text = _own_text(experiment.folder / "README.md", Words("en"))
    for _, name in _PICTURE.findall(text):
        path = experiment.folder / "figures" / name
        if path.is_file() and path.resolve().is_relative_to(experiment.folder.resolve()):
            yield path


def _part(title: str, parts: Iterable[Block], words: Words) -> Iterator[Block]:
    yield Heading((words.say(title),), 4)
    yield from lowered(parts)


def _arms(experiment: Experiment, words: Words) -> Iterator[Block]:
    """Both arms by their means, where there is one idea; with several the table of the verdicts has them."""
    results = experiment.results
    if results is None or len(results.ideas) != 1:
        return
    rows = [
        [
            Cell((words.say("baseline"),) if arm is results.baseline else (Code(arm.name),)),
            Cell((str(arm.n),)),
            Cell((arm_mean(arm).full(words),)),
        ]
        for arm in results.arms
    ]
    names = ("col_arm", "col_n", "col_mean")
    columns = [Column(words.say(name), numeric=name != "col_arm") for name in names]
    facts = {"metric": words.metric(experiment.metric), "split": experiment.split}
    yield Table(words.say("hw_table_arms", **facts), columns, rows)


def _conclusions(experiment: Experiment, words: Words) -> Iterator[Block]:
    nothing = OwnText("", "", "", ())
    # The last two are the heading and the place of what a person has written.
    yield from conclusions.section(experiment, words, nothing).blocks[:-2]
    own = _own_text(experiment.folder / "README.md", words)
    if own:
        yield Paragraph((Strong(words.say("hw_own_of_experiment")),))
        name = name_of(experiment.folder)
        yield OwnText("", "", _PICTURE.sub(rf"\g<1>figures/{name}/\g<2>", own), ())


def _own_text(readme: Path, words: Words) -> str:
    """What the person has written into the README of the experiment; empty where nothing."""
    kept = read_own(readme, words).text
    lines = [line for line in kept.replace("\r\n", "\n").split("\n") if line.strip() not in (START, END)]
    return "\n".join(line for line in lines if line.strip() not in TEXTS["own_invitation"]).strip()
