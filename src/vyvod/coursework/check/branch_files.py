"""Findings on what a branch holds: README, task, data set, versions, code, links, figures."""

import posixpath
import re
from collections.abc import Callable, Iterator
from itertools import groupby

from vyvod.coursework.check import pictures, pins, words
from vyvod.coursework.check.markdown import Block, part, written
from vyvod.coursework.check.requirements import Status
from vyvod.coursework.check.submission import Submission, decoded

_BORING = {"__init__.py", "setup.py", "conftest.py"}
_SIGNS = re.compile(rb"google\.colab|/content/|/kaggle/(input|working)|kaggle_secrets")
_FIGURES, _POINTERS, _LINES = 100, 100, 20
_SAID = 2000
"""Sentences of a notebook that are looked through for what README does not say."""
_FEWEST = 2
"""Names after which a list is one."""
_CLASSES = re.compile(
    r"(?:класс(?!иф)\w{0,12}|class(?!if)\w{0,12}|категори\w{0,12}|categor\w{0,12})[^:(.]{0,40}[:(—–]\s*([^()]{3,})",
    re.IGNORECASE,
)


def check_readme(work: Submission, main: bytes | None) -> None:
    """README of a homework: there, of its own, and readable everywhere.

    Args:
        work: the branch.
        main: README of the main branch.
    """
    readme = work.readme
    if readme is None:
        there = work.tree.entries.get("README.md")
        found = f"README.md is a {there.kind}" if there and there.kind != "file" else "there is no README.md"
        work.note("readme", "fail", work.branch, found, "Write README.md: task, data set, results, experiments.")
        return
    if not re.fullmatch(r"readme(\.\w+)?", readme.path, re.IGNORECASE):
        cure = f"git mv {quoted(readme.path)} README.md"
        work.note("readme", "fail", readme.path, "a website shows README.md of the branch, not this", cure)
    elif main is not None and readme.content == main:
        work.note("readme", "fail", readme.path, "the same as on the main branch", "Describe the homework in it.")
    elif len(readme.text.strip()) < 40:
        work.note("readme", "fail", readme.path, "next to nothing stands in it", "Describe the homework in it.")
    else:
        work.note("readme", "pass", readme.path, f"{len(readme.text.splitlines())} lines")
    if readme.coding == "utf-8":
        work.note("readme-encoding", "pass", readme.path, "UTF-8")
    else:
        cure = f"Save it as UTF-8: iconv -f {readme.coding} -t utf-8 {quoted(readme.path)}"
        work.note("readme-encoding", "fail", readme.path, f"its letters are written in {readme.coding}", cure)


def check_task(work: Submission) -> None:
    """The task in brief: kind, number of classes, which."""
    text, place = written(work.page), _place_of(work, "task")
    kinds = [task for task in words.TASKS if words.says(task, text)]
    if kinds:
        work.note("task-kind", "pass", place, ", ".join(kinds))
    else:
        said = (
            "README does not say what kind of task it is",
            "Write which it is: classification, segmentation or detection.",
        )
        _note_absent(work, "task-kind", place, said, lambda page: words.task_of(written(page)))
    _check_class_count(work, text, place)
    _check_class_names(work, text, place)


def _check_class_count(work: Submission, text: str, place: str) -> None:
    known = work.classes
    said = words.class_counts(text) or _listed_count(work, text)
    if not said:
        cure = f"Write how many classes there are: {len(known)}." if known else "Write how many classes there are."
        found = "README does not say how many classes there are"
        _note_absent(work, "task-class-count", place, (found, cure), lambda page: words.class_counts(written(page)))
    elif known and len(known) not in said:
        cure = f"The run has {len(known)} classes: mend the number, or say what it counts."
        work.note("task-class-count", "fail", place, f"README says {said[0]} classes", cure)
    else:
        count = len(known) if known else said[0]
        work.note("task-class-count", "pass", place, f"{count} class{'' if count == 1 else 'es'}")


