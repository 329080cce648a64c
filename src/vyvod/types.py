"""What the stages hand each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

TaskName = Literal["classification", "segmentation", "detection", "reconstruction"]
SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


Side = Annotated[int, Field(ge=8)]
"""Pixels."""


class Record(BaseModel):
    """A part of the settings: unknown keys are errors, values do not change, field docstrings are the help text."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=())


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a network takes in."""

    channels: int
    """1 (grey) or 3 (RGB)."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""


@dataclass(slots=True)
class Sample:
    """One image with its target, as a data set hands it out."""

    image: Tensor
    """``(C, H, W)`` uint8 ``torchvision.tv_tensors.Image``, C = 1 or 3, RGB."""
    target: Any
    """Classification: ``int`` class index. Segmentation: ``(H, W)`` uint8 ``tv_tensors.Mask``, class indices, 255 = ignore.
    Detection: a dictionary of the objects, see ``BoxSplit`` in ``data/contract.py``."""
    id: str
    """Stable: the same in every run and on every machine."""


@dataclass(slots=True)
class Batch:
    """Several samples, ready for a network."""

    images: Tensor | list[Tensor]
    """``(N, C, H, W)``, uint8 as loaded, float32 and normalised once prepared; N times ``(C, H, W)`` where sizes differ."""
    targets: Any
    """Classification: ``(N,)`` int64 class indices, or ``(N, K)`` float32 class shares after mixup and cutmix.
    Segmentation and detection: see ``tasks/segmentation.py`` and ``tasks/detection.py``."""
    ids: Sequence[str]
    """N ids of samples."""
    skipped: Sequence[str] = ()
    """Images that could not be read and were left out (``data.on_error=skip``)."""


@dataclass(slots=True)
class Scores:
    """What a meter has measured on one split."""

    overall: dict[str, float]
    """Metric name -> value; NaN where it is undefined."""
    per_class: dict[str, np.ndarray]
    """Metric name -> ``(K,)`` float64 values in class order; NaN for a class that is absent."""
    per_image: dict[str, np.ndarray]
    """Column -> ``(N, ...)`` array: the ids, and statistics from which every metric can be recomputed for any subset."""
    extra: dict[str, np.ndarray] = field(default_factory=dict)
    """For figures, e.g. ``confusion``: ``(K, K)`` int64, rows = truth, columns = prediction."""
    documents: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """Name -> makes a JSON record for other programs, such as COCO's results; large, so only on demand."""


class Progress(Protocol):
    """How long work tells a person where it stands. Nothing below the command line prints by itself."""

    def begin(self, label: str, total: int) -> None:
        """Start a bar of ``total`` images."""

    def advance(self, images: int, *, note: str = "") -> None:
        """Move the bar on by some images."""

    def end(self) -> None:
        """Take the bar away."""

    def say(self, text: str) -> None:
        """Show one line that stays."""


class Silence:
    """The progress that says nothing: for tests, notebooks and the processes that are not the first."""

    def begin(self, label: str, total: int) -> None:
        """Say nothing."""

    def advance(self, images: int, *, note: str = "") -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


LossParts = Mapping[str, "Tensor"]
"""Name of a part of the loss -> scalar; what is minimised is their sum."""
