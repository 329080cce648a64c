"""The first thing on the page: what came out, and what the reader must know before believing it."""

from collections.abc import Iterable

from vyvod.report.document import Block, Cell, Code, Column, Inline, Note, Paragraph, Points, Table, Text, VerdictBox
from vyvod.report.experiment.digits import p_value
from vyvod.report.experiment.phrases import arm_mean, badge, difference_of, judgement, margin_of, verdict_text
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import ArmRecord, IdeaRecord, ResultsRecord
from vyvod.report.text import UNKNOWN, Words

_SHOWN = 6
"""So many missing folders are named."""


def lead(experiment: Experiment, words: Words) -> list[Block]:
    """The verdict box for one idea, a table for several, and the warnings."""
    return [*_verdicts(experiment, words), *_notes(experiment, words)]


def _verdicts(experiment: Experiment, words: Words) -> list[Block]:
    results = experiment.results
    if results is None or not results.ideas:
        return [VerdictBox(badge("none", words), words.text("lead_nothing"), [])]
    if len(results.ideas) == 1:
        return [_box(experiment, results.baseline, results.ideas[0], words=words)]
    return [Paragraph(_summary(experiment, words)), _table(experiment, results, words)]


def _box(experiment: Experiment, baseline: ArmRecord, idea: IdeaRecord, *, words: Words) -> VerdictBox:
    facts = [(_arm_label(arm, words), arm_mean(arm).full(words)) for arm in (baseline, idea)]
    if idea.comparison:
        facts.append((words.say("fact_difference"), difference_of(idea.comparison).full(words, sign=True)))
    facts.append((words.say("fact_margin"), f"±{margin_of(experiment, words)}"))
    return VerdictBox(badge(judgement(idea), words), verdict_text(experiment, idea, words), facts)


def _arm_label(arm: ArmRecord, words: Words) -> str:
    return words.say("fact_arm", name=arm.name, runs=words.count(arm.n, "run"))


def _summary(experiment: Experiment, words: Words) -> Text:
    kinds = [judgement(idea) for idea in experiment.ideas]
    parts: list[Inline] = []
    for kind in dict.fromkeys(kinds):
        names = [idea.name for idea in experiment.ideas if judgement(idea) == kind]
        label = words.say(f"verdict_{kind}")
        parts += [f"; {label.lower()}: " if parts else f"{label}: ", *_joined(names)]
    before, after = _around(experiment, words)
    return (*before, *parts, *after)


def _joined(names: Iterable[str]) -> list[Inline]:
    parts: list[Inline] = []
    for name in names:
        parts += [", "] if parts else []
        parts.append(Code(name))
    return parts


def _around(experiment: Experiment, words: Words) -> tuple[Text, Text]:
    """The sentence of the summary, split at its list."""
    marker = Code("list")
    text = words.text(
        "lead_ideas",
        ideas=words.count(len(experiment.ideas), "idea") if words.language == "en" else str(len(experiment.ideas)),
        metric=words.metric(experiment.metric),
        split=experiment.split,
        list=marker,
    )
    place = text.index(marker)
    return text[:place], text[place + 1 :]


def _table(experiment: Experiment, results: ResultsRecord, words: Words) -> Table:
    titles = ("col_idea", "col_verdict", "col_n", "col_mean", "col_difference", "col_p_holm", "col_seeds_needed")
    numeric = ("col_n", "col_mean", "col_difference", "col_p_holm", "col_seeds_needed")
    columns = [Column(words.say(title), numeric=title in numeric) for title in titles]
    base = results.baseline
    first = [Cell((words.say("baseline"),)), Cell(("",)), _number(base.n), Cell((arm_mean(base).full(words),))]
    rows = [first + [Cell(("",))] * 3, *(_row(idea, words) for idea in results.ideas)]
    caption = f"{words.say('table_ideas')}; {words.say('fact_margin')} ±{margin_of(experiment, words)}"
    return Table(caption, columns, rows)


def _row(idea: IdeaRecord, words: Words) -> list[Cell]:
    cells = [Cell((Code(idea.name),)), Cell((badge(judgement(idea), words),)), _number(idea.n)]
    cells.append(Cell((arm_mean(idea).full(words),)))
    comparison = idea.comparison
    if comparison is None:
        return cells + [Cell((UNKNOWN,))] * 3
    p = p_value(comparison.p_holm if comparison.p_holm is not None else comparison.p, words, bare=True)
    needed = UNKNOWN if comparison.seeds_needed is None else str(comparison.seeds_needed)
    return [
        *cells,
        Cell((difference_of(comparison).full(words, sign=True),)),
        Cell((p,)),
        Cell((needed if comparison.verdict == "undecided" else "",)),
    ]


def _number(value: int) -> Cell:
    return Cell((str(value),), value)


def _notes(experiment: Experiment, words: Words) -> list[Block]:
    blocks: list[Block] = []
    later = experiment.record.changed_later
    if later:
        blocks += [Note(words.text("note_changed_later"), "warning"), Points([(sentence,) for sentence in later])]
    runs = experiment.listed
    unfinished = [part for part in runs if part.run.status != "finished"]
    if unfinished:
        text = words.text("note_failed_runs", count=str(len(unfinished)), all=str(len(runs)))
        blocks.append(Note(text, "warning"))
    if experiment.lost:
        blocks.append(Note(_lost(experiment, len(runs), words), "warning"))
    return blocks


def _lost(experiment: Experiment, runs: int, words: Words) -> Text:
    names = [
        words.say("lost_damaged", folder=folder, reason=reason.rstrip("."))
        if reason
        else words.say("lost_missing", folder=folder)
        for folder, reason in experiment.lost.items()
    ]
    listed = "; ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        listed = words.say("list_more", list=listed, count=len(names) - _SHOWN)
    return words.text("note_lost_runs", count=str(len(names)), all=str(runs), list=listed)
