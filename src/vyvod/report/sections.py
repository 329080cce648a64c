"""The report as sections, from the headline to the history. What depends on the task comes from the task's own folder."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import yaml

from vyvod.report.contract import TaskReport
from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Document,
    Inline,
    Link,
    Listing,
    Note,
    Paragraph,
    Picture,
    Pictures,
    Points,
    Section,
    Strong,
    Table,
    Text,
    Tiles,
)
from vyvod.report.figures import Series, curves, steps
from vyvod.report.records import SPLITS, AuditRecord, Floats, OriginRecord, Run, SplitRecord
from vyvod.report.settings import ReportSettings
from vyvod.report.tasks import report_of
from vyvod.report.text import UNKNOWN, Words

_LINES: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("blue", ()),
    ("green", (6, 2)),
    ("purple", (2, 2)),
    ("muted", (6, 2, 1, 2)),
    ("orange", (1, 1.6)),
)
_PARTS = (*_LINES[1:4], ("ink", (1, 1.6)), ("green", (1, 1.6)), ("purple", (9, 3)))
"""Of the loss: its own lines are orange and blue."""


def document(run: Run, settings: ReportSettings) -> Document:
    """The whole report of a run.

    Raises:
        RunError: there are no reports for this task.
    """
    words, task = Words(settings.language), report_of(run.record.task, run.folder)
    sections = [
        _task(run, words, task),
        _data(run, words, task),
        *_training(run, words, task),
        _examples(run, words, task, count=settings.examples),
        *_scores(run, words, task),
        _cost(run, words, task),
        _repeat(run, words),
        *_settings(run, words),
        *_history(run, words),
    ]
    title = settings.title or words.say("title", model=run.record.model.name, data=run.data_title)
    version = run.record.versions.get("vyvod") or ""
    footer = " ".join(words.say("footer", version=version).split())
    byline, lead = _byline(run, words, settings.author), _lead(run, words, task)
    return Document(settings.language, title, byline, lead, sections, footer)


def _own(key: str, task: TaskReport) -> str:
    """The task's own sentence in place of a usual one."""
    return task.SENTENCES.get(key, key)


def _short_path(run: Run) -> str:
    """The run folder as one types it, without the folders of this machine."""
    return f"runs/{run.folder.resolve().name}"


def _byline(run: Run, words: Words, author: str | None) -> str:
    record = run.record
    start = words.say("byline_author", author=author) if author else ""
    seed = words.say("byline_seed", seed=record.seed) if record.seed is not None else ""
    return start + words.say("byline_run", run=record.name, date=words.date(record.ended or record.started)) + seed


def _lead(run: Run, words: Words, task: TaskReport) -> list[Block]:
    return [Paragraph(_headline(run, words, task)), *_notes(run, words), _tiles(run, words, task)]


def _headline(run: Run, words: Words, task: TaskReport) -> Text:
    if run.final_split is None:
        return words.text("headline_none", model=Code(run.record.model.name), data=run.data_title)
    return task.headline(run, words, run.final_split)


def _notes(run: Run, words: Words) -> list[Block]:
    record = run.record
    notes: list[Block] = []
    if record.status != "finished":
        again = Code(f"vyvod train --resume {_short_path(run)}")
        notes.append(Note(words.text(f"note_{record.status}", command=again), "warning"))
    if record.error:
        notes.append(Note(words.text("note_error", error=record.error), "warning"))
    if run.final_split == "val":
        notes.append(Note(words.text("note_no_test"), "warning"))
    if not run.curves and run.final_split:
        notes.append(Note(words.text("note_untrained")))
    if run.lost_examples:
        files = words.count(run.lost_examples, "file")
        notes.append(Note(words.text("note_lost_examples", files=files), "warning"))
    return notes


def _tiles(run: Run, words: Words, task: TaskReport) -> Tiles:
    record, split = run.record, run.final_split
    tiles = []
    if split:
        for metric in dict.fromkeys((record.headline, *task.TILES)):
            label = words.say("tile_score", metric=words.curve(metric), split=words.say(f"split_{split}"))
            tiles.append((words.number(run.scores[split].overall.get(metric), 3), label))
    if record.best_epoch is not None and run.curves:
        tiles.append((str(record.best_epoch), words.say("tile_epoch", epochs=len(run.curves["epoch"]))))
    if record.timings.training_seconds:
        tiles.append((words.duration(record.timings.training_seconds), words.say("tile_time")))
    if record.model.parameters is not None:
        tiles.append((words.large(record.model.parameters), words.say("tile_parameters")))
    return Tiles(tiles)


