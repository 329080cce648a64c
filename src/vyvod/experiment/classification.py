"""What an experiment needs of classification: the task, examples for the report, answers for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from vyvod.data.contract import Dataset, Split
from vyvod.data.transforms import for_evaluation, to_network
from vyvod.experiment import examples
from vyvod.experiment.export import export_logits
from vyvod.experiment.per_task import Answer, Setting, Trained
from vyvod.experiment.pictures import enlarged, font, picture, write_png
from vyvod.experiment.settings import Settings
from vyvod.tasks.classification import Classification
from vyvod.types import InputSpec, Sample, Scores, SplitName

SHOWN = ("accuracy",)
TOP = 3
GALLERY = 120
"""Images in the gallery of report.html, at most."""
_STRIP = 28


def native_input(dataset: Dataset, settings: Settings) -> InputSpec | None:
    """As the images are, or as ``data.image_size`` says."""
    size = settings.data.image_size
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        return InputSpec(dataset.channels, height, width)
    return None if dataset.native_size is None else InputSpec(dataset.channels, *dataset.native_size)


def input_facts(settings: Settings) -> Mapping[str, Any]:
    """Nothing besides."""
    return {}


def make_task(setting: Setting) -> Classification:
    """The task for a list of classes."""
    return Classification(setting.classes, setting.settings.training.label_smoothing)


def adapt(network: nn.Module, task: Any, setting: Setting) -> None:
    """Nothing to fit."""


def settle(
    scores: Mapping[SplitName, Scores], task: Any, confidence: float | None = None
) -> Mapping[SplitName, Scores]:
    """They are final."""
    return scores


def write_examples(
    folder: Path, split: Split, trained: Trained, scores: Scores, *, count: int
) -> Sequence[Mapping[str, Any]]:
    """Random, worst and best images, and a gallery of right and wrong ones; the answers are those of the evaluation."""
    rows = scores.per_image
    wrong = rows["label"] != rows["predicted"]
    chosen = examples.choose(rows["loss"], wrong, count=count, rest=partial(_gallery, rows), most=GALLERY)

    def write(path: Path, row: int, sample: Sample) -> dict[str, Any]:
        return _write(path, rows, row, sample.image, trained.classes)

    return list(examples.written(folder, split, rows["id"], chosen, write))


def _write(
    path: Path, rows: Mapping[str, np.ndarray], row: int, image: Tensor, classes: tuple[str, ...]
) -> dict[str, Any]:
    thumbnail = picture(image)
    thumbnail.thumbnail((examples.SIDE, examples.SIDE))
    write_png(path, thumbnail)
    truth, predicted = int(rows["label"][row]), int(rows["predicted"][row])
    top = zip(rows["top"][row], rows["top_probability"][row], strict=True)
    return {
        "truth": classes[truth],
        "predicted": classes[predicted],
        "confidence": float(rows["confidence"][row]),
        "top": [[classes[int(index)], float(probability)] for index, probability in top],
        "right": truth == predicted,
    }


def _gallery(rows: Mapping[str, np.ndarray], order: list[int], room: int) -> list[int]:
    # In turn from every class, wrong ones and right ones: a rare class and a rare mistake are there too.
    groups: dict[tuple[int, bool], list[int]] = {}
    for row in order:
        label = int(rows["label"][row])
        groups.setdefault((label, bool(label == rows["predicted"][row])), []).append(row)
    chosen: list[int] = []
    while len(chosen) < room and any(groups.values()):
        for key in sorted(groups):
            if groups[key] and len(chosen) < room:
                chosen.append(groups[key].pop(0))
    return chosen


def answer(trained: Trained, image: Tensor) -> Answer:
    """The most probable classes, written below the image."""
    task = trained.task
    assert isinstance(task, Classification)  # noqa: S101 - made by make_task
    fitted = for_evaluation(trained.spec, trained.settings.data.resize)(image)
    with torch.inference_mode():
        prepared = to_network(fitted[None].as_subclass(Tensor), trained.spec, trained.normalisation)
        best = task.logits(trained.network, prepared)[0].softmax(dim=0).topk(min(TOP, len(trained.classes)))
    answers = [
        (trained.classes[int(index)], float(value)) for value, index in zip(best.values, best.indices, strict=True)
    ]
    (name, confidence), *others = answers
    row: dict[str, Any] = {"predicted": name, "confidence": confidence}
    for place, (label, probability) in enumerate(others, start=2):
        row |= {f"class_{place}": label, f"probability_{place}": probability}
    return Answer(row, f"{name:<24} {confidence:.3f}", {"images": _annotated(image, name, confidence)})


def _annotated(image: Tensor, name: str, confidence: float) -> Image.Image:
    shown = enlarged(picture(image))
    canvas = Image.new("RGB", (shown.width, shown.height + _STRIP), "white")
    canvas.paste(shown, (0, 0))
    ImageDraw.Draw(canvas).text((6, shown.height + 5), f"{name}  {confidence:.2f}", fill="black", font=font())
    return canvas


def export(trained: Trained, path: Path) -> Sequence[str]:
    """Write the network as an ONNX file."""
    return export_logits(trained, path)
