"""The figure of the examples: in each row the truth and the detections of an image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from PIL import Image

from vyvod.report.detection.boxes import LOOKS, BoxRecord
from vyvod.report.document import Box, BoxRole
from vyvod.report.figures import COLOURS, PIXELS, shortened, style
from vyvod.report.text import Words

_WIDTH = 8.0
"""Inches of the figure; the other lengths are inches, too."""
_GAP, _TITLE, _LINE = 0.06, 0.34, 0.27
_SIDE = (_WIDTH - 3 * _GAP) / 2
_TALLEST = 0.66
"""Pictures of the figure are at most that much higher than a column is wide."""
_DENSITY = PIXELS / _WIDTH
"""Pixels of an inch."""
_TINY = 160
"""Pixels: images up to this size are enlarged as squares, not smoothed."""
_TONES = 64
"""Colours of a photo in the figure."""
_LETTERS = 8.0
"""Points of a label."""
_HIGH = 1.45 * _LETTERS / 72
"""Of a label."""
_NAME = 14
"""Letters of the name of a class on a label."""
_LEGEND_LINE = 0.25
_LABELLED: tuple[BoxRole, ...] = ("false", "missed", "right", "ignored", "found", "crowd")
"""In the order in which labels get their room."""
_PANELS: tuple[tuple[str, tuple[BoxRole, ...], tuple[BoxRole, ...]], ...] = (
    ("truth", ("crowd", "found", "missed"), ("crowd", "found", "missed")),
    ("predicted", ("ignored", "right", "false", "missed"), ("ignored", "right", "false")),
)
"""Title, boxes that are drawn, boxes that have labels."""


@dataclass(frozen=True, slots=True)
class Example:
    """The pictures and boxes of an example."""

    record: BoxRecord
    photo: Image.Image
    """RGB."""
    masks: Image.Image | None
    """Mode P, above the photo."""
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True)
class _Area:
    """A rectangle in inches, from the top left corner of a panel."""

    left: float
    top: float
    width: float
    height: float

    def meets(self, other: "_Area") -> bool:
        beside = self.left >= other.left + other.width or other.left >= self.left + self.width
        return not beside and self.top < other.top + other.height and other.top < self.top + self.height

    def inside(self, width: float, height: float) -> bool:
        right, bottom = self.left + self.width, self.top + self.height
        return self.left >= 0 and self.top >= 0 and right <= width and bottom <= height


def draw(chosen: Sequence[Example], *, several: bool, words: Words) -> Figure:
    """A row for each example, and below them what the lines stand for.

    Args:
        chosen: the examples, at least one.
        several: there is more than one class, so that labels need its name.
        words: the language.
    """
    legend = [role for role in LOOKS if any(box.role == role for example in chosen for box in example.boxes)]
    sizes = [_size(example.photo) for example in chosen]
    lower = 0.15 + _LEGEND_LINE * math.ceil(len(legend) / 3)
    height = _TITLE + sum(down for _, down in sizes) + len(chosen) * (_LINE + _GAP) + lower
    with style():
        figure = Figure(figsize=(_WIDTH, height))
        top = height - _TITLE
        for column, (name, _, _) in enumerate(_PANELS):
            _write(figure, _GAP + column * (_SIDE + _GAP), top + 0.1, words.say(f"picture_{name}"), weight="bold")
        for example, size in zip(chosen, sizes, strict=True):
            _head(figure, example, top - _LINE + 0.07, words=words)
            _row(figure, example, size, top=top - _LINE, several=several)
            top -= _LINE + size[1] + _GAP
        _legend(figure, legend, top, words=words)
    return figure


def _size(photo: Image.Image) -> tuple[float, float]:
    """Width and height of a panel in inches."""
    times = min(_SIDE / photo.width, _TALLEST * _SIDE / photo.height)
    return round(photo.width * times * _DENSITY) / _DENSITY, round(photo.height * times * _DENSITY) / _DENSITY


def _write(figure: Figure, left: float, base: float, text: str, **look: Any) -> None:
    width, height = figure.get_size_inches()
    figure.text(left / width, base / height, text, **{"fontsize": 13, "va": "baseline", **look})


def _head(figure: Figure, example: Example, base: float, *, words: Words) -> None:
    record = example.record
    score = words.say("image_f1", value=words.number(record.f1, 3))
    role = "" if record.role == "gallery" else f"{words.say(f'role_{record.role}')} · "
    _write(figure, _GAP, base, f"{role}{score}", fontsize=12)
    name = shortened(record.id, 60)
    _write(figure, _WIDTH - _GAP, base, name, fontsize=11, ha="right", color=COLOURS["muted"])


def _row(figure: Figure, example: Example, size: tuple[float, float], *, top: float, several: bool) -> None:
    width, height = figure.get_size_inches()
    across, down = size
    photo = _picture(example.photo, None, size)
    masked = photo if example.masks is None else _picture(example.photo, example.masks, size)
    for column, (name, drawn, labelled) in enumerate(_PANELS):
        left = _GAP + column * (_SIDE + _GAP)
        axes = figure.add_axes((left / width, (top - down) / height, across / width, down / height))
        shown = masked if name == "predicted" else photo
        axes.imshow(np.asarray(shown), interpolation="none", aspect="auto")
        # Boxes are placed in inches of the panel.
        axes.images[0].set_extent((0, across, down, 0))
        axes.set(xticks=[], yticks=[], xlim=(0, across), ylim=(down, 0))
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set(visible=True, color=COLOURS["muted"], linewidth=0.6)
        times = across / example.photo.width
        for box in sorted((box for box in example.boxes if box.role in drawn), key=lambda box: drawn.index(box.role)):
            _outline(axes, box, times)
        _label(axes, [box for box in example.boxes if box.role in labelled], times, size, several=several)


def _picture(photo: Image.Image, masks: Image.Image | None, size: tuple[float, float]) -> Image.Image:
    """The photo, under half-transparent masks where there are some, as large as it is printed.

    Lines and letters are sharp, the photo below them is coarser: in full it would need many times the bytes.
    """
    pixels = (round(size[0] * _DENSITY), round(size[1] * _DENSITY))
    squares = max(photo.size) <= _TINY
    coarse = photo.size if squares else (pixels[0] // 2, pixels[1] // 2)
    shown = _under(photo.resize(coarse, Image.Resampling.LANCZOS), masks)
    if not squares:
        shown = shown.quantize(_TONES, dither=Image.Dither.NONE).convert("RGB")
    return shown.resize(pixels, Image.Resampling.NEAREST)


def _under(photo: Image.Image, masks: Image.Image | None) -> Image.Image:
    if masks is None:
        return photo
    painted = np.asarray(masks.convert("RGBA").resize(photo.size, Image.Resampling.NEAREST)).astype(np.float32)
    share = 0.45 * painted[..., 3:] / 255
    return Image.fromarray(np.round((1 - share) * np.asarray(photo) + share * painted[..., :3]).astype(np.uint8))


def _outline(axes: Axes, box: Box, times: float) -> None:
    look = LOOKS[box.role]
    place: Any = ((box.left * times, box.top * times), box.width * times, box.height * times)
    # Thin lines leave something of small objects to be seen.
    line = 1.8 if min(box.width, box.height) * times > 0.12 else 1.0
    if box.role == "crowd":
        axes.add_artist(
            Rectangle(*place, fill=False, hatch="//", hatch_linewidth=0.6, edgecolor="#ffffff", linewidth=0)
        )
    axes.add_artist(Rectangle(*place, fill=False, edgecolor="#ffffff", linewidth=line + 1.4))
    axes.add_artist(Rectangle(*place, fill=False, edgecolor=look.colour, linewidth=line, linestyle=look.line))


def _label(axes: Axes, boxes: Sequence[Box], times: float, size: tuple[float, float], *, several: bool) -> None:
    taken: list[_Area] = []
    for box in sorted(boxes, key=lambda box: (_LABELLED.index(box.role), -box.width * box.height)):
        text = _text(box, several=several)
        area = _free(box, times, size, _wide(text), taken) if text else None
        if area is not None:
            taken.append(area)
            look = LOOKS[box.role]
            axes.add_artist(Rectangle((area.left, area.top), area.width, area.height, facecolor=look.colour, zorder=4))
            axes.text(
                area.left + 0.03, area.top + 0.76 * area.height, text, fontsize=_LETTERS, color=look.letters, zorder=5
            )


def _text(box: Box, *, several: bool) -> str:
    score = box.label.removeprefix(box.name).strip()
    return f"{shortened(box.name, _NAME)} {score}".strip() if several else score


@lru_cache(maxsize=4096)
def _wide(text: str) -> float:
    """Of a label, with its margins."""
    points, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=_LETTERS), ismath=False)
    return float(points) / 72 + 0.06


def _free(box: Box, times: float, size: tuple[float, float], width: float, taken: Sequence[_Area]) -> _Area | None:
    """Room for a label: above its box, below it, or inside; None where others have taken it."""
    left = min(max(box.left * times, 0.0), max(size[0] - width, 0.0))
    top, bottom = box.top * times, (box.top + box.height) * times
    for place in (top - _HIGH, bottom, top, bottom - _HIGH):
        area = _Area(left, place, width, _HIGH)
        if area.inside(*size) and not any(area.meets(other) for other in taken):
            return area
    return None


def _legend(figure: Figure, legend: Sequence[BoxRole], top: float, *, words: Words) -> None:
    width, height = figure.get_size_inches()
    for place, role in enumerate(legend):
        row, column = divmod(place, 3)
        left, base = _GAP + column * _WIDTH / 3, top - 0.1 - _LEGEND_LINE * (row + 1)
        look: Any = {"fill": False, "edgecolor": LOOKS[role].colour, "linewidth": 1.8}
        area = ((left + 0.02) / width, (base + 0.01) / height), 0.3 / width, 0.14 / height
        if role == "crowd":
            figure.add_artist(Rectangle(*area, fill=False, hatch="////", edgecolor=COLOURS["line"], linewidth=0))
        figure.add_artist(Rectangle(*area, linestyle=LOOKS[role].line, **look))
        _write(figure, left + 0.4, base + 0.02, words.say(f"box_{role}"), fontsize=11)
