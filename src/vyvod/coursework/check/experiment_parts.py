"""Findings on experiments: goal, idea, results, comparison with the baseline, conclusions, in whatever words they are written."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vyvod.coursework.check import words
from vyvod.coursework.check.markdown import LABEL, Block, part, written
from vyvod.coursework.check.submission import Submission
from vyvod.report.text import TEXTS

PARTS = ("goal", "idea", "results", "baseline", "conclusions")
_NAMES = {
    "goal": "Goal / Цель",
    "idea": "Idea / Идея",
    "results": "Results / Результаты",
    "baseline": "Comparison with the baseline / Сравнение с baseline",
    "conclusions": "Conclusions / Выводы",
}
_NUMBERED = re.compile(r"(эксперимент|experiment|гипотеза|hypothesis)\w*\s*[№#]?\s*\d", re.IGNORECASE)
_CONCLUDES = re.compile(
    r"\bвывод|таким образом|следовательно|в итоге|можно заключить|conclu|therefore|\bthus\b|we can see|as a result|overall,",
    re.IGNORECASE,
)
_OWN = re.compile(r"(?ms)^<!-- vyvod: your conclusions -->[ \t]*\r?$(.*?)^<!-- vyvod: end -->[ \t]*\r?$")
_VALUE = re.compile(r"\d[.,]\d|\d\s*%")
_COMMENT = re.compile(r"(?s)<!--.*?-->")
_FEW = 8
"""Words of a caption."""
_LEAST = 20
"""Letters of the shortest conclusion."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A part of README or of a notebook that is about one experiment."""

    head: Block
    body: Sequence[Block]

    @property
    def name(self) -> str:
        """Its heading, cut to a line."""
        return self.head.text[:50] or self.head.file


def experiments(blocks: Sequence[Block]) -> list[Experiment]:
    """The experiments of README; where it has none, those of the notebooks."""
    files = dict.fromkeys(block.file for block in blocks)
    readme = [file for file in files if not file.endswith(".ipynb")]
    for chosen in (readme, [file for file in files if file not in readme]):
        found = [one for file in chosen for one in _in_file([_raised(block) for block in blocks if block.file == file])]
        if found:
            return found
    return []


def experiment_blocks(blocks: Sequence[Block]) -> list[Block]:
    """All that stands in an experiment: what is not about the training of the baseline."""
    return [block for one in experiments(blocks) for block in one.body]


def _raised(block: Block) -> Block:
    """A label such as ``**Experiment 2: augmentation**`` heads what follows, other labels included."""
    if block.kind == "label" and _NUMBERED.match(block.text):
        return replace(block, kind="heading", level=LABEL - 1)
    return block


def _in_file(blocks: Sequence[Block]) -> list[Experiment]:
    marked = [
        at for at, block in enumerate(blocks) if block.kind == "mark" and block.text.startswith("vyvod: experiment")
    ]
    if marked:
        return [_marked(blocks, at, end) for at, end in zip(marked, [*marked[1:], len(blocks)], strict=True)]
    found: list[Experiment] = []
    done = -1
    for at, block in enumerate(blocks):
        if at > done and block.kind == "heading" and words.says("experiment", block.text):
            leaves = [Experiment(blocks[leaf], part(blocks, leaf)) for leaf in _leaves(blocks, at)]
            # Under a heading of experiments may stand that there are none.
            found += [one for one in leaves if any(named_parts(b) or b.kind in ("image", "table") for b in one.body)]
            done = at + len(part(blocks, at))
    if found:
        return found
    named = {concept for block in blocks for concept in named_parts(block)}
    if "idea" in named and named & {"goal", "baseline"} and blocks:
        return [Experiment(replace(blocks[0], text=""), blocks)]
    return []


def _marked(blocks: Sequence[Block], at: int, end: int) -> Experiment:
    head = next((place for place in range(at, end) if blocks[place].kind == "heading"), None)
    if head is None:
        return Experiment(blocks[at], blocks[at + 1 : end])
    return Experiment(blocks[head], part(blocks, head))


def _leaves(blocks: Sequence[Block], at: int) -> list[int]:
    """The headings below one that are experiments of their own; the heading itself where none is."""
    below = range(at + 1, at + 1 + len(part(blocks, at)))
    heads = [place for place in below if blocks[place].kind == "heading"]
    top = min((blocks[place].level for place in heads), default=0)
    chosen = [
        place
        for place in heads
        if blocks[place].level == top
        and (
            words.says("experiment", blocks[place].text)
            or (not named_parts(blocks[place]) and any(named_parts(block) for block in part(blocks, place)))
        )
    ]
    return [leaf for place in chosen for leaf in _leaves(blocks, place)] or [at]


def named_parts(block: Block) -> set[str]:
    """The parts of an experiment that a heading or label names; one may name two: ``Results and conclusions``."""
    if block.kind not in ("heading", "label") or len(block.text) > 90:
        return set()
    return {concept for concept in PARTS if words.says(concept, block.text)}


