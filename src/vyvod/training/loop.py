"""The one training loop, for every task, on one device or many."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from lightning_fabric import Fabric
from torch import Tensor

from vyvod.errors import TrainingError
from vyvod.seeds import seed_everything
from vyvod.tasks.contract import Task
from vyvod.training import optimizer, schedule
from vyvod.training.settings import TrainingSettings
from vyvod.training.state import State
from vyvod.types import Batch, LossParts, Progress, Silence

READ_EVERY = 20
"""Steps between two readings of the loss on a GPU: reading waits for everything that is still being computed."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is trained on, and how."""

    task: Task
    settings: TrainingSettings
    seed: int
    batches: Callable[[int], Iterable[Batch]]
    """Epoch, counted from 0 -> its batches."""
    steps: int
    """Batches per epoch."""
    progress: Progress = field(default_factory=Silence)


def fit(
    fabric: Fabric, state: State, course: Course, after_epoch: Callable[[State, Mapping[str, float]], bool]
) -> None:
    """Train until ``settings.epochs`` are done, or until ``after_epoch`` says that it is enough.

    Args:
        fabric: launched.
        state: where the training stands; changed in place.
        course: what is trained on, and how.
        after_epoch: is given the state and the mean loss parts of the epoch; True stops.

    Raises:
        TrainingError: a loss is not finite.
    """
    while state.epoch < course.settings.epochs:
        seed_everything(course.seed, "epoch", state.epoch, fabric.global_rank)
        means = _epoch(fabric, state, course)
        state.epoch += 1
        if after_epoch(state, means):
            return


def _epoch(fabric: Fabric, state: State, course: Course) -> dict[str, float]:
    ledger = Ledger(fabric, state.epoch, course)
    state.network.train()
    for place, batch in enumerate(course.batches(state.epoch)):
        last = (place + 1) % course.settings.accumulate == 0
        with fabric.no_backward_sync(state.model, enabled=not last):
            parts = course.task.losses(state.model, batch)
            fabric.backward(torch.stack(list(parts.values())).sum() / course.settings.accumulate)
        ledger.note(place, parts, images=len(batch.ids))
        if last:
            _step(fabric, state, course.settings, state.epoch + (place + 1 - course.settings.accumulate) / course.steps)
    return ledger.means()


def _step(fabric: Fabric, state: State, settings: TrainingSettings, epoch: float) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = optimizer.learning_rate(settings) * schedule.factor(settings, epoch)
    if settings.clip_norm is not None:
        fabric.clip_gradients(state.model, state.optimizer, max_norm=settings.clip_norm, error_if_nonfinite=False)
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    if state.average is not None:
        state.average.update_parameters(state.network)
    state.step += 1


class Ledger:
    """Sums the loss parts of an epoch, and stops the run at the first that is not finite."""

    def __init__(self, fabric: Fabric, epoch: int, course: Course) -> None:
        self.fabric, self.epoch, self.course = fabric, epoch, course
        self.every = READ_EVERY if fabric.device.type == "cuda" else 1
        self.pending: list[tuple[int, Tensor]] = []
        self.names: list[str] = []
        self.sums: list[float] = []
        self.images = 0
        self.noted = 0

    def note(self, place: int, parts: LossParts, *, images: int) -> None:
        """Take down the loss parts of a batch."""
        self.names = list(parts)
        self.sums = self.sums or [0.0] * len(parts)
        self.pending.append((place, torch.stack([part.detach().float() for part in parts.values()])))
        self.images += images * self.fabric.world_size
        if len(self.pending) >= self.every:
            self._read()

    def means(self) -> dict[str, float]:
        """Mean of each part over the batches of all processes."""
        self._read()
        sums = torch.tensor([*self.sums, float(self.noted)], dtype=torch.float64)
        if self.fabric.world_size > 1:
            torch.distributed.all_reduce(shared := sums.to(self.fabric.device))
            sums = shared.cpu()
        return {name: float(total / sums[-1]) for name, total in zip(self.names, sums, strict=False)}

    def _read(self) -> None:
        for place, parts in self.pending:
            values = parts.tolist()
            for name, value in zip(self.names, values, strict=True):
                if not math.isfinite(value):
                    raise TrainingError(self._alarm(place, name, value))
            self.sums = [total + value for total, value in zip(self.sums, values, strict=True)]
            self.noted += 1
        if self.pending:
            self.course.progress.advance(self.images, note=f"loss {sum(self.pending[-1][1].tolist()):.3f}")
        self.pending, self.images = [], 0

    def _alarm(self, place: int, name: str, value: float) -> str:
        return (
            f"The loss became {value} in epoch {self.epoch + 1}, step {place + 1} of {self.course.steps}, part '{name}': "
            f"the training was stopped{', and the checkpoint of the last whole epoch is kept' if self.epoch else ''}. "
            "Lower training.learning_rate (vyvod find-lr proposes one), set training.clip_norm=1, "
            "or use training.precision=32."
        )
