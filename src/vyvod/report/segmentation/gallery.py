"""The examples of a segmentation: the figure of them, and the cards of the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from vyvod.report.contract import Shown
from vyvod.report.document import Block, Gallery, Layer, LegendItem, MaskCard, Paragraph, Picture
from vyvod.report.figures import COLOURS, PIXELS, shortened, style
from vyvod.report.gallery import choose, in_order, open_picture, role_choices
from vyvod.report.palette import hex_colour, palette_image
from vyvod.report.records import ExampleRecord, Run
from vyvod.report.segmentation import masks
from vyvod.report.segmentation.masks import Colours, Labels
from vyvod.report.text import Words

_WIDTH = 8.0
"""Inches of the figure; the other lengths are inches, too."""
_GAP = 0.06
_TITLE, _LINE = 0.34, 0.27
_SIDE = (_WIDTH - 5 * _GAP) / 4
_TALLEST = 1.3
"""Pictures of the figure are at most that much higher than wide."""
_TINY = 160
"""Pixels: images up to this size are enlarged as squares, not smoothed."""
_PALE = 0.25
"""How much of the photo is left where the network is right."""
_DENSITY = PIXELS / _WIDTH
"""Pixels of an inch."""
_LANCZOS, _BOX = Image.Resampling.LANCZOS, Image.Resampling.BOX
_PATTERN_SIDE = 384
"""Pixels: maps of errors are at least so large, for their patterns to be fine."""
_LEGEND_COLUMNS, _LEGEND_MOST, _LEGEND_LINE = 4, 40, 0.25
_HATCH_COLOURS = {"plain": "none", "clear": "none", "striped": "#66a9ec", "dotted": "#ff8fc2", "hatched": "#8c8c8c"}
_HATCHES = {"plain": "", "clear": "", "striped": "////", "dotted": "....", "hatched": "////"}


class MaskRecord(ExampleRecord):
    """An image with its true mask and the network's."""

    truth: str
    predicted: str
    dice: float | None = None
    classes: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The photo, the true mask, the predicted mask."""
        return (self.file, self.truth, self.predicted)


@dataclass(frozen=True, slots=True)
class Example:
    """The pictures of an example."""

    record: MaskRecord
    photo: Image.Image
    """RGB."""
    truth: Labels
    predicted: Labels
    kinds: Labels
    """Of errors."""


def blocks(run: Run, words: Words, count: int) -> list[Block]:
    """The examples of a run.

    Args:
        run: read from its folder, with examples.
        words: the language.
        count: images in the figure.
    """
    records = in_order(cast(tuple[MaskRecord, ...], run.examples))
    examples = [_read(run, record) for record in records]
    chosen = [example for example in examples if example.record in choose(records, count)]
    colours = masks.class_colours(run)
    if colours is None:
        return [Paragraph(words.text("no_examples"))]
    gallery = Gallery(
        _figure(chosen, colours, run.classes, words=words),
        [_card(example, colours, run.classes, words=words) for example in examples],
        role_choices(records, words),
        words.say("filter_occurs"),
        at_first=10,
        sorted_by=words.short_metric("dice"),
        legend=_legend(examples, colours, run.classes, words=words),
    )
    return [Paragraph(words.text("segmentation_examples_lead")), gallery]


def shown(run: Run, example: ExampleRecord, words: Words) -> Shown:
    """The photo with the true mask and with the network's."""
    found, colours = _read(run, cast(MaskRecord, example)), masks.class_colours(run)
    answer = words.say("image_dice", value=words.number(found.record.dice, 3))
    if colours is None:
        return Shown(found.photo, None, None, "", answer, found.record.classes)
    clear = masks.background(run.classes)
    truth, predicted = (
        masks.over(found.photo, masks.hatched(labels, colours), colours, clear=clear)
        for labels in (found.truth, found.predicted)
    )
    return Shown(found.photo, truth, predicted, "", answer, found.record.classes)


def _figure(chosen: Sequence[Example], colours: Colours, classes: Sequence[str], *, words: Words) -> Picture:
    figure = _draw(chosen, colours, classes, words=words)
    caption = words.say("segmentation_cap_examples")
    return Picture("examples", figure, _alt(chosen, words), caption, photos=True)


