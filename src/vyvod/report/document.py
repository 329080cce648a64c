"""A report as a list of blocks, before it becomes Markdown or HTML. Texts are plain: each renderer escapes for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image


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


@dataclass(frozen=True, slots=True)
class Swatch:
    """The colour of what stands beside it; Markdown does without."""

    colour: str
    """``#rrggbb``."""


@dataclass(frozen=True, slots=True)
class Page:
    """A report in another folder: README.md leads to its README.md, report.html to its report.html."""

    text: str
    folder: str
    """Relative to the folder of this report."""


Judgement = Literal["better", "worse", "equivalent", "undecided", "none"]


@dataclass(frozen=True, slots=True)
class Badge:
    """A verdict in a word or two."""

    text: str
    judgement: Judgement


BoxRole = Literal["found", "missed", "crowd", "right", "false", "ignored"]
"""Of a true box: found, missed, or a crowd, which does not count; of a detection: right, false, or on a crowd and so ignored."""
Inline = str | Strong | Code | Link | Swatch | Page | Badge
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
class Points:
    """A list of sentences."""

    items: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Tiles:
    """The few numbers that are read first."""

    items: Sequence[tuple[str, str]]
    """(value, what it is)."""


@dataclass(frozen=True, slots=True)
class VerdictBox:
    """What came out, before everything else."""

    badge: Badge
    text: Text
    facts: Sequence[tuple[str, str]]
    """(what it is, value)."""


@dataclass(frozen=True, slots=True)
class OwnText:
    """What a person has written; no report ever changes it."""

    start: str
    end: str
    """Lines of README.md around it."""
    text: str
    """Between these lines, to the byte; bytes that are no UTF-8 are lone surrogates."""
    paragraphs: Sequence[str]
    """The same for the page."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a part of a section."""

    text: Text
    level: int = 3
    """3: of the section, 4: of a part of that."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A comment of README.md that programs read: what the next table or part holds. The page does without."""

    text: str


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
    mark: Mark | None = None
    """Stands right before its rows."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: a PNG beside README.md, an inline SVG in report.html."""

    name: str
    """Stem of its file in ``figures/``."""
    figure: Figure
    alt: str
    """What it shows, for those who do not see it."""
    caption: str
    photos: bool = False
    """It is made of photos, which need more bytes than lines and letters."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Figures that belong together: side by side where there is room."""

    items: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class Choice:
    """A button above the gallery."""

    group: str
    """Of the cards that it shows."""
    label: str


@dataclass(frozen=True, slots=True)
class AnswerCard:
    """An image with the class that the network named."""

    group: str
    tags: Sequence[str]
    """What the card is found by."""
    image: Image
    """RGB."""
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
class Layer:
    """A mask above its photo, or alone."""

    image: Image
    """Mode P; ``info["transparency"]`` is the index that lets the photo through."""
    label: str
    kind: Literal["truth", "predicted", "errors"]
    """Errors lie on a pale photo and never fade."""


@dataclass(frozen=True, slots=True)
class MaskCard:
    """An image with its masks side by side."""

    group: str
    tags: Sequence[str]
    """What the card is found by: the classes that occur."""
    photo: Image
    """RGB."""
    layers: Sequence[Layer]
    order: float
    """What the cards can be sorted by; NaN where there is no value."""
    score: str
    role: str
    """random, worst, best or gallery."""
    name: str
    """Id of the image."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box above its photo."""

    role: BoxRole
    left: float
    top: float
    width: float
    height: float
    """All in pixels of the photo."""
    label: str
    """Class, of a detection also its score."""
    name: str
    """Of the class."""


@dataclass(frozen=True, slots=True)
class BoxCard:
    """An image with the boxes of its truth and of the network."""

    group: str
    tags: Sequence[str]
    """What the card is found by: the classes that occur."""
    photo: Image
    """RGB."""
    boxes: Sequence[Box]
    """Large ones first: small ones lie on top of them."""
    masks: Image | None
    """Mode P, the pixels of the detections; ``info["transparency"]`` is the index that lets the photo through."""
    order: float
    """What the cards can be sorted by; NaN where there is no value."""
    score: str
    counts: str
    """How many boxes there are of each kind, in words."""
    role: str
    """random, worst, best or gallery."""
    name: str
    """Id of the image."""


@dataclass(frozen=True, slots=True)
class PairCard:
    """An image with what the runs of two arms say about it."""

    group: str
    """fixed or broken."""
    tags: Sequence[str]
    """What the card is found by: the classes that occur."""
    name: str
    """Id of the image."""
    truth: str
    """In words; empty where only a picture tells it."""
    frames: Sequence[tuple[str, Image]]
    """(what it shows, RGB): the image, where there are pictures of it the truth and the answer of each arm."""
    answers: Sequence[tuple[str, str, str]]
    """(arm, how well its runs do, the answer of one of them; empty where no picture of it is stored)."""


@dataclass(frozen=True, slots=True)
class LegendItem:
    """What a colour stands for."""

    label: str
    colour: str
    """``#rrggbb``."""
    pattern: Literal["plain", "striped", "dotted", "hatched", "clear"] = "plain"
    """clear: a class whose pixels let the photo through."""
    is_class: bool = True
    role: BoxRole | Literal["masks"] | None = None
    """Of the boxes that it stands for: they can be switched on and off."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Images with the network's output: one figure in README.md, cards that can be filtered in report.html."""

    picture: Picture
    cards: Sequence[AnswerCard] | Sequence[MaskCard] | Sequence[BoxCard] | Sequence[PairCard]
    choices: Sequence[Choice]
    tags_label: str
    """What the tags of the cards are."""
    at_first: int
    """Cards that are shown before the reader asks for all."""
    legend: Sequence[LegendItem] = ()
    sorted_by: str | None = None
    """What the ``order`` of the cards is; None where they have none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Text as it is typed or stored, e.g. a command or settings."""

    text: str
    language: str
    folded: str | None = None
    """Its title where the reader has to unfold it."""


Block = Paragraph | Heading | Mark | Note | Points | Tiles | VerdictBox | OwnText | Table | Pictures | Gallery | Listing


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

    def pictures(self) -> Iterator[Picture]:
        """All figures, in their order."""
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Pictures):
                    yield from block.items
                elif isinstance(block, Gallery):
                    yield block.picture