def _task(run: Run, words: Words, task: TaskReport) -> Section:
    metric = Strong(words.metric(run.record.headline))
    blocks: list[Block] = [Paragraph(text) for text in (*task.brief(run, words), _model(run, words)) if text]
    blocks.append(Paragraph(words.text("task_headline", metric=metric)))
    return Section("task", words.say("section_task"), blocks)


def _model(run: Run, words: Words) -> Text:
    model = run.record.model
    name = words.text("task_model", model=Code(model.name))
    # The first line of the architecture's file is English: a Russian page does without it.
    described = model.title is not None and words.language == "en"
    title = words.text("task_model_title", title=(model.title or "").rstrip(".")) if described else ()
    if model.weights is None:
        return (*name, *title, *words.text("task_scratch"))
    loaded = words.count(model.weights.loaded, "tensor")
    facts: dict[str, Inline] = {"source": Code(model.weights.source), "loaded": loaded}
    if not model.weights.not_loaded:
        return (*name, *title, *words.text("task_weights_all", **facts))
    facts["missing"] = words.count(len(model.weights.not_loaded), "tensor")
    return (*name, *title, *words.text("task_weights", **facts, names=_listed(model.weights.not_loaded, words)))


def _data(run: Run, words: Words, task: TaskReport) -> Section:
    data = run.record.data
    title: Inline = Link(run.data_title, data.homepage) if data.homepage else Strong(run.data_title)
    blocks: list[Block] = [
        Paragraph(words.text("data_facts", title=title, licence=words.note(data.licence or UNKNOWN)))
    ]
    if data.citation:
        blocks.append(Paragraph(words.text("data_citation", citation=data.citation)))
    blocks += [_split_table(run, words, task), *task.balance(run, words), *_audit(run, words)]
    if data.notes:
        blocks += [Paragraph(words.text("data_notes")), Points([(words.note(note),) for note in data.notes])]
    if data.skipped:
        names = _listed(data.skipped, words)
        files = words.count(len(data.skipped), "file")
        blocks.append(Note(words.text("skipped", files=files, names=names), "warning"))
    return Section("data", words.say("section_data"), blocks)


def _listed(names: Sequence[str], words: Words) -> str:
    if len(names) <= 5:
        return ", ".join(names)
    return words.say("more", names=", ".join(names[:5]), count=words.integer(len(names) - 5))


def _split_table(run: Run, words: Words, task: TaskReport) -> Table:
    rows, titles, limit = [], [], _limit(run)
    for split in SPLITS:
        record = run.record.data.splits.get(split)
        if record is None:
            continue
        sizes = task.split_sizes(record, words)
        titles = list(sizes)
        numbers = [Cell((size,)) for size in sizes.values()]
        rows.append(
            [
                Cell((words.say(f"long_split_{split}"),)),
                *numbers,
                Cell((_limited(_origin(record.origin, words, task), record, limit, words),)),
            ]
        )
    columns = [Column(words.say("col_split")), *(Column(title, numeric=True) for title in titles)]
    return Table(words.say("table_splits"), [*columns, Column(words.say("col_origin"))], rows)


def _origin(origin: OriginRecord | None, words: Words, task: TaskReport) -> str:
    if origin is None:
        return UNKNOWN
    source = words.say("origin_all") if origin.source == "all" else words.quoted(origin.source)
    if not origin.carved:
        return source if origin.source == "all" else words.say("origin_official", source=source)
    share = words.percent(origin.share, 0 if round(100 * origin.share, 6).is_integer() else 1)
    if origin.seed is None:
        return words.say("origin_fixed", source=source, share=share)
    return words.say(_own("origin_carved", task), source=source, share=share, seed=origin.seed)


def _limit(run: Run) -> int | None:
    """``data.limit`` of the settings; None where none is set, or where the settings are no longer what a run writes."""
    try:
        limit = yaml.safe_load(run.settings)["data"]["limit"]
    except (yaml.YAMLError, LookupError, TypeError, ValueError):
        return None
    return limit if isinstance(limit, int) else None


def _limited(origin: str, record: SplitRecord, limit: int | None, words: Words) -> str:
    """Where a split comes from, and that it is only a part of that; a split smaller than the limit is whole."""
    if limit is None or record.images < limit:
        return origin
    return words.say("origin_limited", origin=origin, images=words.count(limit, "image_of"))


