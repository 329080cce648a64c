"""Metrics of reconstructed images, all from the squared error of each image, in float64.

Values of images count in 0..1, clipped to it. The PSNR of a split is the mean of its images' PSNR (as in image restoration),
not that of the mean error: one image that is missed altogether does not hide all others.
"""

import numpy as np
from numpy.typing import NDArray

METRICS = {
    "psnr": "peak signal-to-noise ratio: mean over images of 10 log10(1 / mse), in dB; the headline metric",
    "mse": "mean squared error of the values in 0..1, averaged over images (lower is better)",
}
HEADLINE = "psnr"
LOWER_IS_BETTER = ("mse",)

LEAST = 1e-10
"""Smaller errors count as that one, 100 dB: an empty image can be met exactly, and infinity has no mean."""

Floats = NDArray[np.float64]


def psnr(errors: Floats) -> Floats:
    """``(N,)`` PSNR in dB, at most 100, of images with these mean squared errors.

    Args:
        errors: ``(N,)``, of values in 0..1.
    """
    return -10 * np.log10(np.maximum(errors, LEAST))


def overall(errors: Floats) -> dict[str, float]:
    """Every metric; NaN without images.

    Args:
        errors: ``(N,)`` mean squared error of each image, of values in 0..1.
    """
    if not len(errors):
        return dict.fromkeys(METRICS, float("nan"))
    return {"psnr": float(psnr(errors).mean()), "mse": float(errors.mean())}
