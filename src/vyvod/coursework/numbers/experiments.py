"""Whether ``results.json`` of an experiment says what its runs say, and holds all runs that were registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vyvod.coursework.numbers.finding import REWRITE, NumberFinding, Place, counted, right, told, unknown, wrong
from vyvod.coursework.numbers.marks import Mark
from vyvod.coursework.numbers.recomputing import RecomputingError, read_object
from vyvod.coursework.numbers.runs import Runs, agree, is_folder
from vyvod.coursework.records import name_of

_CURE = f"Copy it again from the experiment: {REWRITE}."
Record = Mapping[str, Any]


def compare_experiment(mark: Mark, runs: Runs) -> Iterator[NumberFinding]:
    """Compare the results of an experiment with its record and its runs.

    Args:
        mark: that names it.
        runs: of the branch.
    """
    name = mark.values.get("name", "")
    place = Place(mark.line, f"experiment {name or 'without a name'}")
    if not is_folder(name):
        yield unknown(place, f"The mark does not name an experiment; {REWRITE}.")
        return
    path = f"results/{name}/results.json"
    try:
        results, record = read_object(runs.read, path), read_object(runs.read, f"results/{name}/record.json")
    except RecomputingError as error:
        yield unknown(place, f"The numbers of the experiment cannot be compared: {error}; {REWRITE}.")
        return
    try:
        found = [
            *_registered(place, path, results, record),
            *_arms(place, path, results),
            *_runs(place, path, results, record, runs),
        ]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        yield unknown(place, f"{path} or record.json beside it is not what an experiment writes. {_CURE}")
        return
    yield from found


def _all_arms(results: Record) -> list[Record]:
    return [results["baseline"], *results["ideas"]]


def _registered(place: Place, path: str, results: Record, record: Record) -> Iterator[NumberFinding]:
    """Goal and runs are those that the record names: no run was left out afterwards."""
    goal = record["registered"]["goal"]
    for key in ("metric", "direction", "margin"):
        if key in goal and results[key] != goal[key]:
            claimed, true = str(results[key])[:80], str(goal[key])[:80]
            yield wrong(place, claimed, true, f"{path} has the {key} {claimed}; {true} was registered. {_CURE}")
    planned = {arm["name"]: _seeds(arm) for arm in record["arms"]}
    for arm in _all_arms(results):
        name = str(arm["name"])[:80]
        if arm["name"] not in planned:
            yield wrong(place, name, "not registered", f"{path} has {name}, which record.json does not have. {_CURE}")
        elif planned[arm["name"]] != _seeds(arm):
            claimed, true = counted(len(arm["runs"]), "run"), counted(len(planned[arm["name"]]), "run")
            text = f"{path} has {claimed} of {name} and record.json {true}, or they have other seeds. {_CURE}"
            yield wrong(place, claimed, true, text)
    left_out = planned.keys() - {arm["name"] for arm in _all_arms(results)}
    if left_out:
        text = f"{path} leaves out {', '.join(sorted(str(name)[:80] for name in left_out))}, which record.json has. {_CURE}"
        yield wrong(place, "left out", "registered", text)


def _seeds(arm: Record) -> list[float]:
    return sorted(run["seed"] for run in arm["runs"])


def _arms(place: Place, path: str, results: Record) -> Iterator[NumberFinding]:
    """Means are those of the runs, and differences those of the means."""
    means = [_mean(arm) for arm in _all_arms(results)]
    for arm, mean in zip(_all_arms(results), means, strict=True):
        if mean is not None and not agree(arm.get("mean"), mean):
            claimed, true, name = told(arm.get("mean")), told(mean), str(arm["name"])[:80]
            yield wrong(
                place, claimed, true, f"{path} says that the mean of {name} is {claimed}; its runs have {true}. {_CURE}"
            )
    for idea, mean in zip(results["ideas"], means[1:], strict=True):
        claimed_difference = (idea.get("comparison") or {}).get("difference")
        if mean is None or means[0] is None or claimed_difference is None:
            continue
        if not agree(claimed_difference, mean - means[0]):
            claimed, true = told(claimed_difference), told(mean - means[0])
            name = str(idea["name"])[:80]
            text = f"{path} says that {name} differs by {claimed}; the means of the runs differ by {true}. {_CURE}"
            yield wrong(place, claimed, true, text)


def _mean(arm: Record) -> float | None:
    values = [run["value"] for run in arm["runs"] if run["value"] is not None]
    return sum(values) / len(values) if values else None


def _runs(place: Place, path: str, results: Record, record: Record, runs: Runs) -> Iterator[NumberFinding]:
    """The value of each run is that of its folder; a run without a value has none there either."""
    metric, split = str(results["metric"]), str(results["split"])
    counts = {"recomputed": 0, "stored": 0, "absent": 0}
    registered = {(arm["name"], run["seed"]): run for arm in record["arms"] for run in arm["runs"]}
    for name, run in [(arm["name"], run) for arm in _all_arms(results) for run in arm["runs"]]:
        # Of a run that was left out the folder may have been taken away too.
        place_of_run = run["folder"] or registered.get((name, run["seed"]), {}).get("folder")
        folder = name_of(str(place_of_run)) if place_of_run else ""
        evidence = runs.evidence(folder, split) if is_folder(folder) and not runs.missing(folder) else None
        if evidence is None or not evidence.knows(metric, None):
            counts["absent"] += run["value"] is not None
            continue
        true = evidence.value(metric, None)
        if agree(run["value"], true):
            counts["recomputed" if evidence.is_recomputed(metric, None) else "stored"] += 1
            continue
        claimed, source = told(run["value"]), evidence.source(metric, None)
        text = f"{path} says {claimed} for {metric} of the run {folder}; the run has {told(true)} ({source}). {_CURE}"
        yield wrong(place, claimed, told(true), text)
    yield from _agreeing(place, metric, counts)


def _agreeing(place: Place, metric: str, counts: Mapping[str, int]) -> Iterator[NumberFinding]:
    compared = counted(counts["recomputed"] + counts["stored"], "run")
    if counts["recomputed"] or counts["stored"]:
        how = f"{counts['recomputed']} computed again from per-image files, {counts['stored']} from scores.json alone"
        yield right(place, compared, f"{metric} of {compared} in results.json is that of their folders ({how}).")
    if counts["absent"]:
        absent = counted(counts["absent"], "run")
        text = f"{metric} of {absent} could not be compared: their folders are not in results/, or have no such value."
        yield unknown(place, text, claimed=absent)
