"""Own boxes in three formats: real ones that load alike, every layout, and everything that can be wrong with them."""

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, OutlinedSplit
from vyvod.data.load import load_dataset
from vyvod.errors import DataError, SettingsError

Truth = dict[str, list[tuple[Any, ...]]]


def load(root: Path, *, needed: tuple[str, ...] = (), **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="box-folder", root=root, **settings), "detection", needed=needed)


def truth(dataset: Dataset, digits: int = 9) -> Truth:
    """Name of an image -> class, left, top, right, bottom of its objects."""
    found: Truth = {}
    for split in dataset.splits.values():
        for place, identity in enumerate(split.ids):
            target = split.objects(place)
            rows = zip(target["labels"].tolist(), target["boxes"].tolist(), strict=True)
            found[Path(identity).stem] = sorted(
                (dataset.classes[k], *(round(edge, digits) for edge in box)) for k, box in rows
            )
    return found


def sizes(dataset: Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in dataset.splits.items()}


# --- the same ground truth in all formats


@pytest.fixture
def voc2012(shared_data: Path) -> Path:
    return shared_data / "voc2012_100"


def as_coco(voc2012: Path, folder: Path, version: str) -> Path:
    folder.mkdir()
    shutil.copy(voc2012 / "coco" / f"instances_{version}.json", folder)
    (folder / "images").symlink_to(voc2012 / "VOCdevkit" / "VOC2012" / "JPEGImages")
    return folder


def as_yolo(voc2012: Path, folder: Path) -> Path:
    folder.mkdir()
    (folder / "images").symlink_to(voc2012 / "VOCdevkit" / "VOC2012" / "JPEGImages")
    (folder / "labels").symlink_to(voc2012 / "yolo" / "labels")
    names = (voc2012 / "yolo" / "obj.names").read_text().split()
    (folder / "data.yaml").write_text(yaml.safe_dump({"train": "images", "names": names}))
    return folder


def test_the_same_truth_in_all_formats_is_the_same(voc2012: Path, tmp_path: Path):
    xml = truth(load(voc2012 / "VOCdevkit" / "VOC2012"))
    assert (len(xml), sum(map(len, xml.values()))) == (40, 117)
    for version in ("v1", "v2"):
        assert truth(load(as_coco(voc2012, tmp_path / version, version))) == xml
    yolo = truth(load(as_yolo(voc2012, tmp_path / "yolo")))
    assert yolo.keys() == xml.keys()
    for name, objects in xml.items():
        assert [each[0] for each in yolo[name]] == [each[0] for each in objects]
        # Six decimals of 500 pixels: the corner of a box is off by at most 0.0004 pixels.
        apart = np.array([each[1:] for each in yolo[name]]) - np.array([each[1:] for each in objects])
        assert np.abs(apart).max(initial=0) < 4e-4
        assert np.array_equal(np.round(apart), np.zeros_like(apart))


def test_difficult_objects_do_not_count(voc2012: Path):
    dataset = load(voc2012 / "VOCdevkit" / "VOC2012")
    difficult = sum(
        int(split.objects(n)["crowd"].sum()) for split in dataset.splits.values() for n in range(len(split))
    )
    files = (voc2012 / "VOCdevkit" / "VOC2012" / "Annotations").glob("*.xml")
    assert difficult == sum(file.read_text().count("<difficult>1</difficult>") for file in files) == 20


def test_outlines_where_all_objects_have_them(voc2012: Path, tmp_path: Path):
    split = load(as_coco(voc2012, tmp_path / "v2", "v2")).splits["train"]
    assert isinstance(split, OutlinedSplit)
    assert len(split.outlines(0)) == len(split.objects(0)["boxes"])
    assert not isinstance(load(as_coco(voc2012, tmp_path / "v1", "v1")).splits["train"], OutlinedSplit)


