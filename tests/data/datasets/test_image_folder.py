"""A person's own folders."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.load import load_dataset
from vyvod.errors import DataError


def fill(root: Path, sizes: dict[str, int]) -> None:
    for name, number in sizes.items():
        (root / name).mkdir(parents=True)
        for place in range(number):
            Image.fromarray(np.full((20, 10, 3), place, dtype=np.uint8)).save(root / name / f"{place}.png")


def load(root: Path | None, **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="image-folder", root=root, **settings), "classification")


def test_plain_class_folders(tmp_path: Path):
    fill(tmp_path, {"cat": 10, "dog": 20})
    dataset = load(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 24, "val": 3, "test": 3}
    assert dataset.origins["test"] == Origin("all", carved=True, share=0.1, seed=0)
    assert (dataset.native_size, dataset.channels) == ((20, 10), 3)
    assert dataset.card.title == tmp_path.name


def test_official_splits_are_kept(tmp_path: Path):
    fill(
        tmp_path,
        {f"{split}/{label}": number for split, number in (("train", 5), ("val", 2), ("test", 3)) for label in "ab"},
    )
    dataset = load(tmp_path)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 10, "val": 4, "test": 6}
    assert dataset.origins == {name: Origin(name) for name in ("train", "val", "test")}


def test_test_is_carved_where_it_is_missing(tmp_path: Path):
    fill(tmp_path, {"train/a": 10, "train/b": 10, "valid/a": 2, "valid/b": 2})
    dataset = load(tmp_path, test_fraction=0.2)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 16, "val": 4, "test": 4}
    assert dataset.origins["test"] == Origin("train", carved=True, share=0.2, seed=0)
    assert dataset.origins["val"] == Origin("val")


def test_a_class_without_training_images(tmp_path: Path):
    fill(tmp_path, {"train/a": 10, "train/b": 10, "test/a": 2, "test/b": 2, "test/c": 2})
    with pytest.raises(DataError, match="no training images of 'c'"):
        load(tmp_path)
    assert load(tmp_path, classes=("b", "a")).classes == ("b", "a")


def test_one_class_only(tmp_path: Path):
    fill(tmp_path, {"cat": 10})
    with pytest.raises(DataError, match="only one class, 'cat'"):
        load(tmp_path, val_fraction=0.2, test_fraction=0.2)


def test_no_root():
    with pytest.raises(DataError, match=r"data=image-folder needs data\.root"):
        load(None)
