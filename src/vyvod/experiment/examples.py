"""The example images of a run: drawn with a fixed seed, the worst, the best, and more of them for a gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vyvod.data.contract import Split
from vyvod.errors import DataError
from vyvod.seeds import generator
from vyvod.types import Sample

SIDE = 320
"""Longest side of a stored example, pixels."""
SEED = 0
"""The same for every run: all runs on a data set show the same random images."""

Chosen = list[tuple[int, str]]
"""Row of the per-image statistics and role: random, worst, best or gallery."""


def choose(
    badness: np.ndarray,
    wrong: np.ndarray,
    *,
    count: int,
    rest: Callable[[list[int], int], list[int]],
    most: int,
) -> Chosen:
    """Rows and their roles: random ones first, then the worst, the best, and the gallery.

    Args:
        badness: ``(N,)`` float, how bad the answer to each image is.
        wrong: ``(N,)`` bool, whether it can be called a mistake: where there are any, the worst are among them.
        count: how many are shown in the README; a fifth of them worst, a fifth best.
        rest: from the other rows in random order, and how many are wanted -> those of the gallery.
        most: rows in all.
    """
    order = generator(SEED, "examples").permutation(len(badness)).tolist()
    by_badness = np.argsort(badness, kind="stable").tolist()
    extremes = max(1, count // 5)
    mistakes = [row for row in reversed(by_badness) if wrong[row]]
    worst = (mistakes or list(reversed(by_badness)))[:extremes]
    best = [row for row in by_badness if row not in worst][:extremes]
    taken = set(worst) | set(best)
    random = [row for row in order if row not in taken][: max(count - len(taken), 0)]
    chosen = [(row, "random") for row in random] + [(row, "worst") for row in worst] + [(row, "best") for row in best]
    taken |= set(random)
    gallery = rest([row for row in order if row not in taken], most - len(chosen))
    return chosen + [(row, "gallery") for row in gallery]


def written(
    folder: Path,
    split: Split,
    ids: Sequence[str] | np.ndarray,
    chosen: Chosen,
    write: Callable[[Path, int, Sample], dict[str, Any]],
) -> Iterator[Mapping[str, Any]]:
    """Write each chosen example as ``examples/NNNN.png`` and give its record; images that cannot be read are passed over.

    Args:
        folder: of the run.
        split: where the images are from.
        ids: of the rows.
        chosen: rows and roles.
        write: is given the file, the row and the sample; writes the pictures and gives the task's part of the record.
    """
    place = {identity: index for index, identity in enumerate(split.ids)}
    for number, (row, role) in enumerate(chosen, start=1):
        identity, file = str(ids[row]), f"examples/{number:04d}.png"
        try:
            sample = split[place[identity]]
        except DataError:
            continue
        yield {"file": file, "id": identity, "role": role, **write(folder / file, row, sample)}
