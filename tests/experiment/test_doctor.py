from pathlib import Path

import pytest
import torch

from vyvod.experiment import doctor
from vyvod.experiment.doctor import Finding, checkup

ASKED = [
    "torch>=2.11",
    "numpy>=99",
    "no-such-package>=1",
    'wandb>=0.1; extra == "wandb"',
    'no-such-onnx>=1; extra == "onnx"',
    'pytest>=99; extra == "dev"',
    'nothing-for-here>=1; python_version < "3"',
]


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ASKED)
    return {finding.name: finding for finding in checkup()}


def test_packages_against_what_is_asked_for(findings: dict[str, Finding]) -> None:
    assert findings["torch"] == Finding("torch", doctor.installed("torch") or "")
    assert findings["numpy"].status == "warning"
    assert findings["numpy"].value == f"{doctor.installed('numpy')}, needed >=99"
    assert findings["numpy"].cure == 'pip install "numpy>=99"'
    assert findings["no-such-package"].status == "warning"
    assert findings["wandb"].status == "ok"
    assert findings["no-such-onnx"] == Finding(
        "no-such-onnx", "not installed (optional)", "missing", "pip install vyvod[onnx]"
    )
    assert {"pytest", "nothing-for-here"}.isdisjoint(findings)


def test_everything_has_a_cure_or_is_fine(findings: dict[str, Finding], capsys: pytest.CaptureFixture[str]) -> None:
    assert {"Python", "vyvod", "processor", "CUDA", "memory", "disk", "W&B login"} <= set(findings)
    assert all((finding.status == "ok") == (not finding.cure) for finding in findings.values())
    assert capsys.readouterr() == ("", "")


def test_old_python_and_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (9, 0))
    monkeypatch.setattr(doctor, "LITTLE_DISK", 2**80)
    monkeypatch.setattr(doctor, "LITTLE_MEMORY", 2**80)
    found = {finding.name: finding for finding in checkup()}
    assert found["Python"].status == found["disk"].status == found["memory"].status == "warning"
    assert "9.0" in found["Python"].cure


@pytest.mark.parametrize(
    ("build", "driver", "status", "words"),
    [
        (None, None, "ok", "training runs on the CPU"),
        ("13.2", None, "ok", "training runs on the CPU"),
        (None, "610.1", "warning", "built without CUDA"),
        ("13.2", "450.0", "warning", "does not serve torch's CUDA 13.2"),
    ],
)
def test_why_there_is_no_gpu(
    build: str | None, driver: str | None, status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(doctor, "output", lambda *command: driver)
    finding = next(finding for finding in checkup() if finding.name == "CUDA")
    assert (finding.status, words in finding.value) == (status, True)


def test_disk_of_a_folder_that_does_not_exist_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    disk = next(finding for finding in checkup() if finding.name == "disk")
    assert str(tmp_path / "runs") in disk.value
    assert list(tmp_path.iterdir()) == []
