"""What was found, for the terminal, for programs (JSON) and for a class (CSV)."""

import csv
import io
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from vyvod.coursework.check.checking import CheckedRepository
from vyvod.coursework.check.requirements import HOMEWORK, MAIN, TITLES, Finding, worst
from vyvod.files import write_json as write_record
from vyvod.files import write_text

_SHOWN = {"pass": "ok", "fail": "FAIL", "unknown": "?"}
_DETAILED = 3
"""Repositories up to which each finding is shown without being asked for."""
_NARROW, _WIDE = 80, 160


def lines(checked: Sequence[CheckedRepository], *, verbose: bool = False) -> Iterator[str]:
    """Lines for a terminal: a table of each repository, and of many a summary.

    Args:
        checked: the repositories.
        verbose: also what is in order, and details of however many repositories.
    """
    width = min(max(shutil.get_terminal_size((120, 40)).columns, _NARROW), _WIDE)
    if verbose or len(checked) <= _DETAILED:
        for repository in checked:
            yield from _details(repository, width, verbose=verbose)
            yield ""
    if len(checked) > 1:
        yield from _summary(checked)
        if len(checked) > _DETAILED and not verbose:
            yield "Each finding: the same with --verbose, or --json FILE."


def _details(repository: CheckedRepository, width: int, *, verbose: bool) -> Iterator[str]:
    yield _clean(f"{repository.name} ({repository.path})")
    if repository.error is not None:
        yield from textwrap.wrap(_clean(f"FAIL  {repository.error}"), width, subsequent_indent="      ")
        return
    for branch in repository.branches:
        findings = [finding for finding in repository.findings if finding.branch == branch]
        shown = sorted((finding for finding in findings if verbose or finding.status != "pass"), key=_order)
        yield ""
        yield _clean(f"{branch}: {_counted(findings)}")
        if shown:
            rows = [[_SHOWN[one.status], one.title, one.place, _said(one)] for one in shown]
            yield from _table(["", "requirement", "place", "found, and what to do"], rows, width)


def _order(finding: Finding) -> tuple[int, int]:
    return ("fail", "unknown", "pass").index(finding.status), list(TITLES).index(finding.requirement)


def _said(finding: Finding) -> str:
    stop = "" if finding.found.endswith(".") else "."
    return f"{finding.found}{stop} {finding.cure}" if finding.cure else finding.found


def _counted(findings: Sequence[Finding]) -> str:
    """How many requirements there are of each status, each by the worst of its findings."""
    statuses = [worst([one.status for one in findings if one.requirement == each]) for each in TITLES]
    passed, failed, unknown = (statuses.count(status) for status in ("pass", "fail", "unknown"))
    return f"{passed} of {passed + failed + unknown} in order, {failed} to mend, {unknown} cannot be told"


def _summary(checked: Sequence[CheckedRepository]) -> Iterator[str]:
    rows = []
    for repository in checked:
        if repository.error is not None:
            rows.append([repository.name, "", "FAIL", repository.error])
        for branch in repository.branches:
            findings = [finding for finding in repository.findings if finding.branch == branch]
            failed = list(
                dict.fromkeys(
                    finding.requirement for finding in sorted(findings, key=_order) if finding.status == "fail"
                )
            )
            rows.append(
                [
                    repository.name,
                    branch,
                    "FAIL" if failed else "ok",
                    f"{_counted(findings)}{': ' if failed else ''}{', '.join(failed)}",
                ]
            )
    yield from _table(["repository", "branch", "", "requirements"], rows, _WIDE)
    good = sum(not repository.failed for repository in checked)
    yield f"{good} of {len(checked)} repositories are in order."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Columns; the last takes the rest of the width, and all wrap."""
    cells = [[_clean(cell) for cell in row] for row in [head, *rows]]
    most = max(width // 3, 24)
    widths = [min(max(len(row[at]) for row in cells), most) for at in range(len(head) - 1)]
    rest = max(width - sum(widths) - 2 * len(widths), 24)
    for row in cells:
        wrapped = [textwrap.wrap(cell, size) or [""] for cell, size in zip(row, [*widths, rest], strict=True)]
        for at in range(max(map(len, wrapped))):
            parts = [part[at] if at < len(part) else "" for part in wrapped]
            padded = [part.ljust(size) for part, size in zip(parts, widths, strict=False)]
            yield "  ".join([*padded, parts[-1]]).rstrip()


def _clean(text: str) -> str:
    """Text without characters that command a terminal or that no file can hold; names and texts come from strangers."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def write_json(path: Path, checked: Sequence[CheckedRepository]) -> None:
    """Write every finding."""
    repositories = [
        {
            "name": _clean(one.name),
            "path": _clean(str(one.path)),
            "failed": one.failed,
            "error": None if one.error is None else _clean(one.error),
            "findings": [{key: _clean(text) for key, text in finding.record().items()} for finding in one.findings],
        }
        for one in checked
    ]
    write_record(path, {"format": 1, "requirements": TITLES, "repositories": repositories})


def write_csv(path: Path, checked: Sequence[CheckedRepository]) -> None:
    """Write a row for each branch and a column for each requirement: pass, fail, unknown, or nothing."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["repository", "branch", "failed", *MAIN, *HOMEWORK, "error"])
    for one in checked:
        for branch in one.branches or [""]:
            findings = [finding for finding in one.findings if finding.branch == branch]
            cells = [
                worst([finding.status for finding in findings if finding.requirement == each]) or "" for each in TITLES
            ]
            failed = sum(cell == "fail" for cell in cells) or int(one.error is not None)
            writer.writerow([_cell(one.name), _cell(branch), failed, *cells, _cell(one.error or "")])
    # With a mark at the beginning, by which spreadsheets know UTF-8.
    write_text(path, "\ufeff" + file.getvalue())


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = _clean(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
