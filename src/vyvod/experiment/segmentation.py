"""What an experiment needs of segmentation: the task, examples for the report, masks for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vyvod.data.contract import IGNORE, Dataset, MaskSplit, Split
from vyvod.data.joint import resized, target_size
from vyvod.data.pixels import balanced_weights, count_pixels
from vyvod.data.transforms import normalised
from vyvod.errors import SettingsError
from vyvod.experiment import examples
from vyvod.experiment.export import export_logits
from vyvod.experiment.per_task import Answer, Setting, Trained
from vyvod.experiment.pictures import mask_picture, overlay, picture, write_png
from vyvod.experiment.settings import Settings
from vyvod.models import build
from vyvod.tasks.segmentation import Geometry, Segmentation
from vyvod.types import InputSpec, Sample, Scores, SplitName

SHOWN = ("iou",)
LARGEST_WHOLE = 640
"""Longest side of images, pixels, up to which tiles are whole images."""
TILE = 512
"""Side of the tiles of larger images, pixels."""
GALLERY = 24
"""Examples in all: each is four pictures."""
SIDE = 480
"""Longest side of a stored example, pixels."""


def native_input(dataset: Dataset, settings: Settings) -> InputSpec:
    """The tile that is cut out for training, before the network has its say."""
    size = settings.augmentation.crop_size
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        return InputSpec(dataset.channels, height, width)
    whole = _whole(dataset.native_size, settings.data.image_size)
    if whole is None or max(whole) > LARGEST_WHOLE:
        height, width = (TILE, TILE) if whole is None else (min(TILE, side) for side in whole)
        shorter = settings.data.image_size if isinstance(settings.data.image_size, int) else TILE
        return InputSpec(dataset.channels, min(height, shorter), min(width, shorter))
    return InputSpec(dataset.channels, *whole)


def _whole(native: tuple[int, int] | None, size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if isinstance(size, tuple):
        return size
    return None if native is None else target_size(native, size)


def input_facts(settings: Settings) -> Mapping[str, Any]:
    """To what size whole images are brought, and how they are evaluated."""
    return {"image_size": settings.data.image_size, "evaluation": settings.segmentation.evaluation}


def make_task(setting: Setting) -> Segmentation:
    """The task for a list of classes; balanced class weights are counted from the train masks.

    Raises:
        SettingsError: there are as many class weights as there are no classes, or the tile does not fit the network.
    """
    architecture, spec = setting.architecture, setting.spec

    def fit(height: int, width: int) -> tuple[int, int]:
        fitted = build.fit_input(architecture, InputSpec(spec.channels, height, width))
        return fitted.height, fitted.width

    geometry = Geometry(spec.height, spec.width, build.margin(architecture), fit)
    return Segmentation(
        setting.classes, setting.settings.segmentation, geometry, setting.normalisation, _class_weights(setting),
        setting.settings.training.label_smoothing,
    )  # fmt: skip


def _class_weights(setting: Setting) -> Tensor | None:
    wanted, classes = setting.settings.segmentation.class_weights, len(setting.classes)
    if wanted == "none" or (wanted == "balanced" and setting.training is None):
        return None
    if wanted == "balanced":
        assert isinstance(setting.training, MaskSplit)  # noqa: S101 - checked when it was loaded
        return torch.from_numpy(balanced_weights(count_pixels(setting.training, classes))).float()
    if len(wanted) != classes:
        raise SettingsError(
            f"segmentation.class_weights has {len(wanted)} values, and there are {classes} classes; give one for each: "
            f"{', '.join(setting.classes[:4])}{', ...' if classes > 4 else ''}."
        )
    return torch.tensor([float(value) for value in wanted])


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
    """Random images, the worst and the best by their mean Dice, with truth and prediction as palette images."""
    rows = scores.per_image
    dice = rows["dice"]
    badness = np.where(np.isfinite(dice), 1 - dice, 0.0)
    wrong = np.isfinite(dice) & (dice < 1)
    most = max(GALLERY, count)
    chosen = examples.choose(badness, wrong, count=count, rest=lambda order, room: order[:room], most=most)

    def write(path: Path, row: int, sample: Sample) -> dict[str, Any]:
        return _write(path, float(dice[row]), sample.image, sample.target.numpy(), trained)

    return list(examples.written(folder, split, rows["id"], chosen, write))


def _write(path: Path, dice: float, image: Tensor, truth: np.ndarray, trained: Trained) -> dict[str, Any]:
    predicted = label_map(trained, image)
    photo = picture(image)
    photo.thumbnail((SIDE, SIDE))
    write_png(path, photo)
    record: dict[str, Any] = {}
    for name, mask in (("truth", truth), ("predicted", predicted)):
        file = path.with_stem(f"{path.stem}_{name}")
        write_png(file, _painted(mask, trained).resize(photo.size, Image.Resampling.NEAREST))
        record[name] = f"{path.parent.name}/{file.name}"
    there = np.union1d(truth[truth != IGNORE], predicted[truth != IGNORE])
    return {
        **record,
        "dice": dice if np.isfinite(dice) else None,
        "classes": [trained.classes[number] for number in there],
    }


def _painted(mask: np.ndarray, trained: Trained) -> Image.Image:
    return mask_picture(mask, trained.palette, len(trained.classes))


def label_map(trained: Trained, image: Tensor) -> np.ndarray:
    """``(H, W)`` uint8 class indices for a ``(C, H, W)`` uint8 image, at its own size."""
    task, spec = trained.task, trained.spec
    assert isinstance(task, Segmentation)  # noqa: S101 - made by make_task
    plain = image.as_subclass(Tensor)
    fitted = resized(plain, target_size(plain.shape, trained.settings.data.image_size))
    device = next(trained.network.parameters()).device
    with torch.inference_mode():
        prepared = normalised(fitted[None].to(device), spec.channels, trained.normalisation)[0]
        return task.label_map(trained.network, prepared, (plain.shape[-2], plain.shape[-1]))


def answer(trained: Trained, image: Tensor) -> Answer:
    """The mask as a palette image whose values are the class indices, and laid over the image."""
    mask = label_map(trained, image)
    shares = np.bincount(mask.ravel(), minlength=len(trained.classes)) / mask.size
    row = {f"share/{name}": round(float(share), 6) for name, share in zip(trained.classes, shares, strict=True)}
    largest = [int(place) for place in np.argsort(-shares, kind="stable")[:3] if shares[place] > 0]
    sentence = ", ".join(f"{trained.classes[place]} {shares[place]:.1%}" for place in largest)
    pictures = {
        "masks": _painted(mask, trained),
        "overlays": overlay(image, mask, trained.palette, trained.classes),
    }
    return Answer(row, f"{sentence:<48}", pictures)


def export(trained: Trained, path: Path) -> Sequence[str]:
    """Write the network as an ONNX file."""
    return export_logits(trained, path)
