"""Progress bars in a terminal, and plain lines where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress as RichProgress
    from rich.table import Table

    from vyvod.experiment.board import Row


class Terminal:
    """One bar at a time: done, rate in images per second, remaining time. Can be sent to another process."""

    def __init__(self) -> None:
        self.bar: RichProgress | None = None
        self.task: Any = None

    def begin(self, label: str, total: int) -> None:
        """Start a bar of ``total`` images."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.end()
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.bar.start()
        self.task = self.bar.add_task(label, total=total, note="", rate="")

    def advance(self, images: int, *, note: str = "") -> None:
        """Move the bar on by some images."""
        if self.bar is None:
            return
        speed = self.bar.tasks[0].speed
        self.bar.update(self.task, advance=images, note=note, rate="" if speed is None else f"{speed:.0f} images/s")

    def end(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def say(self, text: str) -> None:
        """Show one line that stays."""
        print(text, flush=True)


class Rows:
    """Many runs at once: a line for each that is training, the time that is left, and lines that stay for what has ended."""

    def __init__(self) -> None:
        self.live: Live | None = None
        self.told: dict[str, str] = {}

    def show(self, rows: Sequence[Row], remaining: float | None) -> None:
        """Show where all runs stand."""
        from rich.console import Console
        from rich.live import Live

        console = self.live.console if self.live else Console(stderr=True)
        for row in rows:
            self._tell(row, f"{_settled(rows)} of {len(rows)}", quiet=console.is_terminal)
        if not console.is_terminal:
            return
        if self.live is None:
            self.live = Live(console=console, transient=True, auto_refresh=False)
            self.live.start()
        self.live.update(_running(rows, remaining), refresh=True)

    def _tell(self, row: Row, count: str, *, quiet: bool) -> None:
        # Once for each state; in a terminal the moving lines tell what is training.
        before, self.told[row.label] = self.told.get(row.label), row.state
        if row.state in (before, "waiting") or (row.state == "training" and quiet):
            return
        note = f", {row.note}" if row.note and row.state in ("finished", "reused") else ""
        self.say(f"{row.label}: {row.state}{note}" + ("" if row.state == "training" else f" ({count})"))

    def say(self, text: str) -> None:
        """Show one line that stays."""
        if self.live is not None:
            self.live.console.print(text, markup=False, highlight=False)
        else:
            print(text, flush=True)

    def end(self) -> None:
        """Take the moving lines away."""
        if self.live is not None:
            self.live.stop()
            self.live = None


def _settled(rows: Sequence[Row]) -> int:
    return sum(row.state in ("finished", "reused", "failed") for row in rows)


def _running(rows: Sequence[Row], remaining: float | None) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    from vyvod.experiment.board import told_duration

    table = Table.grid(padding=(0, 2))
    for row in rows:
        if row.state == "training":
            bar = ProgressBar(total=max(row.epochs, 1), completed=row.done, width=24)
            table.add_row(row.label, bar, f"epoch {row.done}/{row.epochs}", row.note)
    left = "" if remaining is None else f"about {told_duration(remaining)} left"
    waiting = sum(row.state == "waiting" for row in rows)
    table.add_row(f"{_settled(rows)} of {len(rows)} runs", "", f"{waiting} waiting", left)
    return table
