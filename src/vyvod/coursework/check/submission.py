"""What a branch hands in, as it was read: README, notebooks, records of runs. No judgement yet."""

import codecs
import json
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from vyvod.coursework.check import notebooks, words
from vyvod.coursework.check.markdown import MOST_BLOCKS, Block, above, parse
from vyvod.coursework.check.notebooks import Notebook, NotebookError
from vyvod.coursework.check.requirements import Finding, Status
from vyvod.coursework.repository import Tree

_NOTEBOOKS = 20
_CHECKPOINTS = ".ipynb_checkpoints"
"""The folder in which Jupyter keeps copies."""
_CLASSES = 2000
"""Of the run with the most classes that is listened to."""
_README_TYPES = ("", ".md", ".markdown", ".mdown", ".txt", ".rst")
_GITHUB = re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/(?:(?:blob|raw)/)?(?:refs/heads/)?(?P<rest>.+)$")


@dataclass(frozen=True, slots=True)
class Page:
    """A README as it was found."""

    path: str
    content: bytes
    text: str
    coding: str
    """``utf-8``, or what the bytes were taken for."""


@dataclass
class Submission:
    """A branch as it was read."""

    branch: str
    tree: Tree
    address: str | None = None
    """Of origin: links to it are links to files."""
    findings: list[Finding] = field(default_factory=list)

    def note(self, requirement: str, status: Status, place: str, found: str, cure: str = "") -> None:
        """Keep what was found about a requirement."""
        self.findings.append(Finding(self.branch, requirement, status, place, found, cure))

    @cached_property
    def readme(self) -> Page | None:
        """The README that a website shows first; else one of another name or in a folder."""
        for path in sorted(self.tree.entries, key=_readme_rank):
            if _readme_rank(path)[0] > 2:
                return None
            content = self.tree.read(path)
            if content is not None:
                return Page(path, content, *decoded(content))
        return None

    @cached_property
    def notebooks(self) -> dict[str, Notebook]:
        """Those that can be read, by path."""
        found: dict[str, Notebook] = {}
        for path, content in self._notebook_files():
            if content is not None:
                try:
                    found[path] = notebooks.read(content, path)
                except NotebookError as error:
                    self.unreadable[path] = str(error)
            else:
                self.unreadable[path] = (
                    f"{path} is larger than {notebooks.LIMIT // 2**20} MB, or not in the repository."
                )
        return found

    @cached_property
    def unreadable(self) -> dict[str, str]:
        """Path of a notebook -> why it cannot be read."""
        return {}

    @cached_property
    def page(self) -> list[Block]:
        """README in blocks."""
        return parse(self.readme.text, self.readme.path) if self.readme else []

    @cached_property
    def blocks(self) -> list[Block]:
        """README, then the notebooks."""
        told = (block for notebook in self.notebooks.values() for block in notebook.blocks)
        return list(islice(chain(self.page, told), MOST_BLOCKS))

    @cached_property
    def heads(self) -> list[tuple[Block, ...]]:
        """Of each of ``blocks``, and so of each of ``page``: what it stands under, the nearest first."""
        return above(self.blocks)

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """``run.json`` by folder in ``results/``."""
        found = {}
        for path in self.tree.entries:
            parts = path.split("/")
            if len(parts) == 3 and parts[0] == "results" and parts[2] == "run.json":
                record = self._record(path, json.loads)
                if record:
                    found[parts[1]] = record
        return found

    @cached_property
    def classes(self) -> list[str] | None:
        """Names of the classes, as the runs know them; None where no run is handed in, or they do not agree."""
        known = []
        for run in self.runs.values():
            data = run.get("data")
            classes = data.get("classes") if isinstance(data, dict) else None
            if run.get("task") in words.TASKS and isinstance(classes, list) and 0 < len(classes) <= _CLASSES:
                known.append([str(name) for name in classes])
        return known[0] if known and all(classes == known[0] for classes in known) else None

    def is_class(self, label: str) -> bool:
        """Whether a name is that of a class of the runs, whatever the case and the dashes."""
        return plain_name(label) in self._plain_classes

    @cached_property
    def _plain_classes(self) -> frozenset[str]:
        return frozenset(map(plain_name, self.classes or ()))

    @cached_property
    def task(self) -> str | None:
        """The task, by the runs, the coursework, or the words of README; None where none of them tells."""
        tasks = [run.get("task") for run in self.runs.values()] + [self.coursework.get("task")]
        recorded = next((str(task) for task in tasks if task in words.TASKS), None)
        return recorded or words.task_of("\n".join(block.text for block in self.blocks if block.kind != "code"))

    @cached_property
    def coursework(self) -> dict[str, Any]:
        """``coursework.yaml``; empty where there is none."""
        return self._record("coursework.yaml", yaml.safe_load)

    def resolve(self, address: str) -> tuple[str, str]:
        """What a link in README leads to.

        Returns:
            ("file", path in the branch), ("web", address), ("branch", another branch of this repository), ("machine",
            address) or ("none", "").
        """
        address = address.strip()
        if re.match(r"^([A-Za-z]:[\\/]|file:|~)", unquote(address)):
            return "machine", address
        parts = _split(address)
        if parts is None or (not parts.path and not parts.netloc):
            return "none", ""
        if parts.scheme in ("http", "https") or parts.netloc:
            return self._on_github(parts.netloc, unquote(parts.path), address)
        if parts.scheme:
            return "web", address
        path = unquote(parts.path).replace("\\", "/")
        folder = "" if path.startswith("/") or self.readme is None else posixpath.dirname(self.readme.path)
        return "file", posixpath.normpath(posixpath.join(folder, path.lstrip("/")))

    def _on_github(self, host: str, path: str, address: str) -> tuple[str, str]:
        found = _GITHUB.match(path) if host in ("github.com", "www.github.com", "raw.githubusercontent.com") else None
        own = re.search(r"github\.com[:/](?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/?$", self.address or "")
        if (
            not found
            or not own
            or (found["owner"].casefold(), found["name"].casefold())
            != (
                own["owner"].casefold(),
                own["name"].casefold(),
            )
        ):
            return "web", address
        if found["rest"].startswith(f"{self.branch}/"):
            return "file", found["rest"].removeprefix(f"{self.branch}/")
        return "branch", found["rest"]

    def _notebook_files(self) -> Iterator[tuple[str, bytes | None]]:
        paths = [
            path
            for path in self.tree.entries
            if path.casefold().endswith(".ipynb") and _CHECKPOINTS not in path.split("/")
        ]
        for path in sorted(paths)[:_NOTEBOOKS]:
            yield path, self.tree.read(path, notebooks.LIMIT)

    def _record(self, path: str, load: Callable[[str], Any]) -> dict[str, Any]:
        content = self.tree.read(path, 2**20)
        try:
            record = load(content.decode("utf-8")) if content else {}
        except (ValueError, yaml.YAMLError, RecursionError):
            return {}
        return record if isinstance(record, dict) else {}


def plain_name(name: str) -> str:
    """What a name of a class is recognised by."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def decoded(content: bytes) -> tuple[str, str]:
    """Text of a file and the coding that it was taken for: UTF-8, UTF-16 or cp1251 (Russian Windows)."""
    for mark, coding in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(coding, "replace").lstrip("\ufeff"), coding
    if content.count(b"\0") > len(content) // 8:
        return content.decode(
            "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be", "replace"
        ), "utf-16"
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1251", "replace"), "cp1251"


def _split(address: str) -> Any:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _readme_rank(path: str) -> tuple[int, int, int, str]:
    """0: what a website shows; 1: a misspelt name; 2: in a folder; 3: none."""
    name = PurePosixPath(path)
    kind = _README_TYPES.index(name.suffix.casefold()) if name.suffix.casefold() in _README_TYPES else -1
    stem, depth = name.stem.casefold(), path.count("/")
    # The ending .md before all others.
    order = 0 if kind == 1 else kind + 1
    if kind < 0 or depth > 1:
        return 3, 0, depth, path
    if stem == "readme":
        return (0 if depth == 0 else 2), order, depth, path
    if depth == 0 and words.similar(stem, "readme") >= 0.72:
        return 1, order, depth, path
    return 3, 0, depth, path