def test_bccd(shared_data: Path):
    dataset = load(shared_data / "bccd" / "BCCD", test_fraction=0.2)
    assert (dataset.classes, dataset.native_size) == (("Platelets", "RBC", "WBC"), (480, 640))
    assert sizes(dataset) == {"train": 164, "val": 87, "test": 41}
    assert (dataset.origins["val"].carved, dataset.origins["test"].carved) == (False, True)
    assert dataset.notes[1].startswith("2 boxes without width or height")
    assert sum(map(len, truth(dataset).values())) == 292 + 3350 + 301 - 2
    # Stratified by the rarest class of an image: each split has some of each.
    for split in dataset.splits.values():
        labels = torch.cat([split.objects(place)["labels"] for place in range(len(split))])
        assert labels.unique().tolist() == [0, 1, 2]


def test_coco_mini(shared_data: Path):
    dataset = load(shared_data / "coco_mini")
    record = json.loads((shared_data / "coco_mini/annotations/instances_train2017.json").read_text())
    assert dataset.classes == tuple(each["name"] for each in sorted(record["categories"], key=lambda each: each["id"]))
    assert sum(map(len, truth(dataset).values())) == len(record["annotations"])
    crowds = [
        target["crowd"].sum() for s in dataset.splits.values() for target in (s.objects(n) for n in range(len(s)))
    ]
    assert int(sum(crowds)) == sum(each["iscrowd"] for each in record["annotations"]) > 0


# --- layouts, written here

TRUTH: Truth = {
    "a": [("cat", 1, 2, 5, 6), ("dog", 0, 0, 20, 10)],
    "b": [("dog", 4, 4, 8, 8)],
    "c": [],
    "d": [("cat", 2, 2, 4, 4)],
}
NAMES = ("cat", "dog")


def save(path: Path, *, size: tuple[int, int] = (20, 10), orientation: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(path, exif=exif)


def xml(objects: list[tuple[Any, ...]], *, width: int = 20, height: int = 10) -> str:
    edges = ("xmin", "ymin", "xmax", "ymax")
    texts = [
        f"<object><name>{name}</name><bndbox>"
        + "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(edges, box, strict=True))
        + "</bndbox></object>"
        for name, *box in objects
    ]
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    return f"<annotation><filename>wrong.jpg</filename>{size}{''.join(texts)}</annotation>"


def lines(objects: list[tuple[Any, ...]]) -> str:
    rows = [(NAMES.index(name), (a + c) / 40, (b + d) / 20, (c - a) / 20, (d - b) / 10) for name, a, b, c, d in objects]
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)


def coco(names: list[str], *, folder: str = "", ids: tuple[int, int] = (3, 7)) -> dict[str, Any]:
    boxes = [(place, each) for place, name in enumerate(names) for each in TRUTH[name]]
    return {
        "images": [
            {"id": place + 100, "file_name": f"{folder}{name}.png", "width": 20, "height": 10}
            for place, name in enumerate(names)
        ],
        "annotations": [
            {
                "id": n,
                "image_id": place + 100,
                "category_id": ids[NAMES.index(name)],
                "bbox": [a, b, c - a, d - b],
                "iscrowd": 0,
            }
            for n, (place, (name, a, b, c, d)) in enumerate(boxes)
        ],
        "categories": [{"id": identity, "name": name} for identity, name in zip(ids, NAMES, strict=True)],
    }


def write_json(path: Path, record: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))


