"""The repository itself: what is shipped, what is pinned, and what must not be in any file."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

# In pieces, so that this file does not hold them.
FORBIDDEN = (
    "/" + "work/",
    "/" + "root/",
    "/" + "home/",
    "/" + "opt/",
    "/" + "tmp/w",
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "deb." + "debian.org",
)


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pinned(repository: Path) -> dict[str, Requirement]:
    lines = (repository / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]
    return {each.name: each for each in asked}


def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("needs a git checkout")
    files = [repository / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def test_no_file_names_a_registry_or_a_folder_of_a_machine(repository: Path) -> None:
    found = [
        f"{file.relative_to(repository)}: {word}"
        for file in tracked(repository)
        for word in FORBIDDEN
        if word.encode() in file.read_bytes()
    ]
    assert found == []


def test_wheel_holds_everything_that_the_program_needs(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("vyvod-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "vyvod/data/embedded/classification_fashion/fashion_mnist_2500.npz" in names
    assert "vyvod/report/report.html.jinja" in names
    assert "vyvod/py.typed" in names
    licences = {name.split("/licenses/")[1] for name in names if "/licenses/" in name}
    assert {"LICENSE", "NOTICE", "src/vyvod/data/embedded/classification_fashion/LICENSE"} <= licences
    source = repository / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "vyvod").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert expected <= names
    assert {name.split("/")[0] for name in names} == {"vyvod", wheel.name.split("-py3")[0] + ".dist-info"}


@pytest.mark.parametrize("module", ["vyvod", "vyvod.catalog", "vyvod.cli"])
def test_nothing_heavy_is_loaded_at_the_start(module: str, repository: Path) -> None:
    code = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    paths = os.pathsep.join([str(repository / "src"), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    heavy = {"torch", "torchvision", "numpy", "scipy", "matplotlib", "timm", "wandb", "tensorboard", "lightning_fabric"}
    assert heavy.isdisjoint(ended.stdout.split())


def test_requirements_are_exact_and_installable_by_all(pinned: dict[str, Requirement]) -> None:
    assert len(pinned) > 50
    for name, each in pinned.items():
        (specifier,) = each.specifier
        assert specifier.operator == "==", name
        # A local version, such as +cpu, is in no registry.
        assert Version(specifier.version).local is None, name
        if name.startswith("nvidia") or name == "triton":
            assert "sys_platform == 'linux'" in str(each.marker).replace('"', "'"), name


def test_requirements_fit_the_project(project: dict[str, Any], pinned: dict[str, Requirement]) -> None:
    extras = project["project"]["optional-dependencies"]
    lines = [*project["build-system"]["requires"], *project["project"]["dependencies"], *extras["dev"]]
    for asked in map(Requirement, [*lines, *extras["wandb"], *extras["onnx"]]):
        (version,) = (specifier.version for specifier in pinned[asked.name.lower()].specifier)
        assert asked.specifier.contains(version), asked


def test_make_help_tells_each_target(repository: Path) -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout
    targets = re.findall(r"^\.PHONY: (.*)$", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [line.split()[1] for line in shown.splitlines()] == targets[0].split()


def test_ci_is_one_script_that_can_be_started(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "make test" in script.read_text(encoding="utf-8")
    workflow = yaml.safe_load((repository / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    assert {"run": ".ci/run"} in workflow["jobs"]["test"]["steps"]


def test_pre_commit_fetches_nothing(repository: Path) -> None:
    known = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [each["repo"] for each in known["repos"]] == ["local"]
    assert {hook["language"] for each in known["repos"] for hook in each["hooks"]} == {"system"}


def test_every_layer_is_named_in_the_architecture(project: dict[str, Any], repository: Path) -> None:
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = {room.strip() for layer in layers for room in re.split(r"[|:]", layer)} - {"__main__"}
    page = (repository / "docs/architecture.md").read_text(encoding="utf-8")
    missing = {room for room in rooms if not re.search(rf"\b{room}(\.py|/| )", page)}
    assert missing <= {"terminal", "seeds"}
