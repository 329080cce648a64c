"""A homework as one ZIP file, for a course that takes files: the branch as it was committed, without a checkout of it."""

import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import IO

import yaml

from vyvod.coursework.check.pictures import is_pointer
from vyvod.coursework.records import branch_of
from vyvod.coursework.repository import Entry, Repository, Tree
from vyvod.coursework.worktree import Worktree, WorktreeError
from vyvod.errors import UserError
from vyvod.files import write_atomically

Moment = tuple[int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, UTC."""
FILE_LIMIT = 100 * 2**20
"""Bytes of the largest file that is packed; GitHub takes none that is larger."""
MARK = b"vyvod coursework pack "
"""The comment of our archives: this and the commit."""
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]|[. ]$')
"""What names of files may not hold on some systems."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(slots=True)
class Contents:
    """What goes into an archive, and what does not."""

    files: dict[str, Entry] = field(default_factory=dict)
    """By the name in the archive."""
    renamed: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Reason -> paths."""
    pointers: list[str] = field(default_factory=list)
    """Files of git LFS, of which the repository holds no more than where they are."""

    def leave_out(self, reason: str, path: str) -> None:
        """Note a path that is not packed."""
        self.left_out.setdefault(reason, []).append(path)


def pack_homework(folder: Path, number: int, *, output: Path | None) -> list[str]:
    """Write branch ``homework_<number>`` as a ZIP file. The same commit gives the same bytes.

    Args:
        folder: of the repository, or one inside of it.
        number: of the homework.
        output: the file; by default ``homework_<number>_<name>.zip`` in the folder, with the student's name from
            ``coursework.yaml`` or that of the repository. An archive that this command has made is replaced.

    Returns:
        sentences for a person.

    Raises:
        UserError: the folder is no repository, it has no such branch, or a file of somebody else stands in the way.
    """
    repository = Repository.open(folder)
    branch = branch_of(number)
    commit = _commit(repository, branch)
    tree = repository.tree(commit)
    if not tree.complete:
        raise UserError(f"{branch} holds more files than any coursework; was a data set committed? Take it out of git.")
    output = output or folder / f"{branch}_{_owner(repository, tree)}.zip"
    _refuse_foreign(output)
    contents = _choose(tree)
    write_atomically(output, lambda file: _write(file, tree, contents, branch, _moment(repository, commit)))
    return [
        f"{output}: {len(contents.files)} files of {branch} ({commit[:8]}), {_size(output.stat().st_size)}.",
        *_remarks(contents),
        *_uncommitted(repository, branch, output),
    ]


def _commit(repository: Repository, branch: str) -> str:
    branches = repository.branches()
    if branch not in branches:
        known = sorted(name for name in branches if name.startswith("homework")) or sorted(branches)
        there = f"There are {', '.join(known[:20])}" if known else "There are no branches yet"
        number = branch.removeprefix("homework_")
        raise UserError(f"There is no branch {branch}. {there}. `vyvod coursework homework {number}` writes it.")
    return branches[branch]


def _owner(repository: Repository, tree: Tree) -> str:
    """The student's name as ``coursework.yaml`` has it, else the repository's, fit for the name of a file."""
    # Of the whole name, for which word is the surname differs from language to language.
    name = _student(tree) or (_student(repository.tree(main)) if (main := repository.main()) else None)
    return _plain(name or "") or _plain(repository.name) or "coursework"


def _student(tree: Tree) -> str | None:
    try:
        record = yaml.safe_load((tree.read("coursework.yaml", limit=2**16) or b"").decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    name = record.get("name") if isinstance(record, Mapping) else None
    return name if isinstance(name, str) else None


def _plain(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", name)).strip("_")[:60]


def _refuse_foreign(output: Path) -> None:
    if not output.exists():
        return
    try:
        with zipfile.ZipFile(output) as there:
            ours = there.comment.startswith(MARK)
    except (OSError, zipfile.BadZipFile):
        ours = False
    if not ours:
        raise UserError(f"{output} exists and was not made by this command. Choose another name: --output FILE.zip")


def _choose(tree: Tree) -> Contents:
    contents, taken = Contents(), set[str]()
    for path, entry in sorted(tree.entries.items()):
        if entry.kind == "link":
            contents.leave_out("symbolic links", path)
        elif entry.kind == "submodule":
            contents.leave_out("submodules", path)
        elif entry.size is None or entry.size > FILE_LIMIT:
            contents.leave_out(f"larger than {_size(FILE_LIMIT)}, or not in this clone", path)
        else:
            name = _free(_safe(path), taken)
            contents.files[name] = entry
            contents.renamed += [path] if name != path else []
            if entry.size < 1024 and is_pointer(tree.read(path) or b""):
                contents.pointers.append(path)
    return contents


def _safe(path: str) -> str:
    parts = [_FORBIDDEN.sub("_", part) for part in path.split("/")]
    return "/".join(f"_{part}" if _RESERVED.fullmatch(part) else part for part in parts)


def _free(name: str, taken: set[str]) -> str:
    """A name that no other has, also where capitals do not count."""
    folder, slash, last = name.rpartition("/")
    stem, dot, suffix = last.partition(".")
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{folder}{slash}{stem} ({number}){dot}{suffix}"
    taken.add(name.casefold())
    return name


def _write(file: IO[bytes], tree: Tree, contents: Contents, branch: str, moment: Moment) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.comment = MARK + tree.commit.encode()
        for name, entry in list(contents.files.items()):
            data = tree.read(entry.path, FILE_LIMIT)
            if data is None:
                del contents.files[name]
                contents.leave_out("git cannot read them", entry.path)
                continue
            about = zipfile.ZipInfo(f"{branch}/{name}", moment)
            about.compress_type, about.create_system, about.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(about, data)


def _moment(repository: Repository, commit: str) -> Moment:
    """When it was committed, as ZIP has it: from 1980 to 2107, every other second."""
    found = repository.committed_at(commit).astimezone(UTC)
    if not 1980 <= found.year <= 2107:
        return 1980, 1, 1, 0, 0, 0
    return found.year, found.month, found.day, found.hour, found.minute, found.second


def _remarks(contents: Contents) -> list[str]:
    told = [f"Left out ({reason}): {_listed(paths)}." for reason, paths in contents.left_out.items()]
    if contents.renamed:
        told.append(f"Written under a name that every system takes: {_listed(contents.renamed)}.")
    if contents.pointers:
        told.append(f"Of these files of git LFS there is only a pointer: {_listed(contents.pointers)}.")
    if not any("/" not in name and name.lower().startswith("readme") for name in contents.files):
        told.append("There is no README in it.")
    return told


def _uncommitted(repository: Repository, branch: str, output: Path) -> list[str]:
    if repository.head() != branch or not (repository.path / ".git").exists():
        return []
    try:
        # As the student's own git sees it, with the files that it ignores everywhere.
        paths = Worktree(repository.path).changes(untracked=True)
    except WorktreeError as error:
        return [f"Whether everything is committed could not be found out: {error}"]
    changed = [
        path for path in paths if not (repository.path / path).exists() or not _same(repository.path / path, output)
    ]
    if not changed:
        return []
    return [f"Not committed, so not in the ZIP file: {_listed(changed)}. Commit them (git commit), then pack again."]


def _same(path: Path, output: Path) -> bool:
    return output.exists() and path.samefile(output)


def _listed(paths: Sequence[str]) -> str:
    shown = [path if path.isprintable() else ascii(path) for path in paths[:8]]
    return ", ".join(shown) + (f" and {len(paths) - 8} more" if len(paths) > 8 else "")


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{max(1, round(size / 2**10))} KiB"
