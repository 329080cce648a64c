"""The micrograph in the package."""

import json
from itertools import pairwise

import numpy as np
import torch
from PIL import Image

from vyvod.data.contract import DataSettings, Origin
from vyvod.data.datasets.nuclei import FOLDER
from vyvod.data.load import load_dataset

NUCLEI = load_dataset(DataSettings(name="nuclei"), "segmentation")


def picture(kind: str, columns: range = range(4)) -> np.ndarray:
    """Columns of the whole picture, ``(512, 128 * columns)``."""
    places = [[f"{'val' if x == 3 else 'train'}/{kind}/nuclei_{y}{x}.png" for x in columns] for y in range(4)]
    return np.block([[np.asarray(Image.open(FOLDER / place)) for place in row] for row in places])


def test_splits_are_columns_of_one_picture():
    assert {name: len(split) for name, split in NUCLEI.splits.items()} == {"train": 8, "val": 4, "test": 4}
    columns = {name: {identity[-1] for identity in split.ids} for name, split in NUCLEI.splits.items()}
    assert columns == {"train": {"0", "1"}, "val": {"2"}, "test": {"3"}}
    assert NUCLEI.origins["train"] == Origin("all", carved=True, share=0.5)
    assert "cut from one picture" in NUCLEI.notes[0]


def test_the_tiles_really_are_neighbours():
    # Brightness goes on over a cut as it does a pixel beside it, which tiles of different pictures would not do.
    pixels = picture("images").astype(float)

    def step(place: int) -> float:
        return float(np.abs(pixels[:, place] - pixels[:, place - 1]).mean())

    for cut in (128, 256, 384):
        assert step(cut) < 1.5 * step(cut + 5)
        assert np.abs(pixels[:, cut] - pixels[::-1, cut - 1]).mean() > 1.5 * step(cut)


def test_training_and_test_share_no_nucleus():
    numbers = [set(np.unique(picture("instances", range(x, x + 1))).tolist()) - {0} for x in range(4)]
    assert not (numbers[0] | numbers[1]) & numbers[3]
    assert [len(a & b) for a, b in pairwise(numbers)] == [4, 5, 7]  # as the data set's docstring says
    assert len(set.union(*numbers)) == 125


def test_samples_are_grey_with_two_classes():
    assert (NUCLEI.classes, NUCLEI.channels, NUCLEI.native_size) == (("background", "nucleus"), 1, (128, 128))
    for split in NUCLEI.splits.values():
        for place in range(len(split)):
            sample = split[place]
            assert (tuple(sample.image.shape), tuple(sample.target.shape)) == ((1, 128, 128), (128, 128))
            assert sample.target.unique().tolist() == [0, 1]


def test_mean_and_std_are_those_of_the_training_tiles():
    train = NUCLEI.splits["train"]
    pixels = torch.stack([train[place].image for place in range(len(train))]).double() / 255
    assert NUCLEI.card.mean == (round(float(pixels.mean()), 4),)
    assert NUCLEI.card.std == (round(float(pixels.std()), 4),)


def test_masks_numbers_and_boxes_agree():
    for split in ("train", "val"):
        record = json.loads((FOLDER / split / "instances.json").read_text())
        for image in record["images"]:
            mask, numbers = (
                np.asarray(Image.open(FOLDER / split / kind / image["file_name"])) for kind in ("masks", "instances")
            )
            assert ((mask == 1) == (numbers > 0)).all()
            boxes = [entry["bbox"] for entry in record["annotations"] if entry["image_id"] == image["id"]]
            found = []
            for number in np.unique(numbers[numbers > 0]):
                rows, columns = np.nonzero(numbers == number)
                if len(rows) < 10:
                    continue  # six remnants at the cuts have no box
                found.append([int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1])
            assert sorted(boxes) == sorted(found)
