"""``vyvod coursework init``: from an empty folder, or a repository that is there already, to a coursework repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vyvod import catalog
from vyvod.coursework import page
from vyvod.coursework.notebook import installed_requirements
from vyvod.coursework.records import COURSEWORK, TASKS, Coursework, as_yaml, parse_coursework, read_coursework
from vyvod.coursework.repository import Repository
from vyvod.coursework.templates import GITIGNORE, IGNORED, baseline_text, requirements_text, vyvod_line, workflow
from vyvod.coursework.worktree import Worktree, WorktreeError, check_identity
from vyvod.errors import SettingsError, UserError
from vyvod.files import read_yaml, write_atomically
from vyvod.types import Silence

Ask = Callable[[str, list[str], str | None], str]
"""Question, possible answers (empty: any text), proposal -> answer."""
Tell = Callable[[str], None]

README = "README.md"
_SETTINGS = "baseline.yaml"
_MAIN = ("main", "master")
_TRIES = 5
_LANGUAGES = ["en", "ru"]
_QUESTIONS: Mapping[str, tuple[str, str, str | None]] = {
    "language": ("Language of the texts / Язык текстов", "Язык текстов / Language of the texts", "ru"),
    "name": ("Your full name", "Фамилия, имя и отчество", None),
    "group": ("Your group (may be left empty)", "Группа (можно оставить пустым)", ""),
    "subject": ("The subject", "Предмет", None),
    "task": ("The task", "Задача", TASKS[0]),
    "data": ("The data set (vyvod list data)", "Датасет (vyvod list data)", None),
    "model": ("The architecture of the first training", "Архитектура для первого обучения", None),
}
"""Key -> question in English and Russian, and the answer that is proposed; in the order in which one depends on another."""
_MEANT = {
    "language": {"english": "en", "английский": "en", "russian": "ru", "русский": "ru"},
    "task": {
        "классификация": "classification",
        "сегментация": "segmentation",
        "детекция": "detection",
        "обнаружение": "detection",
        "обнаружение объектов": "detection",
    },
}
"""What people call the answers."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of a coursework; None: still to be asked for."""

    name: str | None = None
    group: str | None = None
    subject: str | None = None
    task: str | None = None
    data: str | None = None
    model: str | None = None
    language: str | None = None
    data_root: Path | None = None


@dataclass(frozen=True, slots=True)
class _Told(Silence):
    """Says what has begun, once: questions and bars do not go together."""

    tell: Tell

    def begin(self, label: str, total: int) -> None:
        """Say it."""
        self.tell(f"{label}: {total}")

    def say(self, text: str) -> None:
        """Say it."""
        self.tell(text)


def begin(
    folder: Path, answers: Answers, *, branch: str, check: bool, ask: Ask | None, tell: Callable[[str], None]
) -> list[str]:
    """Make a coursework repository, or bring one up to date. Nothing that the student has written is overwritten.

    Args:
        folder: empty, absent, with files, or a git repository.
        answers: what is known; the rest is asked for.
        branch: name of the main branch of a new repository.
        check: look at every image of the data set.
        ask: puts a question to the student; None: nobody can be asked.
        tell: shows a text beside the questions.

    Returns:
        sentences for a person.

    Raises:
        UserError: something is missing or wrong; nothing was written.
    """
    check_identity(folder)
    tree = _existing(folder, branch)
    before = read_coursework(folder / COURSEWORK) if (folder / COURSEWORK).is_file() else None
    coursework = _coursework(folder, before, answers, ask=ask, tell=tell)
    old, root = _old_readme(folder), _root(folder, answers.data_root)
    files = _files(coursework, root)
    anew = _settings_anew(folder, before, coursework, root)
    changed = _changed(before, coursework)
    if changed and ask is not None:
        _confirm(changed, coursework.language, ask)
    readme = page.with_generated(old, page.coursework_page(coursework, _homeworks(tree)))
    _check_places(folder, (README, COURSEWORK, *files))
    tree = tree or Worktree.init(folder, branch)
    written = [README, COURSEWORK]
    _put(folder / README, readme)
    _put(folder / COURSEWORK, as_yaml(coursework).encode())
    left = []
    for name, text in files.items():
        present = _bytes_of(folder / name)
        if name == _SETTINGS and anew is not None:
            _put(folder / name, anew.encode())
        elif present is None:
            _put(folder / name, text.encode())
        elif present != text.encode():
            left.append(name)
            continue
        written.append(name)
    committed = tree.commit(written, f"Coursework: {coursework.subject}\n")
    return [
        *_summary(folder, tree, left, committed=committed),
        *([f"Changed in {COURSEWORK}: {'; '.join(changed)}."] if changed else []),
        *_contradictions(folder, coursework),
        *_about(tree, old),
        *(_data_sentences(folder, coursework, answers.data_root, tell) if check else ()),
        "Next: vyvod train baseline.yaml, then vyvod coursework homework 1",
    ]


