"""The two documents of a coursework repository: README of its main branch, and README of a homework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vyvod import __version__, catalog
from vyvod.coursework import training_results, write_up
from vyvod.coursework.records import Coursework, Homework, branch_of, name_of
from vyvod.coursework.selection import Selection
from vyvod.errors import UserError
from vyvod.report.document import (
    Block,
    Cell,
    Code,
    Column,
    Document,
    Heading,
    Inline,
    Link,
    Listing,
    Note,
    OwnText,
    Paragraph,
    Points,
    Section,
    Strong,
    Table,
    Text,
)
from vyvod.report.experiment.page import task_name
from vyvod.report.readme import render
from vyvod.report.text import UNKNOWN, Words

START, END = "<!-- vyvod: coursework -->", "<!-- vyvod: end of coursework -->"
"""Lines around the part of the main README that this program writes."""
_VERSIONS = ("python", "vyvod", "torch", "torchvision", "numpy")
_SHOWN = 6
"""So many files that were left out are named."""


class PageError(UserError):
    """README has lost one of the lines around the part that this program writes."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the README of a homework says besides its results."""

    files: Sequence[str]
    """Paths of everything that lies beside it."""
    left_out: Sequence[str]
    """Files that are too large."""
    weights: Sequence[str]
    """Initial weights that the settings name and that do not lie beside it."""
    first: Mapping[str, str]
    """Initial weights -> file with the settings of the run that they come from."""
    experiments: Mapping[str, Sequence[str]]
    """Name of an experiment whose settings lie beside it -> settings that are to be trained before it."""
    differing: Sequence[str]
    """Libraries of which the runs had different versions."""
    colab: str | None
    """The address of the notebook in Colab."""
    versions: Mapping[str, str | None]
    """Of the main run."""


def with_generated(old: bytes | None, generated: str) -> bytes:
    """A README with its generated part put in, or on top where it has none; every other byte stays.

    Raises:
        PageError: one of the two lines around the part is missing, or they stand in the wrong order.
    """
    new = f"{START}\n\n{generated.strip()}\n\n{END}".encode()
    if old is None or not old.strip():
        return new + b"\n"
    first, last = old.find(START.encode()), old.rfind(END.encode())
    if first < 0 and last < 0:
        return new + b"\n\n" + old
    if first < 0 or last < first:
        raise PageError(
            f"README.md has lost one of the lines {START} and {END}, between which this program writes. Put it back, or take "
            "both away with the text between them."
        )
    return old[:first] + new + old[last + len(END.encode()) :]


def coursework_page(coursework: Coursework, homeworks: Sequence[Homework]) -> str:
    """The generated part of README on the main branch, as Markdown."""
    words = Words(coursework.language)
    facts = [("name", coursework.name), ("group", coursework.group), ("subject", coursework.subject)]
    points: list[Text] = [words.text(f"cw_{key}", value=Strong(value)) for key, value in facts if value]
    points.append(words.text("cw_task", value=Strong(task_name(coursework.task, words))))
    points.append(words.text("cw_data", value=_data(coursework), name=Code(f"data={coursework.data}")))
    points.append(words.text("cw_model", value=Code(coursework.model)))
    repeat: list[Block] = [
        Paragraph(words.text("cw_repeat_lead", settings=Code("baseline.yaml"), requirements=Code("requirements.txt"))),
        Listing("pip install -r requirements.txt\nvyvod train baseline.yaml", "sh"),
    ]
    sections = [
        Section("homeworks", words.say("cw_homeworks"), list(_homeworks(homeworks, words))),
        Section("repeat", words.say("cw_repeat"), repeat),
    ]
    title = words.say("cw_title", subject=coursework.subject)
    document = Document(coursework.language, title, "", [Points(points)], sections, words.say("cw_footer"))
    # Who and what stand in the list, not under the title.
    return render(document, words).replace("\n\n\n\n", "\n\n", 1)


def _byline(coursework: Coursework, words: Words) -> str:
    facts = {"name": coursework.name, "subject": coursework.subject}
    return (
        words.say("cw_byline_group", **facts, group=coursework.group)
        if coursework.group
        else words.say("cw_byline", **facts)
    )


def _data(coursework: Coursework) -> Inline:
    """The data set as people call it, with its home where that is known."""
    try:
        card = catalog.load(catalog.find_dataset(coursework.data)).CARD
        return Link(card.title, card.homepage)
    except (UserError, AttributeError):
        return Strong(coursework.data)


def _homeworks(homeworks: Sequence[Homework], words: Words) -> Iterator[Block]:
    yield Paragraph(words.text("cw_homeworks_lead"))
    if not homeworks:
        yield Paragraph(words.text("cw_homeworks_none"))
        return
    names = ("col_number", "cw_col_title", "cw_col_branch", "cw_col_model", "cw_col_result", "cw_col_experiments")
    columns = [Column(words.say(name), numeric=name == "col_number") for name in names]
    rows = [[Cell(cell) for cell in _homework_row(homework, words)] for homework in homeworks]
    yield Table(words.say("cw_table_homeworks"), columns, rows)


