"""What is written down when a run begins: settings, versions, and the facts of ``run.json`` about data, network and machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from vyvod.data.audit import audit
from vyvod.data.contract import BoxSplit, LabelledSplit, MaskSplit, Split
from vyvod.data.objects import count_objects
from vyvod.data.pixels import count_pixels
from vyvod.errors import RunError
from vyvod.experiment import environment, record
from vyvod.experiment.assembly import Assembly
from vyvod.experiment.identity import code_fingerprint, settings_hash
from vyvod.experiment.per_task import per_task
from vyvod.experiment.settings import Settings, as_record
from vyvod.files import write_text, write_yaml
from vyvod.models import build
from vyvod.tracking.csv import read_rows
from vyvod.types import Progress, SplitName


def write_beginning(folder: Path, assembly: Assembly, fabric: Fabric, *, command: str, progress: Progress) -> None:
    """Write ``settings.yaml``, ``requirements.txt`` and ``run.json`` of a run that begins or goes on."""
    settings = assembly.settings
    before = before_this(folder)
    data = _data(assembly, progress)
    if before:
        data |= {key: before["data"].get(key) for key in ("audit", "skipped")}
    elif settings.data.audit:
        data["audit"] = audit(assembly.dataset, near=False, progress=progress).summary()
    _warn_of_absent_classes(data, progress)
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
        settings_hash=settings_hash(settings),
        code=_code(before, settings),
        **_machine(settings, fabric),
    )
    _note_event(folder, before, settings)


def before_this(folder: Path) -> dict[str, Any]:
    """``run.json`` of a run that goes on; empty for one that begins, also where it was stopped before it had written anything."""
    known = record.open_folder(folder) if (folder / "run.json").exists() else {}
    return known if "data" in known else {}


def _machine(settings: Settings, fabric: Fabric) -> dict[str, Any]:
    used = {"device": fabric.device.type, "devices": fabric.world_size, "precision": settings.training.precision}
    return {
        "hardware": environment.hardware() | used,
        "versions": environment.versions(),
        "git": environment.git_state(Path.cwd()),
    }


def _code(before: Mapping[str, Any], settings: Settings) -> str:
    """Fingerprint of the sources; of a run that goes on with others, all of them: it equals no run of one."""
    now, known = code_fingerprint(settings), str(before.get("code") or "")
    return now if not known or known.endswith(now) else f"{known}+{now}"


def _input(assembly: Assembly) -> dict[str, Any]:
    native, spec = assembly.dataset.native_size, assembly.spec
    return {
        "channels": spec.channels,
        "height": spec.height,
        "width": spec.width,
        "mean": list(assembly.normalisation.mean),
        "std": list(assembly.normalisation.std),
        "resized": native is not None and native != (spec.height, spec.width),
        **per_task(assembly.task.name).input_facts(assembly.settings),
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


def _data(assembly: Assembly, progress: Progress) -> dict[str, Any]:
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
        "palette": None if dataset.palette is None else [list(colour) for colour in dataset.palette],
        "notes": list(dataset.notes),
        "splits": {name: _split(assembly, name, split, progress=progress) for name, split in dataset.splits.items()},
        "audit": None,
        "skipped": [],
    }


def _split(assembly: Assembly, name: SplitName, split: Split, *, progress: Progress) -> dict[str, Any]:
    origin, classes = assembly.dataset.origins.get(name), len(assembly.dataset.classes)
    counts = torch.bincount(split.labels, minlength=classes).tolist() if isinstance(split, LabelledSplit) else []
    masks = count_pixels(split, classes, progress=progress) if isinstance(split, MaskSplit) and len(split) else None
    objects = count_objects(split, classes) if isinstance(split, BoxSplit) else None
    return {
        "images": len(split),
        "counts": counts,
        "pixels": masks and masks.record(),
        "objects": objects and objects.record(),
        "fingerprint": split.fingerprint(),
        "origin": None if origin is None else asdict(origin),
    }


def _warn_of_absent_classes(data: Mapping[str, Any], progress: Progress) -> None:
    train = data["splits"]["train"]
    counted = train["pixels"] or train["objects"]
    absent = (
        [name for name, number in zip(data["classes"], counted["counts"], strict=True) if not number] if counted else []
    )
    if absent:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        where = (
            f"the {train['pixels']['masks']} train masks that were counted" if train["pixels"] else "the train images"
        )
        progress.say(f"Never in {where}, so it cannot be learnt: {shown}.")


def check_unchanged(folder: Path, assembly: Assembly) -> None:
    """Make sure that a run goes on with the images that it was started with.

    Raises:
        RunError: the images of a split have changed.
    """
    known = before_this(folder)
    if not known:
        return
    before = known["data"]["splits"]
    splits = assembly.dataset.splits
    changed = [name for name, split in splits.items() if before[name]["fingerprint"] != split.fingerprint()]
    if changed:
        raise RunError(
            f"The images of the {' and '.join(changed)} split have changed since {folder} was started, so the run cannot go on. "
            f"Put them back, or start a new run: vyvod train {folder}/settings.yaml"
        )
