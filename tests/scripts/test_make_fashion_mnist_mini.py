"""The script makes the very file that ships with the package."""

import importlib.util
from pathlib import Path

import numpy as np

from vyvod.data.datasets.fashion_mnist_mini import FILE


def test_the_embedded_file_is_reproduced(shared_data: Path, repository: Path):
    path = repository / "scripts" / "make_fashion_mnist_mini.py"
    spec = importlib.util.spec_from_file_location("make_fashion_mnist_mini", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.make(shared_data / "fashion_mnist" / "FashionMNIST" / "raw")
    with np.load(FILE, allow_pickle=False) as shipped:
        assert set(made) == set(shipped)
        for name, array in made.items():
            assert array.dtype == shipped[name].dtype
            assert np.array_equal(array, shipped[name]), name
