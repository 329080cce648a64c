"""From settings to a checked data set: found in the catalog, loaded, its classes chosen, its splits limited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from vyvod import catalog
from vyvod.data.box_choice import chosen_objects
from vyvod.data.carve import Divisible, draw, strata
from vyvod.data.contract import (
    BACKGROUND,
    IGNORE,
    Around,
    BoxSplit,
    Dataset,
    DataSettings,
    Images,
    LabelledSplit,
    MaskSplit,
    Split,
    fingerprint,
)
from vyvod.data.formats.boxes import BoxFiles
from vyvod.errors import DataError, SettingsError
from vyvod.types import SPLITS, Sample, SplitName


def load_dataset(settings: DataSettings, task: str, *, needed: Sequence[SplitName] = SPLITS) -> Dataset:
    """The data set of these settings.

    Args:
        settings: which one, which classes, how many images.
        task: what it is to be used for.
        needed: the splits that must not be empty; training needs all three.

    Returns:
        for reconstruction, the images of any data set, without classes and targets. For the others,
        three disjoint splits with ids that are all different. For classification: at least two classes, labels that fit them,
        and (where train is needed) training images of each class. For segmentation: at least two classes. For detection: boxes
        that make sense, and (where train is needed) objects to train on.

    Raises:
        SettingsError: there is no such data set, or it does not serve the task.
        DataError: files are missing or corrupt, or what they hold makes no sense for the task.
    """
    entry = catalog.find_dataset(settings.name)
    if not serves(entry, task):
        raise SettingsError(
            f"data={settings.name} has targets for {', '.join(entry.tasks)}, not for {task}. "
            "`vyvod list data` shows what each is for."
        )
    module = catalog.load(entry)
    # Without a use for targets: the images of what the data set is made for in the first place.
    home = task if task in entry.tasks else entry.tasks[0]
    wanted = _wanted(module, settings, home)
    dataset = _load(module, settings, home)
    _check_splits(dataset, needed)
    if task in _TARGETS:
        _TARGETS[task](dataset)
    if wanted is not None and tuple(wanted) != tuple(dataset.classes):
        whole, dataset = dataset, choose_classes(dataset, wanted)
        _check_splits(dataset, needed)
        if task == "segmentation":
            _check_choice(wanted, whole.classes)
    if task == "classification":
        _check_classes(dataset, needed)
    if task == "detection" and "train" in needed:
        _check_objects(dataset)
    if settings.limit is not None:
        dataset = limit(dataset, settings.limit, seed=settings.split_seed)
    return _without_targets(dataset) if task == _RECONSTRUCTION else dataset


def serves(entry: catalog.Entry, task: str) -> bool:
    """Whether a data set has what a task needs: targets, or for reconstruction just images."""
    return task in entry.tasks or task == _RECONSTRUCTION


_RECONSTRUCTION = "reconstruction"


def _without_targets(dataset: Dataset) -> Dataset:
    splits = {name: split if isinstance(split, Images) else Untargeted(split) for name, split in dataset.splits.items()}
    return replace(dataset, classes=(), palette=None, splits=splits)


@dataclass(slots=True)
class Untargeted(Around):
    """A split without its targets."""

    def __getitem__(self, index: int) -> Sample:
        """The image at that place; its target is 0."""
        return replace(self.split[index], target=0)


def _wanted(module: ModuleType, settings: DataSettings, task: str) -> list[str] | None:
    """The names of the chosen classes as the data set spells them; None: all of them.

    Raises:
        DataError: a choice is named that the data set does not offer.
    """
    if settings.classes is None:
        return None
    if isinstance(settings.classes, str):
        offered: Mapping[str, Sequence[str]] = getattr(module, "CLASS_SETS", {})
        if settings.classes not in offered:
            known = f" It offers {', '.join(offered)}." if offered else ""
            raise DataError(
                f"data.classes={settings.classes}: data={settings.name} offers no choice of classes of that name.{known} "
                f"For single classes write a list: data.classes=[{settings.classes}, ...]."
            )
        return [name for name in offered[settings.classes] if task != "detection" or name != BACKGROUND]
    every = getattr(module, "aliases", dict)
    aliases: Mapping[str, str] = getattr(module, f"{task}_aliases", every)()
    return [aliases.get(name, name) for name in settings.classes]


def _load(module: ModuleType, settings: DataSettings, task: str) -> Dataset:
    if not callable(getattr(module, "load", None)):
        raise SettingsError(
            f"{module.__file__} has no function `load(settings, task)`; it must return a vyvod.data.contract.Dataset."
        )
    dataset = module.load(settings, task)
    if not isinstance(dataset, Dataset):
        raise DataError(
            f"`load` of {module.__file__} returned {type(dataset).__name__}; expected a vyvod.data.contract.Dataset."
        )
    return dataset


def choose_classes(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Only these classes; class indices follow the order of the names.

    Images of other classes are left out. Pixels of other classes become background, where that is one of the classes, and
    do not count where it is not. Objects of other classes are left out, their images stay.

    Raises:
        DataError: a class is unknown or named twice.
    """
    unknown = [name for name in names if name not in dataset.classes]
    if unknown:
        raise DataError(
            f"data.classes names '{unknown[0]}', which is none of the {len(dataset.classes)} classes."
            f"{catalog.nearest(unknown[0], dataset.classes)} They are: {_shortened(dataset.classes)}."
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise DataError(
            f"data.classes names '{twice}' twice; name each class once (an id and a name may mean the same)."
        )
    chosen = [dataset.classes.index(name) for name in names]
    number = torch.full((len(dataset.classes),), -1, dtype=torch.int64)
    number[chosen] = torch.arange(len(names))
    splits = {name: _with_classes(split, number, names) for name, split in dataset.splits.items()}
    palette = dataset.palette and [dataset.palette[place] for place in chosen]
    return replace(dataset, classes=tuple(names), splits=splits, palette=palette)


def _with_classes(split: Split, number: Tensor, names: Sequence[str]) -> Split:
    if isinstance(split, MaskSplit):
        other = names.index(BACKGROUND) if BACKGROUND in names else IGNORE
        table = np.full(256, IGNORE, dtype=np.uint8)
        table[: len(number)] = np.where(number.numpy() < 0, other, number.numpy())
        return Relabelled(split, table)
    if isinstance(split, BoxSplit):
        return chosen_objects(split, number)
    return _relabelled(cast(LabelledSplit, split), number)


@dataclass(slots=True)
class Relabelled:
    """A split for segmentation with other class indices."""

    split: MaskSplit
    table: np.ndarray
    """``(256,)`` uint8: old class index -> new one, or 255."""

    @property
    def ids(self) -> Sequence[str]:
        """Those of the split."""
        return self.split.ids

    def __len__(self) -> int:
        """Number of images."""
        return len(self.split)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place."""
        sample = self.split[index]
        return replace(sample, target=torch.from_numpy(self.table[sample.target.numpy()]))

    def mask(self, index: int) -> np.ndarray:
        """The mask at that place without its image."""
        mask: np.ndarray = self.table[self.split.mask(index)]
        return mask

    def fingerprint(self) -> str:
        """Hash of the split and of the choice of classes."""
        return fingerprint(self.split.fingerprint().encode(), self.table.tobytes())

    def subset(self, indices: Sequence[int] | np.ndarray) -> Relabelled:
        """The images at these places, in this order."""
        return Relabelled(cast(MaskSplit, select(self.split, np.asarray(indices))), self.table)


def _relabelled(split: LabelledSplit, number: Tensor) -> Split:
    labels = number[split.labels]
    places = np.flatnonzero(labels.numpy() >= 0)
    chosen = cast(LabelledSplit, select(split, places))
    chosen.labels = labels[places]
    return chosen


def limit(dataset: Dataset, count: int, *, seed: int) -> Dataset:
    """At most so many images of each split, every class with its share (where there are classes)."""
    return replace(dataset, splits={name: _limited(split, count, seed, name) for name, split in dataset.splits.items()})


def _limited(split: Split, count: int, seed: int, name: str) -> Split:
    if len(split) <= count:
        return split
    return select(split, draw(strata(split), count, seed=seed, purpose=f"limit {name}"))


@dataclass(slots=True)
class Selection:
    """Some images of a split that comes from a user's own file."""

    split: Split
    places: np.ndarray
    ids: Sequence[str]
    labels: Tensor
    """``(N,)`` int64 class indices."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place."""
        sample = self.split[int(self.places[index])]
        return replace(sample, target=int(self.labels[index])) if len(self.labels) else sample

    def fingerprint(self) -> str:
        """Hash of the whole split and of what was chosen from it."""
        return fingerprint(self.split.fingerprint().encode(), self.places.tobytes(), self.labels.numpy().tobytes())


@dataclass(slots=True)
class MaskSelection:
    """Some images of a split for segmentation that comes from a user's own file."""

    split: MaskSplit
    places: np.ndarray
    ids: Sequence[str]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place."""
        return self.split[int(self.places[index])]

    def mask(self, index: int) -> np.ndarray:
        """The mask at that place without its image."""
        return self.split.mask(int(self.places[index]))

    def fingerprint(self) -> str:
        """Hash of the whole split and of what was chosen from it."""
        return fingerprint(self.split.fingerprint().encode(), self.places.tobytes())


def select(split: Split, places: np.ndarray) -> Split:
    """The images at these places as a split."""
    if isinstance(split, Divisible):
        return split.subset(places)
    ids = [split.ids[place] for place in places]
    if isinstance(split, MaskSplit):
        return MaskSelection(split, places, ids)
    if isinstance(split, BoxSplit):
        return chosen_objects(split, None, places)
    labels = split.labels[places] if isinstance(split, LabelledSplit) else torch.empty(0, dtype=torch.int64)
    return Selection(split, places, ids, labels)


def _check_splits(dataset: Dataset, needed: Iterable[SplitName]) -> None:
    missing = [name for name in SPLITS if name not in dataset.splits]
    if missing:
        raise DataError(f"The data set has no split '{missing[0]}'; expected all of {', '.join(SPLITS)}.")
    for name in needed:
        if len(dataset.splits[name]) == 0:
            raise DataError(f"The {name} split has no images. {_cure(dataset, name)}")
    ids = [identity for split in dataset.splits.values() for identity in split.ids]
    if len(set(ids)) < len(ids):
        twice = next(identity for identity, number in Counter(ids).items() if number > 1)
        raise DataError(f"The id '{twice}' occurs twice; every image must have an id of its own.")


def _cure(dataset: Dataset, name: SplitName) -> str:
    total = sum(map(len, dataset.splits.values()))
    origin = dataset.origins.get(name)
    if not total:
        return "Neither have the others; check data.root."
    if origin is not None and origin.carved:
        return f"It is carved from '{origin.source}', which is too small for that: raise data.{name}_fraction or add images."
    return (
        "The source has none: it can be evaluated, not trained on."
        if origin is None
        else "Check its folder and data.classes."
    )


def _check_labels(dataset: Dataset) -> None:
    for name, split in dataset.splits.items():
        if not isinstance(split, LabelledSplit):
            raise DataError(
                f"The {name} split has no labels; classification needs `labels`, a class index for each image."
            )
        labels = split.labels
        if len(labels) != len(split):
            raise DataError(f"The {name} split has {len(split)} images and {len(labels)} labels.")
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(dataset.classes):
            wrong = int(labels.max() if labels.max() >= len(dataset.classes) else labels.min())
            raise DataError(
                f"The {name} split has the label {wrong}; with {len(dataset.classes)} classes labels are 0 to "
                f"{len(dataset.classes) - 1}."
            )


def _check_masks(dataset: Dataset) -> None:
    for name, split in dataset.splits.items():
        if not isinstance(split, MaskSplit):
            raise DataError(
                f"The {name} split has no masks; segmentation needs `mask(index)`, and masks as the targets of its samples."
            )
    if not 2 <= len(dataset.classes) <= IGNORE:
        raise DataError(
            f"There are {len(dataset.classes)} classes; segmentation needs 2 to {IGNORE} (background is one of them)."
        )


def _check_choice(names: Sequence[str], offered: Sequence[str]) -> None:
    # Pixels of other classes become background or do not count: with a single class every network would be perfect.
    if len(names) < 2:
        known = BACKGROUND in offered and BACKGROUND not in names
        cure = f"background too: data.classes=[{', '.join([BACKGROUND, *names])}]" if known else "another class too"
        raise DataError(
            f"data.classes=[{', '.join(names)}]: segmentation tells at least two classes apart. Name {cure}."
        )


def _check_boxes(dataset: Dataset) -> None:
    if not dataset.classes:
        raise DataError("There is no class; detection needs one at least. Check data.root and its list of classes.")
    for name, split in dataset.splits.items():
        if not isinstance(split, BoxSplit):
            raise DataError(
                f"The {name} split has no boxes; detection needs `objects(index)`, and the same as the targets of its samples."
            )
        # Those that we read ourselves are checked already.
        for place, identity in enumerate(() if isinstance(split, BoxFiles) else split.ids):
            problem = _problem(split.objects(place), len(dataset.classes))
            if problem:
                raise DataError(f"The {name} split, image {identity}: {problem}.")


def _problem(target: dict[str, Any], classes: int) -> str:
    """What is wrong with the objects of an image; nothing where all is well."""
    labels, boxes, size = (np.asarray(target[key]) for key in ("labels", "boxes", "size"))
    if boxes.shape != (len(labels), 4):
        return f"`boxes` has the shape {boxes.shape} with {len(labels)} labels; expected {(len(labels), 4)}"
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        wrong = labels.max() if labels.max() >= classes else labels.min()
        return f"an object has the label {wrong}; with {classes} classes labels are 0 to {classes - 1}"
    inside = (boxes >= 0).all() and (boxes[:, [3, 2]] <= size).all()
    if not inside or (boxes[:, 2:] <= boxes[:, :2]).any():
        return f"a box is empty, no number or beyond the image of {size[1]} x {size[0]} pixels; drop or clip it"
    return ""


def _check_objects(dataset: Dataset) -> None:
    train = cast(BoxSplit, dataset.splits["train"])
    if all(bool(train.objects(place)["crowd"].all()) for place in range(len(train))):
        raise DataError(
            f"There is no object to train on in the {len(train)} images of the train split (classes: "
            f"{_shortened(dataset.classes)}). Check the annotations and data.classes; objects that do not count are none."
        )


_TARGETS: Mapping[str, Callable[[Dataset], None]] = {
    "classification": _check_labels,
    "segmentation": _check_masks,
    "detection": _check_boxes,
}
"""Task -> what checks that a data set has targets for it."""


def _check_classes(dataset: Dataset, needed: Iterable[SplitName]) -> None:
    if len(dataset.classes) < 2:
        raise DataError(
            f"There is only one class, '{''.join(dataset.classes)}'; a classifier needs at least two. Check data.root (it is the "
            "folder above the class folders) and data.classes."
        )
    if "train" not in needed:
        return
    labels = cast(LabelledSplit, dataset.splits["train"]).labels
    counts = torch.bincount(labels, minlength=len(dataset.classes))
    absent = [name for name, number in zip(dataset.classes, counts.tolist(), strict=True) if not number]
    if absent:
        raise DataError(
            f"There are no training images of {_shortened(absent)}. Add some, or name the classes to be used: data.classes=[...]."
        )


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:10])
    return shown if len(names) <= 10 else f"{shown}, ... ({len(names)} in all)"