def _listed_count(work: Submission, text: str) -> list[int]:
    """How many classes there are, where README only lists them; a single one that is named needs no number."""
    if work.classes and len(work.classes) == 1 and mentions(text, work.classes[0]):
        return [1]
    names = _listed_classes(work.page)
    return [len(names)] if len(names) >= _FEWEST else []


def _note_absent(
    work: Submission, requirement: str, place: str, said: tuple[str, str], has: Callable[[list[Block]], object]
) -> None:
    """README says nothing about something; where a notebook does, its cell is named."""
    found, cure = said
    for notebook in work.notebooks.values():
        told = [block for block in notebook.blocks if block.kind in ("heading", "label", "text")]
        for cell, blocks in groupby(told[:_SAID], key=lambda block: block.place):
            if has(list(blocks)):
                work.note(requirement, "fail", place, f"{found}; {cell} does", "Copy it to README.")
                return
    work.note(requirement, "fail", place, found, cure)


def _check_class_names(work: Submission, text: str, place: str) -> None:
    cure = "Write which classes there are: Classes: cat, dog."
    if work.classes:
        missing = list(_missing(text, work.classes))
        if missing:
            found = f"README does not name {len(missing)} of {len(work.classes)} classes: {listed(missing)}"
            work.note("task-class-names", "fail", place, found, cure)
        else:
            work.note("task-class-names", "pass", place, f"all {len(work.classes)} are named")
        return
    names = _named_classes(work.page)
    if names:
        work.note("task-class-names", "pass", place, listed(names))
    else:
        said = "README does not name the classes", cure
        _note_absent(work, "task-class-names", place, said, _listed_classes)


def _missing(text: str, names: list[str]) -> Iterator[str]:
    """Names that a text does not hold; all of it is looked through only for those whose words are in it."""
    there = _words(text)
    numbered = set(words.numbered_classes(text)) if all(map(str.isdecimal, names)) else set()
    for name in names:
        if name not in numbered and not (_words(name) <= there and mentions(text, name)):
            yield name


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.casefold()))


def _named_classes(page: list[Block]) -> list[str]:
    """Names of classes that a README lists, or that its table of classes has."""
    return _listed_classes(page) or next((rows for rows in map(class_rows, page) if rows), [])


def _listed_classes(page: list[Block]) -> list[str]:
    """Names of classes that stand under a heading, after a colon or in brackets."""
    fewest = 1 if words.class_counts(written(page)) == [1] else _FEWEST
    for at, block in enumerate(page):
        inside = ""
        if block.kind in ("text", "heading") and (numbered := words.numbered_classes(block.text)):
            return numbered
        if block.kind in ("label", "heading"):
            if words.says("class", block.text) and not words.says("each_class", block.text):
                inside = "\n".join(one.text for one in part(page, at) if one.kind == "text")
        elif block.kind == "text" and (found := _CLASSES.search(block.text)):
            inside = words.without_placeholders(found[1])
        names = [name.strip(" .*-`") for name in re.split(r"[,;•\n]|\sи\s|\sand\s|\s[-–—]\s", inside)]
        names = [name for name in names if name and len(name) <= 60]
        if len(names) >= fewest:
            return names
    return []


def class_rows(block: Block) -> list[str]:
    """First cells of a table of metrics whose rows are classes; empty for other tables."""
    if block.kind != "table" or len(block.rows) < 3:
        return []
    head = block.rows[0]
    metrics = [name for cell in head[1:] for name in words.metrics_of_column(cell)]
    if not metrics or not (words.says("class", " ".join(head[:2])) or not head[0].strip()):
        return []
    return [row[0] for row in block.rows[1:] if row and row[0].strip() and not is_total(row[0])]


def is_total(cell: str) -> bool:
    """Whether the name of a row says that it is about all classes."""
    return words.says("total", cell) or bool(words.metrics_in(cell))


