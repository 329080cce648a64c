"""The nuclei in the package, as boxes with outlines."""

import numpy as np
import torch
from hotcoco import mask as hotcoco_mask

from vyvod.data.contract import DataSettings, OutlinedSplit
from vyvod.data.load import load_dataset

BOXES = load_dataset(DataSettings(name="nuclei-boxes"), "detection")
MASKS = load_dataset(DataSettings(name="nuclei"), "segmentation")


def test_splits_are_those_of_nuclei():
    for name, split in BOXES.splits.items():
        assert list(split.ids) == list(MASKS.splits[name].ids)
        for place in range(len(split)):
            # Networks for detection take three channels; the picture is the same.
            assert torch.equal(split[place].image[:1], MASKS.splits[name][place].image)
            assert split[place].image.shape == (3, 128, 128)
    assert BOXES.classes == ("nucleus",)
    assert "cut from one picture" in BOXES.notes[0]


def test_outlines_fill_the_masks_and_their_boxes():
    for name, split in BOXES.splits.items():
        assert isinstance(split, OutlinedSplit)
        for place in range(len(split)):
            target, outlines = split.objects(place), split.outlines(place)
            edges = np.array([hotcoco_mask.toBbox(outline) for outline in outlines])
            edges[:, 2:] += edges[:, :2]
            assert np.array_equal(edges, target["boxes"].numpy())
            assert [hotcoco_mask.area(outline) for outline in outlines] == target["areas"].tolist()
            together = np.sum([hotcoco_mask.decode(outline) for outline in outlines], axis=0)
            mask = MASKS.splits[name].mask(place)
            assert together.max() == 1
            # Six remnants of fewer than ten pixels at the cuts are no objects.
            assert ((mask == 1) >= (together == 1)).all()
            assert ((mask == 1) != (together == 1)).sum() < 20
    assert sum(len(split.objects(n)["labels"]) for split in BOXES.splits.values() for n in range(len(split))) == 154


def test_outlines_of_some_images():
    train = BOXES.splits["train"]
    assert isinstance(train, OutlinedSplit)
    some = train.subset([5, 1])
    assert some.outlines(0) == train.outlines(5)
    assert some.outlines(1) == train.outlines(1)
