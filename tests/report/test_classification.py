"""The numbers behind a classifier's report."""

import numpy as np
import pytest

from vyvod.report.classification.task import wilson
from vyvod.report.confusion import pairs


def test_wilson_against_published_values() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for right, images, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(right, images) == pytest.approx((low, high), abs=5e-5)


def test_the_most_frequent_confusion_comes_first() -> None:
    confusion = np.array([[9, 1, 0], [4, 5, 0], [1, 0, 7]])
    assert pairs(confusion) == [(1, 0), (0, 1), (2, 0)]
    assert pairs(np.diag([3, 4])) == []
