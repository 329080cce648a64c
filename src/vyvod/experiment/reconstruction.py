"""What an experiment needs of reconstruction: the task, examples for the report, redrawn images for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vyvod.data.contract import Split
from vyvod.data.transforms import for_evaluation, to_network
from vyvod.experiment import examples
from vyvod.experiment.classification import native_input
from vyvod.experiment.export import Scaled, export_onnx
from vyvod.experiment.per_task import Answer, Setting, Trained
from vyvod.experiment.pictures import enlarged, picture, write_png
from vyvod.experiment.settings import Settings
from vyvod.metrics.reconstruction import psnr
from vyvod.models.build import resolve
from vyvod.tasks.reconstruction import Reconstruction, seed_of
from vyvod.types import Sample, Scores, SplitName

__all__ = ["adapt", "answer", "export", "input_facts", "make_task", "native_input", "settle", "write_examples"]

SHOWN = ("mse",)
GALLERY = 24
"""Examples in all: each is three pictures."""
_GAP = 8


def input_facts(settings: Settings) -> Mapping[str, Any]:
    """What the encoder is, where the architecture has a choice, and how the images are spoilt."""
    backbone = getattr(resolve(settings.model).options, "backbone", None)
    return {"backbone": backbone, **settings.reconstruction.model_dump(mode="json")}


def make_task(setting: Setting) -> Reconstruction:
    """The task."""
    return Reconstruction(setting.settings.reconstruction, setting.normalisation)


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
    """Random images, the worst and the best by their squared error: as they are, as the network sees them, and redrawn."""
    rows = scores.per_image
    errors = rows["mse"].astype(np.float64)
    none_wrong = np.zeros(len(errors), dtype=np.bool_)
    most = max(GALLERY, count)
    chosen = examples.choose(errors, none_wrong, count=count, rest=lambda order, room: order[:room], most=most)

    def write(path: Path, row: int, sample: Sample) -> dict[str, Any]:
        shown = _redrawn(trained, sample.image, seed_of(sample.id))
        record: dict[str, Any] = {"mse": float(errors[row]), "psnr": float(psnr(errors[row : row + 1])[0])}
        for name, image in zip(("original", "input", "output"), shown.pictures, strict=True):
            image.thumbnail((examples.SIDE, examples.SIDE))
            file = path if name == "original" else path.with_stem(f"{path.stem}_{name}")
            write_png(file, image)
            record |= {} if name == "original" else {name: f"{path.parent.name}/{file.name}"}
        return record

    return list(examples.written(folder, split, rows["id"], chosen, write))


class _Redrawn:
    """An image as it is, as the network sees it, and as the network draws it."""

    def __init__(self, images: Sequence[Tensor], error: float) -> None:
        self.pictures = [picture((image[0] * 255).round().to(torch.uint8)) for image in images]
        self.error = error


def _redrawn(trained: Trained, image: Tensor, seed: int) -> _Redrawn:
    task, spec = trained.task, trained.spec
    assert isinstance(task, Reconstruction)  # noqa: S101 - made by make_task
    fitted = for_evaluation(spec, trained.settings.data.resize)(image)
    device = next(trained.network.parameters()).device
    with torch.inference_mode():
        prepared = to_network(fitted[None].as_subclass(Tensor).to(device), spec, trained.normalisation)
        seen, drawn, errors = task.redrawn(trained.network, prepared, [seed])
        return _Redrawn([task.values(prepared), seen, drawn], float(errors[0]))


def answer(trained: Trained, image: Tensor) -> Answer:
    """The image redrawn, at the size of the network; beside it what the network saw, and the image itself.

    It is spoilt as in the training; ``reconstruction.noise=0 reconstruction.masked=0`` leaves it as it is.
    """
    shown = _redrawn(trained, image, seed_of("prediction"))
    ratio = float(psnr(np.array([shown.error]))[0])
    original, seen, drawn = shown.pictures
    pictures = {"reconstructions": drawn, "comparisons": _beside(seen, drawn, original)}
    return Answer({"mse": shown.error, "psnr": ratio}, f"PSNR {ratio:.2f} dB", pictures)


def _beside(*images: Image.Image) -> Image.Image:
    large = [enlarged(image.copy()) for image in images]
    width, height = large[0].size
    canvas = Image.new("RGB", (len(large) * (width + _GAP) - _GAP, height), "white")
    for place, image in enumerate(large):
        canvas.paste(image, (place * (width + _GAP), 0))
    return canvas


class _InValues(Scaled):
    """The network with its output in 0..1."""

    def forward(self, images: Tensor) -> Tensor:
        drawn: Tensor = self.network(images)
        return (drawn * self.std + self.mean).clamp(0, 1)


def export(trained: Trained, path: Path) -> Sequence[str]:
    """Write the network as an ONNX file: images in 0..1 in, the same redrawn out."""
    spec, known = trained.spec, trained.normalisation
    network = _InValues(trained.network, known.mean, known.std).eval()
    difference = export_onnx(
        network, path, spec=spec, mean=known.mean, std=known.std, classes=(), output="reconstructions"
    )
    size = f"(N, {spec.channels}, {spec.height}, {spec.width})"
    return [
        f"{path}: input `images` {size} in 0..1 (nothing is spoilt inside), output `reconstructions` {size} in 0..1.",
        f"Checked with onnxruntime on random images: largest difference {difference:.1e}.",
    ]
