"""The run folder: making it, holding it, and keeping its ``run.json`` true."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vyvod.errors import RunError
from vyvod.files import read_json, write_json

FORMAT = 1


def create_folder(parent: Path, name: str) -> Path:
    """Make ``parent/name``, or ``name-2``, ``name-3`` ... where that is taken; never one that exists.

    Raises:
        RunError: the folder cannot be made.
    """
    name = re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "run"
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            if parent.exists() and not parent.is_dir():
                raise RunError(f"{parent} is a file; expected a folder for runs: folder=DIR.") from None
            number += 1
        except OSError as error:
            raise RunError(
                f"The run folder {folder} cannot be made: {error.strerror}. Choose another: folder=DIR."
            ) from error
        else:
            return folder


def open_folder(folder: Path) -> dict[str, Any]:
    """The ``run.json`` of a run folder.

    Raises:
        RunError: it is not a run folder, or one of another version.
    """
    if not (folder / "run.json").is_file():
        what = "is not a run folder (it has no run.json)" if folder.is_dir() else "does not exist"
        raise RunError(f"{folder} {what}. Give the folder that `vyvod train` named, such as runs/fashion-mnist-plain.")
    record = read_json(folder / "run.json")
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise RunError(f"{folder}/run.json is not a record of this version of the program (expected format {FORMAT}).")
    return record


def update(folder: Path, **changes: Any) -> dict[str, Any]:
    """Change entries of ``run.json`` and write it."""
    path = folder / "run.json"
    record: dict[str, Any] = {**(read_json(path) if path.exists() else {"format": FORMAT}), **changes}
    write_json(path, record)
    return record


def add_event(folder: Path, event: str, **facts: Any) -> None:
    """Add to the history of a run."""
    history = open_folder(folder).get("history", [])
    update(folder, history=[*history, {"event": event, "time": now(), **facts}])


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run folder while it is written to. The system lets go of it when the process dies, however it dies.

    Raises:
        RunError: a living process holds it, or the folder is read-only.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(
            f"{folder} is in use by another process that is still running. Wait until it ends, or stop it first."
        ) from None
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror}). Copy it to where you may write.") from error
    try:
        yield
    finally:
        lock.release()


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def number(value: float) -> float | None:
    """A score for JSON: NaN becomes null."""
    return None if math.isnan(value) else float(value)
