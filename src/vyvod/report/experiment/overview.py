"""All experiments of a repository with their verdicts, their baselines, and the runs that belong to none."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vyvod.errors import RunError
from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Document,
    Inline,
    Note,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
)
from vyvod.report.experiment.page import task_name
from vyvod.report.experiment.phrases import arm_mean, badge, difference_of, judgement
from vyvod.report.experiment.reading import Experiment, find_run, read_experiment
from vyvod.report.experiment.records import IdeaRecord
from vyvod.report.reading import read_run
from vyvod.report.records import Run
from vyvod.report.settings import ReportSettings
from vyvod.report.text import UNKNOWN, Words


@dataclass(frozen=True, slots=True)
class Overview:
    """What a repository holds."""

    folder: Path
    """Where the page will lie."""
    experiments: tuple[Experiment, ...]
    runs: tuple[Run, ...]
    """That belong to no experiment."""
    lost: tuple[tuple[str, str], ...]
    """(folder, why it could not be read)."""


def place_of(root: Path) -> Path:
    """The folder for the page of a repository: never its root, whose README.md is the person's.

    Raises:
        RunError: there are neither experiments nor runs.
    """
    for name in ("experiments", "runs"):
        if (root / name).is_dir():
            return root / name
    raise RunError(
        f"{root} holds neither runs/ nor experiments/. Give a run folder, the folder of an experiment, or the folder in which "
        "`vyvod train` or `vyvod experiment` was started."
    )


def read_overview(root: Path) -> Overview:
    """All experiments and runs of a repository, by name; what cannot be read is named and left out.

    Raises:
        RunError: there are neither experiments nor runs.
    """
    place, lost = place_of(root), []
    experiments: list[Experiment] = []
    for folder in _folders(root / "experiments", "record.json"):
        try:
            experiments.append(read_experiment(folder))
        except RunError as error:
            lost.append((f"experiments/{folder.name}", str(error)))
    taken = {path.resolve() for path in _used(experiments)}
    runs: list[Run] = []
    for folder in _folders(root / "runs", "run.json"):
        try:
            runs += [] if folder.resolve() in taken else [read_run(folder, rows=False)]
        except RunError as error:
            lost.append((f"runs/{folder.name}", str(error)))
    return Overview(place, tuple(experiments), tuple(runs), tuple(lost))


def _folders(parent: Path, needed: str) -> list[Path]:
    return sorted(path.parent for path in parent.glob(f"*/{needed}"))


def _used(experiments: Iterable[Experiment]) -> Iterable[Path]:
    for experiment in experiments:
        for part in experiment.listed:
            path = find_run(experiment.folder, part.run.folder) if part.run.folder else None
            if path:
                yield path


def document(overview: Overview, settings: ReportSettings) -> Document:
    """The page of a repository."""
    words = Words(settings.language)
    counts = {
        "experiments": words.count(len(overview.experiments), "experiment"),
        "runs": words.count(len(overview.runs) + sum(len(part.listed) for part in overview.experiments), "run"),
    }
    start = words.say("byline_author", author=settings.author) if settings.author else ""
    lead: list[Block] = [Paragraph(words.text("overview_lead"))]
    if not overview.experiments:
        lead = [Paragraph(words.text("overview_none", command=Code("vyvod experiment my_experiment.yaml")))]
    lead += [Note(words.text("overview_lost", name=name, reason=reason), "warning") for name, reason in overview.lost]
    sections = [part for part in (_ideas(overview, words), _baselines(overview, words), _runs(overview, words)) if part]
    title = settings.title or words.say("overview_title")
    byline = start + words.say("overview_byline", **counts)
    return Document(settings.language, title, byline, lead, sections, words.say("overview_footer"))


def _ideas(overview: Overview, words: Words) -> Section | None:
    rows = [row for experiment in overview.experiments for row in _idea_rows(overview, experiment, words)]
    titles = ("col_experiment", "col_idea", "col_verdict", "col_metric", "baseline", "idea_mean", "col_difference")
    numeric = ("baseline", "idea_mean", "col_difference")
    columns = [Column(words.say(title), numeric=title in numeric) for title in titles]
    table = Table(words.say("table_overview_ideas"), columns, rows)
    return Section("ideas", words.say("overview_ideas"), [table]) if rows else None


def _idea_rows(overview: Overview, experiment: Experiment, words: Words) -> Iterable[list[Cell]]:
    registered = experiment.record.registered
    name, metric = _link(overview, experiment.folder), words.metric(experiment.metric)
    if not experiment.ideas:
        for idea in registered.changes:
            dash = Cell((UNKNOWN,))
            yield [
                Cell(name),
                Cell((Code(idea),)),
                Cell((badge("none", words),)),
                Cell((metric,)),
                *[dash] * 3,
            ]
    for known in experiment.ideas:
        base = experiment.results.baseline if experiment.results else known
        yield [
            Cell(name),
            Cell((Code(known.name),)),
            Cell((badge(judgement(known), words),)),
            Cell((metric,)),
            Cell((_with_n(arm_mean(base).number(words), base.n),)),
            Cell((_with_n(arm_mean(known).number(words), known.n),)),
            Cell((_difference(known, words),)),
        ]


def _with_n(text: str, runs: int) -> str:
    return f"{text} (n\u00a0=\u00a0{runs})"


def _difference(idea: IdeaRecord, words: Words) -> str:
    return difference_of(idea.comparison).full(words, sign=True) if idea.comparison else UNKNOWN


def _link(overview: Overview, folder: Path) -> Text:
    if not (folder / "report.html").is_file():
        return (folder.name,)
    path = Path(os.path.relpath(folder.resolve(), overview.folder.resolve())).as_posix()
    return (Page(folder.name, path),)


def _baselines(overview: Overview, words: Words) -> Section | None:
    rows: list[list[Cell]] = []
    for runs, experiments in _by_baseline(overview.experiments).items():
        results = experiments[0].results
        if results is None:
            continue
        names: list[Inline] = []
        for experiment in experiments:
            names += [", "] if names else []
            names += _link(overview, experiment.folder)
        sample = next((experiments[0].runs[run] for run in runs if run in experiments[0].runs), None)
        rows.append(
            [
                Cell(tuple(names)),
                Cell((task_name(results.task, words),)),
                Cell((sample.record.model.name if sample else UNKNOWN,)),
                Cell((sample.data_title if sample else UNKNOWN,)),
                Cell((words.metric(results.metric),)),
                Cell((_with_n(arm_mean(results.baseline).full(words), results.baseline.n),)),
            ]
        )
    titles = ("col_experiment", "col_task", "col_model", "col_data", "col_metric", "col_mean")
    columns = [Column(words.say(title), numeric=title == "col_mean") for title in titles]
    table = Table(words.say("table_overview_baselines"), columns, rows)
    return Section("baselines", words.say("overview_baselines"), [table]) if rows else None


def _by_baseline(experiments: Iterable[Experiment]) -> dict[tuple[str, ...], list[Experiment]]:
    """Experiments that share the runs and the metric of their baseline."""
    groups: dict[tuple[str, ...], list[Experiment]] = {}
    for experiment in experiments:
        if experiment.results:
            folders = sorted(str(run.folder) for run in experiment.results.baseline.runs)
            groups.setdefault((*folders, experiment.metric), []).append(experiment)
    return groups


def _runs(overview: Overview, words: Words) -> Section | None:
    titles = ("col_run", "col_task", "col_data", "col_model", "col_status", "col_metric", "split_val", "split_test")
    numeric = ("split_val", "split_test")
    columns = [Column(words.say(title), numeric=title in numeric) for title in titles]
    rows = [_run_row(overview, run, words) for run in overview.runs]
    table = Table(words.say("table_overview_runs"), columns, rows, sortable=True)
    return Section("runs", words.say("overview_runs"), [table]) if rows else None


def _run_row(overview: Overview, run: Run, words: Words) -> list[Cell]:
    record = run.record
    values = [
        run.scores[split].overall.get(record.headline) if split in run.scores else None for split in ("val", "test")
    ]
    return [
        Cell(_link(overview, run.folder)),
        Cell((task_name(record.task, words),)),
        Cell((run.data_title,)),
        Cell((record.model.name,)),
        Cell((words.say(f"status_{record.status}"),)),
        Cell((words.metric(record.headline),)),
        *(Cell((words.number(value, 3),), float("nan") if value is None else value) for value in values),
    ]