def _existing(folder: Path, branch: str) -> Worktree | None:
    """The repository in a folder, if there is one that can be written to."""
    if branch not in _MAIN:
        raise WorktreeError(f"The main branch of a coursework is called main or master, not '{branch}'.")
    if folder.exists() and not folder.is_dir():
        raise WorktreeError(f"{folder} is a file; expected a folder for the coursework.")
    tree = Worktree.find(folder)
    if tree is None:
        return None
    if tree.path.resolve() != folder.resolve():
        raise WorktreeError(
            f"{folder.resolve()} lies inside of the git repository {tree.path}. Begin in its top folder, or outside of it."
        )
    current = tree.branch
    if current is None:
        raise WorktreeError("No branch is checked out (detached head). Go to the main one first: git switch main")
    if current not in _MAIN:
        there = next((name for name in _MAIN if tree.commit_of(f"refs/heads/{name}")), None)
        cure = f"git switch {there}" if there else f"git switch -c {branch}"
        raise WorktreeError(f"The branch {current} is checked out, but a coursework begins on main or master: {cure}")
    changes = tree.changes()
    if changes:
        raise WorktreeError(
            f"{', '.join(changes[:5])} changed since the last commit. Commit first (git commit -a), or put the changes aside "
            "(git stash)."
        )
    return tree


def _coursework(
    folder: Path, before: Coursework | None, answers: Answers, *, ask: Ask | None, tell: Tell
) -> Coursework:
    """What was answered, what an earlier coursework.yaml has, and what the student says now."""
    known: dict[str, Any] = before.model_dump() if before else {}
    known |= {key: _meant(key, value, []) for key, value in asdict(answers).items() if value is not None}
    needed = [key for key in ("name", "subject", "task", "data", "model") if not _given(known, key)]
    if needed and ask is None:
        options = " ".join(f"--{key} {key.upper()}" for key in needed)
        raise SettingsError(f"Nobody can be asked here, so give what is missing as options: {options}")
    _check_names(folder, known)
    if ask is not None:
        _interview(folder, known, ask=ask, tell=tell)
    known["language"] = known.get("language") or "en"
    known = {key: " ".join(str(value).split()) for key, value in known.items() if value is not None and key != "format"}
    record = Coursework.model_validate({**known, "group": known.get("group") or None})
    # Once more as it will be read: nothing is written that could not be.
    return parse_coursework(as_yaml(record).encode(), COURSEWORK)


def _given(known: Mapping[str, Any], key: str) -> bool:
    return bool(str(known.get(key) or "").strip())


def _interview(folder: Path, known: dict[str, Any], *, ask: Ask, tell: Tell) -> None:
    """Ask for what is missing, in the chosen language."""
    for key, (english, russian, proposal) in _QUESTIONS.items():
        if key in known if key == "group" else _given(known, key):
            continue
        choices = _choices(key, known)
        if key == "model":
            _tell_costs(known, tell)
        question = russian if known.get("language") == "ru" else english
        known[key] = _answer(folder, known, key, (question, choices, proposal), ask=ask, tell=tell)


def _answer(
    folder: Path,
    known: Mapping[str, Any],
    key: str,
    question: tuple[str, list[str], str | None],
    *,
    ask: Ask,
    tell: Tell,
) -> str:
    for _ in range(_TRIES):
        answer = str(_meant(key, ask(*question).strip(), question[1]))
        try:
            if not answer and key != "group":
                raise SettingsError("An answer is needed.")
            _check_names(folder, {**known, key: answer})
        except SettingsError as error:
            tell(str(error))
        else:
            return answer
    raise SettingsError(
        f"No usable answer about {key}; nothing was written. Give it as an option: --{key} {key.upper()}"
    )


def _meant(key: str, answer: Any, choices: Sequence[str]) -> Any:
    """An answer that was given by its number, or in other words."""
    if not isinstance(answer, str):
        return answer
    if answer.isdecimal() and 1 <= int(answer) <= len(choices):
        return choices[int(answer) - 1]
    plain = " ".join(answer.casefold().split())
    return _MEANT.get(key, {}).get(plain, plain if key in _MEANT else answer)


