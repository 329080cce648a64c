"""Reading a git repository without a checkout: branches, trees and files, while nothing that it holds runs or is written."""

import os
import re
import shutil
import stat
import subprocess
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import Literal

from vyvod.errors import UserError

Kind = Literal["file", "link", "submodule"]

READ_LIMIT = 8 * 2**20
"""Bytes of the largest file that is read, unless a caller says otherwise."""
_LISTING_LIMIT = 64 * 2**20
"""Bytes of the longest list of files: identical trees inside of each other can name billions of them."""
_SECONDS = 60.0
"""Of the longest call of git."""

_COMMITTED = re.compile(rb"^committer .*> (-?\d{1,20}) [+-]\d+$", re.MULTILINE)

_SAFE_OPTIONS = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "safe.directory=*"),
    *("-c", "safe.bareRepository=all"),
    *("-c", "submodule.recurse=false"),
)
_SAFE_ENVIRONMENT = {
    # Above every `protocol.<name>.allow` of the repository: a missing object can be an order to run a program.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}


class RepositoryError(UserError):
    """A folder is no git repository, or git cannot read it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a path of a branch is."""

    path: str
    """With ``/``, composed letters (NFC); bytes that are no UTF-8 are written ``\\xNN``."""
    kind: Kind
    size: int | None
    """Bytes; None of a submodule, and of what is not in the repository (a partial clone)."""
    oid: str


@dataclass(frozen=True)
class Tree:
    """The files of one commit."""

    repository: "Repository"
    commit: str
    entries: Mapping[str, Entry]
    """By path; no folders."""
    complete: bool = True
    """Whether all files are listed: a list that is longer than any coursework is cut off."""

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes | None:
        """The bytes of a file; None where it is absent, larger than ``limit`` bytes, a link, a submodule, or unreadable."""
        entry = self.entries.get(unicodedata.normalize("NFC", path))
        if entry is None or entry.kind != "file":
            return None
        return self.repository.blob(entry, limit)


@dataclass(frozen=True)
class Repository:
    """A repository that is only read: a clone, a bare one, or a worktree of another."""

    path: Path
    """The top of the work tree; the folder itself of a bare one. To be shown: git is asked by the next."""
    directory: Path
    """Git's own folder, ``.git`` of most; found once, for a setting of the repository may name a work tree anywhere."""
    _trees: dict[str, Tree] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def open(cls, path: Path, *, inside: bool = True) -> "Repository":
        """Find the repository that a folder belongs to.

        Args:
            path: the top of a repository.
            inside: or a folder inside of one.

        Raises:
            RepositoryError: there is no such folder, it is in no repository, or git is not installed.
        """
        path = path.absolute()
        if not path.is_dir():
            raise RepositoryError(
                f"{path} is {'a file' if path.exists() else 'absent'}; expected a folder with a git repository."
            )
        ceiling = {} if inside else {"GIT_CEILING_DIRECTORIES": str(path.parent)}
        directory = _git(path, "rev-parse", "--absolute-git-dir", environment=ceiling)
        if directory is None:
            raise RepositoryError(
                f"{path} is not a git repository, or a damaged one; give the folder of a clone, or begin one with "
                "`vyvod coursework init`."
            )
        # Not as git tells it, who believes `core.worktree` of the repository.
        own = Path(os.fsdecode(directory.rstrip(b"\r\n")))
        tops = (one for one in (path, *path.parents) if (one / ".git").exists() or one.resolve() == own)
        return cls(next(tops, path), own)

    @property
    def name(self) -> str:
        """Of the folder, without the ``.git`` of a bare one."""
        return self.path.resolve().name.removesuffix(".git") or str(self.path)

    def branches(self) -> dict[str, str]:
        """Commit by short name: local branches, then those of ``origin`` that no local one is named like."""
        listed = self._ask("for-each-ref", "--format=%(refname)%00%(objectname)", "refs/heads", "refs/remotes/origin")
        if listed is None:
            raise RepositoryError(f"git cannot list the branches of {self.path}; is it damaged? `git fsck` tells.")
        found: dict[str, str] = {}
        for line in listed.split(b"\n"):
            reference, _, commit = line.partition(b"\0")
            local, remote = b"refs/heads/", b"refs/remotes/origin/"
            if reference.startswith((local, remote)) and reference != remote + b"HEAD":
                found.setdefault(_text(reference.removeprefix(local).removeprefix(remote)), commit.decode("ascii"))
        return found

    def main(self) -> str | None:
        """The branch that is read first: ``main``, ``master``, or what HEAD here or HEAD of origin points to; or None."""
        branches = self.branches()
        heads = (self._head("HEAD", "refs/heads/"), self._head("refs/remotes/origin/HEAD", "refs/remotes/origin/"))
        return next((name for name in ("main", "master", *heads) if name in branches), None)

    def head(self) -> str | None:
        """The branch that is checked out; None where HEAD is detached."""
        return self._head("HEAD", "refs/heads/")

    def tree(self, branch: str) -> Tree:
        """The files of a branch, or of a commit given by its hash.

        Raises:
            RepositoryError: there is no such branch, or its files cannot be listed.
        """
        commit = self.branches().get(branch, branch)
        if commit not in self._trees:
            # A name that begins with a dash must not become an option.
            listed = self._ask(
                "ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", commit, limit=_LISTING_LIMIT
            )
            if listed is None:  # sizes of a partial clone are not there
                listed = self._ask(
                    "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit, limit=_LISTING_LIMIT
                )
            if listed is None:
                raise RepositoryError(
                    f"git cannot list the files of {branch} in {self.path}: there is no such branch, or it is damaged; "
                    "`git branch -a` and `git fsck` tell."
                )
            complete = len(listed) < _LISTING_LIMIT
            entries = [_entry(line) for line in listed.split(b"\0")[: None if complete else -1] if line]
            self._trees[commit] = Tree(self, commit, {entry.path: entry for entry in entries if entry}, complete)
        return self._trees[commit]

    def remote(self) -> str | None:
        """The address of ``origin``; None where there is none."""
        address = self._ask("config", "--get", "remote.origin.url")
        return _text(address).strip() or None if address else None

    def blob(self, entry: Entry, limit: int) -> bytes | None:
        """The bytes of a file; None where it is larger than ``limit`` bytes, or is not in the repository."""
        size = entry.size
        if size is None:
            known = self._ask("cat-file", "-s", entry.oid)
            size = int(known) if known else None
        if size is None or size > limit:
            return None
        return self._ask("cat-file", "blob", entry.oid, limit=limit + 1)

    def differs(self, path: str, content: bytes | None) -> bool:
        """Whether a file of the work tree is not what a branch has.

        Bytes are compared, and ends of lines do not count: git itself would run the filters that the repository names.

        Args:
            path: of a file at the top; what lies in folders is never read, for they may be links.
            content: of the branch; None where it has no such file.

        Returns:
            False too where there is no work tree, or no plain file of that name in it.
        """
        if "/" in path or not (self.path / ".git").exists():
            return False
        there = _plain_file(self.path / path)
        return there is not None and (content is None or _lines(there) != _lines(content))

    @property
    def size(self) -> int | None:
        """Bytes of all that is stored, with its history; None where git does not tell."""
        answer = self._ask("count-objects", "-v")
        if answer is None:
            return None
        counts = dict(line.split(": ", 1) for line in _text(answer).splitlines() if ": " in line)
        return 1024 * sum(int(counts.get(part, "0")) for part in ("size", "size-pack"))

    def committed_at(self, commit: str) -> datetime:
        """When a commit was made, UTC; 1970 where it bears a time that no calendar has.

        Raises:
            RepositoryError: there is no such commit.
        """
        record = self._ask("cat-file", "commit", "--end-of-options", commit)
        if record is None:
            raise RepositoryError(f"There is no commit {commit} in {self.path}; `git log` lists those that there are.")
        stamp = _COMMITTED.search(record.partition(b"\n\n")[0])
        try:
            return datetime.fromtimestamp(int(stamp[1]) if stamp else 0, UTC)
        except (ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(0, UTC)

    def _ask(self, *arguments: str, limit: int = READ_LIMIT) -> bytes | None:
        return _git(self.path, f"--git-dir={self.directory}", *arguments, limit=limit)

    def _head(self, reference: str, prefix: str) -> str | None:
        target = self._ask("symbolic-ref", "--quiet", reference)
        name = _text(target).strip() if target else ""
        return name.removeprefix(prefix) if name.startswith(prefix) else None


def is_repository(path: Path) -> bool:
    """Whether a folder is the top of a repository, with a work tree or bare; git is not asked."""
    return (path / ".git").exists() or all((path / part).exists() for part in ("HEAD", "objects", "refs"))


def _plain_file(path: Path) -> bytes | None:
    """The beginning of a file; None where there is none, or a link, a pipe or the like."""
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        with os.fdopen(os.open(path, flags), "rb") as file:
            # It may have become something else since.
            return file.read(READ_LIMIT + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except (OSError, ValueError):
        return None


def _lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _entry(line: bytes) -> Entry | None:
    """An entry of ``ls-tree``; None for a path that leads out of its folder, which git itself would never write."""
    about, _, name = line.partition(b"\t")
    mode, kind, oid, *rest = about.decode("ascii").split()
    path = unicodedata.normalize("NFC", _text(name))
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/")):
        return None
    kinds: dict[str, Kind] = {"120000": "link", "160000": "submodule"}
    size = int(rest[0]) if rest and rest[0].isdigit() else None
    return Entry(path, "submodule" if kind == "commit" else kinds.get(mode, "file"), size, oid)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _git(
    path: Path, *arguments: str, limit: int = READ_LIMIT, environment: Mapping[str, str] | None = None
) -> bytes | None:
    """What git answers, at most ``limit`` bytes of it; None where it fails or takes too long.

    Raises:
        RepositoryError: git is not installed.
    """
    program = shutil.which("git")
    if program is None:
        raise RepositoryError("git is not installed; install it from https://git-scm.com and try again.")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Above `core.worktree` of the repository, which may name a folder that is not there or somebody else's.
    kept["GIT_WORK_TREE"] = str(path)
    process = subprocess.Popen(  # noqa: S603 - a program found by us, with arguments of ours
        [program, *_SAFE_OPTIONS, *arguments],
        cwd=path,
        env=kept | _SAFE_ENVIRONMENT | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        clock = Timer(_SECONDS, process.kill)
        clock.start()
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            answer = process.stdout.read(limit)
            whole = len(answer) < limit
            if not whole:
                process.kill()
            return answer if process.wait() == 0 or not whole else None
        finally:
            clock.cancel()
