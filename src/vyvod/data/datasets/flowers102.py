"""Oxford Flowers-102: 8189 photos of flowers in 102 classes.

The publishers' own three splits: 1020 for training, 1020 for val and 6149 for test. 345 MB download, in
``data.root/flowers-102``: the photos in ``jpg``, ``imagelabels.mat`` and ``setid.mat``.
"""

from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat
from torchvision.datasets import Flowers102
from torchvision.datasets.utils import download_and_extract_archive, download_url

from vyvod.data.contract import Card, Dataset, DataSettings, Origin
from vyvod.data.formats.folders import ImageFiles
from vyvod.data.formats.sources import Source, locate
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TASKS = ("classification",)
HOME = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
CARD = Card(
    title="Oxford Flowers-102",
    homepage=HOME,
    licence="photos of various owners, for research",
    citation="Maria-Elena Nilsback, Andrew Zisserman, Automated Flower Classification over a Large Number of Classes, "
    "ICVGIP 2008",
)
_FOLDER = "flowers-102"
_PHOTOS = ("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa")
_FILES = (("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d"), ("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c"))
_KEYS: dict[SplitName, str] = {"train": "trnid", "val": "valid", "test": "tstid"}


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: files are missing or damaged.
    """
    folder = locate(Source("flowers102", _FOLDER, [*_FILES, ("jpg", None)], HOME, _fetch), settings)
    labels = loadmat(folder / "imagelabels.mat")["labels"].ravel().astype(np.int64) - 1
    places = loadmat(folder / "setid.mat")
    splits = {name: _split(folder, labels, places[key].ravel()) for name, key in _KEYS.items()}
    _check_photos(folder, [identity for split in splits.values() for identity in split.ids])
    return Dataset(CARD, tuple(Flowers102.classes), splits, {name: Origin(name) for name in SPLITS})


def _fetch(root: Path) -> None:
    download_and_extract_archive(HOME + _PHOTOS[0], root / _FOLDER, filename=_PHOTOS[0], md5=_PHOTOS[1])
    for name, md5 in _FILES:
        download_url(HOME + name, root / _FOLDER, filename=name, md5=md5)


def _split(folder: Path, labels: np.ndarray, numbers: np.ndarray) -> ImageFiles:
    # Photos are numbered from 1.
    ids = [f"jpg/image_{number:05d}.jpg" for number in numbers]
    return ImageFiles(folder, ids, torch.from_numpy(labels[numbers.astype(np.int64) - 1]))


def _check_photos(folder: Path, ids: list[str]) -> None:
    missing = [identity for identity in ids if not (folder / identity).is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(ids)} photos are missing in {folder}, the first is {missing[0]}. Unpack {_PHOTOS[0]} there, "
            f"from {HOME}, or fetch it with data.download=true."
        )
