"""CelebAMask-HQ: files in the original layout, the order of the parts, sizes and the splits of CelebA."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, MaskSplit
from vyvod.data.datasets.celeba import CLASSES, PALETTE
from vyvod.data.datasets.celeba import load as load_celeba
from vyvod.errors import DataError

SIDE = 16
NUMBERS = (0, 1, 2, 1999, 2000, 29999)


def load(root: Path | None, **settings: Any) -> Dataset:
    return load_celeba(DataSettings(name="celeba", root=root, **settings), "segmentation")


def write_part(root: Path, number: int, part: str, drawn: tuple[slice, slice], *, side: int = SIDE) -> Path:
    folder = root / "CelebAMask-HQ-mask-anno" / str(number // 2000)
    folder.mkdir(parents=True, exist_ok=True)
    values = np.zeros((side, side), np.uint8)
    values[drawn] = 255
    file = folder / f"{number:05d}_{part}.png"
    # The publishers' files are grey or RGB, from one image to the next.
    picture = Image.fromarray(values)
    (picture if number % 2 else picture.convert("RGB")).save(file)
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "CelebAMask-HQ"
    (root / "CelebA-HQ-img").mkdir(parents=True)
    for number in NUMBERS:
        pixels = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8)
        pixels[:, SIDE:] = 200
        Image.fromarray(pixels).save(root / "CelebA-HQ-img" / f"{number}.jpg", quality=100)
        write_part(root, number, "skin", np.s_[2:14, 2:14])
        write_part(root, number, "hair", np.s_[0:4, 0:16])
        write_part(root, number, "nose", np.s_[6:9, 6:9])
        write_part(root, number, "mouth", np.s_[10:13, 4:12])
        write_part(root, number, "u_lip", np.s_[10:11, 4:12])
    return root


def write_mapping(root: Path, originals: dict[int, int]) -> None:
    lines = [f"{number}        {original - 1}        {original:06d}.jpg" for number, original in originals.items()]
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(["idx     orig_idx    orig_file", *lines, ""]))


def test_parts_lie_over_each_other_in_the_official_order(root: Path):
    expected = np.zeros((SIDE, SIDE), np.uint8)
    expected[2:14, 2:14] = CLASSES.index("skin")
    expected[6:9, 6:9] = CLASSES.index("nose")
    expected[10:13, 4:12] = CLASSES.index("mouth")
    expected[10:11, 4:12] = CLASSES.index("u_lip")
    expected[0:4] = CLASSES.index("hair")
    dataset = load(root.parent)
    for split in dataset.splits.values():
        assert isinstance(split, MaskSplit)
        for place in range(len(split)):
            np.testing.assert_array_equal(split.mask(place), expected)
    assert [CLASSES[place] for place in (0, 1, 2, 3, 13, 17, 18)] == [
        "background", "skin", "nose", "eye_g", "hair", "neck", "cloth",
    ]  # fmt: skip
    assert len(CLASSES) == len(PALETTE) == len(set(PALETTE)) == 19
    # Colours that the publishers' own `g_color.py` gives skin, hair and cloth.
    assert (PALETTE[1], PALETTE[13], PALETTE[18]) == ((204, 0, 0), (0, 0, 204), (0, 204, 0))


def test_images_are_brought_down_to_their_masks(root: Path):
    sample = load(root).splits["train"][0]
    assert tuple(sample.image.shape) == (3, SIDE, SIDE)
    assert sample.image.dtype == torch.uint8
    assert tuple(sample.target.shape) == (SIDE, SIDE)
    columns = sample.image.float().mean(dim=(0, 1))
    # The edge stays in the middle: between the eighth and the ninth of 16 columns.
    assert columns[:7].max() < 20
    assert columns[9:].min() > 180
    assert float(columns[7] + columns[8]) == pytest.approx(200, abs=8)


def test_size_and_notes(root: Path):
    dataset = load(root)
    assert dataset.native_size == (512, 512)
    text = " ".join(dataset.notes)
    assert "brought down to the size of their masks" in text
    assert "augmentation.flip=0" in text
    assert "carved" in text


def test_splits_of_celeba(root: Path):
    # The first and last image of each split in CelebA's list_eval_partition.txt.
    write_mapping(root, dict(zip(NUMBERS, (1, 162770, 162771, 182637, 182638, 202599), strict=True)))
    dataset = load(root)
    assert {name: list(split.ids) for name, split in dataset.splits.items()} == {
        "train": ["00000", "00001"],
        "val": ["00002", "01999"],
        "test": ["02000", "29999"],
    }
    assert not any(origin.carved for origin in dataset.origins.values())
    split = dataset.splits["test"]
    assert split.path(1) == root / "CelebA-HQ-img" / "29999.jpg"
    assert split.fingerprint() != dataset.splits["val"].fingerprint()
    again = pickle.loads(pickle.dumps(split))
    np.testing.assert_array_equal(again.mask(1), split.mask(1))
    assert again.subset([1]).ids == ["29999"]


def test_part_of_the_images_without_the_mapping(root: Path):
    dataset = load(root)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 4, "val": 1, "test": 1}
    assert dataset.origins["test"].source == "all"
    assert sorted(identity for split in dataset.splits.values() for identity in split.ids) == sorted(
        f"{number:05d}" for number in NUMBERS
    )


def test_mapping_that_is_not_whole(root: Path):
    write_mapping(root, {0: 119614})
    with pytest.raises(DataError, match=r"mapping\.txt does not say which image of CelebA 1\.jpg is"):
        load(root)
    write_mapping(root, dict.fromkeys(NUMBERS, 202600))
    with pytest.raises(DataError, match=r"does not say which image of CelebA 0\.jpg is"):
        load(root)


def test_missing_and_wrong_files(root: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"data=celeba needs data\.root.*CelebA-HQ-img/<number>\.jpg"):
        load(None)
    with pytest.raises(DataError, match=r"was not found"):
        load(tmp_path / "CelebAMask-HQ" / "CelebA-HQ-img")
    Image.new("RGB", (4, 4)).save(root / "CelebA-HQ-img" / "7.jpg")
    with pytest.raises(DataError, match=r"1 of 7 images have no mask, the first is CelebA-HQ-img/7\.jpg"):
        load(root)
    odd = write_part(root, 7, "beard", np.s_[0:1, 0:1])
    with pytest.raises(DataError, match=r"00007_beard\.png is none of the 18 parts: skin, nose"):
        load(root)
    odd.unlink()
    for file in (root / "CelebA-HQ-img").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="CelebA-HQ-img has no images"):
        load(root)


def test_sizes_that_do_not_fit(root: Path):
    split = load(root).splits["train"]
    number = int(split.ids[0])
    write_part(root, number, "hair", np.s_[0:4], side=8)
    with pytest.raises(DataError, match=r"_hair\.png is 8 x 8 pixels, the other parts of the face are 16 x 16"):
        split[0]
    write_part(root, number, "hair", np.s_[0:4])
    Image.new("RGB", (32, 24)).save(root / "CelebA-HQ-img" / f"{number}.jpg")
    with pytest.raises(DataError, match=r"is 32 x 24 pixels, its mask 16 x 16; height and width"):
        split[0]
