"""Progress bars in a terminal, and plain lines where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


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
