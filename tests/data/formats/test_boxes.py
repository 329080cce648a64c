"""Boxes in arrays: what is clipped, dropped and turned, on hand-worked numbers and against Pillow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hotcoco import mask as hotcoco_mask
from PIL import Image

from vyvod.data.contract import BoxSplit, LabelledSplit, MaskSplit, OutlinedSplit, Rle
from vyvod.data.formats.boxes import (
    Annotated,
    BoxFiles,
    Framer,
    LabelledImage,
    OutlinedFiles,
    box_notes,
    checked,
    gathered,
    joined,
    one_size,
    unlabelled_note,
)
from vyvod.errors import DataError

NAN = float("nan")


def image(
    name: str, boxes: Sequence[Sequence[float]], *, size: tuple[int, int] = (10, 20), **facts: object
) -> LabelledImage:
    return LabelledImage(name, size, np.array(boxes, dtype=float), list(range(len(boxes))), **facts)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([-3, -1, 5, 5], [0, 0, 5, 5]),  # clipped to the image of 20 x 10
        ([15, 5, 99, 99], [15, 5, 20, 10]),
        ([0, 0, 20, 10], [0, 0, 20, 10]),
        ([0.25, 0.5, 0.75, 1.5], [0.25, 0.5, 0.75, 1.5]),
        ([3, 2, 3, 4], None),  # no width
        ([3, 4, 5, 2], None),  # swapped corners
        ([-5, -5, -1, -1], None),  # outside
        ([20, 0, 30, 5], None),
        ([-5, 0, 0, 5], None),  # touches the edge from outside
        ([NAN, 0, 1, 1], None),
        ([0, 0, float("inf"), 1], None),
        ([0, 0, 1e300, 1e300], [0, 0, 20, 10]),
        ([19.9999999999, 0, 20, 1], None),  # nothing is left of it in float32
    ],
)
def test_a_box_is_clipped_or_dropped(box: list[float], expected: list[float] | None):
    split = gathered(Path(), [image("a.png", [box])])
    assert split.objects(0)["boxes"].tolist() == ([] if expected is None else [expected])


def test_what_was_dropped_is_told_with_its_first_image():
    odd = [[0, 0, 1, 1], [NAN, 0, 1, 1], [5, 5, 5, 5], [9, 9, 1, 1], [50, 50, 60, 60], [-9, 0, 5, 5]]
    split = gathered(
        Path(), [image("fine.png", [[0, 0, 1, 1]]), image("odd.png", odd), image("far.png", [[90, 0, 99, 5]])]
    )
    assert list(box_notes([split])) == [
        "1 box with corners that are no numbers (NaN, infinite) was dropped; the first image is odd.png.",
        "2 boxes without width or height, or with swapped corners, were dropped; the first image is odd.png.",
        "2 boxes wholly outside their images were dropped; the first image is odd.png.",
        "1 box reaching beyond its image was clipped; the first image is odd.png.",
    ]
    assert list(box_notes([split.subset([0])])) == []


def test_rounding_of_files_is_not_told():
    assert list(box_notes([gathered(Path(), [image("a.png", [[-0.3, 0, 20.3, 10]])])])) == []


def test_labels_crowd_and_areas_stay_with_their_boxes():
    said = Annotated(
        counts=np.array([3, 0, 2]),
        boxes=np.array([[0, 0, 2, 2], [NAN, 0, 1, 1], [1, 1, 4, 5], [5, 5, 4, 4], [0, 0, 3, 3]], dtype=float),
        labels=np.array([0, 1, 2, 3, 4]),
        sizes=np.array([[9, 9], [7, 8], [9, 9]]),
        crowd=np.array([False, False, True, False, True]),
        areas=np.array([3.0, 1.0, NAN, 1.0, 1e300]),
    )
    split = BoxFiles(Path(), ["a", "b", "c"], ["a", "b", "c"], checked(said))
    first, second, third = (split.objects(place) for place in range(3))
    assert (first["labels"].tolist(), first["crowd"].tolist(), first["areas"].tolist()) == (
        [0, 2],
        [False, True],
        [3, 12],
    )
    assert (third["labels"].tolist(), third["areas"].tolist()) == ([4], [9])
    assert second["boxes"].shape == (0, 4)
    assert (second["size"].tolist(), second["labels"].dtype, second["crowd"].dtype) == ([7, 8], torch.int64, torch.bool)
    assert split.found.sources.tolist() == [0, 2, 4]


def test_subset_is_in_the_order_asked_for():
    split = gathered(Path(), [image(f"{n}.png", [[0, 0, n + 1, 1]] * n) for n in range(4)])
    chosen = split.subset(np.array([3, 0, 2]))
    assert (list(chosen.ids), [len(chosen.objects(n)["labels"]) for n in range(3)]) == (
        ["3.png", "0.png", "2.png"],
        [3, 0, 2],
    )
    assert chosen.objects(2)["boxes"].tolist() == [[0, 0, 3, 1]] * 2
    assert chosen.subset([]).ids == []
    back = joined([split.subset([0, 1]), split.subset([2, 3])])
    assert back.fingerprint() == split.fingerprint()


def test_kind_of_split():
    split = gathered(Path(), [image("a.png", [])])
    assert isinstance(split, BoxSplit)
    assert not isinstance(split, (OutlinedSplit, LabelledSplit, MaskSplit))


@pytest.mark.parametrize("change", ["box", "label", "crowd", "id", "file"])
def test_fingerprint_sees_every_change(tmp_path: Path, change: str):
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    before = gathered(tmp_path, [image("a.png", [[0, 0, 5, 5]])]).fingerprint()
    assert gathered(tmp_path, [image("a.png", [[0, 0, 5, 5]])]).fingerprint() == before
    match change:
        case "box":
            after = gathered(tmp_path, [image("a.png", [[0, 0, 5, 6]])])
        case "label":
            after = gathered(tmp_path, [LabelledImage("a.png", (10, 20), np.array([[0.0, 0, 5, 5]]), [1])])
        case "crowd":
            after = gathered(tmp_path, [image("a.png", [[0, 0, 5, 5]], crowd=[True])])
        case "id":
            after = gathered(tmp_path, [image("a.png", [[0, 0, 5, 5]])], ["b"])
        case _:
            Image.new("RGB", (20, 10), "red").save(tmp_path / "a.png", compress_level=0)
            after = gathered(tmp_path, [image("a.png", [[0, 0, 5, 5]])])
    assert after.fingerprint() != before


def test_sample_has_image_objects_and_id(tmp_path: Path):
    Image.new("L", (20, 10), 7).save(tmp_path / "a.png")
    sample = gathered(tmp_path, [image("a.png", [[0, 0, 5, 5]])])[0]
    assert (tuple(sample.image.shape), sample.image.dtype, sample.id) == ((3, 10, 20), torch.uint8, "a.png")
    assert sample.target["boxes"].tolist() == [[0, 0, 5, 5]]


def test_image_of_another_size_is_an_error(tmp_path: Path):
    Image.new("RGB", (30, 10)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png is 30 x 10 pixels, its boxes are for 20 x 10"):
        gathered(tmp_path, [image("a.png", [])])[0]


def save_turned(path: Path, pixels: np.ndarray, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_and_outlines_turn_with_their_image(tmp_path: Path, orientation: int):
    # A white rectangle in the stored image; the box is that of the stored image, as programs write it that know no EXIF.
    pixels = np.zeros((12, 20), dtype=np.uint8)
    pixels[2:5, 3:10] = 255
    save_turned(tmp_path / "a.png", pixels, orientation)
    found = image("a.png", [[3, 2, 10, 5]], size=(12, 20), turn=orientation)
    split = gathered(tmp_path, [found])
    sample = split[0]
    rows, columns = torch.nonzero(sample.image[0], as_tuple=True)
    around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert sample.target["boxes"].tolist() == [[int(edge) for edge in around]]
    assert sample.target["size"].tolist() == list(sample.image.shape[1:])
    outlined = OutlinedFiles(split.root, split.ids, split.images, split.found, read=Whole(pixels))
    assert isinstance(outlined, OutlinedSplit)
    assert np.array_equal(hotcoco_mask.decode(outlined.outlines(0)[0]) > 0, sample.image[0].numpy() > 0)
    assert isinstance(outlined.subset([0]), OutlinedSplit)


class Whole:
    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __call__(self, sources: Sequence[int]) -> list[Rle]:
        return [hotcoco_mask.encode(np.asfortranarray(self.pixels > 0, dtype=np.uint8)) for _ in sources]


def test_boxes_of_the_upright_frame_are_not_turned(tmp_path: Path):
    save_turned(tmp_path / "a.png", np.zeros((12, 20), dtype=np.uint8), 6)
    assert Framer(tmp_path)("a.png", (20, 12), where="a.xml") == ((20, 12), 1)
    assert Framer(tmp_path)("a.png", None, where="a.xml") == ((20, 12), 1)
    assert Framer(tmp_path)("a.png", (12, 20), where="a.xml") == ((12, 20), 6)


def test_annotation_of_another_size_is_an_error(tmp_path: Path):
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.xml is for an image of 40 x 20 pixels, .*a\.png has 20 x 10"):
        Framer(tmp_path)("a.png", (20, 40), where="a.xml")
    assert Framer(tmp_path, lenient=True)("a.png", (20, 40), where="a.xml") == ((10, 20), 1)


def test_unreadable_image_without_a_known_size(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a\.png cannot be decoded"):
        Framer(tmp_path)("a.png", None, where="a.txt")
    framer = Framer(tmp_path, on_error="skip")
    assert framer("a.png", None, where="a.txt") is None
    assert list(framer.notes()) == ["1 unreadable images are left out; the first is a.png."]
    assert Framer(tmp_path)("a.png", (3, 4), where="a.xml") == ((3, 4), 1)


def test_unlabelled_images_are_told():
    split = gathered(Path(), [image("a.png", []), image("b.png", [], unlabelled=True)])
    assert list(unlabelled_note([split])) == [
        "1 image has no label file and is taken as without objects; the first is b.png."
    ]


def test_one_size():
    split = gathered(Path(), [image("a.png", []), image("b.png", [])])
    assert one_size([split]) == (10, 20)
    assert one_size([split, gathered(Path(), [image("c.png", [], size=(3, 4))])]) is None
