"""The file of an experiment: baseline, goal, idea and changes, checked as a whole before anything is trained."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from vyvod import catalog
from vyvod.errors import RunError, SettingsError, UserError
from vyvod.experiment.assembly import task_name
from vyvod.experiment.deciding import deciding_metric
from vyvod.experiment.identity import canonical, differences
from vyvod.experiment.record import open_folder
from vyvod.experiment.settings import SHORT, Settings, check, with_changes
from vyvod.files import read_yaml
from vyvod.report.settings import ReportSettings
from vyvod.types import Record

BASELINE = "baseline"
BEFORE = "before/"
"""How a change names a run that is trained first: ``model.weights: before/autoencoder``."""
_REFUSED: Mapping[str, str] = {
    "seed": "all arms are trained with the seeds of `seeds:`",
    "name": "runs are named after experiment, arm and seed",
    "folder": "all runs lie in the folder that the baseline names",
    "tracking": "where numbers are sent changes none of them; set it in the baseline",
    "report": "how a report looks changes no number; set it in the baseline",
    "training.threads": "all runs of an experiment use the same number of threads, so that they differ in nothing but the idea",
}
"""Setting or group that no idea may change -> why."""
_SAME_IMAGES = ("data.workers", "data.cache", "data.audit", "data.download")
"""Settings of ``data`` that leave the images as they are."""

_NAME = r"\w[\w.+-]*"
"""Of experiments and ideas. Folders are called so: it cannot be the folder above, or look like an option."""


class GoalSettings(Record):
    """What the idea is to improve, and by how much at least."""

    metric: str | None = None
    """A metric of `vyvod list metrics`, of the test split; by default the task's headline metric."""
    direction: Literal["up", "down"] | None = None
    """Follows from the metric; state it to have it checked."""
    margin: float = Field(gt=0, allow_inf_nan=False)
    """The smallest difference that matters, in the metric's own unit (0.005 of F1). Chosen before the runs."""


class ExperimentSettings(Record):
    """An experiment file."""

    baseline: str | dict[str, Any]
    """A file of settings, relative to this file; a run folder; or the settings themselves."""
    goal: GoalSettings
    """What is to be improved."""
    idea: str = Field(min_length=1)
    """Why this should help, in a sentence or two; it opens the report."""
    changes: dict[str, dict[str, Any]] = Field(min_length=1)
    """Name of an idea -> what it changes: dotted settings and their values. `{grid: [18, 34]}` in place of a value makes an idea
    of each. Several ideas are corrected for being several (Holm)."""
    seeds: int | tuple[int, ...] = 5
    """How many runs each arm has (seeds 0, 1, ...), or a list of seeds. Below 3 there is no verdict."""
    target: Literal["baseline"] | float | None = None
    """Also compare how soon a value of the metric on val is reached: `baseline` (the mean of its best ones), or a number."""
    before: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    """Runs that are trained first, once, with seed 0: name -> settings, as for the baseline. `before/NAME` is their folder."""
    declared: tuple[Literal["data"], ...] = ()
    """Groups that the idea changes on purpose though the comparison is about the same images."""
    name: str | None = Field(None, pattern=rf"^{_NAME}$")
    """Of the experiment's folder; by default that of the file."""
    report: ReportSettings = ReportSettings()
    """Language, title and author of the report."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Runs that differ in the seed only."""

    name: str
    settings: Settings
    """Checked; seed, name and threads are set for each run."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Dotted key -> value, as the file has it, a grid replaced by one of its values."""

    @property
    def needs(self) -> str | None:
        """Name of the run that has to be trained before."""
        weights = self.settings.model.weights or ""
        return weights.removeprefix(BEFORE) if weights.startswith(BEFORE) else None

    def with_weights(self, folder: Path) -> Arm:
        """The arm, with the folder of the run before it in place of its name."""
        model = self.settings.model.model_copy(update={"weights": str(folder)})
        return replace(self, settings=self.settings.model_copy(update={"model": model}))


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment that can be run."""

    name: str
    file: Path
    task: str
    metric: str
    direction: Literal["up", "down"]
    margin: float
    idea: str
    seeds: tuple[int, ...]
    target: Literal["baseline"] | float | None
    baseline: Arm
    ideas: tuple[Arm, ...]
    before: tuple[Arm, ...]
    declared: tuple[str, ...]
    report: ReportSettings

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The baseline, then the ideas."""
        return (self.baseline, *self.ideas)