def check_data(work: Submission) -> None:
    """The data set, described in README."""
    for at, block in enumerate(work.page):
        if block.kind in ("heading", "label") and block.level > 1 and words.says("data", block.text):
            text = words.without_placeholders(written(part(work.page, at)))
            if len(text) > 3 or words.DATA_SETS.search(block.text):
                work.note("data", "pass", block.place, (text or block.text).splitlines()[0][:60])
                return
    for block in work.page:
        if block.kind in ("text", "heading") and (found := words.DATA_SETS.search(block.text)):
            work.note("data", "pass", block.place, found[0])
            return
    spoken = next((block for block in work.page if block.kind == "text" and _speaks_of_data(block.text)), None)
    cure = "Write a part about the data set: its name, how many images, how they are split."
    if spoken is not None:
        work.note("data", "unknown", spoken.place, "it is spoken of, but no part is about it", cure)
    else:
        place = work.readme.path if work.readme else work.branch
        _note_absent(work, "data", place, ("README does not name the data set", cure), _names_data)


def _speaks_of_data(text: str) -> bool:
    return words.says("data", text) and not words.says("placeholder", text)


def _names_data(cell: list[Block]) -> bool:
    return any(words.DATA_SETS.search(block.text) or (block.level and words.says("data", block.text)) for block in cell)


def check_requirements(work: Submission) -> None:
    """``requirements.txt``: there, by its name, every line pinned to something that can be installed."""
    shallow = [path for path, entry in work.tree.entries.items() if path.count("/") <= 1 and entry.kind == "file"]
    path = pins.nearest(sorted(shallow, key=lambda path: path.count("/")))
    if path is None:
        other = next((path for path in shallow if posixpath.basename(path).casefold() in pins.OTHER_FORMATS), None)
        found = f"there is {other}, but no requirements.txt" if other else "there is no requirements.txt"
        work.note("requirements", "fail", other or work.branch, found, "pip freeze > requirements.txt")
        return
    named = posixpath.basename(path) == pins.NAME
    if not named:
        right = posixpath.join(posixpath.dirname(path), pins.NAME)
        cure = f"Rename: git mv {quoted(path)} {quoted(right)}"
        work.note("requirements", "fail", path, f"the name is {posixpath.basename(path)}", cure)
    content = work.tree.read(path, 2**20)
    if content is None:
        work.note(
            "requirements", "unknown", path, "it is too large, or not in the repository", "See what stands in it."
        )
        return
    text, coding = decoded(content)
    if coding == "utf-16":
        cure = "pip cannot read it everywhere: save it as UTF-8."
        work.note("requirements", "fail", path, "its letters are written in UTF-16", cure)
    faults = pins.faults(text)
    for fault in faults[:_LINES]:
        work.note("requirements", fault.status, f"{path}:{fault.line}", fault.found, fault.cure)
    if len(faults) > _LINES:
        work.note("requirements", "fail", path, f"{len(faults) - _LINES} more lines are not in order", "Mend them too.")
    if not faults and named and coding != "utf-16":
        work.note("requirements", "pass", path, "every version is exact")


def check_code(work: Submission) -> None:
    """Code that does something, and readable notebooks."""
    notebooks = [path for path, notebook in work.notebooks.items() if notebook.code_cells]
    scripts = [path for path in work.tree.entries if path.endswith(".py") and _is_code(work, path)]
    for path, reason in work.unreadable.items():
        work.note("code", "fail", path, reason, "Save the notebook again, without large outputs.")
    code = [*notebooks, *scripts]
    if code:
        work.note("code", "pass", code[0], f"{len(notebooks)} notebooks, {len(scripts)} .py files")
    elif not work.unreadable:
        bare = [path for path, entry in work.tree.entries.items() if _ends(path) and entry.kind == "file"]
        found = (
            f"there is {listed(bare, 3)}, but next to nothing in it"
            if bare
            else "there is neither a notebook nor a .py file with code"
        )
        work.note("code", "fail", work.branch, found, "Add the code of the training.")


def _ends(path: str) -> bool:
    return path.casefold().endswith((".py", ".ipynb")) and posixpath.basename(path) not in _BORING


