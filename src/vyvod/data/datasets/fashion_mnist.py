"""Fashion-MNIST: 70 000 grey pictures of clothes, 28 x 28 pixels, ten classes.

Splits: 60 000 for training, of which val is carved, and 10 000 for test; the classes are balanced. 31 MB: the four IDX files,
compressed or not, in ``data.root``, ``data.root/raw`` or ``data.root/FashionMNIST/raw``.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import FashionMNIST
from torchvision.datasets.utils import download_url

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings, Images
from vyvod.data.formats.idx import read_idx
from vyvod.data.formats.sources import Source, find, locate
from vyvod.errors import DataError

TASKS = ("classification",)
HOME = "https://github.com/zalandoresearch/fashion-mnist"
CARD = Card(
    title="Fashion-MNIST",
    homepage=HOME,
    licence="MIT, Zalando SE",
    citation="Han Xiao, Kashif Rasul, Roland Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine "
    "Learning Algorithms, 2017, https://arxiv.org/abs/1708.07747",
    mean=(0.2860,),
    std=(0.3530,),
)
_FOLDER = "FashionMNIST/raw"


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: files are missing or damaged.
    """
    folder, suffix = _locate(settings)
    train = _read(folder, "train", "train", suffix)
    test = _read(folder, "test", "t10k", suffix)
    splits, origins = complete({"train": train, "test": test}, settings)
    return Dataset(CARD, tuple(FashionMNIST.classes), splits, origins, native_size=(28, 28), channels=1)


def _locate(settings: DataSettings) -> tuple[Path, str]:
    packed = Source("fashion-mnist", _FOLDER, [(name, md5) for name, md5 in FashionMNIST.resources], HOME, _fetch)
    # torchvision leaves the unpacked files beside the packed ones; a person may have kept only those.
    bare = replace(packed, files=[(name.removesuffix(".gz"), None) for name, _ in packed.files])
    if settings.root is not None and find(packed, settings.root) is None and find(bare, settings.root) is not None:
        return locate(bare, settings), ""
    return locate(packed, settings), ".gz"


def _fetch(root: Path) -> None:
    for name, md5 in FashionMNIST.resources:
        download_url(f"{FashionMNIST.mirrors[0]}{name}", root / _FOLDER, filename=name, md5=md5)


def _read(folder: Path, split: str, prefix: str, suffix: str) -> Images:
    pixels = read_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}")
    if pixels.ndim != 3 or labels.shape != pixels.shape[:1]:
        raise DataError(f"In {folder} the {split} images have the shape {pixels.shape} and the labels {labels.shape}.")
    ids = [f"{split}/{place:05d}" for place in range(len(pixels))]
    return Images(torch.from_numpy(pixels.copy())[:, None], torch.from_numpy(labels.astype(np.int64)), ids)
