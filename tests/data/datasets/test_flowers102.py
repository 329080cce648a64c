"""Flowers-102: the genuine labels and tiny photos."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision.datasets import Flowers102

from vyvod.data.contract import Dataset, DataSettings
from vyvod.data.load import load_dataset
from vyvod.errors import DataError


@pytest.fixture(scope="module")
def root(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("flowers")
    folder = root / "flowers-102"
    shutil.copytree(shared_data / "flowers102_labels" / "flowers-102", folder)
    folder.chmod(0o755)
    (folder / "jpg").mkdir()
    Image.new("RGB", (8, 6), "red").save(root / "tiny.jpg")
    for number in range(1, 8190):
        (folder / "jpg" / f"image_{number:05d}.jpg").hardlink_to(root / "tiny.jpg")
    return root


def load(root: Path) -> Dataset:
    return load_dataset(DataSettings(name="flowers102", root=root), "classification")


@pytest.mark.parametrize("below", ["", "flowers-102"])
def test_splits_are_those_of_torchvision(root: Path, below: str):
    dataset = load(root / below)
    for name, number in (("train", 1020), ("val", 1020), ("test", 6149)):
        split, theirs = dataset.splits[name], Flowers102(root, split=name)
        assert len(split) == len(theirs) == number
        assert split.labels.tolist() == theirs._labels
        assert [split.path(place) for place in (0, -1)] == [theirs._image_files[place] for place in (0, -1)]
    assert not any(origin.carved for origin in dataset.origins.values())
    assert torch.bincount(dataset.splits["train"].labels).tolist() == [10] * 102
    assert tuple(dataset.splits["train"][0].image.shape) == (3, 6, 8)
    # Photo 1 is the publishers' example of class 77.
    assert dataset.classes[76] == "passion flower"


def test_missing_photo(root: Path):
    photo = root / "flowers-102" / "jpg" / "image_00077.jpg"
    photo.rename(root / "away.jpg")
    try:
        with pytest.raises(DataError, match=r"1 of 8189 photos are missing in .*jpg/image_00077\.jpg"):
            load(root)
    finally:
        (root / "away.jpg").rename(photo)


def test_labels_without_photos(shared_data: Path):
    with pytest.raises(DataError, match=r"Expected there: flowers-102/ with imagelabels\.mat, setid\.mat, jpg"):
        load(shared_data / "flowers102_labels")


def test_damaged_labels(tmp_path: Path):
    (tmp_path / "jpg").mkdir()
    for name in ("imagelabels.mat", "setid.mat"):
        (tmp_path / name).write_bytes(b"MATLAB")
    with pytest.raises(DataError, match=r"imagelabels\.mat is damaged or not the original"):
        load(tmp_path)
