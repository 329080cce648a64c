"""Evaluating a run again: on another split, or on other images with the same classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vyvod.data.contract import Dataset
from vyvod.data.load import load_dataset
from vyvod.errors import DataError, UserError
from vyvod.evaluation.evaluate import evaluate
from vyvod.experiment import record
from vyvod.experiment.assembly import Assembly, make_fabric, make_loaders, placed, trained
from vyvod.experiment.per_task import Trained, per_task
from vyvod.experiment.results import write_scores
from vyvod.experiment.settings import changed
from vyvod.files import read_json, write_yaml
from vyvod.models.build import resolve
from vyvod.types import SPLITS, Progress, Silence, SplitName


def reevaluate(folder: Path, *, split: str, changes: Sequence[str] = (), progress: Progress | None = None) -> Path:
    """Evaluate the checkpoint that val chose.

    Args:
        folder: a run folder.
        split: train, val or test; train without augmentation.
        changes: of the data settings, ``data.root=...`` or ``data=...`` (the classes must be those of the run), or of the
            evaluation, such as ``segmentation.crf=large-fov``.
        progress: how to show where it stands.

    Returns:
        the folder ``RUN/evaluations/<data>-<split>`` with ``scores.json`` and ``per_image/<split>.npz``.

    Raises:
        UserError: there is no such split, or the classes differ.
    """
    name = _split(split)
    settings = changed(folder / "settings.yaml", changes, only=("data", "segmentation", "detection", "reconstruction"))
    known = trained(folder, settings)
    dataset = load_dataset(settings.data, known.task.name, needed=(name,))
    _check_classes(known, dataset)
    # A training loader drops the last images and varies the others; under another name the split is only looked at.
    looked_at: SplitName = "val" if name == "train" else name
    dataset = replace(dataset, splits={**dataset.splits, looked_at: dataset.splits[name]})
    assembly = Assembly(
        settings, dataset, known.task, resolve(settings.model), known.spec, known.normalisation, known.network, None
    )  # fmt: skip
    fabric = make_fabric(
        settings.model_copy(update={"training": settings.training.model_copy(update={"devices": 1, "nodes": 1})})
    )
    loader = make_loaders(assembly, fabric, (looked_at,), progress)[looked_at]
    network = placed(known.network, settings, fabric)
    scores = evaluate(fabric, network, known.task, loader, label=f"evaluating {name}", progress=progress or Silence())
    target = folder / "evaluations" / f"{Path(settings.data.name).stem}-{name}"
    write_scores(target, per_task(known.task.name).settle({name: scores}, known.task, _chosen_confidence(folder)))
    write_yaml(target / "data.yaml", settings.data.model_dump(mode="json") | {"evaluated": record.now()})
    return target


def _chosen_confidence(folder: Path) -> float | None:
    """The confidence that was best on val when the run ended, in detection."""
    scores = read_json(folder / "scores.json") if (folder / "scores.json").is_file() else {}
    chosen: float | None = scores.get("val", {}).get("overall", {}).get("best_f1_confidence")
    return chosen


def _split(name: str) -> SplitName:
    for split in SPLITS:
        if name == split:
            return split
    raise UserError(f"split={name}: expected train, val or test.")


def _check_classes(known: Trained, dataset: Dataset) -> None:
    if dataset.classes == known.classes:
        return
    if len(dataset.classes) != len(known.classes):
        raise DataError(
            f"The run knows {len(known.classes)} classes, and the data set has {len(dataset.classes)}. Choose its classes: "
            f"data.classes=[{', '.join(known.classes[:3])}, ...]"
        )
    pairs = zip(known.classes, dataset.classes, strict=True)
    mine, theirs = next((mine, theirs) for mine, theirs in pairs if mine != theirs)
    raise DataError(
        f"The classes of the data set are not those of the run: '{theirs}' stands where the run has '{mine}'."
    )
