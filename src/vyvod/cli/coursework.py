"""``vyvod coursework``: a repository of homework, from an empty folder to something that can be handed in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from vyvod.cli.words import command, table, tell

coursework_app = typer.Typer(
    help="A repository of homework: begin it, write a homework, check it, pack it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Number = Annotated[int, typer.Argument(help="The number of the homework.", metavar="NUMBER", min=1)]


@command(parent=coursework_app)
def init(
    folder: Annotated[
        Path, typer.Argument(help="An empty folder, or a git repository; it is made if need be.")
    ] = Path(),
    name: Annotated[str | None, typer.Option(help="Your full name.")] = None,
    group: Annotated[str | None, typer.Option(help="Your group; may be left out.")] = None,
    subject: Annotated[str | None, typer.Option(help="The subject.")] = None,
    task: Annotated[str | None, typer.Option(help="classification, segmentation or detection.")] = None,
    data: Annotated[str | None, typer.Option(help="The data set: vyvod list data.")] = None,
    model: Annotated[str | None, typer.Option(help="The architecture: vyvod list models.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the texts: ru or en.")] = None,
    branch: Annotated[str, typer.Option(help="The main branch: main or master.")] = "main",
    data_root: Annotated[Path | None, typer.Option(help="Where the images lie (data.root).")] = None,
    check: Annotated[bool, typer.Option(help="Look at the data set.")] = True,  # noqa: FBT002
) -> None:
    """Begin: a git repository with README, settings, .gitignore, and a workflow that checks it; asks for what is not given."""
    from vyvod.coursework.start import Answers, begin

    answers = Answers(
        name=name,
        group=group,
        subject=subject,
        task=task,
        data=data,
        model=model,
        language=language,
        data_root=data_root,
    )
    ask = _ask if sys.stdin.isatty() else None
    for sentence in begin(folder, answers, branch=branch, check=check, ask=ask, tell=tell):
        print(sentence)


@command(parent=coursework_app)
def choose(
    task: Annotated[str, typer.Argument(help="classification, segmentation or detection.")],
    data: Annotated[str, typer.Argument(help="The data set: vyvod list data.")],
    data_root: Annotated[Path | None, typer.Option(help="Where the images lie (data.root).")] = None,
) -> None:
    """What each architecture costs on this machine, and what it reaches in the literature."""
    from vyvod.coursework.choice import choices
    from vyvod.terminal import Terminal

    found = choices(task, data, data_root=data_root, progress=Terminal())
    table(found.head, found.rows)
    print(*found.notes, sep="\n")


@command(parent=coursework_app)
def homework(
    number: Number,
    runs: Annotated[
        list[str] | None, typer.Option("--run", help="A run to write about; may be given several times.")
    ] = None,
    experiments: Annotated[
        list[str] | None, typer.Option("--experiment", help="An experiment to write about; may be given several times.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Heading of the homework.")] = None,
    stash: Annotated[bool, typer.Option("--stash", help="Put changes that are not committed aside first.")] = False,  # noqa: FBT002
) -> None:
    """Write a homework: its branch with README, figures, results, requirements.txt and code; your own text stays."""
    from vyvod.coursework.homework import write_homework

    for sentence in write_homework(
        Path(), number, runs=runs or (), experiments=experiments or (), title=title, stash=stash
    ):
        print(sentence)


@command(parent=coursework_app)
def notebook(
    settings: Annotated[
        Path | None, typer.Argument(help="Settings or a run folder; by default baseline.yaml.", metavar="[SETTINGS]")
    ] = None,
    output: Annotated[Path, typer.Option(help="The file.")] = Path("notebook.ipynb"),
) -> None:
    """Write a notebook that trains with these settings in Colab, Kaggle or here."""
    from vyvod.coursework.notebook import write_notebook

    for sentence in write_notebook(Path(), settings, output=output):
        print(sentence)


@command(parent=coursework_app)
def check(
    repositories: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Repositories, or text files that list them; by default this one.", metavar="[REPOSITORY]..."
        ),
    ] = None,
    branch: Annotated[list[str] | None, typer.Option(help="Look at these branches only.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all findings to this JSON file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a row for each branch to this CSV file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show also what is in order.")] = False,  # noqa: FBT002
) -> None:
    """Check what is to be handed in: every requirement for every branch, with the place and the cure. Changes nothing."""
    from vyvod.coursework.check.checking import check_all
    from vyvod.coursework.check.listing import lines, write_csv, write_json

    checked = check_all(repositories or [Path()], branches=branch or ())
    print(*lines(checked, verbose=verbose), sep="\n")
    for path, write in ((json, write_json), (csv, write_csv)):
        if path is not None:
            write(path, checked)
            print(f"Everything: {path}")
    if any(repository.failed for repository in checked):
        raise typer.Exit(1)


@command(parent=coursework_app)
def pack(
    number: Number,
    output: Annotated[Path | None, typer.Option(help="The ZIP file; by default homework_NUMBER_NAME.zip.")] = None,
) -> None:
    """Write one homework as a ZIP file, for a course that takes files."""
    from vyvod.coursework.pack import pack_homework

    for sentence in pack_homework(Path(), number, output=output):
        print(sentence)


def _ask(question: str, choices: list[str], proposal: str | None) -> str:
    """Ask until an answer comes, which may be the number of a choice; an empty choice of answers takes any text."""
    numbered = ", ".join(f"{number} {choice}" for number, choice in enumerate(choices, 1))
    if len(choices) > 8:
        tell(numbered)
    shown = f"{question} ({numbered})" if 0 < len(choices) <= 8 else question
    return str(typer.prompt(shown, default=proposal, err=True))