def write_xml(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(xml(TRUTH[name]))


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def coco_one_file(root: Path) -> None:
    write_json(root / "labels.json", coco(list(TRUTH)))
    for name in TRUTH:
        save(root / f"{name}.png")


def coco_folders(root: Path) -> None:
    for split, names in (("train", ["a", "b"]), ("val", ["c", "d"])):
        write_json(root / "annotations" / f"instances_{split}.json", coco(names))
        for name in names:
            save(root / "images" / split / f"{name}.png")


def coco_paths(root: Path) -> None:
    write_json(root / "annotations" / "all.json", coco(list(TRUTH), folder="some/where/"))
    for name in TRUTH:
        save(root / "some" / "where" / f"{name}.png")


def coco_of_another_machine(root: Path) -> None:
    write_json(root / "all.json", coco(list(TRUTH), folder="/srv/me/"))
    for name in TRUTH:
        save(root / "images" / f"{name}.png")


def coco_roboflow(root: Path) -> None:
    for split, names in (("train", ["a", "b"]), ("valid", ["c"]), ("test", ["d"])):
        record = coco(names)
        record["categories"].insert(0, {"id": 0, "name": "pets", "supercategory": "none"})
        write_json(root / split / "_annotations.coco.json", record)
        for name in names:
            save(root / split / f"{name}.png")


def voc_whole(root: Path) -> None:
    for name in TRUTH:
        write_xml(root / "Annotations" / f"{name}.xml", name)
        save(root / "JPEGImages" / f"{name}.png")
    save(root / "JPEGImages" / "unlabelled.png")
    write_text(root / "ImageSets" / "Main" / "trainval.txt", "a\nb\nc\n")
    write_text(root / "ImageSets" / "Main" / "test.txt", "d\n")


def voc_beside(root: Path) -> None:
    for name in TRUTH:
        write_xml(root / f"{name}.xml", name)
        save(root / f"{name}.png")


def voc_splits(root: Path) -> None:
    for split, names in (("train", "ab"), ("valid", "c"), ("test", "d")):
        for name in names:
            write_xml(root / split / f"{name}.xml", name)
            save(root / split / f"{name}.png")


def yolo_splits_below(root: Path) -> None:
    for split, names in (("train", "ab"), ("val", "cd")):
        for name in names:
            save(root / "images" / split / f"{name}.png")
            if name != "c":  # no file: no objects
                write_text(root / "labels" / split / f"{name}.txt", lines(TRUTH[name]))
    record = {"path": "/content/pets", "train": "images/train", "val": "images/val", "nc": 2, "names": ["cat", "dog"]}
    write_text(root / "data.yaml", yaml.safe_dump(record))


def yolo_roboflow(root: Path) -> None:
    for split, names in (("train", "ab"), ("valid", "c"), ("test", "d")):
        for name in names:
            save(root / split / "images" / f"{name}.png")
            write_text(root / split / "labels" / f"{name}.txt", lines(TRUTH[name]))
    record = {
        split: f"../{folder}/images" for split, folder in (("train", "train"), ("val", "valid"), ("test", "test"))
    }
    write_text(root / "data.yaml", yaml.safe_dump(record | {"names": {0: "cat", 1: "dog"}}))


def yolo_lists(root: Path) -> None:
    for name in TRUTH:
        save(root / "images" / f"{name}.png")
        write_text(root / "labels" / f"{name}.txt", lines(TRUTH[name]))
    write_text(root / "train.txt", "./images/a.png\nimages/b.png\n")
    write_text(root / "val.txt", "/srv/me/pets/images/c.png\n\nC:\\pets\\images\\d.png\n")
    write_text(root / "pets.yaml", "train: train.txt\nval: [val.txt]\nnames:\n  0: cat\n  1: dog\n")


def yolo_names(root: Path) -> None:
    for name in TRUTH:
        save(root / "images" / f"{name}.png")
        write_text(root / "labels" / f"{name}.txt", lines(TRUTH[name]))
    write_text(root / "classes.txt", "cat\ndog\n")


LAYOUTS = (
    coco_one_file, coco_folders, coco_paths, coco_of_another_machine, coco_roboflow, voc_whole, voc_beside, voc_splits,
    yolo_splits_below, yolo_roboflow, yolo_lists, yolo_names,
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_every_layout_gives_the_same(layout: Callable[[Path], None], tmp_path: Path):
    layout(tmp_path)
    dataset = load(tmp_path)
    assert dataset.classes == NAMES
    assert truth(dataset, 4) == TRUTH
    assert dataset.native_size == (10, 20)
    ids = [identity for split in dataset.splits.values() for identity in split.ids]
    assert len(set(ids)) == 4
    assert all((tmp_path / identity).is_file() for identity in ids)
    assert all(
        split[place].image.shape == (3, 10, 20) for split in dataset.splits.values() for place in range(len(split))
    )


@pytest.mark.parametrize("layout", [coco_roboflow, voc_splits, yolo_roboflow])
def test_splits_of_the_folder_are_kept(layout: Callable[[Path], None], tmp_path: Path):
    layout(tmp_path)
    dataset = load(tmp_path)
    assert {name: [Path(i).stem for i in split.ids] for name, split in dataset.splits.items()} == {
        "train": ["a", "b"], "val": ["c"], "test": ["d"],
    }  # fmt: skip
    assert not any(origin.carved for origin in dataset.origins.values())


def test_lists_of_voc_are_splits_and_left_over_images_are_told(tmp_path: Path):
    voc_whole(tmp_path)
    dataset = load(tmp_path)
    assert [Path(i).stem for i in dataset.splits["test"].ids] == ["d"]
    assert dataset.notes[1] == (
        "1 images have no annotation, or are in no list, and are left out; the first is JPEGImages/unlabelled.png."
    )
    write_text(tmp_path / "ImageSets" / "Main" / "val.txt", "d\n")
    with pytest.raises(DataError, match=r"d is in val\.txt and in test\.txt"):
        load(tmp_path)


def test_absent_and_empty_label_files_are_images_without_objects(tmp_path: Path):
    yolo_splits_below(tmp_path)
    write_text(tmp_path / "labels" / "val" / "d.txt", "\n")
    dataset = load(tmp_path)
    assert truth(dataset, 4) == TRUTH | {"d": []}
    assert "1 image has no label file and is taken as without objects; the first is images/val/c.png." in dataset.notes


def test_outlines_of_yolo_become_boxes(tmp_path: Path):
    yolo_names(tmp_path)
    write_text(tmp_path / "labels" / "b.txt", "1 0.2 0.4 0.4 0.4 0.3 0.8\n")
    assert truth(load(tmp_path))["b"] == [pytest.approx(("dog", 4, 4, 8, 8))]


def test_category_ids_with_gaps_and_missing_boxes(tmp_path: Path):
    coco_one_file(tmp_path)
    record = coco(list(TRUTH), ids=(90, 17))
    for each in record["annotations"]:
        left, top, width, height = each.pop("bbox")
        each["segmentation"] = [[left, top, left + width, top, left + width, top + height, left, top + height]]
    write_json(tmp_path / "labels.json", record)
    dataset = load(tmp_path)
    assert dataset.classes == ("dog", "cat")
    assert truth(dataset) == TRUTH


@pytest.mark.parametrize("kind", ["voc", "coco"])
def test_boxes_of_a_rotated_image(tmp_path: Path, kind: str):
    # The file is 20 x 10, and 10 x 20 upright. Boxes of the stored frame are turned, boxes of the upright one are not.
    voc_beside(tmp_path) if kind == "voc" else coco_one_file(tmp_path)
    save(tmp_path / "b.png", orientation=6)
    assert truth(load(tmp_path))["b"] == [("dog", 2, 4, 6, 8)]
    if kind == "voc":
        (tmp_path / "b.xml").write_text(xml(TRUTH["b"], width=10, height=20))
    else:
        record = coco(list(TRUTH))
        record["images"][1] |= {"width": 10, "height": 20}
        write_json(tmp_path / "labels.json", record)
    assert truth(load(tmp_path))["b"] == [("dog", 4, 4, 8, 8)]


def test_variant_chooses_among_formats(tmp_path: Path):
    voc_beside(tmp_path)
    write_json(tmp_path / "all.json", coco(list(TRUTH)))
    with pytest.raises(
        DataError, match=r"Pascal VOC's XML and COCO's JSON\. Choose one: data\.variant=voc or data\.variant=coco"
    ):
        load(tmp_path)
    assert load(tmp_path, variant="coco").notes[0] == "The boxes are read from COCO's JSON."
    with pytest.raises(DataError, match=r"There is no YOLO's text files in"):
        load(tmp_path, variant="yolo")
    with pytest.raises(SettingsError, match="knows the formats coco, voc, yolo"):
        load(tmp_path, variant="pascal")


def test_other_json_files_do_not_disturb(tmp_path: Path):
    voc_beside(tmp_path)
    write_json(tmp_path / "notes.json", {"made": "by hand"})
    assert load(tmp_path).notes[0] == "The boxes are read from Pascal VOC's XML."


def test_chosen_classes(tmp_path: Path):
    voc_splits(tmp_path)
    dataset = load(tmp_path, classes=("dog",))
    assert truth(dataset) == {"a": [("dog", 0, 0, 20, 10)], "b": [("dog", 4, 4, 8, 8)], "c": [], "d": []}
    assert dataset.splits["train"][0].target["areas"].tolist() == [200]
    assert dataset.splits["train"].fingerprint() != load(tmp_path).splits["train"].fingerprint()
    assert len(load(tmp_path, classes=("dog",), limit=1).splits["train"]) == 1


def test_odd_boxes_are_told(tmp_path: Path):
    voc_beside(tmp_path)
    odd = [
        ("cat", "nan", 1, 2, 3),
        ("cat", 5, 5, 1, 1),
        ("cat", -5, -5, 4, 4),
        ("cat", 30, 30, 40, 40),
        ("cat", 1, 1, 2, 2),
    ]
    (tmp_path / "a.xml").write_text(xml(odd))
    dataset = load(tmp_path)
    assert truth(dataset)["a"] == [("cat", 0, 0, 4, 4), ("cat", 1, 1, 2, 2)]
    assert [note.split(";")[0] for note in dataset.notes[1:5]] == [
        "1 box with corners that are no numbers (NaN, infinite) was dropped",
        "1 box without width or height, or with swapped corners, was dropped",
        "1 box wholly outside its image was dropped",
        "1 box reaching beyond its image was clipped",
    ]


# --- wrong input


def refused(root: Path, expected: str, **settings: object) -> str:
    with pytest.raises(DataError, match=expected) as caught:
        load(root, **settings)
    return str(caught.value)


def test_no_root_no_folder_no_boxes(tmp_path: Path):
    with pytest.raises(DataError, match=r"needs data\.root"):
        load_dataset(DataSettings(name="box-folder"), "detection")
    refused(tmp_path / "missing", "does not exist")
    refused(tmp_path, "No boxes were found in")


def test_no_objects_at_all(tmp_path: Path):
    voc_splits(tmp_path)
    for name in "ab":
        (tmp_path / "train" / f"{name}.xml").write_text(xml([]))
    with pytest.raises(DataError, match="no object to train on in the 2 images of the train split"):
        load(tmp_path, needed=("train", "val", "test"))
    (tmp_path / "valid" / "c.xml").write_text(xml([]))
    (tmp_path / "test" / "d.xml").write_text(xml([]))
    refused(tmp_path, "There is no class")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 0.5 0.5 0.1 0.1", r"a\.txt, line 1: the class 2 is none of the 2 in .*classes\.txt \(0: cat, 1: dog\)"),
        ("0 0.5 0.5 0.1 0.1\n-1 0.5 0.5 0.1 0.1", r"a\.txt, line 2: the class -1 is none"),
        ("0 0.5 0.5 0.1", "line 1: '0 0.5 0.5 0.1' is no object. Expected five numbers"),
        ("cat 0.5 0.5 0.1 0.1", "line 1: 'cat 0.5 0.5 0.1 0.1' is no object"),
        ("0.5 0.5 0.5 0.1 0.1", "is no object"),
        ("nan 0.5 0.5 0.1 0.1", "is no object"),
        ("0 0,5 0,5 0,1 0,1", "is no object"),
        ("0 0.5 0.5 0.1 0.1 0.9", "is no object"),
    ],
)
def test_wrong_lines_of_yolo(tmp_path: Path, text: str, expected: str):
    yolo_names(tmp_path)
    write_text(tmp_path / "labels" / "a.txt", text)
    refused(tmp_path, expected)


