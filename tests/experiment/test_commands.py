"""``vyvod experiment``, ``vyvod compare`` and ``vyvod report`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.experiment.experiments import tiny, without_pictures, write
from typer.testing import CliRunner, Result

from vyvod.cli import app


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _vyvod(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _mistake(*words: object) -> str:
    result = _vyvod(*words)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr.strip()


def test_from_the_file_to_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pictures(monkeypatch, report=True)
    file = write(tmp_path, report={"language": "ru"})
    forecast = _vyvod("experiment", file, "--dry-run", "--jobs", 3).output
    assert "6 runs would be trained, 3 at once" in forecast
    result = _vyvod("experiment", file)
    assert result.exit_code == 0, result.output
    assert "smoother, seed 2: finished, test f1 0." in result.output
    assert "Verdict for smoother: " in result.output
    assert "Report: experiments/tiny/report.html" in result.output

    listed = _vyvod("experiment", "list").output.splitlines()
    assert listed[0].split() == ["experiment", "goal", "idea", "difference", "verdict"]
    assert listed[1].startswith("tiny        f1 by 0.02  smoother")
    shown = _vyvod("experiment", "show", "tiny").output
    assert "Goal: f1 up, by at least 0.02. Idea: It is worth a try." in shown
    assert "baseline: 3 finished" in shown

    ideas, baseline = (sorted(Path("runs").glob(f"tiny-{arm}-*")) for arm in ("smoother", "baseline"))
    compared = _vyvod("compare", *ideas, "--baseline", *baseline, "--margin", 0.02, "--output", "all.json")
    assert compared.exit_code == 0, compared.output
    verdict = shown.split("Verdict for smoother: ")[1].splitlines()[0]
    assert f"Verdict for idea: {verdict}" in compared.output
    own = json.loads(Path("experiments/tiny/results.json").read_text())["ideas"][0]["comparison"]
    assert json.loads(Path("all.json").read_text())["ideas"][0]["comparison"] == own

    page = Path("experiments/tiny/README.md")
    assert "Цель" in page.read_text()
    page.unlink()
    again = _vyvod("report", "experiments/tiny", "report.author=Ann")
    assert again.exit_code == 0, again.output
    assert "Ann" in page.read_text()
    assert "Цель" in page.read_text(), "the language of the experiment"
    assert "only settings of report can" in _mistake("report", "experiments/tiny", "seed=3")
    assert _vyvod("report", ".").exit_code == 0
    assert "tiny" in Path("experiments/README.md").read_text()


def test_mistakes(tmp_path: Path) -> None:
    assert "nowhere.yaml does not exist" in _mistake("experiment", "nowhere.yaml")
    assert "There are no experiments" in _mistake("experiment", "list")
    assert "There is no experiment 'tyni'" in _mistake("experiment", "show", "tyni")
    assert "Name the experiment" in _mistake("experiment", "show")
    assert "--on slurm" in _mistake("experiment", write(tmp_path), "--on", "slurm")
    assert "changes nothing" in _mistake("experiment", write(tmp_path, changes={"same": {"training.epochs": 2}}))
    assert "Give runs of both arms" in _mistake("compare", "runs/a")
    assert "Give runs of both arms" in _mistake("compare", "--baseline", "runs/a")
    assert "runs/a does not exist" in _mistake("compare", "runs/b", "--baseline=runs/a")
    assert "There is no option --marign" in _mistake("compare", "runs/b", "--marign", "1", "--baseline", "runs/a")
    assert not Path("experiments").exists()
    assert not Path("runs").exists()


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vyvod.experiment.execution.find_spec", lambda name: None)
    assert "pip install 'vyvod[scale]'" in _mistake("experiment", write(tmp_path, baseline=tiny()), "--on", "ray")
