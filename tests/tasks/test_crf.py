"""The CRF against sums over all pairs of pixels, and against the authors' program."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from vyvod.tasks.crf import PRESETS, Parameters, _corners, _kernel, refined

STORED = Path(__file__).parent / "data" / "crf.npz"
"""``image`` (24, 30, 3) uint8, ``logits`` (3, 24, 30) int8 in twentieths, ``labels``; and what pydensecrf2 1.1, the wrapped
program of the authors, gives after ten steps, uint16 of 65535: ``large_fov`` and ``v2_resnet101``, each from

    crf.setUnaryEnergy(-log P); crf.addPairwiseGaussian(sxy=sg, compat=w2)
    crf.addPairwiseBilateral(sxy=sa, srgb=sb, rgbim=image, compat=w1); crf.inference(10)
"""


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(STORED) as file:
        return dict(file)


def probabilities(stored: dict[str, np.ndarray]) -> np.ndarray:
    return softmax(stored["logits"] / 20, axis=0).astype(np.float32)


def gaussian(features: np.ndarray) -> np.ndarray:
    kernel = np.exp(-((features[:, None] - features[None]) ** 2).sum(axis=2) / 2)
    total = np.sqrt(kernel.sum(axis=1))
    return kernel / total[:, None] / total[None]


def over_all_pairs(given: np.ndarray, image: np.ndarray, parameters: Parameters) -> np.ndarray:
    classes, height, width = given.shape
    rows, columns = np.mgrid[:height, :width]
    places = np.stack([rows.ravel(), columns.ravel()], axis=1)
    colours = image.reshape(-1, 3) / parameters.bilateral_colour
    kernel = parameters.bilateral_weight * gaussian(np.hstack([places / parameters.bilateral_pixels, colours]))
    kernel += parameters.smoothness_weight * gaussian(places / parameters.smoothness_pixels)
    evidence = np.log(given.reshape(classes, -1).T.astype(np.float64))
    belief = softmax(evidence, axis=1)
    different = 1 - np.eye(classes)
    for _ in range(parameters.iterations):
        belief = softmax(evidence - kernel @ belief @ different, axis=1)
    return belief.T.reshape(classes, height, width)


@pytest.mark.parametrize("preset", PRESETS)
def test_nearly_equals_the_sum_over_all_pairs(stored: dict[str, np.ndarray], preset: str) -> None:
    given, parameters = probabilities(stored), PRESETS[preset]
    ours, exact = (run(given, stored["image"], parameters) for run in (refined, over_all_pairs))
    assert (ours.argmax(0) == exact.argmax(0)).mean() >= 0.99
    assert np.abs(ours - exact).mean() < 5e-3
    # Not because nothing happens:
    assert (given.argmax(0) != exact.argmax(0)).mean() > 0.02


@pytest.mark.parametrize("preset", ["large-fov", "v2-resnet101"])
def test_equals_the_program_of_the_authors(stored: dict[str, np.ndarray], preset: str) -> None:
    ours = refined(probabilities(stored), stored["image"], PRESETS[preset])
    theirs = stored[preset.replace("-", "_")] / 65535
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.sum(axis=0), 1, atol=1e-5)


def test_outlines_move_to_the_colours(stored: dict[str, np.ndarray]) -> None:
    given = probabilities(stored)
    right = [
        (answer.argmax(0) == stored["labels"]).mean()
        for answer in (given, refined(given, stored["image"], PRESETS["large-fov"]))
    ]
    assert right[0] < 0.85
    assert right[1] > 0.9


def test_without_weight_nothing_changes(stored: dict[str, np.ndarray]) -> None:
    given = probabilities(stored)
    ours = refined(given, stored["image"], Parameters(0, 50, 5, 0, 3))
    np.testing.assert_allclose(ours, given, atol=1e-6)


def test_a_certain_network_stays_finite(stored: dict[str, np.ndarray]) -> None:
    certain = np.zeros((3, 24, 30), dtype=np.float32)
    certain[1] = 1
    np.testing.assert_allclose(refined(certain, stored["image"], PRESETS["v2-vgg"]), certain, atol=1e-6)


@pytest.mark.parametrize("dimensions", [2, 5])
def test_pixels_lie_inside_their_simplex(dimensions: int) -> None:
    features = np.random.default_rng(0).normal(0, 20, (500, dimensions))
    numbers, weights, _ = _corners(features)
    assert weights.min() > -1e-6
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert all(len(set(row)) == dimensions + 1 for row in numbers.tolist())


def test_the_lattice_blurs_like_a_gaussian() -> None:
    rows, columns = np.mgrid[:40, :40]
    features = np.stack([rows.ravel(), columns.ravel()], axis=1) / 4.0
    impulse = np.zeros((1600, 1), dtype=np.float32)
    impulse[20 * 40 + 20] = 1
    spread = _kernel(features).filter(impulse)[:, 0].reshape(40, 40)
    # Rows add up to 1 nearly, and the standard deviation is the 4 pixels that were asked for.
    assert spread.sum() == pytest.approx(1, abs=0.05)
    for axis in (rows, columns):
        deviation = np.sqrt((spread * (axis - 20) ** 2).sum() / spread.sum())
        assert deviation == pytest.approx(4, rel=0.1)


def test_a_reach_of_nothing_is_refused() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    given = np.exp(log_softmax(np.zeros((2, 6, 6)), axis=0)).astype(np.float32)
    with pytest.raises(ValueError, match="reach too little"):
        refined(given, image, Parameters(1, 1, 0.001, 1, 1))
