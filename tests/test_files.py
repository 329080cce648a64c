"""Writing is atomic, reading executes nothing."""

import errno
import io
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch

from vyvod import files
from vyvod.errors import RunError, UserError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def fill_the_disk(file: IO[bytes]) -> None:
        file.write(b"half of the ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="The disk is full"):
        files.write_atomically(path, fill_the_disk)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_behind_the_error_of_an_archive_is_found(tmp_path: Path) -> None:
    class Full(io.BytesIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    # torch.save and NumPy close their archives on the way out, which fails too and hides the first error.
    for save in (lambda file: torch.save({"a": torch.zeros(9)}, Full()), lambda file: np.savez(Full(), a=np.zeros(9))):
        with pytest.raises(RunError, match="The disk is full"):
            files.write_atomically(tmp_path / "a", save)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def stop(file: IO[bytes]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(path, stop)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_yaml_that_would_run_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evil.yaml").write_text(f"a: !!python/object/apply:os.system ['touch {tmp_path}/ran']")
    with pytest.raises(UserError, match="not readable YAML"):
        files.read_yaml(tmp_path / "evil.yaml")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "says"), [("a: [", "not readable YAML"), ("- 1", "expected a mapping"), ("\x00", "not readable")]
)
def test_yaml_that_is_none(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UserError, match=says):
        files.read_yaml(tmp_path / "a.yaml")


def test_missing_files(tmp_path: Path) -> None:
    for read in (files.read_json, files.read_yaml):
        with pytest.raises(UserError, match="does not exist"):
            read(tmp_path / "none")