def _audit(run: Run, words: Words) -> list[Block]:
    audit = run.record.data.audit
    if audit is None:
        return [Paragraph(words.text("audit_none", command=Code(f"vyvod data check data={run.record.data.name}")))]
    found = [f"{label}: {words.integer(number)}" for label, number in _findings(audit, words) if number]
    leaks = sum(pair.exact + pair.near for pair in audit.duplicates if pair.splits[0] != pair.splits[1])
    if not found:
        checks = ["unreadable", "odd_formats", "exact", *(["near"] if audit.near_checked else [])]
        return [Paragraph(words.text("audit_clean", checks=", ".join(words.finding(name) for name in checks)))]
    text = words.text("audit_found", findings="; ".join(found))
    return [Note((*text, " ", *words.text("audit_leak")) if leaks else text, "warning" if leaks else "info")]


def _findings(audit: AuditRecord, words: Words) -> Iterator[tuple[str, int]]:
    yield words.finding("unreadable"), len(audit.unreadable)
    for pair in sorted(audit.duplicates, key=lambda pair: pair.splits[0] == pair.splits[1]):
        first, second = pair.splits
        inside = words.say("audit_within", split=first)
        place = inside if first == second else words.say("audit_across", first=first, second=second)
        yield f"{words.finding('exact')} {place}", pair.exact
        yield f"{words.finding('near')} {place}", pair.near
    yield words.finding("label_conflicts"), sum(pair.label_conflicts for pair in audit.duplicates)
    yield words.finding("odd_formats"), len(audit.odd_formats)
    yield words.finding("exif_rotated"), audit.exif_rotated
    for mode, number in audit.modes.items():
        # Grey and colour are usual, unless they come mixed.
        yield words.say("audit_mode", mode=mode), number if mode not in ("L", "RGB") or _is_rarer(mode, audit) else 0


def _is_rarer(mode: str, audit: AuditRecord) -> bool:
    grey, colour = audit.modes.get("L", 0), audit.modes.get("RGB", 0)
    return bool(grey and colour) and mode == ("L" if grey <= colour else "RGB")


def _training(run: Run, words: Words, task: TaskReport) -> list[Section]:
    if not run.curves:
        return []
    pictures = [
        picture for picture in (_loss(run, words, task), _metrics(run, words, task), _rate(run, words)) if picture
    ]
    blocks: list[Block] = [Paragraph(_epochs(run, words)), Paragraph(_reading(run, words, task))]
    blocks += [Paragraph(words.text("one_epoch"))] if len(run.curves["epoch"]) == 1 else []
    blocks.append(Pictures(pictures))
    return [Section("training", words.say("section_training"), [block for block in blocks if block != Paragraph(())])]


def _examples(run: Run, words: Words, task: TaskReport, *, count: int) -> Section:
    blocks = task.examples(run, words, count) if run.examples else [Paragraph(words.text("no_examples"))]
    return Section("examples", words.say("section_examples"), blocks)


def _epochs(run: Run, words: Words) -> Text:
    epochs, best, metric = run.curves["epoch"], run.record.best_epoch, run.record.headline
    values = run.curves.get(f"val_{metric}")
    if best is None or values is None or best not in epochs:
        return ()
    seconds = run.record.timings.training_seconds or float(np.nansum(run.curves.get("seconds", np.zeros(1))))
    sentence = words.text(
        "epochs_done",
        epochs=words.count(len(epochs), "epoch"),
        time=words.duration(seconds),
        metric=words.metric(metric),
        best=Strong(str(best)),
        value=words.number(float(values[epochs == best][-1])),
    )
    last = len(epochs) > 1 and best == epochs[-1]
    return (*sentence, " ", *words.text("epochs_last")) if last else sentence


def _reading(run: Run, words: Words, task: TaskReport) -> Text:
    """What the loss curves say, in a sentence: where they ended, or that the network overfits."""
    train, val = run.curves.get("train_loss"), run.curves.get("val_loss")
    if train is None or val is None or not np.isfinite(val).any() or not math.isfinite(train[-1]):
        return ()
    low, last = float(np.nanmin(val)), float(val[-1])
    if len(val) > 2 and last > 1.1 * low and train[-1] < train[int(np.nanargmin(val))]:
        epoch = str(int(run.curves["epoch"][int(np.nanargmin(val))]))
        numbers = {
            "low": words.number(low, 3),
            "last": words.number(last, 3),
            "train": words.number(float(train[-1]), 3),
        }
        return words.text(_own("overfit", task), epoch=epoch, **numbers)
    return words.text(_own("loss_end", task), train=words.number(float(train[-1]), 3), val=words.number(last, 3))


