"""``vyvod coursework homework``: the branch of a homework, made whole beforehand and then checked out."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vyvod.coursework import notebook, page
from vyvod.coursework.contents import Contents, collect, draw, portable
from vyvod.coursework.links import colab_link
from vyvod.coursework.places import own_weights
from vyvod.coursework.records import (
    COURSEWORK,
    HOMEWORK,
    Coursework,
    Homework,
    MainResult,
    RecordError,
    as_yaml,
    branch_of,
    name_of,
    parse_coursework,
    parse_homework,
    read_coursework,
    readme_hash,
)
from vyvod.coursework.repository import Repository
from vyvod.coursework.selection import Selection, choose
from vyvod.coursework.templates import train_script
from vyvod.coursework.training_results import headline
from vyvod.coursework.worktree import Worktree, WorktreeError, check_identity
from vyvod.errors import UserError
from vyvod.experiment.record import now
from vyvod.report.document import OwnText
from vyvod.report.experiment.own import END, START, read_own
from vyvod.report.readme import render
from vyvod.report.text import Words

README = "README.md"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Begun:
    """What there is before anything is written."""

    tree: Worktree
    coursework: Coursework
    number: int
    base: str
    """The commit that the new one will lie on."""
    listing: Mapping[str, str]
    """Of that commit: path -> hash."""
    before: Homework | None
    """What this program wrote there last, for this or another homework."""
    exists: bool
    """There is a branch of this homework."""

    @property
    def branch(self) -> str:
        return branch_of(self.number)

    @property
    def again(self) -> Homework | None:
        """The same homework, if it was written already."""
        return self.before if self.before and self.before.number == self.number else None


def write_homework(
    folder: Path, number: int, *, runs: Sequence[str], experiments: Sequence[str], title: str | None, stash: bool
) -> list[str]:
    """Write the branch of a homework, check it out, and list it in README of the main branch.

    Args:
        folder: of the coursework, or one inside of it.
        number: of the homework; its branch is ``homework_<number>``.
        runs: to write about. Where neither runs nor experiments are given: all finished ones that no other homework has.
        experiments: to write about.
        title: heading; by default what it was, or the network and the data set.
        stash: put aside first what is not committed.

    Returns:
        sentences for a person.

    Raises:
        UserError: something has to be mended first; branch and files are as they were.
    """
    begun = _begin(folder, number, stash=stash)
    tree, selection = begun.tree, _choose(begun, runs, experiments)
    contents, homework = _write(begun, selection, title)
    kept = _kept(begun, contents)
    stored = {path: tree.store(data) for path, data in contents.files.items() if path not in kept}
    homework = _dated(homework.model_copy(update={"files": stored}), begun)
    gone = [path for path, oid in _ours(begun).items() if path not in contents.files and begun.listing.get(path) == oid]
    stored_all = {**stored, HOMEWORK: tree.store(as_yaml(homework).encode())}
    commit = tree.make_commit(begun.base, stored_all, f"Homework {number}: {homework.title}\n", gone=gone)
    told = _enter(begun, commit or begun.base, stash=stash)
    listed = _list_on_main(tree, number)
    return [
        *_summary(begun, selection, homework, commit=commit),
        *_about_files(begun, contents, stored, kept),
        *selection.notes,
        *listed,
        *told,
    ]


def _begin(folder: Path, number: int, *, stash: bool) -> _Begun:
    tree = Worktree.find(folder)
    if tree is None:
        raise WorktreeError(f"{folder.resolve()} is not in a git repository. Begin one: vyvod coursework init")
    coursework = read_coursework(tree.path / COURSEWORK)
    check_identity(tree.path)
    if tree.branch is None:
        raise WorktreeError("No branch is checked out (detached head). Go to one first: git switch main")
    if tree.head is None:
        raise WorktreeError(f"The branch {tree.branch} has no commit yet. Commit the files of `vyvod coursework init`.")
    changes = tree.changes()
    if changes and not stash:
        raise WorktreeError(
            f"{_some(changes)} changed since the last commit. Commit first (git commit -a), or put the changes aside for now: "
            f"vyvod coursework homework {number} --stash"
        )
    branch = branch_of(number)
    _, begins = tree.branch_commit(branch)
    base = begins or tree.head
    record = tree.read(base, HOMEWORK)
    if begins and record is None and tree.read(base, README) is not None:
        raise WorktreeError(
            f"The branch {branch} exists and was not written by this program, so it is left alone. Give it another "
            f"name (git branch -m {branch} {branch}_old), or take another number."
        )
    place = f"{HOMEWORK} of {branch if begins else tree.branch}"
    before = parse_homework(record, place) if record else None
    return _Begun(tree, coursework, number, base, tree.listing(base), before, begins is not None)


def _choose(begun: _Begun, runs: Sequence[str], experiments: Sequence[str]) -> Selection:
    others = [homework for homework in homeworks_of(begun.tree.path) if homework.number != begun.number]
    taken = {name for homework in others for name in (*homework.runs, *homework.experiments)}
    return choose(begun.tree.path, begun.coursework, runs=runs, experiments=experiments, taken=taken)


def homeworks_of(folder: Path) -> list[Homework]:
    """What the branches ``homework_<n>`` say that they hold, by number; those of others are left out."""
    repository = Repository.open(folder)
    found = []
    for branch in repository.branches():
        number = re.fullmatch(r"homework_(\d+)", branch)
        data = repository.tree(branch).read(HOMEWORK) if number else None
        if number is None or data is None:
            continue
        try:
            homework = parse_homework(data, f"{HOMEWORK} of {branch}")
        except RecordError:
            continue
        # A branch that was begun from another homework is not written yet.
        found += [homework] if homework.number == int(number[1]) else []
    return sorted(found, key=lambda homework: homework.number)


def _write(begun: _Begun, selection: Selection, title: str | None) -> tuple[Contents, Homework]:
    """All files but ``homework.yaml``."""
    tree, coursework, run = begun.tree, begun.coursework, selection.main
    words = Words(coursework.language)
    usual = words.say("hw_title", model=run.record.model.name, data=run.data_title)
    title = " ".join((title or (begun.again.title if begun.again else usual)).split())
    contents = collect(tree.path, selection)
    notebook_path, name = f"{begun.branch}.ipynb", name_of(run.folder)
    script = train_script(
        name,
        number=begun.number,
        title=title,
        language=coursework.language,
        first=contents.first,
        experiments=list(contents.needed),
    )
    contents.put("train.py", script)
    contents.put(notebook_path, _notebook(begun, selection, contents, title=title, path=notebook_path))
    homework = Homework(
        number=begun.number,
        title=title,
        language=coursework.language,
        runs=tuple(name_of(part.folder) for part in selection.runs or (run,)),
        experiments=tuple(name_of(part.folder) for part in selection.experiments),
        written=now(),
        result=_result(selection),
    )
    around = page.Surroundings(
        files=sorted(contents.files),
        left_out=contents.left_out,
        weights=_elsewhere(begun, contents),
        first=contents.first,
        experiments=contents.needed,
        differing=contents.differing,
        colab=colab_link(tree.remote(), begun.branch, notebook_path),
        versions=run.record.versions,
    )
    document = page.homework_page(coursework, homework, selection, around, _own(begun, words))
    contents.files |= draw(document)
    text = render(document, words)
    contents.put(README, text)
    return contents, homework.model_copy(update={"readme": readme_hash(text.encode("utf-8", "surrogateescape"))})


def _elsewhere(begun: _Begun, contents: Contents) -> list[str]:
    """Initial weights that are not on the branch."""
    files = {*begun.listing, *contents.files}
    folders = {place.as_posix() for path in files for place in Path(path).parents}
    return [path for path in contents.weights if Path(path).as_posix() not in files | folders]


def _notebook(begun: _Begun, selection: Selection, contents: Contents, *, title: str, path: str) -> str:
    """The notebook of the main run; its own files are those that go to ``settings/``."""
    folder = selection.main.folder
    record = portable(begun.tree.path, folder, contents)
    sources = {
        f"./{name}": data.decode("utf-8", "replace")
        for name, data in contents.files.items()
        if name.startswith("settings/") and name.endswith(".py")
    }
    made = notebook.build(
        record,
        title=Words(begun.coursework.language).say("hw_heading", number=begun.number, title=title),
        requirements=contents.requirements,
        language=begun.coursework.language,
        repository=begun.tree.remote(),
        branch=begun.branch,
        path=path,
        sources=sources,
        first=_first(contents, record),
    )
    return notebook.rendered(made)


def _first(contents: Contents, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings of the runs that have to be trained before the one with these settings, in their order."""
    found: list[Mapping[str, Any]] = []
    file = contents.first.get(own_weights(record.get("model")) or "")
    while file is not None:
        before: Mapping[str, Any] = yaml.safe_load(contents.files[file])
        if before in found:
            break
        found.insert(0, before)
        file = contents.first.get(own_weights(before.get("model")) or "")
    return found


