"""From run folders to ``results.json``: what the functions of ``evaluation/`` say about the runs of a baseline and of ideas.

Nothing but the folders is looked at, so the results can be computed again at any time, by this program or another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from vyvod.errors import RunError
from vyvod.evaluation.comparison import Comparison, Direction, holm
from vyvod.evaluation.differences import class_rows, compare_arms, metric_rows, summarise_arm
from vyvod.evaluation.resampled_metrics import PER_CLASS
from vyvod.evaluation.resampling import RESAMPLES, Resamples, Values, resample
from vyvod.evaluation.time_to_target import Course, compare_times
from vyvod.experiment.evidence import SPLIT, ArmRuns, Columns, Evidence, evidence_of
from vyvod.experiment.flips import flips
from vyvod.experiment.identity import differences, settings_of
from vyvod.experiment.sentences import sentence
from vyvod.files import read_json, write_json
from vyvod.report.settings import Language
from vyvod.tracking.csv import read_rows

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the runs."""

    task: str
    metric: str
    direction: Direction
    margin: float
    target: Literal["baseline"] | float | None = None
    language: Language = "en"


def write_results(folder: Path) -> dict[str, Any]:
    """Compare the runs that the record of an experiment names, and write ``results.json`` beside it.

    Raises:
        RunError: the runs cannot be compared, such as for different test images.
    """
    known = read_json(folder / "record.json")
    registered = known["registered"]
    question = Question(
        known["task"], **registered["goal"], target=registered["target"], language=known.get("report", {}).get("language", "en")
    )  # fmt: skip
    arms = [
        ArmRuns(arm["name"], [evidence_of(run) for run in arm["runs"]], registered["changes"].get(arm["name"]))
        for arm in known["arms"]
    ]
    results = compare_runs(question, arms[0], arms[1:])
    write_json(folder / "results.json", results)
    return results


def compare_runs(question: Question, baseline: ArmRuns, ideas: Sequence[ArmRuns]) -> dict[str, Any]:
    """The content of ``results.json``.

    Raises:
        RunError: the runs were tested on different images.
    """
    arms = [baseline, *ideas]
    counted = [run for arm in arms for run in arm.counted]
    resamples = _resampled(question, counted)
    places = _places(arms)
    values = [_values(question, arm, resamples, rows) for arm, rows in zip(arms, places, strict=True)]
    compared = [
        compare_arms(values[0], other, margin=question.margin, direction=question.direction) for other in values[1:]
    ]
    return {
        "format": FORMAT,
        "task": question.task,
        "metric": question.metric,
        "direction": question.direction,
        "margin": question.margin,
        "split": SPLIT,
        "resamples": resamples.number if resamples else RESAMPLES,
        "baseline": _arm(question, baseline, values[0]),
        "ideas": [
            _arm(question, idea, own)
            | _idea(question, baseline, idea, comparison)
            | _tables(question, counted, resamples, (places[0], rows))
            for idea, own, comparison, rows in zip(ideas, values[1:], holm(compared), places[1:], strict=True)
        ],
    }


def _places(arms: Sequence[ArmRuns]) -> list[list[int]]:
    """Of each arm's runs in the list of all that are counted."""
    numbers = iter(range(sum(len(arm.counted) for arm in arms)))
    return [[next(numbers) for _ in arm.counted] for arm in arms]


def _resampled(question: Question, counted: Sequence[Evidence]) -> Resamples | None:
    if not counted:
        return None
    classes = cast(Mapping[str, Any], counted[0].record)["data"]["classes"]
    try:
        return resample(question.task, _columns(counted), classes)
    except RunError as error:
        raise RunError(_with_names(str(error), counted)) from error


def _columns(runs: Sequence[Evidence]) -> list[Columns]:
    """Of runs that count: none of them lacks its columns."""
    return [cast(Columns, run.columns) for run in runs]


def _with_names(text: str, runs: Sequence[Evidence]) -> str:
    """Numbers of runs replaced by their folders, and the sentence ended."""
    named = re.sub(r"\brun (\d+)\b", lambda found: str(runs[int(found[1]) - 1].folder), text)
    return named[:1].upper() + named[1:].rstrip(".") + "."


def _values(question: Question, arm: ArmRuns, resamples: Resamples | None, places: Sequence[int]) -> Values:
    if resamples is not None and question.metric in resamples.overall:
        return resamples.overall[question.metric].of(places)
    # It does not follow from the per-image columns: nothing is known about other test sets.
    known = np.array([run.value(question.metric) for run in arm.counted], dtype=np.float64)
    return Values(known, np.full((len(known), 0), math.nan))


def _arm(question: Question, arm: ArmRuns, values: Values) -> dict[str, Any]:
    return {
        "name": arm.name,
        "runs": [_run(run, question.metric) for run in arm.runs],
        **summarise_arm(values).record(),
        "cost": _cost(arm.counted),
    }


def _run(run: Evidence, metric: str) -> dict[str, Any]:
    known = run.record or {}
    return {
        "seed": run.seed,
        "folder": None if run.folder is None else run.folder.as_posix(),
        "value": run.value(metric),
        "best_epoch": known.get("best_epoch"),
        "epochs": known.get("trained_epochs"),
        "seconds": known.get("timings", {}).get("training_seconds"),
        "status": run.status,
        "error": run.error,
    }


