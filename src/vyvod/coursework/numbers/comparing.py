"""Whether the numbers in a README are those of the runs: computed again from the per-image files where the branch has them."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vyvod.coursework.numbers.experiments import compare_experiment
from vyvod.coursework.numbers.finding import REWRITE, NumberFinding, Place, counted, right, unknown, wrong
from vyvod.coursework.numbers.marks import Mark, Number, Row, key, marks, number, plain
from vyvod.coursework.numbers.recomputing import Read
from vyvod.coursework.numbers.runs import Evidence, Runs, is_folder
from vyvod.report.text import CURVES, METRICS, SHORT_METRICS, TEXTS

__all__ = ["NumberFinding", "compare"]

MOST_MARKS = 200
"""Marks that are looked at; a homework has some ten."""
_LOWER_IS_BETTER = TEXTS["lower_better"]
"""How a report marks such a metric, in each language."""
_DECIMAL = re.compile(r"(?<![\d.,])\d{1,3}[.,]\d{2,}(?![\d.,])|\d\s?%")


def compare(readme: str, read: Read) -> list[NumberFinding]:
    """Compare the marked tables and experiments of a README with ``results/``.

    Args:
        readme: its text.
        read: gives the files of the branch.

    Returns:
        a finding for each number that is wrong or cannot be told, and for each table one on the numbers that are right; one for
        each ``scores.json`` and ``results.json`` that contradicts the files it follows from.
    """
    found, runs = list(marks(readme)), Runs(read)
    findings = [finding for mark in found[:MOST_MARKS] for finding in _mark(mark, runs)]
    if len(found) > MOST_MARKS:
        line = found[MOST_MARKS].line
        findings.append(
            unknown(f"line {line}", f"There are more than {MOST_MARKS} marks; from line {line} on none was read.")
        )
    if not any(mark.word == "values" for mark in found) and _DECIMAL.search(readme):
        findings.append(unknown("README.md", "The README has numbers, but no marks that say of which run: they were not "
                                "compared with anything. `vyvod coursework homework` writes tables with marks."))  # fmt: skip
    return [*findings, *runs.changed()]


def _mark(mark: Mark, runs: Runs) -> Iterator[NumberFinding]:
    if mark.word == "experiment":
        yield from compare_experiment(mark, runs)
        return
    run, kind = mark.values.get("run", ""), mark.values.get("kind", "")
    place = Place(mark.line, f"{'values of each class' if kind == 'per_class' else 'values'} of {run or 'a run'}")
    needed, claims = _KINDS.get(kind, ((), None))
    if claims is None or not is_folder(run) or not all(mark.names(name) for name in needed):
        yield unknown(place, f"The mark does not say which values of which run the table shows; {REWRITE}.")
    elif runs.missing(run):
        yield unknown(place, f"results/{run} is not in the branch, so its numbers cannot be compared; {REWRITE}.")
    elif mark.rows is None:
        yield wrong(place, "no table", "a table", f"No table follows the mark of the values of {run}; {REWRITE}.")
    else:
        yield from _judged(place, run, claims(mark, mark.rows, place, runs))


@dataclass(frozen=True, slots=True)
class Claim:
    """A cell of a README, and where its value is to be looked up."""

    line: int
    cell: str
    evidence: Evidence
    metric: str
    label: int | None = None
    """Index of the class; None: over all classes."""

    def name(self) -> str:
        """What it is, in words."""
        of = "" if self.label is None else f" of {self.evidence.classes[self.label][:80]}"
        return f"{self.metric}{of} on {self.evidence.split}"


Claims = Iterator[Claim | NumberFinding]
"""The cells of a table, and what is missing in it."""


def _overall(mark: Mark, rows: Sequence[Row], place: Place, runs: Runs) -> Claims:
    """A row for each metric, a column for each split."""
    for metric, own in _rows_of_metrics(mark.names("rows"), rows).items():
        if not own:
            yield wrong(place, "no row", metric, f"The table has no row of {metric}, which the mark names; {REWRITE}.")
        for row in own:
            for column, split in enumerate(mark.names("columns"), start=1):
                yield _claim(place, row, column, (runs.evidence(mark.values["run"], split), metric, None))


def _per_class(mark: Mark, rows: Sequence[Row], place: Place, runs: Runs) -> Claims:
    """A row for each class, a column for each metric."""
    evidence = runs.evidence(mark.values["run"], mark.values["split"])
    if not evidence.classes:
        yield unknown(place, f"The names of the classes are not known: {evidence.reason}.")
        return
    left: dict[str, deque[Row]] = defaultdict(deque)
    for row in rows:
        left[key(plain(row.cells[0]))].append(row)
    for label, name in enumerate(evidence.classes):
        if not left[key(name)]:
            yield wrong(place, "no row", name[:80], f"The table has no row of the class {name[:80]}; {REWRITE}.")
            continue
        row = left[key(name)].popleft()
        for column, metric in enumerate(mark.names("columns"), start=1):
            yield _claim(place, row, column, (evidence, metric, label))
    for name in evidence.classes:
        for row in left.pop(key(name), ()):
            text = f"The table has one row too many of the class {name[:80]}; {REWRITE}."
            yield wrong(Place(row.line, place.table), "one more row", "one row", text)


_KINDS: Mapping[str, tuple[tuple[str, str], Callable[[Mark, Sequence[Row], Place, Runs], Claims]]] = {
    "overall": (("columns", "rows"), _overall),
    "per_class": (("columns", "split"), _per_class),
}


def _claim(place: Place, row: Row, column: int, where: tuple[Evidence, str, int | None]) -> Claim | NumberFinding:
    if column < len(row.cells):
        return Claim(row.line, row.cells[column], *where)
    claim = Claim(row.line, "", *where)
    return wrong(
        Place(row.line, place.table), "no cell", claim.name(), f"The row has no cell for {claim.name()}; {REWRITE}."
    )


def _rows_of_metrics(metrics: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each metric: by its name where that is known, else by its place among the rows with other names."""
    titles = {title: metric for metric in metrics for title in _titles(metric)}
    found: dict[str, list[Row]] = {metric: [] for metric in metrics}
    strange: list[Row] = []
    for row in rows:
        title = key(plain(row.cells[0]))
        (found[titles[title]] if title in titles else strange).append(row)
    unnamed = [metric for metric in metrics if not found[metric]]
    # With one row too few nobody knows which of the others are meant.
    if len(strange) >= len(unnamed):
        found |= {metric: [row] for metric, row in zip(unnamed, strange, strict=False)}
    return found


