"""Predictions for images without targets: tables, JSON records, and pictures of the answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vyvod.data.formats.folders import IMAGE_SUFFIXES, decode
from vyvod.errors import DataError
from vyvod.experiment.assembly import trained
from vyvod.experiment.per_task import Answer, Trained, per_task
from vyvod.experiment.pictures import write_png
from vyvod.experiment.record import create_folder
from vyvod.experiment.settings import changed
from vyvod.experiment.video import VIDEO_SUFFIXES, Video, VideoWriter
from vyvod.files import write_atomically, write_compact_json
from vyvod.types import Progress, Silence

CHANGEABLE = ("segmentation", "detection", "reconstruction")


@dataclass(slots=True)
class Predictions:
    """What was predicted, and where it lies."""

    folder: Path
    """Holds ``predictions.csv``, the folders of pictures, and what else the task has."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of ``predictions.csv``: ``file`` and the answer, or ``error``."""
    sentences: list[str] = field(default_factory=list)
    """The same for a person, one for each row."""
    pictures: dict[str, None] = field(default_factory=dict)
    """Names of the folders of pictures, in their order, and of videos."""
    details: list[dict[str, Any]] = field(default_factory=list)
    """Of ``objects.csv``: an entry for each object."""
    documents: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """Of JSON files, by their names."""

    def add(self, name: str, answer: Answer) -> None:
        """Take down the answer to an image of that name."""
        self.rows.append({"file": name, **answer.row})
        self.sentences.append(f"{answer.sentence}  {name}")
        self.details += [{"file": name, **detail} for detail in answer.details]
        for document, entries in answer.documents.items():
            # Images are counted from 1, in the order of predictions.csv.
            self.documents.setdefault(document, []).extend({"image_id": len(self.rows), **entry} for entry in entries)

    def write(self) -> None:
        """Write tables and records."""
        _write_csv(self.folder / "predictions.csv", self.rows)
        if self.details:
            _write_csv(self.folder / "objects.csv", self.details)
        for document, entries in self.documents.items():
            write_compact_json(self.folder / document, entries)


def predict_files(
    folder: Path,
    source: Path,
    *,
    output: Path | None = None,
    changes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Predictions:
    """Ask the network of a run about an image, all images below a folder, or a video.

    Args:
        folder: a run folder.
        source: an image, a folder, or a video.
        output: where to write; by default ``RUN/predictions``, numbered when that is taken.
        changes: of how the network is asked, such as ``detection.confidence=0.5``.
        progress: how to show where it stands.

    Raises:
        UserError: there are no images, or (single image) it cannot be read. In a folder an unreadable one gets an empty row.
    """
    settings = changed(folder / "settings.yaml", changes, only=CHANGEABLE) if changes else None
    known, progress = trained(folder, settings), progress or Silence()
    if source.suffix.lower() in VIDEO_SUFFIXES and source.is_file():
        video = Video(source)
        found = Predictions(output or create_folder(folder, "predictions"))
        _predict_video(known, video, found, progress)
    else:
        files = image_files(source)
        found = Predictions(output or create_folder(folder, "predictions"))
        _predict_images(known, source, files, found, progress)
    found.write()
    return found


def _predict_images(
    known: Trained, source: Path, files: Sequence[Path], found: Predictions, progress: Progress
) -> None:
    progress.begin("predicting", len(files))
    for path in files:
        name = path.name if path == source else path.relative_to(source).as_posix()
        answer = _answer(known, path, alone=path == source)
        for kind, image in answer.pictures.items():
            write_png(found.folder / kind / Path(name).with_suffix(".png"), image)
            found.pictures[kind] = None
        found.add(name, answer)
        progress.advance(1)
    progress.end()


def _predict_video(known: Trained, video: Video, found: Predictions, progress: Progress) -> None:
    asked, name = per_task(known.task.name), f"{video.path.stem}.mp4"
    progress.begin("predicting", video.count)
    with closing(VideoWriter(found.folder / name, video.rate)) as writer:
        for number, frame in _numbered(video):
            answer = asked.answer(known, frame)
            found.add(f"{video.path.name}#{number:06d}", answer)
            # The last of the pictures is the one that is made for people.
            for image in list(answer.pictures.values())[-1:]:
                writer.add(image)
                found.pictures[name] = None
            progress.advance(1)
    progress.end()


def _numbered(video: Video) -> Iterator[tuple[int, Tensor]]:
    frame = None
    for number, frame in enumerate(video):
        yield number, frame
    if frame is None:
        raise DataError(f"{video.path} has no frame that can be decoded. Convert it to MP4 (H.264).")


def image_files(source: Path) -> list[Path]:
    """The images that are meant: the file itself, or all image files below the folder, in the order of their names.

    Raises:
        DataError: there are none.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise DataError(f"{source} does not exist. Give an image, a folder of images, or a video.")
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not files:
        raise DataError(f"There are no images in {source} (looked for {', '.join(sorted(IMAGE_SUFFIXES))}).")
    return files


def _answer(known: Trained, path: Path, *, alone: bool) -> Answer:
    try:
        image = decode(path)
    except DataError as error:
        if alone:
            raise DataError(f"{path} cannot be decoded: {error.__cause__ or error}.") from error
        return Answer({"error": str(error)}, "cannot be read", {})
    return per_task(known.task.name).answer(known, image)


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))
