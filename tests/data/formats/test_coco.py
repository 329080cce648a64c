"""COCO's instance files: the index, the masks against pycocotools, and files that are broken."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as reference
from pycocotools.coco import COCO

from vyvod.data.formats.coco import InstanceMasks, Instances, read_instances
from vyvod.errors import DataError

SQUARE = [[1, 1, 4, 1, 4, 4, 1, 4]]


def annotation(identity: int = 1, **changes: Any) -> dict[str, Any]:
    plain = {
        "id": identity,
        "image_id": 7,
        "category_id": 18,
        "segmentation": SQUARE,
        "bbox": [1, 1, 3, 3],
        "area": 9.0,
    }
    return {**plain, "iscrowd": 0, **changes}


def written(folder: Path, *annotations: Any, **changes: Any) -> Path:
    contents = {
        "info": {"year": 2017},
        "annotations": list(annotations),
        "images": [{"id": 7, "file_name": "seven.jpg", "height": 6, "width": 8}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}],
        **changes,
    }
    file = folder / "instances.json"
    file.write_text(json.dumps({key: value for key, value in contents.items() if value is not None}))
    return file


def masks(instances: Instances) -> InstanceMasks:
    return InstanceMasks(instances, {identity: place for place, identity in enumerate(instances.categories, 1)})


@pytest.fixture(scope="module")
def file(shared_data: Path) -> Path:
    return shared_data / "coco_mini" / "annotations" / "instances_train2017.json"


@pytest.fixture(scope="module")
def theirs(file: Path) -> COCO:
    return COCO(file)


def test_index_is_that_of_pycocotools(file: Path, theirs: COCO):
    ours = read_instances(file)
    assert ours.image_ids.tolist() == sorted(theirs.imgs)
    assert list(ours.categories) == sorted(theirs.cats)
    assert len(ours.ids) == len(theirs.anns) == 739
    assert ours.outlined.all()
    assert not ours.slivers
    for image, identity in enumerate(ours.image_ids.tolist()):
        places = np.array(ours.objects(image), dtype=int)
        expected = theirs.loadAnns(theirs.getAnnIds(identity))
        assert ours.ids[places].tolist() == [a["id"] for a in expected]
        assert ours.category_ids[places].tolist() == [a["category_id"] for a in expected]
        assert ours.crowd[places].tolist() == [bool(a["iscrowd"]) for a in expected]
        assert ours.areas[places].tolist() == [a["area"] for a in expected]
        assert ours.boxes[places].tolist() == [a["bbox"] for a in expected]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools with NumPy 2
def test_masks_are_those_of_pycocotools(file: Path, theirs: COCO):
    # The reader is sent to workers.
    read = pickle.loads(pickle.dumps(masks(read_instances(file))))
    crowds = 0
    for identity, image in theirs.imgs.items():
        objects = theirs.loadAnns(theirs.getAnnIds(identity))
        expected = np.zeros((image["height"], image["width"]), dtype=np.uint8)
        outlines = [theirs.annToRLE(a) for a in objects]
        for number in sorted(
            range(len(objects)), key=lambda n: (not objects[n]["iscrowd"], -int(reference.area(outlines[n])))
        ):
            label = sorted(theirs.cats).index(objects[number]["category_id"]) + 1
            expected[reference.decode(outlines[number]) > 0] = 255 if objects[number]["iscrowd"] else label
        np.testing.assert_array_equal(read(str(identity)), expected)
        crowds += (expected == 255).any()
    assert crowds > 2


def test_what_is_small_stays_on_top_of_what_is_large_and_of_crowds(tmp_path: Path):
    whole = {"size": [6, 8], "counts": [0, 48]}
    small, large = annotation(1, category_id=1), annotation(2, segmentation=[[0, 0, 6, 0, 6, 5, 0, 5]], category_id=18)
    crowd = annotation(3, segmentation=whole, iscrowd=1)
    expected = np.full((6, 8), 255)
    expected[:5, :6], expected[1:4, 1:4] = 2, 1
    for order in ((small, large, crowd), (crowd, large, small), (large, crowd, small)):
        read = masks(read_instances(written(tmp_path, *order)))
        np.testing.assert_array_equal(read("7"), expected)
        np.testing.assert_array_equal(read("voc/7"), expected)


def test_outlines_are_found_behind_letters_of_several_bytes(tmp_path: Path):
    file = written(tmp_path, annotation(1, note="собака 🐕"), annotation(2, note="é"), annotation(3))
    text = json.dumps(json.loads(file.read_text()), ensure_ascii=False, indent=1)
    file.write_text("\ufeff" + text, encoding="utf-8", newline="\r\n")
    instances = read_instances(file)
    assert len(instances.outlines(0)) == 3
    assert masks(instances)("7").sum() == 9 * 2


def test_compressed_runs_and_empty_images(tmp_path: Path):
    picture = np.zeros((6, 8), dtype=np.uint8, order="F")
    picture[2:5, 3] = 1
    runs = reference.encode(picture) | {"counts": reference.encode(picture)["counts"].decode()}
    read = masks(read_instances(written(tmp_path, annotation(segmentation=runs))))
    np.testing.assert_array_equal(read("7"), picture * 2)
    read = masks(read_instances(written(tmp_path)))
    assert read("7").shape == (6, 8)
    assert not read("7").any()


def test_images_without_objects_between_others(tmp_path: Path):
    images = [{"id": identity, "file_name": f"{identity}.jpg", "height": 6, "width": 8} for identity in (9, 2, 7, 5)]
    file = written(tmp_path, annotation(3, image_id=9), annotation(1), annotation(2, image_id=9), images=images)
    instances = read_instances(file)
    assert list(instances.names) == ["2.jpg", "5.jpg", "7.jpg", "9.jpg"]
    assert [[instances.ids[place] for place in instances.objects(image)] for image in range(4)] == [[], [], [1], [3, 2]]
    assert [int((masks(instances)(key) > 0).sum()) for key in ("2", "5", "7", "9")] == [0, 0, 9, 9]


def test_polygons_of_two_points_are_passed_over_and_named(tmp_path: Path):
    line = annotation(1, segmentation=[[1, 1, 4, 4]])
    both = annotation(2, segmentation=[[0, 0, 6, 5], *SQUARE])
    instances = read_instances(written(tmp_path, line, both))
    assert instances.slivers == (1, 2)
    assert int((masks(instances)("7") == 2).sum()) == 9


def test_boxes_without_outlines_can_be_read(tmp_path: Path):
    record = annotation(segmentation=[])
    instances = read_instances(
        written(tmp_path, record, {k: v for k, v in annotation(2).items() if k not in ("bbox", "area")})
    )
    assert instances.outlined.tolist() == [False, True]
    assert instances.boxes[0].tolist() == [1, 1, 3, 3]
    assert np.isnan(instances.boxes[1]).all()
    assert np.isnan(instances.areas[1])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (annotation(4, category_id=2), "annotation 4 has the category_id 2, which is in no entry"),
        (annotation(4, image_id=8), "annotation 4 has the image_id 8, which is in no entry"),
        (annotation(4, image_id="7"), "annotation 4 makes no sense"),
        (annotation(4, iscrowd=2), "annotation 4 makes no sense: iscrowd is 2; expected 0 or 1"),
        (annotation(4, bbox=[1, 2, 3]), "annotation 4 makes no sense: bbox is not left, top, width, height"),
        (
            annotation(4, segmentation=[[1, 2, 3, 4, 5, 6, 7]]),
            "annotation 4 makes no sense: a polygon is a list of numbers",
        ),
        ({"id": 4, "image_id": 7}, "annotation 4 has no 'category_id'"),
        ([1], "entry 0 of `annotations` has no whole number as `id`"),
        (annotation("4"), "entry 0 of `annotations` has no whole number as `id`"),
    ],
)
def test_broken_annotation_is_named_when_the_file_is_read(tmp_path: Path, record: Any, message: str):
    with pytest.raises(DataError, match=message):
        read_instances(written(tmp_path, record))


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        ({"size": [6, 8], "counts": [-1, 49]}, "the runs of an RLE are whole numbers, 0 or more"),
        ({"size": [6, 8], "counts": [1, 10**12]}, "add up to the 48 pixels"),
        ({"size": [6, 8], "counts": "!!"}, "makes no sense"),
        ({"size": [6, 8], "counts": "l0l0l0"}, "makes no sense"),
        ({"size": [10**6, 10**6], "counts": [1]}, r"its RLE is for \[1000000, 1000000\], the image is \[6, 8\]"),
        ({"size": [6, 8]}, "makes no sense: 'counts'"),
        ([[1, 2, 3, 4, 5, "x"]], "makes no sense"),
        ([[1, 2, 3, 4, 5, float("nan")]], "a polygon is a list of numbers"),
        ([[1, 2, 3, 4, [5], 6]], "makes no sense"),
        ("all of it", "makes no sense"),
    ],
)
def test_broken_outline_is_named_when_it_is_painted(tmp_path: Path, outline: Any, message: str):
    read = masks(read_instances(written(tmp_path, annotation(44, segmentation=outline))))
    with pytest.raises(DataError, match=rf"(?s)the outline of annotation 44 .*{message}"):
        read("7")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "has no list `images`"),
        ({"categories": None}, "has no list `categories`"),
        ({"categories": [{"id": 18}]}, "an entry of `categories` lacks"),
        ({"categories": [{"id": 18, "name": "dog"}, {"id": 18, "name": "cat"}]}, "id 18 occurs twice in `categories`"),
        ({"images": [{"id": 7, "height": 6, "width": 8}]}, "an entry of `images` lacks"),
        ({"images": 2 * [{"id": 7, "file_name": "a.jpg", "height": 6, "width": 8}]}, "id 7 occurs twice in `images`"),
        (
            {"images": [{"id": 7, "file_name": "a.jpg", "height": 10**6, "width": 10**6}]},
            "said to have 1000000 x 1000000",
        ),
        ({"annotations": {"id": 1}}, r"is not a whole JSON file: expected '\['"),
        ({"annotations": [annotation(), annotation()]}, "id 1 occurs twice in `annotations`"),
    ],
)
def test_broken_file(tmp_path: Path, changes: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        read_instances(written(tmp_path, annotation(), **changes))


def test_cut_off_missing_hostile_and_changed_files(tmp_path: Path):
    file = written(tmp_path, annotation(1), annotation(2))
    whole = file.read_text()
    for length in (0, 1, 30, 100, 300, len(whole) - 1):
        file.write_text(whole[:length])
        with pytest.raises(DataError, match="is not a whole JSON file"):
            read_instances(file)
    file.write_text('{"images": ' + "[" * 10**6)
    with pytest.raises(DataError, match="is not a whole JSON file"):
        read_instances(file)
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="is not a whole JSON file"):
        read_instances(file)
    with pytest.raises(DataError, match="does not exist"):
        read_instances(tmp_path / "none.json")
    file.write_text(whole)
    read = masks(read_instances(file))
    file.write_text(" " + whole)
    with pytest.raises(DataError, match="has changed since it was read"):
        read("7")
