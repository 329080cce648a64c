"""An experiment from its file to its report: registered, then trained as far as runs are missing, then compared.

Everything is in the folders: ``experiments/<name>/record.json`` says which run folder belongs to which arm and seed; it is
written before a run starts and whenever one ends. A driver or a run that was killed at any moment goes on when started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch

from vyvod.errors import SettingsError, UserError
from vyvod.experiment import environment, record
from vyvod.experiment.beginning import before_this
from vyvod.experiment.board import Board, Quiet, Standing
from vyvod.experiment.comparing import write_results
from vyvod.experiment.evidence import value_of
from vyvod.experiment.execution import Execution, Job, Outcome, Room, Watch, find_execution
from vyvod.experiment.plan import BASELINE, Arm, Plan, read_plan
from vyvod.experiment.registration import changed_later, register
from vyvod.experiment.runs import Archive, Planned, shown
from vyvod.files import read_json, write_json, write_text
from vyvod.report.report import write_experiment_report

EXPERIMENTS = Path("experiments")
RECORD = "record.json"
FORMAT = 1
_MEMORY = 2 << 30
"""Bytes that a run is taken to need where none has been measured."""


def run_experiment(
    file: Path, *, on: str = "local", jobs: int | None = None, board: Board | None = None, command: str = ""
) -> Path:
    """Train what is missing, compare, and write the report.

    Args:
        file: of the experiment.
        on: who trains: ``local`` processes, or ``ray``.
        jobs: runs at once; by default as many as fit into cores, memory and GPUs.
        board: how to show where the runs stand.
        command: what the user typed, for the record.

    Returns:
        the folder of the experiment, ``experiments/<name>``.

    Raises:
        UserError: a mistake that the user can cure. Runs that fail are no exception: they are in the record.
    """
    plan, execution = read_plan(file), find_execution(on)
    archive = Archive(plan.baseline.settings.folder)
    check_images(plan, archive)
    folder = EXPERIMENTS / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    with record.held(folder):
        experiment = Experiment(plan, archive, Work(on, jobs, command), board or Quiet())
        experiment.begin()
        try:
            experiment.train(execution)
        finally:
            experiment.board.end()
        experiment.conclude()
    return folder


@dataclass(frozen=True, slots=True)
class Work:
    """How the runs are to be trained."""

    on: str
    jobs: int | None
    command: str = ""


class Experiment:
    """An experiment while it is carried out."""

    def __init__(self, plan: Plan, archive: Archive, work: Work, board: Board) -> None:
        self.plan, self.archive, self.work, self.board = plan, archive, work, board
        self.folder = EXPERIMENTS / plan.name
        path = self.folder / RECORD
        self.record: dict[str, Any] = read_json(path) if path.exists() else {}
        self.room = _room(plan, archive, work, self.record.get("threads"))
        self.standing = Standing(plan.metric, self.room.jobs)
        self.before = [self._planned(arm, f"before-{arm.name}", 0) for arm in plan.before]
        # By seed, so that the arms grow side by side.
        self.runs = [self._planned(arm, arm.name, seed) for seed in plan.seeds for arm in plan.arms]
        for run in self.before:
            self._find(run)
        self._settle()

    def begin(self) -> None:
        """Register, before the first run starts; an experiment that was begun stays registered as it was."""
        first = not any(
            run["folder"] and not run["reused"] for arm in self.record.get("arms", ()) for run in arm["runs"]
        )
        if first or "registered" not in self.record:
            self.record["registered"] = register(self.plan, known=self.known())
        later = changed_later(self.record["registered"], self.plan)
        self.record |= {
            "format": FORMAT,
            "name": self.plan.name,
            "task": self.plan.task,
            "changed_later": later,
            "report": self.plan.report.model_dump(mode="json"),
            "threads": self.room.threads,
            "machine": environment.hardware(),
            "command": self.work.command,
            "ended": None,
        }
        write_text(self.folder / "experiment.yaml", self.plan.file.read_text(encoding="utf-8"))
        self._write()
        for sentence in later:
            self.board.say(sentence)

    def train(self, execution: Execution) -> None:
        """Train what is missing; first what others are begun from."""
        for part in (self.before, self.runs):
            self._settle()
            missing = [run for run in part if run.status == "missing"]
            for run in missing:
                self._make_folder(run)
            self._write()
            planned = {str(run.folder): run for run in missing}
            jobs = [Job(run.label, run.settings, run.folder, self.work.command) for run in missing if run.folder]
            if jobs:
                self._execute(execution, jobs, planned)

    def conclude(self) -> None:
        """Compare and write the report, from the folders alone."""
        self.record["ended"] = record.now()
        self._write()
        write_results(self.folder)
        write_experiment_report(self.folder, self.plan.report)

    def known(self) -> list[float]:
        """Values of the baseline's runs that are finished."""
        found = [
            value_of(run.folder, self.plan.metric)
            for run in self.runs
            if run.arm == BASELINE and run.folder and run.status == "finished"
        ]
        return [value for value in found if value is not None]

    def _planned(self, arm: Arm, name: str, seed: int) -> Planned:
        settings, threads = arm.settings, self.room.threads
        training = settings.training.model_copy(update={"threads": threads})
        data = settings.data
        if data.workers is None:
            data = data.model_copy(update={"workers": min(8, threads)})
        own = {
            "seed": seed,
            "name": f"{self.plan.name}-{name}-seed{seed}",
            "folder": self.archive.folder,
            "training": training,
            "data": data,
        }
        return Planned(name, settings.model_copy(update=own))

    def _settle(self) -> None:
        """Put the folders of finished runs before into the settings of the arms, and find out what is there of these."""
        before = {arm.name: run for arm, run in zip(self.plan.before, self.before, strict=True)}
        for run in self.runs:
            needed = before.get(Arm(run.arm, run.settings).needs or "")
            if needed is None and run.status == "missing":
                self._find(run)
            elif needed is not None and needed.status == "finished" and needed.folder is not None:
                run.settings = Arm(run.arm, run.settings).with_weights(shown(needed.folder)).settings
                self._find(run)
            elif needed is not None and needed.status == "failed":
                run.status, run.error = "failed", f"{needed.label} failed, from whose weights it begins: {needed.error}"

    def _find(self, run: Planned) -> None:
        """Finished, here or in another run; or begun; or still to be made."""
        own = self._recorded(run)
        begun = own and self.archive.begun(own, run.settings)
        if own and (_is_new(own) or (begun and not begun.finished)):
            run.folder = own
        else:
            done = own if begun else self.archive.finished(run.settings)
            if done is not None:
                run.folder, run.status = done, "finished"
                run.reused = not done.name.startswith(run.settings.name or "")

    def _recorded(self, run: Planned) -> Path | None:
        """The folder that the record has for this run."""
        for arm in (*self.record.get("arms", ()), *self.record.get("before", ())):
            for known in arm["runs"]:
                if arm["name"] == run.arm and known["seed"] == run.seed and known["folder"]:
                    return Path(known["folder"])
        return None

    def _make_folder(self, run: Planned) -> None:
        if run.folder is None:
            run.folder = record.create_folder(run.settings.folder, run.settings.name or run.label)

    def _execute(self, execution: Execution, jobs: list[Job], planned: Mapping[str, Planned]) -> None:
        def began(job: Job) -> None:
            planned[str(job.folder)].status = "running"
            self._write()

        def ended(outcome: Outcome) -> None:
            run = planned[str(outcome.job.folder)]
            run.status, run.error = "failed" if outcome.error else "finished", outcome.error
            if outcome.error:
                self.board.say(f"{run.label} failed: {outcome.error}")
            self._write()
            self._show()

        log = self.folder / "workers.log"
        try:
            execution(jobs, replace(self.room, log=log), Watch(began, ended, self._show))
        except BaseException:
            for run in planned.values():
                run.status = "missing" if run.status == "running" else run.status
            with suppress(UserError):
                self._write()
            raise

    def _write(self) -> None:
        self.record["arms"] = _by_arm(self.runs)
        self.record["before"] = _by_arm(self.before)
        write_json(self.folder / RECORD, self.record)

    def _show(self) -> None:
        self.board.show(*self.standing.read([*self.before, *self.runs]))