def _cost(runs: Sequence[Evidence]) -> dict[str, float | None]:
    """Means over the runs."""
    places = {"parameters": "model", "macs": "model"} | dict.fromkeys(
        ("seconds_per_epoch", "training_seconds", "peak_memory_bytes"), "timings"
    )
    return {name: _mean([(run.record or {})[group].get(name) for run in runs]) for name, group in places.items()}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _idea(question: Question, baseline: ArmRuns, idea: ArmRuns, comparison: Comparison) -> dict[str, Any]:
    changes = _changes(baseline, idea)
    return {
        "changes": changes,
        "also_changed": list(_also_changed(baseline, idea, changes, question.language)),
        "comparison": comparison.record(),
        "time_to_target": _time_to_target(question, baseline, idea),
        "flips": flips(_columns(baseline.counted), _columns(idea.counted)),
    }


def _changes(baseline: ArmRuns, idea: ArmRuns) -> list[dict[str, Any]]:
    one, other = baseline.counted, idea.counted
    if one and other:
        return differences(settings_of(cast(Path, one[0].folder)), settings_of(cast(Path, other[0].folder)))
    return [{"key": key, "before": None, "after": value} for key, value in (idea.changes or {}).items()]


def _tables(
    question: Question, counted: Sequence[Evidence], resamples: Resamples | None, arms: tuple[list[int], list[int]]
) -> dict[str, Any]:
    """Every metric, and every class, without verdicts."""
    if resamples is None or not all(arms):
        return {"metrics": [], "per_class": []}
    known = cast(Mapping[str, Any], counted[0].record)
    scores = [cast(Mapping[str, Any], run.scores)[SPLIT]["overall"] for run in counted]
    metric = PER_CLASS.get(question.task)
    classes = class_rows(known["data"]["classes"], metric, resamples, arms) if metric else []
    return {"metrics": metric_rows(scores, resamples, arms), "per_class": classes}


def _time_to_target(question: Question, baseline: ArmRuns, idea: ArmRuns) -> dict[str, Any] | None:
    if question.target is None or not baseline.counted or not idea.counted:
        return None
    metric = f"val_{question.metric}"
    try:
        courses = [[_course(run, metric) for run in arm.counted] for arm in (baseline, idea)]
        found = compare_times(
            *courses,
            target=None if question.target == "baseline" else question.target,
            lower_is_better=question.direction == "down",
        )
    except RunError:
        return None  # a run without a single value of the metric on val
    return found.record(metric)


def _course(run: Evidence, metric: str) -> Course:
    rows = read_rows(cast(Path, run.folder) / "metrics.csv")

    def column(name: str) -> Any:
        return np.array([row.get(name, math.nan) for row in rows], dtype=np.float64)

    return Course(column("epoch"), column("step"), column("seconds").cumsum(), column(metric))


def _also_changed(
    baseline: ArmRuns, idea: ArmRuns, changes: Sequence[Mapping[str, Any]], language: Language
) -> Iterator[str]:
    """What differs between the arms besides the idea, and could explain a difference as well."""
    if not baseline.counted or not idea.counted:
        return
    keys = {change["key"] for change in changes}
    for key, place, values in _facts_of(baseline, idea):
        before, after = (", ".join(each) for each in values)
        # Fewer epochs trained than asked for are news; another number asked for is told as a setting.
        if before != after and not (key == "epochs" and "training.epochs" in keys):
            yield sentence(key, language, **place, before=before, after=after)
    if idea.changes is None:
        # Nobody has declared what the idea is; these two are seldom it, and often the reason.
        for change in changes:
            if change["key"] in ("training.batch_size", "training.epochs"):
                yield sentence("setting", language, **change)


_Fact = tuple[str, dict[str, str], tuple[list[str], list[str]]]


def _facts_of(baseline: ArmRuns, idea: ArmRuns) -> Iterator[_Fact]:
    """Which sentence, where, and the different values that the runs of each arm have."""

    def both(fact: Callable[[Mapping[str, Any]], object]) -> tuple[list[str], list[str]]:
        first, second = (
            sorted({str(fact(cast(Mapping[str, Any], run.record))) for run in arm.counted}) for arm in (baseline, idea)
        )
        return first, second

    for split in ("train", "val", "test"):
        yield "data", {"split": split}, both(partial(_fingerprint, split))
    yield "code", {}, both(lambda known: known.get("code"))
    yield "hardware", {}, both(_hardware)
    for name in ("torch", "torchvision", "timm"):
        yield "versions", {"name": name}, both(partial(_version, name))
    yield "epochs", {}, both(lambda known: known.get("trained_epochs"))


def _fingerprint(split: str, known: Mapping[str, Any]) -> str:
    return str(known["data"]["splits"][split]["fingerprint"])


def _version(name: str, known: Mapping[str, Any]) -> str:
    return str(known.get("versions", {}).get(name))


def _hardware(known: Mapping[str, Any]) -> str:
    used = known.get("hardware", {})
    return f"{used.get('devices')} x {used.get('device')} ({used.get('name')}), {used.get('precision')}"
