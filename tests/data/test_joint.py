"""Image and mask go through everything together, and what lies outside an image does not count."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from vyvod.data.contract import IGNORE
from vyvod.data.joint import Mosaic, RandomTile, Whole, bent, resized_mask, target_size, window
from vyvod.data.transforms import AugmentationSettings
from vyvod.types import Sample

PLAIN = AugmentationSettings(flip=0, rescale=(1, 1))
EVERYTHING = AugmentationSettings(flip=0.5, flip_vertical=0.5, turn=True, elastic=3, rescale=(0.5, 2))


def _sample(height: int, width: int) -> Sample:
    """The mask can be read off the image: the class is the colour of broad stripes, divided by 50."""
    labels = (torch.arange(height)[:, None] // 16 + torch.arange(width)[None] // 16) % 5
    return Sample((labels * 50).to(torch.uint8).expand(3, -1, -1).contiguous(), labels.to(torch.uint8), "a")


def _agreement(sample: Sample) -> float:
    """Share of the counted pixels whose mask says what the image shows."""
    counted = sample.target != IGNORE
    shown = (sample.image[0].float() / 50).round().to(torch.uint8)
    return float((shown == sample.target)[counted].float().mean())


@pytest.mark.parametrize("settings", [PLAIN, EVERYTHING])
@pytest.mark.parametrize("size", [(64, 64), (200, 90), (33, 150)])
def test_image_and_mask_stay_together(settings: AugmentationSettings, size: tuple[int, int]) -> None:
    tile = RandomTile(96, 96, 0, None, settings)
    for seed in range(12):
        torch.manual_seed(seed)
        cut = tile(_sample(*size))
        assert cut.image.shape == (3, 96, 96)
        assert cut.target.shape == (96, 96)
        # Stripes have blurred edges, which the mask has not.
        assert _agreement(cut) > 0.78, seed


def test_a_tile_of_the_same_size_is_the_image() -> None:
    sample = _sample(64, 80)
    cut = RandomTile(64, 80, 0, None, PLAIN)(sample)
    assert torch.equal(cut.image, sample.image)
    assert torch.equal(cut.target, sample.target)


def test_what_lies_outside_is_mirrored_and_does_not_count() -> None:
    sample = _sample(32, 32)
    torch.manual_seed(0)
    cut = RandomTile(64, 64, 0, None, PLAIN)(sample)
    counted = cut.target != IGNORE
    assert int(counted.sum()) == 32 * 32
    rows, columns = counted.any(dim=1).nonzero()[:, 0], counted.any(dim=0).nonzero()[:, 0]
    inside = cut.image[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert torch.equal(inside, sample.image)
    assert int((cut.image.sum(dim=0) > 0)[~counted].sum()) > 0


def test_valid_convolutions_see_what_is_around_the_tile() -> None:
    sample = _sample(80, 80)
    cut = RandomTile(60, 60, 10, None, PLAIN)(sample)
    assert cut.target.shape == (40, 40)
    assert (cut.target != IGNORE).all()
    middle = (cut.image[0, 10:-10, 10:-10].float() / 50).round().to(torch.uint8)
    assert torch.equal(middle, cut.target)


def test_window_mirrors_as_often_as_needed() -> None:
    row = torch.tensor([[1, 2, 3]])
    assert window(row, range(1), range(-3, 8)).tolist() == [[2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]]
    assert window(torch.tensor([[7]]), range(-1, 2), range(2)).tolist() == [[7, 7]] * 3
    assert window(row, range(1), range(1, 3)).tolist() == [[2, 3]]


def test_window_agrees_with_numpy() -> None:
    values = torch.arange(35).view(5, 7)
    padded = np.pad(values.numpy(), ((11, 6), (3, 9)), mode="reflect")
    assert np.array_equal(window(values, range(-11, 11), range(-3, 16)), padded)


def test_masks_are_never_smoothed() -> None:
    mask = torch.tensor([[0, 4], [4, 0]], dtype=torch.uint8)
    assert set(resized_mask(mask, (7, 9)).unique().tolist()) == {0, 4}
    assert resized_mask(mask, (4, 4))[:2, :2].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("size", "expected"), [(None, (300, 400)), (150, (150, 200)), ((64, 32), (64, 32))])
def test_target_size(size: int | tuple[int, int] | None, expected: tuple[int, int]) -> None:
    assert target_size((3, 300, 400), size) == expected


def test_evaluation_leaves_the_mask_alone() -> None:
    sample = _sample(40, 60)
    whole = Whole(20)(sample)
    assert whole.image.shape == (3, 20, 30)
    assert torch.equal(whole.target, sample.target)


def test_bending_moves_image_and_mask_alike() -> None:
    torch.manual_seed(1)
    sample = _sample(96, 96)
    image, mask = bent(sample.image, sample.target, 6.0)
    assert not torch.equal(mask, sample.target)
    assert _agreement(Sample(image, mask, "a")) > 0.85
    assert set(mask.unique().tolist()) <= set(range(5))


@dataclass
class Three:
    """Three images of one colour each, of different sizes."""

    ids: Sequence[str] = ("a", "b", "c")

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        side = 8 + 4 * index
        return Sample(
            torch.full((3, side, side), 50 * index, dtype=torch.uint8),
            torch.full((side, side), index, dtype=torch.uint8),
            self.ids[index],
        )

    def mask(self, index: int) -> np.ndarray:
        mask: np.ndarray = self[index].target.numpy()
        return mask

    def fingerprint(self) -> str:
        return "three"


def test_mosaic_puts_four_together() -> None:
    torch.manual_seed(2)
    made = Mosaic(Three(), 1.0)[1]
    assert made.image.shape == (3, 24, 24)
    assert made.target.shape == (24, 24)
    assert (made.target[:12, :12] == 1).all()
    assert torch.equal((made.image[0] / 50).to(torch.uint8), made.target)
    assert Mosaic(Three(), 0.0)[1].image.shape == (3, 12, 12)


def test_they_can_be_sent_to_workers() -> None:
    for part in (RandomTile(32, 32, 0, None, EVERYTHING), Whole((4, 4)), Mosaic(Three(), 1.0)):
        torch.manual_seed(5)
        here = part(_sample(40, 40)) if callable(part) else part[0]
        again = pickle.loads(pickle.dumps(part))
        torch.manual_seed(5)
        there = again(_sample(40, 40)) if callable(part) else again[0]
        assert torch.equal(here.image, there.image)