def _is_new(folder: Path) -> bool:
    """Made for a run that was stopped before it was on record."""
    try:
        return folder.is_dir() and not before_this(folder)
    except UserError:
        return False  # damaged, or of another version: to be left alone


def _by_arm(runs: Sequence[Planned]) -> list[dict[str, Any]]:
    names = dict.fromkeys(run.arm for run in runs)
    return [{"name": name, "runs": [run.entry() for run in runs if run.arm == name]} for name in names]


def _room(plan: Plan, archive: Archive, work: Work, threads: int | None) -> Room:
    """Runs at once, and threads of each: as were registered, so that a run that is added later has them too."""
    if work.jobs is not None and work.jobs < 1:
        raise SettingsError(f"--jobs {work.jobs}: expected 1 or more runs at once.")
    training, cores = plan.baseline.settings.training, environment.cores()
    device = environment.default_device() if training.device == "auto" else training.device
    gpus = torch.cuda.device_count() if device == "cuda" else 0
    most = _fitting(archive, gpus or (1 if device == "mps" else cores), training.devices, on_gpu=device != "cpu")
    width = work.jobs or min(most, len(plan.seeds) * len(plan.arms))
    threads = training.threads or threads or max(1, cores // width)
    return Room(work.jobs or 0 if work.on == "ray" else width, threads, gpus if training.devices == 1 else 0)


def _fitting(archive: Archive, places: int, devices: int, *, on_gpu: bool) -> int:
    """Runs that fit: a device each, and in the CPU's memory as far as runs so far tell."""
    by_memory = places if on_gpu else psutil.virtual_memory().available // (archive.peak_memory() or _MEMORY)
    return max(1, min(places // devices, by_memory))


def check_images(plan: Plan, archive: Archive) -> None:
    """An idea that changes the data on purpose is still tested on the same images, or nothing can be compared."""
    for idea in plan.ideas if plan.declared else ():
        mine, theirs = archive.pictures(idea.settings), archive.pictures(plan.baseline.settings)
        if mine.classes != theirs.classes:
            raise SettingsError(
                f"{plan.file}: changes.{idea.name} changes the classes, so its metric is another one; leave them."
            )
        if set(mine.test_ids) != set(theirs.test_ids):
            both = len(set(mine.test_ids) & set(theirs.test_ids))
            raise SettingsError(
                f"{plan.file}: changes.{idea.name} changes the test split: of the baseline's {len(theirs.test_ids)} images "
                f"{both} are in it. Two networks can only be compared on the same images; change the training images alone."
            )
