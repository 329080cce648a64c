"""Whether arrays of a run folder are what a task writes there; sentences for those that are not."""

from collections.abc import Iterable
from pathlib import Path

from vyvod.errors import RunError
from vyvod.report.records import Arrays


def expect_names(path: Path, arrays: Arrays, names: Iterable[str]) -> None:
    """Raise `RunError` where an array is missing."""
    missing = [name for name in names if name not in arrays]
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}. `vyvod evaluate RUN` writes it again.")


def expect_shape(path: Path, arrays: Arrays, name: str, shape: tuple[int, ...]) -> None:
    """Raise `RunError` where an array that is there has another shape."""
    if name in arrays and arrays[name].shape != shape:
        raise RunError(
            f"{path} holds '{name}' of the shape {arrays[name].shape}, expected was {shape}; it belongs to another run. "
            "`vyvod evaluate RUN` writes it again."
        )
