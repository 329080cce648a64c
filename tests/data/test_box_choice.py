"""Splits for detection with chosen classes and images, also from a user's own file that knows no subsets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from vyvod.data.box_choice import chosen_objects
from vyvod.data.carve import strata
from vyvod.data.contract import BoxSplit, DataSettings, OutlinedSplit, files_of
from vyvod.data.load import choose_classes, load_dataset, select
from vyvod.errors import DataError
from vyvod.types import Sample


class Own:
    """A user's own split: image n has n objects, of classes 0, 1, 2, 0, ..."""

    ids = tuple("abcdef")

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Sample:
        return Sample(tv_tensors.Image(torch.zeros(3, 10, 10, dtype=torch.uint8)), self.objects(index), self.ids[index])

    def objects(self, index: int) -> dict[str, Any]:
        edges = torch.arange(index)[:, None] * torch.tensor([0.0, 0, 1, 1]) + torch.tensor([0.0, 0, 1, 1])
        return {
            "boxes": edges, "labels": torch.arange(index) % 3, "crowd": torch.arange(index) == 4,
            "areas": torch.arange(index) + 1.0, "size": torch.tensor([10, 10]),
        }  # fmt: skip

    def fingerprint(self) -> str:
        return "own"


class OwnOutlined(Own):
    def outlines(self, index: int) -> list[dict[str, Any]]:
        return [{"size": [10, 10], "counts": f"{index}/{number}"} for number in range(index)]


def test_objects_of_other_classes_are_left_out_and_images_stay():
    split = chosen_objects(OwnOutlined(), torch.tensor([1, -1, 0]))
    assert isinstance(split, OutlinedSplit)
    target = split[5].target
    assert (target["labels"].tolist(), target["areas"].tolist()) == ([1, 0, 1], [1, 3, 4])
    assert (target["crowd"].tolist(), target["size"].tolist()) == ([False] * 3, [10, 10])
    assert [each["counts"] for each in split.outlines(5)] == ["5/0", "5/2", "5/3"]
    assert len(split) == 6
    assert not isinstance(chosen_objects(Own(), torch.tensor([1, -1, 0])), OutlinedSplit)


def test_choice_of_images_upon_a_choice_of_classes():
    split = select(chosen_objects(OwnOutlined(), torch.tensor([1, -1, 0])), np.array([5, 2]))
    assert isinstance(split, OutlinedSplit)
    assert list(split.ids) == ["f", "c"]
    assert split.objects(1)["labels"].tolist() == [1]
    assert [len(split.outlines(place)) for place in range(2)] == [3, 1]
    again = select(split, np.array([1]))
    assert (list(again.ids), again[0].id) == (["c"], "c")
    assert len({each.fingerprint() for each in (split, again, Own())}) == 3


def test_strata_are_the_rarest_class_of_each_image():
    # Class 0 is in five images, class 1 in four, class 2 in three.
    assert strata(Own()).tolist() == [-1, 0, 1, 2, 2, 2]


def test_files_are_known_behind_a_choice_of_classes():
    trees = load_dataset(DataSettings(name="trees"), "detection")
    chosen = choose_classes(trees, ["tree"]).splits["test"]
    assert isinstance(chosen, BoxSplit)
    files = files_of(chosen)
    assert files is not None
    assert files.path(0).is_file()


OWN = """
import torch
from torchvision import tv_tensors
from vyvod.data.contract import Card, Dataset
from vyvod.types import Sample

TASKS = ("detection",)

class Split:
    def __init__(self, name): self.ids = [f"{name}{n}" for n in range(3)]
    def __len__(self): return 3
    def __getitem__(self, index):
        return Sample(tv_tensors.Image(torch.zeros(3, 10, 10, dtype=torch.uint8)), self.objects(index), self.ids[index])
    def objects(self, index):
        boxes = torch.tensor([BOX])
        return {"boxes": boxes, "labels": torch.tensor([LABEL]), "crowd": torch.tensor([CROWD]), "areas": torch.ones(1),
                "size": torch.tensor([10, 10])}
    def fingerprint(self): return ""

def load(settings, task):
    return Dataset(Card("", "", "", ""), CLASSES, {name: Split(name) for name in ("train", "val", "test")})
"""
FINE = {"BOX": "[0.0, 0, 5, 5]", "LABEL": "0", "CROWD": "False", "CLASSES": "('cat',)"}


def own(folder: Path, **changes: str) -> DataSettings:
    text = OWN
    for word, value in (FINE | changes).items():
        text = text.replace(word, value)
    # A name of its own: modules are kept.
    file = folder / f"own_{abs(hash(text))}.py"
    file.write_text(text)
    return DataSettings(name=str(file))


def test_own_file(tmp_path: Path):
    dataset = load_dataset(own(tmp_path), "detection")
    assert [len(split) for split in dataset.splits.values()] == [3, 3, 3]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"LABEL": "1"}, "train split, image train0: an object has the label 1; with 1 classes labels are 0 to 0"),
        ({"LABEL": "-1"}, "has the label -1"),
        ({"BOX": "[0.0, 0, 5]"}, r"`boxes` has the shape \(1, 3\) with 1 labels; expected \(1, 4\)"),
        ({"BOX": "[0.0, 0, 11, 5]"}, "a box is empty, no number or beyond the image of 10 x 10 pixels"),
        ({"BOX": "[5.0, 0, 5, 5]"}, "a box is empty"),
        ({"BOX": "[float('nan'), 0, 5, 5]"}, "no number"),
        ({"CROWD": "True"}, "There is no object to train on in the 3 images"),
        ({"CLASSES": "()"}, "There is no class"),
        ({"def objects": "def things", "self.objects": "self.things"}, "The train split has no boxes"),
    ],
)
def test_wrong_own_files(tmp_path: Path, changes: dict[str, str], expected: str):
    with pytest.raises(DataError, match=expected):
        load_dataset(own(tmp_path, **changes), "detection")
