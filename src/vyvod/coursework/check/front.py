"""Findings on the main branch: README with the student's full name, the subject, the task and the data set."""

import re
from collections.abc import Iterator
from itertools import pairwise

from vyvod.coursework.check import words
from vyvod.coursework.check.branch_files import mentions, quoted
from vyvod.coursework.check.markdown import Block, part, written
from vyvod.coursework.check.submission import Submission

_WHAT = ("main-name", "main-subject", "main-task", "main-data")


def check_front(work: Submission) -> None:
    """All findings on the main branch."""
    readme = work.readme
    if readme is None:
        cure = "Write README.md on it: full name, subject, task, data set (vyvod coursework init does)."
        work.note("main-readme", "fail", work.branch, "there is no README.md", cure)
        for requirement in _WHAT:
            work.note(requirement, "fail", work.branch, "there is no README.md", cure)
        return
    named = re.fullmatch(r"readme(\.\w+)?", readme.path, re.IGNORECASE) is not None
    if not named:
        work.note(
            "main-readme",
            "fail",
            readme.path,
            "a website shows README.md of the branch, not this",
            f"git mv {quoted(readme.path)} README.md",
        )
    elif readme.coding != "utf-8":
        cure = f"Save it as UTF-8: iconv -f {readme.coding} -t utf-8 {quoted(readme.path)}"
        work.note("main-readme", "fail", readme.path, f"its letters are written in {readme.coding}", cure)
    else:
        work.note("main-readme", "pass", readme.path, f"{len(readme.text.splitlines())} lines")
    text = written(work.page)
    _check_name(work, text)
    _check_subject(work, text)
    _check_task(work, text)
    _check_data(work, text)


def _recorded(work: Submission, key: str, text: str) -> str | None:
    """A value of ``coursework.yaml`` that README names too."""
    value = work.coursework.get(key)
    return value if isinstance(value, str) and value.strip() and mentions(text, value) else None


def _labelled(work: Submission, concept: str) -> Iterator[tuple[Block, str]]:
    """What stands behind a label, under a heading, or beside it in a table."""
    for at, block in enumerate(work.page):
        if block.kind in ("label", "heading") and words.says(concept, block.text):
            yield block, written(part(work.page, at)).strip()
        for row in block.rows:
            for cell, value in pairwise(row):
                if words.says(concept, cell) and value.strip():
                    yield block, value.strip()
        if block.rows:
            yield from (
                (block, cell)
                for row in block.rows[1:]
                for head, cell in zip(block.rows[0], row, strict=False)
                if words.says(concept, head)
            )
        if block.kind == "text" and len(block.text) < 200 and words.says(concept, block.text):
            yield block, block.text


def _check_name(work: Submission, text: str) -> None:
    cure = "Write your full name: Student: Anna Petrova."
    path = work.readme.path if work.readme else work.branch
    recorded = _recorded(work, "name", text)
    if recorded and any(map(words.is_full, words.full_names(recorded))):
        work.note("main-name", "pass", path, recorded)
        return
    labelled = list(_labelled(work, "name_label"))
    for block, value in labelled:
        names = [name for name in words.full_names(value[:200]) if words.is_full(name)]
        if names:
            work.note("main-name", "pass", block.place, names[0])
            return
    for block in work.page:
        for name in words.full_names(block.text) if block.kind in ("text", "heading", "label") else []:
            if words.is_patronymic(name):
                work.note("main-name", "pass", block.place, name)
                return
    for block, value in labelled:
        short = words.with_initials(value[:200])
        if short:
            work.note("main-name", "unknown", block.place, f"only initials: {short}", cure)
            return
    alone = next((block for block in work.page if [block.text.strip(" ,.")] == words.full_names(block.text)), None)
    if alone is not None:
        work.note("main-name", "unknown", alone.place, f"perhaps {alone.text[:60]} is the name", cure)
    else:
        work.note("main-name", "fail", path, "README names no student", cure)


def _check_subject(work: Submission, text: str) -> None:
    path = work.readme.path if work.readme else work.branch
    recorded = _recorded(work, "subject", text)
    labelled = next(((block, value) for block, value in _labelled(work, "subject_label") if len(value) > 3), None)
    spoken = words.SUBJECTS.search(text)
    if recorded:
        work.note("main-subject", "pass", path, recorded)
    elif spoken:
        work.note("main-subject", "pass", path, spoken[0])
    elif labelled:
        work.note("main-subject", "pass", labelled[0].place, labelled[1].splitlines()[0][:60])
    else:
        work.note(
            "main-subject", "fail", path, "README does not name the subject", "Write it: Subject: computer vision."
        )


def _check_task(work: Submission, text: str) -> None:
    path = work.readme.path if work.readme else work.branch
    named = [task for task in words.TASKS if words.says(task, text)]
    if named:
        work.note("main-task", "pass", path, ", ".join(named))
    else:
        cure = "Write which task was chosen: classification, segmentation or detection."
        work.note("main-task", "fail", path, "README does not name the task", cure)


def _check_data(work: Submission, text: str) -> None:
    path = work.readme.path if work.readme else work.branch
    recorded = _recorded(work, "data", text)
    known = words.DATA_SETS.search(text)
    named = (words.without_placeholders(value) for block, value in _labelled(work, "data") if block.kind != "text")
    labelled = next((value for value in named if len(value) > 2), None)
    if recorded or labelled or known:
        found = recorded or (labelled.splitlines()[0] if labelled else "") or (known[0] if known else "")
        work.note("main-data", "pass", path, found[:60])
    else:
        work.note(
            "main-data",
            "fail",
            path,
            "README does not name the data set",
            "Write it: Data set: CIFAR-10, and where it is from.",
        )
