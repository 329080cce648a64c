"""Writing is atomic, reading executes nothing."""

import errno
from pathlib import Path
from typing import IO

import pytest

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
