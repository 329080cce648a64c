"""W&B in a process of its own: no terminal, an empty home, and a server that notes whether somebody calls."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from vyvod.errors import SettingsError
from vyvod.tracking.login import logged_in
from vyvod.tracking.trackers import open_trackers
from vyvod.tracking.wandb import group

SCRIPT = """
import sys
from pathlib import Path
from unittest import mock
from PIL import Image
import vyvod.tracking.wandb as place
from vyvod.tracking.trackers import open_trackers

if __name__ == "__main__":
    place._START_SECONDS = 2.0
    folder = Path(sys.argv[1])
    (tracker,) = open_trackers(["wandb"], folder, name="plain", settings={"seed": 0, "name": None}, resume_epoch=0)
    tracker.epoch({"epoch": 1, "val_f1": 0.5}, epoch=1, per_class={"f1": {"Pullover": 0.25}})
    Image.new("RGB", (8, 8)).save(folder / "0001.png")
    tracker.images("examples", [folder / "0001.png"])
    tracker.close({"test_f1": 0.375})
"""


class Server:
    """Takes no for an answer to everything, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.socket.close()


def track(folder: Path, server: Server, *, file: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    run = folder / "run"
    home.mkdir()
    run.mkdir()
    if file:
        (home / ".netrc").write_text(file)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "HOME", "NETRC"))}
    environment = {**kept, "HOME": str(home), "WANDB_BASE_URL": server.address, **variables}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run)],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def recorded(folder: Path) -> bytes:
    (file,) = (folder / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    return file.read_bytes()


def test_offline_without_login(tmp_path: Path, server: Server) -> None:
    ended = track(tmp_path, server)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert server.calls == 0
    assert list((tmp_path / "home").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"home", "run"}
    for name in (b"val/f1", b"per_class/f1/Pullover", b"test/f1", b"0.375"):
        assert name in recorded(tmp_path)


def test_online_with_a_login_and_offline_when_that_fails(tmp_path: Path, server: Server) -> None:
    host = server.address.removeprefix("http://")
    ended = track(tmp_path, server, file=f"machine {host} login user password {'0' * 40}\n")
    assert ended.returncode == 0, ended.stderr
    assert server.calls > 0
    assert ended.stdout == ""
    assert "W&B could not start and stays offline" in ended.stderr
    assert b"val/f1" in recorded(tmp_path)


def test_disabled_writes_nothing(tmp_path: Path, server: Server) -> None:
    ended = track(tmp_path, server, WANDB_MODE="disabled")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert server.calls == 0
    assert list((tmp_path / "run" / "wandb").glob("*run-*")) == []


def test_missing_package_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with mock.patch.dict(os.environ), pytest.raises(SettingsError, match=r"pip install vyvod\[wandb\]"):
        open_trackers(["wandb"], tmp_path, name="plain", settings={}, resume_epoch=0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("WANDB_") or name == "NETRC"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_not_logged_in(home: Path) -> None:
    assert not logged_in()
    (home / ".netrc").write_text("machine example.org login a password b\n")
    assert not logged_in()
    (home / ".netrc").write_text("this is no netrc file")
    assert not logged_in()


def test_logged_in_by_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert logged_in()


@pytest.mark.parametrize("host", ["api.wandb.ai", "api.forge.coreweave.com"])
def test_logged_in_by_netrc(home: Path, host: str) -> None:
    (home / ".netrc").write_text(f"machine {host}\n  login user\n  password {'0' * 40}\n")
    assert logged_in()


def test_logged_in_to_an_own_server(home: Path) -> None:
    (home / ".netrc").write_text("machine wandb.example.org login user password key\n")
    assert not logged_in()
    (home / ".config" / "wandb").mkdir(parents=True)
    (home / ".config" / "wandb" / "settings").write_text("[default]\nbase_url = https://wandb.example.org\n")
    assert logged_in()


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("fashion-mnist-plain", {"name": None, "seed": 3}, "fashion-mnist-plain"),
        ("fashion-mnist-plain-2", {"name": None, "seed": 3}, "fashion-mnist-plain"),
        ("resnet-18", {"name": "resnet-18", "seed": 3}, "resnet-18"),
        ("mixup-seed3-2", {"name": "mixup-seed3", "seed": 3}, "mixup"),
        ("mixup-s3", {"name": "mixup-s3", "seed": 3}, "mixup"),
        ("seed3", {"name": "seed3", "seed": 3}, "seed3"),
    ],
)
def test_group_is_the_name_without_the_seed(name: str, settings: dict[str, object], expected: str) -> None:
    assert group(name, settings) == expected
