"""Writing files so that a crash never leaves half of one, and reading them so that nothing in them is executed."""

import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import yaml

from vyvod.errors import RunError, UserError


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write ``path`` through a temporary file beside it, fsync and rename: readers see the old file or the new one.

    Args:
        path: the file; its folder is made if need be.
        write: is given the open binary file.

    Raises:
        RunError: the disk is full, or the folder cannot be written. The old file is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except Exception as error:
        trouble = disk_trouble(error)
        if trouble is None:
            raise
        raise _explain(path, trouble) from error


def disk_trouble(error: BaseException | None) -> OSError | None:
    """The error of the system behind an error, if there is one: writers of archives hide a full disk behind errors of theirs."""
    while error is not None:
        if isinstance(error, OSError):
            return error
        error = error.__cause__ or error.__context__
    return None


def full_disk(error: BaseException) -> RunError | None:
    """A sentence for the user where a full disk is behind an error, wherever it was noticed."""
    trouble = disk_trouble(error)
    if trouble is None or trouble.errno not in _FULL:
        return None
    return _explain(Path(str(trouble.filename or "a file of the run")), trouble)


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _umask() -> int:
    # The mask can only be read by setting it. mkstemp makes files private; results are meant to be shared.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _explain(path: Path, error: OSError) -> RunError:
    if error.errno in _FULL:
        return RunError(
            f"The disk is full: {path} could not be written. Nothing that was written before is lost; "
            "free some space, then go on with `vyvod train --resume RUN`."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RunError(
            f"{path} cannot be written ({error.strerror}). Choose a folder that you may write to: folder=DIR."
        )
    return RunError(f"{path} could not be written: {error}.")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, with Unix line ends on every system."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, record: object) -> None:
    """Write a JSON record atomically, indented, non-ASCII letters as they are."""
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n")


def write_compact_json(path: Path, record: object) -> None:
    """Write a large JSON record atomically, without spaces: for programs, not for people."""
    write_text(path, json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is absent or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is not readable JSON: {error}.") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping with the safe loader: tags that would build Python objects are refused.

    Raises:
        UserError: the file is absent, is not YAML, or is not a mapping.
    """
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except (yaml.YAMLError, ValueError, OSError) as error:
        reason = " ".join(str(error).replace('in "<unicode string>", ', "at ").split()).rstrip(" ^.:")
        raise UserError(f"{path} is not readable YAML: {reason}.") from error
    if record is None:
        return {}
    if not isinstance(record, dict):
        raise UserError(f"{path} holds {type(record).__name__}; expected a mapping of `key: value` lines.")
    return record


def write_yaml(path: Path, record: Mapping[str, Any]) -> None:
    """Write a YAML mapping atomically, keys in the given order."""
    write_text(path, yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True))
