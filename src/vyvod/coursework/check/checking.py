"""Checking repositories of coursework: every requirement on every branch. Only git's own records are read; nothing is run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vyvod.coursework.check import branch_files, experiment_parts, shown_results, words
from vyvod.coursework.check.front import check_front
from vyvod.coursework.check.requirements import Finding, Status
from vyvod.coursework.check.submission import Submission
from vyvod.coursework.records import branch_of
from vyvod.coursework.repository import Repository, is_repository
from vyvod.errors import UserError

LARGE = 50 * 2**20
"""Bytes from which a repository takes long to clone."""
_LISTED = 2**20
"""Bytes of the longest text file that lists repositories."""


@dataclass(frozen=True, slots=True)
class CheckedRepository:
    """What the look at one repository came to."""

    name: str
    path: Path
    findings: Sequence[Finding] = field(default_factory=tuple)
    error: str | None = None
    """Why it could not be checked at all."""

    @property
    def failed(self) -> bool:
        """Whether anything is missing, or nothing could be read."""
        return self.error is not None or any(finding.status == "fail" for finding in self.findings)

    @property
    def branches(self) -> list[str]:
        """Those that were looked at, in their order."""
        return list(dict.fromkeys(finding.branch for finding in self.findings))


def check_all(paths: Iterable[Path], branches: Sequence[str] = ()) -> list[CheckedRepository]:
    """Check some repositories.

    Args:
        paths: repositories, folders that hold several, or text files with a path on each line (relative to the file; ``#``
            begins a comment).
        branches: look at these only; by default the main branch and all branches of homework.

    Raises:
        UserError: a path is given that does not exist, or a list names nothing. A repository that cannot be read is a result.
    """
    return [
        _checked(path, name, branches, inside=inside) for given in paths for path, name, inside in _repositories(given)
    ]


def _repositories(path: Path) -> Iterator[tuple[Path, str | None, bool]]:
    """(path, name or None, whether a folder inside of a repository will do) of each repository that is meant."""
    if not path.exists():
        raise UserError(
            f"{path} does not exist; give a repository, a folder that holds several, or a text file that lists them."
        )
    if path.is_file():
        for line in _lines(path):
            yield path.parent / Path(line).expanduser(), line, False
        return
    held = (
        []
        if is_repository(path)
        else sorted(child for child in path.iterdir() if child.is_dir() and is_repository(child))
    )
    if held:
        yield from ((child, child.name, False) for child in held)
    else:
        yield path, None, True


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > _LISTED:
        raise UserError(
            f"{path} is too large for a list of repositories; expected a text file with a path on each line."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no readable text; expected UTF-8 with the path of a repository on each line ({error})."
        ) from error
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines or any("\0" in line for line in lines):
        raise UserError(f"{path} lists no repositories; expected a path on each line.")
    return lines


def _checked(path: Path, name: str | None, branches: Sequence[str], *, inside: bool) -> CheckedRepository:
    """One repository; whatever is the matter with it, the others are still looked at."""
    try:
        repository = Repository.open(path, inside=inside)
        return CheckedRepository(name or repository.name, path, check(repository, branches))
    except UserError as error:
        return CheckedRepository(name or str(path), path, error=str(error))
    except Exception as error:
        reason = (
            f"{path} could not be checked ({type(error).__name__}: {error}); please report this defect of the program."
        )
        return CheckedRepository(name or str(path), path, error=reason)


def check(repository: Repository, branches: Sequence[str] = ()) -> list[Finding]:
    """All findings on one repository, branch by branch.

    Raises:
        UserError: it has no branches, or none of those that are asked for.
    """
    there = repository.branches()
    if not there:
        raise UserError(
            f"{repository.path} has no branch: nothing was committed yet. git add, git commit, then check again."
        )
    absent = [branch for branch in branches if branch not in there]
    if absent:
        raise UserError(
            f"{repository.path} has no branch {branch_files.listed(absent)}; it has {branch_files.listed(sorted(there))}."
        )
    main = _main(repository)
    homework = (
        _homework(there, main) if not branches else {branch: _number(branch) for branch in branches if branch != main}
    )
    findings: list[Finding] = []
    if main is not None and (not branches or main in branches):
        work = _submission(repository, main)
        _guarded(work, "main-readme", check_front)
        _guarded(work, "main-readme", partial(_check_committed, repository=repository, requirement="main-readme"))
        findings += work.findings
    if not branches:
        findings += _check_whole(repository, main, homework)
    front = _submission(repository, main).readme if main is not None else None
    for branch, number in homework.items():
        work = _submission(repository, branch)
        _guarded(work, "branch-name", partial(_check_name, number=number, there=there))
        _guarded(work, "readme", partial(branch_files.check_readme, main=front.content if front else None))
        _guarded(work, "readme", partial(_check_committed, repository=repository, requirement="readme"))
        for requirement, run in _CHECKS.items():
            _guarded(work, requirement, run)
        findings += work.findings
    return findings


def _submission(repository: Repository, branch: str) -> Submission:
    return Submission(branch, repository.tree(branch), repository.remote())


def _main(repository: Repository) -> str | None:
    """The main branch; HEAD of a repository without main or master may as well be a homework."""
    main = repository.main()
    return main if main is not None and (main in ("main", "master") or _number(main) is None) else None


def _homework(there: Iterable[str], main: str | None) -> dict[str, int | None]:
    """Branch of a homework -> its number, in that order."""
    numbered = {branch: _number(branch) for branch in there if branch != main}
    meant = {branch: number for branch, number in numbered.items() if number is not None}
    return dict(sorted(meant.items(), key=lambda item: (item[1] or 0, item[0])))


def _number(branch: str) -> int | None:
    return words.homework_number(branch)


def _check_whole(repository: Repository, main: str | None, homework: dict[str, int | None]) -> Iterator[Finding]:
    place = main or "(repository)"
    if main is None:
        cure = "Make one: git branch main COMMIT, with README: name, subject, task, data set."
        yield Finding(place, "main-readme", "fail", place, "there is neither main nor master", cure)
    if homework:
        yield Finding(place, "homework-branches", "pass", place, branch_files.listed(list(homework)))
    else:
        cure = "Make one: vyvod coursework homework 1, or git switch -c homework_1; then git push -u origin homework_1."
        yield Finding(place, "homework-branches", "fail", place, "there is no branch of a homework", cure)
    size = repository.size
    if size is None:
        yield Finding(
            place, "repository-size", "unknown", place, "git does not tell its size", "See whether it can be cloned."
        )
    elif size > LARGE:
        cure = "Take data, weights and runs out of the history (git filter-repo), and name them in .gitignore."
        yield Finding(place, "repository-size", "fail", place, f"{size / 2**20:.0f} MB with its history", cure)
    else:
        yield Finding(place, "repository-size", "pass", place, f"{size / 2**20:.1f} MB")


def _check_name(work: Submission, number: int | None, there: Iterable[str]) -> None:
    right = branch_of(number or 1)
    if work.branch == right:
        work.note("branch-name", "pass", work.branch, work.branch)
    elif right in there:
        cure = f"There is {right} too: merge what belongs there, and delete this one."
        work.note("branch-name", "fail", work.branch, f"the branch is named {work.branch}", cure)
    else:
        old, new = branch_files.quoted(work.branch), right
        cure = f"git branch -m {old} {new}; git push origin -u {new}; git push origin --delete {old}"
        work.note("branch-name", "fail", work.branch, f"the branch is named {work.branch}", cure)


def _check_committed(work: Submission, repository: Repository, requirement: str) -> None:
    """Whether README of the branch that is checked out has changes of which the branch knows nothing."""
    path = work.readme.path if work.readme else "README.md"
    content = work.readme.content if work.readme else None
    unread = content is None and path in work.tree.entries
    if unread or work.branch != repository.head() or not repository.differs(path, content):
        return
    found = (
        "has changes that are not committed; they were not looked at" if work.readme else "is there, but not committed"
    )
    cure = f"Commit it, then check again: git add {branch_files.quoted(path)}, git commit."
    work.note(requirement, "unknown", path, f"{path} {found}", cure)


def _guarded(work: Submission, requirement: str, run: Callable[[Submission], None]) -> None:
    """Run a check; what is the matter with it is a finding about the requirement, and the others still run."""
    try:
        run(work)
    except UserError as error:
        work.note(requirement, "unknown", work.branch, str(error), "See for yourself.")
    except Exception as error:
        found = f"this check came to no end ({type(error).__name__}: {str(error)[:100]})"
        cure = "See for yourself; please report this defect of the program."
        work.note(requirement, "unknown", work.branch, found, cure)


def _check_numbers(work: Submission) -> None:
    """The numbers of README against those of the runs."""
    from vyvod.coursework.numbers.comparing import compare
    from vyvod.coursework.numbers.written import compare_written

    if work.readme is None:
        work.note("numbers", "unknown", work.branch, "there is no README", "")
        return
    readme = work.readme
    compared = compare(readme.text, work.tree.read)
    written = list(compare_written(readme.content, readme.text, work.tree.read, _number(work.branch)))
    for one in [*compared, *written]:
        if one.ok is not True:
            status: Status = "fail" if one.ok is False else "unknown"
            work.note("numbers", status, _in(readme.path, one.place), one.found, one.cure)
    right = [one for one in compared if one.ok]
    if right:
        # What was compared, and then what was not.
        said = [branch_files.listed([one.found for one in right], 2, between="; ")]
        said += [one.found for one in written if one.ok]
        work.note("numbers", "pass", _in(readme.path, right[0].place), "; ".join(said))
    if not compared and not written:
        cure = "Compare them by hand, or write README with vyvod coursework homework NUMBER, which hands the results in too."
        found = "no results are handed in that they could be computed from"
        work.note("numbers", "unknown", readme.path, found, cure)


def _in(path: str, place: str) -> str:
    return f"{path}: {place}" if place.startswith("line ") else place


_CHECKS: dict[str, Callable[[Submission], None]] = {
    "task-kind": branch_files.check_task,
    "data": branch_files.check_data,
    "requirements": branch_files.check_requirements,
    "code": branch_files.check_code,
    "online-link": branch_files.check_online_link,
    "loss-curve": shown_results.check_curves,
    "examples": shown_results.check_examples,
    "metrics-overall": shown_results.check_values,
    "experiment": experiment_parts.check_experiments,
    "figures": branch_files.check_figures,
    "files": branch_files.check_files,
    "numbers": _check_numbers,
}
"""The requirement that a check is about, should it fail itself -> the check of a homework."""
