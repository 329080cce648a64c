"""Places where the labels may be wrong: candidates to look at."""

from collections.abc import Sequence

from vyvod.metrics.detection import Suspect, suspects_of_rows
from vyvod.report.document import Block, Cell, Code, Column, Paragraph, Section, Table
from vyvod.report.records import Arrays, Run
from vyvod.report.text import UNKNOWN, Words

_SHOWN = 15
_NEEDED = (
    "truth_image", "truth_label", "truth_box", "truth_area", "truth_crowd",
    "found_image", "found_label", "found_score", "found_box",
)  # fmt: skip
_KINDS = {"missing label": "missing", "wrong class": "class", "nothing found": "nothing"}


def section(run: Run, words: Words, rows: Arrays, *, split: str) -> Section | None:
    """The most suspicious labels of the split; None where its boxes are not stored."""
    if any(name not in rows for name in _NEEDED):
        return None
    found = suspects_of_rows(rows, len(run.classes))
    name, title = words.say(f"split_{split}"), words.say("section_suspects")
    if not found:
        return Section("suspects", title, [Paragraph(words.text("suspects_none", split=name))])
    blocks: list[Block] = [Paragraph(words.text("suspects_lead", split=name, counts=_counts(found, words)))]
    return Section("suspects", title, [*blocks, _table(run, words, rows, found[:_SHOWN], split=name)])


def _counts(found: Sequence[Suspect], words: Words) -> str:
    numbers = {key: sum(part.kind == kind for part in found) for kind, key in _KINDS.items()}
    return "; ".join(
        f"{words.say(f'suspect_{key}')}: {words.integer(count)}" for key, count in numbers.items() if count
    )


def _table(run: Run, words: Words, rows: Arrays, found: Sequence[Suspect], *, split: str) -> Table:
    titles = ("col_image", "col_suspicion", "col_labelled", "col_seen", "col_confidence", "col_box")
    columns = [Column(words.say(title), numeric=title == "col_confidence") for title in titles]
    lines = [
        [
            Cell((Code(str(rows["id"][suspect.image])),)),
            Cell((words.say(f"suspect_{_KINDS[suspect.kind]}"),)),
            Cell((_class(run, suspect.label),)),
            Cell((_class(run, suspect.predicted),)),
            Cell((words.number(suspect.score, 2),), suspect.score),
            Cell((", ".join(f"{side:.0f}" for side in suspect.box),)),
        ]
        for suspect in found
    ]
    return Table(words.say("table_suspects", split=split), columns, lines, sortable=True)


def _class(run: Run, label: int | None) -> str:
    return UNKNOWN if label is None else run.classes[label]