def _loss(run: Run, words: Words, task: TaskReport) -> Picture | None:
    series = [
        Series(words.say(f"split_{split}"), run.curves[f"{split}_loss"], colour, dashes)
        for split, colour, dashes in (("train", "orange", (5, 2)), ("val", "blue", ()))
        if np.isfinite(run.curves.get(f"{split}_loss", np.zeros(0))).any()
    ]
    parts = _loss_parts(run, words)
    caption = words.say(_own("cap_loss", task)) + (f" {words.say('cap_loss_parts')}" if parts else "")
    return _curve_picture("loss", [*parts, *series], run, words, caption=caption)


def _loss_parts(run: Run, words: Words) -> list[Series]:
    """The parts of the train loss that are not always 0; none where there is only one, which would lie on the whole."""
    start = "train_loss/"
    names = [name for name, values in run.curves.items() if name.startswith(start) and np.nan_to_num(values).any()]
    if len(names) < 2:
        return []
    return [
        Series(words.loss_part(name.removeprefix(start)), run.curves[name], colour, dashes, thin=True)
        for name, (colour, dashes) in zip(names, _PARTS, strict=False)
    ]


def _metrics(run: Run, words: Words, task: TaskReport) -> Picture | None:
    names = dict.fromkeys((run.record.headline, *task.CURVES))
    drawn = [name for name in names if np.isfinite(run.curves.get(f"val_{name}", np.zeros(0))).any()]
    series = [
        Series(words.curve(name), run.curves[f"val_{name}"], colour, dashes, thin=name != run.record.headline)
        for name, (colour, dashes) in zip(drawn, _LINES, strict=False)
    ]
    return _curve_picture("metrics", series[::-1], run, words, caption=words.say(_own("cap_metrics", task)))


def _curve_picture(name: str, series: Sequence[Series], run: Run, words: Words, *, caption: str) -> Picture | None:
    if not series:
        return None
    title = words.say(f"fig_{name}")
    figure = curves(title, run.curves["epoch"], series, best=run.record.best_epoch, words=words)
    return Picture(name, figure, f"{title}. {_ends(series, words)}", caption)


def _ends(series: Sequence[Series], words: Words) -> str:
    """For the alternative text: where each line begins and ends."""
    parts = []
    for line in series[::-1]:
        seen: Floats = line.values[np.isfinite(line.values)]
        first, last = (words.number(float(seen[place]), 3) for place in (0, -1))
        parts.append(words.say("alt_curve", name=line.label, first=first, last=last))
    return "; ".join(parts)


def _rate(run: Run, words: Words) -> Picture | None:
    values = run.curves.get("learning_rate")
    if values is None or not np.isfinite(values).any() or len(values) < 2:
        return None
    title = words.say("fig_learning_rate")
    figure = steps(title, run.curves["epoch"], values, words=words)
    return Picture("learning_rate", figure, title, words.say("cap_learning_rate"))


def _scores(run: Run, words: Words, task: TaskReport) -> list[Section]:
    split = run.final_split
    if split is None:
        return []
    remark = task.remark(run, words, split)
    blocks: list[Block] = [_overall_table(run, words, task), *([Paragraph(remark)] if remark else [])]
    return [Section("scores", words.say("section_scores"), blocks), *task.sections(run, words, split)]


def _overall_table(run: Run, words: Words, task: TaskReport) -> Table:
    splits = [split for split in ("val", "test") if split in run.scores]
    headline = run.record.headline
    names = dict.fromkeys((headline, *(name for split in splits for name in run.scores[split].overall)))
    explained = [Column(words.say("col_definition"))] if task.DEFINITIONS else []
    rows = []
    for name in names:
        numbers = [words.number(run.scores[split].overall.get(name)) for split in splits]
        emphasised = [Strong(number) if name == headline else number for number in numbers]
        definition = [Cell((_definition(run, words, task, metric=name),)) for _ in explained]
        rows.append([Cell((_scored(run, words, task, metric=name),)), *(Cell((n,)) for n in emphasised), *definition])
    columns = [
        Column(words.say("col_metric")),
        *(Column(words.say(f"split_{split}"), numeric=True) for split in splits),
    ]
    return Table(words.say("table_overall"), [*columns, *explained], rows)


def _definition(run: Run, words: Words, task: TaskReport, *, metric: str) -> str:
    if metric not in task.DEFINITIONS:
        return ""
    return words.say(task.DEFINITIONS[metric], **task.facts(run, words))


