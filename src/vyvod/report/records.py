"""What a run folder holds, as the report reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]
SPLITS = ("train", "val", "test")
Status = Literal["running", "finished", "interrupted", "failed"]
Role = Literal["random", "worst", "best", "gallery"]
ROLES: tuple[Role, ...] = ("random", "worst", "best", "gallery")
"""Why an image is among the examples, in the order in which they are shown."""
Counts = Annotated[tuple[int, ...], BeforeValidator(lambda given: given or ())]
"""Numbers of each class; null where a task has none."""


class Stored(BaseModel):
    """A part of a stored record. Keys that this version does not know are left alone: newer runs stay readable."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class OriginRecord(Stored):
    """Where a split comes from."""

    source: str
    carved: bool = False
    share: float = 1.0
    seed: int | None = None


class PixelsRecord(Stored):
    """The pixels of each class in the masks of a split."""

    masks: int
    """Masks that were counted; the split may have more images."""
    counts: Counts = ()
    images: Counts = ()
    """In how many of the counted masks each class occurs."""
    ignored: int = 0
    """Pixels that do not count."""


class ObjectsRecord(Stored):
    """The objects of each class in a split with boxes."""

    counts: Counts = ()
    """Those that count."""
    images: Counts = ()
    """In how many images each class occurs."""
    crowd: int = 0
    """Objects that do not count."""
    empty: int = 0
    """Images without objects."""
    boxes: tuple[tuple[float, float], ...] = ()
    """Width and height, in pixels, of boxes spread evenly over the split."""


class SplitRecord(Stored):
    """A split: its size, its classes, its hash."""

    images: int
    counts: Counts = ()
    pixels: PixelsRecord | None = None
    objects: ObjectsRecord | None = None
    fingerprint: str | None = None
    origin: OriginRecord | None = None


class DuplicatesRecord(Stored):
    """Duplicates inside a split (the same name twice), or across two."""

    splits: tuple[str, str]
    exact: int = 0
    near: int = 0
    label_conflicts: int = 0


class AuditRecord(Stored):
    """What the audit of the images found."""

    near_checked: bool = False
    unreadable: tuple[Any, ...] = ()
    modes: Mapping[str, int] = {}
    exif_rotated: int = 0
    odd_formats: tuple[Any, ...] = ()
    duplicates: tuple[DuplicatesRecord, ...] = ()


class DataRecord(Stored):
    """The data set of a run."""

    name: str
    title: str | None = None
    homepage: str | None = None
    licence: str | None = None
    citation: str | None = None
    classes: tuple[str, ...]
    channels: int | None = None
    native_size: tuple[int, int] | None = None
    palette: tuple[tuple[int, int, int], ...] | None = None
    notes: tuple[str, ...] = ()
    splits: Mapping[str, SplitRecord] = {}
    audit: AuditRecord | None = None
    skipped: tuple[str, ...] = ()


class InputRecord(Stored):
    """What the network sees."""

    channels: int
    height: int
    width: int
    resized: bool = False
    image_size: int | tuple[int, int] | None = None
    """What whole images are brought to beforehand: the shorter side, or height and width; None: nothing."""
    evaluation: str | None = None
    """Of whole images: full or sliding."""
    resize: str | None = None
    """Of a detector: letterbox, stretch, or none where the network resizes images itself."""
    confidence: float | None = None
    """Of a detector: detections below it do not count for precision, recall and F1."""
    backbone: str | None = None
    """Of an autoencoder: the architecture whose body is its encoder."""
    noise: float | None = None
    """Of an autoencoder: standard deviation of what is added to its images, of values in 0..1."""
    masked: float | None = None
    """Of an autoencoder: share of the patches that it does not see."""
    patch: int | None = None
    """Side of a patch, pixels."""


class WeightsRecord(Stored):
    """The weights that the run started from."""

    source: str
    loaded: int = 0
    not_loaded: tuple[str, ...] = ()


class ModelRecord(Stored):
    """The network of a run."""

    name: str
    title: str | None = None
    parameters: int | None = None
    trainable: int | None = None
    macs: int | None = None
    weights: WeightsRecord | None = None


class TimingsRecord(Stored):
    """What the run cost."""

    training_seconds: float | None = None
    evaluation_seconds: float | None = None
    seconds_per_epoch: float | None = None
    images_per_second: float | None = None
    peak_memory_bytes: int | None = None


class HardwareRecord(Stored):
    """What the run was computed on."""

    device: str | None = None
    name: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    devices: int = 1
    precision: str | None = None


class GitRecord(Stored):
    """The state of the code."""

    commit: str
    dirty: bool = False


class EventRecord(Stored):
    """Something that happened to the run."""

    event: str
    time: str | None = None
    epoch: int | None = None


class RunRecord(Stored):
    """``run.json``."""

    format: Literal[1]
    name: str
    task: str
    status: Status
    error: str | None = None
    seed: int | None = None
    command: str | None = None
    started: str | None = None
    ended: str | None = None
    data: DataRecord
    input: InputRecord | None = None
    model: ModelRecord
    headline: str
    best_epoch: int | None = None
    epochs: int = 0
    timings: TimingsRecord = TimingsRecord()
    hardware: HardwareRecord = HardwareRecord()
    versions: Mapping[str, str | None] = {}
    git: GitRecord | None = None
    history: tuple[EventRecord, ...] = ()


class SplitScores(Stored):
    """The values of one split; None where a metric is undefined."""

    overall: Mapping[str, float | None] = {}
    per_class: Mapping[str, tuple[float | None, ...]] = {}


class ExampleRecord(Stored):
    """An image of the gallery; each task adds what its network says about it."""

    file: str
    id: str
    role: Role = "gallery"

    @property
    def files(self) -> tuple[str, ...]:
        """All pictures that belong to it, relative to the run folder."""
        return (self.file,)


@dataclass(frozen=True, slots=True)
class Run:
    """Everything of a run folder that a report rests on."""

    folder: Path
    record: RunRecord
    curves: Mapping[str, Floats]
    """Column of ``metrics.csv`` -> ``(E,)`` values, one for each epoch; NaN where it is empty. No column without an epoch."""
    scores: Mapping[str, SplitScores]
    per_image: Mapping[str, Arrays]
    """Split -> columns with a row for each image."""
    totals: Mapping[str, Arrays]
    """Split -> sums over its images."""
    examples: tuple[ExampleRecord, ...]
    """Those whose pictures are there, of the kind that the task has."""
    lost_examples: int
    settings: str
    """``settings.yaml`` as it stands, empty where there is none."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, K of them."""
        return self.record.data.classes

    @property
    def final_split(self) -> str | None:
        """The split that the report speaks about: test, before it was evaluated val, None without any scores."""
        return next((split for split in ("test", "val") if split in self.scores), None)

    @property
    def data_title(self) -> str:
        """The data set as people call it."""
        return self.record.data.title or self.record.data.name

    def images(self, split: str) -> int:
        """Number of images of a split."""
        record = self.record.data.splits.get(split)
        return record.images if record else len(self.per_image.get(split, {}).get("id", ()))
