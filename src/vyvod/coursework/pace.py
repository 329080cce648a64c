"""The process that measures what architectures cost: some steps of the training loop each, reported as soon as they are known.

torch is loaded inside of the functions: the process that waits for them imports this file too.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from vyvod import catalog
from vyvod.errors import UserError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from lightning_fabric import Fabric

    from vyvod.data.contract import Dataset
    from vyvod.data.loading import Loader
    from vyvod.experiment.assembly import Assembly
    from vyvod.experiment.settings import Settings
    from vyvod.training.state import State
    from vyvod.types import Batch

FIRST = 2
"""Images of the first steps; batch norms need two."""
_IMAGES = 256
"""Training images that are used."""
_STEPS = 3
"""The first of them does not count: memory is reserved in it."""
_LARGER = 1.5
"""Seconds for steps with larger batches."""
_STAND_IN = {
    "classification": "fashion-mnist-mini",
    "segmentation": "nuclei",
    "detection": "nuclei-boxes",
    "reconstruction": "fashion-mnist-mini",
}
"""What comes with the program, for a data set that is not there."""
_PHOTO = 224
"""Pixels of a side, where nothing is known about the images."""
_MEMORY = 16
"""Bytes for each parameter: weights, gradients, and two moments of AdamW."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be measured."""

    task: str
    data: str
    root: Path | None
    models: Sequence[Mapping[str, Any]]
    """``name`` and options, as in the settings."""


@dataclass(frozen=True, slots=True)
class Data:
    """What is known about the images."""

    train: int
    val: int
    note: str | None
    """Why other images stand in for those of the data set."""
    machine: str


def measure(sender: Connection, job: Job, places: Sequence[int], seconds: float) -> None:
    """`report`, as the whole life of a process."""
    # The process that waits hears an interrupt too, and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _warm_up()
    report(sender.send, job, places, seconds)


def report(send: Callable[[tuple[str, int, Any]], None], job: Job, places: Sequence[int], seconds: float) -> None:
    """Measure some of the architectures, one after another.

    Args:
        send: takes ``(kind, place, value)``. First ``data``, then for each architecture ``begun``, what is found out
            (``epochs``, ``per_image``, ``trouble``, ``unfit``), and ``done``; ``parameters`` of all of them before.
        job: what is to be measured.
        places: of the architectures in ``job.models``.
        seconds: for all of them.
    """
    dataset, changes, found = _images(job)
    send(("data", -1, found))
    ends = time.monotonic() + seconds
    sizes = {place: _parameters(job.models[place], job.task, dataset, changes) for place in places}
    for place, size in sizes.items():
        send(("parameters", place, size))
    # From small to large: if the time is over, it is over for those whom it concerns least.
    for done, place in enumerate(sorted(places, key=lambda place: sizes[place] or 0)):
        send(("begun", place, None))
        now = time.monotonic()
        until = now + max(0.0, ends - now) / (len(places) - done)
        try:
            for kind, value in _cost(job.models[place], dataset, changes, until):
                send((kind, place, value))
        except UserError as error:
            send(("unfit", place, " ".join(str(error).split())))
        except (MemoryError, RuntimeError) as error:
            send(("trouble", place, _told(error)))
        send(("done", place, None))


def _warm_up() -> None:
    """Load what the first step of all would load, which takes longer than many a step."""
    import torch

    from vyvod.experiment.assembly import make_fabric
    from vyvod.experiment.settings import check
    from vyvod.training.optimizer import make_optimizer

    settings = check({})
    fabric = make_fabric(settings)
    network = torch.nn.Linear(2, 2)
    model, optimizer = fabric.setup(network, make_optimizer(network, settings.training))
    fabric.backward(model(torch.ones(1, 2, device=fabric.device)).sum())
    optimizer.step()


def _told(error: Exception) -> str:
    memory = isinstance(error, MemoryError) or "memory" in str(error).lower()
    return (
        "the memory is not enough"
        if memory
        else f"failed: {str(error).splitlines()[0][:80] if str(error) else error!r}"
    )


