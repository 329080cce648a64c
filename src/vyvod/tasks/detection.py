"""Object detection: boxes with a class and a confidence, through torchvision's detection API: networks are interchangeable.

Targets of a training batch: N dictionaries ``boxes`` ``(M, 4)`` float32 pixels of the image that the network gets, ``labels``
``(M,)`` int64 class indices, and ``masks`` ``(M, H, W)`` uint8 for networks that want them. In evaluation: N dictionaries as the
data set has them, in pixels of the stored images. Networks count classes from 1 (0 is torchvision's background); that is
known here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from vyvod.data.boxes import ByShape, Composed, Fit, Groups, Outlined, Resize
from vyvod.data.contract import OutlinedSplit, Rle, Split
from vyvod.data.loading import BatchTransform, Preparation, Request, listed
from vyvod.data.transforms import Draws
from vyvod.errors import DataError
from vyvod.metrics import detection as metrics
from vyvod.metrics.boxes.columns import sides
from vyvod.types import Batch, LossParts, Record, Scores

STEP = 32
"""Multi-scale training uses sizes that are multiples of it, pixels."""


class DetectionSettings(Record):
    """How images are brought to the network, and at which confidence its answers count. For detection only."""

    resize: Literal["auto", "letterbox", "stretch", "none"] = "auto"
    """letterbox keeps the proportions of an image, stretch does not, none leaves it to the network; auto: as the architecture
    was published."""
    confidence: float = Field(0.25, gt=0, lt=1)
    """Boxes with at least that confidence are drawn, and count for precision, recall and F1. mAP looks at all of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network says about one image, in pixels of the stored image."""

    boxes: np.ndarray
    """``(D, 4)`` float32 left, top, right, bottom."""
    labels: np.ndarray
    """``(D,)`` int64 class indices."""
    scores: np.ndarray
    """``(D,)`` float32, descending."""
    outlines: Sequence[Rle] | None = None
    """Of networks with masks."""
    loss: float = float("nan")
    """Mean of the batch."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The task for a given list of classes."""

    name: ClassVar[str] = "detection"
    headline: ClassVar[str] = metrics.HEADLINE
    lower_is_better: ClassVar[tuple[str, ...]] = ("loss", *metrics.LOWER_IS_BETTER)

    classes: tuple[str, ...]
    settings: DetectionSettings
    fit: Fit
    """How whole images are brought to the network."""
    masks: bool = False
    """The network wants and gives masks."""

    def preparation(self, request: Request) -> Preparation:
        """Training: composed canvases and their boxes. Evaluation: whole images of their own sizes, targets as stored."""
        outlined = _outlined if self.masks else None
        if not request.training:
            arrange = None if request.kept else _sorted(outlined)
            return Preparation(_to_unit_each, None if request.kept else self.fit, listed, arrange, self.fit.pixels)
        settings = request.augmentation

        def grouped(split: Split) -> Split:
            wanted = split if outlined is None or request.kept else outlined(split)
            return Groups(wanted, settings.mosaic, settings.mosaic_mixup)

        composed = Composed(self.fit, settings, self.masks)
        return Preparation(_to_unit(settings.multi_scale), composed, _collated(self.fit.resize), grouped)

    def losses(self, model: nn.Module, batch: Batch) -> LossParts:
        """The network's own parts of the loss."""
        parts: LossParts = model(batch.images, [_for_network(target) for target in batch.targets])
        return parts

    def validate(self, model: nn.Module, batch: Batch) -> list[Answer]:
        """Boxes in pixels of the stored images, and the loss."""
        images = cast(list[Tensor], batch.images)
        targets = [
            _fitted(target, image, masks=self.masks) for target, image in zip(batch.targets, images, strict=True)
        ]
        parts, found = judged(model, images, targets)
        loss = torch.stack([part.detach().float() for part in parts.values()]).sum().item()
        sizes = [tuple(target["size"].tolist()) for target in batch.targets]
        return [replace(answer, loss=loss) for answer in self._answers(found, images, sizes)]

    def detect(self, model: nn.Module, image: Tensor, size: tuple[int, int]) -> Answer:
        """The network's answer to one prepared image.

        Args:
            model: in evaluation mode.
            image: ``(3, H, W)`` float32 in 0..1, fitted.
            size: height and width of the stored image.
        """
        (answer,) = self._answers(model([image]), [image], [size])
        return answer

    def _answers(self, found: Any, images: Sequence[Tensor], sizes: Sequence[Sequence[int]]) -> Iterator[Answer]:
        for detections, image, (height, width) in zip(found, images, sizes, strict=True):
            factor = torch.tensor([width / image.shape[-1], height / image.shape[-2]] * 2)
            boxes = detections["boxes"].float().cpu() * factor
            outlines = _outlines(detections["masks"], (height, width)) if self.masks else None
            yield Answer(
                boxes.numpy(),
                detections["labels"].cpu().numpy() - 1,
                detections["scores"].float().cpu().numpy(),
                outlines,
            )

    def meter(self) -> DetectionMeter:
        """A new, empty meter."""
        return DetectionMeter(self.classes, self.settings.confidence, self.masks)


