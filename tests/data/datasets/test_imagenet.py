"""ImageNet's folders: names, subsets, and what is done with train and val."""

from pathlib import Path

import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.datasets.imagenet import aliases, detection_aliases
from vyvod.data.load import load_dataset
from vyvod.errors import DataError, SettingsError

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


# --- boxes

DOG, TENCH, TABBY = "n02084071", "n01440764", "n02123045"


def write_box(root: Path, kind: str, place: str, *wnids: str) -> None:
    image, file = root / "Data" / kind / f"{place}.JPEG", root / "Annotations" / kind / f"{place}.xml"
    for path in (image, file):
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6)).save(image)
    edges = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>"
    objects = "".join(f"<object><name>{wnid}</name>{edges}</object>" for wnid in wnids)
    file.write_text(f"<annotation><size><width>8</width><height>6</height></size>{objects}</annotation>")


def load_boxes(root: Path, **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="imagenet", root=root, **settings), "detection", needed=())


@pytest.fixture
def loc(tmp_path: Path) -> Path:
    for wnid in (TENCH, TABBY):
        for number in range(10):
            write_box(tmp_path / "ILSVRC", "CLS-LOC", f"train/{wnid}/{wnid}_{number}", wnid)
    write_box(tmp_path / "ILSVRC", "CLS-LOC", "val/ILSVRC2012_val_00000001", TENCH, TENCH)
    write_box(tmp_path / "ILSVRC", "CLS-LOC", "val/ILSVRC2012_val_00000002", TABBY)
    Image.new("RGB", (8, 6)).save(tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "val" / "unlabelled.JPEG")
    return tmp_path


def test_boxes_of_loc(loc: Path):
    dataset = load_boxes(loc)
    assert dataset.classes == ("tench", "tabby")
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 17, "val": 3, "test": 2}
    assert dataset.origins["test"] == Origin("val")
    test = dataset.splits["test"]
    assert list(test.ids) == ["CLS-LOC/val/ILSVRC2012_val_00000001", "CLS-LOC/val/ILSVRC2012_val_00000002"]
    assert test[0].target["boxes"].tolist() == [[1, 2, 5, 6]] * 2
    assert test.objects(1)["labels"].tolist() == [1]
    assert load_boxes(loc / "ILSVRC", variant="loc").splits["test"].fingerprint() == test.fingerprint()


@pytest.mark.parametrize("name", ["tabby", TABBY])
def test_boxes_of_some_classes(loc: Path, name: str):
    dataset = load_boxes(loc, classes=(name,))
    assert dataset.classes == ("tabby",)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 8, "val": 2, "test": 1}
    assert dataset.splits["test"].objects(0)["labels"].tolist() == [0]


def test_boxes_of_det_have_classes_that_loc_has_not(tmp_path: Path):
    for number in range(5):
        write_box(tmp_path, "DET", f"train/ILSVRC2013_train/{DOG}/{DOG}_{number}", DOG, TABBY)
        write_box(tmp_path, "DET", f"train/ILSVRC2014_train_0000/ILSVRC2014_train_{number:08d}", TABBY)
    write_box(tmp_path, "DET", "val/ILSVRC2012_val_00000001", DOG)
    dataset = load_boxes(tmp_path)
    assert dataset.classes == ("dog", "tabby")
    assert "DET" in dataset.card.title
    chosen = load_boxes(tmp_path, classes=("tabby", DOG))
    assert chosen.classes == ("tabby", "dog")
    assert chosen.splits["test"].objects(0)["labels"].tolist() == [1]


def test_names_of_all_wordnet_ids():
    names = detection_aliases()
    assert len(names) == len(set(names.values())) > 21_000
    assert names[DOG] == "dog"
    assert names["n02691156"] == "airplane"
    assert {wnid: names[wnid] for wnid in aliases()} == dict(aliases())


def test_missing_boxes(loc: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"has no boxes in .*Expected there: ILSVRC/Annotations/CLS-LOC"):
        load_boxes(tmp_path / "ILSVRC" / "Data")
    with pytest.raises(SettingsError, match="has loc and det for detection"):
        load_boxes(loc, variant="vid")
    (loc / "ILSVRC" / "Data" / "CLS-LOC" / "train" / TENCH / f"{TENCH}_3.JPEG").unlink()
    with pytest.raises(DataError, match=f"1 of 20 images that have annotations are missing in .*{TENCH}_3"):
        load_boxes(loc)