def test_pixels_instead_of_shares(tmp_path: Path):
    yolo_names(tmp_path)
    for name in TRUTH:
        write_text(tmp_path / "labels" / f"{name}.txt", "0 10 5 4 4\n")
    refused(tmp_path, "YOLO's numbers are shares")


def test_labels_in_another_place(tmp_path: Path):
    yolo_names(tmp_path)
    for name in TRUTH:
        (tmp_path / "labels" / f"{name}.txt").rename(tmp_path / f"{name}.txt")
    refused(tmp_path, r"None of the 4 images has a label file; the first would be .*labels/a\.txt")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("names: [cat\n", "is not a YAML file"),
        ("train: images\nnames: 3\n", "`names` is no list of classes"),
        ("train: images\nnames: {cat: 0}\n", "`names` is no list of classes"),
        ("train: images\nnames: [cat, cat]\n", "the class 'cat' twice"),
        ("train: images\nnc: 3\nnames: [cat, dog]\n", "nc is 3, but there are 2 names"),
        ("names: [cat, dog]\n", "neither train nor val nor test"),
        ("train: pictures\nnames: [cat, dog]\n", "train is 'pictures', which does not exist below"),
        ("train: labels\nnames: [cat, dog]\n", "which holds no images"),
        ("train: list.txt\nnames: [cat, dog]\n", r"names images/x\.png, which does not exist \(1 such images\)"),
        ("train: &a [*a]\nnames: [cat, dog]\n", "train is no path of a folder"),
        ("train: images\nx: &x [lol, lol]\ny: &y [*x, *x]\nnames: [*y, *y]\n", "`names` is no list of classes"),
    ],
)
def test_wrong_data_yaml(tmp_path: Path, text: str, expected: str):
    yolo_names(tmp_path)
    write_text(tmp_path / "data.yaml", text)
    write_text(tmp_path / "list.txt", "images/a.png\nimages/x.png\n")
    refused(tmp_path, expected)