def _is_code(work: Submission, path: str) -> bool:
    entry = work.tree.entries[path]
    return entry.kind == "file" and posixpath.basename(path) not in _BORING and (entry.size is None or entry.size > 20)


def check_online_link(work: Submission) -> None:
    """A link, where the work was done in Colab or Kaggle."""
    spoken = [block for block in work.blocks if block.kind in ("link", "text", "label")]
    link = next((block for block in spoken if words.COLAB.search(f"{block.address} {block.text}")), None)
    if link is not None:
        work.note("online-link", "pass", link.place, (link.address or link.text)[:100])
        return
    signs = [path for path, notebook in work.notebooks.items() if notebook.online] or list(_scripts_with_signs(work))
    if signs:
        cure = "Put a link to the notebook in Colab or Kaggle into README (Share -> Copy link)."
        work.note("online-link", "fail", signs[0], "it was run in Colab or Kaggle, and no link leads there", cure)
    else:
        work.note("online-link", "pass", work.branch, "not needed: nothing shows signs of Colab or Kaggle")


def _scripts_with_signs(work: Submission) -> Iterator[str]:
    for path in [path for path in work.tree.entries if path.endswith(".py")][:50]:
        content = work.tree.read(path, 2**20)
        if content and _SIGNS.search(content):
            yield path


def check_figures(work: Submission) -> None:
    """Pictures of README and of notebooks: their links lead to files, they open, they are not blank."""
    images = [block for block in work.page if _shows_picture(block) and not is_badge(block)]
    sound, linked = 0, 0
    for block in images[:_FIGURES]:
        content = block.data if block.data is not None else _linked(work, block)
        linked += content is not None
        if content is not None:
            sound += _opens(work, block, content)
    outputs = [block for notebook in work.notebooks.values() for block in notebook.blocks if block.data is not None]
    for block in outputs[:_FIGURES]:
        sound += _opens(work, block, block.data or b"")
    if sound:
        work.note("figures", "pass", work.branch, f"{sound} open and show something")
    elif not any(finding.requirement == "figures" for finding in work.findings):
        found = "there is no figure that could be opened"
        work.note("figures", "fail", work.branch, found, "Add figures of the results.")
    if linked or not images:
        found = f"{linked} links lead to pictures" if images else "README links no pictures"
        work.note("figure-links", "pass", work.branch, found)


def _shows_picture(block: Block) -> bool:
    return block.kind == "image" or (block.kind == "link" and pictures.is_picture(block.address))


def is_badge(block: Block) -> bool:
    """Whether an image only decorates a link, such as *Open in Colab*."""
    return re.search(r"shields\.io|badge|open-in-kaggle", block.address, re.IGNORECASE) is not None


def _opens(work: Submission, block: Block, content: bytes) -> bool:
    fault = pictures.fault(content)
    if fault is not None:
        status: Status = "unknown" if _is_large(fault) else "fail"
        cure = "Draw it again, save it as PNG and commit it."
        work.note("figures", status, block.place, f"{block.address[:100]} {fault}", cure)
    return fault is None


def picture_fault(work: Submission, block: Block) -> str | None:
    """Why a picture shows nothing, as far as that can be told from the branch."""
    content = block.data
    if content is None:
        kind, path = work.resolve(block.address)
        entry = work.tree.entries.get(path) if kind == "file" else None
        content = work.tree.read(path) if entry is not None else None
        ours = work.readme is not None and block.file == work.readme.path
        if ours and (kind in ("machine", "none") or (kind == "file" and (entry is None or entry.kind != "file"))):
            return "leads to no file of the branch"
    fault = pictures.fault(content) if content is not None else None
    return None if fault is not None and _is_large(fault) else fault


def _is_large(fault: str) -> bool:
    """Whether a picture was not looked at for its size alone."""
    return "larger than" in fault


