"""What the terminal says about experiments: all of them, one of them, and a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vyvod import catalog
from vyvod.errors import RunError, UserError
from vyvod.experiment.runner import EXPERIMENTS, RECORD
from vyvod.files import read_json

Row = tuple[str, ...]
_REASONS = {
    "seeds": "no verdict: at least 3 finished runs are needed in each arm",
    "no_values": "no verdict: an arm has no finished run with a value",
    "no_variance": "no verdict: all runs score the same, so nothing tells how sure that is",
}


def experiments() -> list[Row]:
    """Name, goal, idea, difference with its interval, and verdict: a row for each idea.

    Raises:
        RunError: there are none.
    """
    rows = [row for path in sorted(EXPERIMENTS.glob(f"*/{RECORD}")) for row in _rows(path.parent)]
    if not rows:
        raise RunError(f"There are no experiments in {EXPERIMENTS}/. Begin one: vyvod experiment my_experiment.yaml")
    return rows


def _rows(folder: Path) -> Iterator[Row]:
    try:
        record = read_json(folder / RECORD)
    except UserError:
        yield (folder.name, "?", "?", "?", "its record cannot be read")
        return
    goal, results = record["registered"]["goal"], _results(folder)
    ideas = {idea["name"]: idea for idea in results["ideas"]} if results else {}
    for arm in record["arms"][1:]:
        found = ideas.get(arm["name"])
        verdict = _verdict(found["comparison"]) if found else _progress(record)
        yield (
            record["name"],
            f"{goal['metric']} by {goal['margin']:g}",
            arm["name"],
            _difference(found) if found else "-",
            verdict,
        )


def _progress(record: Mapping[str, Any]) -> str:
    states = [run["status"] for arm in record["arms"] for run in arm["runs"]]
    return f"{states.count('finished')} of {len(states)} runs are finished"


def experiment(name: str) -> list[str]:
    """Lines about one experiment, by its name or folder.

    Raises:
        RunError: there is no such experiment.
    """
    folder = next((path for path in (EXPERIMENTS / name, Path(name)) if (path / RECORD).is_file()), None)
    if folder is None:
        near = catalog.nearest(name, [path.parent.name for path in EXPERIMENTS.glob(f"*/{RECORD}")])
        raise RunError(f"There is no experiment '{name}'.{near} `vyvod experiment list` lists all.")
    record, results = read_json(folder / RECORD), _results(folder)
    return [
        *_registered(record),
        *_runs(record),
        *(comparison(results) if results else [_progress(record)]),
        *_report(folder),
    ]


def _registered(record: Mapping[str, Any]) -> Iterator[str]:
    known = record["registered"]
    goal = known["goal"]
    yield f"{record['name']}: {record['task']}, registered {known['time']} ({known['hash'][:12]})"
    yield f"Goal: {goal['metric']} {goal['direction']}, by at least {goal['margin']:g}. Idea: {known['idea']}"
    yield from record["changed_later"]


def _runs(record: Mapping[str, Any]) -> Iterator[str]:
    for arm in record["arms"]:
        states = [run["status"] for run in arm["runs"]]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        reused = sum(run["reused"] for run in arm["runs"])
        yield f"{arm['name']}: {counts}" + (f" ({reused} of them from other experiments)" if reused else "")
        yield from (f"  seed {run['seed']} failed: {run['error']}" for run in arm["runs"] if run["error"])


def _report(folder: Path) -> Iterator[str]:
    yield from (f"Report: {path}" for path in (folder / "report.html", folder / "README.md") if path.is_file())


def _results(folder: Path) -> dict[str, Any] | None:
    path = folder / "results.json"
    return read_json(path) if path.is_file() else None


def comparison(results: Mapping[str, Any]) -> list[str]:
    """Lines about a comparison: the arms, then each idea with its verdict and what else differs."""
    lines = [_arm(results["baseline"], results["metric"])]
    for idea in results["ideas"]:
        lines += [_arm(idea, results["metric"]), f"{idea['name']} - {results['baseline']['name']}: {_difference(idea)}"]
        lines += [f"  {key['key']}: {key['before']} -> {key['after']}" for key in idea["changes"]]
        lines += [f"  ! {sentence}" for sentence in idea["also_changed"]]
        lines.append(f"Verdict for {idea['name']}: {_verdict(idea['comparison'])}")
    return lines


def _arm(arm: Mapping[str, Any], metric: str) -> str:
    if arm["mean"] is None:
        return f"{arm['name']}: no values"
    return f"{arm['name']}: {metric} {arm['mean']:.4f}, {_interval(arm)}, {arm['n']} runs"


def _difference(idea: Mapping[str, Any]) -> str:
    compared = idea["comparison"]
    if compared["difference"] is None:
        return "unknown"
    return f"{compared['difference']:+.4f}, {_interval(compared)}"


def _interval(record: Mapping[str, Any]) -> str:
    if record["low"] is None:
        return "no interval"
    return f"95 % interval {record['low']:.4f} to {record['high']:.4f}"


def _verdict(compared: Mapping[str, Any]) -> str:
    verdict = compared["verdict"]
    if verdict is None:
        return _REASONS.get(compared["reason"], "no verdict")
    p = f"p = {compared['p_holm']:.2g}" if compared["p_holm"] is not None else ""
    details = [p, *_what_would_decide(compared)] if verdict == "undecided" else [p]
    return f"{verdict} ({'; '.join(filter(None, details))})"


def _what_would_decide(compared: Mapping[str, Any]) -> Sequence[str]:
    if compared["seeds_needed"] is not None:
        return [f"about {compared['seeds_needed']} seeds an arm would decide"]
    return ["no number of seeds would decide, only a larger test set"] if compared.get("limited_by_test_set") else []