def _outlined(split: Split) -> Split:
    if not isinstance(split, OutlinedSplit):
        raise DataError(
            "This network learns masks, and the objects of this data set have boxes only. Choose data with outlines "
            "(COCO JSON with `segmentation`), or model=faster-rcnn."
        )
    return Outlined(split)


def _sorted(outlined: Callable[[Split], Split] | None) -> Callable[[Split], Split]:
    def arrange(split: Split) -> Split:
        return ByShape(split if outlined is None else outlined(split))

    return arrange


def _collated(resize: Resize) -> Callable[[list[Any]], Batch]:
    return listed if resize == "none" else _stacked


def _stacked(samples: list[Any]) -> Batch:
    batch = listed(samples)
    return replace(batch, images=torch.stack(cast(list[Tensor], batch.images)))


def _to_unit_each(batch: Batch, draws: Draws) -> Batch:
    return replace(batch, images=[image.float().div_(255) for image in batch.images])


def _to_unit(multi_scale: float) -> BatchTransform:
    def transform(batch: Batch, draws: Draws) -> Batch:
        if not isinstance(batch.images, Tensor):
            return _to_unit_each(batch, draws)
        ready = replace(batch, images=batch.images.float().div_(255))
        return _rescaled(ready, draws.one(1 - multi_scale, 1 + multi_scale)) if multi_scale else ready

    return transform


def _rescaled(batch: Batch, factor: float) -> Batch:
    images = cast(Tensor, batch.images)
    size = [max(STEP, round(side * factor / STEP) * STEP) for side in images.shape[-2:]]
    scale = images.new_tensor([size[1] / images.shape[-1], size[0] / images.shape[-2]] * 2)
    targets = [{**target, "boxes": target["boxes"] * scale, **_resized_masks(target, size)} for target in batch.targets]
    return replace(batch, images=functional.interpolate(images, size, mode="bilinear", antialias=True), targets=targets)


def _resized_masks(target: Mapping[str, Tensor], size: Sequence[int]) -> dict[str, Tensor]:
    if "masks" not in target:
        return {}
    return {"masks": functional.interpolate(target["masks"][None], list(size), mode="nearest-exact")[0]}


def _for_network(target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {**target, "labels": target["labels"] + 1}


def _fitted(target: Mapping[str, Any], image: Tensor, *, masks: bool) -> dict[str, Tensor]:
    """What counts of a stored target, in pixels of the prepared image and with the network's labels."""
    kept = ~target["crowd"]
    height, width = target["size"].tolist()
    factor = image.new_tensor([image.shape[-1] / width, image.shape[-2] / height] * 2)
    fitted = {"boxes": target["boxes"][kept] * factor, "labels": target["labels"][kept] + 1}
    if masks:
        outlines = [outline for outline, one in zip(target["outlines"], kept.tolist(), strict=True) if one]
        fitted["masks"] = _decoded(outlines, image)
    return fitted


def _decoded(outlines: Sequence[Rle], image: Tensor) -> Tensor:
    from hotcoco import mask as hotcoco_mask

    if not outlines:
        return torch.zeros((0, *image.shape[-2:]), dtype=torch.uint8, device=image.device)
    stored = torch.stack([torch.from_numpy(np.ascontiguousarray(hotcoco_mask.decode(outline))) for outline in outlines])
    fitted = functional.interpolate(stored[None], image.shape[-2:], mode="nearest-exact")[0]
    return fitted.to(image.device)


def _outlines(masks: Tensor, size: Sequence[int]) -> list[Rle]:
    """``(D, 1, H, W)`` probabilities -> outlines at the size of the stored image."""
    from hotcoco import mask as hotcoco_mask

    outlines = []
    for mask in masks:
        # One by one: a hundred masks of a photo at its full size are gigabytes.
        large = functional.interpolate(mask[None].float(), tuple(size), mode="bilinear", align_corners=False)[0, 0]
        outlines.append(hotcoco_mask.encode(np.asfortranarray((large > 0.5).cpu().numpy().astype(np.uint8))))
    return outlines


def judged(
    model: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]]
) -> tuple[Mapping[str, Tensor], list[dict[str, Tensor]]]:
    """Losses and detections of a network in evaluation mode.

    Networks of torchvision give one or the other; those that have a method ``judge`` give both in one pass.
    """
    judge = getattr(model, "judge", None)
    if callable(judge):
        both: tuple[Mapping[str, Tensor], list[dict[str, Tensor]]] = judge(images, targets)
        return both
    found = model(images)
    with _giving_losses(model), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)  # some sample proposals: the same ones in every epoch
        losses: Mapping[str, Tensor] = model(images, targets)
    return losses, found


