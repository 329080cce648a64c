"""Masks of every kind, written here pixel by pixel."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vyvod.data.formats.masks import (
    ColourMasks,
    MaskFiles,
    NumberMasks,
    identity_table,
    indices,
    mapped,
    pairs_by_name,
    stored,
    voc_palette,
)
from vyvod.errors import DataError

VALUES = np.array([[0, 1, 2], [255, 1, 0]], dtype=np.uint8)


def save(path: Path, pixels: np.ndarray, *, palette: list[int] | None = None) -> Path:
    image = Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(palette + [0] * (768 - len(palette)))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def test_palette_grey_black_and_white_and_16_bit_files_give_what_is_stored(tmp_path: Path):
    flat = [channel for colour in voc_palette(256) for channel in colour]
    assert (indices(save(tmp_path / "p.png", VALUES, palette=flat)) == VALUES).all()
    assert (indices(save(tmp_path / "g.png", VALUES)) == VALUES).all()
    assert (indices(save(tmp_path / "b.png", VALUES > 0)) == (VALUES > 0) * 255).all()
    assert (indices(save(tmp_path / "i.png", VALUES.astype(np.uint16) * 256)) == VALUES.astype(int) * 256).all()


def test_codes_are_the_colours_a_person_sees(tmp_path: Path):
    flat = [channel for colour in voc_palette(256) for channel in colour]
    # VOC: 1 is (128, 0, 0), 2 is (0, 128, 0), 255 is (224, 224, 192).
    expected = np.array([[0, 0x800000, 0x008000], [0xE0E0C0, 0x800000, 0]])
    assert (stored(save(tmp_path / "p.png", VALUES, palette=flat)).codes() == expected).all()
    colours = np.stack([expected >> 16, expected >> 8 & 255, expected & 255], axis=2).astype(np.uint8)
    assert (stored(save(tmp_path / "c.png", colours)).codes() == expected).all()
    deep = save(tmp_path / "i.png", np.array([[0, 1, 65535, 300]], dtype=np.uint16))
    assert stored(deep).codes().tolist() == [[0, 0x010101, 0xFFFFFF, -1]]


def test_a_jpeg_is_no_mask_whatever_it_is_called(tmp_path: Path):
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(tmp_path / "a.png", format="JPEG")
    with pytest.raises(DataError, match=r"a\.png.*it is a JPEG.*save the mask as PNG"):
        indices(tmp_path / "a.png")


def test_numbers_outside_the_table_are_named(tmp_path: Path):
    table = identity_table(2)
    assert mapped(np.array([[0, 1, 255]]), table, tmp_path, expected="").tolist() == [[0, 1, 255]]
    with pytest.raises(DataError, match=r"a\.png holds the values -1, 2, 7, 300; expected 0 or 1"):
        mapped(np.array([[0, 7, 2], [300, -1, 255]]), table, tmp_path / "a.png", expected="0 or 1")


def test_grey_in_three_channels_counts_as_grey_and_colour_does_not(tmp_path: Path):
    read = NumberMasks(tmp_path, identity_table(3), "0 to 2")
    save(tmp_path / "grey.png", np.repeat(VALUES[..., None], 3, axis=2))
    assert (read("grey.png") == VALUES).all()
    save(tmp_path / "red.png", np.full((2, 2, 3), (128, 0, 0), dtype=np.uint8))
    with pytest.raises(DataError, match=r"red\.png is in colour; expected 0 to 2"):
        read("red.png")


def test_colours_against_a_plain_search(tmp_path: Path):
    rng = np.random.default_rng(0)
    palette = rng.choice(1 << 24, 40, replace=False)
    truth = rng.integers(0, 40, (30, 20))
    codes = palette[truth]
    save(tmp_path / "a.png", np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=2).astype(np.uint8))
    read = ColourMasks(tmp_path, palette, np.array([*range(39), 255]), "one of 40 colours")
    assert (read("a.png") == np.where(truth == 39, 255, truth)).all()
    copy = pickle.loads(pickle.dumps(read))  # it is sent to workers
    assert (copy("a.png") == read("a.png")).all()


def test_a_colour_in_no_table(tmp_path: Path):
    save(tmp_path / "a.png", np.array([[[0, 0, 0], [1, 2, 3]]], dtype=np.uint8))
    with pytest.raises(DataError, match=r"a\.png holds the colours 1,2,3; expected black"):
        ColourMasks(tmp_path, np.array([0]), np.array([0]), "black")("a.png")


def files(root: Path, **options: object) -> MaskFiles:
    read = NumberMasks(root, identity_table(3), "0 to 2")
    return MaskFiles(root, ["a", "b"], ["a.png", "b.png"], ["a_mask.png", "b_mask.png"], read, **options)


def test_samples_and_fingerprint(tmp_path: Path):
    for name in "ab":
        save(tmp_path / f"{name}.png", np.full((2, 3, 3), 10, dtype=np.uint8))
        save(tmp_path / f"{name}_mask.png", VALUES)
    split = files(tmp_path)
    sample = split[1]
    assert (sample.id, tuple(sample.image.shape), sample.image.dtype) == ("b", (3, 2, 3), torch.uint8)
    assert sample.target.tolist() == VALUES.tolist()
    assert split.subset([1]).ids == ["b"]
    before = split.fingerprint()
    save(tmp_path / "b_mask.png", np.zeros((2, 3), dtype=np.uint8))
    assert split.fingerprint() != before


def test_grey_images_keep_one_channel(tmp_path: Path):
    save(tmp_path / "a.png", np.array([[5, 6, 7], [8, 9, 10]], dtype=np.uint8))
    save(tmp_path / "b.png", np.full((2, 3, 3), (1, 2, 3), dtype=np.uint8))
    for name in "ab":
        save(tmp_path / f"{name}_mask.png", VALUES)
    split = files(tmp_path, channels=1).subset([0, 1])
    assert split[0].image.tolist() == [[[5, 6, 7], [8, 9, 10]]]
    with pytest.raises(DataError, match=r"b\.png is in colour, while the images of this data set are grey"):
        split[1]


def test_sizes_that_differ(tmp_path: Path):
    save(tmp_path / "a.png", np.zeros((4, 6), dtype=np.uint8))
    save(tmp_path / "a_mask.png", VALUES)
    with pytest.raises(DataError, match=r"a\.png is 6 x 4 pixels, its mask .*a_mask\.png is 3 x 2"):
        files(tmp_path)[0]


def pairs(images: str, masks: str, **options: object) -> dict[str, str]:
    found = pairs_by_name(
        [Path(name) for name in images.split()], [Path(name) for name in masks.split()], expected="masks/", **options
    )
    return {image.as_posix(): mask.as_posix() for image, mask in found}


def test_pairs_by_name_or_with_an_ending():
    assert pairs("a.jpg b.jpg", "b.png a_mask.png c.png") == {"a.jpg": "a_mask.png", "b.jpg": "b.png"}
    assert pairs("1_mask.jpg", "1_mask.png") == {"1_mask.jpg": "1_mask.png"}
    for ending in ("_mask", "-mask", "_label", "_gt", "_L", " labels"):
        found = list(pairs_by_name([Path("x.jpg")], [Path(f"x{ending}.png")], expected=""))
        assert found == [(Path("x.jpg"), Path(f"x{ending}.png"))]


def test_pairs_in_folders_of_the_same_names():
    found = pairs("i/1/a.jpg i/2/a.jpg", "m/2/a.png m/1/a.png", folders=(Path("i"), Path("m")))
    assert found == {"i/1/a.jpg": "m/1/a.png", "i/2/a.jpg": "m/2/a.png"}


def test_pairs_that_are_missing_twofold_or_smeared():
    with pytest.raises(DataError, match=r"The image b\.jpg \(and 1 more\) has no mask. Expected: masks/"):
        pairs("a.jpg b.jpg c.jpg", "a.png")
    with pytest.raises(DataError, match=r"a\.jpg has two masks, a\.png and a\.bmp"):
        pairs("a.jpg", "a.png a.bmp")
    with pytest.raises(DataError, match=r"The mask m/a\.jpg is a JPEG"):
        pairs("a.jpg", "m/a.jpg")
    assert pairs("a.jpg", "m/a.jpg m/a.png") == {"a.jpg": "m/a.png"}


def test_the_colours_of_voc():
    # From the table in VOC's development kit: aeroplane, bicycle, person, tvmonitor, border.
    palette = voc_palette(256)
    assert [palette[number] for number in (1, 2, 15, 20, 255)] == [
        (128, 0, 0), (0, 128, 0), (192, 128, 128), (0, 64, 128), (224, 224, 192),
    ]  # fmt: skip
