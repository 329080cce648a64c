"""The training results of a run as parts of a homework: curves, examples, values; taken from the report of the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Gallery,
    Heading,
    Mark,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Strong,
    Table,
)
from vyvod.report.records import Run
from vyvod.report.sections import document
from vyvod.report.settings import ReportSettings
from vyvod.report.text import UNKNOWN, Words

Sections = Mapping[str, Section]

_CLASS_COLUMNS = ("precision", "recall", "f1", "dice", "iou", "ap50", "ap", "support")
_MORE = ("confusion", "curves")
"""Sections of the task that belong to the results of a homework; the others are in the report of the run."""
_LEAST_EXAMPLES, _MOST_EXAMPLES = 5, 10


def sections_of(run: Run, words: Words) -> Sections:
    """The report of a run by the names of its sections."""
    settings = ReportSettings(language=words.language, examples=_MOST_EXAMPLES)
    return {section.name: section for section in document(run, settings).sections}


def blocks(run: Run, name: str, sections: Sections, words: Words) -> Iterator[Block]:
    """Everything that is required of training results, each under a heading of its own."""
    yield from _curves(sections, words)
    yield Heading((words.say("hw_examples"),))
    yield from sections["examples"].blocks
    yield from _few_examples(run, words)
    yield Heading((words.say("hw_values"),))
    yield from _overall(run, name, sections)
    if run.final_split and run.scores[run.final_split].per_class:
        yield Heading((words.say("hw_classes"),))
        yield from _classes(run, name, sections, words)
    for part in _MORE:
        if part in sections:
            yield Heading((sections[part].title,))
            yield from lowered(sections[part].blocks)


def moved(parts: Iterable[Block], folder: str) -> Iterator[Block]:
    """The blocks with their pictures in a folder of their own inside ``figures/``."""
    for block in parts:
        match block:
            case Pictures():
                yield Pictures([replace(picture, name=f"{folder}/{picture.name}") for picture in block.items])
            case Gallery():
                yield replace(block, picture=replace(block.picture, name=f"{folder}/{block.picture.name}"))
            case _:
                yield block


def lowered(parts: Iterable[Block]) -> Iterator[Block]:
    """The blocks with headings as bold lines: they stand inside of a part that has a heading."""
    for block in parts:
        yield Paragraph((Strong(_plain(block)),)) if isinstance(block, Heading) else block


def _plain(heading: Heading) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in heading.text if not hasattr(part, "colour"))


def _curves(sections: Sections, words: Words) -> Iterator[Block]:
    if "training" not in sections:
        yield Paragraph(words.text("hw_no_curves"))
        return
    for block in sections["training"].blocks:
        if not isinstance(block, Pictures):
            yield block
    for name in ("loss", "metrics"):
        found = [picture for picture in _pictures(sections["training"]) if picture.name == name]
        if found:
            yield Heading((words.say(f"hw_{name}"),))
            yield Pictures(found)


def _pictures(section: Section) -> Iterator[Picture]:
    for block in section.blocks:
        if isinstance(block, Pictures):
            yield from block.items


def _overall(run: Run, name: str, sections: Sections) -> Iterator[Block]:
    """The table of the report, with what stands in it for programs: its rows in the order in which the report has them."""
    splits = [split for split in ("val", "test") if split in run.scores]
    rows = dict.fromkeys((run.record.headline, *(key for split in splits for key in run.scores[split].overall)))
    mark = Mark(f"vyvod: values run={name} kind=overall columns={','.join(splits)} rows={','.join(rows)}")
    for block in sections["scores"].blocks:
        yield replace(block, mark=mark) if isinstance(block, Table) else block


def _classes(run: Run, name: str, sections: Sections, words: Words) -> Iterator[Block]:
    for block in sections["classes"].blocks if "classes" in sections else ():
        if isinstance(block, Pictures):
            yield block
    split = run.final_split or "test"
    scores = run.scores[split].per_class
    shown = [column for column in _CLASS_COLUMNS if column in scores]
    rows = [
        [Cell((label,)), *(_class_cell(column, scores[column][place], words) for column in shown)]
        for place, label in enumerate(run.classes)
    ]
    columns = [
        Column(words.say("col_class")),
        *(Column(_class_column(column, run.record.task, words), numeric=True) for column in shown),
    ]
    mark = Mark(f"vyvod: values run={name} kind=per_class split={split} columns={','.join(shown)}")
    yield Table(words.say("table_classes", split=words.say(f"split_{split}")), columns, rows, mark=mark)
    if any(value is None for column in shown for value in scores[column]):
        yield Paragraph(words.text("hw_dash", dash=UNKNOWN))


def _class_column(column: str, task: str, words: Words) -> str:
    # What is counted there differs from task to task: images, pixels, objects.
    return words.say(f"hw_support_{task}") if column == "support" else words.short_metric(column)


def _few_examples(run: Run, words: Words) -> Iterator[Block]:
    """Why there are fewer examples than are asked for, where the split has no more images."""
    split, shown = run.final_split, len(run.examples)
    if split is not None and 0 < shown == run.images(split) < _LEAST_EXAMPLES:
        facts = {"split": words.say(f"split_{split}"), "images": words.count(shown, "image")}
        yield Paragraph(words.text("hw_few_examples", **facts))


def _class_cell(column: str, value: float | None, words: Words) -> Cell:
    return Cell((words.integer(value) if column == "support" else words.number(value, 3),))


def run_table(runs: Iterable[Run], words: Words) -> Table:
    """The headline metric of several runs."""
    rows = [
        [
            Cell((Code(run.record.name),)),
            Cell((Code(run.record.model.name),)),
            Cell((run.data_title,)),
            Cell((words.metric(run.record.headline),)),
            *(Cell((words.number(headline(run, split)),)) for split in ("val", "test")),
        ]
        for run in runs
    ]
    names = ("col_run", "col_model", "col_data", "col_metric", "split_val", "split_test")
    columns = [Column(words.say(name), numeric=name.startswith("split_")) for name in names]
    return Table(words.say("hw_table_runs"), columns, rows)


def headline(run: Run, split: str) -> float | None:
    """The value of the headline metric of a run; None where it has none."""
    value = run.scores[split].overall.get(run.record.headline) if split in run.scores else None
    return None if value is None or math.isnan(value) else value
