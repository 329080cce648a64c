"""Figures: one style for all, drawn once and written twice, as a PNG for paper and as an SVG that takes the page's colours.

The object interface of matplotlib is used, not pyplot: no global state, no window system, and threads do not meet.
The colours are told apart with the common kinds of colour blindness (after Okabe and Ito 2008,
https://jfly.uni-koeln.de/color/), and nothing is told by colour alone.
"""

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray
from PIL import Image

from vyvod.report.records import Floats
from vyvod.report.text import Words

WIDTH = 6.4
"""Inches. Letters of 13 points are then 10 pixels high on a phone and 12 points on A4."""
PIXELS = 1600
"""Width of every PNG: sharp on paper and on a phone."""
LARGEST = 200_000
"""Bytes of a PNG of lines and letters, ..."""
LARGEST_PHOTOS = 900_000
"""... and of one of photos."""

COLOURS = {
    "ink": "#18212c",
    "muted": "#55606e",
    "line": "#d5dae1",
    "surface": "#ffffff",
    "blue": "#1c68ad",
    "orange": "#ad4a08",
    "green": "#0b7a60",
    "purple": "#7a4a9e",
    "wash": "#b9d3ea",
}
"""Name -> colour in print. In the page each name is a CSS variable ``--fig-<name>`` with a light and a dark value."""

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "text.color": COLOURS["ink"],
    "text.parse_math": False,
    "axes.titlesize": 13,
    "axes.titlecolor": COLOURS["muted"],
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "figure.titlesize": 15,
    "figure.titleweight": "bold",
    "axes.labelsize": 13,
    "axes.labelcolor": COLOURS["muted"],
    "axes.edgecolor": COLOURS["line"],
    "axes.facecolor": COLOURS["surface"],
    "axes.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.9,
    "xtick.color": COLOURS["line"],
    "xtick.labelcolor": COLOURS["muted"],
    "xtick.labelsize": 13,
    "xtick.major.size": 4,
    "ytick.color": COLOURS["line"],
    "ytick.labelcolor": COLOURS["muted"],
    "ytick.labelsize": 13,
    "ytick.major.size": 0,
    "lines.linewidth": 2.4,
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "round",
    "figure.facecolor": COLOURS["surface"],
    "savefig.facecolor": COLOURS["surface"],
    "figure.dpi": 72,
    "svg.fonttype": "none",
    "path.simplify": True,
}


_FLAT = 64
"""Colours of a figure of photos that stay exact."""
NAMED_BARS = 30
"""Up to that many classes the bars of their amounts have names."""
TICK_STEPS = (1, 2, 2.5, 5, 10)
"""Distances between ticks that a person counts in."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a figure over epochs."""

    label: str
    values: Floats
    """``(E,)``, NaN where there is none."""
    colour: str
    """A name of `COLOURS`."""
    dashes: tuple[float, ...] = ()
    thin: bool = False


@contextmanager
def style() -> Iterator[None]:
    """Our look, for figures that are made or written inside; letters that the font lacks are no reason to complain."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def blank(title: str, height: float, *, width: float = WIDTH) -> Figure:
    """An empty figure under its title; height and width in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.012, ha="left")
    return figure


def curves(title: str, epochs: Floats, series: Sequence[Series], *, best: int | None, words: Words) -> Figure:
    """Lines over epochs, named at their ends, with the best epoch marked.

    Args:
        title: says what is drawn.
        epochs: ``(E,)`` numbers of the epochs; one epoch is drawn as dots.
        series: the lines, the most important last (it lies on top).
        best: the epoch whose weights are reported.
        words: the language.
    """
    with style():
        figure = blank(title, 4.1)
        axes = figure.add_subplot()
        for line in series:
            draw_line(axes, epochs, line)
        _mark_best(axes, epochs, best, words=words)
        epoch_axis(axes, epochs, words)
        name_ends(axes, series)
    return figure


def steps(title: str, epochs: Floats, values: Floats, *, words: Words) -> Figure:
    """One quantity over epochs, in a low figure."""
    with style():
        figure = blank(title, 2.4)
        axes = figure.add_subplot()
        draw_line(axes, epochs, Series("", values, "purple"))
        axes.set_ylim(bottom=0)
        epoch_axis(axes, epochs, words)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, steps=TICK_STEPS))
    return figure


