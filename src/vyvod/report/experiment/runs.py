"""What the arms cost, all runs with what became of them, and how to repeat it."""

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from vyvod.report.document import Block, Cell, Code, Column, Inline, Listing, Page, Paragraph, Section, Table, Text
from vyvod.report.experiment.digits import decimals, plain
from vyvod.report.experiment.reading import Experiment, Listed, find_run
from vyvod.report.experiment.records import ArmRecord
from vyvod.report.text import TEXTS, UNKNOWN, Words


def cost(experiment: Experiment, words: Words) -> list[Section]:
    """Both arms side by side, with how many times more the idea needs."""
    results = experiment.results
    if results is None:
        return []
    shown: dict[str, tuple[Callable[[float | None], str], list[float | None]]] = {
        "parameters": (words.large, [arm.cost.parameters for arm in results.arms]),
        "macs": (words.large, [arm.cost.macs for arm in results.arms]),
        "epoch": (words.duration, [arm.cost.seconds_per_epoch for arm in results.arms]),
        "training": (words.duration, [arm.cost.training_seconds for arm in results.arms]),
        "total": (words.duration, [_total(arm) for arm in results.arms]),
        "memory": (words.memory, [arm.cost.peak_memory_bytes for arm in results.arms]),
    }
    names = [words.say("baseline"), *(idea.name for idea in results.ideas)]
    columns = [Column(words.say("col_quantity")), *(Column(name, numeric=True) for name in names)]
    rows = [
        [Cell((words.say(f"cost_{name}"),)), *(Cell((text,)) for text in _compared(write, values, words))]
        for name, (write, values) in shown.items()
        if any(value is not None for value in values)
    ]
    return (
        [Section("cost", words.say("section_cost"), [Table(words.say("table_arm_cost"), columns, rows)])]
        if rows
        else []
    )


def ratio(value: float | None, baseline: float | None, words: Words) -> str | None:
    """How many times more than the baseline; None where that cannot be told."""
    if value is None or not baseline:
        return None
    times = value / baseline
    return words.number(times, 2 if times < 9.95 else 0)


def _compared(write: Callable[[float | None], str], values: list[float | None], words: Words) -> Iterator[str]:
    yield write(values[0])
    for value in values[1:]:
        times = ratio(value, values[0], words)
        same = times is None or write(value) == write(values[0])
        yield write(value) if same else words.say("cost_ratio", value=write(value), ratio=times)


def _total(arm: ArmRecord) -> float | None:
    seconds = [run.seconds for run in arm.runs if run.seconds is not None]
    return sum(seconds) if seconds else None


def table(experiment: Experiment, words: Words) -> Section:
    """All runs of all arms, also those that failed."""
    titles = ("col_arm", "col_seed", "metric", "col_best_epoch", "col_epochs", "col_training", "col_status", "col_run")
    numeric = ("col_seed", "metric", "col_best_epoch", "col_epochs", "col_training")
    label = words.curve(experiment.metric)
    columns = [Column(label if title == "metric" else words.say(title), numeric=title in numeric) for title in titles]
    digits = {arm.name: decimals(arm.sd) for arm in experiment.results.arms} if experiment.results else {}
    rows = [_row(experiment, part, digits.get(part.arm, decimals(None)), words) for part in experiment.listed]
    caption = words.say("table_runs", metric=words.metric(experiment.metric), split=experiment.split)
    return Section("runs", words.say("section_runs"), [Table(caption, columns, rows, sortable=True)])


def _row(experiment: Experiment, part: Listed, digits: int, words: Words) -> list[Cell]:
    run = part.run
    return [
        Cell((words.say("baseline") if part.arm == "baseline" else Code(part.arm),)),
        Cell((str(run.seed),), run.seed),
        Cell((plain(run.value, digits, words),), _order(run.value)),
        Cell((UNKNOWN if run.best_epoch is None else str(run.best_epoch),), _order(run.best_epoch)),
        Cell((UNKNOWN if run.epochs is None else str(run.epochs),), _order(run.epochs)),
        Cell((words.duration(run.seconds),), _order(run.seconds)),
        Cell((status(part, words),)),
        Cell((_folder(experiment, run.folder),)),
    ]


def status(part: Listed, words: Words) -> str:
    """What became of a run, with its error."""
    key = f"status_{part.run.status}"
    text = words.say(key) if key in TEXTS else part.run.status
    if part.run.error:
        return words.say("status_error", status=text, error=part.run.error)
    return words.say("status_reused", status=text) if part.reused else text


def _order(value: float | None) -> float:
    return math.nan if value is None else value


def _folder(experiment: Experiment, name: str | None) -> Inline:
    """The run folder, as a link where its report is."""
    path = find_run(experiment.folder, name) if name else None
    if not name or path is None or not (path / "report.html").is_file():
        return Code(name) if name else UNKNOWN
    return Page(Path(name).name, Path(os.path.relpath(path.resolve(), experiment.folder.resolve())).as_posix())


def repeat(experiment: Experiment, words: Words) -> Section:
    """The commands, and the code and the data that the runs rest on."""
    name = experiment.folder.resolve().name
    blocks: list[Block] = [
        Paragraph(words.text("repeat_experiment")),
        Listing(f"vyvod experiment experiments/{name}/experiment.yaml", "sh"),
        Paragraph(words.text("repeat_report")),
        Listing(f"vyvod report experiments/{name} report.language={words.language}", "sh"),
    ]
    first = next((part.run.folder for part in experiment.listed if part.run.folder), None)
    if first:
        blocks += [Paragraph(words.text("repeat_single")), Listing(f"vyvod train {first}/settings.yaml", "sh")]
    facts = list(_rests_on(experiment, words))
    if facts:
        columns = [Column(words.say("col_quantity")), Column(words.say("col_value"))]
        rows = [[Cell((name,)), Cell(value)] for name, value in facts]
        blocks.append(Table(words.say("repeat_code"), columns, rows))
    return Section("repeat", words.say("section_repeat"), blocks)


def _rests_on(experiment: Experiment, words: Words) -> Iterator[tuple[str, Text]]:
    """Facts of the runs; where they differ, all values."""
    records = [run.record for run in experiment.runs.values()]
    commits = [record.git.commit + ("*" if record.git.dirty else "") for record in records if record.git]
    yield from _fact(words.say("repeat_commit"), commits)
    yield from _fact(words.say("cost_hardware"), [record.hardware.name or "" for record in records])
    for split in ("train", "val", "test"):
        parts = [record.data.splits.get(split) for record in records]
        yield from _fact(
            words.say("repeat_fingerprint", split=split), [part.fingerprint or "" for part in parts if part]
        )
    for name in ("vyvod", "torch", "python"):
        yield from _fact(name, [record.versions.get(name) or "" for record in records])


def _fact(name: str, values: list[str]) -> Iterator[tuple[str, Text]]:
    different = [value for value in dict.fromkeys(values) if value]
    if different:
        parts: list[Inline] = []
        for value in different:
            parts += [", "] if parts else []
            parts.append(Code(value))
        yield name, tuple(parts)
