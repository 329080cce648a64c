"""What the report asks of a task: the pages of a task are a folder here, and its ``task.py`` holds what `TaskReport` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vyvod.report.document import Block, Section, Text
from vyvod.report.records import Arrays, ExampleRecord, Run, SplitRecord
from vyvod.report.text import Words

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Shown:
    """An example of a run where it stands beside that of another run."""

    photo: Image
    """RGB."""
    truth: Image | None
    """The truth drawn on it, RGB; None where words tell it."""
    answer: Image | None
    """The answer drawn on it, RGB; None where words tell it."""
    truth_text: str
    answer_text: str
    tags: Sequence[str]
    """The classes that occur."""


class TaskReport(Protocol):
    """What differs from task to task in a report; a module holds it."""

    @property
    def EXAMPLE(self) -> type[ExampleRecord]:
        """An entry of ``examples.json``."""

    @property
    def CURVES(self) -> Sequence[str]:
        """Metrics whose curves are drawn besides the headline's."""

    @property
    def SENTENCES(self) -> Mapping[str, str]:
        """Key of a sentence that every report has -> key of the task's own in its place."""

    @property
    def TILES(self) -> Sequence[str]:
        """Metrics at the top of the page besides the headline."""

    @property
    def LOWER_IS_BETTER(self) -> Sequence[str]:
        """Metrics of which less is better."""

    @property
    def DEFINITIONS(self) -> Mapping[str, str]:
        """Metric -> key of the sentence that says what it is, where the table of scores explains them."""

    def facts(self, run: Run, words: Words) -> Mapping[str, str]:
        """Values that the definitions of a run speak about."""

    def check_rows(self, path: Path, rows: Arrays, classes: int) -> None:
        """Raise `RunError` where ``per_image/<split>.npz`` cannot be what a run of this task wrote."""

    def check_totals(self, path: Path, totals: Arrays, classes: int) -> None:
        """Raise `RunError` where ``totals/<split>.npz`` cannot be what a run of this task wrote."""

    def brief(self, run: Run, words: Words) -> Sequence[Text]:
        """Paragraphs: what the network has to do, and what it gets to see."""

    def headline(self, run: Run, words: Words, split: str) -> Text:
        """The sentence that everybody reads."""

    def split_sizes(self, record: SplitRecord, words: Words) -> Mapping[str, str]:
        """Title of a column in the table of splits -> what it holds of one split; the same titles for every split."""

    def balance(self, run: Run, words: Words) -> Sequence[Block]:
        """How much of each class the data set holds."""

    def examples(self, run: Run, words: Words, count: int) -> Sequence[Block]:
        """Images with the network's output, ``count`` of them in the figure; there is at least one."""

    def shown(self, run: Run, example: ExampleRecord, words: Words) -> Shown:
        """An example as it is shown beside that of another run, read from the run folder."""

    def remark(self, run: Run, words: Words, split: str) -> Text | None:
        """What is to be said below the table of scores."""

    def sections(self, run: Run, words: Words, split: str) -> Sequence[Section]:
        """What follows the scores, as far as the run folder holds it."""
