"""A person's own folders of images and masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.load import load_dataset
from vyvod.errors import DataError


def put(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def fill(images: Path, masks: Path | None, *, count: int = 4, ending: str = "", grey: bool = False) -> None:
    for place in range(count):
        pixels = np.full((4, 6), place)
        put(images / f"{place}.png", pixels if grey else np.stack([pixels, pixels + 1, pixels], axis=2))
        if masks is not None:
            put(masks / f"{place}{ending}.png", np.tile([0, 255], (4, 3)))


def load(root: Path | None, **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="mask-folder", root=root, **settings), "segmentation")


def sizes(dataset: Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in dataset.splits.items()}


def test_two_folders(tmp_path: Path):
    fill(tmp_path / "Images", tmp_path / "GT", count=20, ending="_mask")
    dataset = load(tmp_path)
    assert sizes(dataset) == {"train": 14, "val": 3, "test": 3}
    assert dataset.origins["test"] == Origin("all", carved=True, share=0.15, seed=0)
    assert (dataset.classes, dataset.native_size, dataset.channels) == (("background", "foreground"), (4, 6), 3)
    assert dataset.card.title == tmp_path.name
    sample = dataset.splits["train"][0]
    assert sample.target[0].tolist() == [0, 1, 0, 1, 0, 1]
    assert int(sample.image[0, 0, 0]) == int(Path(sample.id).stem)
    assert any("image by image" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("images", "masks", "ending"),
    [
        ("{}/images", "{}/masks", ""),
        ("images/{}", "masks/{}", ""),
        ("{}", "{}_labels", "_L"),  # CamVid as it is spread on Kaggle
        ("{}", "{}annot", ""),
        ("{}/JPEGImages", "{}/SegmentationClass", ""),
    ],
)
def test_splits_in_each_nesting(tmp_path: Path, images: str, masks: str, ending: str):
    for split, count in (("train", 5), ("valid", 2), ("Test", 3)):
        fill(tmp_path / images.format(split), tmp_path / masks.format(split), count=count, ending=ending)
    dataset = load(tmp_path)
    assert sizes(dataset) == {"train": 5, "val": 2, "test": 3}
    assert dataset.origins == {name: Origin(name) for name in ("train", "val", "test")}
    assert len(dataset.notes) == 1
    for split in dataset.splits.values():
        assert all(split[place].target.unique().tolist() == [0, 1] for place in range(len(split)))


def test_images_in_folders_below(tmp_path: Path):
    for film in ("1", "2"):
        fill(tmp_path / "images" / film, tmp_path / "masks" / film)
    assert sorted(
        identity
        for split in load(tmp_path, val_fraction=0.2, test_fraction=0.2).splits.values()
        for identity in split.ids
    ) == [f"images/{film}/{place}.png" for film in "12" for place in range(4)]


def test_a_test_split_without_masks_is_left_out(tmp_path: Path):
    fill(tmp_path / "train/images", tmp_path / "train/masks", count=20)
    fill(tmp_path / "test/images", None)
    dataset = load(tmp_path)
    assert sizes(dataset) == {"train": 14, "val": 3, "test": 3}
    assert "test/images has no masks and is left out; test is carved from the training images." in dataset.notes


def test_grey_images_stay_grey(tmp_path: Path):
    fill(tmp_path / "images", tmp_path / "masks", count=20, grey=True)
    dataset = load(tmp_path)
    assert dataset.channels == 1
    assert dataset.splits["train"][0].image.shape == (1, 4, 6)
    put(tmp_path / "images" / "7.png", np.zeros((4, 6, 3)))
    assert load(tmp_path).channels == 3


def test_hidden_files_and_text_are_passed_over(tmp_path: Path):
    fill(tmp_path / "images", tmp_path / "masks", count=20)
    (tmp_path / "images" / "._3.png").write_bytes(b"")
    (tmp_path / "masks" / "Thumbs.db").write_bytes(b"")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "0.txt").write_text("0 0.5 0.5 1 1")
    assert sum(sizes(load(tmp_path)).values()) == 20


def test_mistakes_in_the_layout(tmp_path: Path):
    with pytest.raises(DataError, match=r"data=mask-folder needs data\.root: the folder that holds images/ and masks/"):
        load(None)
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"was not found. Expected: images/ and masks/"):
        load(tmp_path)
    fill(tmp_path / "images", None)
    with pytest.raises(DataError, match=r"images holds images, but there are no masks. Expected"):
        load(tmp_path)
    fill(tmp_path / "images", tmp_path / "masks")
    fill(tmp_path / "images", tmp_path / "label")
    with pytest.raises(DataError, match=r"has both label/ and masks/"):
        load(tmp_path)


def test_training_images_without_masks_beside_a_val_split_with_them(tmp_path: Path):
    fill(tmp_path / "train", None)
    fill(tmp_path / "val/images", tmp_path / "val/masks")
    with pytest.raises(DataError, match=r"there are no masks of train"):
        load(tmp_path)


def test_an_image_without_a_mask(tmp_path: Path):
    fill(tmp_path / "images", tmp_path / "masks")
    (tmp_path / "masks" / "2.png").unlink()
    with pytest.raises(DataError, match=r"images/2\.png has no mask. Expected: a file of the same name in .*masks"):
        load(tmp_path)


def test_jpeg_masks_are_refused(tmp_path: Path):
    fill(tmp_path / "images", None)
    for place in range(4):
        put(tmp_path / "masks" / f"{place}.jpg", np.zeros((4, 6)))
    with pytest.raises(DataError, match=r"0\.jpg is a JPEG.*Make the masks anew as PNG"):
        load(tmp_path)


def test_membrane(shared_data: Path):
    dataset = load(shared_data / "membrane")
    assert sizes(dataset) == {"train": 14, "val": 3, "test": 3}
    assert (dataset.classes, dataset.native_size, dataset.channels) == (("background", "foreground"), (512, 512), 1)
    # Most of the brain tissue is cells (white), the membranes between them are dark in image and mask.
    for place in range(len(dataset.splits["train"])):
        sample = dataset.splits["train"][place]
        white = sample.target == 1
        assert 0.6 < float(white.float().mean()) < 0.95
        assert sample.image[0][white].float().mean() > sample.image[0][~white].float().mean() + 20


def test_voc_folders(shared_data: Path):
    dataset = load(shared_data / "voc_from_coco" / "VOCdevkit" / "VOC2012")
    assert len(dataset.classes) == 21
    assert dataset.palette is not None
    assert dataset.palette[15] == (192, 128, 128)
    assert any("255 do not count" in note for note in dataset.notes)


def test_a_folder_with_instances_beside_the_masks(shared_data: Path):
    dataset = load(shared_data / "embedded" / "segmentation_nuclei")
    assert sizes(dataset) == {"train": 9, "val": 4, "test": 3}
    assert dataset.classes == ("background", "foreground")
