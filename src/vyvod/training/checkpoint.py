"""Saving and restoring a training, so that a killed run goes on with the same bits.

``last.pt`` alone is what a run resumes from: one file, replaced atomically. The ``.safetensors`` files beside it are what
others load. Generators need not be saved, since every draw follows from the seed and its place (``vyvod.seeds``).
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from vyvod.errors import RunError
from vyvod.files import write_atomically
from vyvod.training.state import State

FORMAT = 1


def save(state: State, fabric: Fabric, path: Path) -> None:
    """Write the whole training state.

    Raises:
        RunError: the disk is full or the folder read-only; the old file is kept.
    """
    record = {
        "format": FORMAT,
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "average": None if state.average is None else state.average.state_dict(),
        "scaler": fabric.strategy.precision.state_dict(),
        **{name: getattr(state, name) for name in _PLAIN},
    }
    write_atomically(path, lambda file: torch.save(record, file))


_PLAIN = ("epoch", "step", "best", "best_epoch", "rows", "class_rows", "skipped")


def restore(state: State, fabric: Fabric, path: Path) -> None:
    """Put a training back to where it was saved.

    Raises:
        RunError: the file is missing, damaged, hostile, or of another network.
    """
    record = _read(path, fabric.device)
    try:
        state.network.load_state_dict(record["network"])
        state.optimizer.load_state_dict(record["optimizer"])
        if state.average is not None:
            state.average.load_state_dict(record["average"])
        fabric.strategy.precision.load_state_dict(record["scaler"])
        for name in _PLAIN:
            setattr(state, name, record[name])
    except (KeyError, RuntimeError, ValueError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(
            f"{path} does not belong to this network or version of the program: {reason}. "
            "Train anew from the run's settings.yaml."
        ) from error


def _read(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        record = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise RunError(
            f"There is no {path}: the run was stopped before its first epoch ended. Start it anew."
        ) from None
    except pickle.UnpicklingError as error:
        raise RunError(
            f"{path} is not a training state of this program: it was not loaded, and nothing in it ran."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise RunError(
            f"{path} is damaged ({' '.join(str(error).split())[:120]}). Train anew from settings.yaml."
        ) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise RunError(f"{path} is not a training state of this version of the program. Train anew from settings.yaml.")
    return record