def _homework_row(homework: Homework, words: Words) -> list[Text]:
    branch, result = branch_of(homework.number), homework.result
    came = UNKNOWN
    if result is not None:
        facts = {"metric": words.curve(result.metric), "split": words.say(f"split_{result.split}")}
        came = words.say("cw_result", **facts, value=words.number(result.value))
    return [
        (str(homework.number),),
        (homework.title,),
        # From a README, GitHub and GitLab both lead so to a branch, whatever the repository's address.
        (Link(branch, f"../../tree/{branch}"),),
        (Code(result.model) if result else UNKNOWN,),
        (came,),
        (", ".join(homework.experiments) or UNKNOWN,),
    ]


def homework_page(
    coursework: Coursework, homework: Homework, selection: Selection, around: Surroundings, own: OwnText
) -> Document:
    """README of a homework."""
    words, run = Words(homework.language), selection.main
    name = name_of(run.folder)
    report = training_results.sections_of(run, words)
    data = list(training_results.moved(report["data"].blocks, name))
    sections = [
        Section("task", words.say("hw_task"), report["task"].blocks),
        Section("data", words.say("hw_data"), data),
        Section("results", words.say("hw_results"), list(_results(selection, report, words))),
        Section("experiments", words.say("hw_experiments"), list(_experiments(selection, words))),
        Section("conclusions", words.say("hw_conclusions"), [own]),
        Section("code", words.say("hw_code"), list(_code(homework, around, words))),
    ]
    title = words.say("hw_heading", number=homework.number, title=homework.title)
    return Document(
        homework.language, title, _byline(coursework, words), [], sections, words.say("hw_footer", version=__version__)
    )


def _results(selection: Selection, report: training_results.Sections, words: Words) -> Iterator[Block]:
    run = selection.main
    name = name_of(run.folder)
    facts: dict[str, Inline] = {"run": Code(name), "folder": Code(f"results/{name}/")}
    if selection.why == "best":
        facts["runs"] = words.count(len(selection.runs), "run_of")
    if selection.why == "baseline":
        facts["experiment"] = Code(selection.experiments[0].record.name)
    ending = "" if selection.why == "only" else f"_{selection.why}"
    yield Paragraph(words.text(f"hw_run{ending}", **facts))
    yield from training_results.moved(training_results.blocks(run, name, report, words), name)
    others = [other for other in selection.runs if other is not run]
    if others:
        yield Heading((words.say("hw_other_runs"),))
        yield training_results.run_table([run, *others], words)


def _experiments(selection: Selection, words: Words) -> Iterator[Block]:
    if not selection.experiments:
        yield Paragraph(words.text("hw_no_experiments"))
    for experiment in selection.experiments:
        yield from training_results.moved(write_up.blocks(experiment, words), name_of(experiment.folder))


def _code(homework: Homework, around: Surroundings, words: Words) -> Iterator[Block]:
    yield Paragraph(words.text("hw_install"))
    yield Listing("pip install -r requirements.txt\npython train.py", "sh")
    for weights, settings in around.first.items():
        facts = {"weights": Code(weights), "file": Code(settings), "script": Code("train.py")}
        yield Paragraph(words.text("hw_first", **facts))
    if around.experiments:
        yield Paragraph(words.text("hw_repeat_experiments"))
        trained = dict.fromkeys(file for files in around.experiments.values() for file in files)
        commands = [f"python train.py {file}" for file in trained]
        commands += [f"vyvod experiment settings/{name}.yaml" for name in around.experiments]
        yield Listing("\n".join(commands), "sh")
    notebook = f"{branch_of(homework.number)}.ipynb"
    listed = {"train": "train.py", "notebook": notebook, "settings": "settings/", "results": "results/"}
    listed["requirements"] = "requirements.txt"
    there = {key: file for key, file in listed.items() if any(path.startswith(file) for path in around.files)}
    yield Paragraph((words.say("hw_files"), ":"))
    yield Points([words.text(f"hw_file_{key}", file=Code(file)) for key, file in there.items()])
    if around.colab:
        yield Paragraph(words.text("hw_colab", link=Link(words.say("hw_colab_link"), around.colab)))
    rows = [[Cell((key,)), Cell((Code(value),))] for key in _VERSIONS if (value := around.versions.get(key))]
    columns = [Column(words.say("hw_col_library")), Column(words.say("hw_col_version"))]
    yield Table(words.say("hw_table_versions"), columns, rows)
    if around.differing:
        named, file = ", ".join(around.differing), Code("requirements.txt")
        yield Note(words.text("hw_versions_differ", list=named, file=file), "warning")
    if around.weights:
        named = ", ".join(around.weights)
        yield Note(words.text("hw_weights_elsewhere", list=named), "warning")
    if around.left_out:
        named = ", ".join(around.left_out[:_SHOWN])
        if len(around.left_out) > _SHOWN:
            named = words.say("list_more", list=named, count=len(around.left_out) - _SHOWN)
        yield Note(words.text("hw_left_out", list=named))