def rate_sweep(rates: Sequence[float], losses: Sequence[float], *, proposed: float) -> Figure:
    """Loss against learning rate, as a learning-rate finder sees it, with the proposed rate marked."""
    words = Words("en")
    with style():
        figure = blank("Loss against learning rate", 4.1)
        axes = figure.add_subplot()
        axes.plot(rates, losses, color=COLOURS["blue"])
        axes.set_xscale("log")
        axes.axvline(proposed, color=COLOURS["muted"], linewidth=1.2, dashes=(2, 3), zorder=1)
        _name_rule(axes, f"proposed: {proposed:.2g}", proposed)
        axes.set_xlabel("learning rate", loc="right")
        axes.minorticks_off()
        for axis in (axes.xaxis, axes.yaxis):
            number_axis(axis, words)
    return figure


def class_balance(
    names: Sequence[str], amounts: Mapping[str, Sequence[float]], *, title: str, words: Words, shares: bool = False
) -> Figure:
    """How much there is of each class: named bars for up to `NAMED_BARS` classes, amounts in order of size for more.

    Args:
        names: of the K classes.
        amounts: split -> K amounts, for instance numbers of images.
        title: says what is drawn.
        words: the language.
        shares: the amounts are shares of 1, and differ so much that many classes need a logarithmic axis.
    """
    with style():
        if len(names) <= NAMED_BARS:
            write = words.share if shares else words.integer
            return _balance_bars(names, amounts, title=title, words=words, write=write)
        return _balance_ranks(amounts, title=title, words=words, shares=shares)


def shortened(name: str, length: int = 18) -> str:
    """A name that fits into a figure: its beginning and its end, which often tells alike classes apart."""
    name = " ".join(name.split())
    if len(name) <= length:
        return name
    tail = length // 3
    return f"{name[: length - tail - 1].rstrip()}…{name[-tail:].lstrip()}"


def number_axis(axis: Any, words: Words) -> None:
    """Numbers of an axis as the language writes them."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.tick(value)))


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes: the same figure gives the same bytes, and at most `LARGEST` where that can be had."""
    data = b""
    for pixels, colours in ((PIXELS, 256), (PIXELS, 96), (1100, 64), (800, 48)):
        # A palette makes flat colours and smooth letters three times smaller, with no difference to be seen.
        picture = _rendered(figure, pixels).quantize(colours, dither=Image.Dither.NONE)
        data = _packed(picture, figure)
        if len(data) <= LARGEST:
            break
    return data


def photo_png(figure: Figure) -> bytes:
    """The same for a figure of photos beside flat colours, such as masks: these stay exact. At most `LARGEST_PHOTOS`."""
    data = b""
    for pixels, colours in ((PIXELS, 192), (PIXELS, 96), (1280, 96), (1000, 64)):
        data = _packed(_with_flat_colours(_rendered(figure, pixels), colours), figure)
        if len(data) <= LARGEST_PHOTOS:
            break
    return data


def svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element for a page, its colours as CSS variables, its ids its own.

    Args:
        figure: to be drawn.
        name: of the figure, different for each figure of a page.
    """
    buffer = io.StringIO()
    with style(), mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _for_page(buffer.getvalue(), name)


def _rendered(figure: Figure, pixels: int) -> Image.Image:
    # A hundredth more, so that rounding down gives the wanted width.
    dpi = (pixels + 0.01) / figure.get_figwidth()
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="rgba", dpi=dpi)
    height = len(buffer.getvalue()) // (4 * pixels)
    return Image.frombytes("RGBA", (pixels, height), buffer.getvalue()).convert("RGB")


def _with_flat_colours(picture: Image.Image, colours: int) -> Image.Image:
    """In a palette of the most frequent colours as they are, and of so many more for what is left."""
    found = np.asarray(picture).astype(np.uint32) @ np.array([1, 2**8, 2**16], dtype=np.uint32)
    values, places, counts = np.unique(found, return_inverse=True, return_counts=True)
    parts = (values[:, None] >> np.array([0, 8, 16], dtype=np.uint32) & 255).astype(np.float32)
    flat = parts[np.argsort(-counts, kind="stable")[:_FLAT]]
    rest = picture.quantize(colours, dither=Image.Dither.NONE).getpalette() or []
    palette = np.concatenate([flat, np.array(rest, dtype=np.float32).reshape(-1, 3)])
    # Pillow's own search for the nearest colour is coarse: it takes white for a pale pink.
    nearest = ((palette**2).sum(axis=1) - 2 * parts @ palette.T).argmin(axis=1).astype(np.uint8)
    image = Image.fromarray(nearest[places.reshape(found.shape)])
    image.putpalette(palette.astype(np.uint8).ravel().tolist())
    return image


def _packed(picture: Image.Image, figure: Figure) -> bytes:
    buffer = io.BytesIO()
    dpi = (picture.width + 0.01) / figure.get_figwidth()
    picture.save(buffer, format="PNG", optimize=True, dpi=(dpi, dpi))
    return buffer.getvalue()


def _for_page(text: str, name: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, flags=re.DOTALL)
    size = re.search(r'viewBox="[^"]*"', text)
    text = re.sub(
        r"<svg [^>]*>", f'<svg {size[0] if size else ""} aria-hidden="true" focusable="false">', text, count=1
    )
    # Only tags: what stands between them is what the reader sees, names of classes among it.
    text = re.sub(r"<[^>]*>", lambda tag: _tag_for_page(tag[0], name), text)
    return re.sub(r"\s*\n\s*", " ", text).strip()


def _tag_for_page(tag: str, name: str) -> str:
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = re.sub(r'(url\(#|href="#)', rf"\1{name}-", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    for colour, value in COLOURS.items():
        tag = tag.replace(value, f"var(--fig-{colour})")
    # Shorter by a third: the page holds no editor, and a hundredth of a point is less than a pixel.
    return re.sub(r"(\d+\.\d\d)\d+", r"\1", tag)


def draw_line(axes: Axes, epochs: Floats, line: Series) -> None:
    """Draw one line over epochs; few points are marked."""
    seen = np.isfinite(line.values)
    axes.plot(
        epochs[seen],
        line.values[seen],
        color=COLOURS[line.colour],
        linewidth=1.6 if line.thin else 2.6,
        dashes=line.dashes or (None, None),
        marker="o" if seen.sum() <= 12 else None,
        markersize=4 if line.thin else 5.5,
    )


def _mark_best(axes: Axes, epochs: Floats, best: int | None, *, words: Words) -> None:
    if best is None or best not in epochs or len(epochs) < 2:
        return
    axes.axvline(best, color=COLOURS["muted"], linewidth=1.2, dashes=(2, 3), zorder=1)
    # On the right it would reach over the names of the lines.
    late = (best - epochs[0]) / (epochs[-1] - epochs[0]) > 0.7
    _name_rule(axes, words.say("best_epoch", epoch=best), best, side="right" if late else "center")


def _name_rule(axes: Axes, name: str, place: float, *, side: Literal["center", "right"] = "center") -> None:
    """Write the name of a vertical line above it: in the middle, or with its right end there."""
    axes.annotate(
        name,
        xy=(place, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=12,
        color=COLOURS["muted"],
    )


def epoch_axis(axes: Axes, epochs: Floats, words: Words) -> None:
    """Make the horizontal axis one of epochs, and write both axes' numbers as the language does."""
    axes.set_xlabel(words.say("axis_epoch"), loc="right")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    axes.margins(x=0.02)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=TICK_STEPS))
    number_axis(axes.xaxis, words)
    number_axis(axes.yaxis, words)
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
        axes.set_xticks(epochs)


