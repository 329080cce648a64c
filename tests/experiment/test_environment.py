import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

import vyvod
from vyvod.experiment import environment


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_git_state(tmp_path: Path) -> None:
    assert environment.git_state(tmp_path) is None
    git(tmp_path, "init")
    assert environment.git_state(tmp_path) is None
    (tmp_path / "my.yaml").write_text("seed: 0\n")
    git(tmp_path, "add", "my.yaml")
    git(tmp_path, "commit", "-m", "settings")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert environment.git_state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "run.json").write_text("{}")
    assert environment.git_state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "my.yaml").write_text("seed: 1\n")
    assert environment.git_state(tmp_path / "runs") == {"commit": commit, "dirty": True}


def test_no_git_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git_state(Path.cwd()) is None


def test_requirements_can_be_installed() -> None:
    lines = environment.requirements().splitlines()
    found = {Requirement(line).name: line for line in lines}
    assert len(found) == len(lines)
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][^+ @]*", line) for line in lines)
    assert found["vyvod"] == f"vyvod=={vyvod.__version__}"
    assert found["torch"] == f"torch=={torch.__version__.partition('+')[0]}"
    assert found["pyyaml"] == f"pyyaml=={metadata.version('PyYAML')}"
    # Installed, but nothing here has loaded it.
    assert "pre-commit" not in found


def test_hardware_and_versions() -> None:
    found = environment.hardware()
    assert set(found) == {"device", "name", "cores", "memory_bytes", "devices"}
    assert found["name"]
    assert int(found["cores"]) >= 1
    assert int(found["memory_bytes"]) > 2**28
    versions = environment.versions()
    assert versions["vyvod"] == vyvod.__version__
    assert {"python", "torch", "torchvision", "numpy"} <= set(versions)


def test_peak_memory_is_in_bytes() -> None:
    before = environment.peak_memory(torch.device("cpu"))
    block = torch.ones(2**28, dtype=torch.uint8)
    assert len(block) <= environment.peak_memory(torch.device("cpu"))
    assert 2**26 < before < 2**40
