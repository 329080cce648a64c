"""What differs from task to task in an experiment: a file for each task, found by its name (``experiment/<task>.py``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from PIL import Image
from torch import Tensor, nn

from vyvod.data.contract import Dataset, Palette, Split
from vyvod.data.transforms import Normalisation
from vyvod.errors import SettingsError
from vyvod.experiment.settings import Settings
from vyvod.models.build import Architecture
from vyvod.tasks.contract import Task
from vyvod.types import InputSpec, Scores, SplitName


@dataclass(frozen=True, slots=True)
class Setting:
    """What a task is made for."""

    classes: tuple[str, ...]
    settings: Settings
    architecture: Architecture
    spec: InputSpec
    normalisation: Normalisation
    training: Split | None = None
    """The train split, where something is to be learnt from its targets."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A network that can be asked, without its data set."""

    network: nn.Module
    """In evaluation mode."""
    settings: Settings
    task: Task
    spec: InputSpec
    normalisation: Normalisation
    palette: Palette | None = None
    """Colours of the classes, where the data set has its own."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.task.classes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network says about an image of a person."""

    row: Mapping[str, Any]
    """For the CSV file."""
    sentence: str
    """For the terminal."""
    pictures: Mapping[str, Image.Image]
    """Folder below the predictions -> the picture that is written there."""
    details: Sequence[Mapping[str, Any]] = ()
    """An entry for each object in the image, for a table of their own."""
    documents: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Name of a JSON file -> records of this image in it, besides ``image_id``."""


class PerTask(Protocol):
    """What ``experiment/<task>.py`` holds."""

    SHOWN: Sequence[str]
    """Metrics of the line after each epoch, besides the monitored one."""

    def native_input(self, dataset: Dataset, settings: Settings) -> InputSpec | None:
        """The images as a network would get them if it took any size; None for photos of various sizes."""

    def input_facts(self, settings: Settings) -> Mapping[str, Any]:
        """What the report should know besides about the way of images into the network; for ``input`` of ``run.json``."""

    def make_task(self, setting: Setting) -> Task:
        """The task for a list of classes."""

    def adapt(self, network: nn.Module, task: Any, setting: Setting) -> str | None:
        """Fit a new network to the train split, where there is something to fit; what was done, for a person."""

    def settle(
        self, scores: Mapping[SplitName, Scores], task: Any, confidence: float | None = None
    ) -> Mapping[SplitName, Scores]:
        """The final scores, where those of one split depend on what was chosen on another."""

    def write_examples(
        self, folder: Path, split: Split, trained: Trained, scores: Scores, *, count: int
    ) -> Sequence[Mapping[str, Any]]:
        """Choose examples of a split, write their pictures to ``folder/examples``; the records of ``examples.json``."""

    def answer(self, trained: Trained, image: Tensor) -> Answer:
        """The network's answer to a ``(3, H, W)`` uint8 image of any size."""

    def export(self, trained: Trained, path: Path) -> Sequence[str]:
        """Write the network as an ONNX file and check it; sentences for a person."""


def per_task(name: str) -> PerTask:
    """The file of a task.

    Raises:
        SettingsError: there is none yet.
    """
    module = f"{__package__}.{name}"
    if find_spec(module) is None:
        raise SettingsError(
            f"The task {name} cannot be trained yet; expected classification, segmentation, detection or reconstruction."
        )
    return cast(PerTask, import_module(module))
