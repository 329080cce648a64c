"""Cityscapes: the real layout, the table of label ids, whole cities for val, and folders that are not whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.datasets.cityscapes import CLASSES, label_table
from vyvod.data.datasets.cityscapes import load as load_cityscapes
from vyvod.errors import DataError

SIZE = (8, 4)
CITIES = {"aachen": 4, "bochum": 2, "bremen": 9, "ulm": 3, "weimar": 5, "zurich": 7}


def load(root: Path | None, **settings: Any) -> Dataset:
    return load_cityscapes(DataSettings(name="cityscapes", root=root, **settings), "segmentation")


def write(root: Path, split: str, city: str, number: int, *, value: int = 7, kind: str = "labelIds") -> None:
    images, masks = root / "leftImg8bit" / split / city, root / "gtFine" / split / city
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    name = f"{city}_{number:06d}_000019"
    Image.new("RGB", SIZE).save(images / f"{name}_leftImg8bit.png")
    Image.new("L", SIZE, value).save(masks / f"{name}_gtFine_{kind}.png")
    Image.new("RGBA", SIZE).save(masks / f"{name}_gtFine_color.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for city, count in CITIES.items():
        for number in range(count):
            write(tmp_path, "train", city, number)
    for number in range(3):
        write(tmp_path, "val", "munster", number)
        write(tmp_path, "test", "berlin", number, value=0)
    return tmp_path


def cities(dataset: Dataset, split: str) -> set[str]:
    return {identity.split("/")[1] for identity in dataset.splits[split].ids}


def test_table_is_the_official_one():
    # `labels.py`: the ids that are evaluated, in the order of their train ids.
    evaluated = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    table = label_table()
    assert [int(table[number]) for number in evaluated] == list(range(19))
    others = sorted(set(range(34)) - set(evaluated))
    assert others == [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30]
    assert {int(table[number]) for number in others} == {255}
    assert {int(value) for value in table[34:255]} == {-1}
    assert (CLASSES[0], CLASSES[10], CLASSES[18]) == ("road", "sky", "bicycle")


def test_real_images(shared_data: Path):
    root = shared_data / "cityscapes_layout"
    dataset = load(root)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 13, "val": 3, "test": 8}
    assert dataset.origins["test"] == Origin("val")
    assert dataset.native_size == (360, 480)
    assert any("too few cities" in note for note in dataset.notes)
    table = label_table()
    ignored = 0
    for split in dataset.splits.values():
        for place in range(len(split)):
            sample = split[place]
            with Image.open(root / "gtFine" / f"{sample.id}_gtFine_labelIds.png") as picture:
                stored = np.array(picture)
            np.testing.assert_array_equal(sample.target.numpy(), table[stored])
            assert tuple(sample.image.shape) == (3, 360, 480)
            ignored += int((sample.target == 255).sum())
    assert ignored > 0


def test_val_is_whole_cities(root: Path):
    dataset = load(root, val_fraction=0.3)
    assert set(dataset.splits["test"].ids) == {f"val/munster/munster_00000{number}_000019" for number in range(3)}
    drawn, rest = cities(dataset, "val"), cities(dataset, "train")
    assert drawn
    assert not drawn & rest
    assert drawn | rest == set(CITIES)
    count = sum(CITIES[city] for city in drawn)
    assert len(dataset.splits["val"]) == count
    # Of 30 images 9 are wanted; at least half of that, never more.
    assert 5 <= count <= 9
    assert dataset.origins["val"] == Origin("train", carved=True, share=pytest.approx(count / 30), seed=0)
    assert dataset.origins["train"] == Origin("train", carved=True, share=pytest.approx(1 - count / 30), seed=0)
    assert ", ".join(sorted(drawn)) in dataset.notes[1]
    assert load(root, val_fraction=0.3).splits["val"].ids == dataset.splits["val"].ids
    seeds = {frozenset(cities(load(root, val_fraction=0.3, split_seed=seed), "val")) for seed in range(8)}
    assert len(seeds) > 1


def test_images_where_cities_are_too_large(root: Path):
    dataset = load(root, val_fraction=0.01)
    assert len(dataset.splits["val"]) == 3
    assert any("too few cities" in note for note in dataset.notes)


def test_train_ids_where_label_ids_are_absent(tmp_path: Path):
    for number in range(8):
        write(tmp_path / "cityscapes", "train", "ulm", number, value=18, kind="labelTrainIds")
    write(tmp_path / "cityscapes", "val", "munster", 0, value=19, kind="labelTrainIds")
    dataset = load(tmp_path)
    assert int(dataset.splits["train"].mask(0)[0, 0]) == 18
    with pytest.raises(DataError, match="holds the values 19; expected train ids 0 to 18 and 255"):
        dataset.splits["test"].mask(0)


def test_values_that_are_no_label_ids(root: Path):
    write(root, "val", "munster", 1, value=34)
    split = load(root).splits["test"]
    with pytest.raises(
        DataError, match=r"munster_000001_000019_gtFine_labelIds\.png holds the values 34; expected label ids"
    ):
        split.mask(1)


def test_only_val_can_be_evaluated(tmp_path: Path):
    write(tmp_path, "val", "munster", 0)
    dataset = load(tmp_path)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 0, "val": 0, "test": 1}
    assert dataset.origins == {"test": Origin("val")}


def test_wrong_folders_and_missing_masks(root: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"data=cityscapes needs data\.root.*_gtFine_labelIds\.png"):
        load(None)
    empty = tmp_path / "empty"
    (empty / "leftImg8bit").mkdir(parents=True)
    with pytest.raises(DataError, match="was not found"):
        load(empty)
    (empty / "gtFine").mkdir()
    with pytest.raises(DataError, match="gtFine has no masks"):
        load(empty)
    mask = root / "gtFine" / "train" / "ulm" / "ulm_000001_000019_gtFine_labelIds.png"
    mask.unlink()
    with pytest.raises(DataError, match=r"1 of 3 masks are missing in .*ulm, the first is ulm_000001_000019_gtFine"):
        load(root)
