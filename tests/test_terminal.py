"""Many runs in a terminal, and where there is none."""

import io

import pytest
from rich.console import Console

from vyvod.experiment.board import Row
from vyvod.terminal import Rows


def _rows(*states: tuple[str, int]) -> list[Row]:
    return [Row(f"baseline, seed {seed}", state, 4, done, f"f1 0.{seed}") for seed, (state, done) in enumerate(states)]


def test_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    board = Rows()
    board.show(_rows(("training", 0), ("waiting", 0), ("reused", 4)), None)
    board.show(_rows(("training", 2), ("waiting", 0), ("reused", 4)), 30)
    board.show(_rows(("finished", 4), ("training", 1), ("reused", 4)), 10)
    board.show(_rows(("finished", 4), ("failed", 1), ("reused", 4)), None)
    board.end()
    assert capsys.readouterr().out.splitlines() == [
        "baseline, seed 0: training",
        "baseline, seed 2: reused, f1 0.2 (1 of 3)",
        "baseline, seed 0: finished, f1 0.0 (2 of 3)",
        "baseline, seed 1: training",
        "baseline, seed 1: failed (3 of 3)",
    ]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(
        "rich.console.Console",
        lambda stderr: Console(file=written, force_terminal=True, width=100, legacy_windows=False),
    )
    return written


def test_a_line_for_each_run_in_a_terminal(screen: io.StringIO) -> None:
    board = Rows()
    board.show(_rows(("training", 2), ("training", 1), ("waiting", 0)), 100)
    shown = screen.getvalue()
    assert "epoch 2/4" in shown
    assert "epoch 1/4" in shown
    assert "1 waiting" in shown
    assert "about 2 min left" in shown
    board.show(_rows(("finished", 4), ("training", 3), ("waiting", 0)), 40)
    assert "baseline, seed 0: finished, f1 0.0 (1 of 3)" in screen.getvalue()
    assert "about 40 s left" in screen.getvalue()
    board.say("[bold] is not markup")
    board.end()
    assert "[bold] is not markup" in screen.getvalue()
