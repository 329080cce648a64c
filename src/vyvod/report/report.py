"""From a run folder on disk to README.md, report.html and their figures; needs neither the internet nor the model."""

from collections.abc import Iterator
from pathlib import Path

from vyvod.files import write_atomically, write_text
from vyvod.report import html, readme
from vyvod.report.document import Document, Gallery, Picture, Pictures
from vyvod.report.figures import photo_png, png
from vyvod.report.reading import read_run
from vyvod.report.sections import document
from vyvod.report.settings import ReportSettings
from vyvod.report.text import Words


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
    report, words = document(read_run(folder), settings), Words(settings.language)
    for picture in _pictures(report):
        _write_png(
            folder / "figures" / f"{picture.name}.png",
            photo_png(picture.figure) if picture.photos else png(picture.figure),
        )
    page, text = folder / "report.html", folder / "README.md"
    write_text(text, readme.render(report, words))
    # Last: a run with this file has come to its end.
    write_text(page, html.render(report, words))
    return text, page


def _write_png(path: Path, data: bytes) -> None:
    write_atomically(path, lambda file: file.write(data))


def _pictures(report: Document) -> Iterator[Picture]:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Pictures):
                yield from block.items
            elif isinstance(block, Gallery):
                yield block.picture
