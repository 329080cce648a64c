"""COCO as a data set for segmentation: real images, the choice of VOC's classes, splits, and folders that are not whole."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hotcoco import mask as hotcoco_mask
from PIL import Image
from pycocotools import mask as reference_mask

from vyvod.data.contract import Dataset, DataSettings, Origin, OutlinedSplit
from vyvod.data.datasets.coco import CLASSES, OBJECTS, VOC_NAMES
from vyvod.data.datasets.coco import load as load_coco
from vyvod.data.formats import voc
from vyvod.data.load import load_dataset
from vyvod.errors import DataError


def load(root: Path | None, **settings: Any) -> Dataset:
    return load_coco(DataSettings(name="coco", root=root, **settings), "segmentation")


@pytest.fixture
def root(shared_data: Path, tmp_path: Path) -> Path:
    """Of the real images the first 60 as train2017, the last 20 as val2017."""
    contents = json.loads((shared_data / "coco_mini" / "annotations" / "instances_train2017.json").read_text())
    images = sorted(contents["images"], key=lambda image: image["id"])
    (tmp_path / "annotations").mkdir()
    for name, part in (("train2017", images[:60]), ("val2017", images[60:])):
        (tmp_path / name).mkdir()
        for image in part:
            shutil.copyfile(
                shared_data / "coco_mini" / "train2017" / image["file_name"], tmp_path / name / image["file_name"]
            )
        there = {image["id"] for image in part}
        annotations = [a for a in contents["annotations"] if a["image_id"] in there]
        write(tmp_path, name, {**contents, "images": part, "annotations": annotations})
    return tmp_path


def write(root: Path, name: str, contents: dict[str, Any]) -> None:
    (root / "annotations" / f"instances_{name}.json").write_text(json.dumps(contents))


def read(root: Path, name: str) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads((root / "annotations" / f"instances_{name}.json").read_text())
    return contents


def masks(dataset: Dataset) -> dict[str, np.ndarray]:
    return {split.ids[p]: split.mask(p) for split in dataset.splits.values() for p in range(len(split))}


def test_real_images_of_train_only(shared_data: Path):
    root = shared_data / "coco_mini"
    dataset = load(root)
    categories = json.loads((root / "annotations" / "instances_train2017.json").read_text())["categories"]
    assert dataset.classes == (
        "background",
        *(category["name"] for category in sorted(categories, key=lambda c: c["id"])),
    )
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 64, "val": 8, "test": 8}
    assert dataset.origins["test"].source == "train"
    assert len(dataset.palette or ()) == len(set(dataset.palette or ())) == 81
    sample = dataset.splits["train"][0]
    assert sample.image.shape[1:] == sample.target.shape
    # 90 is the id of toothbrush in a file with gaps, 80 its class.
    assert {int(value) for mask in masks(dataset).values() for value in np.unique(mask)} <= {*range(81), 255}


def test_published_val_is_the_test_split(root: Path):
    dataset = load(root)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 54, "val": 6, "test": 20}
    assert dataset.origins["test"] == Origin("val")
    assert all(identity.startswith("val2017/") for identity in dataset.splits["test"].ids)
    for split in dataset.splits.values():
        for place in range(len(split)):
            sample = split[place]
            assert sample.image.shape[1:] == sample.target.shape


def test_classes_of_voc(shared_data: Path):
    settings = DataSettings(name="coco", root=shared_data / "coco_mini", classes="voc")
    dataset, whole = load_dataset(settings, "segmentation"), load(settings.root)
    assert dataset.classes == voc.CLASSES
    assert len(dataset.palette or ()) == 21
    theirs = {name: VOC_NAMES.get(name, name) for name in OBJECTS}
    assert set(voc.OBJECTS) <= set(theirs.values())
    table = np.full(256, 255)
    table[0] = 0
    for place, name in enumerate(OBJECTS, 1):
        table[place] = voc.CLASSES.index(theirs[name]) if theirs[name] in voc.CLASSES else 0
    full, chosen = masks(whole), masks(dataset)
    for identity, mask in chosen.items():
        np.testing.assert_array_equal(mask, table[full[identity]])
    assert len({int(value) for mask in chosen.values() for value in np.unique(mask)}) > 10
    # Other targets: another fingerprint.
    assert dataset.splits["test"].fingerprint() != whole.splits["test"].fingerprint()
    assert any("classes that Pascal VOC has" in note for note in dataset.notes)


def test_images_in_a_folder_of_their_own(root: Path):
    (root / "images").mkdir()
    before = load(root).splits["test"].ids
    for name in ("train2017", "val2017"):
        (root / name).rename(root / "images" / name)
    split = load(root).splits["test"]
    assert split.ids == before
    assert split.path(0).is_file()


def test_only_val_can_be_evaluated(root: Path):
    shutil.rmtree(root / "train2017")
    dataset = load(root)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 0, "val": 0, "test": 20}
    assert dataset.origins == {"test": Origin("val")}


def test_missing_files(root: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"data=coco needs data\.root.*annotations/instances_train2017\.json"):
        load(None)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"was not found.*cocodataset\.org"):
        load(empty, download=True)
    (empty / "annotations").mkdir()
    with pytest.raises(DataError, match="has neither train2017/ nor val2017/"):
        load(empty)
    (empty / "val2017").mkdir()
    with pytest.raises(DataError, match=r"instances_val2017\.json does not exist"):
        load(empty)
    name = read(root, "val2017")["images"][3]["file_name"]
    (root / "val2017" / name).unlink()
    with pytest.raises(DataError, match=rf"1 of 20 images are missing in .*val2017, the first is {name}"):
        load(root)


def test_paths_out_of_the_folder_are_not_followed(root: Path):
    contents = read(root, "val2017")
    contents["images"][0]["file_name"] = "../train2017/secret.jpg"
    Image.new("RGB", (4, 4)).save(root / "train2017" / "secret.jpg")
    write(root, "val2017", contents)
    with pytest.raises(DataError, match=r"1 of 20 images are missing in .*val2017"):
        load(root)


def test_annotations_that_make_no_masks(root: Path):
    contents = read(root, "train2017")
    line = {"id": 5, "image_id": contents["images"][0]["id"], "category_id": 1, "segmentation": [[1, 1, 3, 3]]}
    write(root, "train2017", {**contents, "annotations": [*contents["annotations"], line]})
    assert "1 annotations have polygons of less than three points" in load(root).notes[-1]
    bare = {**line, "segmentation": []}
    write(root, "train2017", {**contents, "annotations": [*contents["annotations"], bare]})
    with pytest.raises(DataError, match=r"annotation 5 has no outline \(1 such annotations\)"):
        load(root)
    write(root, "train2017", {**contents, "categories": [*contents["categories"], {"id": 91, "name": "hair brush"}]})
    with pytest.raises(DataError, match="has the category 'hair brush', which is none of COCO's 80"):
        load(root)


def test_an_image_in_train_and_in_val(root: Path):
    contents = read(root, "val2017")
    name = read(root, "train2017")["images"][0]["file_name"]
    contents["images"][0]["file_name"] = name
    shutil.copyfile(root / "train2017" / name, root / "val2017" / name)
    write(root, "val2017", contents)
    with pytest.raises(DataError, match=rf"{name} is in train2017 and in val2017"):
        load(root)


def test_names_of_the_classes():
    assert len(CLASSES) == 81
    assert set(VOC_NAMES) <= set(OBJECTS)
    assert set(VOC_NAMES.values()) <= set(voc.OBJECTS)


# --- boxes


def load_boxes(root: Path, **settings: Any) -> Dataset:
    return load_dataset(DataSettings(name="coco", root=root, **settings), "detection", needed=())


def test_boxes_areas_crowds_and_outlines_are_those_of_the_file(root: Path):
    dataset = load_boxes(root)
    assert dataset.classes == OBJECTS
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 54, "val": 6, "test": 20}
    assert dataset.origins["test"] == Origin("val")
    record = read(root, "val2017")
    split, names = dataset.splits["test"], {each["id"]: each["name"] for each in record["categories"]}
    assert isinstance(split, OutlinedSplit)
    crowds = 0
    for place, image in enumerate(sorted(record["images"], key=lambda image: image["id"])):
        said = [each for each in record["annotations"] if each["image_id"] == image["id"]]
        target = split.objects(place)
        boxes = np.array([each["bbox"] for each in said])
        boxes[:, 2:] += boxes[:, :2]
        assert split.ids[place] == f"val2017/{Path(image['file_name']).stem}"
        # Some reach beyond their image by rounding.
        assert np.allclose(target["boxes"], boxes, atol=0.02)
        assert [OBJECTS[label] for label in target["labels"]] == [names[each["category_id"]] for each in said]
        assert np.allclose(target["areas"], [each["area"] for each in said])
        assert target["crowd"].tolist() == [bool(each["iscrowd"]) for each in said]
        crowds += int(target["crowd"].sum())
        for outline, each in zip(split.outlines(place), said, strict=True):
            assert np.array_equal(hotcoco_mask.decode(outline), reference(image, each))
    assert crowds


def reference(image: dict[str, Any], annotation: dict[str, Any]) -> np.ndarray:
    """The pixels of an object as pycocotools has them."""
    size, outline = (image["height"], image["width"]), annotation["segmentation"]
    rle = reference_mask.frPyObjects(outline, *size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not know NumPy 2
        return reference_mask.decode(reference_mask.merge(rle) if isinstance(rle, list) else rle)


def test_images_without_objects_stay(root: Path):
    record = read(root, "val2017")
    first = record["images"][0]["id"]
    record["annotations"] = [each for each in record["annotations"] if each["image_id"] != first]
    write(root, "val2017", record)
    split = load_boxes(root).splits["test"]
    assert [len(split.objects(place)["labels"]) for place in range(len(split))].count(0) == 1
    assert len(split) == 20


def test_boxes_of_the_classes_of_voc(root: Path):
    dataset, whole = load_boxes(root, classes="voc"), load_boxes(root)
    assert dataset.classes == voc.OBJECTS
    for name, split in dataset.splits.items():
        assert list(split.ids) == list(whole.splits[name].ids)
        for place in range(len(split)):
            everything = [VOC_NAMES.get(OBJECTS[n], OBJECTS[n]) for n in whole.splits[name].objects(place)["labels"]]
            found = [voc.OBJECTS[n] for n in split.objects(place)["labels"]]
            assert found == [each for each in everything if each in voc.OBJECTS]
            assert len(split.outlines(place)) == len(found)


def test_boxes_need_no_outlines(root: Path):
    for name in ("train2017", "val2017"):
        record = read(root, name)
        for each in record["annotations"]:
            del each["segmentation"]
        write(root, name, record)
    dataset = load_boxes(root)
    assert not isinstance(dataset.splits["test"], OutlinedSplit)
    assert sum(len(dataset.splits["test"].objects(place)["labels"]) for place in range(20)) > 0


def test_a_broken_outline_is_named_when_it_is_asked_for(root: Path):
    record = read(root, "val2017")
    crowd = next(each for each in record["annotations"] if each["iscrowd"])
    crowd["segmentation"]["counts"] = [1, 2, 3]
    write(root, "val2017", record)
    split = load_boxes(root).splits["test"]
    with pytest.raises(DataError, match=f"the outline of annotation {crowd['id']} makes no sense"):
        [split.outlines(place) for place in range(len(split))]