def test_entity_bomb(tmp_path: Path):
    voc_beside(tmp_path)
    (tmp_path / "a.xml").write_text('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>')
    refused(tmp_path, r"a\.xml was refused: it declares entities")


def test_class_outside_the_list_of_classes(tmp_path: Path):
    voc_beside(tmp_path)
    write_text(tmp_path / "classes.txt", "dog\ncow\n")
    refused(tmp_path, r"a\.xml, object 1: 'cat' is none of the 2 classes \(dog, cow\)")


def test_annotation_without_image(tmp_path: Path):
    voc_beside(tmp_path)
    (tmp_path / "b.png").unlink()
    refused(tmp_path, r"1 of 4 annotations have no image in .*, the first is b\.xml")


def test_annotation_of_an_image_of_another_size(tmp_path: Path):
    voc_beside(tmp_path)
    save(tmp_path / "b.png", size=(40, 20))
    refused(tmp_path, r"b\.xml is for an image of 20 x 10 pixels, .*b\.png has 40 x 20")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(coco(list(TRUTH)))[:-30], r"labels\.json is not a whole JSON file"),
        ("", "is not a whole JSON file"),
        ("[" * 100_000, "is not a whole JSON file"),
        ('{"licence": "free"}', "has no list `images`"),
        ("[1, 2]", "is not a whole JSON file|has no list"),
        ('{"images": 3, "annotations": [], "categories": []}', "an entry of `images` lacks"),
        ('{"images": [], "annotations": [], "categories": []}', "has no categories"),
    ],
)
def test_json_that_is_truncated_or_not_coco(tmp_path: Path, text: str, expected: str):
    coco_one_file(tmp_path)
    write_text(tmp_path / "labels.json", text)
    assert "labels.json" in refused(tmp_path, expected)


