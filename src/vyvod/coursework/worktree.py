"""Writing with git. A commit is made whole before any file of the student is touched, so that a failure changes nothing."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vyvod.errors import UserError

# No hook, monitor or signing program runs, and nobody is waited for. Filters that the configuration names do run, as with
# any other git command of the student: without them, files of git LFS would be committed whole.
_QUIET = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "core.quotePath=false"),
)
_SECONDS = 120
_OF_ANOTHER = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
}
"""What a hook or a shell may have set for a repository of its own (``git rev-parse --local-env-vars``)."""


class WorktreeError(UserError):
    """Git is missing, refuses, or the work tree is not in a state that can be written to."""


@dataclass(frozen=True, slots=True)
class Worktree:
    """A git repository with its files."""

    path: Path
    """Its top folder."""

    @classmethod
    def find(cls, folder: Path) -> Worktree | None:
        """The repository that a folder lies in; None where there is none.

        Raises:
            WorktreeError: git is missing, or the repository has no work tree.
        """
        place = folder.resolve()
        while not place.is_dir():
            place = place.parent
        if _run(place, "rev-parse", "--git-dir", fails=True) is None:
            return None
        top = _run(place, "rev-parse", "--show-toplevel", fails=True)
        if top is None:
            raise WorktreeError(f"{folder} is a bare repository or lies inside .git. Give the folder of a clone of it.")
        return cls(Path(os.fsdecode(top).rstrip("\n")))

    @classmethod
    def init(cls, folder: Path, branch: str) -> Worktree:
        """Make a repository whose first branch has that name."""
        folder.mkdir(parents=True, exist_ok=True)
        _run(folder, "init", "-q")
        # Also for versions of git whose `init` knows no -b.
        _run(folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
        return cls(folder.resolve())

    @property
    def branch(self) -> str | None:
        """The branch that is checked out, also before its first commit; None: the head is detached."""
        return self._line("symbolic-ref", "-q", "--short", "HEAD")

    @property
    def head(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        return self.commit_of("HEAD")

    def commit_of(self, name: str) -> str | None:
        """The commit that a name stands for; None where there is no such one."""
        return self._line("rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{commit}}")

    def branch_commit(self, branch: str) -> tuple[str | None, str | None]:
        """The commit of a local branch, and the one that it would begin from: its own, or that of a remote branch of its name."""
        local = self.commit_of(f"refs/heads/{branch}")
        names = _text(self.git("for-each-ref", "--format=%(refname)", f"refs/remotes/*/{branch}")).split()
        return local, local or (self.commit_of(names[0]) if names else None)

    def fork(self, one: str, other: str) -> str | None:
        """The last commit that two have in common; None where there is none."""
        return self._line("merge-base", one, other)

    def changes(self, *, untracked: bool = False) -> list[str]:
        """Tracked files that differ from the last commit; and files that git does not know, where these are asked for."""
        others = "normal" if untracked else "no"
        found = self.git("status", "--porcelain", "-z", f"--untracked-files={others}", "--no-renames")
        return [_text(entry[3:]) for entry in found.split(b"\0") if entry]

    def ignores(self, path: str) -> bool:
        """Whether git leaves a path alone."""
        return _run(self.path, "check-ignore", "-q", "--", path, fails=True) is not None

    def listing(self, commit: str) -> dict[str, str]:
        """Path -> hash of its content, for every file of a commit."""
        entries = self.git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")
        pairs = (entry.split(b"\t", 1) for entry in entries if entry)
        return {_text(name): facts.split()[2].decode() for facts, name in pairs}

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit; None where it has none of that name."""
        return _run(self.path, "cat-file", "blob", f"{commit}:{path}", fails=True)

    def store(self, data: bytes) -> str:
        """Put content into the repository; its hash."""
        return _text(self.git("hash-object", "-w", "--stdin", given=data)).strip()

    def make_commit(
        self, parent: str, files: Mapping[str, str], message: str, *, gone: Iterable[str] = ()
    ) -> str | None:
        """A commit on top of another one, without touching work tree, index or branches.

        Args:
            parent: the commit below it.
            files: path -> hash of the stored content.
            message: of the commit.
            gone: files that the new commit does not have.

        Returns:
            its hash; None where nothing would change.

        Raises:
            WorktreeError: a file stands where a folder is needed or the other way round, or the disk is full.
        """
        self._check_places(parent, files)
        lines = [f"0 {'0' * len(parent)}\t{path}" for path in gone] + [
            f"100644 {oid}\t{path}" for path, oid in files.items()
        ]
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.git("read-tree", parent, environment=index)
            self.git("update-index", "-z", "--index-info", given=_bytes("\0".join(lines) + "\0"), environment=index)
            made = _text(self.git("write-tree", environment=index)).strip()
        if made == self._line("rev-parse", f"{parent}^{{tree}}"):
            return None
        return _text(self.git("commit-tree", made, "-p", parent, given=_bytes(message))).strip()

    def _check_places(self, parent: str, files: Iterable[str]) -> None:
        # Git would take the one away for the other without a word.
        known = self.listing(parent)
        folders = {place.as_posix() for path in known for place in Path(path).parents}
        for path in files:
            taken = [place.as_posix() for place in Path(path).parents if place.as_posix() in known]
            taken += [path] if path in folders else []
            if taken:
                raise WorktreeError(
                    f"{taken[0]} of this branch stands where {path} is to be written. Rename it, and commit that."
                )

    def in_the_way(self, commit: str) -> list[str]:
        """Files that git does not know, or ignores, and that checking out a commit would write over."""
        known = self.listing("HEAD") if self.head else {}
        found = []
        for path in self.listing(commit).keys() - known.keys():
            parents = [parent for parent in Path(path).parents if parent != Path()]
            files = [parent for parent in parents if parent.as_posix() not in known and _is_file(self.path / parent)]
            if files or os.path.lexists(self.path / path):
                found.append(files[0].as_posix() if files else path)
        return sorted(set(found))

    def go(self, branch: str, commit: str) -> None:
        """Point a branch at a commit and check it out. Where that fails, branch and files are as before.

        Raises:
            WorktreeError: git refuses, since something would be lost.
        """
        if self.branch == branch:
            self.git("merge", "-q", "--ff-only", "--no-overwrite-ignore", commit)
            return
        before = self.commit_of(f"refs/heads/{branch}")
        self.point(branch, commit, before)
        try:
            self.git("switch", "-q", "--no-guess", "--no-overwrite-ignore", branch)
        except WorktreeError:
            undo = [before] if before else []
            self.git("update-ref", *([] if before else ["-d"]), f"refs/heads/{branch}", *undo)
            raise

    def point(self, branch: str, commit: str, before: str | None) -> None:
        """Move a branch that is not checked out, if it still is where it was."""
        self.git("update-ref", f"refs/heads/{branch}", commit, before or "0" * len(commit))

    def elsewhere(self, branch: str) -> bool:
        """Whether a branch is checked out here, or in another work tree of the repository."""
        return f"branch refs/heads/{branch}" in _text(self.git("worktree", "list", "--porcelain")).splitlines()

    def commit(self, paths: Sequence[str], message: str) -> bool:
        """Commit these files as they lie in the work tree, and nothing else; False where nothing has changed."""
        self.git("add", "-f", "--", *paths)
        if not self.git("status", "--porcelain", "-z", "--untracked-files=no", "--", *paths):
            return False
        self.git("commit", "-q", "--no-verify", "-F", "-", "--only", "--", *paths, given=_bytes(message))
        return True

    def stash(self, message: str, blocking: Collection[str] = ()) -> list[str]:
        """Put aside what is not committed.

        Args:
            message: of the stash.
            blocking: paths that have to be free. Other files that git does not know stay where they are.

        Returns:
            what was put aside; nothing where nothing was.
        """
        before, tracked = self.commit_of("refs/stash"), self.changes()
        unknown = [_text(name) for name in self.git("ls-files", "-o", "--exclude-standard", "-z").split(b"\0") if name]
        moved = [path for path in unknown if any(Path(path).is_relative_to(place) for place in blocking)]
        words = ["stash", "push", "-q", "-m", message]
        if moved:
            stays = [f":(exclude,literal){path}" for path in unknown if path not in set(moved)]
            paths = _bytes("\0".join([".", *stays]))
            self.git(*words, "-u", "--pathspec-from-file=-", "--pathspec-file-nul", given=paths)
        else:
            self.git(*words)
        return [*tracked, *moved] if self.commit_of("refs/stash") != before else []

    def unstash(self) -> None:
        """Bring back what was put aside last."""
        self.git("stash", "pop", "-q", "--index")

    def remote(self) -> str | None:
        """The address of ``origin``."""
        return self._line("config", "--get", "remote.origin.url")

    def git(self, *arguments: str, given: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """What git prints.

        Raises:
            WorktreeError: it refuses; the text is its own.
        """
        return _run(self.path, *arguments, given=given, environment=environment) or b""

    def _line(self, *arguments: str) -> str | None:
        found = _run(self.path, *arguments, fails=True)
        return (_text(found).strip() or None) if found is not None else None


def check_identity(folder: Path) -> None:
    """Raise where git does not know who commits: nothing can be written then.

    Raises:
        WorktreeError: with the two commands that cure it.
    """
    place = folder.resolve()
    while not place.is_dir():
        place = place.parent
    for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        # An identity made of the names of account and machine is none.
        if _run(place, "-c", "user.useConfigOnly=true", "var", who, fails=True) is None:
            raise WorktreeError(
                "Git does not know who you are, so nothing was written. Tell it once: "
                'git config --global user.name "Your Name" and git config --global user.email you@example.org'
            )


def _is_file(path: Path) -> bool:
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _text(found: bytes) -> str:
    return found.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _run(
    folder: Path,
    *arguments: str,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
    fails: bool = False,
) -> bytes | None:
    """What git prints; None where it ends with an error and ``fails`` says that this is an answer."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
    try:
        ended = subprocess.run(  # noqa: S603  arguments of ours: names and paths stand after `--`, `HEAD:` or `refs/`
            ["git", *_QUIET, *arguments],  # noqa: S607  the git that the user has
            cwd=folder,
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", **(environment or {})},
        )
    except FileNotFoundError:
        raise WorktreeError("The program git was not found. Install it from https://git-scm.com/downloads") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise WorktreeError(f"git {arguments[0]} could not be run: {error}.") from error
    if ended.returncode == 0:
        return ended.stdout
    if fails:
        return None
    reason = " ".join(_text(ended.stderr).split()) or f"exit code {ended.returncode}"
    raise WorktreeError(f"git {arguments[0]} refuses in {folder}: {reason}")
