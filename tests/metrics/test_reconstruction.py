"""PSNR and squared error by hand."""

import math

import numpy as np
import pytest

from vyvod.metrics.reconstruction import HEADLINE, METRICS, overall, psnr


def test_by_hand() -> None:
    # Off by 0.1 everywhere is 20 dB, by 0.01 is 40 dB; the mean of the ratios is not the ratio of the mean error.
    errors = np.array([0.1**2, 0.01**2])
    assert psnr(errors) == pytest.approx([20, 40])
    values = overall(errors)
    assert values == pytest.approx({"psnr": 30, "mse": 0.00505})
    assert values["psnr"] != pytest.approx(-10 * math.log10(values["mse"]), abs=1)
    assert set(values) == set(METRICS)
    assert HEADLINE in values


def test_nothing_wrong_is_a_hundred_decibels() -> None:
    assert psnr(np.array([0.0, 1e-30, 1.0])) == pytest.approx([100, 100, 0])


def test_no_image() -> None:
    assert all(math.isnan(value) for value in overall(np.zeros(0)).values())
