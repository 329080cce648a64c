"""``vyvod experiment FILE --dry-run``: what would be trained, how long that takes, and what it can find out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from vyvod.experiment.board import Quiet, told_duration
from vyvod.experiment.execution import find_execution
from vyvod.experiment.plan import read_plan
from vyvod.experiment.registration import detectable
from vyvod.experiment.runner import Experiment, Work, check_images
from vyvod.experiment.runs import Archive, Planned, shown


def dry_run(file: Path, *, on: str = "local", jobs: int | None = None) -> list[str]:
    """What an experiment would train, what it would reuse, how long that takes and what it can find out; nothing is written.

    Raises:
        UserError: as ``run_experiment`` would.
    """
    plan = read_plan(file)
    find_execution(on)
    archive = Archive(plan.baseline.settings.folder)
    check_images(plan, archive)
    experiment = Experiment(plan, archive, Work(on, jobs), Quiet())
    return list(_forecast(experiment))


def _forecast(experiment: Experiment) -> Iterator[str]:
    plan, room = experiment.plan, experiment.room
    runs = [*experiment.before, *experiment.runs]
    for name in dict.fromkeys(run.arm for run in runs):
        yield _arm_forecast(name, [run for run in runs if run.arm == name])
    missing = [run for run in runs if run.status == "missing"]
    width = f"{room.jobs} at once, " if room.jobs else ""
    threads = "1 CPU thread" if room.threads == 1 else f"{room.threads} CPU threads"
    there = len(runs) - len(missing)
    yield f"{len(missing)} runs would be trained, {width}{threads} each; {there} are there already."
    yield f"Time: {_duration_forecast(experiment, missing)}"
    found = experiment.record.get("registered", {}).get("detectable") or detectable(plan, experiment.known())
    difference = found["difference"]
    known = "unknown" if difference is None else f"{difference:.2g} of {plan.metric} (margin {plan.margin:g})"
    yield f"Smallest difference that would be found four times in five: {known}: {found['basis']}."
    if len(plan.seeds) < 3:
        yield f"With {len(plan.seeds)} seeds an arm there will be no verdict: at least 3 are needed to tell an idea from luck."


def _arm_forecast(name: str, runs: Sequence[Planned]) -> str:
    missing = [run for run in runs if run.status == "missing"]
    reused = [shown(run.folder).as_posix() for run in runs if run.status == "finished" and run.folder]
    epochs = runs[0].settings.training.epochs
    text = f"{name}: {len(missing)} to train, {epochs} epochs each"
    begun = sum(run.folder is not None for run in missing)
    text += f" ({begun} begun already)" if begun else ""
    return text + (f"; there already: {', '.join(reused)}" if reused else "")


def _duration_forecast(experiment: Experiment, missing: Sequence[Planned]) -> str:
    known = [experiment.archive.seconds(run.settings) for run in missing]
    if not missing:
        return "nothing is left to train."
    if None in known:
        return "unknown until the first run of each arm has ended."
    total = sum(seconds for seconds in known if seconds is not None)
    return f"about {told_duration(total / (experiment.room.jobs or 1))}, as long as earlier runs of the same settings took."
