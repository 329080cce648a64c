"""Cell nuclei under the fluorescence microscope, 16 grey tiles of 128 x 128 pixels: ships with the program.

All tiles are cut from one picture of 512 x 512 pixels, four by four, with 125 nuclei: enough to try the program out, and no
measure of how well a network does on other pictures.

Splits: columns of the picture. The left half is for training (8 tiles), the third column is val and the last is test (4 each).
No nucleus lies both in training and in test; val, between them, shares 5 divided nuclei with training and 7 with test. Nothing
to download; ``data.root`` is not needed.
"""

from pathlib import Path

import numpy as np

from vyvod.data.contract import BACKGROUND, Card, Dataset, DataSettings, Origin
from vyvod.data.formats.masks import MaskFiles, NumberMasks
from vyvod.errors import DataError
from vyvod.types import SplitName

TASKS = ("segmentation",)
CARD = Card(
    title="Cell nuclei (one picture of BBBC038)",
    homepage="https://bbbc.broadinstitute.org/BBBC038",
    licence="pixels CC0 1.0; labels BSD 3-clause, Uwe Schmidt and Martin Weigert (stardist)",
    citation="Juan C. Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, Nature "
    "Methods 16, 2019, https://doi.org/10.1038/s41592-019-0612-7",
    mean=(0.1427,),
    std=(0.1321,),
)
FOLDER = Path(__file__).parents[1] / "embedded" / "segmentation_nuclei"
COLUMNS: dict[SplitName, tuple[int, ...]] = {"train": (0, 1), "val": (2,), "test": (3,)}
NOTE = (
    "All 16 tiles are cut from one picture: train is its left half, val the third column, test the last one. Training and test "
    "share no nucleus; val shares divided nuclei with both. The values do not tell how a network does on other pictures."
)


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from the package.

    Raises:
        DataError: files in the installed package are missing.
    """
    splits = {name: _tiles(columns) for name, columns in COLUMNS.items()}
    origins = {name: Origin("all", carved=True, share=len(columns) / 4) for name, columns in COLUMNS.items()}
    classes = (BACKGROUND, "nucleus")
    return Dataset(CARD, classes, splits, origins, native_size=(128, 128), channels=1, notes=(NOTE,))


def _tiles(columns: tuple[int, ...]) -> MaskFiles:
    names = [f"nuclei_{row}{column}.png" for column in columns for row in range(4)]
    places = [f"{'val' if name.endswith('3.png') else 'train'}/images/{name}" for name in names]
    masks = [place.replace("/images/", "/masks/") for place in places]
    missing = [path for path in (*places, *masks) if not (FOLDER / path).is_file()]
    if missing:
        raise DataError(f"{FOLDER / missing[0]} is missing. Install the program again.")
    read = NumberMasks(FOLDER, np.array([0, 1]), "0 (background) or 1 (nucleus)")
    return MaskFiles(FOLDER, [name.removesuffix(".png") for name in names], places, masks, read, channels=1)
