"""Fashion-MNIST, in full and the part that ships with the program."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import FashionMNIST

from vyvod.data.contract import Dataset, DataSettings, Images
from vyvod.data.load import load_dataset
from vyvod.errors import DataError


def load(root: Path | None, **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="fashion-mnist", root=root, **settings), "classification")


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> Path:
    return shared_data / "fashion_mnist" / "FashionMNIST" / "raw"


@pytest.fixture(scope="module")
def whole(shared_data: Path) -> Dataset:
    return load(shared_data / "fashion_mnist")


def test_real_files(whole: Dataset):
    assert {name: len(split) for name, split in whole.splits.items()} == {"train": 54000, "val": 6000, "test": 10000}
    assert torch.bincount(whole.splits["val"].labels).tolist() == [600] * 10
    test = whole.splits["test"]
    assert isinstance(test, Images)
    assert (test.images.shape, test.images.dtype) == ((10000, 1, 28, 28), torch.uint8)
    assert (test.ids[17], whole.classes[test.labels[0]]) == ("test/00017", "Ankle boot")


def test_card_states_the_statistics_of_the_training_images(whole: Dataset):
    pixels = torch.cat([whole.splits[name].images for name in ("train", "val")]).double() / 255
    assert whole.card.mean == (round(float(pixels.mean()), 4),)
    assert whole.card.std == (round(float(pixels.std()), 4),)


@pytest.mark.parametrize("folder", [".", "raw", "FashionMNIST/raw"])
def test_root_may_be_any_of_the_usual_folders(tmp_path: Path, raw: Path, folder: str):
    target = tmp_path / folder
    target.parent.mkdir(parents=True, exist_ok=True)
    if folder == ".":
        for file in raw.iterdir():
            (tmp_path / file.name).symlink_to(file)
    else:
        target.symlink_to(raw)
    assert len(load(tmp_path, limit=20).splits["train"]) == 20


def test_unpacked_files_will_do(tmp_path: Path, raw: Path, whole: Dataset):
    for file in raw.glob("*.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    assert load(tmp_path).splits["test"].fingerprint() == whole.splits["test"].fingerprint()


def test_missing_root_and_files(tmp_path: Path):
    with pytest.raises(DataError, match=r"needs data\.root.*train-images-idx3-ubyte\.gz.*github\.com/zalandoresearch"):
        load(None)
    with pytest.raises(DataError, match=r"was not found in .*FashionMNIST/raw/ with .*data\.download=true"):
        load(tmp_path)


def test_damaged_download(tmp_path: Path, raw: Path):
    for file in raw.glob("*.gz"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match="is damaged or not the original: its MD5 sum is"):
        load(tmp_path)


def test_truncated_unpacked_file(tmp_path: Path):
    for name, _ in FashionMNIST.resources:
        (tmp_path / name.removesuffix(".gz")).write_bytes(bytes.fromhex("0000080100000004") + b"\x01\x02")
    with pytest.raises(DataError, match="holds 2 values, its header promises 4"):
        load(tmp_path)


def test_images_and_labels_that_do_not_fit(tmp_path: Path):
    for name, _ in FashionMNIST.resources:
        (tmp_path / name.removesuffix(".gz")).write_bytes(bytes.fromhex("0000080100000002") + b"\x01\x02")
    with pytest.raises(DataError, match="the train images have the shape"):
        load(tmp_path)


def test_nothing_is_fetched_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fetched: list[str] = []

    def fetch(address: str, folder: Path, *, filename: str, md5: str) -> None:
        fetched.append(filename)
        raise OSError("no route to host")

    monkeypatch.setattr("vyvod.data.datasets.fashion_mnist.download_url", fetch)
    with pytest.raises(DataError, match="was not found"):
        load(tmp_path)
    assert not fetched
    with pytest.raises(DataError, match="could not be downloaded: no route to host"):
        load(tmp_path, download=True)
    assert fetched == ["train-images-idx3-ubyte.gz"]


def test_mini_is_a_part_of_the_whole(whole: Dataset):
    known = _by_pixels(whole)
    mini = load_dataset(DataSettings(), "classification")
    for split in mini.splits.values():
        assert isinstance(split, Images)
        assert all(
            known[image.numpy().tobytes()] == label
            for image, label in zip(split.images, split.labels.tolist(), strict=True)
        )
    assert mini.classes == whole.classes


def _by_pixels(whole: Dataset) -> Mapping[bytes, int]:
    return {
        image.numpy().tobytes(): label
        for split in whole.splits.values()
        for image, label in zip(split.images, split.labels.tolist(), strict=True)
    }


def test_idx_of_torchvision_is_read_alike(raw: Path, tmp_path: Path):
    from torchvision.datasets.mnist import read_image_file

    from vyvod.data.formats.idx import read_idx

    packed = raw / "t10k-images-idx3-ubyte.gz"
    (tmp_path / "images").write_bytes(gzip.decompress(packed.read_bytes()))
    assert np.array_equal(read_idx(packed), read_image_file(str(tmp_path / "images")).numpy())
