"""What receives the numbers of a run while it trains, besides the CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """A place where curves can be watched."""

    def epoch(self, row: Mapping[str, float], *, epoch: int, per_class: Mapping[str, Mapping[str, float]]) -> None:
        """Take the numbers of one epoch.

        Args:
            row: a row of ``metrics.csv``: column -> value.
            epoch: its number, from 1; the x axis.
            per_class: metric -> class -> value on val; NaN for a class that is absent.
        """

    def images(self, name: str, paths: Sequence[Path]) -> None:
        """Take pictures, at the end of a run."""

    def close(self, summary: Mapping[str, float]) -> None:
        """Take the final values (``test_<metric>``) and end."""


def open_trackers(
    names: Iterable[str], folder: Path, *, name: str, settings: Mapping[str, Any], resume_epoch: int
) -> list[Tracker]:
    """Open trackers for a run.

    Args:
        names: ``tensorboard``, ``wandb``.
        folder: the run folder; everything is written below it.
        name: name of the run.
        settings: all settings as plain values, with ``seed``.
        resume_epoch: epochs that are done already, 0 for a new run; what was shown of later ones is taken back.

    Raises:
        SettingsError: wandb is asked for and not installed.
    """
    return [_open(each, folder, name=name, settings=settings, resume_epoch=resume_epoch) for each in names]


def _open(tracker: str, folder: Path, *, name: str, settings: Mapping[str, Any], resume_epoch: int) -> Tracker:
    # Each takes a second to import; only what is switched on is.
    if tracker == "wandb":
        from vyvod.tracking.wandb import open_wandb

        return open_wandb(folder, name=name, settings=settings)
    from vyvod.tracking.tensorboard import TensorBoard

    return TensorBoard(folder / "tensorboard", resume_epoch=resume_epoch)
