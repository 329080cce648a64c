"""Predictions for images that have no labels: a CSV file, and each image with the answer written on it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont

from vyvod.data.formats.folders import IMAGE_SUFFIXES, decode
from vyvod.data.transforms import for_evaluation, to_network
from vyvod.errors import DataError
from vyvod.experiment.assembly import Trained, trained
from vyvod.experiment.record import create_folder
from vyvod.files import write_atomically
from vyvod.types import Progress, Silence

BATCH = 32
TOP = 3
SIDE = 512
"""Longest side of an annotated image, pixels; smaller ones are enlarged in whole steps, so that the text can be read."""


def predict_files(
    folder: Path, source: Path, *, output: Path | None = None, progress: Progress | None = None
) -> tuple[Path, list[dict[str, Any]]]:
    """Classify one image or all images below a folder.

    Args:
        folder: a run folder.
        source: an image, or a folder.
        output: where to write; by default ``RUN/predictions``, numbered when that is taken.
        progress: how to show where it stands.

    Returns:
        the folder written to, and a row for each image: file, predicted, confidence, the next most probable classes.

    Raises:
        UserError: there are no images, or (single image) it cannot be read. In a folder an unreadable one gets an empty row.
    """
    known, progress = trained(folder), progress or Silence()
    files = image_files(source)
    target = output or create_folder(folder, "predictions")
    rows: list[dict[str, Any]] = []
    progress.begin("predicting", len(files))
    for start in range(0, len(files), BATCH):
        chunk = files[start : start + BATCH]
        rows.extend(_predict(known, chunk, source, target))
        progress.advance(len(chunk))
    progress.end()
    _write_csv(target / "predictions.csv", rows)
    return target, rows


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


def _predict(known: Trained, files: list[Path], source: Path, target: Path) -> Iterator[dict[str, Any]]:
    fit = for_evaluation(known.spec, known.settings.data.resize)
    single = source.is_file()
    for path in files:
        name = path.name if single else path.relative_to(source).as_posix()
        try:
            image = decode(path)
        except DataError as error:
            if single:
                raise DataError(f"{path} cannot be decoded: {error.__cause__ or error}.") from error
            yield {"file": name, "predicted": "", "confidence": float("nan"), "error": str(error)}
            continue
        with torch.inference_mode():
            prepared = to_network(fit(image)[None].as_subclass(torch.Tensor), known.spec, known.normalisation)
            best = known.task.predict(known.network, prepared)[0].topk(min(TOP, len(known.classes)))
        answers = [
            (known.classes[int(index)], float(value)) for value, index in zip(best.values, best.indices, strict=True)
        ]
        _annotate(image, answers[0], target / "images" / Path(name).with_suffix(".png"))
        yield _row(name, answers)


def _row(name: str, answers: list[tuple[str, float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"file": name, "predicted": answers[0][0], "confidence": answers[0][1]}
    for place, (label, probability) in enumerate(answers[1:], start=2):
        row |= {f"class_{place}": label, f"probability_{place}": probability}
    return row


def _annotate(image: torch.Tensor, answer: tuple[str, float], path: Path) -> None:
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    enlarge = SIDE // 2 // max(picture.size)
    if enlarge > 1:
        picture = picture.resize((picture.width * enlarge, picture.height * enlarge), Image.Resampling.NEAREST)
    picture.thumbnail((SIDE, SIDE))
    strip = 28
    canvas = Image.new("RGB", (picture.width, picture.height + strip), "white")
    canvas.paste(picture, (0, 0))
    ImageDraw.Draw(canvas).text((6, picture.height + 5), f"{answer[0]}  {answer[1]:.2f}", fill="black", font=_font())
    buffer = io.BytesIO()
    canvas.save(buffer, format="PNG")
    write_atomically(path, lambda file: file.write(buffer.getvalue()))


def _font() -> Any:
    # Matplotlib ships DejaVu, which has Cyrillic; Pillow's own font has Latin letters only.
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 15)


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))
