"""The boxes of an example: which of them are right, false and missed, and how each kind is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from pydantic import Field

from vyvod.errors import RunError
from vyvod.report.document import Box, BoxRole
from vyvod.report.records import ExampleRecord, Stored
from vyvod.report.text import Words

Sides = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the stored picture."""


class TruthRecord(Stored):
    """A true box."""

    label: int = Field(alias="class", ge=0)
    box: Sides
    crowd: bool = False
    found: bool = False


class DetectionRecord(Stored):
    """A box of the network."""

    label: int = Field(alias="class", ge=0)
    box: Sides
    score: float
    right: bool | None = None
    """None: it lies on an object that does not count."""


class BoxRecord(ExampleRecord):
    """An image with its true boxes and the network's."""

    size: tuple[int, int]
    """Height and width of the stored picture."""
    f1: float | None = None
    truth: tuple[TruthRecord, ...] = ()
    predicted: tuple[DetectionRecord, ...] = ()
    masks: str | None = None
    """Palette picture; the index i marks the pixels of the i-th detection, counted from 1."""

    @property
    def files(self) -> tuple[str, ...]:
        """The photo, and the masks where there are some."""
        return (self.file, *([self.masks] if self.masks else []))


@dataclass(frozen=True, slots=True)
class Look:
    """How boxes of one kind are drawn."""

    colour: str
    dashes: tuple[float, ...] = ()
    letters: str = "#ffffff"
    """On a label of that colour."""

    @property
    def line(self) -> Any:
        """Its dashes as matplotlib takes them."""
        return (0, self.dashes) if self.dashes else "solid"


LOOKS: dict[BoxRole, Look] = {
    "right": Look("#0a6cff"),
    "false": Look("#ff8c00", (3, 1.4), "#18212c"),
    "missed": Look("#c2006b", (0.9, 0.9)),
    "found": Look("#18212c"),
    "crowd": Look("#6b7480", (6, 1.5)),
    "ignored": Look("#6b7480", (3, 1.4)),
}
"""Blue, orange and pink stay apart with the common kinds of colour blindness, and each has a line of its own."""


def truth_role(record: TruthRecord) -> BoxRole:
    """Found, missed, or a crowd."""
    return "crowd" if record.crowd else "found" if record.found else "missed"


def detection_role(record: DetectionRecord) -> BoxRole:
    """Right, false, or ignored."""
    return "ignored" if record.right is None else "right" if record.right else "false"


def boxes_of(record: BoxRecord, classes: Sequence[str], words: Words) -> list[Box]:
    """Large ones first: small ones then lie on top of them."""
    true = [_box(part.box, truth_role(part), classes[part.label], None, words=words) for part in record.truth]
    seen = [
        _box(part.box, detection_role(part), classes[part.label], part.score, words=words) for part in record.predicted
    ]
    return sorted([*true, *seen], key=lambda box: -box.width * box.height)


def _box(sides: Sides, role: BoxRole, name: str, score: float | None, *, words: Words) -> Box:
    left, top, right, bottom = sides
    label = name if score is None else f"{name} {words.number(score, 2)}"
    return Box(role, left, top, max(right - left, 0.0), max(bottom - top, 0.0), label, name)


def outlined(photo: Image.Image, boxes: Sequence[Box], roles: Sequence[BoxRole]) -> Image.Image:
    """The photo with the boxes of some kinds, without labels; RGB."""
    picture, line = photo.copy(), max(1, round(max(photo.size) / 200))
    pencil = ImageDraw.Draw(picture)
    for box in (box for box in boxes if box.role in roles):
        sides = (box.left, box.top, max(box.left + box.width, box.left), max(box.top + box.height, box.top))
        pencil.rectangle(sides, outline="#ffffff", width=line + 2)
        pencil.rectangle(sides, outline=LOOKS[box.role].colour, width=line)
    return picture


def counts_of(record: BoxRecord) -> dict[BoxRole, int]:
    """How many boxes there are of each kind."""
    roles = [truth_role(part) for part in record.truth] + [detection_role(part) for part in record.predicted]
    return {role: roles.count(role) for role in LOOKS}


def check(records: Sequence[BoxRecord], folder: Path, classes: int) -> None:
    """Raise `RunError` for boxes of a class that the run does not have."""
    for record in records:
        labels = [*(part.label for part in record.truth), *(part.label for part in record.predicted)]
        highest = max(labels, default=0)
        if highest >= classes:
            raise RunError(
                f"{folder / 'examples.json'} holds the class {highest} at '{record.id}'; the run has {classes}. "
                "`vyvod evaluate RUN` writes the examples again."
            )