def _choices(key: str, known: Mapping[str, Any]) -> list[str]:
    if key == "language":
        return _LANGUAGES
    if key == "task":
        return list(TASKS)
    if key in ("data", "model"):
        entries = catalog.datasets() if key == "data" else catalog.architectures()
        return [name for name, entry in entries.items() if known["task"] in entry.tasks]
    return []


def _tell_costs(known: Mapping[str, Any], tell: Tell) -> None:
    """What each architecture costs here and reaches elsewhere, before one is chosen."""
    from vyvod.coursework.choice import choices

    try:
        found = choices(known["task"], known["data"], data_root=known.get("data_root"), progress=_Told(tell))
    except UserError as error:
        tell(f"What the architectures cost here could not be found out: {error}")
        return
    rows = [[str(cell) for cell in row] for row in (found.head, *found.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        tell("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for note in found.notes:
        tell(note)


def _check_names(folder: Path, known: Mapping[str, Any]) -> None:
    """Raise for a language, task, data set or architecture that there is not, or that does not fit the others."""
    for key, offered in (("language", _LANGUAGES), ("task", TASKS)):
        if known.get(key) and known[key] not in offered:
            near = catalog.nearest(str(known[key]), offered)
            raise SettingsError(f"There is no {key} '{known[key]}'.{near} Known: {', '.join(offered)}.")
    for key, find, command in (
        ("data", catalog.find_dataset, "vyvod list data"),
        ("model", catalog.find_architecture, "vyvod list models"),
    ):
        if not known.get(key):
            continue
        entry = find(_own_path(folder, str(known[key]), key), task=known.get("task"))
        if known.get("task") and known["task"] not in entry.tasks:
            what = "data set" if key == "data" else "architecture"
            raise SettingsError(
                f"The {what} '{known[key]}' is for {' and '.join(entry.tasks)}, not for {known['task']}; `{command}` lists all."
            )


def _own_path(folder: Path, name: str, key: str) -> str:
    """An own file, which lies in the repository, as it is found from here."""
    if not name.endswith(".py") or not (folder / name).is_file():
        return name
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise SettingsError(
            f"{name} lies outside of {folder.resolve()}. Copy it there, and name it from there: --{key} ./FILE.py"
        )
    return str(folder / name)


def _root(folder: Path, given: Path | None) -> str | None:
    """Where the images lie, from the top of the repository where they lie inside of it."""
    if given is None:
        return None
    path = given.expanduser().resolve()
    inside = path.is_relative_to(folder.resolve())
    return path.relative_to(folder.resolve()).as_posix() if inside else str(path)


def _files(coursework: Coursework, root: str | None) -> dict[str, str]:
    """Everything but README and coursework.yaml."""
    versions = dict(line.split("==", 1) for line in installed_requirements() if "==" in line)
    return {
        _SETTINGS: baseline_text(_settings(coursework, root), coursework.language),
        "requirements.txt": requirements_text(versions, vyvod=vyvod_line()),
        ".gitignore": GITIGNORE,
        ".github/workflows/coursework.yml": workflow(),
    }


def _settings(coursework: Coursework, root: str | None) -> dict[str, dict[str, str]]:
    """Of the first training."""
    return {
        "data": {"name": coursework.data, **({"root": root} if root else {})},
        "model": {"name": coursework.model},
        "report": {"language": coursework.language, "author": coursework.name},
    }


def _settings_there(folder: Path) -> Mapping[str, Any]:
    """What baseline.yaml holds; nothing where it cannot be read."""
    try:
        return read_yaml(folder / _SETTINGS)
    except UserError:
        return {}


def _settings_anew(folder: Path, before: Coursework | None, coursework: Coursework, root: str | None) -> str | None:
    """baseline.yaml with the new answers, where it is as this program wrote it for those of before; else None."""
    there = _bytes_of(folder / _SETTINGS)
    if before is None or there is None:
        return None
    data = _settings_there(folder).get("data")
    known = data.get("root") if isinstance(data, Mapping) else None
    if there != baseline_text(_settings(before, known), before.language).encode():
        return None
    # Where images of another data set lie is not known.
    root = root or (known if before.data == coursework.data else None)
    return baseline_text(_settings(coursework, root), coursework.language)


def _changed(before: Coursework | None, coursework: Coursework) -> list[str]:
    """What an earlier coursework.yaml has otherwise."""
    old, new = (before or coursework).model_dump(), coursework.model_dump()
    return [f"{key} '{old[key] or ''}' to '{new[key] or ''}'" for key in new if old[key] != new[key]]


def _confirm(changed: Sequence[str], language: str, ask: Ask) -> None:
    """Raise where the student does not want what is there to change."""
    russian = language == "ru"
    question = f"{COURSEWORK}: {'; '.join(changed)}. {'Изменить?' if russian else 'Change it?'}"
    choices = ["да", "нет"] if russian else ["yes", "no"]
    answer = ask(question, choices, choices[1]).strip().casefold()
    if answer not in ("1", "y", "yes", "д", "да"):
        raise SettingsError(f"{COURSEWORK} stays as it is; nothing was written.")


def _contradictions(folder: Path, coursework: Coursework) -> Iterator[str]:
    """Where baseline.yaml, which is the student's, says something else."""
    there, found = _settings_there(folder), []
    for key, name, meant in (
        ("data", "name", coursework.data),
        ("model", "name", coursework.model),
        ("report", "author", coursework.name),
        ("report", "language", coursework.language),
    ):
        part = there.get(key)
        value = part.get(name) if isinstance(part, Mapping) else part if name == "name" else None
        if value is not None and value != meant:
            found.append(f"{key}.{name} is '{value}' there and '{meant}' in {COURSEWORK}")
    if found:
        yield f"{_SETTINGS} contradicts {COURSEWORK}: {'; '.join(found)}. Mend {_SETTINGS} before you train."


def _homeworks(tree: Worktree | None) -> Sequence[Any]:
    from vyvod.coursework.homework import homeworks_of

    return homeworks_of(tree.path) if tree is not None and tree.head else []


def _old_readme(folder: Path) -> bytes | None:
    # Where a file system does not tell Readme.md from README.md, this is the same file; elsewhere it would be a second one.
    return _bytes_of(folder / README)


def _check_places(folder: Path, names: Iterable[str]) -> None:
    """Raise where one of the files could not be written, before any of them is."""
    for name in names:
        for parent in list(Path(name).parents)[:-1]:
            place = folder / parent
            if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
                raise WorktreeError(f"{place} is no plain folder, but {name} is to lie in it. Move it away first.")
        _bytes_of(folder / name)


def _bytes_of(path: Path) -> bytes | None:
    if path.is_symlink() or (os.path.lexists(path) and not path.is_file()):
        raise WorktreeError(f"{path} is no plain file, so it is left alone. Move it away first.")
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise WorktreeError(f"{path} cannot be read: {error}.") from error


def _put(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, lambda file: file.write(data))


def _summary(folder: Path, tree: Worktree, left: Sequence[str], *, committed: bool) -> Iterator[str]:
    place = f"{folder.resolve().name}: "
    if committed:
        yield f"{place}the branch {tree.branch} has a commit with {README}, {COURSEWORK}, settings and a workflow that checks it."
    else:
        yield f"{place}everything is as it was already; nothing was committed."
    if left:
        yield f"These were there already and are left alone: {', '.join(left)}."


def _about(tree: Worktree, old: bytes | None) -> Iterator[str]:
    if old is not None and not _is_utf8(old):
        yield f"{README} is not UTF-8: your text was kept to the byte, but GitHub will show it wrongly. Save it as UTF-8."
    seen = [path for path in IGNORED if not tree.ignores(path)]
    if seen:
        lines = " and ".join(f"/{path.rpartition('/')[0]}/" for path in seen)
        yield f"Your .gitignore does not have {lines}: add that, so that what you train stays out of git."
    if Repository.open(tree.path).remote() is None:
        yield "To publish it: make an empty repository on GitHub, then git remote add origin ADDRESS and git push -u origin --all"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except ValueError:
        return False
    return True


def _data_sentences(folder: Path, coursework: Coursework, root: Path | None, tell: Tell) -> Iterator[str]:
    """What the audit found; where the data set is not there, how to get it."""
    from vyvod.experiment.datacheck import check_data
    from vyvod.experiment.settings import check

    name = _own_path(folder, coursework.data, "data")
    data = {"name": name, **({"root": str(root.expanduser().resolve())} if root else {})}
    try:
        settings = check(
            {"task": coursework.task, "data": data, "model": coursework.model, "folder": str(folder / "runs")}
        )
        found, path = check_data(settings, progress=_Told(tell))
    except UserError as error:
        yield f"The data set could not be checked: {error}"
        yield f"Once it is there: vyvod data check data={coursework.data}, and data.root in baseline.yaml."
        return
    findings = found["findings"]
    yield f"The data set {coursework.data}: {'; '.join(findings) if findings else 'no problems found'} ({path})."
