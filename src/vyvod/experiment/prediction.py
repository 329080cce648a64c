"""Predictions for images without targets: a CSV file, and pictures of the answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vyvod.data.formats.folders import IMAGE_SUFFIXES, decode
from vyvod.errors import DataError
from vyvod.experiment.assembly import trained
from vyvod.experiment.per_task import Answer, PerTask, Trained, per_task
from vyvod.experiment.pictures import write_png
from vyvod.experiment.record import create_folder
from vyvod.files import write_atomically
from vyvod.types import Progress, Silence


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was predicted, and where it lies."""

    folder: Path
    """Holds ``predictions.csv`` and the folders of pictures."""
    rows: Sequence[dict[str, Any]]
    """Of the CSV file: ``file`` and the answer, or ``error``."""
    sentences: Sequence[str]
    """The same for a person, one for each row."""
    pictures: Sequence[str]
    """Names of the folders of pictures."""


def predict_files(
    folder: Path, source: Path, *, output: Path | None = None, progress: Progress | None = None
) -> Predictions:
    """Ask the network of a run about one image or all images below a folder.

    Args:
        folder: a run folder.
        source: an image, or a folder.
        output: where to write; by default ``RUN/predictions``, numbered when that is taken.
        progress: how to show where it stands.

    Raises:
        UserError: there are no images, or (single image) it cannot be read. In a folder an unreadable one gets an empty row.
    """
    known, progress = trained(folder), progress or Silence()
    files = image_files(source)
    target = output or create_folder(folder, "predictions")
    asked, rows, sentences = per_task(known.task.name), list[dict[str, Any]](), list[str]()
    pictures: dict[str, None] = {}
    progress.begin("predicting", len(files))
    for path in files:
        name = path.name if path == source else path.relative_to(source).as_posix()
        answer = _answer(asked, known, path, alone=path == source)
        for kind, image in answer.pictures.items():
            write_png(target / kind / Path(name).with_suffix(".png"), image)
            pictures[kind] = None
        rows.append({"file": name, **answer.row})
        sentences.append(f"{answer.sentence}  {name}")
        progress.advance(1)
    progress.end()
    _write_csv(target / "predictions.csv", rows)
    return Predictions(target, rows, sentences, list(pictures))


def image_files(source: Path) -> list[Path]:
    """The images that are meant: the file itself, or all image files below the folder, in the order of their names.

    Raises:
        DataError: there are none.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise DataError(f"{source} does not exist. Give an image or a folder of images.")
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not files:
        raise DataError(f"There are no images in {source} (looked for {', '.join(sorted(IMAGE_SUFFIXES))}).")
    return files


def _answer(asked: PerTask, known: Trained, path: Path, *, alone: bool) -> Answer:
    try:
        image = decode(path)
    except DataError as error:
        if alone:
            raise DataError(f"{path} cannot be decoded: {error.__cause__ or error}.") from error
        return Answer({"error": str(error)}, "cannot be read", {})
    return asked.answer(known, image)


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))