def _images(job: Job) -> tuple[Dataset, dict[str, Any], Data]:
    """Some images of the data set, or of one that stands in for it; settings of the data; and what is known about it."""
    from vyvod.data.load import limit, load_dataset
    from vyvod.experiment import environment
    from vyvod.experiment.settings import check

    hardware = environment.hardware()
    machine = f"{hardware['name']}, {'GPU' if hardware['device'] == 'cuda' else str(hardware['cores']) + ' cores'}"
    data: dict[str, Any] = {"name": job.data, "root": None if job.root is None else str(job.root)}
    settings = check({"data": data, "model": dict(job.models[0])}).data
    note = None
    try:
        dataset = load_dataset(settings, job.task)
    except UserError as error:
        data = _stand_in(job)
        settings = check({"data": data, "model": dict(job.models[0])}).data
        dataset = load_dataset(settings, job.task)
        reason = re.split(r"(?<=[a-z0-9)])\. ", " ".join(str(error).split()))[0].rstrip(".")
        note = (
            f"{job.data} is not there ({reason}), so the cost is told for 1000 images, measured with those of {data['name']}; "
            "with --data-root DIR the whole training is estimated."
        )
    found = Data(len(dataset.splits["train"]), len(dataset.splits["val"]), note, machine)
    return limit(dataset, _IMAGES, seed=0), data, found


def _stand_in(job: Job) -> dict[str, Any]:
    """Images of the size that the title of the data set names, or of photos."""
    named = re.search(r"(\d+) x (\d+) pixels", catalog.find_dataset(job.data).title)
    known = [int(named[1]), int(named[2])] if named else None
    if job.task == "classification":
        return {"name": _STAND_IN[job.task], "image_size": known or _PHOTO}
    if job.task == "segmentation":
        from vyvod.experiment.segmentation import LARGEST_WHOLE, TILE

        small = known is not None and max(known) <= LARGEST_WHOLE
        return {"name": _STAND_IN[job.task], "image_size": known if small else [TILE, TILE]}
    return {"name": _STAND_IN[job.task]}


def _parameters(model: Mapping[str, Any], task: str, dataset: Dataset, data: dict[str, Any]) -> int | None:
    """The number of parameters, without room for them; None where the network cannot be built that way."""
    import torch

    from vyvod.experiment.per_task import per_task
    from vyvod.experiment.settings import check
    from vyvod.models import build

    try:
        settings = check({"data": data, "model": dict(model)})
        architecture = build.resolve(settings.model)
        spec = build.fit_input(architecture, per_task(task).native_input(dataset, settings))
        with torch.device("meta"):
            network = architecture.module.build(architecture.options, spec, len(dataset.classes))
    except Exception:  # whatever it is, it is told when it is measured
        return None
    return int(sum(parameter.numel() for parameter in network.parameters()))


def _cost(model: Mapping[str, Any], dataset: Dataset, data: dict[str, Any], until: float) -> Iterator[tuple[str, Any]]:
    """What one architecture costs, as fields of ``choice.Cost``."""
    import psutil

    from vyvod.experiment.assembly import make_fabric
    from vyvod.experiment.settings import check

    settings = check({"data": data, "model": dict(model), "tracking": []})
    yield "epochs", settings.training.epochs
    fabric = make_fabric(settings)
    assembly = _assembled(settings, dataset)
    parameters = sum(parameter.numel() for parameter in assembly.network.parameters())
    yield "parameters", parameters
    needed, there = _MEMORY * parameters, psutil.virtual_memory().available
    if fabric.device.type != "cuda" and needed > 0.7 * there:
        yield "trouble", f"needs more than {needed / 2**30:.1f} GiB of memory, {there / 2**30:.1f} are free"
        return
    full = min(settings.training.batch_size, len(dataset.splits["train"]))
    clock = Clock(_state(assembly, fabric), fabric, until)
    yield "per_image", (seconds := clock.measure(assembly, min(FIRST, full), full=full))
    # Larger batches take less time for an image: as large as by default, if there is time for it.
    affordable = int(min(_LARGER, until - time.monotonic()) / (_STEPS * seconds))
    size = full if affordable >= full else 2 ** max(affordable, 1).bit_length() // 2
    if size > FIRST:
        yield "per_image", clock.measure(assembly, size, full=full)


