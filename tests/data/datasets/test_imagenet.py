"""ImageNet's folders: names, subsets, and what is done with train and val."""

from pathlib import Path

import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.datasets.imagenet import aliases
from vyvod.data.load import load_dataset
from vyvod.errors import DataError

WNIDS = {"n01440764": "tench", "n02123045": "tabby", "n03977966": "police van"}


def load(root: Path | None, *, needed: tuple[str, ...] = ("train", "val", "test"), **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="imagenet", root=root, **settings), "classification", needed=needed)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split, number in (("train", 10), ("val", 2)):
        for wnid in WNIDS:
            (tmp_path / split / wnid).mkdir(parents=True)
            for place in range(number):
                Image.new("RGB", (8, 8)).save(tmp_path / split / wnid / f"{wnid}_{place}.JPEG")
    return tmp_path


def test_names_of_all_classes():
    names = aliases()
    assert len(names) == len(set(names.values())) == 1000
    assert list(names) == sorted(names)
    assert {wnid: names[wnid] for wnid in WNIDS} == WNIDS


def test_val_is_the_test_split(root: Path):
    dataset = load(root)
    assert dataset.classes == ("tench", "tabby", "police van")
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 27, "val": 3, "test": 6}
    assert dataset.origins["test"] == Origin("val")
    assert dataset.origins["val"] == Origin("train", carved=True, share=0.1, seed=0)
    assert dataset.splits["test"].ids[0] == "val/n01440764/n01440764_0.JPEG"


def test_classes_by_wnid_or_name(root: Path):
    dataset = load(root, classes=("police van", "n01440764"))
    assert dataset.classes == ("police van", "tench")
    assert {identity.split("/")[1] for identity in dataset.splits["test"].ids[:2]} == {"n01440764"}
    assert dataset.splits["test"].labels.tolist() == [1, 1, 0, 0]
    with pytest.raises(DataError, match="names 'tench' twice"):
        load(root, classes=("n01440764", "tench"))


def test_unused_class_may_be_empty(root: Path):
    for file in (root / "train" / "n02123045").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="n02123045 has no images"):
        load(root)
    with pytest.raises(DataError, match="n02123045 has no images"):
        load(root, classes=("tabby", "tench"))
    assert load(root, classes=("police van", "n01440764")).classes == ("police van", "tench")


def test_real_photos_evaluate_only(shared_data: Path):
    root = shared_data / "imagenet_sample"
    dataset = load(root, needed=("test",))
    assert len(dataset.splits["test"]) == len(dataset.classes) == 50
    for name, identity in zip(dataset.classes, dataset.splits["test"].ids, strict=True):
        # The files are called by an older list of names, which agrees in most.
        assert identity.split("/")[1] in aliases()
        assert aliases()[identity.split("/")[1]] == name
    agreeing = [
        name.lower().replace(" ", "_") in identity.lower()
        for name, identity in zip(dataset.classes, dataset.splits["test"].ids, strict=True)
    ]
    assert sum(agreeing) > 40
    assert dataset.splits["test"][0].image.shape[0] == 3
    with pytest.raises(DataError, match=r"The train split has no images\. The source has none"):
        load(root)


def test_wrong_folders(tmp_path: Path):
    with pytest.raises(DataError, match=r"needs data\.root.*train/<wnid>"):
        load(None)
    with pytest.raises(DataError, match="has neither train/ nor val/"):
        load(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "nowhere")
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match="val has no class folders"):
        load(tmp_path)
