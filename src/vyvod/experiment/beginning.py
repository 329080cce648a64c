"""What is written down when a run begins: settings, versions, and the facts of ``run.json`` about data, network and machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from vyvod.data.audit import audit
from vyvod.data.contract import Split
from vyvod.errors import RunError
from vyvod.experiment import environment, record
from vyvod.experiment.assembly import Assembly
from vyvod.experiment.settings import Settings, as_record
from vyvod.files import write_text, write_yaml
from vyvod.models import build
from vyvod.tracking.csv import read_rows
from vyvod.types import Progress, SplitName


def write_beginning(folder: Path, assembly: Assembly, fabric: Fabric, *, command: str, progress: Progress) -> None:
    """Write ``settings.yaml``, ``requirements.txt`` and ``run.json`` of a run that begins or goes on.

    Raises:
        RunError: the images have changed since the run was started.
    """
    settings = assembly.settings
    before = record.open_folder(folder) if (folder / "run.json").exists() else {}
    data = _data(assembly)
    if before:
        _check_same_data(before, data, folder)
        data |= {key: before["data"].get(key) for key in ("audit", "skipped")}
    elif settings.data.audit:
        data["audit"] = audit(assembly.dataset, near=False, progress=progress).summary()
    write_yaml(folder / "settings.yaml", {**as_record(settings), "task": assembly.task.name})
    write_text(folder / "requirements.txt", environment.requirements())
    record.update(
        folder,
        name=folder.name,
        task=assembly.task.name,
        status="running",
        error=None,
        seed=settings.seed,
        command=before.get("command") or command,
        started=before.get("started") or record.now(),
        ended=None,
        data=data,
        input=_input(assembly),
        model=_model(assembly),
        headline=settings.training.monitor or assembly.task.headline,
        epochs=settings.training.epochs,
        **_machine(settings, fabric),
    )
    _note_event(folder, before, settings)


def _machine(settings: Settings, fabric: Fabric) -> dict[str, Any]:
    used = {"device": fabric.device.type, "devices": fabric.world_size, "precision": settings.training.precision}
    return {
        "hardware": environment.hardware() | used,
        "versions": environment.versions(),
        "git": environment.git_state(Path.cwd()),
    }


def _input(assembly: Assembly) -> dict[str, Any]:
    native, spec = assembly.dataset.native_size, assembly.spec
    return {
        "channels": spec.channels,
        "height": spec.height,
        "width": spec.width,
        "mean": list(assembly.normalisation.mean),
        "std": list(assembly.normalisation.std),
        "resized": native is not None and native != (spec.height, spec.width),
    }


def _model(assembly: Assembly) -> dict[str, Any]:
    return {
        "name": assembly.settings.model.name,
        "title": assembly.architecture.title,
        **build.cost(assembly.network, assembly.spec),
        "head": list(assembly.architecture.head),
        "weights": None if assembly.loaded is None else assembly.loaded.record(),
    }


def _note_event(folder: Path, before: Mapping[str, Any], settings: Settings) -> None:
    epochs, known = settings.training.epochs, before.get("epochs")
    event = "started" if not before else "extended" if known != epochs else "resumed"
    done = len(read_rows(folder / "metrics.csv")) if (folder / "metrics.csv").exists() else 0
    record.add_event(folder, event, epoch=done, epochs=epochs)


def _data(assembly: Assembly) -> dict[str, Any]:
    dataset, card = assembly.dataset, assembly.dataset.card
    return {
        "name": assembly.settings.data.name,
        "title": card.title,
        "homepage": card.homepage,
        "licence": card.licence,
        "citation": card.citation,
        "classes": list(dataset.classes),
        "channels": dataset.channels,
        "native_size": dataset.native_size,
        "splits": {name: _split(assembly, name, split) for name, split in dataset.splits.items()},
        "audit": None,
        "skipped": [],
    }


def _split(assembly: Assembly, name: SplitName, split: Split) -> dict[str, Any]:
    origin, labels = assembly.dataset.origins.get(name), getattr(split, "labels", None)
    return {
        "images": len(split),
        "counts": None if labels is None else torch.bincount(labels, minlength=len(assembly.dataset.classes)).tolist(),
        "fingerprint": split.fingerprint(),
        "origin": None if origin is None else asdict(origin),
    }


def _check_same_data(before: Mapping[str, Any], data: Mapping[str, Any], folder: Path) -> None:
    changed = [
        name
        for name, split in data["splits"].items()
        if before["data"]["splits"][name]["fingerprint"] != split["fingerprint"]
    ]
    if changed:
        raise RunError(
            f"The images of the {' and '.join(changed)} split have changed since {folder} was started, so the run cannot go on. "
            f"Put them back, or start a new run: vyvod train {folder}/settings.yaml"
        )
