"""Runs on a Ray cluster: each is a task with its own CPUs and a GPU or a part of one, and its folder comes back to the driver.

A task trains in a scratch folder of its machine. After each epoch, and at the end, the run folder goes to the *shelf*, an actor
on the driver's machine that writes it where a local run would lie. A task whose worker or machine has died is started again by
Ray, maybe elsewhere, takes what is on the shelf and goes on from there: to the same bits, as a run that was killed does.

Every machine needs this program in the same version, and the images at the same path. Weights of other runs and the user's own
files of network and data set travel with the task, where their paths are below the working folder. There is no scheduler of our
own: Ray decides what runs where. The driver has to run on a machine of the cluster (not behind ``ray://``): the shelf lies there.
"""

from __future__ import annotations

import io
import logging
import os
import platform
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from vyvod.errors import RunError, SettingsError, UserError
from vyvod.experiment import record
from vyvod.experiment.environment import git_state
from vyvod.experiment.execution import TRIES, Job, Outcome, Room, Watch, perform
from vyvod.experiment.identity import code_fingerprint, own_files, text_hash
from vyvod.files import write_atomically
from vyvod.types import Silence

_WEIGHTS = ("run.json", "settings.yaml", "checkpoints/best.safetensors")
"""What of a run folder is needed to begin from its weights."""
_LEFT_OUT = (".lock", ".tmp")
_SHARE = 0.1
"""At most that share of the time goes into sending checkpoints; those of a large network are sent less often than each epoch."""


def on_ray(jobs: Sequence[Job], room: Room, watch: Watch) -> None:
    """Train on the cluster of ``RAY_ADDRESS`` or of this machine, or on one that is started for it."""
    with _cluster():
        here = NodeAffinitySchedulingStrategy(node_id=ray.get_runtime_context().get_node_id(), soft=False)
        shelf = ray.remote(_Shelf).options(num_cpus=0, scheduling_strategy=here).remote()
        _run(jobs, room, watch, shelf)


def _run(jobs: Sequence[Job], room: Room, watch: Watch, shelf: Any) -> None:
    waiting, running, most = list(jobs), dict[Any, Job](), room.jobs or len(jobs)
    try:
        while waiting or running:
            while waiting and len(running) < most:
                job = waiting.pop(0)
                running[_submit(job, room, shelf)] = job
                watch.began(job)
            ready, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
            for reference in ready:
                watch.ended(_outcome(reference, running.pop(reference)))
            watch.tick()
    except BaseException:
        _stop(running)
        raise


def _submit(job: Job, room: Room, shelf: Any) -> Any:
    resources: dict[str, Any] = {"num_cpus": room.threads, "num_gpus": _gpus(job, room), "max_retries": TRIES - 1}
    return ray.remote(_task).options(**resources).remote(_packed(job), shelf)


def _gpus(job: Job, room: Room) -> float:
    """GPUs of a run: one, or a part where more runs than there are GPUs were asked for."""
    there, wanted = float(ray.cluster_resources().get("GPU", 0)), job.settings.training.device
    if wanted == "cuda" and not there:
        raise SettingsError("training.device=cuda, but the Ray cluster has no GPU; leave it out to train on CPUs.")
    if wanted not in ("auto", "cuda") or not there:
        return 0.0
    return min(1.0, there / room.jobs) if room.jobs else 1.0


def _outcome(reference: Any, job: Job) -> Outcome:
    try:
        error = ray.get(reference)
    except ray.exceptions.RayError as failure:
        reason = " ".join(str(failure).split())[:300]
        return Outcome(job, f"Ray gave up after {TRIES} tries: {type(failure).__name__}: {reason}")
    if error is None:
        # The scratch folder is no repository; the code was found to be the same as here.
        record.update(job.folder, git=git_state(Path.cwd()))
    return Outcome(job, error)


def _stop(running: Mapping[Any, Job]) -> None:
    for reference in running:
        ray.cancel(reference)
    if running:
        ray.wait(list(running), num_returns=len(running), timeout=30)
    for job in running.values():
        with suppress(UserError):
            if record.open_folder(job.folder)["status"] == "running":
                record.update(job.folder, status="interrupted", ended=record.now())


@contextmanager
def _cluster() -> Iterator[None]:
    """The cluster that is there, or a local one for the time being."""
    if os.environ.get("RAY_ADDRESS", "").startswith("ray://"):
        raise SettingsError(
            "RAY_ADDRESS names a remote client (ray://). Start the experiment on a machine of the cluster."
        )
    # Ray would report its use to its makers, and warn about what it does with GPUs.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    known = ray.is_initialized()
    if not known:
        try:
            ray.init(address="auto", log_to_driver=False, logging_level=logging.ERROR)
        except ConnectionError:
            ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield
    finally:
        if not known:
            ray.shutdown()


class _Shelf:
    """Holds the run folders, on the driver's machine."""

    def store(self, folder: str, packed: bytes) -> None:
        """Write what has come from a task."""
        unpack(packed, Path(folder))

    def fetch(self, folder: str) -> bytes:
        """What there is of a run: nothing, or what a task that was stopped has left."""
        return pack(Path(folder))


@dataclass(frozen=True, slots=True)
class _Packed:
    """A job on its way to another machine."""

    job: Job
    place: Path
    """The run folder below the scratch folder."""
    shelf: str
    """The run folder on the driver's machine."""
    files: dict[str, bytes]
    """Path below the working folder -> content."""
    code: str


def _packed(job: Job) -> _Packed:
    here, settings = Path.cwd(), job.settings
    if settings.data.root is not None:
        data = settings.data.model_copy(update={"root": settings.data.root.expanduser().absolute()})
        settings = settings.model_copy(update={"data": data})
    files = {
        name.as_posix(): (here / name).read_bytes()
        for name in (*own_files(settings), *_weights(settings.model.weights))
        if not name.is_absolute() and ".." not in name.parts and (here / name).is_file()
    }
    place = Path("runs") / job.folder.name if settings.folder.is_absolute() else settings.folder / job.folder.name
    packed = replace(job, settings=settings)
    return _Packed(packed, place, str(job.folder.absolute()), files, code_fingerprint(settings))


def _weights(source: str | None) -> Iterable[Path]:
    path = Path(source or "")
    if source is None or not path.exists():
        return []
    return [path / name for name in _WEIGHTS] if path.is_dir() else [path]


def _task(packed: _Packed, shelf: Any) -> str | None:
    """Train, on whatever machine this is; returns why it failed, or None."""
    scratch = Path(tempfile.gettempdir()) / f"vyvod-ray-{text_hash(packed.shelf)}"
    shutil.rmtree(scratch, ignore_errors=True)  # of a worker that died here
    before, folder = Path.cwd(), scratch / packed.place
    folder.mkdir(parents=True)
    os.chdir(scratch)
    try:
        for name, content in packed.files.items():
            _put(scratch / name, content)
        if (error := _other_code(packed)) is not None:
            return error
        unpack(ray.get(shelf.fetch.remote(packed.shelf)), folder)
        outcome = perform(replace(packed.job, folder=packed.place), _Sender(packed, shelf, folder))
        ray.get(shelf.store.remote(packed.shelf, pack(folder)))
        return outcome.error
    finally:
        os.chdir(before)
        shutil.rmtree(scratch, ignore_errors=True)


def _other_code(packed: _Packed) -> str | None:
    if code_fingerprint(packed.job.settings) == packed.code:
        return None
    return f"The machine {platform.node()} has other sources than the driver's. Install the same version of the program on both."


class _Sender(Silence):
    """Sends the run folder to the shelf whenever an epoch is over."""

    def __init__(self, packed: _Packed, shelf: Any, folder: Path) -> None:
        self.packed, self.shelf, self.folder = packed, shelf, folder
        self.next = 0.0

    def begin(self, label: str, total: int) -> None:
        """Send, when the next epoch begins or the last one is over."""
        if not label.startswith(("epoch ", "evaluating ")) or time.monotonic() < self.next:
            return
        began = time.monotonic()
        ray.get(self.shelf.store.remote(self.packed.shelf, pack(self.folder)))
        self.next = time.monotonic() + (time.monotonic() - began) * (1 - _SHARE) / _SHARE


def pack(folder: Path) -> bytes:
    """A run folder as an archive; ``run.json``, which says that the rest is there, comes last."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(_LEFT_OUT)]
        for path in sorted(files, key=lambda path: (path.name == "run.json", path.as_posix())):
            archive.add(path, arcname=path.relative_to(folder).as_posix())
    return buffer.getvalue()


def unpack(packed: bytes, folder: Path) -> None:
    """Write the files of an archive, each atomically: a reader of the folder never sees half of one.

    Raises:
        RunError: a file would lie outside of the folder.
    """
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:  # tarfile's own filter came with Python 3.11.4
                raise RunError(
                    f"An archive of a run holds {member.name!r}, which lies outside of {folder}. It was not unpacked."
                )
            if member.isfile() and (content := archive.extractfile(member)) is not None:
                _put(folder / name, content.read())


def _put(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))
