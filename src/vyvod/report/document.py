"""A report as a list of blocks, before it becomes Markdown or HTML. Texts are plain: each renderer escapes for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Something that could be typed: a name, a key, a file."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """An address that the reader may follow; never loaded by the page itself."""

    text: str
    address: str


Inline = str | Strong | Code | Link
Text = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    text: Text


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph that the reader must not miss."""

    text: Text
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class Tiles:
    """The few numbers that are read first."""

    items: Sequence[tuple[str, str]]
    """(value, what it is)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table, with what it is sorted by where that is not its text."""

    text: Text
    order: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first column names the row."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    sortable: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: a PNG beside README.md, an inline SVG in report.html."""

    name: str
    """Stem of its file in ``figures/``."""
    figure: Figure
    alt: str
    """What it shows, for those who do not see it."""
    caption: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Figures that belong together: side by side where there is room."""

    items: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class Card:
    """An image of the gallery with the network's output."""

    file: Path
    truth: str
    predicted: str
    confidence: str
    right: bool
    role: str
    """random, worst, best or gallery."""
    name: str
    """Id of the image."""
    top: Sequence[tuple[str, float, str]]
    """The most probable classes: name, probability, probability as text."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Images with the network's output: one figure in README.md, cards that can be filtered in report.html."""

    picture: Picture
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Listing:
    """Text as it is typed or stored, e.g. a command or settings."""

    text: str
    language: str
    folded: str | None = None
    """Its title where the reader has to unfold it."""


Block = Paragraph | Note | Tiles | Table | Pictures | Gallery | Listing


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with a heading."""

    name: str
    """Stable: the anchor in the page."""
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    language: str
    title: str
    byline: str
    lead: Sequence[Block]
    """What stands above the first heading: the headline sentence, its numbers, and what the reader must know."""
    sections: Sequence[Section]
    footer: str
