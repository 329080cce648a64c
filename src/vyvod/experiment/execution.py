"""Who runs the runs: the one seam between an experiment and the machines that train it.

An execution is a function that is given jobs and calls back as each begins and ends; ``local`` here trains in processes of this
machine, ``vyvod.experiment.cluster`` on Ray. Nothing heavy is imported at the top: every process that is started reads this file
before it has been told how many threads it may use.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from vyvod.errors import SettingsError, UserError

if TYPE_CHECKING:
    from vyvod.experiment.settings import Settings
    from vyvod.types import Progress

TRIES = 3
"""A run whose process dies (killed by a person, or by the system for want of memory) is begun again from its last checkpoint."""
_GRACE = 30.0
"""Seconds that a run has to write down that it was stopped."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be trained."""

    label: str
    settings: Settings
    folder: Path
    """Made already; empty, or of this run when it was stopped before."""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended."""

    job: Job
    error: str | None = None
    """None: the run is finished."""


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to train in."""

    jobs: int
    """Runs at once; 0: as many as a cluster has room for."""
    threads: int
    """Of each run."""
    gpus: int = 0
    """0: on the CPU."""
    log: Path | None = None
    """Where what libraries print goes."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What an execution calls."""

    began: Callable[[Job], None] = field(default=lambda job: None)
    ended: Callable[[Outcome], None] = field(default=lambda outcome: None)
    tick: Callable[[], None] = field(default=lambda: None)
    """Now and then, at least each second."""


class Execution(Protocol):
    """Trains jobs."""

    def __call__(self, jobs: Sequence[Job], room: Room, watch: Watch) -> None:
        """Train all jobs; one that fails is reported to ``watch`` and the others go on.

        Raises:
            KeyboardInterrupt: a person stopped it; all runs have been told so and can be resumed.
        """


def find_execution(name: str) -> Execution:
    """``local`` or ``ray``.

    Raises:
        SettingsError: there is no such, or its library is not installed.
    """
    if name == "local":
        return local
    if name != "ray":
        raise SettingsError(f"--on {name}: expected local (processes of this machine) or ray (a Ray cluster).")
    if find_spec("ray") is None:
        raise SettingsError("--on ray needs the library Ray, which is not installed: pip install 'vyvod[scale]'")
    return cast(Execution, import_module("vyvod.experiment.cluster").on_ray)


def perform(job: Job, progress: Progress | None = None) -> Outcome:
    """Train a job in this process, to its end; a failure is an outcome, not an exception."""
    from vyvod.experiment.environment import reset_peak_memory
    from vyvod.experiment.run import is_complete, train_in

    try:
        if not ((job.folder / "run.json").exists() and is_complete(job.folder)):
            reset_peak_memory()
            train_in(job.folder, job.settings, progress=progress, command=job.command)
    except UserError as error:
        return Outcome(job, str(error))
    except Exception as error:
        traceback.print_exc()
        return Outcome(job, f"{type(error).__name__}: {error}")
    return Outcome(job)


def local(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
    """Train in processes of this machine; each lives for many runs, since to import torch takes seconds."""
    waiting = [_Try(job, 1) for job in jobs]
    with _workers(min(room.jobs, len(jobs)), room) as workers:
        while waiting or any(worker.current for worker in workers):
            for worker in workers:
                if worker.current is None and waiting:
                    worker.give(waiting.pop(0))
                    watch.began(cast(_Try, worker.current).job)
            for worker in _that_spoke(workers):
                attempt, outcome = worker.take()
                if outcome is None and attempt.number < TRIES:
                    waiting.insert(0, replace(attempt, number=attempt.number + 1))
                else:
                    watch.ended(outcome or Outcome(attempt.job, worker.last_words()))
            watch.tick()


@dataclass(frozen=True, slots=True)
class _Try:
    job: Job
    number: int


class _Worker:
    """A process that trains one run after another."""

    def __init__(self, place: int, room: Room) -> None:
        self.place, self.room = place, room
        self.current: _Try | None = None
        self.exitcode: int | None = None
        self._start()

    def _start(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        # Not a daemon: those may not start the processes that decode images.
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, self.place, self.room), daemon=False)
        self.process.start()
        theirs.close()

    def give(self, attempt: _Try) -> None:
        """Let it train; a process that has died meanwhile is replaced."""
        if not self.process.is_alive():
            self._start()
        self.current = attempt
        with suppress(BrokenPipeError):  # it died just now, which `take` will find
            self.pipe.send(attempt.job)

    def take(self) -> tuple[_Try, Outcome | None]:
        """What it was given, and how that ended; None where the process has died over it."""
        attempt, self.current = cast(_Try, self.current), None
        try:
            return attempt, cast(Outcome, self.pipe.recv())
        except (EOFError, OSError):
            self.process.join()
            self.exitcode = self.process.exitcode
            return attempt, None

    def last_words(self) -> str:
        """Why a run failed whose process died."""
        code = self.exitcode or 0
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return (
            f"The process that trained it ended {how}, {TRIES} times. If the memory was not enough, train fewer runs at once: "
            "--jobs 1; otherwise see the log."
        )

    def interrupt(self) -> None:
        """Tell it to stop, once; an idle one simply ends."""
        self.pipe.close()
        if self.current is not None and self.process.is_alive():
            _interrupt(self.process)

    def end(self, *, seconds: float) -> None:
        """Wait for its end, and force it after a while."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _interrupt(process: SpawnProcess) -> None:
    if sys.platform == "win32":
        process.terminate()
        return
    number = cast(int, process.pid)
    try:
        os.killpg(number, signal.SIGINT)
    except ProcessLookupError:  # it has no group of its own yet, or has just ended
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGINT)


def _that_spoke(workers: Sequence[_Worker]) -> list[_Worker]:
    """Busy workers that have ended a run, or have died; waits for up to a second."""
    busy = {worker.pipe: worker for worker in workers if worker.current is not None}
    return [busy[cast(Any, pipe)] for pipe in connection.wait(list(busy), timeout=1.0)]


@contextmanager
def _workers(number: int, room: Room) -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        for place in range(number):
            workers.append(_Worker(place, room))
        yield workers
    finally:
        for worker in workers:
            worker.interrupt()
        deadline = time.monotonic() + _GRACE
        try:
            for worker in workers:
                worker.end(seconds=max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:  # a second Ctrl-C: no more patience
            for worker in workers:
                worker.end(seconds=0)
            raise


def _work(pipe: connection.Connection, place: int, room: Room) -> None:
    """What a worker does, until the driver closes the pipe, says stop, or dies."""
    _settle(place, room)
    with suppress(KeyboardInterrupt, EOFError, OSError):
        while True:
            pipe.send(perform(pipe.recv()))


def _settle(place: int, room: Room) -> None:
    if sys.platform != "win32":
        # Of its own: Ctrl-C in the terminal reaches the driver alone, which tells each worker once.
        os.setpgid(0, 0)
    threading.Thread(target=_die_with_the_driver, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(room.threads)
    if room.gpus:
        known = os.environ.get("CUDA_VISIBLE_DEVICES")
        devices = known.split(",") if known else [str(number) for number in range(room.gpus)]
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[place % len(devices)]
    if room.log is not None:
        descriptor = os.open(room.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)


def _die_with_the_driver() -> None:
    """A driver that was killed leaves no orphans that hold run folders; a run can be resumed from any moment."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
