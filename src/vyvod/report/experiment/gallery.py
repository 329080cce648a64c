"""Images that the idea mends, and that it breaks: with what the runs of both arms say where a picture is stored."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from vyvod.report.contract import Shown
from vyvod.report.document import (
    Block,
    Cell,
    Choice,
    Code,
    Column,
    Gallery,
    Heading,
    PairCard,
    Paragraph,
    Picture,
    Section,
    Table,
)
from vyvod.report.experiment.digits import plain
from vyvod.report.experiment.reading import Experiment
from vyvod.report.experiment.records import ArmRecord, FlipRecord, FlipsRecord, IdeaRecord
from vyvod.report.figures import COLOURS, shortened, style
from vyvod.report.records import ExampleRecord, Run
from vyvod.report.tasks import report_of
from vyvod.report.text import UNKNOWN, Words

Outcome = Literal["fixed", "broken"]
_OUTCOMES: tuple[Outcome, Outcome] = ("fixed", "broken")
_COLUMNS, _MOST, _MOST_ROWS = 4, 12, 6
"""Of the figure in README.md: images in a row and in all, and rows where an image has several pictures."""
_TINY = 96
"""Pixels: images up to this size are enlarged as squares, not smoothed."""
_LARGEST = 480
"""Pixels of an image in the figure."""
_WIDTH, _GAP, _HEAD, _LINE = 8.0, 0.2, 0.32, 0.19
"""Inches."""
_TALLEST = 1.2
"""Pictures of the figure are at most that much higher than wide."""


def sections(experiment: Experiment, words: Words) -> list[Section]:
    """For each idea a gallery of what could be found, and a table of all."""
    ideas = [(idea, idea.flips) for idea in experiment.ideas if idea.flips]
    blocks: list[Block] = []
    for number, (idea, flips) in enumerate(ideas, start=1):
        blocks += [Heading((Code(idea.name),))] if len(experiment.ideas) > 1 else []
        blocks += _blocks(experiment, idea, flips, ending="" if number == 1 else f"_{number}", words=words)
    return [Section("flips", words.say("section_flips"), blocks)] if blocks else []


def _blocks(experiment: Experiment, idea: IdeaRecord, flips: FlipsRecord, *, ending: str, words: Words) -> list[Block]:
    everything = [(outcome, flip) for outcome in _OUTCOMES for flip in getattr(flips, outcome)]
    if not everything:
        return [Paragraph(words.text("flips_none"))]
    cards = list(_cards(experiment, idea, everything, words))
    blocks: list[Block] = [Paragraph(words.text("flips_lead"))]
    if not cards:
        blocks.append(Paragraph(words.text("flips_no_pictures")))
    elif len(cards) < len(everything):
        counts = {"shown": str(len(cards)), "all": str(len(everything))}
        blocks.append(Paragraph(words.text("flips_some_pictures", **counts)))
    if cards:
        blocks.append(_gallery(cards, f"flips{ending}", words))
    return [*blocks, _table(experiment, idea, everything, words)]


def _gallery(cards: Sequence[PairCard], name: str, words: Words) -> Gallery:
    counts = {outcome: sum(card.group == outcome for card in cards) for outcome in _OUTCOMES}
    picture = Picture(name, _draw(cards, words), words.say("alt_flips", **counts), words.say("cap_flips"), photos=True)
    choices = [Choice(outcome, words.say(f"filter_{outcome}")) for outcome in _OUTCOMES if counts[outcome]]
    return Gallery(picture, cards, choices, words.say("filter_occurs"), at_first=24)


def _table(
    experiment: Experiment, idea: IdeaRecord, everything: Sequence[tuple[Outcome, FlipRecord]], words: Words
) -> Table:
    titles = ("col_outcome", "col_image", "baseline", "col_idea")
    columns = [Column(words.say(title)) for title in titles]
    base = experiment.results.baseline.n if experiment.results else 0
    rows = [
        [
            Cell((words.say(f"flip_{outcome}"),)),
            Cell((Code(flip.id),)),
            Cell((_score(flip.baseline_right, flip.baseline, base, words),)),
            Cell((_score(flip.idea_right, flip.idea, idea.n, words),)),
        ]
        for outcome, flip in everything
    ]
    return Table(words.say("table_flips"), columns, rows)


def _score(right: int | None, mean: float | None, runs: int, words: Words) -> str:
    if right is not None:
        return words.say("flip_right", right=right, n=runs)
    return words.say("flip_mean", score=plain(mean, 2, words)) if mean is not None else UNKNOWN


def _cards(
    experiment: Experiment, idea: IdeaRecord, everything: Sequence[tuple[Outcome, FlipRecord]], words: Words
) -> Iterator[PairCard]:
    if experiment.results is None:
        return
    arms: tuple[ArmRecord, ArmRecord] = (experiment.results.baseline, idea)
    stored = [_by_id(experiment.of_arm(arm)) for arm in arms]
    for outcome, flip in everything:
        wanted = (outcome == "broken", outcome == "fixed")
        found = [_shown(part.get(flip.id, []), words, right=right) for part, right in zip(stored, wanted, strict=True)]
        if any(found):
            yield _card(outcome, flip, found, arms, words)


def _by_id(runs: Sequence[Run]) -> dict[str, list[tuple[Run, ExampleRecord]]]:
    """Image -> the runs that have a picture of it, with their entries."""
    stored: dict[str, list[tuple[Run, ExampleRecord]]] = {}
    for run in runs:
        for example in run.examples:
            stored.setdefault(example.id, []).append((run, example))
    return stored


def _shown(stored: Sequence[tuple[Run, ExampleRecord]], words: Words, *, right: bool) -> Shown | None:
    """What one of the runs says; where answers are right or wrong, a run that answers as most runs of its arm do."""
    if not stored:
        return None
    run, example = next((part for part in stored if getattr(part[1], "right", None) is right), stored[0])
    return report_of(run.record.task, run.folder).shown(run, example, words)


def _card(
    outcome: Outcome, flip: FlipRecord, found: Sequence[Shown | None], arms: tuple[ArmRecord, ArmRecord], words: Words
) -> PairCard:
    """From what was found of the baseline and of the idea; at least one of them is there."""
    first = next(part for part in found if part)
    scores = ((flip.baseline_right, flip.baseline), (flip.idea_right, flip.idea))
    names = (words.say("baseline"), arms[1].name)
    answers = []
    for name, part, arm, (right, mean) in zip(names, found, arms, scores, strict=True):
        score = _score(right, mean, arm.n, words)
        answers.append((name, score, part.answer_text if part else ""))
    frames = [("", first.photo)]
    if first.truth is not None:
        frames = [(words.say("flip_truth"), first.truth)]
        frames += [(name, part.answer) for name, part in zip(names, found, strict=True) if part and part.answer]
    return PairCard(outcome, list(first.tags), flip.id, first.truth_text, frames, answers)


def _draw(cards: Sequence[PairCard], words: Words) -> Figure:
    """Images of one picture in a grid, those of several in rows; of both outcomes alike."""
    single = all(len(card.frames) == 1 for card in cards)
    most = _MOST if single else _MOST_ROWS
    parts = [[card for card in cards if card.group == outcome] for outcome in _OUTCOMES]
    room = [max(most // 2, most - len(other)) for other in reversed(parts)]
    chosen = [card for part, places in zip(parts, room, strict=True) for card in part[:places]]
    with style():
        return _draw_grid(chosen, words) if single else _draw_rows(chosen, words)


def _draw_grid(cards: Sequence[PairCard], words: Words) -> Figure:
    """Below each image its class, and of each arm how many runs are right and what one of them says."""
    side = (_WIDTH - (_COLUMNS + 1) * _GAP) / _COLUMNS
    high = _HEAD + side + 7.6 * _LINE
    figure = Figure(figsize=(_WIDTH, high * -(-len(cards) // _COLUMNS)))
    for place, card in enumerate(cards):
        row, column = divmod(place, _COLUMNS)
        left, top = _GAP + column * (side + _GAP), row * high + _HEAD
        _draw_image(figure, _square(card.frames[0][1]), card, (left, top, side, side))
        _write(figure, left, top - 0.08, words.say(f"flip_{card.group}"), fontsize=11, color=_colour(card))
        lines = [(card.truth, "bold", "ink")]
        for arm, score, answer in card.answers:
            lines += [(arm, "normal", "muted"), (score, "normal", "ink"), (f"→ {answer}", "normal", "ink")]
        for number, (text, weight, colour) in enumerate(lines, start=1):
            look = {"fontsize": 10, "fontweight": weight, "color": COLOURS[colour]}
            _write(figure, left, top + side + number * _LINE, shortened(text, 25), **look)
    return figure


def _draw_rows(cards: Sequence[PairCard], words: Words) -> Figure:
    """The truth and the answers side by side, each with its score below it."""
    columns = max(len(card.frames) for card in cards)
    side = (_WIDTH - (columns + 1) * _GAP) / columns
    heights = [side * min(_TALLEST, card.frames[0][1].height / card.frames[0][1].width) for card in cards]
    figure = Figure(figsize=(_WIDTH, sum(heights) + len(cards) * (_HEAD + 2.2 * _LINE)))
    top = 0.0
    for card, high in zip(cards, heights, strict=True):
        said = {arm: f"{score} → {answer}" for arm, score, answer in card.answers}
        top += _HEAD
        for column, (label, image) in enumerate(card.frames):
            left = _GAP + column * (side + _GAP)
            across = min(side, high * image.width / image.height)
            _draw_image(figure, image, card, (left, top, across, across * image.height / image.width))
            _write(figure, left, top - 0.08, shortened(label, 28), fontsize=11, color=COLOURS["muted"])
            below = said.get(label, words.say(f"flip_{card.group}"))
            _write(figure, left, top + high + 1.1 * _LINE, shortened(below, 34), fontsize=10, color=_colour(card))
        top += high + 2.2 * _LINE
    return figure


def _write(figure: Figure, left: float, down: float, text: str, **look: Any) -> None:
    """Text whose base line lies so many inches from the upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - down / height, text, va="baseline", **look)


def _square(image: Image.Image) -> Image.Image:
    """The image in the middle of a white square."""
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas


def _colour(card: PairCard) -> str:
    return COLOURS["green" if card.group == "fixed" else "orange"]


def _draw_image(figure: Figure, image: Image.Image, card: PairCard, place: tuple[float, float, float, float]) -> None:
    """An image in the frame of its outcome; the place in inches from the upper left corner."""
    small = image.copy()
    small.thumbnail((_LARGEST, _LARGEST))
    left, top, across, down = place
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, 1 - (top + down) / height, across / width, down / height))
    axes.imshow(
        np.asarray(small), interpolation="nearest" if max(small.size) <= _TINY else "antialiased", aspect="auto"
    )
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    line: Any = "solid" if card.group == "fixed" else (0, (2.4, 1.6))
    for spine in axes.spines.values():
        spine.set(visible=True, color=_colour(card), linewidth=2.4, capstyle="butt", linestyle=line)
