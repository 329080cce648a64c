"""From settings to the parts of a run: data set, task, network, and the loaders between them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric
from torch import nn

from vyvod import catalog
from vyvod.data.contract import Dataset, Images
from vyvod.data.load import load_dataset, serves
from vyvod.data.loading import Kept, Loader, Plan, Request, Shard, cached, default_workers, fits_cache
from vyvod.data.transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NO_AUGMENTATION,
    Normalisation,
)
from vyvod.errors import RunError, SettingsError
from vyvod.experiment.environment import default_device
from vyvod.experiment.per_task import Setting, Trained, per_task
from vyvod.experiment.record import open_folder
from vyvod.experiment.settings import Settings, read_settings
from vyvod.models import build
from vyvod.models.build import Architecture
from vyvod.models.weights import Loaded, imagenet_normalisation, load_weights, read_source
from vyvod.seeds import seed_everything
from vyvod.tasks.contract import Task
from vyvod.types import SPLITS, InputSpec, Progress, Silence, SplitName

# Here and not in a function: every process that is started imports this file first.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}
"""The settings' words -> Fabric's."""
_THREADS = torch.get_num_threads()
"""What this process computes with unless settings say otherwise."""


@dataclass(slots=True)
class Assembly:
    """The parts of a run."""

    settings: Settings
    dataset: Dataset
    task: Task
    architecture: Architecture
    spec: InputSpec
    normalisation: Normalisation
    network: nn.Module
    loaded: Loaded | None
    """What came from ``model.weights``."""
    adapted: str | None = None
    """How the network was fitted to the train split, where it was."""


def task_name(settings: Settings) -> str:
    """The task, as the architecture has it.

    Raises:
        SettingsError: the settings or the data set say otherwise.
    """
    architecture = catalog.find_architecture(settings.model.name)
    name = settings.task or architecture.tasks[0]
    data = catalog.find_dataset(settings.data.name)
    if name not in architecture.tasks:
        raise SettingsError(f"task={name}, but model={settings.model.name} is for {', '.join(architecture.tasks)}.")
    if not serves(data, name):
        raise SettingsError(
            f"model={settings.model.name} is for {name}, but data={settings.data.name} has targets for {', '.join(data.tasks)}. "
            "`vyvod list data` and `vyvod list models` show which go together."
        )
    return name


def assemble(settings: Settings, *, judging: bool = False) -> Assembly:
    """Load the data set, build the network with the run's seed, and load its weights.

    Args:
        settings: checked.
        judging: nothing is trained: a data set without train images will do, and the head of ``model.weights`` must fit.

    Raises:
        UserError: something does not fit together.
    """
    name = task_name(settings)
    architecture = build.resolve(settings.model)
    dataset = load_dataset(settings.data, name, needed=() if judging else SPLITS)
    spec = build.fit_input(architecture, per_task(name).native_input(dataset, settings))
    normalisation = choose_normalisation(settings, architecture, dataset, spec)
    training = None if judging else dataset.splits["train"]
    setting = Setting(dataset.classes, settings, architecture, spec, normalisation, training)
    task = per_task(name).make_task(setting)
    network = seeded_network(settings, architecture, spec, len(dataset.classes))
    loaded = None
    if settings.model.weights is not None:
        weights = read_source(settings.model.weights, architecture)
        loaded = load_weights(network, weights, head=architecture.head, whole=judging)
    adapted = per_task(name).adapt(network, task, setting)
    if settings.model.freeze:
        fresh = () if loaded is None else loaded.not_loaded
        build.freeze(network, settings.model.freeze, architecture.head, fresh=fresh)
    return Assembly(settings, dataset, task, architecture, spec, normalisation, network, loaded, adapted)


def seeded_network(settings: Settings, architecture: Architecture, spec: InputSpec, classes: int) -> nn.Module:
    """The freshly initialised network of that seed."""
    seed_everything(settings.seed, "network")
    return build.build(architecture, spec, classes)


def choose_normalisation(
    settings: Settings, architecture: Architecture, dataset: Dataset, spec: InputSpec
) -> Normalisation:
    """Mean and standard deviation: as set, or those that the weights were trained with, or the data set's, or ImageNet's."""
    mean, std = settings.data.mean, settings.data.std
    weights = settings.model.weights
    if mean is None or std is None:
        mean, std = dataset.card.mean, dataset.card.std
        if weights is not None and Path(weights).is_dir():
            known = open_folder(Path(weights)).get("input", {})
            mean, std = known.get("mean", mean), known.get("std", std)
        elif weights == "imagenet":
            mean, std = imagenet_normalisation(architecture) or (IMAGENET_MEAN, IMAGENET_STD)
    if mean is None or std is None:
        mean, std = IMAGENET_MEAN, IMAGENET_STD
    if spec.channels == 1:
        mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
    return Normalisation(tuple(mean), tuple(std))


def make_loaders(
    assembly: Assembly, fabric: Fabric, splits: tuple[SplitName, ...], progress: Progress | None = None
) -> dict[SplitName, Loader]:
    """A loader for each of these splits; small sets of files are decoded once and kept in memory."""
    return {name: _loader(assembly, fabric, name, progress or Silence()) for name in splits}


def _loader(assembly: Assembly, fabric: Fabric, name: SplitName, progress: Progress) -> Loader:
    settings, training = assembly.settings, name == "train"
    request = Request(
        assembly.spec, assembly.normalisation, settings.augmentation if training else NO_AUGMENTATION, settings.data,
        training=training,
    )  # fmt: skip
    looked_at = replace(request, training=False, augmentation=NO_AUGMENTATION)
    plan = Plan(
        batch_size=settings.training.batch_size,
        group=settings.training.accumulate,
        seed=settings.seed,
        device=fabric.device,
        preparation=assembly.task.preparation(looked_at),
        workers=default_workers(settings.data, fabric.world_size),
        on_error=settings.data.on_error,
        shard=Shard(fabric.global_rank, fabric.world_size),
        training=training,
        epochs=settings.training.epochs if training else 1,
        memory_format=memory_format(settings, fabric),
    )
    split, skipped = assembly.dataset.splits[name], list[str]()
    if fits_cache(split, assembly.spec, settings.data, plan.preparation):
        split, skipped = cached(split, plan, progress)
    kept = isinstance(split, (Images, Kept))
    loader = Loader(split, replace(plan, preparation=assembly.task.preparation(replace(request, kept=kept))))
    loader.skipped.update(skipped)
    return loader


def memory_format(settings: Settings, fabric: Fabric) -> torch.memory_format:
    """How images and filters lie in memory: as set, or what is faster on this device."""
    wanted = settings.training.channels_last
    faster = fabric.device.type == "cpu" or settings.training.precision != "32"
    return torch.channels_last if wanted or (wanted is None and faster) else torch.contiguous_format


def placed(network: nn.Module, settings: Settings, fabric: Fabric) -> nn.Module:
    """The network on its device. Where its filters lie in memory decides the last bits, so all come by here."""
    layout = memory_format(settings, fabric)
    return network.to(device=fabric.device, memory_format=layout)  # type: ignore[call-overload,no-any-return]


def trained(folder: Path, settings: Settings | None = None) -> Trained:
    """The network of a run with its chosen weights.

    Args:
        folder: of the run.
        settings: to be used in place of the run's own, which differ in how it is evaluated.

    Raises:
        RunError: the run has no weights yet.
    """
    record = open_folder(folder)
    if not (folder / "checkpoints" / "best.safetensors").is_file():
        raise RunError(
            f"{folder} has no checkpoint yet: its first epoch has not ended. Go on with `vyvod train --resume {folder}`."
        )
    settings = settings or read_settings(folder / "settings.yaml")
    architecture = build.resolve(settings.model)
    known, classes = record["input"], tuple(record["data"]["classes"])
    spec = InputSpec(known["channels"], known["height"], known["width"])
    network = seeded_network(settings, architecture, spec, len(classes))
    load_weights(network, read_source(str(folder), architecture), head=architecture.head, whole=True)
    normalisation = Normalisation(tuple(known["mean"]), tuple(known["std"]))
    task = per_task(record["task"]).make_task(Setting(classes, settings, architecture, spec, normalisation))
    return Trained(network.eval(), settings, task, spec, normalisation, record["data"].get("palette"))


def make_fabric(settings: Settings) -> Fabric:
    """Fabric for these settings, not launched.

    Raises:
        SettingsError: the device is not there.
    """
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    training = settings.training
    device = _device(training.device)
    if device == "cuda" and training.devices > torch.cuda.device_count():
        raise SettingsError(
            f"training.devices={training.devices}, but this machine has {torch.cuda.device_count()} GPUs."
        )
    # Always set: a run must not have the threads, and so the rounding, of another one that this process made before.
    torch.set_num_threads(training.threads or _THREADS)
    _set_determinism(deterministic=training.deterministic)
    strategy: str | DDPStrategy = "auto"
    if training.devices * training.nodes > 1:
        started_outside = TorchElasticEnvironment.detect() or SLURMEnvironment.detect()
        strategy = DDPStrategy(start_method="popen" if started_outside else "spawn")
    if training.precision == "fp16" and device != "cuda":
        raise SettingsError("training.precision=fp16 needs a CUDA GPU, and none is in use; use bf16 or 32.")
    return Fabric(
        accelerator=device,
        devices=training.devices,
        num_nodes=training.nodes,
        strategy=strategy,
        precision=PRECISIONS[training.precision],
    )


def _device(wanted: str) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return default_device()
    if not there[wanted]:
        raise SettingsError(
            f"training.device={wanted}, but torch finds no such device here. `vyvod doctor` shows what it finds."
        )
    return wanted


def _set_determinism(*, deterministic: bool) -> None:
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic
