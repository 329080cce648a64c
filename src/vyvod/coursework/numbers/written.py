"""Whether a README is as the program wrote it, and still marks what ``homework.yaml`` says that it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice

from vyvod.coursework.numbers.finding import REWRITE, NumberFinding, right, unknown, wrong
from vyvod.coursework.numbers.marks import Mark, marks
from vyvod.coursework.numbers.recomputing import Read, RecomputingError, read_object
from vyvod.coursework.numbers.runs import is_folder
from vyvod.coursework.records import HOMEWORK, Homework, RecordError, parse_homework, readme_hash

_README = "README.md"
_MOST = 200
"""Marks and experiments that are looked at."""
_LONGEST = 2**20
"""Bytes of ``homework.yaml``."""
_OF_CLASSES = ("precision", "recall", "f1", "dice")
_REST = "numbers outside of the marked tables were not compared"


def compare_written(readme: bytes, text: str, read: Read, number: int | None) -> Iterator[NumberFinding]:
    """What the comparison of marked tables leaves open: tables that lost their mark, and numbers that never had one.

    Args:
        readme: its bytes, of which ``homework.yaml`` has a hash.
        text: the same as text.
        read: gives the files of the branch.
        number: of the homework that the branch is for; None where that is not known.
    """
    found, record = list(islice(marks(text), _MOST)), read(HOMEWORK)
    if record is None:
        if found:
            yield unknown(
                _README, f"There is no {HOMEWORK}, which says how the README was written: {_REST}; {REWRITE}."
            )
        return
    try:
        if len(record) > _LONGEST:
            raise RecordError(f"{HOMEWORK} is too large to be read.")
        homework = parse_homework(record, HOMEWORK)
    except RecordError as error:
        yield unknown(HOMEWORK, f"{str(error).rstrip('.')}: {_REST}; {REWRITE}.")
        return
    if number not in (None, homework.number):
        yield unknown(HOMEWORK, f"It is that of homework {homework.number}: {_REST}; {REWRITE}.")
        return
    yield from _lost(homework, found, read)
    if homework.readme is None:
        yield unknown(_README, f"{HOMEWORK} does not say how the README was written: {_REST}; {REWRITE}.")
    elif homework.readme != readme_hash(readme):
        yield unknown(
            _README,
            f"README was changed by hand after it was written, outside of the student's own part: its {_REST}; {REWRITE} "
            "(the own part stays).",
        )
    else:
        as_written = f"outside of the marked tables README is as it was written, by its hash in {HOMEWORK}"
        yield right(_README, "", f"{as_written}; the student's own part was not compared.")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the tables of a run have to show, by its ``scores.json``."""

    splits: Set[str]
    overall: Set[str]
    per_class: Set[str]


def _lost(homework: Homework, found: Sequence[Mark], read: Read) -> Iterator[NumberFinding]:
    named = {mark.values.get("name") for mark in found if mark.word == "experiment"}
    for name in homework.experiments[:_MOST]:
        if name not in named:
            yield _wrong(name, f"the mark of the experiment {name[:80]}, which was not compared")
    run = homework.result.run if homework.result else next(iter(homework.runs), None)
    if run is None:
        return
    shown = _shown(read, run)
    own = [mark for mark in found if mark.word == "values" and mark.values.get("run") == run]
    overall = [mark for mark in own if mark.values.get("kind") == "overall"]
    classes = [mark for mark in own if mark.values.get("kind") == "per_class"]
    if not overall:
        yield _wrong(run, f"the mark of the values of {run[:80]} over all classes, which were not compared")
    elif left := (shown.splits - _named(overall, "columns")) | (shown.overall - _named(overall, "rows")):
        yield _wrong(run, f"in the mark of the values of {run[:80]} {_some(left)}, which were not compared")
    if not classes and (shown.per_class or not shown.splits):
        yield _wrong(run, f"the mark of the values of {run[:80]} for each class, which were not compared")
    elif classes and (left := shown.per_class - _named(classes, "columns")):
        yield _wrong(
            run, f"in the mark of the values of {run[:80]} for each class {_some(left)}, which were not compared"
        )


def _wrong(name: str, what: str) -> NumberFinding:
    return wrong(_README, "no mark", name[:80], f"README has lost {what}; {REWRITE}.")


def _named(found: Sequence[Mark], key: str) -> set[str]:
    return {name for mark in found for name in mark.names(key)}


def _some(names: Set[str]) -> str:
    return ", ".join(sorted(name[:40] for name in names)[:5])


def _shown(read: Read, run: str) -> _Shown:
    """Nothing where ``scores.json`` is not in the branch, or damaged."""
    try:
        scores = read_object(read, f"results/{run}/scores.json") if is_folder(run) else {}
    except RecomputingError:
        scores = {}
    parts = {split: scores[split] for split in ("val", "test") if isinstance(scores.get(split), dict)}
    overall = {name for part in parts.values() if isinstance(part.get("overall"), dict) for name in part["overall"]}
    per_class = [part.get("per_class") for part in parts.values() if isinstance(part.get("per_class"), dict)]
    # The last split that was evaluated is the one whose classes are shown.
    of_classes = {name for name in _OF_CLASSES if per_class and name in per_class[-1]}
    return _Shown(parts.keys(), overall, of_classes)
