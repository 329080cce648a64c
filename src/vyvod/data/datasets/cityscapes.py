"""Cityscapes: 5000 street scenes of 1024 x 2048 pixels with fine masks of 19 classes.

Home: https://www.cityscapes-dataset.com, after registration; for non-commercial use. 12 GB.

Layout: ``data.root`` holds ``leftImg8bit/{train,val}/<city>/*_leftImg8bit.png`` and
``gtFine/{train,val}/<city>/*_gtFine_labelIds.png`` (or ``*_gtFine_labelTrainIds.png`` where those are absent). Of the 34 label
ids 19 are evaluated; the others become 255, which does not count, as in the official ``labels.py``.

Splits: the masks of the 1525 test images are not public (those that are delivered are dummies), so the published val (500
images, 3 cities) is ``test`` here, as everywhere in the field. ``val``, which chooses the checkpoint, is carved from train (2975
images, 18 cities): whole cities, because the frames of a city are taken on one drive and resemble each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vyvod.data.carve import complete
from vyvod.data.contract import IGNORE, Card, Dataset, DataSettings, Origin
from vyvod.data.formats.folders import common_size
from vyvod.data.formats.layouts import Layout, check_present, find_layout, listed
from vyvod.data.formats.masks import MaskFiles, NumberMasks, identity_table
from vyvod.errors import DataError
from vyvod.seeds import generator
from vyvod.types import SplitName

TASKS = ("segmentation",)
HOME = "https://www.cityscapes-dataset.com"
CARD = Card(
    title="Cityscapes",
    homepage=HOME,
    licence="for non-commercial use, after registration",
    citation="Marius Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016, "
    "https://arxiv.org/abs/1604.01685",
    mean=(0.2869, 0.3251, 0.2839),
    std=(0.1870, 0.1902, 0.1872),
)
LABELS = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
"""Class in the order of the train ids -> label id and colour, from the official ``labels.py``."""
CLASSES = tuple(LABELS)
LAYOUT = Layout(
    "cityscapes", ("", "cityscapes"), ("leftImg8bit", "gtFine"),
    "leftImg8bit/{train,val}/<city>/*_leftImg8bit.png and gtFine/{train,val}/<city>/*_gtFine_labelIds.png", HOME,
)  # fmt: skip
_IMAGE = "_leftImg8bit.png"
_KINDS = {"_gtFine_labelIds.png": "label ids 0 to 33", "_gtFine_labelTrainIds.png": "train ids 0 to 18 and 255"}


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: it is not there, or images have no masks.
    """
    root = find_layout(LAYOUT, settings)
    ending = _ending(root)
    names: dict[SplitName, str] = {"train": "train", "test": "val"}
    known = {
        split: _read(root, name, ending) for split, name in names.items() if (root / "leftImg8bit" / name).is_dir()
    }
    if not known:
        raise DataError(
            f"{root} has neither leftImg8bit/train nor leftImg8bit/val. Expected in data.root: {LAYOUT.tree}."
        )
    splits, origins, notes = _arranged(known, settings)
    return Dataset(
        CARD, CLASSES, splits, origins, palette=tuple(colour for _, colour in LABELS.values()), notes=notes,
        native_size=common_size(list(known.values())),
    )  # fmt: skip


def label_table() -> np.ndarray:
    """``(256,)`` int64: class index of each label id; 255 for ids that are not evaluated, -1 for numbers that are no ids."""
    table = np.full(256, -1, dtype=np.int64)
    table[: max(number for number, _ in LABELS.values()) + 1] = IGNORE
    table[[number for number, _ in LABELS.values()]] = np.arange(len(LABELS))
    # The label id of number plates is -1, which is 255 in a file of bytes.
    table[IGNORE] = IGNORE
    return table


