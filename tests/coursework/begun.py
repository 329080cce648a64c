"""Coursework repositories of seconds: begun, with a finished run and an experiment copied into them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.experiment.experiments import without_pictures, write

from vyvod.coursework.homework import write_homework
from vyvod.coursework.start import Answers, begin
from vyvod.experiment import runner

WHO = Answers(
    name="Иванов Иван Иванович",
    group="ИВТ-21",
    subject="Компьютерное зрение",
    task="classification",
    data="fashion-mnist-mini",
    model="plain",
    language="ru",
)


def git(folder: Path, *words: str, check: bool = True) -> str:
    ended = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=check)
    return ended.stdout.strip()


def identity(monkeypatch: pytest.MonkeyPatch, folder: Path, *, known: bool = True) -> None:
    """A git configuration of its own, with or without a person in it."""
    file = folder / "gitconfig"
    file.write_text("[user]\nname = Tester\nemail = tester@example.org\n" if known else "", encoding="utf-8")
    for key in [key for key in os.environ if key.startswith(("GIT_", "EMAIL"))]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def start(folder: Path, answers: Answers = WHO, *, branch: str = "main", check: bool = False) -> list[str]:
    return begin(folder, answers, branch=branch, check=check, ask=None, tell=lambda _: None)


def homework(folder: Path, number: int = 1, **changes: object) -> list[str]:
    words: dict[str, object] = {"runs": (), "experiments": (), "title": None, "stash": False}
    return write_homework(folder, number, **{**words, **changes})


def add_run(folder: Path, run: Path, name: str = "plain") -> Path:
    """A copy of a finished run in ``runs/``."""
    return Path(shutil.copytree(run, folder / "runs" / name, dirs_exist_ok=True))


def refs(folder: Path) -> str:
    """Everything that names a commit, and what is checked out."""
    return git(folder, "for-each-ref") + git(folder, "symbolic-ref", "HEAD", check=False)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def train_experiment(folder: Path, name: str = "smoother") -> Path:
    """An experiment of three seeds with its runs, in ``experiments/`` and ``runs/`` of a folder."""
    with pytest.MonkeyPatch.context() as patch, inside(folder):
        without_pictures(patch)
        runner.run_experiment(write(Path(), name=name))
        return folder / "experiments" / name
