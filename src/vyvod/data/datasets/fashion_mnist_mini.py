"""Fashion-MNIST, 2500 of its images: ships with the program.

Splits: 2000 for training, of which val is carved, and 500 for test; the classes are balanced. Drawn from the full data set by
``scripts/make_fashion_mnist_mini.py``. Nothing to download; ``data.root`` is not needed.
"""

from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import FashionMNIST

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings, Images
from vyvod.errors import DataError
from vyvod.types import SplitName

TASKS = ("classification",)
CARD = Card(
    title="Fashion-MNIST mini",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT, Zalando SE",
    citation="Han Xiao, Kashif Rasul, Roland Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine "
    "Learning Algorithms, 2017, https://arxiv.org/abs/1708.07747",
    mean=(0.2860,),
    std=(0.3530,),
)
FILE = Path(__file__).parents[1] / "embedded" / "classification_fashion" / "fashion_mnist_2500.npz"


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from the package.

    Raises:
        DataError: the file in the installed package is missing or damaged.
    """
    try:
        with np.load(FILE, allow_pickle=False) as arrays:
            known: dict[SplitName, Images] = {"train": _images(arrays, "train"), "test": _images(arrays, "test")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{FILE} is missing or damaged: {error}. Install the program again.") from error
    splits, origins = complete(known, settings)
    return Dataset(CARD, tuple(FashionMNIST.classes), splits, origins, native_size=(28, 28), channels=1)


def _images(arrays: np.lib.npyio.NpzFile, split: str) -> Images:
    pixels, labels = arrays[f"x_{split}"], arrays[f"y_{split}"].astype(np.int64)
    ids = [f"{split}/{place:05d}" for place in range(len(pixels))]
    return Images(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels), ids)
