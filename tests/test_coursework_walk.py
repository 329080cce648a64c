"""The walk through a coursework, in both languages: every command of the page, in its order, in an empty folder."""

import json
import re
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vyvod.cli import app
from vyvod.report.experiment.own import END, START

QUICK = [
    (r"epochs([:=] ?)\d+", r"epochs\g<1>1"),
    (r"\{name: fashion-mnist-mini\}", "{name: fashion-mnist-mini, limit: 240}"),
    (r"seeds: 3", "seeds: 2"),
]
"""What is changed for the training to take seconds."""


def _quick(text: str) -> str:
    for pattern, new in QUICK:
        text = re.sub(pattern, new, text)
    return text


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and a student whom git knows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Student")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "student@example.org")
    return tmp_path


@pytest.mark.parametrize("page", ["coursework.md", "coursework.ru.md"])
def test_every_command_of_the_walk(page: str, repository: Path, student: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (repository / "docs" / page).read_text(encoding="utf-8")
    done = []
    for language, block in re.findall(r"```(bash|yaml|markdown)\n(.*?)```", text, re.DOTALL):
        if language == "bash":
            done += [_run(shlex.split(_quick(line)), monkeypatch) for line in block.splitlines()]
        elif language == "yaml":
            name = re.match(r"# (\w+\.yaml)\n", block)
            assert name, "the first line of a settings file says what it is called"
            Path(name[1]).write_text(_quick(block), encoding="utf-8")
        else:
            _conclude(block)
    assert done.count("check") == 2
    found = json.loads(Path("all.json").read_text(encoding="utf-8"))
    findings = [finding for part in found["repositories"] for finding in part["findings"]]
    # Whether this version can be had from an index, nobody can tell here.
    assert {finding["requirement"] for finding in findings if finding["status"] != "pass"} == {"requirements"}
    assert all(finding["status"] != "fail" for finding in findings)
    _look_at_what_is_handed_in(student / "my_coursework")


def _run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    program, *rest = words
    if program == "cd":
        monkeypatch.chdir(rest[0])
    elif program == "mkdir":
        Path(rest[0]).mkdir()
    elif program == "git":
        subprocess.run(words, check=True, capture_output=True)
    else:
        assert program == "vyvod"
        if rest[:2] == ["coursework", "check"]:
            rest += ["--json", "all.json"]
        elif rest[:2] == ["train", "baseline.yaml"]:
            rest += ["data.limit=240"]
        result = CliRunner().invoke(app, rest)
        assert result.exit_code == 0, f"{shlex.join(words)}\n{result.output}\n{result.exception!r}"
    return rest[1] if rest[0] == "coursework" else rest[0]


def _conclude(text: str) -> None:
    readme = Path("README.md")
    before, _, rest = readme.read_text(encoding="utf-8").partition(f"{START}\n")
    readme.write_text(f"{before}{START}\n\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _look_at_what_is_handed_in(folder: Path) -> None:
    branches = subprocess.run(
        ["git", "branch", "--format=%(refname:short)"], check=True, capture_output=True, text=True
    )
    assert set(branches.stdout.split()) == {"main", "homework_1", "homework_2"}
    first = subprocess.run(["git", "show", "homework_1:README.md"], check=True, capture_output=True).stdout.decode()
    second = (folder / "README.md").read_text(encoding="utf-8")
    assert "`deeper`" in first
    assert "`deeper`" not in second
    assert "`encoder`" in second
    size = sum(path.stat().st_size for path in (folder / ".git").rglob("*") if path.is_file())
    assert size < 5e6, "a repository stays under a few MB"
    with zipfile.ZipFile(next(folder.glob("homework_2_*.zip"))) as packed:
        assert "homework_2/README.md" in packed.namelist()
    cells = json.loads((folder / "first.ipynb").read_text(encoding="utf-8"))["cells"]
    assert any("model" in "".join(cell["source"]) for cell in cells)