def name_ends(axes: Axes, series: Sequence[Series]) -> None:
    """Write each line's name behind its right end; names that would touch are moved apart."""
    named = [line for line in series if np.isfinite(line.values).any()]
    low, high = axes.get_ylim()
    ends = np.array([line.values[np.isfinite(line.values)][-1] for line in named])
    places = _apart((ends - low) / (high - low), gap=0.085)
    for line, end, place in zip(named, ends, places, strict=True):
        axes.annotate(
            line.label,
            xy=(1, end),
            xycoords=("axes fraction", "data"),
            xytext=(1.05, place),
            textcoords="axes fraction",
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": COLOURS[line.colour],
                "linewidth": 1,
                "relpos": (0, 0.5),
                "shrinkA": 2,
            },
            fontsize=13,
            fontweight="normal" if line.thin else "bold",
            color=COLOURS[line.colour],
            annotation_clip=False,
        )


def _apart(places: Floats, gap: float) -> Floats:
    """The nearest places, in the same order, that are at least ``gap`` apart and inside 0..1 where they fit."""
    order = np.argsort(places, kind="stable")
    result = places[order].astype(np.float64)
    for _ in range(200):
        overlap = gap - np.diff(result)
        if not (overlap > 1e-6).any():
            break
        push = np.maximum(overlap, 0) / 2
        result[:-1] -= push
        result[1:] += push
    if len(result):
        result += max(0.0, -result[0]) - max(0.0, result[-1] - 1)
    back = np.empty_like(result)
    back[order] = result
    return back


def _balance_bars(
    names: Sequence[str],
    amounts: Mapping[str, Sequence[float]],
    *,
    title: str,
    words: Words,
    write: Callable[[float], str],
) -> Figure:
    figure = blank(title, 1.3 + 0.34 * len(names))
    places = np.arange(len(names))
    panels = np.atleast_1d(figure.subplots(1, len(amounts), sharey=True))
    for axes, (split, values) in zip(panels, amounts.items(), strict=True):
        bars = axes.barh(places, values, height=0.66, color=COLOURS["blue" if split == "train" else "wash"])
        axes.bar_label(bars, [write(value) for value in values], padding=4, fontsize=12, color=COLOURS["ink"])
        axes.set_title(words.say(f"split_{split}"))
        axes.set_xlim(0, (max(values) or 1) * 1.45)
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
    panels[0].set_yticks(places, [shortened(name, 16) for name in names], color=COLOURS["ink"])
    panels[0].invert_yaxis()
    return figure


def _balance_ranks(amounts: Mapping[str, Sequence[float]], *, title: str, words: Words, shares: bool) -> Figure:
    figure = blank(title, 0.8 + 1.5 * len(amounts))
    panels = np.atleast_1d(figure.subplots(len(amounts), 1, sharex=True))
    order = np.argsort(-np.asarray(next(iter(amounts.values()))), kind="stable")
    for axes, (split, values) in zip(panels, amounts.items(), strict=True):
        heights = np.asarray(values)[order]
        axes.set_title(words.say(f"split_{split}"))
        axes.margins(x=0.01)
        if shares:
            _log_ranks(axes, heights, words)
            continue
        axes.fill_between(np.arange(len(order)) + 1, heights, step="mid", color=COLOURS["blue"], linewidth=0)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, steps=TICK_STEPS))
        number_axis(axes.yaxis, words)
    panels[-1].set_xlabel(words.say("axis_pixel_rank" if shares else "axis_class_rank"), loc="right")
    return figure


def _log_ranks(axes: Axes, shares: Floats, words: Words) -> None:
    """Shares as bars on a logarithmic axis, on which a class that never occurs has none."""
    there = shares[shares > 0]
    floor = 10 ** math.floor(math.log10(there.min())) if len(there) else 1e-3
    axes.bar(np.arange(len(shares)) + 1, np.maximum(shares, floor) - floor, 0.8, bottom=floor, color=COLOURS["blue"])
    axes.set_yscale("log")
    axes.set_ylim(floor, max(1.5 * shares.max(), 10 * floor))
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: words.percent(value, max(0, round(-math.log10(100 * value)))))
    )


def cells(places: NDArray[np.integer]) -> Any:
    """One path with a unit square around each ``(row, column)``, ``(N, 2)``: thousands of cells in one shape of an SVG."""
    from matplotlib.path import Path

    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
    points = places[:, None, ::-1] + corners[None]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(places)
    return Path(points.reshape(-1, 2), codes)
