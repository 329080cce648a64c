"""What an experiment needs of detection: the task, anchors that fit the boxes, examples for the report, answers for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from vyvod.data.boxes import Fit, Resize
from vyvod.data.contract import BoxSplit, Dataset, Split
from vyvod.data.formats.masks import voc_palette
from vyvod.data.joint import plain, resized
from vyvod.experiment import examples
from vyvod.experiment.detector_export import export_detector
from vyvod.experiment.per_task import Answer, Setting, Trained
from vyvod.experiment.pictures import font, mask_picture, picture, write_png
from vyvod.experiment.settings import Settings
from vyvod.metrics import detection as metrics
from vyvod.metrics.boxes.columns import sides
from vyvod.models.build import Architecture, resolve
from vyvod.models.yolo.anchors import choose_anchors
from vyvod.tasks.detection import Answer as Found
from vyvod.tasks.detection import Detection, from_rows
from vyvod.types import InputSpec, Sample, Scores, SplitName

SHOWN = ("map50",)
GALLERY = 40
"""Examples in all."""
SIDE = 640
"""Longest side of a stored example, pixels."""
LINE = 3
"""Width of the lines around boxes, pixels."""


def native_input(dataset: Dataset, settings: Settings) -> InputSpec | None:
    """As ``data.image_size`` says; by default what the network was published for."""
    size = settings.data.image_size
    if size is None:
        return None
    height, width = (size, size) if isinstance(size, int) else size
    return InputSpec(3, height, width)


def input_facts(settings: Settings) -> Mapping[str, Any]:
    """How images are brought to the network, and at which confidence its answers count."""
    architecture = resolve(settings.model)
    return {"resize": _resize(settings, architecture), "confidence": settings.detection.confidence}


def _resize(settings: Settings, architecture: Architecture) -> Resize:
    wanted = settings.detection.resize
    if wanted != "auto":
        return wanted
    usual = cast(Resize, getattr(architecture.module, "RESIZE", "letterbox"))
    # A network that resizes by itself is given the size that a person asked for.
    return "letterbox" if usual == "none" and settings.data.image_size is not None else usual


def make_task(setting: Setting) -> Detection:
    """The task for a list of classes."""
    resize = _resize(setting.settings, setting.architecture)
    fit = Fit(setting.spec.height, setting.spec.width, resize)
    masks = bool(getattr(setting.architecture.module, "MASKS", False))
    return Detection(setting.classes, setting.settings.detection, fit, masks)


def adapt(network: nn.Module, task: Detection, setting: Setting) -> str | None:
    """Give a network with anchors those that fit the boxes of the train split, where the published ones do not.

    Returns:
        what was found and done, for a person.
    """
    options, anchored = setting.architecture.options, cast(Any, network)
    if setting.training is None or not hasattr(network, "set_anchors") or getattr(options, "anchors", "") != "auto":
        return None
    sizes = box_sizes(cast(BoxSplit, setting.training), task.fit)
    known = anchored.anchors_in_pixels().flatten(0, 1)
    # The same for every seed of a run: all of them are to train the same network.
    anchors, sentence = choose_anchors(sizes, known, seed=0)
    if not torch.equal(anchors, known):
        anchored.set_anchors(anchors)
    return sentence


def box_sizes(split: BoxSplit, fit: Fit) -> Tensor:
    """``(M, 2)`` float32 widths and heights of the objects of a split, pixels of the network's input."""
    parts = []
    for index in range(len(split)):
        objects = split.objects(index)
        height, width = objects["size"].tolist()
        high, wide = fit.size(height, width)
        boxes = objects["boxes"][~objects["crowd"]]
        parts.append((boxes[:, 2:] - boxes[:, :2]) * torch.tensor([wide / width, high / height]))
    return torch.cat(parts) if parts else torch.zeros(0, 2)


