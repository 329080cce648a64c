"""From a run folder on disk to README.md, report.html and their figures; needs neither the internet nor the model."""

from pathlib import Path

from vyvod.errors import RunError
from vyvod.files import write_atomically, write_text
from vyvod.report import html, readme
from vyvod.report.document import Document
from vyvod.report.experiment import overview, page
from vyvod.report.experiment.own import read_own
from vyvod.report.experiment.reading import read_experiment
from vyvod.report.figures import photo_png, png
from vyvod.report.reading import read_run
from vyvod.report.sections import document
from vyvod.report.settings import ReportSettings
from vyvod.report.text import Words

_OVERVIEW = "<!-- vyvod: overview -->"
"""The first line of the README.md of an overview."""


def write_report(folder: Path, settings: ReportSettings) -> tuple[Path, Path]:
    """Write the report of a run into its folder. The same folder gives the same bytes.

    Args:
        folder: of the run, in the format of ``docs/architecture.md``.
        settings: language, title and so on.

    Returns:
        the paths of README.md and report.html.

    Raises:
        RunError: the folder is no run, a file in it is damaged, or it cannot be written.
    """
    return _write(document(read_run(folder), settings), folder, Words(settings.language))


def write_experiment_report(folder: Path, settings: ReportSettings) -> tuple[Path, Path]:
    """Write the report of an experiment into its folder; what the person has written between the marks of README.md stays.

    Args:
        folder: of the experiment, with ``record.json``; ``results.json`` and the run folders are read as far as they are there.
        settings: language, title and so on.

    Returns:
        the paths of README.md and report.html.

    Raises:
        RunError: the folder is no experiment, a record in it is damaged, README.md has lost one of its marks, or the folder
            cannot be written.
    """
    words = Words(settings.language)
    own = read_own(folder / "README.md", words)
    return _write(page.document(read_experiment(folder), settings, own), folder, words)


def write_overview(root: Path, settings: ReportSettings) -> tuple[Path, Path]:
    """Write the page of a repository into its ``experiments/`` (without experiments into ``runs/``).

    Args:
        root: the folder that holds them. Its own README.md is never touched.
        settings: language, title and so on.

    Returns:
        the paths of README.md and report.html.

    Raises:
        RunError: there are neither experiments nor runs, or a README.md of somebody else stands in the way.
    """
    found = overview.read_overview(root)
    text = found.folder / "README.md"
    if text.is_file() and not text.read_bytes().startswith(_OVERVIEW.encode()):
        raise RunError(
            f"{text} was not written by this program and is left alone. Move it, then call `vyvod report` again."
        )
    return _write(overview.document(found, settings), found.folder, Words(settings.language), first=f"{_OVERVIEW}\n\n")


def _write(report: Document, folder: Path, words: Words, *, first: str = "") -> tuple[Path, Path]:
    for picture in report.pictures():
        _write_png(
            folder / "figures" / f"{picture.name}.png",
            photo_png(picture.figure) if picture.photos else png(picture.figure),
        )
    text, whole = folder / "README.md", folder / "report.html"
    # What a person has written keeps its bytes, also those that are no letters.
    source = (first + readme.render(report, words)).encode("utf-8", "surrogateescape")
    write_atomically(text, lambda file: file.write(source))
    # Last: a run with this file has come to its end.
    write_text(whole, html.render(report, words))
    return text, whole


def _write_png(path: Path, data: bytes) -> None:
    write_atomically(path, lambda file: file.write(data))
