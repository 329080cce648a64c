"""How good a network is on one split: forward passes and a meter, over all processes."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from vyvod.data.loading import Loader
from vyvod.tasks.contract import Meter, Task
from vyvod.types import Progress, Scores, Silence


def evaluate(
    fabric: Fabric,
    network: nn.Module,
    task: Task,
    loader: Loader,
    *,
    label: str = "evaluating",
    progress: Progress | None = None,
) -> Scores:
    """Scores of a network on the images of a loader; every image counts once, however many processes there are.

    Args:
        fabric: launched.
        network: the bare network, not wrapped for training: no process waits for another in here.
        task: what outputs and targets mean.
        loader: not for training.
        label: what the progress bar says.
        progress: where to show it.
    """
    progress = progress or Silence()
    meter = task.meter()
    was_training = network.training
    network.eval()
    progress.begin(label, len(loader.split))
    with torch.inference_mode():
        for batch in loader.epoch(0):
            with fabric.autocast():
                predictions = task.validate(network, batch)
            meter.update(predictions, batch.targets, list(batch.ids))
            progress.advance(len(batch.ids) * fabric.world_size)
    progress.end()
    network.train(was_training)
    return _gathered(fabric, task, meter).compute()


def _gathered(fabric: Fabric, task: Task, meter: Meter) -> Meter:
    if fabric.world_size == 1:
        return meter
    parts: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(parts, meter)
    whole = task.meter()
    for part in parts:
        whole.merge(part)
    return whole
