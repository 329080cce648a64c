"""Cell nuclei as boxes with outlines, 16 grey tiles of 128 x 128 pixels: ships with the program.

The picture of ``data=nuclei``: all tiles are cut from one picture of 512 x 512 pixels, four by four. A nucleus that a cut divides
is an object in both tiles; six remnants of fewer than ten pixels at the cuts are none. Each object has an outline, for networks
with masks. Enough to try the program out, and no measure of how well a network does on other pictures.

Splits: columns of the picture. The left half is for training (8 tiles), the third column is val and the last is test (4 each).
No nucleus lies both in training and in test; val, between them, shares 5 divided nuclei with training and 7 with test. Nothing
to download; ``data.root`` is not needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hotcoco import mask as hotcoco_mask

from vyvod.data.contract import Card, Dataset, DataSettings, Origin, Rle
from vyvod.data.formats.boxes import Annotated, OutlinedFiles, checked
from vyvod.data.formats.coco import Instances, corners, read_instances
from vyvod.data.formats.masks import indices
from vyvod.errors import DataError
from vyvod.types import SplitName

TASKS = ("detection",)
CLASSES = ("nucleus",)
CARD = Card(
    title="Cell nuclei (one picture of BBBC038)",
    homepage="https://bbbc.broadinstitute.org/BBBC038",
    licence="pixels CC0 1.0; labels BSD 3-clause, Uwe Schmidt and Martin Weigert (stardist)",
    citation="Juan C. Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, Nature "
    "Methods 16, 2019, https://doi.org/10.1038/s41592-019-0612-7",
)
FOLDER = Path(__file__).parents[1] / "embedded" / "segmentation_nuclei"
COLUMNS: dict[SplitName, tuple[int, ...]] = {"train": (0, 1), "val": (2,), "test": (3,)}
REMNANT = 10
"""Pixels: what is smaller is no object."""
NOTE = (
    "All 16 tiles are cut from one picture: train is its left half, val the third column, test the last one. Training and test "
    "share no nucleus; val shares divided nuclei with both. The values do not tell how a network does on other pictures."
)


@dataclass(frozen=True, slots=True)
class NucleusOutlines:
    """Reads outlines from the tiles in which each nucleus has a number: a source is tile << 16 | number."""

    tiles: Sequence[str]
    """Paths of the tiles with numbers relative to the folder of the data set."""

    def __call__(self, sources: Sequence[int]) -> list[Rle]:
        """The pixels that have the numbers."""
        if not sources:
            return []
        numbers = indices(FOLDER / self.tiles[sources[0] >> 16])
        masks = [np.asfortranarray(numbers == (source & 0xFFFF), dtype=np.uint8) for source in sources]
        return [hotcoco_mask.encode(mask) for mask in masks]


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from the package.

    Raises:
        DataError: files in the installed package are missing.
    """
    files = {folder: read_instances(FOLDER / folder / "instances.json") for folder in ("train", "val")}
    splits = {name: _tiles(files["val" if name == "test" else "train"], columns) for name, columns in COLUMNS.items()}
    origins = {name: Origin("all", carved=True, share=len(columns) / 4) for name, columns in COLUMNS.items()}
    return Dataset(CARD, CLASSES, splits, origins, native_size=(128, 128), notes=(NOTE,))


def _tiles(instances: Instances, columns: tuple[int, ...]) -> OutlinedFiles:
    folder = instances.file.parent.name
    chosen = [place for place, name in enumerate(instances.names) if int(Path(name).stem[-1]) in columns]
    # As in `data=nuclei`: column after column.
    chosen.sort(key=lambda place: Path(instances.names[place]).stem[::-1])
    names = [instances.names[place] for place in chosen]
    tiles = [f"{folder}/instances/{name}" for name in names]
    places = [np.array(instances.objects(place)) for place in chosen]
    found = Annotated(
        counts=np.array([len(objects) for objects in places]),
        boxes=corners(instances.boxes[np.concatenate(places)]),
        labels=np.zeros(sum(map(len, places)), dtype=np.int64),
        sizes=instances.sizes[chosen],
        areas=instances.areas[np.concatenate(places)],
        sources=np.concatenate([_numbers(tile) + (place << 16) for place, tile in enumerate(tiles)]),
    )
    if len(found.sources if found.sources is not None else ()) != len(found.boxes):
        raise DataError(f"{instances.file} does not fit the tiles beside it. Install the program again.")
    images = [f"{folder}/images/{name}" for name in names]
    missing = [image for image in images if not (FOLDER / image).is_file()]
    if missing:
        raise DataError(f"{FOLDER / missing[0]} is missing. Install the program again.")
    ids = [Path(name).stem for name in names]
    return OutlinedFiles(FOLDER, ids, images, checked(found), read=NucleusOutlines(tiles))


def _numbers(tile: str) -> np.ndarray:
    """The numbers of the nuclei in a tile, ascending, as the file of boxes has them."""
    numbers, pixels = np.unique(indices(FOLDER / tile), return_counts=True)
    return numbers[(numbers > 0) & (pixels >= REMNANT)].astype(np.int64)