def _scored(run: Run, words: Words, task: TaskReport, *, metric: str) -> Inline:
    name = words.metric(metric)
    if metric in task.LOWER_IS_BETTER:
        return words.say("lower_better", metric=name)
    return Strong(name) if metric == run.record.headline else name


def _facts(caption: str, facts: Sequence[tuple[str, Text]], words: Words) -> Table:
    columns = [Column(words.say("col_quantity")), Column(words.say("col_value"))]
    return Table(caption, columns, [[Cell((name,)), Cell(value)] for name, value in facts if value != (UNKNOWN,)])


def _cost(run: Run, words: Words, task: TaskReport) -> Section:
    model, timings, hardware = run.record.model, run.record.timings, run.record.hardware
    facts = {
        "parameters": words.integer(model.parameters),
        "trainable": words.integer(model.trainable),
        "macs": words.large(model.macs),
        "training": words.duration(timings.training_seconds),
        "epoch": words.duration(timings.seconds_per_epoch),
        "rate": words.integer(timings.images_per_second),
        "evaluation": words.duration(timings.evaluation_seconds),
        "memory": words.memory(timings.peak_memory_bytes),
        "hardware": _hardware(run, words),
        "precision": hardware.precision or UNKNOWN,
    }
    rows = [(words.say(_own(f"cost_{name}", task)), (value,)) for name, value in facts.items()]
    return Section("cost", words.say("section_cost"), [_facts(words.say("table_cost"), rows, words)])


def _hardware(run: Run, words: Words) -> str:
    hardware = run.record.hardware
    parts = [
        hardware.name or "",
        words.count(hardware.devices, "device") + f" ({hardware.device})" if hardware.device else "",
        words.count(hardware.cores, "core") if hardware.cores else "",
        words.memory(hardware.memory_bytes) if hardware.memory_bytes else "",
    ]
    return ", ".join(part for part in parts if part) or UNKNOWN


def _repeat(run: Run, words: Words) -> Section:
    record = run.record
    blocks: list[Block] = []
    if record.command:
        blocks += [Paragraph(words.text("repeat_command")), Listing(record.command, "sh")]
    if run.settings:
        blocks += [
            Paragraph(words.text("repeat_again")),
            Listing(f"vyvod train {_short_path(run)}/settings.yaml", "sh"),
        ]
    blocks.append(_facts(words.say("repeat_facts"), _rests_on(run, words), words))
    if record.git and record.git.dirty:
        blocks.append(Note(words.text("repeat_dirty"), "warning"))
    if (run.folder / "requirements.txt").is_file():
        blocks.append(Paragraph(words.text("repeat_requirements", file=Code("requirements.txt"))))
    return Section("repeat", words.say("section_repeat"), blocks)


def _rests_on(run: Run, words: Words) -> list[tuple[str, Text]]:
    record = run.record
    facts: list[tuple[str, Text]] = [
        (words.say("repeat_seed"), (UNKNOWN if record.seed is None else str(record.seed),))
    ]
    if record.git:
        commit = Code(record.git.commit)
        text = words.text("commit_dirty", commit=commit) if record.git.dirty else (commit,)
        facts.append((words.say("repeat_commit"), text))
    facts += [(words.say(f"repeat_{name}"), (words.moment(getattr(record, name)),)) for name in ("started", "ended")]
    for split, part in record.data.splits.items():
        if part.fingerprint:
            facts.append((words.say("repeat_fingerprint", split=split), (Code(part.fingerprint),)))
    return facts + [(name, (Code(version),)) for name, version in record.versions.items() if version]


def _settings(run: Run, words: Words) -> list[Section]:
    if not run.settings:
        return []
    lead = Paragraph(words.text("settings_lead", file=Code("settings.yaml")))
    listing = Listing(run.settings.rstrip("\n"), "yaml", words.say("settings_fold"))
    return [Section("settings", words.say("section_settings"), [lead, listing])]


def _history(run: Run, words: Words) -> list[Section]:
    events = run.record.history
    if not events:
        return []
    rows = [
        [
            Cell((words.event(event.event),)),
            Cell((words.moment(event.time),)),
            Cell((UNKNOWN if event.epoch is None else str(event.epoch),)),
        ]
        for event in events
    ]
    columns = [Column(words.say(name), numeric=name == "col_epoch") for name in ("col_event", "col_time", "col_epoch")]
    return [Section("history", words.say("section_history"), [Table(words.say("table_history"), columns, rows)])]
