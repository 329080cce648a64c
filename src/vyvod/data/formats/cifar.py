"""The pickled batches of CIFAR-10 and CIFAR-100, read without running what a pickle may contain."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import download_and_extract_archive

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings, Images
from vyvod.data.formats.sources import Source, locate
from vyvod.errors import DataError

HOME = "https://www.cs.toronto.edu/~kriz/cifar.html"
CITATION = "Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"


def load_cifar(published: type[CIFAR10], card: Card, settings: DataSettings, *, name: str, labels: str) -> Dataset:
    """Load a data set of the CIFAR family.

    Args:
        published: torchvision's class, which knows the names, MD5 sums and address of the files.
        card: facts for the report.
        settings: where the files are, and how val is carved from train.
        name: as in the settings.
        labels: key of the labels in a batch.

    Returns:
        32 x 32 RGB images in memory; ids ``train/00017`` count in the published order.

    Raises:
        DataError: files are missing, not the original ones, or do not hold what they should.
    """
    files = [*published.train_list, *published.test_list, [published.meta["filename"], published.meta["md5"]]]
    source = Source(
        name, published.base_folder, [(file, md5) for file, md5 in files], HOME, lambda root: _fetch(published, root)
    )
    folder = locate(source, settings)
    train = _read_batches(folder, [file for file, _ in published.train_list], split="train", labels=labels)
    test = _read_batches(folder, [file for file, _ in published.test_list], split="test", labels=labels)
    classes = tuple(unpickle(folder / published.meta["filename"])[published.meta["key"]])
    splits, origins = complete({"train": train, "test": test}, settings)
    return Dataset(card, classes, splits, origins, native_size=(32, 32), channels=3)


def _fetch(published: type[CIFAR10], root: Path) -> None:
    download_and_extract_archive(published.url, root, filename=published.filename, md5=published.tgz_md5)


def _read_batches(folder: Path, files: Sequence[str], *, split: str, labels: str) -> Images:
    batches = [unpickle(folder / file) for file in files]
    try:
        pixels = np.concatenate([np.asarray(batch["data"], dtype=np.uint8).reshape(-1, 3, 32, 32) for batch in batches])
        numbers = np.concatenate([np.asarray(batch[labels], dtype=np.int64) for batch in batches])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The batches {', '.join(files)} in {folder} do not hold 'data' and '{labels}': {error!r}."
        ) from error
    ids = [f"{split}/{place:05d}" for place in range(len(pixels))]
    return Images(torch.from_numpy(pixels), torch.from_numpy(numbers), ids)


def unpickle(path: Path) -> Any:
    """Read a pickle that consists of lists, dictionaries, strings, numbers and NumPy arrays.

    Raises:
        DataError: it asks for anything else (nothing of it is run), or it is truncated.
    """
    try:
        with path.open("rb") as file:
            return _ArraysOnly(file, encoding="latin1").load()
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        KeyError,
        ImportError,
    ) as error:
        raise DataError(f"{path} cannot be read: {error}. Fetch it again from {HOME}.") from error


class _ArraysOnly(pickle.Unpickler):
    """Knows what a pickled array is made of, and no other name."""

    def __init__(self, file: IO[bytes], *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)

    def find_class(self, module: str, name: str, /) -> Any:
        """The callable behind a name."""
        # The batches were written with NumPy 1, whose module paths NumPy 2 only keeps with a warning.
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _reconstruct
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(
            f"it wants to call {module}.{name}, which no batch of images needs; nothing of it was run"
        )


def _reconstruct(kind: type[np.ndarray], shape: tuple[int, ...], dtype: str) -> np.ndarray:
    # What NumPy calls by this name: an empty array that the pickle then fills.
    return np.ndarray.__new__(kind, shape, dtype)
