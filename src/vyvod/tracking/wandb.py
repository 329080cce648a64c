"""Curves for Weights & Biases: offline unless the user is logged in; never a prompt, and never the end of a training."""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vyvod.errors import SettingsError
from vyvod.files import write_text
from vyvod.tracking.login import logged_in
from vyvod.tracking.tags import class_tags, tag

_LOG = logging.getLogger(__name__)
_START_SECONDS = 30.0
_FINISH_SECONDS = 120.0
"""How long the end of a run waits for a slow network; what is not sent then stays in the run folder for `wandb sync`."""


class Wandb:
    """A run of W&B. Whatever it raises is logged and forgotten: the same numbers are in the CSV files."""

    def __init__(self, run: Any) -> None:
        self.run = run
        # Not W&B's own step: that cannot go back, and a resumed run may show an epoch again.
        run.define_metric("epoch", hidden=True)
        run.define_metric("*", step_metric="epoch")

    def epoch(self, row: Mapping[str, float], *, epoch: int, per_class: Mapping[str, Mapping[str, float]]) -> None:
        """Log the numbers of one epoch."""
        curves = {tag(column): value for column, value in row.items() if column != "epoch"}
        with _tolerated():
            self.run.log({"epoch": epoch, **curves, **class_tags(per_class)})

    def images(self, name: str, paths: Sequence[Path]) -> None:
        """Log pictures as one panel."""
        import wandb

        with _tolerated():
            self.run.log({name: [wandb.Image(str(path), caption=path.stem) for path in paths]})

    def close(self, summary: Mapping[str, float]) -> None:
        """Write the final values into the summary and finish the run."""
        with _tolerated():
            self.run.summary.update({tag(column): value for column, value in summary.items()})
            self.run.finish()


def open_wandb(folder: Path, *, name: str, settings: Mapping[str, Any]) -> Wandb:
    """Start a run of W&B below ``folder/wandb``, or go on with the one that was started there.

    Args:
        folder: the run folder.
        name: name of the run.
        settings: all settings, shown as the run's configuration.

    Raises:
        SettingsError: wandb is not installed.
    """
    mode = _mode()
    _confine(folder.resolve() / "wandb")
    _require()
    for attempt in (mode, "offline"):
        try:
            return Wandb(_start(folder, attempt, name=name, settings=settings))
        except Exception as error:
            # A wrong key, no network, or a full disk.
            _LOG.warning("W&B could not start%s: %s", "" if attempt == "offline" else " and stays offline", error)
            _give_up()
    return Wandb(_start(folder, "disabled", name=name, settings=settings))


def _give_up() -> None:
    import wandb

    # Otherwise the service goes on trying, and keeps the id of the run to itself.
    wandb.teardown()


def _confine(folder: Path) -> None:
    # Read when wandb is imported. Without the first, it reports its own errors to its makers, also when it is offline;
    # without the second it prints how it logged in, whatever the settings of the run say.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")
    for place in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        os.environ.setdefault(place, str(folder / "cache"))


def _require() -> None:
    try:
        import wandb  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "tracking names wandb, which is not installed. Install it with `pip install vyvod[wandb]`, or leave it out: "
            "tracking=[tensorboard]."
        ) from error


def _mode() -> Any:
    # None leaves it to W&B, which then reads `wandb offline` and the like from its own files. It asks only when it has no key.
    wanted = os.environ.get("WANDB_MODE")
    return wanted if logged_in() or wanted in ("disabled", "dryrun") else "offline"


def _start(folder: Path, mode: Any, *, name: str, settings: Mapping[str, Any]) -> Any:
    import wandb

    quiet = wandb.Settings(
        silent=True,
        console="off",
        init_timeout=_START_SECONDS,
        finish_timeout=_FINISH_SECONDS,
        save_code=False,
        symlink=False,
    )
    return wandb.init(
        project=os.environ.get("WANDB_PROJECT", "vyvod"),
        id=_run_id(folder / "wandb" / "run_id.txt"),
        resume=None if mode in ("offline", "dryrun") else "allow",
        name=name,
        group=group(name, settings),
        config=dict(settings),
        dir=folder,
        mode=mode,
        settings=quiet,
    )


def group(name: str, settings: Mapping[str, Any]) -> str:
    """The name under which the seeds of one description stand together.

    Args:
        name: of the run folder; ``fashion-mnist-plain-2`` is the second of its kind.
        settings: with ``name`` (None: the folder was named for the user, so a number at the end is not theirs) and ``seed``.
    """
    base = settings.get("name") or re.sub(r"-\d+$", "", name)
    return re.sub(rf"[-_.]?(?:seed|s)[-_.]?{settings.get('seed', 0)}$", "", base) or base


def _run_id(path: Path) -> str:
    if not path.exists():
        write_text(path, secrets.token_hex(4))
    return path.read_text(encoding="utf-8").strip()


@contextmanager
def _tolerated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _LOG.warning("W&B did not take the numbers: %s", error)