def _read(run: Run, record: MaskRecord) -> Example:
    photo = open_picture(run.folder, record.file).convert("RGB")
    truth, predicted = (masks.read_labels(run.folder, name, photo.size) for name in record.files[1:])
    kinds = masks.errors(truth, predicted, masks.background(run.classes))
    return Example(record, photo, truth, predicted, kinds)


def _alt(chosen: Sequence[Example], words: Words) -> str:
    scores = ", ".join(words.number(example.record.dice, 2) for example in chosen)
    return words.say("segmentation_alt_examples", images=words.count(len(chosen), "image"), scores=scores)


def _card(example: Example, colours: Colours, classes: Sequence[str], *, words: Words) -> MaskCard:
    record, clear = example.record, masks.background(classes)
    known: dict[Literal["truth", "predicted"], Labels] = {"truth": example.truth, "predicted": example.predicted}
    layers = [
        Layer(
            palette_image(masks.hatched(labels, colours), colours, clear=clear),
            words.say(f"picture_{kind}"),
            kind,
        )
        for kind, labels in known.items()
    ]
    times = max(1, _PATTERN_SIDE // max(example.photo.size))
    found = masks.error_picture(masks.enlarged(example.kinds, times))
    return MaskCard(
        group=record.role,
        tags=list(record.classes),
        photo=example.photo,
        layers=[*layers, Layer(found, words.say("picture_errors"), "errors")],
        order=math.nan if record.dice is None else record.dice,
        score=words.say("image_dice", value=words.number(record.dice, 3)),
        role=record.role,
        name=record.id,
    )


def _legend(examples: Sequence[Example], colours: Colours, classes: Sequence[str], *, words: Words) -> list[LegendItem]:
    """The classes that occur, in the order of the data set, and the kinds of error that do."""
    maps = [labels for example in examples for labels in (example.truth, example.predicted)]
    seen = np.bincount(np.concatenate([np.unique(labels) for labels in maps]), minlength=256)
    clear = masks.background(classes)
    items = [
        LegendItem(name, hex_colour(colours[place]), "clear" if place == clear else "plain")
        for place, name in enumerate(classes)
        if seen[place]
    ]
    kinds = set(np.unique(np.concatenate([np.unique(example.kinds) for example in examples])).tolist())
    return items + [item for kind, item in _error_legend(words).items() if kind in kinds]


def _error_legend(words: Words) -> dict[int, LegendItem]:
    return {
        masks.MISSED: LegendItem(words.say("error_missed"), masks.MISSED_COLOUR, "plain", is_class=False),
        masks.FALSE: LegendItem(words.say("error_false"), masks.FALSE_COLOUR, "striped", is_class=False),
        masks.WRONG: LegendItem(words.say("error_wrong"), masks.WRONG_COLOUR, "dotted", is_class=False),
        masks.IGNORED: LegendItem(words.say("error_ignored"), masks.IGNORED_COLOUR, "hatched", is_class=False),
    }


def _draw(chosen: Sequence[Example], colours: Colours, classes: Sequence[str], *, words: Words) -> Figure:
    """A row for each example: image, truth, prediction, errors; below them what the colours stand for."""
    legend = _shortened_legend(_legend(chosen, colours, classes, words=words), words)
    heights = [_SIDE * min(example.photo.height / example.photo.width, _TALLEST) for example in chosen]
    lower = 0.15 + _LEGEND_LINE * math.ceil(len(legend) / _LEGEND_COLUMNS)
    height = _TITLE + sum(heights) + len(chosen) * (_LINE + _GAP) + lower
    with style():
        figure = Figure(figsize=(_WIDTH, height))
        top = height - _TITLE
        for column, name in enumerate(("photo", "truth", "predicted", "errors")):
            _write(figure, _GAP + column * (_SIDE + _GAP), top + 0.1, words.say(f"picture_{name}"), weight="bold")
        for example, row in zip(chosen, heights, strict=True):
            _label(figure, example, top - _LINE + 0.07, words=words)
            _draw_row(figure, example, colours, top=top - _LINE, height=row)
            top -= _LINE + row + _GAP
        _draw_legend(figure, legend, top)
    return figure


def _shortened_legend(legend: list[LegendItem], words: Words) -> list[LegendItem]:
    classes = [item for item in legend if item.is_class]
    rest = len(classes) - _LEGEND_MOST
    if rest <= 0:
        return legend
    more = LegendItem(words.say("legend_more", count=rest), COLOURS["surface"], is_class=False)
    return [*classes[:_LEGEND_MOST], more, *(item for item in legend if not item.is_class)]


def _write(figure: Figure, left: float, base: float, text: str, **look: Any) -> None:
    width, height = figure.get_size_inches()
    figure.text(left / width, base / height, text, **{"fontsize": 13, "va": "baseline", **look})


def _label(figure: Figure, example: Example, base: float, *, words: Words) -> None:
    record = example.record
    score = words.say("image_dice", value=words.number(record.dice, 3))
    role = "" if record.role == "gallery" else f"{words.say(f'role_{record.role}')} · "
    _write(figure, _GAP, base, f"{role}{score}", fontsize=12)
    name = shortened(record.id, 60)
    _write(figure, _WIDTH - _GAP, base, name, fontsize=11, ha="right", color=COLOURS["muted"])


def _draw_row(figure: Figure, example: Example, colours: Colours, *, top: float, height: float) -> None:
    width, whole = figure.get_size_inches()
    for column, picture in enumerate(_pictures(example, colours, height)):
        left, (across, down) = _GAP + column * (_SIDE + _GAP), (side / _DENSITY for side in picture.size)
        axes = figure.add_axes((left / width, (top - down) / whole, across / width, down / whole))
        axes.imshow(np.asarray(picture), interpolation="none", aspect="auto")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            # Black and white parts of a mask must end somewhere, on any paper.
            spine.set(visible=True, color=COLOURS["muted"], linewidth=0.6)


def _pictures(example: Example, colours: Colours, height: float) -> list[Image.Image]:
    """Photo, truth, prediction and errors as RGB, as large as they are printed."""
    photo = example.photo
    times = min(_SIDE * _DENSITY / photo.width, height * _DENSITY / photo.height)
    size = (round(photo.width * times), round(photo.height * times))
    squares = max(photo.size) <= _TINY
    smooth, exact = (Image.Resampling.NEAREST if squares else kind for kind in (_LANCZOS, _BOX))
    painted = [
        Image.fromarray(colours[masks.hatched(labels, colours)]).resize(size, exact)
        for labels in (example.truth, example.predicted)
    ]
    return [photo.resize(size, smooth), *painted, _error_map(example, size, smooth)]


def _error_map(example: Example, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    grey = np.asarray(example.photo.convert("L").resize(size, resampling)).astype(np.float32)
    # In steps: a smooth grey under the errors would double the size of the file.
    pale = Image.fromarray((255 - _PALE * (255 - grey) // 8 * 8).astype(np.uint8)).convert("RGBA")
    kinds = np.asarray(Image.fromarray(example.kinds).resize(size, Image.Resampling.NEAREST))
    return Image.alpha_composite(pale, masks.error_picture(kinds).convert("RGBA")).convert("RGB")


def _draw_legend(figure: Figure, legend: Sequence[LegendItem], top: float) -> None:
    width, height = figure.get_size_inches()
    for place, item in enumerate(legend):
        row, column = divmod(place, _LEGEND_COLUMNS)
        left, base = _GAP + column * (_SIDE + _GAP), top - 0.1 - _LEGEND_LINE * (row + 1)
        look: dict[str, Any] = {"facecolor": item.colour, "edgecolor": _HATCH_COLOURS[item.pattern], "linewidth": 0}
        area = (left / width, base / height), 0.24 / width, 0.15 / height
        figure.add_artist(Rectangle(*area, hatch=_HATCHES[item.pattern], **look))
        figure.add_artist(Rectangle(*area, facecolor="none", edgecolor=COLOURS["muted"], linewidth=0.8))
        _write(figure, left + 0.32, base + 0.02, shortened(item.label, 21), fontsize=11)