def _titles(metric: str) -> set[str]:
    titles = {title for names in (SHORT_METRICS, CURVES, METRICS) for title in names.get(metric, ())} | {metric}
    return {
        key(form) for title in titles for form in (title, *(text.format(metric=title) for text in _LOWER_IS_BETTER))
    }


def _judged(place: Place, run: str, claims: Claims) -> Iterator[NumberFinding]:
    """What is wrong, number by number; and how many are right, and why that is known."""
    recomputed = 0
    only_stored: list[Claim] = []
    for claim in claims:
        finding = claim if isinstance(claim, NumberFinding) else _judge(place, claim)
        if finding is not None:
            yield finding
        elif isinstance(claim, Claim) and claim.evidence.is_recomputed(claim.metric, claim.label):
            recomputed += 1
        elif isinstance(claim, Claim):
            only_stored.append(claim)
    if recomputed:
        told = counted(recomputed, "number")
        text = f"{told} agree with the run {run}, computed again from its per-image files."
        yield right(place, told, text)
    if only_stored:
        yield _not_recomputed(place, run, only_stored)


def _judge(table: Place, claim: Claim) -> NumberFinding | None:
    """What is wrong with a number; None where it is right."""
    place, name, evidence = Place(claim.line, table.table), claim.name(), claim.evidence
    printed, shown = number(claim.cell), plain(claim.cell)[:60] or "nothing"
    if not evidence.knows(claim.metric, claim.label):
        if printed is not None and printed.shows(None) and (evidence.recomputed or evidence.stored):
            return None  # a metric that only the other split has
        return unknown(place, f"README says {shown} for {name}; {evidence.silence(claim.metric)}.", claimed=shown)
    true = evidence.value(claim.metric, claim.label)
    if printed is not None and printed.shows(true):
        return None
    expected, source = _printed(true, printed), evidence.source(claim.metric, claim.label)
    said = f"README says {shown} for {name}" + (", which is no number" if printed is None else "")
    return wrong(place, shown, expected, f"{said}; the run has {expected} ({source}). {_CURE}")


def _not_recomputed(place: Place, run: str, claims: Sequence[Claim]) -> NumberFinding:
    metrics = ", ".join(dict.fromkeys(claim.metric for claim in claims))
    reasons = "; ".join(dict.fromkeys(claim.evidence.why_not() for claim in claims))
    told = counted(len(claims), "number")
    text = f"{told} of the run {run} ({metrics}): as in its scores.json, but not computed again: {reasons}."
    return right(place, told, text)


_CURE = f"Put that number there: {REWRITE}."


def _printed(value: float | None, like: Number | None) -> str:
    """A value as README should have it, with a digit more where that would hide the difference."""
    if value is None:
        return "no value (a dash)"
    if like is None:
        return f"{value:.4f}"
    scale = 100 if like.percent else 1
    places = 0 if like.places == 0 and value.is_integer() else max(like.places, 2 if like.percent else 4)
    return f"{value * scale:.{places}f}{'%' if like.percent else ''}"
