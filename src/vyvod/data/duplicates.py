"""Near duplicates: a perceptual hash finds candidates, the detail that they have in common decides.

The hash is the DCT hash that became known as pHash (Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash
Functions, http://phash.org/docs/pubs/thesis_zauner.pdf): the low frequencies of a grey 32 x 32 thumbnail, each above or below
their median, 64 bits. On pictures that all look alike, such as clothes on black, thousands of different images share
nearly all bits. So a pair counts only if what is left of the two thumbnails correlates once that is taken away which the
images of the data set have in common: their mean and their first principal components.

The thresholds were chosen by looking at pairs. Fashion-MNIST in full has 2.4 billion pairs; of the 170 or so that are
reported most show one garment twice or in two colours. In the JPEG version of CIFAR-10 60 pairs are reported, and those
looked at were all true; recompression (quality 20) and halving of ImageNet photos is found.
"""

from collections.abc import Iterator

import numpy as np
from scipy.fft import dct

SIDE = 32
"""Side of a thumbnail, pixels."""
MAX_BITS = 8
"""Hashes of near duplicates differ in at most that many of 64 bits."""
MIN_DETAIL = 0.93
"""Least correlation of what is left of two thumbnails."""
MIN_CORRELATION = 0.98
"""Least correlation of two whole thumbnails, where there are too few images to know what they have in common."""
MIN_CONTRAST = 2.0
"""Flat images (standard deviation in grey levels, of 255) all look alike and are passed over."""
_FEW = 100
_COMPONENTS = 32
_SAMPLE = 5000
_BANDS = 4
_REACH = 1000
_CHUNK = 8192


def perceptual_hashes(thumbnails: np.ndarray) -> np.ndarray:
    """Hash thumbnails.

    Args:
        thumbnails: ``(N, 32, 32)`` uint8 grey.

    Returns:
        ``(N,)`` uint64; alike images differ in few bits.
    """
    basis = dct(np.eye(SIDE, dtype=np.float32), axis=0, norm="ortho")[1:9]
    hashes = [_hash(thumbnails[start : start + _CHUNK], basis) for start in range(0, len(thumbnails), _CHUNK)]
    return np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)


def _hash(thumbnails: np.ndarray, basis: np.ndarray) -> np.ndarray:
    low = (basis @ thumbnails.astype(np.float32) @ basis.T).reshape(len(thumbnails), 64)
    bits = low > np.median(low, axis=1, keepdims=True)
    hashes: np.ndarray = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return hashes


def near_pairs(thumbnails: np.ndarray) -> np.ndarray:
    """Find images that show nearly the same.

    Args:
        thumbnails: ``(N, 32, 32)`` uint8 grey.

    Returns:
        ``(M, 2)`` int64 places, the first smaller than the second, ascending. Equal hashes in more than 1000 images, and
        differences of more than 3 bits, may leave pairs unfound.
    """
    contrast = [_contrast(thumbnails[start : start + _CHUNK]) for start in range(0, len(thumbnails), _CHUNK)]
    rich = np.flatnonzero(np.concatenate([np.empty(0), *contrast]) >= MIN_CONTRAST)
    thumbnails = thumbnails[rich]
    pairs = _candidates(perceptual_hashes(thumbnails))
    if not len(pairs):
        return pairs
    shared = _Shared(thumbnails)
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        found.append(rich[chunk[shared.correlate(thumbnails, chunk) >= shared.threshold]])
    return np.concatenate(found)


def _contrast(thumbnails: np.ndarray) -> np.ndarray:
    spread: np.ndarray = thumbnails.astype(np.float32).std(axis=(1, 2))
    return spread


def _candidates(hashes: np.ndarray) -> np.ndarray:
    found = [np.empty((0, 2), dtype=np.int64)]
    for first, second in _neighbours(hashes):
        close = np.bitwise_count(hashes[first] ^ hashes[second]) <= MAX_BITS
        pairs = np.stack([first[close], second[close]], axis=1)
        found.append(np.sort(pairs, axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _neighbours(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    # Of four bands of 16 bits at least one is equal where at most three bits differ. Sorted by a band, equal ones are
    # neighbours; the step to the right grows until no two are equal any more.
    for band in range(_BANDS):
        chunk = (hashes >> np.uint64(16 * band)).astype(np.uint16)
        order = np.lexsort((hashes, chunk))
        chunk = chunk[order]
        left = np.arange(len(order))
        for step in range(1, _REACH + 1):
            left = left[left + step < len(order)]
            left = left[chunk[left] == chunk[left + step]]
            if not len(left):
                break
            yield order[left], order[left + step]


class _Shared:
    """What the images of a data set have in common."""

    def __init__(self, thumbnails: np.ndarray) -> None:
        self.mean = np.zeros(SIDE * SIDE, dtype=np.float32)
        self.components = np.zeros((SIDE * SIDE, 0), dtype=np.float32)
        self.threshold = MIN_CORRELATION
        if len(thumbnails) >= _FEW:
            sample = _standardised(thumbnails[:: -(-len(thumbnails) // _SAMPLE)])
            self.mean = sample.mean(axis=0)
            _, vectors = np.linalg.eigh((sample - self.mean).T @ (sample - self.mean))
            self.components = vectors[:, ::-1][:, : min(_COMPONENTS, len(sample) // 50)]
            self.threshold = MIN_DETAIL

    def correlate(self, thumbnails: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Correlation of what is left of the thumbnails of each pair, ``(M,)`` float32 in -1..1."""
        involved, places = np.unique(pairs, return_inverse=True)
        left = _standardised(thumbnails[involved]) - self.mean
        left -= (left @ self.components) @ self.components.T
        left /= np.linalg.norm(left, axis=1, keepdims=True).clip(min=1e-6)
        first, second = places.reshape(-1, 2).T
        correlation: np.ndarray = np.einsum("ij,ij->i", left[first], left[second])
        return correlation


def _standardised(thumbnails: np.ndarray) -> np.ndarray:
    values = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.linalg.norm(values, axis=1, keepdims=True).clip(min=1e-6)
    return values
