"""Carved splits: hand-worked shares, frozen draws, no image twice."""

import numpy as np
import pytest
import torch

from vyvod.data.carve import complete, draw
from vyvod.data.contract import DataSettings, Images, Origin
from vyvod.errors import SettingsError

LABELS = np.array([0] * 10 + [1] * 20 + [2] * 5)


def images(labels: np.ndarray, split: str = "train") -> Images:
    ids = [f"{split}/{place:05d}" for place in range(len(labels))]
    return Images(torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8), torch.from_numpy(labels), ids)


def test_draw_gives_each_class_its_share():
    # 7 of 35: exactly 2, 4 and 1.
    drawn = draw(LABELS, 7, seed=0, purpose="val")
    assert np.bincount(LABELS[drawn]).tolist() == [2, 4, 1]
    assert (np.diff(drawn) > 0).all()


def test_draw_rounds_by_largest_remainder():
    # 8 of 35: 2.29, 4.57 and 1.14 -> the eighth goes to the class with .57.
    assert np.bincount(LABELS[draw(LABELS, 8, seed=3, purpose="val")]).tolist() == [2, 5, 1]


def test_draw_breaks_ties_by_seed():
    labels = np.arange(50)
    chosen = {tuple(draw(labels, 5, seed=seed, purpose="val").tolist()) for seed in range(20)}
    assert len(chosen) > 15
    assert all(len(each) == 5 for each in chosen)


def test_draw_is_frozen():
    # These places must never change: results of different versions would not be comparable.
    assert draw(LABELS, 7, seed=0, purpose="val").tolist() == FROZEN_VAL
    assert draw(LABELS, 7, seed=0, purpose="test").tolist() == FROZEN_TEST
    assert draw(LABELS, 7, seed=1, purpose="val").tolist() != FROZEN_VAL


def test_draw_keeps_the_last_image_of_a_class():
    labels = np.array([0] * 99 + [1])
    for seed in range(5):
        assert 99 not in draw(labels, 50, seed=seed, purpose="val", keep=1)
    assert len(draw(np.arange(50), 10, seed=0, purpose="val", keep=1)) == 0


@pytest.mark.parametrize("count", [35, 100])
def test_draw_of_all(count: int):
    assert draw(LABELS, count, seed=0, purpose="limit").tolist() == list(range(35))


def test_draw_of_nothing():
    assert len(draw(np.array([], dtype=np.int64), 5, seed=0, purpose="limit")) == 0


def test_complete_carves_val_from_train():
    settings = DataSettings(val_fraction=0.2, split_seed=4)
    known = {"train": images(LABELS), "test": images(LABELS, "test")}
    splits, origins = complete(known, settings)
    assert [len(splits[name]) for name in ("train", "val", "test")] == [28, 7, 35]
    assert origins["val"] == Origin("train", carved=True, share=0.2, seed=4)
    assert origins["train"] == Origin("train", carved=True, share=0.8, seed=4)
    assert origins["test"] == Origin("test")
    assert splits["test"] is known["test"]
    together = sorted([*splits["train"].ids, *splits["val"].ids])
    assert together == list(known["train"].ids)
    # An id names the place in the source, whichever split the image is in.
    for split in (splits["train"], splits["val"]):
        assert [LABELS[int(identity[-5:])] for identity in split.ids] == split.labels.tolist()


def test_complete_carves_two_splits_as_shares_of_the_whole():
    splits, origins = complete({"train": images(np.repeat([0, 1], 50))}, DataSettings(), source="all")
    assert {name: len(split) for name, split in splits.items()} == {"train": 80, "val": 10, "test": 10}
    assert {origin.source for origin in origins.values()} == {"all"}
    assert len({identity for split in splits.values() for identity in split.ids}) == 100


def test_complete_leaves_whole_sources_alone():
    known = {name: images(LABELS, name) for name in ("train", "val", "test")}
    splits, origins = complete(known, DataSettings())
    assert splits == known
    assert not any(origin.carved for origin in origins.values())


def test_complete_without_train_is_for_evaluation():
    splits, origins = complete({"test": images(LABELS, "test")}, DataSettings())
    assert {name: len(split) for name, split in splits.items()} == {"train": 0, "val": 0, "test": 35}
    assert set(origins) == {"test"}


def test_complete_refuses_fractions_that_leave_nothing():
    with pytest.raises(SettingsError, match=r"data\.val_fraction=0\.5 and data\.test_fraction=0\.5 leave nothing"):
        complete({"train": images(LABELS)}, DataSettings(val_fraction=0.5, test_fraction=0.5))


FROZEN_VAL = [3, 8, 11, 12, 21, 28, 33]
FROZEN_TEST = [0, 4, 14, 15, 28, 29, 34]