def _parts(body: Sequence[Block], concept: str) -> Iterator[tuple[Block, list[Block]]]:
    """Headings and labels that name a part, each with what stands under it."""
    for at, block in enumerate(body):
        if concept not in named_parts(block):
            continue
        below: list[Block] = []
        for other in body[at + 1 :]:
            # A bold word in a sentence ends nothing; the name of the next part does.
            ends = (
                other.level <= block.level if other.kind == "heading" else block.kind == "label" and named_parts(other)
            )
            if (other.level and ends) or other.file != block.file:
                break
            below.append(other)
        yield block, below
    for block in body:
        for row in block.rows[:50]:
            if len(row) >= 2 and len(row[0]) < 60 and words.says(concept, row[0]) and not words.metrics_in(row[0]):
                yield block, [replace(block, kind="text", text=" ".join(row[1:]), rows=())]


def check_experiments(work: Submission) -> None:
    """Whether there are experiments, and all parts of each."""
    found = experiments(work.blocks)
    if not found:
        cure = "Add a part for each experiment: goal, idea, results, comparison with the baseline, conclusions."
        work.note("experiment", "fail", work.readme.path if work.readme else work.branch, "no experiment found", cure)
    else:
        names = "; ".join(one.name for one in found[:5])
        work.note("experiment", "pass", found[0].head.place, f"{len(found)}: {names}")
    general = _general(work, found)
    for experiment in found[:50]:
        for concept in ("goal", "idea"):
            _check_said(work, experiment, concept)
        _check_results(work, experiment)
        _check_baseline(work, experiment)
        _check_conclusions(work, experiment, general, alone=len(found) == 1)
    _check_own(work)


def _place(block: Block, experiment: Experiment) -> str:
    return f"{block.place} {experiment.name}"


def _check_said(work: Submission, experiment: Experiment, concept: str) -> None:
    requirement = f"experiment-{concept}"
    cure = f"Add a part “{_NAMES[concept]}” to the experiment."
    parts = list(_parts(experiment.body, concept))
    full = next((head for head, below in parts if len(_own_words(below)) >= 5), None)
    if full is not None:
        work.note(requirement, "pass", _place(full, experiment), full.text[:60])
    elif parts:
        work.note(requirement, "fail", _place(parts[0][0], experiment), "nothing is written there", "Write it.")
    else:
        sentence = next(
            (block for block in experiment.body if block.kind == "text" and words.says(concept, block.text)), None
        )
        supposed = next((block for block in experiment.body if words.says("hypothesis", block.text)), None)
        if sentence is not None:
            work.note(requirement, "pass", _place(sentence, experiment), sentence.text[:60])
        elif supposed is not None and concept == "goal":
            found = "no goal is named; perhaps the hypothesis says what was to be found out"
            work.note(requirement, "unknown", _place(supposed, experiment), found, cure)
        else:
            work.note(requirement, "fail", _place(experiment.head, experiment), f"no {concept} is named", cure)


def _check_results(work: Submission, experiment: Experiment) -> None:
    figures = [block for block in experiment.body if block.kind == "image"]
    values = [block for block in experiment.body if _holds_values(block)]
    # `was 0.80, is 0.83` in the comparison: a value, whatever metric it is of.
    values += [
        block
        for _, below in _parts(experiment.body, "baseline")
        for block in below
        if block.kind == "text" and len(_VALUE.findall(block.text)) > 1
    ]
    place = _place((figures or values or [experiment.head])[0], experiment)
    if figures and values:
        work.note("experiment-results", "pass", place, f"{len(figures)} figures, and values of metrics")
        return
    missing = " and ".join(name for name, there in (("figure", figures), ("value of a metric", values)) if not there)
    cure = "Add what is missing: results are figures and metrics."
    work.note("experiment-results", "fail", place, f"no {missing}", cure)


def _holds_values(block: Block) -> bool:
    if block.kind == "table":
        return words.has_number(block.text) and bool(words.metrics_in(block.text))
    return block.kind == "text" and any(words.has_number(rest[:40]) for rest in words.metrics_in(block.text).values())


def _check_baseline(work: Submission, experiment: Experiment) -> None:
    compared = [
        *(
            head
            for head, below in _parts(experiment.body, "baseline")
            if any(words.has_number(block.text) for block in below)
        ),
        *(block for block in experiment.body if words.says("baseline", block.text) and _compares(block)),
    ]
    spoken = [block for block in experiment.body if block.kind != "code" and words.says("baseline", block.text)]
    if compared:
        work.note("experiment-baseline", "pass", _place(compared[0], experiment), compared[0].text.splitlines()[0][:60])
    elif spoken:
        cure = "Write the values of both beside each other."
        work.note(
            "experiment-baseline",
            "unknown",
            _place(spoken[0], experiment),
            "the baseline is named, without numbers",
            cure,
        )
    else:
        cure = f"Add a part “{_NAMES['baseline']}”: a table with the values of both."
        work.note(
            "experiment-baseline",
            "fail",
            _place(experiment.head, experiment),
            "nothing is compared with the baseline",
            cure,
        )


def _compares(block: Block) -> bool:
    if block.kind == "table":
        return words.has_number(block.text)
    return block.kind == "text" and _VALUE.search(block.text) is not None


def _check_conclusions(work: Submission, experiment: Experiment, general: Block | None, *, alone: bool) -> None:
    requirement = "experiment-conclusions"
    parts = list(_parts(experiment.body, "conclusions"))
    full = next((head for head, below in parts if len(_own_words(below)) >= _LEAST), None)
    if full is not None:
        work.note(requirement, "pass", _place(full, experiment), full.text[:60])
        return
    cure = f"Write what follows from the results under “{_NAMES['conclusions']}”."
    if parts:
        work.note(requirement, "fail", _place(parts[0][0], experiment), "empty, or left as drafted", cure)
        return
    sentence = next(
        (block for block in experiment.body if block.kind == "text" and _CONCLUDES.search(block.text)), None
    )
    if sentence is not None and not _is_left(sentence.text):
        work.note(requirement, "pass", _place(sentence, experiment), sentence.text[:60])
    elif general is not None:
        found = "the conclusions of the homework" if alone else "there are only conclusions on all experiments together"
        work.note(
            requirement, "pass" if alone else "unknown", _place(general, experiment), found, "" if alone else cure
        )
    else:
        work.note(requirement, "fail", _place(experiment.head, experiment), "there are no conclusions", cure)


def _general(work: Submission, found: Sequence[Experiment]) -> Block | None:
    """The heading of conclusions outside of the experiments, if anything is written there."""
    inside = {(block.file, block.line) for one in found for block in one.body}
    outside = [block for block in work.blocks if (block.file, block.line) not in inside]
    return next((head for head, below in _parts(outside, "conclusions") if len(_own_words(below)) >= _LEAST), None)


def _check_own(work: Submission) -> None:
    """Conclusions of the student: in the marked part, where README has one, else under any heading of conclusions."""
    text = work.readme.text if work.readme else ""
    cure = f"Write your own conclusions under “{_NAMES['conclusions']}”."
    marked = list(_OWN.finditer(text))
    if marked:
        full = [one for one in marked if len(_without_invitations(one[1])) >= _LEAST]
        line = text[: (full or marked)[0].start()].count("\n") + 1
        place = f"{work.readme.path if work.readme else work.branch}:{line}"
        if full:
            work.note("own-conclusions", "pass", place, _without_invitations(full[0][1]).splitlines()[0][:60])
        else:
            work.note("own-conclusions", "fail", place, "left as drafted: nothing stands between the two lines", cure)
        return
    parts = list(_parts(work.blocks, "conclusions"))
    full_part = next((head for head, below in parts if len(_own_words(below)) >= _LEAST), None)
    spoken = next((block for block in work.page if block.kind == "text" and _CONCLUDES.search(block.text)), None)
    if full_part is not None:
        work.note("own-conclusions", "pass", full_part.place, full_part.text[:60])
    elif parts:
        work.note("own-conclusions", "fail", parts[0][0].place, "empty, or left as drafted", cure)
    elif spoken is not None:
        work.note("own-conclusions", "unknown", spoken.place, "no part is named so; perhaps this sentence", cure)
    else:
        work.note(
            "own-conclusions",
            "fail",
            work.readme.path if work.readme else work.branch,
            "there are no conclusions",
            cure,
        )


def _own_words(blocks: Iterable[Block]) -> str:
    """What is written in some blocks, without tables, and without what the program has put there to be replaced."""
    told = [block for block in blocks if block.kind != "link"]
    caption = [other.kind in ("table", "image") and _is_caption(block) for block, other in pairwise(told)]
    own = [one for one, is_caption in zip(told, [*caption, False], strict=False) if not is_caption]
    return _without_invitations(written([block for block in own if block.kind in ("label", "text")]))


def _is_caption(block: Block) -> bool:
    """Whether some words over a table or a figure only say what it shows."""
    return block.kind == "label" or (block.text.endswith(":") and len(block.text.split()) <= _FEW)


def _without_invitations(text: str) -> str:
    lines = _COMMENT.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line for line in lines if not _is_left(line)).strip(" \n\t*_.…-")


def _is_left(line: str) -> bool:
    return words.says("placeholder", line) or _plain(line) in _INVITATIONS


def _plain(text: str) -> str:
    return " ".join(text.replace("*", "").replace("_", "").split())


_INVITATIONS = {_plain(text) for key, texts in TEXTS.items() if "invitation" in key for text in texts}
