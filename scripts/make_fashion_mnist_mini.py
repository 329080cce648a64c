"""Make the images that ship with the package from the files of Debian's package `dataset-fashion-mnist`.

Usage: python scripts/make_fashion_mnist_mini.py FOLDER [OUTPUT.npz], where FOLDER holds the four IDX files.

The draw: for training and test images alike, a fresh `numpy.random.RandomState(0)` draws 200 (test: 50) of the images of each
class in turn, without replacement; all that were drawn keep their order in the source. NumPy promises that this generator
will not change.
"""

import sys
from pathlib import Path

import numpy as np

from vyvod.data.datasets.fashion_mnist_mini import FILE
from vyvod.data.formats.idx import read_idx

PER_CLASS = {"train": 200, "test": 50}
PREFIX = {"train": "train", "test": "t10k"}


def draw(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Places of the chosen images, ascending."""
    source = np.random.RandomState(0)
    chosen = [source.choice(np.flatnonzero(labels == label), per_class, replace=False) for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


def make(folder: Path) -> dict[str, np.ndarray]:
    """The four arrays of the file: `x_train`, `y_train`, `x_test`, `y_test`, uint8."""
    arrays = {}
    for split, prefix in PREFIX.items():
        images = read_idx(_file(folder, f"{prefix}-images-idx3-ubyte"))
        labels = read_idx(_file(folder, f"{prefix}-labels-idx1-ubyte"))
        places = draw(labels, PER_CLASS[split])
        arrays |= {f"x_{split}": images[places], f"y_{split}": labels[places]}
    return arrays


def _file(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.gz"
    return packed if packed.exists() else folder / name


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    output = Path(sys.argv[2]) if len(sys.argv) == 3 else FILE
    np.savez_compressed(output, **make(Path(sys.argv[1])))
    print(f"{output}: {output.stat().st_size} bytes")
