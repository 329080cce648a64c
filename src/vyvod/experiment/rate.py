"""``vyvod find-lr``: the sweep of learning rates for some settings, as a number and a figure."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vyvod.data.loading import Loader
from vyvod.errors import DataError
from vyvod.experiment.assembly import assemble, make_fabric, make_loaders
from vyvod.experiment.settings import Settings
from vyvod.files import write_atomically
from vyvod.seeds import seed_everything
from vyvod.training.finder import Sweep, sweep
from vyvod.training.optimizer import make_optimizer
from vyvod.types import Batch, Progress, Silence

STEPS = 120
LOWEST, HIGHEST = 1e-6, 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of the finder."""

    proposed: float
    steepest: float
    blows_up: float
    """The highest rate that was tried: there the loss was four times its lowest value, or the sweep ended."""
    figure: Path


def find_rate(settings: Settings, *, progress: Progress | None = None) -> Found:
    """Sweep the learning rate from 1e-6 to 1 over at most 120 batches of the train split.

    Raises:
        UserError: the settings do not fit together, or every loss was infinite.
    """
    single = settings.training.model_copy(update={"devices": 1, "nodes": 1, "accumulate": 1})
    settings = settings.model_copy(update={"training": single})
    fabric, assembly = make_fabric(settings), assemble(settings)
    progress = progress or Silence()
    loader = make_loaders(assembly, fabric, ("train",), progress)["train"]
    seed_everything(settings.seed, "rate")
    network = assembly.network.to(fabric.device)
    rates = np.geomspace(LOWEST, HIGHEST, STEPS).tolist()
    progress.begin("finding the learning rate", STEPS * settings.training.batch_size)
    seen = sweep(network, make_optimizer(network, settings.training), assembly.task, _endless(loader, progress), rates)
    progress.end()
    if len(seen.losses) < STEPS // 10:
        raise DataError(
            f"The loss was not finite after {len(seen.losses)} steps at tiny learning rates: check the data and data.mean/std."
        )
    figure = (
        settings.folder / "learning-rates" / f"{Path(settings.data.name).stem}-{Path(settings.model.name).stem}.png"
    )
    _draw(seen, figure)
    return Found(seen.proposed, seen.steepest, seen.rates[-1], figure)


def _endless(loader: Loader, progress: Progress) -> Iterator[Batch]:
    epoch = 0
    while True:
        for batch in loader.epoch(epoch):
            progress.advance(len(batch.ids))
            yield batch
        epoch += 1


def _draw(seen: Sweep, path: Path) -> None:
    from vyvod.report.figures import rate_sweep

    buffer = io.BytesIO()
    rate_sweep(seen.rates, seen.losses, proposed=seen.proposed).savefig(buffer, format="png", dpi=200)
    write_atomically(path, lambda file: file.write(buffer.getvalue()))
    rows = "\n".join(f"{rate!r},{loss!r}" for rate, loss in zip(seen.rates, seen.losses, strict=True))
    write_atomically(path.with_suffix(".csv"), lambda file: file.write(f"learning_rate,loss\n{rows}\n".encode()))
