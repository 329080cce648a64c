"""The tree crowns in the package."""

from pathlib import Path

import numpy as np
from PIL import Image

from vyvod.data.contract import DataSettings, Origin
from vyvod.data.datasets.trees import FOLDER
from vyvod.data.load import load_dataset
from vyvod.data.objects import count_objects

TREES = load_dataset(DataSettings(name="trees"), "detection")


def test_splits():
    assert {name: len(split) for name, split in TREES.splits.items()} == {"train": 39, "val": 4, "test": 14}
    assert TREES.origins["test"] == Origin("val")
    assert (TREES.origins["val"].source, TREES.origins["val"].carved) == ("train", True)
    counts = [count_objects(split, 1) for split in TREES.splits.values()]
    assert [sum(int(each.counts[0]) for each in counts[:2]), int(counts[2].counts[0])] == [586, 222]
    assert sum(each.crowd for each in counts) == 0


def test_images_are_as_large_as_their_boxes_say():
    for split in TREES.splits.values():
        for place in range(len(split)):
            sample = split[place]
            assert list(sample.image.shape) == [3, *sample.target["size"].tolist()]
            assert sample.target["size"].tolist() in ([320, 320], [200, 200])


def test_tiles_of_test_are_the_right_edge_and_do_not_overlap_others():
    columns: dict[str, list[int]] = {}
    for path in FOLDER.glob("*/JPEGImages/*.jpg"):
        columns.setdefault(path.stem[:-2], []).append(int(path.stem[-1]))
    assert len(columns) == 4
    assert all(int(identity[-1]) == max(columns[identity[:-2]]) for identity in TREES.splits["test"].ids)
    # Neighbours of one row: no strip of one is a strip of the other.
    left, right = (
        grey(FOLDER / place) for place in ("train/JPEGImages/SOAP_061_00.jpg", "val/JPEGImages/SOAP_061_01.jpg")
    )
    alike = [np.corrcoef(left[:, -n:].ravel(), right[:, :n].ravel())[0, 1] for n in range(8, 200, 4)]
    assert max(alike) < 0.8


def grey(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L")).astype(float)
