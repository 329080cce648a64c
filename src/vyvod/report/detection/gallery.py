"""The examples of a detection: the figure of them, and the cards of the page."""

import math
from collections.abc import Sequence
from typing import cast

from vyvod.report.contract import Shown
from vyvod.report.detection import panels
from vyvod.report.detection.boxes import LOOKS, BoxRecord, boxes_of, check, counts_of, outlined
from vyvod.report.detection.masks import mask_picture
from vyvod.report.detection.panels import Example
from vyvod.report.document import Block, BoxCard, BoxRole, Gallery, LegendItem, Paragraph, Picture
from vyvod.report.gallery import choose, in_order, open_picture, role_choices
from vyvod.report.records import ExampleRecord, Run
from vyvod.report.text import Words

_TRUE: tuple[BoxRole, ...] = ("crowd", "found", "missed")
_COUNTED: tuple[BoxRole, ...] = ("right", "false", "missed")


def blocks(run: Run, words: Words, count: int, *, confidence: str) -> list[Block]:
    """The examples of a run.

    Args:
        run: read from its folder, with examples.
        words: the language.
        count: images in the figure.
        confidence: from which detections are shown, in words.
    """
    records = in_order(cast(tuple[BoxRecord, ...], run.examples))
    check(records, run.folder, len(run.classes))
    examples = [_read(run, record, words) for record in records]
    chosen = [example for example in examples if example.record in choose(records, count)]
    figure = panels.draw(chosen, several=len(run.classes) > 1, words=words)
    caption = words.say("detection_cap_examples")
    gallery = Gallery(
        Picture("examples", figure, _alt(chosen, words), caption, photos=True),
        [_card(example, words) for example in examples],
        role_choices(records, words),
        words.say("filter_occurs"),
        at_first=10,
        legend=_legend(examples, words),
        sorted_by=words.short_metric("f1"),
    )
    return [Paragraph(words.text("detection_examples_lead", confidence=confidence)), gallery]


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The photo with the true boxes and with the network's."""
    record = cast(BoxRecord, example)
    check([record], run.folder, len(run.classes))
    found = _read(run, record, words)
    truth, answer = (outlined(found.photo, found.boxes, roles) for roles in (_TRUE, _COUNTED))
    score = words.say("image_f1", value=words.number(record.f1, 3))
    return Shown(found.photo, truth, answer, "", score, list(dict.fromkeys(box.name for box in found.boxes)))


def _read(run: Run, record: BoxRecord, words: Words) -> Example:
    photo = open_picture(run.folder, record.file).convert("RGB")
    return Example(record, photo, mask_picture(run, record, photo.size), boxes_of(record, run.classes, words))


def _counted(examples: Sequence[Example]) -> dict[str, int]:
    counts = [counts_of(example.record) for example in examples]
    return {role: sum(part[role] for part in counts) for role in _COUNTED}


def _alt(chosen: Sequence[Example], words: Words) -> str:
    return words.say("detection_alt_examples", images=words.count(len(chosen), "image"), **_counted(chosen))


def _card(example: Example, words: Words) -> BoxCard:
    record = example.record
    return BoxCard(
        group=record.role,
        tags=list(dict.fromkeys(box.name for box in example.boxes)),
        photo=example.photo,
        boxes=example.boxes,
        masks=example.masks,
        order=math.nan if record.f1 is None else record.f1,
        score=words.say("image_f1", value=words.number(record.f1, 3)),
        counts=words.say("card_counts", **_counted([example])),
        role=record.role,
        name=record.id,
    )


def _legend(examples: Sequence[Example], words: Words) -> list[LegendItem]:
    """The kinds of box that occur."""
    seen = {box.role for example in examples for box in example.boxes}
    items = [
        LegendItem(words.say(f"box_{role}"), look.colour, is_class=False, role=role)
        for role, look in LOOKS.items()
        if role in seen
    ]
    masked = any(example.masks for example in examples)
    return [*items, *([LegendItem(words.say("show_masks"), "#9db8d9", is_class=False, role="masks")] if masked else [])]
