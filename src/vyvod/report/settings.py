"""What a person may choose about a report."""

from typing import Literal

from pydantic import Field

from vyvod.types import Record

Language = Literal["en", "ru"]


class ReportSettings(Record):
    """How the report of a run is written."""

    language: Language = "en"
    """Language of README.md and report.html: en or ru."""
    title: str | None = None
    """Heading of the report; by default the network and the data set."""
    author: str | None = None
    """Shown under the heading."""
    examples: int = Field(10, ge=5, le=10)
    """Images with the network's output in README.md; report.html shows the whole gallery."""
