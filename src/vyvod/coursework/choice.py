"""What each architecture costs on this machine, and what it reaches in the literature.

The measuring is done by a process of its own: it can be stopped when a step takes too long, and a network for which the memory
is not enough takes nothing else with it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vyvod import catalog
from vyvod.coursework.pace import FIRST, Data, Job, measure
from vyvod.errors import SettingsError, UserError

if TYPE_CHECKING:
    from vyvod.types import Progress

SECONDS = 28.0
"""For all architectures together, besides loading torch and the data."""
LEAST = 3.0
"""Seconds that the last of the architectures is given too."""
_LOADING = 180.0
"""Seconds after which a data set that is still being read is given up."""
HEAD = ("architecture", "parameters", "an epoch", "whole training", "in the literature")
HEAD_WITHOUT_DATA = ("architecture", "parameters", "1000 images", "in the literature")
VARIANTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "vgg": ({"depth": 16},),
    "efficientnet": ({"variant": "b0"},),
    "resnet": ({"depth": 20}, {"depth": 18}, {"depth": 50}),
    "unet": ({"width": 16}, {"width": 32}),
    "deeplab": ({"backbone": "vgg16"},),
    "deeplabv3": ({"backbone": "mobilenet"}, {"backbone": "resnet50"}),
    "faster-rcnn": ({"backbone": "mobilenet-320"}, {"backbone": "resnet50-fpn"}),
    "mask-rcnn": ({"backbone": "resnet50-fpn"},),
    "yolo3": ({"size": "tiny"}, {"size": "full"}),
    "yolo4": ({"size": "tiny"}, {"size": "full"}),
    "yolo5": ({"size": "n"}, {"size": "s"}),
}
"""Architectures that are shown in certain sizes; the others as they are by default."""


@dataclass(frozen=True, slots=True)
class Choices:
    """A table to choose from."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    """From cheap to dear; what could not be measured comes last."""
    notes: Sequence[str]
    """Sentences about how it was measured, and what was left out."""


@dataclass(slots=True)
class Cost:
    """What is known about one architecture."""

    parameters: int | None = None
    per_image: float | None = None
    """Seconds of training for an image."""
    at_least: float | None = None
    """The same where a step was still going on when the time was over."""
    epochs: int | None = None
    """Of the whole training, by default."""
    trouble: str | None = None
    """Why it was not measured."""
    unfit: str | None = None
    """Why it does not go together with the data set."""

    @property
    def order(self) -> tuple[bool, float, int]:
        """From cheap to dear."""
        known = self.per_image if self.per_image is not None else self.at_least
        return known is None, known or 0.0, self.parameters or 0


def choices(task: str, data: str, *, data_root: Path | None, progress: Progress) -> Choices:
    """A table of the architectures for a task: cost on this machine, measured by some steps of training, and literature.

    Args:
        task: classification, segmentation or detection.
        data: the data set, as in the settings.
        data_root: where its images lie.
        progress: how to show where it stands.

    Raises:
        SettingsError: there is no such task or data set, or it has no targets for the task.
        UserError: nothing could be measured.
    """
    _check(task, data)
    job = Job(task, data, data_root, models_of(task))
    found, costs = _measure(job, progress)
    order = sorted(range(len(costs)), key=lambda place: costs[place].order)
    rows = [_row(job, found, job.models[place], costs[place]) for place in order if costs[place].unfit is None]
    return Choices(HEAD_WITHOUT_DATA if found.note else HEAD, rows, list(_notes(job, found, costs)))


def models_of(task: str) -> list[dict[str, Any]]:
    """Settings of the networks for a task, of libraries the example that their title names."""
    found: list[dict[str, Any]] = []
    for name, entry in catalog.architectures().items():
        if task not in entry.tasks:
            continue
        example = re.search(r"such as (\S+?)\.?$", entry.title) if entry.constants.get("PATTERN") else None
        if example:
            found.append({"name": example[1]})
        elif not entry.constants.get("PATTERN"):
            found += [{"name": name, **options} for options in VARIANTS.get(name, ({},))]
    return found


def told_model(model: Mapping[str, Any]) -> str:
    """A network as one types it behind ``model=``, such as ``resnet model.depth=50``."""
    return " ".join([str(model["name"]), *(f"model.{key}={value}" for key, value in model.items() if key != "name")])


def _check(task: str, data: str) -> None:
    if task not in catalog.TASKS:
        raise SettingsError(
            f"There is no task '{task}'.{catalog.nearest(task, catalog.TASKS)} Known: {', '.join(catalog.TASKS)}."
        )
    entry = catalog.find_dataset(data, task=task)
    if task not in entry.tasks:
        raise SettingsError(
            f"data={data} has targets for {', '.join(entry.tasks)}, not for {task}. `vyvod list data` shows what each is for."
        )


# The process that waits.


def _measure(job: Job, progress: Progress) -> tuple[Data, list[Cost]]:
    costs = [Cost() for _ in job.models]
    waiting = list(range(len(costs)))
    found: Data | None = None
    ends = float("inf")
    progress.begin("measuring architectures", len(costs))
    try:
        while waiting and time.monotonic() < ends:
            session = _Session(job, costs, waiting, progress, seconds=min(SECONDS, ends - time.monotonic()))
            found, ends = session.watch(found, ends)
            waiting = session.waiting
    finally:
        progress.end()
    for place in waiting:
        costs[place].trouble = "not measured: the time was over"
    if found is None:
        raise UserError(f"Nothing could be measured: data={job.data} could not be read in {_LOADING:g} s.")
    return found, costs


class _Session:
    """One measuring process, from its start to its end."""

    def __init__(self, job: Job, costs: list[Cost], waiting: list[int], progress: Progress, *, seconds: float) -> None:
        self.costs, self.waiting, self.progress = costs, list(waiting), progress
        context = get_context("spawn")
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=measure, args=(sender, job, waiting, seconds), daemon=True)
        self.process.start()
        sender.close()

    def watch(self, found: Data | None, ends: float) -> tuple[Data | None, float]:
        """Take down what the process reports, and stop it where an architecture takes longer than its share."""
        limit, begun, built = time.monotonic() + _LOADING, None, 0.0
        try:
            while True:
                message = self._next(limit)
                now = time.monotonic()
                if message is None:
                    self._give_up(begun, now - built)
                    return found, ends
                kind, place, value = message
                if kind == "data":
                    found, ends = value, min(ends, now + SECONDS)
                elif kind == "begun":
                    begun, built = place, now
                    # Whoever measures keeps to half of that, unless a single step takes longer.
                    limit = now + max(LEAST, 2 * (ends - now) / len(self.waiting))
                elif kind == "done":
                    begun = None
                    self._settle(place)
                    if not self.waiting or now > ends:
                        return found, ends
                else:
                    built = now if kind == "parameters" else built
                    setattr(self.costs[place], kind, value)
        finally:
            self.process.kill()
            self.process.join()
            self.receiver.close()

    def _next(self, limit: float) -> tuple[str, int, Any] | None:
        """The next report; None where the time is over or the process has died."""
        try:
            if self.receiver.poll(max(0.0, limit - time.monotonic())):
                message: tuple[str, int, Any] = self.receiver.recv()
                return message
        except (EOFError, OSError):
            pass
        return None

    def _give_up(self, begun: int | None, seconds: float) -> None:
        if begun is None:
            # Between two architectures: the next one would fare no better.
            for place in self.waiting:
                self.costs[place].trouble = "not measured"
            self.waiting = []
            return
        cost = self.costs[begun]
        if cost.per_image is None:
            died = not self.process.is_alive()
            cost.trouble = "the memory is not enough" if died else f"more than {seconds:.0f} s for a step"
            cost.at_least = None if died else seconds / FIRST
        self._settle(begun)

    def _settle(self, place: int) -> None:
        self.waiting.remove(place)
        self.progress.advance(1)


def _row(job: Job, found: Data, model: Mapping[str, Any], cost: Cost) -> list[str]:
    from vyvod.coursework.literature import figure

    parameters = "?" if cost.parameters is None else f"{cost.parameters / 1e6:.2f} M"
    published = figure(model, job.data) or "-"
    if cost.trouble and cost.at_least is None:
        times = [cost.trouble] if found.note else [cost.trouble, "-"]
    else:
        times = _times(found, cost)
    return [told_model(model), parameters, *times, published]


def _times(found: Data, cost: Cost) -> list[str]:
    bound, seconds = ("", cost.per_image) if cost.per_image is not None else ("> ", cost.at_least or 0.0)
    if found.note:
        return [bound + _duration(1000 * seconds)]
    # After each epoch the val images pass once, without the way back: about a third of the work.
    epoch = seconds * (found.train + found.val / 3)
    whole = f"{bound}{_duration(epoch * cost.epochs)} ({cost.epochs} epochs)" if cost.epochs else "-"
    return [bound + _duration(epoch), whole]


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{1 if seconds < 10 * size else 0}f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{max(0.1, seconds):.1f} s"


def _notes(job: Job, found: Data, costs: Sequence[Cost]) -> list[str]:
    what = f"{found.train} training images of {job.data}"
    notes = [
        f"Measured on this machine ({found.machine}) by some steps of training with the default settings"
        f"{'' if found.note else f', for {what}'}. That is a rough estimate, and other programs that run beside it count too.",
        "The figures of the literature come from long trainings on the data that they name, often on many GPUs.",
    ]
    notes += [found.note] if found.note else []
    if any(cost.trouble for cost in costs):
        notes.append(
            "What was too slow here may be right on a GPU: `vyvod coursework notebook` takes a training to Colab or Kaggle."
        )
    for model, cost in zip(job.models, costs, strict=True):
        if cost.unfit:
            notes.append(f"Left out: {told_model(model)}: {cost.unfit}")
    return notes