def _ending(root: Path) -> str:
    """The ending of the mask files: of label ids where there are any."""
    for ending in _KINDS:
        if next((root / "gtFine").glob(f"*/*/*{ending}"), None) is not None:
            return ending
    raise DataError(f"{root / 'gtFine'} has no masks; expected <split>/<city>/*{next(iter(_KINDS))}, from {HOME}.")


def _read(root: Path, split: str, ending: str) -> MaskFiles:
    folder = root / "leftImg8bit" / split
    cities = sorted(name for name in listed(folder) if (folder / name).is_dir())
    ids = [f"{split}/{city}/{frame}" for city in cities for frame in _frames(root, split, city, ending)]
    if not ids:
        raise DataError(f"{folder} has no images. Expected: {LAYOUT.tree}.")
    read = NumberMasks(root, _table(ending), _KINDS[ending])
    images = [f"leftImg8bit/{name}{_IMAGE}" for name in ids]
    return MaskFiles(root, ids, images, [f"gtFine/{name}{ending}" for name in ids], read)


def _table(ending: str) -> np.ndarray:
    return label_table() if ending == next(iter(_KINDS)) else identity_table(len(CLASSES))


def _frames(root: Path, split: str, city: str, ending: str) -> list[str]:
    """Names of the images of a city, without their ending."""
    images = listed(root / "leftImg8bit" / split / city)
    frames = sorted(name.removesuffix(_IMAGE) for name in images if name.endswith(_IMAGE))
    cure = f"Unpack gtFine_trainvaltest.zip of {HOME} into data.root."
    check_present(root / "gtFine" / split / city, (frame + ending for frame in frames), what="masks", cure=cure)
    return frames


def _arranged(
    known: Mapping[SplitName, MaskFiles], settings: DataSettings
) -> tuple[dict[SplitName, MaskFiles], dict[SplitName, Origin], tuple[str, ...]]:
    parted, cities = _part_cities(known, settings)
    splits, origins = complete(parted, settings)
    notes = []
    if "test" in known:
        origins["test"] = Origin("val")
        notes.append("The masks of the published test split are not public: the published val is the test split.")
    if cities:
        share = len(splits["train"]) / len(known["train"])
        origins |= {
            "train": Origin("train", carved=True, share=share, seed=settings.split_seed),
            "val": Origin("train", carved=True, share=1 - share, seed=settings.split_seed),
        }
        notes.append(f"val consists of whole cities, none of which is trained on: {', '.join(cities)}.")
    elif "train" in known:
        notes.append("There are too few cities to put whole ones into val: frames of a city are in train and in val.")
    return splits, origins, tuple(notes)


def _part_cities(
    known: Mapping[SplitName, MaskFiles], settings: DataSettings
) -> tuple[dict[SplitName, MaskFiles], list[str]]:
    """Whole cities for val, as far as they come near ``val_fraction``; they are drawn with the seed of the splits."""
    if "train" not in known or "test" not in known:
        return dict(known), []
    pool = known["train"]
    towns = np.array([identity.split("/")[1] for identity in pool.ids])
    drawn = _draw_cities(towns, round(len(pool) * settings.val_fraction), settings.split_seed)
    chosen = np.isin(towns, drawn)
    if not drawn or chosen.all():
        return dict(known), []
    parts: dict[SplitName, MaskFiles] = {
        "train": pool.subset(np.flatnonzero(~chosen)),
        "val": pool.subset(np.flatnonzero(chosen)),
    }
    return {**known, **parts}, drawn


def _draw_cities(towns: np.ndarray, wanted: int, seed: int) -> list[str]:
    """Cities in a random order, each taken that does not make it more than wanted; none where that is less than half."""
    names, sizes = np.unique(towns, return_counts=True)
    drawn: list[str] = []
    total = 0
    for place in np.argsort(generator(seed, "carve", "cities").bit_generator.random_raw(len(names)), kind="stable"):
        if total + sizes[place] <= wanted:
            drawn.append(str(names[place]))
            total += int(sizes[place])
    return sorted(drawn) if 2 * total >= wanted else []