def _linked(work: Submission, block: Block) -> bytes | None:
    """The bytes of a picture that README shows; None after a finding that says why there are none."""
    kind, path = work.resolve(block.address)
    shown = block.address[:100]
    if kind != "file":
        _note_elsewhere(work, block, kind, shown)
        return None
    entry = work.tree.entries.get(path)
    if entry is None:
        near = _near(work, path)
        cure = f"The file is called {near}: write it so." if near else "Commit the picture, or mend the link."
        work.note("figure-links", "fail", block.place, f"{shown} leads to no file of the branch", cure)
        return None
    if entry.kind != "file":
        cure = "Commit the picture itself."
        work.note("figure-links", "fail", block.place, f"{shown} is a {entry.kind}, which is not followed", cure)
        return None
    content = work.tree.read(path)
    if content is None:
        cure = "Save it smaller than 8 MB." if entry.size else "Clone the repository whole, without --filter."
        work.note("figure-links", "unknown", block.place, f"{shown} is not read", cure)
    return content


def _near(work: Submission, path: str) -> str | None:
    """The file that a wrong link means: of the same letters, or of the same name in another folder."""
    there = list(work.tree.entries)
    same = next((other for other in there if other.casefold() == path.casefold()), None)
    return same or next((other for other in there if posixpath.basename(other) == posixpath.basename(path)), None)


def _note_elsewhere(work: Submission, block: Block, kind: str, shown: str) -> None:
    cure = "Put the picture into this branch, and link it as figures/NAME.png."
    if kind == "web":
        found = f"{shown} is somewhere else and is not opened"
        work.note("figure-links", "unknown", block.place, found, "Open it, or put the picture into the branch.")
        return
    found = {
        "branch": f"{shown} is on another branch",
        "machine": f"{shown} is a place of one machine",
        "none": "a picture without an address",
    }[kind]
    work.note("figure-links", "fail", block.place, found, cure)


def check_files(work: Submission) -> None:
    """Pointers of LFS, submodules, symbolic links: what is not in the repository itself."""
    entries = work.tree.entries.values()
    elsewhere = (
        ("link", "a symbolic link, which is not followed"),
        ("submodule", "a submodule, its files are elsewhere"),
    )
    for kind, what in elsewhere:
        paths = [entry.path for entry in entries if entry.kind == kind]
        if paths:
            found = what if len(paths) == 1 else f"{len(paths)} times {what}"
            cure = "Commit the files themselves, if they belong to the homework."
            work.note("files", "unknown", listed(paths), found, cure)
    small = [entry for entry in entries if entry.kind == "file" and entry.size is not None and 90 < entry.size < 250]
    pointers = [entry.path for entry in small[:_POINTERS] if pictures.is_pointer(work.tree.read(entry.path) or b"")]
    if pointers:
        cure = "Commit the files themselves: git lfs untrack NAME, then git add --renormalize NAME."
        work.note("files", "fail", listed(pointers), f"{len(pointers)} files are pointers of Git LFS", cure)
    if not work.tree.complete:
        cure = "Take away what is not part of the homework."
        work.note("files", "unknown", work.branch, "there are too many files to list", cure)
    if not any(finding.requirement == "files" for finding in work.findings):
        work.note("files", "pass", work.branch, f"{len(work.tree.entries)} files")


def mentions(text: str, name: str) -> bool:
    """Whether a text holds a name as a word of its own, whatever the case and the dashes."""
    pattern = r"[\s_\\-]+".join(map(re.escape, re.split(r"[\s_-]+", name.strip())))
    return re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE) is not None


def listed(names: list[str], most: int = 5, between: str = ", ") -> str:
    """Some names and how many more there are."""
    return between.join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def quoted(path: str) -> str:
    """A path as it can be typed."""
    plain = re.fullmatch(r"[\w./+-]+", path) and not path.startswith("-")
    return path if plain else "'" + path.replace("'", "'\\''") + "'"


def _place_of(work: Submission, concept: str) -> str:
    """The heading that is about a concept, or README."""
    for at, block in enumerate(work.page):
        deep = len(work.heads[at]) > 1
        if block.kind == "heading" and block.level > 1 and words.says(concept, block.text) and not deep:
            return f"{block.place} {block.text[:40]}"
    return work.readme.path if work.readme else work.branch