def _assembled(settings: Settings, dataset: Dataset) -> Assembly:
    """The parts of a run whose data set is loaded already; nothing is fitted to it."""
    from vyvod.experiment.assembly import Assembly, choose_normalisation, seeded_network, task_name
    from vyvod.experiment.per_task import Setting, per_task
    from vyvod.models import build

    task = per_task(task_name(settings))
    architecture = build.resolve(settings.model)
    spec = build.fit_input(architecture, task.native_input(dataset, settings))
    normalisation = choose_normalisation(settings, architecture, dataset, spec)
    setting = Setting(dataset.classes, settings, architecture, spec, normalisation, dataset.splits["train"])
    network = seeded_network(settings, architecture, spec, len(dataset.classes))
    return Assembly(settings, dataset, task.make_task(setting), architecture, spec, normalisation, network, None)


def _state(assembly: Assembly, fabric: Fabric) -> State:
    from vyvod.experiment.assembly import placed
    from vyvod.training.optimizer import make_optimizer
    from vyvod.training.state import State

    network = placed(assembly.network, assembly.settings, fabric)
    return State(network, *fabric.setup(network, make_optimizer(network, assembly.settings.training)))


class Clock:
    """Takes the time of training steps: of reading the images, of computing, and of the update, which no batch size changes."""

    def __init__(self, state: State, fabric: Fabric, until: float) -> None:
        self.state, self.fabric, self.until = state, fabric, until
        self.reading: list[float] = []
        self.computing: list[float] = []
        self.updating: list[float] = []
        self.began = 0.0
        state.optimizer.register_step_pre_hook(lambda *_: self._begin_update())
        state.optimizer.register_step_post_hook(lambda *_: self.updating.append(self._now() - self.began))

    def measure(self, assembly: Assembly, size: int, *, full: int) -> float:
        """Seconds of training for an image in batches of ``full``, measured with batches of ``size``."""
        from vyvod.data.loading import default_workers
        from vyvod.experiment.assembly import make_loaders
        from vyvod.training.loop import Course, fit

        settings, state = assembly.settings, self.state
        training = settings.training.model_copy(update={"batch_size": size, "accumulate": 1, "epochs": state.epoch + 1})
        # In this process, so that reading and computing can be told apart.
        data = settings.data.model_copy(update={"workers": 0})
        single = replace(assembly, settings=settings.model_copy(update={"training": training, "data": data}))
        loader = make_loaders(single, self.fabric, ("train",))["train"]
        self.reading, self.computing, self.updating = [], [], []
        course = Course(assembly.task, training, settings.seed, lambda _: self._batches(loader), len(loader))
        fit(self.fabric, state, course, lambda *_: True)
        update = _usual(self.updating)
        reading, computing = (
            _usual(self.reading) / size,
            max(0.0, _usual(self.computing) - update) / size + update / full,
        )
        reading /= 1 if loader.in_memory else default_workers(settings.data, 1)
        # Workers read while a GPU computes; on the CPU they take from the same cores.
        return max(reading, computing) if self.fabric.device.type == "cuda" else reading + computing

    def _batches(self, loader: Loader) -> Iterator[Batch]:
        for number in count():
            began = time.monotonic()
            for batch in loader.epoch(number):
                ready = self._now()
                yield batch
                ended = self._now()
                self.reading.append(ready - began)
                self.computing.append(ended - ready)
                if len(self.reading) >= _STEPS or ended > self.until:
                    return
                began = ended

    def _begin_update(self) -> None:
        self.began = self._now()

    def _now(self) -> float:
        if self.fabric.device.type == "cuda":
            import torch

            torch.cuda.synchronize()
        return time.monotonic()


def _usual(seconds: Sequence[float]) -> float:
    # Of the only step, where there was time for one.
    return median(seconds[1:] or seconds)