@pytest.mark.parametrize(
    ("section", "change", "expected"),
    [
        ("annotations", {"image_id": 5}, r"annotation 0 has the image_id 5, which is in no entry of the file"),
        ("annotations", {"category_id": 5}, r"annotation 0 has the category_id 5"),
        ("annotations", {"id": 1}, "the id 1 occurs twice in `annotations`"),
        ("annotations", {"bbox": [1, 2, 3]}, "bbox is not left, top, width, height"),
        ("annotations", {"bbox": ["a", 2, 3, 4]}, "annotation 0 makes no sense"),
        ("annotations", {"image_id": 10**400}, "annotation 0 makes no sense"),
        ("images", {"id": 10**400}, "an id in `images` has 401 digits"),
        ("images", {"id": 101}, "the id 101 occurs twice in `images`"),
        ("images", {"width": 0}, "image 100 is said to have 0 x 10 pixels"),
        ("images", {"width": 40_000, "height": 40_000}, "image 100 is said to have 40000 x 40000 pixels"),
        ("images", {"width": 10**400}, r"lacks id, file_name, height or width|is said to have"),
        (
            "images",
            {"file_name": "x.png"},
            r"1 of 4 images of .*labels\.json are missing below .*, the first is x\.png",
        ),
        ("images", {"file_name": "../../etc/passwd"}, r"the first is passwd"),
        ("categories", {"id": 7}, "the id 7 occurs twice in `categories`"),
        ("categories", {"name": "dog"}, "two categories called 'dog'"),
    ],
)
def test_wrong_entries_of_coco(tmp_path: Path, section: str, change: dict[str, Any], expected: str):
    coco_one_file(tmp_path)
    record = coco(list(TRUTH))
    record[section][0] |= change
    write_json(tmp_path / "labels.json", record)
    refused(tmp_path, expected)