def settle(
    scores: Mapping[SplitName, Scores], task: Detection, confidence: float | None = None
) -> dict[SplitName, Scores]:
    """The scores with the confidence that val chose in place of one that test would have chosen for itself.

    Args:
        scores: of each split.
        task: of the run.
        confidence: where val is not among the scores.
    """
    if "val" in scores:
        confidence = scores["val"].overall["best_f1_confidence"]
    return {
        name: score if name == "val" or confidence is None else _at(score, task, confidence)
        for name, score in scores.items()
    }


def _at(score: Scores, task: Detection, confidence: float) -> Scores:
    again = from_rows(score.per_image, task.classes, confidence=task.settings.confidence, best_confidence=confidence)
    # What the masks have scored is kept: it does not depend on a confidence.
    return replace(score, overall={**score.overall, **again.overall}, per_class={**score.per_class, **again.per_class})


def write_examples(
    folder: Path, split: Split, trained: Trained, scores: Scores, *, count: int
) -> Sequence[Mapping[str, Any]]:
    """Random images, the worst and the best by their F1, with the boxes of the truth and of the network."""
    rows = scores.per_image
    quality = rows["f1"]
    badness = np.where(np.isfinite(quality), 1 - quality, 0.0)
    wrong = np.isfinite(quality) & (quality < 1)
    most = max(GALLERY, count)
    chosen = examples.choose(badness, wrong, count=count, rest=lambda order, room: order[:room], most=most)
    task = cast(Detection, trained.task)
    right, found = _outcomes(rows, task)

    def write(path: Path, row: int, sample: Sample) -> dict[str, Any]:
        photo = picture(plain(sample.image))
        size = photo.size
        photo.thumbnail((SIDE, SIDE))
        write_png(path, photo)
        factor = photo.width / size[0], photo.height / size[1]
        shown = rows["found_image"] == row
        shown &= rows["found_score"] >= task.settings.confidence
        record = {
            "size": [photo.height, photo.width],
            "f1": float(quality[row]) if np.isfinite(quality[row]) else None,
            "truth": _truth_records(rows, rows["truth_image"] == row, found, factor),
            "predicted": _found_records(rows, shown, right, factor),
        }
        return record | (_mask_record(path, photo, trained, sample, int(shown.sum())) if task.masks else {})

    return list(examples.written(folder, split, rows["id"], chosen, write))


def _outcomes(rows: Mapping[str, np.ndarray], task: Detection) -> tuple[np.ndarray, np.ndarray]:
    """``(D,)`` 1 right, 0 wrong, -1 on a crowd; ``(G,)`` bool, found by a box that reaches the confidence."""
    truth, found, images = metrics.read(rows)
    matching = metrics.match(truth, found, images, len(task.classes))
    return matching.right, matching.found_objects(len(truth.label), found.confident(task.settings.confidence))


def _truth_records(
    rows: Mapping[str, np.ndarray], places: np.ndarray, found: np.ndarray, factor: tuple[float, float]
) -> list[dict[str, Any]]:
    return [
        {
            "class": int(rows["truth_label"][place]),
            "box": _scaled(rows["truth_box"][place], factor),
            "crowd": bool(rows["truth_crowd"][place]),
            "found": bool(found[place]),
        }
        for place in np.flatnonzero(places)
    ]


def _found_records(
    rows: Mapping[str, np.ndarray], places: np.ndarray, right: np.ndarray, factor: tuple[float, float]
) -> list[dict[str, Any]]:
    return [
        {
            "class": int(rows["found_label"][place]),
            "box": _scaled(rows["found_box"][place], factor),
            "score": round(float(rows["found_score"][place]), 4),
            "right": None if right[place] < 0 else bool(right[place]),
        }
        for place in np.flatnonzero(places)
    ]


def _scaled(box: np.ndarray, factor: tuple[float, float]) -> list[float]:
    return [round(float(side) * factor[place % 2], 2) for place, side in enumerate(box)]


