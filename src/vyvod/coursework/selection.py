"""Which runs and experiments a homework is about."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from vyvod import catalog
from vyvod.coursework.records import Coursework, name_of
from vyvod.errors import RunError, UserError
from vyvod.files import read_json
from vyvod.report.experiment.reading import Experiment, find_run, read_experiment
from vyvod.report.reading import read_run
from vyvod.report.records import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """What a homework shows. All folders are resolved, so that each has its own name."""

    main: Run
    """Its training results are those of the homework."""
    why: Literal["only", "best", "baseline"]
    """The only run; the best one on val; the first of the baseline of the first experiment."""
    runs: tuple[Run, ...]
    """Finished runs that belong to no experiment; the main one among them, unless it is one of a baseline."""
    experiments: tuple[Experiment, ...]
    notes: tuple[str, ...]
    """What could not be read and is left out, in sentences."""

    @property
    def folders(self) -> dict[str, Path]:
        """Name in ``results/`` -> run folder, of everything that was trained for this homework; the main one first."""
        found = {name_of(run.folder): run.folder for run in (self.main, *self.runs)}
        for experiment in self.experiments:
            found |= {name_of(path): path for path in _of_experiment(experiment)}
        return found


def choose(
    top: Path, coursework: Coursework, *, runs: Sequence[str], experiments: Sequence[str], taken: Collection[str]
) -> Selection:
    """The named runs and experiments; where none are named, all finished ones that no other homework has.

    Args:
        top: folder of the repository.
        coursework: what it is about.
        runs: names in ``runs/``, or folders.
        experiments: names in ``experiments/``, or folders.
        taken: names of the runs and experiments of other homeworks.

    Raises:
        UserError: there is no such run or experiment, it is not finished, nothing at all is, or two would be stored in one place.
    """
    notes: list[str] = []
    named = bool(runs or experiments)
    folders = [_find(top, name, "experiments", "record.json") for name in experiments]
    folders += [] if named else _free(top / "experiments", "results.json", taken)
    shown = list(_readable_experiments(folders, notes, strict=named))
    members = {path.resolve() for path in _members(top)}
    places = [_find(top, name, "runs", "run.json") for name in runs]
    places += [] if named else [path for path in _free(top / "runs", "run.json", taken) if path not in members]
    alone = list(_finished(places, notes, strict=named))
    main, why = _main(alone, shown, coursework, named=bool(runs))
    _check_names([main.folder, *(run.folder for run in alone)], shown)
    return Selection(main, why, tuple(alone), tuple(shown), tuple(notes))


def _check_names(runs: Sequence[Path], experiments: Sequence[Experiment]) -> None:
    """Raise where two folders would have one name in ``results/``, also where capitals do not count."""
    trained = [path for experiment in experiments for path in _of_experiment(experiment)]
    known: dict[str, Path] = {}
    for folder in (*runs, *(experiment.folder for experiment in experiments), *trained):
        first = known.setdefault(name_of(folder).casefold(), folder)
        if first != folder:
            raise RunError(
                f"{first} and {folder} would both be stored as {name_of(folder)}. Rename one of the two folders, one that "
                "belongs to no experiment, or name those that this homework is about with --run and --experiment."
            )


def _find(top: Path, name: str, kind: str, needed: str) -> Path:
    path = next((path for path in (top / kind / name, Path(name)) if (path / needed).is_file()), None)
    if path is None:
        near = catalog.nearest(Path(name).name, [found.parent.name for found in (top / kind).glob(f"*/{needed}")])
        raise RunError(f"There is no {kind.removesuffix('s')} '{name}' in {top / kind}.{near}")
    return path.resolve()


def _free(parent: Path, needed: str, taken: Collection[str]) -> list[Path]:
    found = {path.parent.resolve() for path in parent.glob(f"*/{needed}")}
    return sorted(path for path in found if name_of(path) not in taken)


def _members(top: Path) -> Iterator[Path]:
    """Run folders that belong to any experiment: they are shown through it, also those that it begins from."""
    for path in (top / "experiments").glob("*/record.json"):
        try:
            record = read_json(path)
            arms = [*record.get("arms", ()), *record.get("before", ())]
            entries = [run for arm in arms for run in arm.get("runs", ())]
            names = [str(entry["folder"]) for entry in entries if entry.get("folder")]
        except (UserError, AttributeError, TypeError, KeyError):
            continue  # told where the experiment itself is read
        yield from (found for name in names if (found := find_run(path.parent, name)))


def _of_experiment(experiment: Experiment) -> Iterator[Path]:
    for part in experiment.listed:
        path = find_run(experiment.folder, part.run.folder) if part.run.folder else None
        if path is not None and part.run.status == "finished":
            yield path.resolve()


def _readable_experiments(folders: Sequence[Path], notes: list[str], *, strict: bool) -> Iterator[Experiment]:
    for experiment in _readable(folders, read_experiment, notes, strict=strict):
        if experiment.results is None:
            raise RunError(f"{experiment.folder} has no results yet. {_again(experiment.folder)}")
        yield experiment


def _again(folder: Path) -> str:
    """How an experiment goes on; its own copy of the file lies where no path in it leads anywhere."""
    command = " ".join(str(read_json(folder / "record.json").get("command") or "").split())
    if command:
        return f"Start it again with the command that it was begun with: {command}"
    return "Start it again with the file that it was begun with: vyvod experiment FILE"


def _finished(folders: Sequence[Path], notes: list[str], *, strict: bool) -> Iterator[Run]:
    for run in _readable(folders, read_run, notes, strict=strict):
        if run.record.status == "finished" and run.scores:
            yield run
        elif strict:
            raise RunError(
                f"{run.folder} is not finished ({run.record.status}). Go on with it: vyvod train --resume {run.folder}"
            )
        elif run.record.status != "running":
            notes.append(f"Left out: {run.folder.name} is not finished ({run.record.status}).")


def _readable(folders: Sequence[Path], read: Callable[[Path], T], notes: list[str], *, strict: bool) -> Iterator[T]:
    """Those that can be read; the others are noted, or refused where the person has named them."""
    for folder in folders:
        try:
            found = read(folder)
        except RunError as error:
            if strict:
                raise
            notes.append(f"Left out: {error}")
        else:
            yield found


def _main(
    alone: Sequence[Run], experiments: Sequence[Experiment], coursework: Coursework, *, named: bool
) -> tuple[Run, Literal["only", "best", "baseline"]]:
    fitting = [run for run in alone if run.record.task == coursework.task]
    if not fitting and named:
        raise RunError(
            f"None of the named runs is of the task {coursework.task}, which this coursework is about: name one with --run."
        )
    # Values on other images say nothing about which network is better.
    alike = [run for run in fitting if run.record.data.name == coursework.data] or fitting
    if alike:
        return max(alike, key=_on_val), "only" if len(alike) == 1 else "best"
    for experiment in experiments:
        baseline = experiment.of_arm(experiment.results.baseline) if experiment.results else []
        if baseline and baseline[0].record.task == coursework.task:
            return read_run(baseline[0].folder.resolve()), "baseline"
    raise RunError(
        "There is no finished run that no other homework has already. Train one: vyvod train baseline.yaml; or name one of "
        "those that there are: --run NAME"
    )


def _on_val(run: Run) -> float:
    value = run.scores["val"].overall.get(run.record.headline) if "val" in run.scores else None
    return -math.inf if value is None else value
