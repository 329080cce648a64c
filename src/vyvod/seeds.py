"""Seeds: every random draw follows from the run's seed and the place where it is drawn, never from what was drawn before.

So a resumed run needs no saved generator, and the number of workers or processes does not change what is drawn.
"""

import random
import zlib

import numpy as np


def derive(seed: int, *place: int | str) -> int:
    """A seed for one place, such as ``derive(seed, "epoch", 3, "step", 14)``; 63 bits."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in place]
    low, high = np.random.SeedSequence([seed, *words]).generate_state(2)
    return int(low) | (int(high) & 0x7FFFFFFF) << 32


def generator(seed: int, *place: int | str) -> np.random.Generator:
    """A generator for one place."""
    return np.random.Generator(np.random.PCG64(derive(seed, *place)))


def seed_everything(seed: int, *place: int | str) -> None:
    """Seed the global generators of Python, NumPy and torch (dropout and initialisation draw from the last)."""
    import torch

    value = derive(seed, *place)
    random.seed(value)
    np.random.seed(value % 2**32)  # noqa: NPY002 - third-party code draws from the global one
    torch.manual_seed(value)