def _mask_record(path: Path, photo: Image.Image, trained: Trained, sample: Sample, count: int) -> dict[str, Any]:
    """The masks of the first ``count`` objects that the network finds, as a palette image of their numbers."""
    answer = detected(trained, plain(sample.image))
    file = path.with_stem(f"{path.stem}_masks")
    numbers = _numbered(answer, min(count, 254), (sample.image.shape[-2], sample.image.shape[-1]))
    write_png(file, mask_picture(numbers, None, 255).resize(photo.size, Image.Resampling.NEAREST))
    return {"masks": f"{path.parent.name}/{file.name}"}


def _numbered(answer: Found, count: int, size: tuple[int, int]) -> np.ndarray:
    """``(H, W)`` uint8: 0 where nothing was found, n where the n-th object is; the surer ones on top."""
    from hotcoco import mask as hotcoco_mask

    numbers = np.zeros(size, dtype=np.uint8)
    for place in reversed(range(count)):
        numbers[hotcoco_mask.decode((answer.outlines or ())[place]).astype(bool)] = place + 1
    return numbers


def detected(trained: Trained, image: Tensor) -> Found:
    """What the network finds in a ``(3, H, W)`` uint8 image, in pixels of that image."""
    task = cast(Detection, trained.task)
    stored = plain(image)
    height, width = stored.shape[-2:]
    device = next(trained.network.parameters()).device
    fitted = resized(stored, task.fit.size(height, width)).to(device).float() / 255
    with torch.inference_mode():
        return task.detect(trained.network, fitted.expand(3, -1, -1), (height, width))


def answer(trained: Trained, image: Tensor) -> Answer:
    """The boxes drawn into the image; in the tables an entry for each."""
    task, found = cast(Detection, trained.task), detected(trained, image)
    shown = found.scores >= task.settings.confidence
    names = [trained.classes[label] for label in found.labels[shown]]
    counts = Counter(names)
    row = {"objects": len(names)} | {f"count/{name}": counts[name] for name in trained.classes}
    sentence = ", ".join(f"{number} {name}" for name, number in counts.most_common(3)) or "nothing found"
    details = [
        {"class": trained.classes[label], "score": round(float(score), 4)}
        | dict(zip(("left", "top", "right", "bottom"), (round(float(side), 1) for side in box), strict=True))
        for box, label, score in zip(found.boxes[shown], found.labels[shown], found.scores[shown], strict=True)
    ]
    pictures = {"pictures": annotated(image, found, trained)}
    return Answer(row, f"{sentence:<48}", pictures, details, {"detections.json": coco_entries(found)})


def coco_entries(found: Found) -> list[dict[str, Any]]:
    """COCO's results of one image, without its ``image_id``; category 1 is the first class."""
    columns = zip(found.labels.tolist(), sides(found.boxes).tolist(), found.scores.tolist(), strict=True)
    return [{"category_id": label + 1, "bbox": box, "score": float(f"{score:.9g}")} for label, box, score in columns]


def annotated(image: Tensor, found: Found, trained: Trained) -> Image.Image:
    """The image with the boxes that reach the confidence, each in the colour of its class, with class and confidence."""
    task, photo = cast(Detection, trained.task), picture(plain(image))
    draw, letters = ImageDraw.Draw(photo), font()
    colours = voc_palette(256)[1:]
    for box, label, score in list(zip(found.boxes, found.labels, found.scores, strict=True))[::-1]:
        if score < task.settings.confidence:
            continue
        colour = colours[label % len(colours)]
        left, top, right, bottom = (round(float(side)) for side in box)
        draw.rectangle((left, top, max(right, left), max(bottom, top)), outline=colour, width=LINE)
        text = f"{trained.classes[label]} {score:.2f}"
        corner = (left, max(0, top - letters.size - 4))
        draw.rectangle(draw.textbbox(corner, text, letters), fill=colour)
        draw.text(corner, text, fill=_readable(colour), font=letters)
    return photo


def _readable(colour: tuple[int, int, int]) -> Literal["black", "white"]:
    """What can be read on a colour."""
    red, green, blue = colour
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def export(trained: Trained, path: Path) -> Sequence[str]:
    """Write the network as an ONNX file."""
    return export_detector(trained, path)
