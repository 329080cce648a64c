"""Pascal VOC: editions, what becomes of its lists, SBD's masks, and folders that are not whole."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.datasets.voc import load as load_voc
from vyvod.data.formats.voc import CLASSES, read_list
from vyvod.data.load import load_dataset
from vyvod.errors import DataError, SettingsError

SIZE = (8, 6)


def load(root: Path | None, **settings: Any) -> Dataset:
    return load_voc(DataSettings(name="voc", root=root, **settings), "segmentation")


def number(name: str) -> int:
    """What the mask of that name is full of."""
    return int(name[-2:]) % 21


def write_edition(folder: Path, *, test_masks: bool = False, **lists: list[str]) -> None:
    for place in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / place).mkdir(parents=True)
    for split, names in lists.items():
        (folder / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for name in names:
            Image.new("RGB", SIZE).save(folder / "JPEGImages" / f"{name}.jpg")
            if split != "test" or test_masks:
                write_mask(folder / "SegmentationClass" / f"{name}.png", number(name))


def write_mask(file: Path, value: int, *, border: int = 255) -> None:
    file.parent.mkdir(exist_ok=True)
    mask = Image.new("P", SIZE, value)
    mask.putpalette([200, 10, 10] * 256)
    mask.putpixel((0, 0), border)
    mask.save(file)


def names(start: int, count: int) -> list[str]:
    return [f"2007_0000{place:02d}" for place in range(start, start + count)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_edition(tmp_path / "VOCdevkit" / "VOC2012", train=names(0, 20), val=names(20, 5), test=names(30, 2))
    return tmp_path


def sizes(dataset: Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in dataset.splits.items()}


def test_real_images(shared_data: Path):
    dataset = load(shared_data / "voc_from_coco")
    assert dataset.classes == CLASSES
    assert sizes(dataset) == {"train": 27, "val": 3, "test": 10}
    assert dataset.origins["test"] == Origin("val")
    assert dataset.origins["val"] == Origin("train", carved=True, share=0.1, seed=0)
    assert "the published val is the test split" in dataset.notes[0]
    assert dataset.palette is not None
    held: set[int] = set()
    for split in dataset.splits.values():
        for place in range(len(split)):
            sample = split[place]
            file = shared_data / "voc_from_coco" / "VOCdevkit" / "VOC2012" / "SegmentationClass" / f"{sample.id}.png"
            with Image.open(file) as picture:
                np.testing.assert_array_equal(sample.target.numpy(), np.array(picture))
                colours = np.array(picture.convert("RGB"))
            assert sample.image.shape[1:] == sample.target.shape
            for value in np.unique(sample.target).tolist():
                held.add(value)
                if value != 255:
                    assert tuple(colours[sample.target.numpy() == value][0]) == dataset.palette[value]
    # VOC's own colours in the palettes of the files, and borders.
    assert 255 in held
    assert len(held) > 10


@pytest.mark.parametrize("below", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_every_root_gives_the_same(root: Path, below: str):
    dataset, whole = load(root / below), load(root)
    assert sizes(dataset) == {"train": 17, "val": 3, "test": 5}
    for name, split in dataset.splits.items():
        assert split.ids == whole.splits[name].ids
        assert split.fingerprint() == whole.splits[name].fingerprint()
    assert set(dataset.splits["test"].ids) == set(names(20, 5))
    sample = dataset.splits["test"][0]
    assert sample.target[0, 0] == 255
    assert sample.target[1, 1] == number(sample.id)


def test_editions(root: Path):
    write_edition(
        root / "VOCdevkit" / "VOC2007", train=["000001", "000002"], val=["000003"], test=["000004"], test_masks=True
    )
    assert load(root).card.title == "Pascal VOC 2012"
    older = load(root, variant="2007")
    assert older.card.title == "Pascal VOC 2007"
    assert sizes(older) == {"train": 2, "val": 1, "test": 1}
    assert older.origins == {name: Origin(name) for name in ("train", "val", "test")}
    assert older.splits["test"].ids == ["000004"]
    assert "The masks of the published test split are there" in older.notes[0]
    assert load(root / "VOCdevkit" / "VOC2007").card.title == "Pascal VOC 2007"
    with pytest.raises(DataError, match=r"VOC2012 is VOC 2012, and data\.variant=2007"):
        load(root / "VOCdevkit" / "VOC2012", variant="2007")
    with pytest.raises(SettingsError, match=r"data\.variant=2010: data=voc has the variants 2007 and 2012"):
        load(root, variant="2010")


def test_only_an_older_edition(tmp_path: Path):
    write_edition(tmp_path / "VOC2007", trainval=[f"0000{place}" for place in range(10, 20)])
    dataset = load(tmp_path)
    assert dataset.card.title == "Pascal VOC 2007"
    assert sizes(dataset) == {"train": 6, "val": 2, "test": 2}
    with pytest.raises(DataError, match=r"data=voc was not found .* VOCdevkit/VOC2012/ with"):
        load(tmp_path, variant="2012")


def write_photos(folder: Path, wanted: list[str]) -> None:
    for name in wanted:
        Image.new("RGB", SIZE).save(folder / "JPEGImages" / f"{name}.jpg")


def everything(dataset: Dataset) -> dict[str, int]:
    """Id -> value of its mask, for what is trained on or chooses the checkpoint."""
    return {
        split.ids[place]: int(split[place].target[1, 1])
        for split in (dataset.splits["train"], dataset.splits["val"])
        for place in range(len(split))
    }


@pytest.mark.parametrize("listed", ["plain", "deeplab", None])
def test_augmented_masks(root: Path, listed: str | None):
    folder = root / "VOCdevkit" / "VOC2012"
    extra = names(40, 10)
    write_photos(folder, extra)
    # As DeepLab's folder: of val and test too, and of train once more.
    for name in (*names(0, 25), *names(30, 2), *extra):
        write_mask(folder / "SegmentationClassAug" / f"{name}.png", 20 if name in extra else 3, border=0)
    line = {"plain": "{0}", "deeplab": "/JPEGImages/{0}.jpg /SegmentationClassAug/{0}.png"}
    if listed:
        # A list in which somebody has left images of val.
        text = "\n".join(line[listed].format(name) for name in (*names(0, 22), *extra))
        (folder / "ImageSets" / "Segmentation" / "trainaug.txt").write_text(text)
    dataset = load(root)
    values = everything(dataset)
    assert set(values) == {*names(0, 20), *extra}
    assert all(value == (20 if name in extra else number(name)) for name, value in values.items())
    assert set(dataset.splits["test"].ids) == set(names(20, 5))
    assert "10 images with the rougher masks of SBD (SegmentationClassAug)" in dataset.notes[1]


@pytest.mark.parametrize("place", ["benchmark_RELEASE/dataset", "VOCdevkit/VOC2012/sbd"])
def test_masks_of_sbd(root: Path, place: str):
    folder = root / "VOCdevkit" / "VOC2012"
    extra = names(40, 6)
    write_photos(folder, extra[:5])
    (root / place / "cls").mkdir(parents=True)
    for name in (*names(18, 5), *names(30, 1), *extra):
        write_sbd(root / place / "cls" / f"{name}.mat", np.full(SIZE[::-1], 20, np.uint8))
    dataset = load(root)
    values = everything(dataset)
    assert set(values) == {*names(0, 20), *extra[:5]}
    assert all(value == (20 if name in extra else number(name)) for name, value in values.items())
    assert "5 images with the rougher masks of SBD (benchmark_RELEASE" in dataset.notes[1]
    split = pickle.loads(pickle.dumps(dataset.splits["train"]))
    assert split.fingerprint() == dataset.splits["train"].fingerprint()


def write_sbd(file: Path, mask: np.ndarray) -> None:
    structure = {"Segmentation": mask, "Boundaries": np.zeros((20, 1)), "CategoriesPresent": np.uint8(20)}
    savemat(file, {"GTcls": structure}, do_compression=True)


def test_damaged_masks_of_sbd(root: Path):
    folder = root / "benchmark_RELEASE" / "dataset" / "cls"
    folder.mkdir(parents=True)
    file = folder / "2007_000040.mat"
    write_photos(root / "VOCdevkit" / "VOC2012", ["2007_000040"])
    write_sbd(file, np.full(SIZE[::-1], 21, np.uint8))
    whole = file.read_bytes()
    split = load(root, val_fraction=0.05).splits["train"]
    place = list(split.ids).index("2007_000040")
    with pytest.raises(DataError, match=r"2007_000040\.mat holds the values 21; expected 0 \(background\), 1 to 20"):
        split[place]
    for damaged in (b"", b"MATLAB", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=r"2007_000040\.mat cannot be read as a mask of SBD"):
            split[place]
    savemat(file, {"GTinst": 1})
    with pytest.raises(DataError, match="it has no GTcls"):
        split[place]
    write_sbd(file, np.full((3, 4, 2), 0.5))
    with pytest.raises(DataError, match=r"shape \(3, 4, 2\) and the type float64; expected whole numbers"):
        split[place]
    file.unlink()
    with pytest.raises(DataError, match=r"2007_000040\.mat does not exist"):
        split[place]


def test_wrong_folders_and_missing_files(root: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"data=voc needs data\.root.*VOCdevkit/VOC2012/ with JPEGImages/"):
        load(None)
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"was not found.*It comes from http://host.*data\.download=true cannot fetch"):
        load(empty, download=True)
    folder = root / "VOCdevkit" / "VOC2012"
    mask = folder / "SegmentationClass" / "2007_000003.png"
    mask.rename(tmp_path / "away.png")
    with pytest.raises(DataError, match=r"1 of 20 masks are missing in .*SegmentationClass, the first is 2007_000003"):
        load(root)
    (tmp_path / "away.png").rename(mask)
    (folder / "JPEGImages" / "2007_000021.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 5 images are missing in .*JPEGImages, the first is 2007_000021\.jpg"):
        load(root)


def test_lists_that_overlap_or_are_absent(root: Path):
    lists = root / "VOCdevkit" / "VOC2012" / "ImageSets" / "Segmentation"
    (lists / "val.txt").write_text("2007_000003\n2007_000020\n")
    with pytest.raises(DataError, match=r"2007_000003 is in train\.txt and in val\.txt"):
        load(root)
    for name in ("train", "val"):
        (lists / f"{name}.txt").unlink()
    with pytest.raises(DataError, match=r"has no list of images; expected train\.txt and val\.txt"):
        load(root)


def test_masks_that_make_no_sense(root: Path):
    folder = root / "VOCdevkit" / "VOC2012" / "SegmentationClass"
    split = load(root).splits["test"]
    write_mask(folder / f"{split.ids[0]}.png", 21)
    with pytest.raises(DataError, match=rf"{split.ids[0]}\.png holds the values 21; expected 0 \(background\)"):
        split[0]
    Image.new("RGB", SIZE, (128, 0, 0)).save(folder / f"{split.ids[1]}.png")
    with pytest.raises(DataError, match=r"is in colour"):
        split[1]
    Image.new("L", (3, 3)).save(folder / f"{split.ids[2]}.png")
    with pytest.raises(DataError, match=r"is 8 x 6 pixels, its mask .* is 3 x 3"):
        split[2]


def test_lists_in_all_their_forms(tmp_path: Path):
    file = tmp_path / "list.txt"
    file.write_text(
        "\ufeff2007_000032\n\n2007_000039  1\r\n/JPEGImages/2007_000063.jpg /x/y.png\n../../etc/passwd\n2007_000032\n"
    )
    assert read_list(file) == ["2007_000032", "2007_000039", "2007_000063", "passwd"]
    assert read_list(tmp_path / "none.txt") == []


def test_chosen_classes(shared_data: Path):
    settings = DataSettings(name="voc", root=shared_data / "voc_from_coco", classes=("background", "person"))
    split, whole = load_dataset(settings, "segmentation").splits["test"], load(settings.root).splits["test"]
    for place in range(len(split)):
        expected = whole.mask(place)
        np.testing.assert_array_equal(split.mask(place), np.where(expected == 255, 255, expected == 15))


# --- boxes


def write_boxes(folder: Path, *, test_boxes: bool = True, **lists: list[str]) -> None:
    for place in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / place).mkdir(parents=True)
    for split, listed in lists.items():
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in listed))
        for name in listed:
            Image.new("RGB", SIZE).save(folder / "JPEGImages" / f"{name}.jpg")
            if split != "test" or test_boxes:
                (folder / "Annotations" / f"{name}.xml").write_text(xml("cat", "dog"))


def xml(*objects: str) -> str:
    edges = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>"
    texts = [
        f"<object><name>{name}</name><difficult>{int(name == 'dog')}</difficult>{edges}</object>" for name in objects
    ]
    return f"<annotation><size><width>8</width><height>6</height></size>{''.join(texts)}</annotation>"


def load_boxes(root: Path, **settings: Any) -> Dataset:
    return load_dataset(DataSettings(name="voc", root=root, **settings), "detection", needed=())


def test_real_boxes(shared_data: Path):
    dataset = load_boxes(shared_data / "voc2012_100")
    assert (dataset.classes, dataset.card.title) == (CLASSES[1:], "Pascal VOC 2012")
    assert sizes(dataset) == {"train": 27, "val": 3, "test": 10}
    assert dataset.origins["test"] == Origin("val")
    split = next(split for split in dataset.splits.values() if "2007_000027" in split.ids)
    target = split[list(split.ids).index("2007_000027")].target
    assert target["boxes"].tolist() == [[174, 101, 349, 351]]
    assert (dataset.classes[target["labels"][0]], target["areas"].tolist()) == ("person", [175 * 250])


def test_difficult_objects_do_not_count(tmp_path: Path):
    write_boxes(tmp_path / "VOC2012", trainval=names(0, 20), val=names(10, 10))
    target = load_boxes(tmp_path).splits["test"].objects(0)
    assert [CLASSES[1:][label] for label in target["labels"]] == ["cat", "dog"]
    assert target["crowd"].tolist() == [False, True]


def test_published_test_of_2007_and_the_mixture_of_both_years(tmp_path: Path):
    kit = tmp_path / "VOCdevkit"
    write_boxes(kit / "VOC2007", train=names(0, 10), val=names(10, 6), test=names(20, 4))
    write_boxes(kit / "VOC2012", test_boxes=False, train=names(30, 10), val=names(40, 6), test=names(50, 4))
    assert sizes(load_boxes(tmp_path, variant="2007")) == {"train": 10, "val": 6, "test": 4}
    assert sizes(load_boxes(tmp_path)) == {"train": 8, "val": 2, "test": 6}
    mixed = load_boxes(kit, variant="2007+2012")
    assert sizes(mixed) == {"train": 29, "val": 3, "test": 4}
    assert mixed.card.title == "Pascal VOC 2007+2012"
    assert {identity[:9] for identity in mixed.splits["test"].ids} == {"2007_0000"}
    assert all(split[place].image.shape == (3, 6, 8) for split in mixed.splits.values() for place in range(len(split)))
    for file in (kit / "VOC2007" / "Annotations").glob("2007_00002?.xml"):
        file.unlink()
    with pytest.raises(DataError, match=r"tested on the test images of 2007, whose annotations are not in .*VOC2007"):
        load_boxes(kit, variant="2007+2012")


def test_wrong_boxes(tmp_path: Path):
    write_boxes(tmp_path / "VOC2012", train=names(0, 6), val=names(10, 2))
    file = tmp_path / "VOC2012" / "Annotations" / f"{names(0, 1)[0]}.xml"
    file.write_text(xml("cat", "unicorn"))
    with pytest.raises(
        DataError, match=r"2007_000000\.xml, object 2: 'unicorn' is none of the 20 classes \(aeroplane, "
    ):
        load_boxes(tmp_path)
    file.unlink()
    with pytest.raises(DataError, match=r"1 of 6 annotations are missing"):
        load_boxes(tmp_path)
    with pytest.raises(SettingsError, match=r"variants 2007 and 2012, and 2007\+2012 for detection"):
        load_boxes(tmp_path, variant="2008")
    with pytest.raises(DataError, match=r"VOC2012/ with JPEGImages/, Annotations/ and ImageSets/Main/"):
        load_boxes(tmp_path / "VOC2012" / "Annotations")


def test_a_wrong_size_in_a_published_file_is_passed_over(tmp_path: Path):
    write_boxes(tmp_path / "VOC2012", train=names(0, 6), val=names(10, 2))
    for file in (tmp_path / "VOC2012" / "Annotations").iterdir():
        file.write_text(xml("cat").replace("<width>8", "<width>500"))
    assert load_boxes(tmp_path).splits["test"][0].target["size"].tolist() == [6, 8]
