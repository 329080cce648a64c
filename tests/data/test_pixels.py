"""Pixels of each class, and the weights that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from vyvod.data.contract import IGNORE
from vyvod.data.pixels import AT_MOST, balanced_weights, count_pixels
from vyvod.errors import DataError
from vyvod.types import Sample


@dataclass
class Masks:
    masks: Sequence[np.ndarray | None]

    @property
    def ids(self) -> Sequence[str]:
        return [str(place) for place in range(len(self.masks))]

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, index: int) -> Sample:
        raise AssertionError("only masks are needed")

    def mask(self, index: int) -> np.ndarray:
        found = self.masks[index]
        if found is None:
            raise DataError("broken")
        return found

    def fingerprint(self) -> str:
        return ""


def test_by_hand() -> None:
    first = np.array([[0, 0, 1], [IGNORE, 1, 1]], dtype=np.uint8)
    second = np.array([[0, 0], [0, 3]], dtype=np.uint8)
    found = count_pixels(Masks([first, None, second]), 4)
    assert found.masks == 2
    assert found.counts.tolist() == [5, 3, 0, 1]
    assert found.images.tolist() == [2, 1, 0, 1]
    assert found.pixels.tolist() == [9, 5, 0, 4]
    assert found.ignored == 1
    # Frequencies 5/9, 3/5, never, 1/4; their median is 5/9.
    assert balanced_weights(found).tolist() == pytest.approx([1, (5 / 9) / (3 / 5), 1, (5 / 9) / (1 / 4)])


def test_of_many_masks_some_are_counted_from_first_to_last() -> None:
    masks = [np.full((1, 1), place % 200, dtype=np.uint8) for place in range(AT_MOST * 3)]
    masks[0], masks[-1] = np.full((1, 1), 201, dtype=np.uint8), np.full((1, 1), 202, dtype=np.uint8)
    found = count_pixels(Masks(masks), 210)
    assert found.masks == AT_MOST
    assert found.counts[201] == found.counts[202] == 1