def read_plan(file: Path) -> Plan:
    """The experiment of a file.

    Raises:
        SettingsError: lists every problem at once.
    """
    known = _read(file)
    problems: list[str] = []
    reader = _Reader(file.parent, known.report, problems)
    before = [arm for name, source in known.before.items() if (arm := reader.arm(name, source, f"before.{name}"))]
    record = reader.record(known.baseline, "baseline")
    baseline = None if record is None else reader.checked(BASELINE, record, "baseline")
    ideas: list[Arm] = []
    for name, changes in _spread(known.changes, problems):
        refused = list(_refusals(name, changes, known.declared))
        problems.extend(refused)
        if record is not None and baseline is not None and (idea := reader.idea(name, record, changes)):
            ideas.append(idea)
            problems.extend([] if refused else _checked_against(baseline, idea))
    problems.extend(_seeds_problems(known.seeds))
    problems.extend(_before_problems(known, [arm for arm in (baseline, *ideas) if arm], complete=not problems))
    problems.extend(
        f"before.{arm.name} begins from another run before it; name a folder instead." for arm in before if arm.needs
    )
    problems.extend(
        f"Two ideas are named '{name}'." for name, n in Counter(idea.name for idea in ideas).items() if n > 1
    )
    goal = None if baseline is None else _goal(known.goal, baseline, problems)
    if problems or baseline is None or goal is None:
        raise _report(file, problems)
    task, metric, direction = goal
    seeds = tuple(range(known.seeds)) if isinstance(known.seeds, int) else known.seeds
    return Plan(
        known.name or _name_of(file), file, task, metric, direction, known.goal.margin,
        " ".join(known.idea.split()), seeds, known.target, baseline, tuple(ideas), tuple(before), known.declared, known.report,
    )  # fmt: skip


def _name_of(file: Path) -> str:
    return re.sub(r"[^\w.+-]+", "-", file.stem).lstrip(".+-") or "experiment"


def _read(file: Path) -> ExperimentSettings:
    try:
        return ExperimentSettings.model_validate(read_yaml(file))
    except ValidationError as error:
        raise _report(file, [_explain(problem) for problem in error.errors()]) from None


def _explain(problem: Mapping[str, Any]) -> str:
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        known = {"goal": GoalSettings.model_fields, "report": ReportSettings.model_fields}
        near = catalog.nearest(place[-1], known.get(place[0], ExperimentSettings.model_fields))
        return f"There is no '{key}' in an experiment file.{near}"
    if problem["type"] == "missing":
        return f"{key} is missing. {_MEANINGS.get(key, '')}".rstrip()
    message = problem["msg"].replace("Input should be", "expected").rstrip(".")
    return f"{key}={problem['input']!r}: {message[:1].lower() + message[1:]}."


_MEANINGS = {
    "baseline": "Name a file of settings: baseline: baseline.yaml.",
    "goal": "Say what is to be improved: goal: {metric: f1, margin: 0.005}.",
    "goal.margin": "Say what difference is the smallest that matters, before the runs: goal: {margin: 0.005}.",
    "idea": "Say in a sentence why this should help.",
    "changes": "Say what the idea changes: changes: {my-idea: {training.label_smoothing: 0.1}}.",
}


def _report(file: Path, problems: Iterable[str]) -> SettingsError:
    lines = list(dict.fromkeys(problems))
    if len(lines) == 1:
        return SettingsError(f"{file}: {lines[0]}")
    return SettingsError("\n".join([f"{len(lines)} problems in {file}:", *(f"  - {line}" for line in lines)]))


@dataclass(slots=True)
class _Reader:
    """Reads the settings of arms; what is wrong with them is noted, and the others are still read."""

    folder: Path
    report: ReportSettings
    problems: list[str]

    def arm(self, name: str, source: str | Mapping[str, Any], place: str) -> Arm | None:
        """The arm of a file or mapping; None where something is wrong."""
        record = self.record(source, place)
        return None if record is None else self.checked(name, record, place)

    def record(self, source: str | Mapping[str, Any], place: str) -> dict[str, Any] | None:
        """The nested mapping of a file or mapping; runs have the language of the experiment, unless theirs says otherwise."""
        report = self.report.model_dump(mode="json", include={"language", "author"})
        try:
            return {"report": report, **_source(self.folder, source)}
        except UserError as error:
            self._note(place, error)
            return None

    def checked(self, name: str, record: Mapping[str, Any], place: str) -> Arm | None:
        """The arm, if its settings make sense and belong to one task."""
        try:
            settings = check(record)
            task_name(settings)
        except UserError as error:
            self._note(place, error)
            return None
        return Arm(name, settings)

    def idea(self, name: str, record: Mapping[str, Any], changes: Mapping[str, Any]) -> Arm | None:
        """The baseline's mapping with changes: what the file leaves to the defaults follows the changed architecture."""
        place = f"changes.{name}"
        try:
            changed = with_changes(record, changes)
        except UserError as error:
            self._note(place, error)
            return None
        arm = self.checked(name, changed, place)
        return arm and replace(arm, changes=changes)

    def _note(self, place: str, error: UserError) -> None:
        lines = str(error).splitlines()
        texts = [line.removeprefix("  - ") for line in lines[1:]] or lines
        self.problems.extend(f"{place}: {text}" for text in texts)