def _result(selection: Selection) -> MainResult:
    run = selection.main
    split = run.final_split or "val"
    return MainResult(
        run=name_of(run.folder),
        model=run.record.model.name,
        data=run.record.data.name,
        metric=run.record.headline,
        split=split,
        value=headline(run, split),
    )


def _own(begun: _Begun, words: Words) -> OwnText:
    """What the student has written into README of this homework, or the place for it."""
    if not begun.exists:
        return _own_text(None, words)
    try:
        own = _own_text(begun.tree.read(begun.base, README), words)
    except UserError as error:
        raise UserError(f"{README} of {begun.branch}{error}") from None
    # A branch that was made by hand from another homework still has the conclusions of that one.
    return _own_text(None, words) if own.text in _taken_over(begun, words) else own


def _taken_over(begun: _Begun, words: Words) -> Iterator[str]:
    """The conclusions of the homework that this branch was made from: as they were then, and as they are."""
    if begun.before is None or begun.again:
        return
    _, other = begun.tree.branch_commit(branch_of(begun.before.number))
    for commit in (other, begun.tree.fork(begun.base, other)) if other else ():
        try:
            yield _own_text(begun.tree.read(commit, README) if commit else None, words).text
        except UserError:
            continue


def _own_text(readme: bytes | None, words: Words) -> OwnText:
    """The own part of a README; a complaint leaves out which one it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / README
        if readme is not None:
            path.write_bytes(readme)
        try:
            return read_own(path, words)
        except UserError as error:
            raise UserError(str(error).removeprefix(str(path))) from None


def _ours(begun: _Begun) -> Mapping[str, str]:
    return begun.before.files if begun.before else {}


def _kept(begun: _Begun, contents: Contents) -> list[str]:
    """Code that the student wrote or changed: it stays."""
    code = [path for path in contents.files if path in ("train.py", f"{begun.branch}.ipynb")]
    return [path for path in code if path in begun.listing and begun.listing[path] != _ours(begun).get(path)]


def _dated(homework: Homework, begun: _Begun) -> Homework:
    """With the time of before where nothing else is different, so that nothing is committed twice."""
    again = begun.again
    same = again is not None and again.model_copy(update={"written": homework.written}) == homework
    return again if again is not None and same else homework


def _enter(begun: _Begun, commit: str, *, stash: bool) -> list[str]:
    """Check out the branch at its new commit; what is put aside for that is brought back where it fails."""
    tree, origin = begun.tree, begun.tree.branch
    aside = tree.stash(f"before vyvod coursework homework {begun.number}", tree.in_the_way(commit)) if stash else []
    try:
        blocking = tree.in_the_way(commit)
        if blocking:
            raise WorktreeError(
                f"{_some(blocking)} not under git and would be overwritten by the branch {begun.branch}. Move it away, "
                "commit it, or put it aside with --stash (files that git ignores have to be moved)."
            )
        tree.go(begun.branch, commit)
    except BaseException:
        if aside:
            tree.unstash()
        raise
    if not aside:
        return []
    back = f"git switch {origin}, then git stash pop" if origin != begun.branch else "git stash pop"
    return [f"{_some(aside)} put aside. To get that back: {back}"]


def _list_on_main(tree: Worktree, number: int) -> list[str]:
    """Bring the table of homeworks on the main branch up to date, without checking it out."""
    repository = Repository.open(tree.path)
    main = repository.main()
    commit = tree.commit_of(f"refs/heads/{main}") if main else None
    if main is None or commit is None:
        return ["There is no main branch (main or master), so its table of homeworks was not written."]
    readme, record = tree.read(commit, README), tree.read(commit, COURSEWORK)
    if readme is None or record is None or page.START.encode() not in readme:
        return [f"{README} of {main} has no part of this program any more, so the table of homeworks was not written."]
    if tree.elsewhere(main):
        return [f"{main} is checked out in another work tree, so its table of homeworks was not written."]
    try:
        coursework = parse_coursework(record, f"{COURSEWORK} of {main}")
        new = page.with_generated(readme, page.coursework_page(coursework, homeworks_of(tree.path)))
        made = tree.make_commit(commit, {README: tree.store(new)}, f"Homework {number} in the table of homeworks\n")
        if made is None:
            return []
        tree.point(main, made, commit)
    except UserError as error:
        return [f"The table of homeworks on {main} was not written: {error}"]
    return [f"{README} of {main} lists it."]


def _summary(begun: _Begun, selection: Selection, homework: Homework, *, commit: str | None) -> list[str]:
    if commit is None:
        return [f"Homework {begun.number}: nothing has changed since it was written; you are on {begun.branch}."]
    about = [f"the results of {name_of(selection.main.folder)}"]
    if len(selection.runs) > 1:
        about.append(f"{len(selection.runs)} runs in all")
    if homework.experiments:
        about.append(f"experiments: {', '.join(homework.experiments)}")
    own = f"Your own conclusions go into {README}, between the lines {START} and {END}; then: git commit -a, "
    return [
        f"Homework {begun.number} is on the branch {begun.branch}, commit {commit[:7]}: {'; '.join(about)}.",
        f"{own}vyvod coursework check, git push -u origin {begun.branch}",
    ]


def _about_files(begun: _Begun, contents: Contents, stored: Mapping[str, str], kept: Sequence[str]) -> list[str]:
    told = [f"{_some(kept)} yours and left alone."] if kept else []
    replaced = _replaced(begun, stored)
    if replaced:
        told.append(
            f"Written anew over what was yours: {', '.join(replaced[:_SHOWN])}. What was there before is in git: "
            f"git show {begun.base[:7]}:{README if replaced[0].startswith(README) else replaced[0]}"
        )
    if contents.left_out:
        told.append(f"Too large for the repository: {', '.join(contents.left_out[:_SHOWN])}; {README} says so.")
    return told


def _replaced(begun: _Begun, stored: Mapping[str, str]) -> list[str]:
    """What the student wrote or changed, and has other content now."""
    # On the main branch this one is of `vyvod coursework init`.
    passed = (README,) if begun.before else (README, "requirements.txt")
    found = [
        path
        for path, oid in stored.items()
        if path not in passed and begun.listing.get(path, oid) not in (oid, _ours(begun).get(path))
    ]
    old = begun.tree.read(begun.base, README) if begun.exists else None
    if old is not None and begun.before and begun.before.readme and readme_hash(old) != begun.before.readme:
        found.append(f"{README} outside of your own part")
    return found


def _some(paths: Sequence[str]) -> str:
    """``a is``, ``a and b are``, with at most five names."""
    if len(paths) == 1:
        return f"{paths[0]} is"
    rest = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{rest} are"
