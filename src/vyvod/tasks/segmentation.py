"""Semantic segmentation: a class for every pixel, trained on tiles, evaluated on whole images at their original resolution.

Targets of a training batch: ``{"labels": (N, H, W) uint8}``, 255 where nothing counts, and ``"weights"``, ``(N, H, W)`` float32,
where the borders between objects weigh more. In evaluation: N times ``(H, W)`` uint8, as the data set has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self, cast, get_args

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional

from vyvod import losses
from vyvod.catalog import nearest
from vyvod.data.contract import BACKGROUND, IGNORE
from vyvod.data.joint import Mosaic, RandomTile, Whole, window
from vyvod.data.loading import BatchTransform, Preparation, Request, listed
from vyvod.data.transforms import Draws, Normalisation, SampleTransform, normalised, recoloured
from vyvod.metrics import segmentation as metrics
from vyvod.tasks import crf
from vyvod.types import Batch, LossParts, Record, Sample, Scores

LossName = Literal["cross-entropy", "dice", "focal", "lovasz"]
WINDOWS = 4
"""Windows of a sliding evaluation that go through the network at once."""


class SegmentationSettings(Record):
    """What is minimised, and how whole images are evaluated. For segmentation only."""

    loss: Mapping[LossName, float] = Field({"cross-entropy": 1.0}, validate_default=True)
    """cross-entropy, dice, focal, lovasz, or a sum of them such as cross-entropy+0.5*dice."""
    class_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    """Weight of each class in cross-entropy and focal loss; balanced: median frequency / frequency, from the train masks."""
    focal_gamma: float = Field(2.0, ge=0)
    """How much the focal loss turns to pixels that are still wrong."""
    auxiliary_weight: float = Field(0.4, ge=0)
    """Weight of the loss of an auxiliary head, where the network has one."""
    border_weight: float = Field(0.0, ge=0)
    """Cross-entropy of background between two near objects weighs up to that much more (U-Net's w0, there 10)."""
    border_sigma: float = Field(5.0, gt=0)
    """How near, in pixels of the tile."""
    evaluation: Literal["full", "sliding"] = "full"
    """Whole images at once, or in windows as large as the tiles of the training, averaged where they overlap."""
    overlap: float = Field(0.5, ge=0, lt=1)
    """evaluation: sliding - share of a window that its neighbour covers too."""
    boundary_f1: bool = False
    """Also measure how well outlines are met (Csurka 2013): slower."""
    crf: Literal["none", "large-fov", "v1-msc", "v1-msc-large-fov", "v1-4x4", "v2-vgg", "v2-resnet101"] = "none"
    """A dense CRF as the last step, with the values that belong to that DeepLab. Seconds for each image, not in training."""

    @field_validator("loss", mode="before")
    @classmethod
    def _sum(cls, given: object) -> object:
        factors = dict(_terms(given)) if isinstance(given, str) else given
        known = get_args(LossName)
        unknown = [name for name in factors if name not in known] if isinstance(factors, Mapping) else []
        if unknown:
            raise ValueError(
                f"there is no loss '{unknown[0]}'.{nearest(unknown[0], known)} There are {', '.join(known)}"
            )
        return factors


def _terms(text: str) -> Iterator[tuple[str, float]]:
    for term in text.split("+"):
        factor, star, name = term.rpartition("*")
        try:
            yield name.strip(), float(factor) if star else 1.0
        except ValueError:
            raise ValueError(f"'{factor.strip()}' is not a number; write such as cross-entropy+0.5*dice") from None


@dataclass(frozen=True, slots=True)
class Geometry:
    """How images fit into a network."""

    height: int
    """Of the tiles it is trained on, pixels."""
    width: int
    margin: int
    """Pixels that its output lacks on each side."""
    fit: Callable[[int, int], tuple[int, int]]
    """Height and width of an image -> the nearest input that the network takes and whose output covers the image."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The task for a given list of classes."""

    name: ClassVar[str] = "segmentation"
    headline: ClassVar[str] = metrics.HEADLINE
    lower_is_better: ClassVar[tuple[str, ...]] = ("loss", *metrics.LOWER_IS_BETTER)

    classes: tuple[str, ...]
    settings: SegmentationSettings
    geometry: Geometry
    normalisation: Normalisation
    class_weights: Tensor | None = None
    """``(K,)`` float32."""
    label_smoothing: float = 0.0

    def preparation(self, request: Request) -> Preparation:
        """Training: tiles and their labels. Evaluation: whole images, each of its own size, and masks as they are stored."""
        if not request.training:
            whole = None if request.kept else Whole(request.data.image_size)
            return Preparation(_normalise_each(request), whole, listed)
        spec, margin = request.spec, self.geometry.margin
        size = None if request.kept else request.data.image_size
        tile = RandomTile(spec.height, spec.width, margin, size, request.augmentation)
        labelled = _Labelled(tile, self.settings.border_weight, self.settings.border_sigma)
        mosaic = request.augmentation.mosaic
        arrange = (lambda split: Mosaic(split, mosaic)) if mosaic else None
        return Preparation(_normalise_tiles(request), labelled, arrange=arrange)

    def losses(self, model: nn.Module, batch: Batch) -> LossParts:
        """The parts of the loss under their names, each with its weight; ``auxiliary`` for the other heads together."""
        outputs = model(batch.images)
        heads: Mapping[str, Tensor] = outputs if isinstance(outputs, Mapping) else {"out": outputs}
        parts = self._parts(heads["out"], batch.targets)
        others = [
            torch.stack(list(self._parts(logits, batch.targets).values())).sum()
            for name, logits in heads.items()
            if name != "out"
        ]
        if others:
            parts["auxiliary"] = self.settings.auxiliary_weight * torch.stack(others).sum()
        return parts

    def _parts(self, logits: Tensor, targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        labels = targets["labels"].long()
        weights = None if self.class_weights is None else self.class_weights.to(logits.device)
        known: Mapping[str, Callable[[], Tensor]] = {
            "cross-entropy": lambda: losses.pixel_cross_entropy(
                logits, labels, class_weights=weights, label_smoothing=self.label_smoothing,
                pixel_weights=targets.get("weights"),
            ),
            "dice": lambda: losses.dice_loss(logits, labels),
            "focal": lambda: losses.focal_loss(logits, labels, gamma=self.settings.focal_gamma, class_weights=weights),
            "lovasz": lambda: losses.lovasz_softmax_loss(logits, labels),
        }  # fmt: skip
        return {name.replace("-", "_"): factor * known[name]() for name, factor in self.settings.loss.items()}

    def validate(self, model: nn.Module, batch: Batch) -> list[Answer]:
        """A label map of the mask's size for each image, and the plain cross-entropy: comparable whatever was minimised."""
        images = cast(list[Tensor], batch.images)
        answers: list[Answer] = []
        for stored, image, target in zip(self._scores(model, images), images, batch.targets, strict=True):
            scores = _enlarged(self._refined(stored, image), (target.shape[0], target.shape[1]))
            answers.append(Answer(scores.argmax(dim=0).to(torch.uint8), _mean_loss(scores, target)))
        return answers

    def label_map(self, model: nn.Module, image: Tensor, size: tuple[int, int]) -> np.ndarray:
        """The network's answer to one prepared image.

        Args:
            model: in evaluation mode.
            image: ``(C, H, W)`` float32, normalised.
            size: height and width of the answer.

        Returns:
            uint8 class indices of that size.
        """
        (scores,) = self._scores(model, [image])
        answer: np.ndarray = _enlarged(self._refined(scores, image), size).argmax(dim=0).to(torch.uint8).cpu().numpy()
        return answer

    def _scores(self, model: nn.Module, images: Sequence[Tensor]) -> Iterator[Tensor]:
        """``(K, H, W)`` float32 logits of each image, in the order of the images."""
        ready: dict[int, Tensor] = {}
        for places in _of_equal_size(images):
            stacked = torch.stack([images[place] for place in places])
            for place, scores in zip(places, self._whole(model, stacked), strict=True):
                ready[place] = scores
        return (ready[place] for place in range(len(images)))

    def _whole(self, model: nn.Module, images: Tensor) -> Tensor:
        tile = (self.geometry.height - 2 * self.geometry.margin, self.geometry.width - 2 * self.geometry.margin)
        if self.settings.evaluation == "sliding" and (images.shape[2] > tile[0] or images.shape[3] > tile[1]):
            return sliding(model, images, self.geometry, overlap=self.settings.overlap)
        return full(model, images, self.geometry)

    def _refined(self, scores: Tensor, image: Tensor) -> Tensor:
        if self.settings.crf == "none":
            return scores
        pixels = _stored(image, self.normalisation)
        probabilities = scores.softmax(dim=0).cpu().numpy()
        refined = crf.refined(probabilities, pixels, crf.PRESETS[self.settings.crf])
        return torch.from_numpy(refined).clamp(min=1e-8).log().to(scores)

    def meter(self) -> SegmentationMeter:
        """A new, empty meter."""
        return SegmentationMeter(self.classes, boundary=self.settings.boundary_f1)


def _normalise_tiles(request: Request) -> BatchTransform:
    def transform(batch: Batch, draws: Draws) -> Batch:
        images = recoloured(cast(Tensor, batch.images), request.augmentation.color, draws)
        return replace(batch, images=normalised(images, request.spec.channels, request.normalisation))

    return transform


def _normalise_each(request: Request) -> BatchTransform:
    def transform(batch: Batch, draws: Draws) -> Batch:
        channels, normalisation = request.spec.channels, request.normalisation
        return replace(batch, images=[normalised(image[None], channels, normalisation)[0] for image in batch.images])

    return transform


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A tile with its target as a dictionary, border weights included where they are wanted."""

    tile: SampleTransform
    border_weight: float
    border_sigma: float

    def __call__(self, sample: Sample) -> Sample:
        cut = self.tile(sample)
        target = {"labels": cut.target}
        if self.border_weight:
            weights = losses.border_weights(cut.target.numpy(), w0=self.border_weight, sigma=self.border_sigma)
            target["weights"] = torch.from_numpy(weights)
        return replace(cut, target=target)


def _mean_loss(scores: Tensor, target: Tensor) -> float:
    if (target == IGNORE).all():
        return float("nan")
    return losses.pixel_cross_entropy(scores[None], target[None].long()).item()


def _of_equal_size(images: Sequence[Tensor]) -> Iterator[list[int]]:
    # Images of one size share a pass. None is padded to the size of another: the answer must not depend on the neighbours.
    groups: dict[torch.Size, list[int]] = {}
    for place, image in enumerate(images):
        groups.setdefault(image.shape, []).append(place)
    yield from groups.values()


def full(model: nn.Module, images: Tensor, geometry: Geometry) -> Tensor:
    """Logits of whole images, mirrored at their borders as far as the network needs it.

    Args:
        model: in evaluation mode.
        images: ``(N, C, H, W)`` float32, normalised.
        geometry: what the network takes and gives.

    Returns:
        ``(N, K, H, W)`` float32.
    """
    height, width = images.shape[-2:]
    high, wide = geometry.fit(height, width)
    margin = geometry.margin
    rows, columns = range(-margin, high - margin), range(-margin, wide - margin)
    logits: Tensor = model(window(images, rows, columns))
    return logits[..., :height, :width].float()


def sliding(model: nn.Module, images: Tensor, geometry: Geometry, *, overlap: float) -> Tensor:
    """Logits of whole images as the mean over windows of the training's size.

    Args:
        model: in evaluation mode.
        images: ``(N, C, H, W)`` float32, normalised; smaller sides than a window are mirrored.
        geometry: what the network takes and gives.
        overlap: share of a window that the next one covers too.

    Returns:
        ``(N, K, H, W)`` float32.
    """
    margin = geometry.margin
    high, wide = geometry.height - 2 * margin, geometry.width - 2 * margin
    places = [
        (top, left)
        for top in window_starts(images.shape[2], high, overlap)
        for left in window_starts(images.shape[3], wide, overlap)
    ]
    rows, columns = max(images.shape[2], high), max(images.shape[3], wide)
    total = count = None
    for start in range(0, len(places), WINDOWS):
        chunk = places[start : start + WINDOWS]
        cut = [
            window(images, range(t - margin, t + high + margin), range(x - margin, x + wide + margin)) for t, x in chunk
        ]
        logits = model(torch.cat(cut)).float().unflatten(0, (len(chunk), len(images)))
        if total is None or count is None:
            total = logits.new_zeros(len(images), logits.shape[2], rows, columns)
            count = logits.new_zeros(rows, columns)
        for (top, left), part in zip(chunk, logits, strict=True):
            total[..., top : top + high, left : left + wide] += part
            count[top : top + high, left : left + wide] += 1
    assert total is not None and count is not None  # noqa: S101, PT018 - there is always a window
    mean: Tensor = total / count
    return mean[..., : images.shape[2], : images.shape[3]]


def window_starts(length: int, window_length: int, overlap: float) -> list[int]:
    """Where windows begin so that they cover a length: evenly spread, the last one ends with it."""
    if length <= window_length:
        return [0]
    step = max(1, round(window_length * (1 - overlap)))
    number = -(-(length - window_length) // step) + 1
    return [round(place * (length - window_length) / (number - 1)) for place in range(number)]


def _enlarged(scores: Tensor, size: tuple[int, int]) -> Tensor:
    # Logits are brought to the mask, never the mask to the logits.
    if tuple(scores.shape[-2:]) == size:
        return scores
    larger: Tensor = functional.interpolate(scores[None], size, mode="bilinear", align_corners=False)[0]
    return larger


def _stored(image: Tensor, normalisation: Normalisation) -> np.ndarray:
    """``(C, H, W)`` normalised -> ``(H, W, 3)`` uint8 as it was stored."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) * 255 for values in (normalisation.mean, normalisation.std))
    pixels = (image.cpu() * std + mean).round().clamp(0, 255).to(torch.uint8)
    stored: np.ndarray = pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    return stored


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network says about one image."""

    labels: Tensor
    """``(H, W)`` uint8 class indices, of the mask's size."""
    loss: float
    """Mean cross-entropy of the pixels that count."""


@dataclass(slots=True)
class SegmentationMeter:
    """Keeps the counts of each image; every metric follows from them, for any subset of the images."""

    classes: tuple[str, ...]
    boundary: bool = False
    ids: list[str] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)
    """``(3, K)`` int64 for each image: true positives, pixels of the class, pixels predicted as the class."""
    boundaries: list[np.ndarray] = field(default_factory=list)
    confusion: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    """``(K, K)`` int64 over all images, rows = truth."""

    def __post_init__(self) -> None:
        if not self.confusion.size:
            self.confusion = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)

    def update(self, predictions: list[Answer], targets: list[Tensor], ids: list[str]) -> None:
        """Add a batch.

        Args:
            predictions: N answers.
            targets: N times ``(H, W)`` uint8 as stored, 255 where nothing counts.
            ids: N ids.
        """
        self.ids.extend(ids)
        for answer, target in zip(predictions, targets, strict=True):
            truth, predicted = target.cpu().numpy(), answer.labels.cpu().numpy()
            confusion = metrics.confusion_matrix(truth, predicted, len(self.classes))
            self.confusion += confusion
            self.counts.append(np.stack([np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)]))
            self.losses.append(answer.loss)
            if self.boundary:
                self.boundaries.append(metrics.boundary_counts(truth, predicted, len(self.classes)))

    def merge(self, other: Self) -> None:
        """Add what another process has collected."""
        self.ids.extend(other.ids)
        self.losses.extend(other.losses)
        self.counts.extend(other.counts)
        self.boundaries.extend(other.boundaries)
        self.confusion = self.confusion + other.confusion

    def compute(self) -> Scores:
        """The scores; per-image rows are sorted by id, so that they do not depend on how the work was shared out."""
        order = np.argsort(np.array(self.ids, dtype=np.str_), kind="stable")
        counts = np.stack(self.counts)[order] if self.counts else np.zeros((0, 3, len(self.classes)), dtype=np.int64)
        rows = {
            "id": np.array(self.ids, dtype=np.str_)[order],
            "loss": np.array(self.losses, dtype=np.float32)[order],
            "true_positives": counts[:, 0],
            "support": counts[:, 1],
            "predicted": counts[:, 2],
        }
        if self.boundaries:
            rows["boundary"] = np.stack(self.boundaries)[order]
        return replace(from_rows(rows, self.classes), extra={"confusion": self.confusion})


def from_rows(rows: dict[str, np.ndarray], classes: tuple[str, ...]) -> Scores:
    """All scores from the per-image columns, for all images or for any choice of them.

    Args:
        rows: the columns of ``per_image/*.npz``: counts ``(N, K)``.
        classes: names of the classes; a first one called ``background`` is left out of the values for the foreground.
    """
    counts = [rows[name].sum(axis=0) for name in ("true_positives", "support", "predicted")]
    overall = metrics.overall(*counts, background=classes[0] == BACKGROUND)
    dice_images, per_image = metrics.dice_images(rows["true_positives"], rows["support"], rows["predicted"])
    overall["dice_images"] = dice_images
    per_class = metrics.per_class(*counts)
    if "boundary" in rows:
        overall["boundary_f1"], per_class["boundary_f1"] = metrics.boundary_f1(rows["boundary"].sum(axis=0))
    overall["loss"] = _mean(rows["loss"])
    return Scores(overall, per_class, {**rows, "dice": per_image})


def _mean(values: np.ndarray) -> float:
    counted = values[np.isfinite(values)]
    return float(counted.mean(dtype=np.float64)) if len(counted) else float("nan")
