"""Curves for TensorBoard: ``tensorboard --logdir runs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from vyvod.tracking.tags import class_tags, tag


class TensorBoard:
    """Event files in a folder; the x axis is the epoch."""

    def __init__(self, folder: Path, *, resume_epoch: int) -> None:
        # purge_step hides epochs that a killed run had shown before their checkpoint was written.
        self.writer = SummaryWriter(str(folder), purge_step=resume_epoch + 1)
        self.step = resume_epoch

    def epoch(self, row: Mapping[str, float], *, epoch: int, per_class: Mapping[str, Mapping[str, float]]) -> None:
        """Write the numbers of one epoch to disk; they are there when this returns."""
        self.step = epoch
        curves = {tag(column): value for column, value in row.items() if column != "epoch"}
        for name, value in {**curves, **class_tags(per_class)}.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def images(self, name: str, paths: Sequence[Path]) -> None:
        """Write pictures as ``<name>/<file>``, at the last epoch."""
        for path in paths:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
            self.writer.add_image(f"{name}/{path.stem}", pixels, self.step, dataformats="HWC")

    def close(self, summary: Mapping[str, float]) -> None:
        """Write the final values as points at the last epoch."""
        for column, value in summary.items():
            self.writer.add_scalar(tag(column), value, self.step)
        self.writer.close()