def test_nan_in_json(tmp_path: Path):
    coco_one_file(tmp_path)
    record = coco(list(TRUTH))
    record["annotations"][0]["bbox"] = [float("nan"), 0, 1, 1]
    record["annotations"][1]["bbox"] = [5, 5, -3, 2]
    write_json(tmp_path / "labels.json", record)
    dataset = load(tmp_path)
    assert truth(dataset)["a"] == []
    assert [note.split(" ")[0] for note in dataset.notes[1:3]] == ["1", "1"]


def test_two_files_for_one_split(tmp_path: Path):
    coco_folders(tmp_path)
    write_json(tmp_path / "annotations" / "instances_train_old.json", coco(["a"]))
    refused(tmp_path, "for train. Keep one of them")


def huge_png(path: Path) -> None:
    """A file whose header promises 40 000 x 40 000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IDAT"
    )


def test_image_that_is_too_large(tmp_path: Path):
    yolo_names(tmp_path)
    huge_png(tmp_path / "images" / "a.png")
    refused(
        tmp_path, r"a\.png cannot be decoded: it has more than 89,478,485 pixels, which may be a decompression bomb"
    )
    dataset = load(tmp_path, on_error="skip")
    assert sum(sizes(dataset).values()) == 3
    assert "1 unreadable images are left out; the first is images/a.png." in dataset.notes


def test_long_image_is_fine(tmp_path: Path):
    yolo_names(tmp_path)
    save(tmp_path / "images" / "b.png", size=(31_000, 20))
    assert truth(load(tmp_path))["b"] == [pytest.approx(("dog", 6200, 8, 12400, 16))]