def _source(folder: Path, source: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The nested mapping behind a file of settings, a run folder, or the settings themselves."""
    if not isinstance(source, str):
        return source
    path = next((path for path in (folder / source, Path(source)) if path.exists()), folder / source)
    if not path.is_dir():
        return read_yaml(path)
    if open_folder(path)["status"] != "finished":
        raise RunError(f"The run {path} is not finished. Go on with it first: vyvod train --resume {path}")
    return read_yaml(path / "settings.yaml")


def _spread(changes: Mapping[str, Mapping[str, Any]], problems: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and changes of each idea; a grid gives one for each of its values."""
    for name, asked in changes.items():
        grids = {key: value["grid"] for key, value in asked.items() if isinstance(value, Mapping) and "grid" in value}
        wrong = [key for key, values in grids.items() if not isinstance(values, list) or not values]
        if wrong:
            problems.append(f"changes.{name}.{wrong[0]}: expected a list of values, such as {{grid: [18, 34]}}.")
            continue
        for values in itertools.product(*grids.values()):
            yield "-".join([name, *map(_slug, values)]), {**asked, **dict(zip(grids, values, strict=True))}


def _slug(value: Any) -> str:
    """What of a value can stand in a name: words and numbers, which keep their sign."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "-".join(re.findall(r"(?<!\w)-\d[\w.+-]*|[\w.+]+", text))


def _refusals(name: str, changes: Mapping[str, Any], declared: Sequence[str]) -> Iterator[str]:
    if name == BASELINE or not re.fullmatch(_NAME, name):
        yield f"'{name}' cannot be the name of an idea; expected letters, digits and dashes, and not '{BASELINE}'."
    if not changes:
        yield f"changes.{name} changes nothing; name at least one setting, such as training.label_smoothing: 0.1."
    for key, value in changes.items():
        group = key.partition(".")[0]
        if reason := _REFUSED.get(key) or _REFUSED.get(group):
            yield f"changes.{name} changes {key}, which no idea can: {reason}."
        elif group == "data" and key not in _SAME_IMAGES and "data" not in declared:
            yield (
                f"changes.{name} changes {key}: then the arms would be trained or tested on other images, and a difference "
                "could come from the images as well as from the idea. If just that is the idea, declare it: declared: [data]"
            )
        elif key not in SHORT and _is_group(key):
            yield f"changes.{name}.{key} is a group of settings; write the setting itself, such as {key}.NAME: VALUE."
        elif key in SHORT and not isinstance(value, str):
            yield f"changes.{name}.{key}={value!r}: expected a name; for its settings write {key}.NAME: VALUE."


def _is_group(key: str) -> bool:
    known = Settings.model_fields.get(key)
    return known is not None and isinstance(known.annotation, type) and issubclass(known.annotation, BaseModel)


def _checked_against(baseline: Arm, idea: Arm) -> Iterator[str]:
    """What is wrong with an idea beside this baseline."""
    one, other = task_name(baseline.settings), task_name(idea.settings)
    if one != other:
        yield f"changes.{idea.name} is for {other}, but the baseline is for {one}; only runs of one task can be compared."
    elif idea.changes and not differences(canonical(baseline.settings), canonical(idea.settings)):
        changed = ", ".join(f"{key}={value}" for key, value in idea.changes.items())
        yield f"changes.{idea.name} changes nothing: {changed} is what the baseline has already, or changes no number."


def _seeds_problems(seeds: int | tuple[int, ...]) -> Iterator[str]:
    if isinstance(seeds, int):
        if seeds < 1:
            yield f"seeds={seeds}: at least one run an arm is needed, and three for a verdict."
        return
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        yield f"seeds={list(seeds)}: expected different whole numbers from 0 up, such as [0, 1, 2]."


def _before_problems(known: ExperimentSettings, arms: Sequence[Arm], *, complete: bool) -> Iterator[str]:
    used = {arm.needs for arm in arms if arm.needs}
    for name in known.before:
        if not re.fullmatch(_NAME, name):
            yield f"before: '{name}' cannot be a name, since a folder is called after it; expected letters, digits and dashes."
    for name in sorted(used - set(known.before)):
        near = catalog.nearest(name, known.before)
        yield f"{BEFORE}{name} names no run that is trained before.{near} There are {', '.join(known.before) or 'none'}."
    for name in sorted(set(known.before) - used) if complete else ():
        yield f"before.{name} is used by no arm; name it in a change, such as model.weights: {BEFORE}{name}."


def _goal(goal: GoalSettings, baseline: Arm, problems: list[str]) -> tuple[str, str, Literal["up", "down"]] | None:
    """Task, metric and direction."""
    task = task_name(baseline.settings)
    try:
        metric, direction = deciding_metric(task, goal.metric, key="goal.metric=")
    except UserError as error:
        problems.append(str(error))
        return None
    if goal.direction not in (None, direction):
        better = "lower" if direction == "down" else "higher"
        problems.append(f"goal.direction={goal.direction}, but {metric} is better when it is {better}; leave it out.")
    return task, metric, direction