@contextmanager
def _giving_losses(model: nn.Module) -> Iterator[None]:
    """In training mode, except for what would then change the network or its answer: norms and dropout."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = not isinstance(module, _NormBase | _DropoutNd)
        yield
    finally:
        for module, training in modes:
            module.training = training


@dataclass(slots=True)
class DetectionMeter:
    """Keeps the boxes of every image, found and true; every metric follows from them, for any subset of the images."""

    classes: tuple[str, ...]
    confidence: float
    masks: bool = False
    ids: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)

    def update(self, predictions: list[Answer], targets: list[dict[str, Any]], ids: list[str]) -> None:
        """Add a batch: answers and targets in pixels of the stored images."""
        self.ids.extend(ids)
        self.answers.extend(predictions)
        self.targets.extend({name: _stored(value) for name, value in target.items()} for target in targets)

    def merge(self, other: Self) -> None:
        """Add what another process has collected."""
        self.ids.extend(other.ids)
        self.answers.extend(other.answers)
        self.targets.extend(other.targets)

    def compute(self) -> Scores:
        """The scores; images are sorted by id, so that they do not depend on how the work was shared out."""
        order = np.argsort(np.array(self.ids, dtype=np.str_), kind="stable").tolist()
        answers, targets = [self.answers[place] for place in order], [self.targets[place] for place in order]
        rows: dict[str, np.ndarray] = {
            "id": np.array([self.ids[place] for place in order], dtype=np.str_),
            "loss": np.array([answer.loss for answer in answers], dtype=np.float32),
            "size": np.array([target["size"] for target in targets], dtype=np.int64).reshape(-1, 2),
            "found_image": _places([answer.labels for answer in answers]),
            "found_label": _flat([answer.labels for answer in answers], np.int64),
            "found_score": _flat([answer.scores for answer in answers], np.float32),
            "found_box": _flat([answer.boxes for answer in answers], np.float32, 4),
            "truth_image": _places([target["labels"] for target in targets]),
            "truth_label": _flat([target["labels"] for target in targets], np.int64),
            "truth_box": _flat([target["boxes"] for target in targets], np.float32, 4),
            "truth_area": _flat([target["areas"] for target in targets], np.float32),
            "truth_crowd": _flat([target["crowd"] for target in targets], np.bool_),
        }
        outlines = _both_outlines(answers, targets) if self.masks else None
        return from_rows(rows, self.classes, confidence=self.confidence, outlines=outlines)


Outlines = tuple[Sequence[Rle], Sequence[Rle]]
"""Of the D boxes that were found, and of the G objects, in the order of the rows."""


def from_rows(
    rows: Mapping[str, np.ndarray],
    classes: tuple[str, ...],
    *,
    confidence: float,
    best_confidence: float | None = None,
    outlines: Outlines | None = None,
) -> Scores:
    """All scores from the per-image columns, for all images or for any choice of them.

    Args:
        rows: the columns of ``per_image/*.npz``.
        classes: names of the classes.
        confidence: at which precision, recall and F1 are taken.
        best_confidence: at which they are taken a second time; by default the one with the best F1 on these very images.
        outlines: of networks with masks.
    """
    overall, per_class, totals = metrics.scores_of_rows(
        dict(rows), len(classes), confidence=confidence, best_confidence=best_confidence
    )
    counts, quality = metrics.image_scores(dict(rows), len(classes), confidence=confidence)
    if outlines is not None:
        of_masks = metrics.mask_scores(dict(rows), len(classes), found=outlines[0], truth=outlines[1])
        overall, per_class = overall | of_masks[0], per_class | of_masks[1]
    overall = {**overall, "loss": _mean(rows["loss"])}
    per_image = {**rows, **counts, "f1": quality}
    documents = {
        "detections": lambda: coco_results(rows, outlines),
        "truth": lambda: coco_truth(rows, classes, outlines),
    }
    return Scores(overall, per_class, per_image, totals, documents)


def coco_results(rows: Mapping[str, np.ndarray], outlines: Outlines | None = None) -> list[dict[str, Any]]:
    """What was found, as COCO's results: a list that pycocotools loads beside `coco_truth`."""
    identities, boxes = coco_ids(rows["id"]), _sides(rows["found_box"])
    columns = zip(
        rows["found_image"].tolist(), rows["found_label"].tolist(), rows["found_score"].tolist(), boxes, strict=True
    )
    results: list[dict[str, Any]] = [
        {"image_id": identities[image], "category_id": label + 1, "bbox": box, "score": float(f"{score:.9g}")}
        for image, label, score, box in columns
    ]
    if outlines is not None:
        for result, outline in zip(results, outlines[0], strict=True):
            result["segmentation"] = _as_text(outline)
    return results


def coco_truth(
    rows: Mapping[str, np.ndarray], classes: Sequence[str], outlines: Outlines | None = None
) -> dict[str, Any]:
    """The objects as a COCO file, so that the results can be evaluated by any other program."""
    identities, boxes = coco_ids(rows["id"]), _sides(rows["truth_box"])
    images = [
        {"id": identity, "file_name": str(name), "height": height, "width": width}
        for identity, name, (height, width) in zip(identities, rows["id"], rows["size"].tolist(), strict=True)
    ]
    columns = zip(
        rows["truth_image"].tolist(), rows["truth_label"].tolist(), boxes, rows["truth_area"].tolist(),
        rows["truth_crowd"].tolist(), strict=True,
    )  # fmt: skip
    annotations: list[dict[str, Any]] = [
        {"id": number, "image_id": identities[image], "category_id": label + 1, "bbox": box, "area": round(area, 3),
         "iscrowd": int(crowd)}
        for number, (image, label, box, area, crowd) in enumerate(columns, start=1)
    ]  # fmt: skip
    if outlines is not None:
        for annotation, outline in zip(annotations, outlines[1], strict=True):
            annotation["segmentation"] = _as_text(outline)
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco_ids(ids: Sequence[str] | np.ndarray) -> list[int]:
    """Numbers for images: their names where all of them are different numbers, as in COCO, else 1, 2, 3 ..."""
    names = [str(identity).rpartition("/")[2] for identity in ids]
    if all(name.isdecimal() for name in names) and len({int(name) for name in names}) == len(names):
        return [int(name) for name in names]
    return list(range(1, len(names) + 1))


def _sides(boxes: np.ndarray) -> list[list[float]]:
    rounded: list[list[float]] = sides(boxes).tolist()
    return rounded


def _as_text(outline: Rle) -> dict[str, Any]:
    counts = outline["counts"]
    return {"size": list(outline["size"]), "counts": counts.decode() if isinstance(counts, bytes) else counts}


def _both_outlines(answers: Sequence[Answer], targets: Sequence[Mapping[str, Any]]) -> Outlines:
    found = [outline for answer in answers for outline in answer.outlines or ()]
    return found, [outline for target in targets for outline in target["outlines"]]


def _stored(value: Any) -> Any:
    return value.cpu().numpy() if isinstance(value, Tensor) else value


def _places(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of the images, one for each of their boxes."""
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts]).astype(np.int64)


def _flat(parts: Sequence[np.ndarray], kind: type[np.generic], columns: int | None = None) -> np.ndarray:
    shape = (-1,) if columns is None else (-1, columns)
    whole = np.concatenate(parts) if parts else np.zeros(0)
    return whole.astype(kind).reshape(shape)


def _mean(values: np.ndarray) -> float:
    counted = values[np.isfinite(values)]
    return float(counted.mean(dtype=np.float64)) if len(counted) else float("nan")
