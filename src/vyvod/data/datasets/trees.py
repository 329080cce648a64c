"""Tree crowns from the air, 57 tiles of 320 x 320 or 200 x 200 pixels with 808 boxes: ships with the program.

The tiles are cut from four aerial pictures of forests (NEON's sites YELL, OSBS and SOAP) and touch each other: enough to try the
program out, and no measure of how well a network does on other forests.

Splits: the 14 published validation tiles, the right edge of each picture, are ``test``; ``val``, which chooses the checkpoint, is
carved from the 43 for training. Nothing to download; ``data.root`` is not needed.
"""

from pathlib import Path

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings, Origin
from vyvod.data.formats.boxes import BoxFiles, LabelledImage, gathered
from vyvod.data.formats.voc_xml import read_annotation
from vyvod.errors import DataError
from vyvod.types import SplitName

TASKS = ("detection",)
CLASSES = ("tree",)
CARD = Card(
    title="Tree crowns (NEON, from deepforest)",
    homepage="https://github.com/weecology/DeepForest",
    licence="MIT, Ben Weinstein (deepforest); pixels are open data of NEON",
    citation="Ben G. Weinstein et al., Individual Tree-Crown Detection in RGB Imagery Using Semi-Supervised Deep Learning Neural "
    "Networks, Remote Sensing 11, 2019, https://doi.org/10.3390/rs11111309",
)
FOLDER = Path(__file__).parents[1] / "embedded" / "detection_trees"
SOURCES: dict[SplitName, str] = {"train": "train", "test": "val"}
NOTE = (
    "All tiles are cut from four pictures: test is the right edge of each, val is drawn from the rest. Tiles do not overlap, but "
    "neighbours touch and share the crowns at the cut. The values do not tell how a network does on other forests."
)


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from the package.

    Raises:
        DataError: files in the installed package are missing.
    """
    known = {split: _tiles(folder) for split, folder in SOURCES.items()}
    splits, origins = complete(known, settings)
    origins["test"] = Origin("val")
    return Dataset(CARD, CLASSES, splits, origins, notes=(NOTE,))


def _tiles(folder: str) -> BoxFiles:
    files = sorted((FOLDER / folder / "Annotations").glob("*.xml"))
    images = [f"{folder}/JPEGImages/{file.stem}.jpg" for file in files]
    missing = [image for image in images if not (FOLDER / image).is_file()]
    if missing or not files:
        raise DataError(f"{FOLDER / (missing[0] if missing else folder)} is missing. Install the program again.")
    found = [_tile(image, file) for image, file in zip(images, files, strict=True)]
    return gathered(FOLDER, found, [file.stem for file in files])


def _tile(image: str, file: Path) -> LabelledImage:
    said = read_annotation(file)
    assert said.size is not None  # noqa: S101 - all of these files have it
    return LabelledImage(image, said.size, said.boxes, said.labels({"tree": 0}), said.difficult)
