"""The example images of a run: drawn with a fixed seed, the worst, the best, and a gallery of right and wrong ones."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vyvod.data.contract import Split
from vyvod.errors import DataError
from vyvod.files import write_atomically, write_json
from vyvod.seeds import generator
from vyvod.tasks.contract import Task
from vyvod.types import Scores

GALLERY = 120
"""Images in the gallery of report.html, at most."""
SIDE = 320
"""Longest side of a stored example, pixels."""
SEED = 0
"""The same for every run: all runs on a data set show the same random images."""


def write(folder: Path, split: Split, task: Task, scores: Scores, *, count: int) -> None:
    """Choose examples of a split, and write ``examples/`` and ``examples.json``."""
    rows = scores.per_image
    place = {identity: index for index, identity in enumerate(split.ids)}
    records = []
    for number, (row, role) in enumerate(choose(rows, count), start=1):
        identity = str(rows["id"][row])
        file = _write_image(folder / "examples" / f"{number:04d}.png", split, place[identity], task)
        if file is not None:
            records.append(
                {"file": f"examples/{file.name}", "id": identity, "role": role, **_answer(rows, row, task.classes)}
            )
    write_json(folder / "examples.json", records)


def choose(rows: dict[str, np.ndarray], count: int) -> list[tuple[int, str]]:
    """Rows of the per-image statistics and their roles: random ones first, then the worst, the best, and the gallery.

    Args:
        rows: columns of the meter, ``loss``, ``label`` and ``predicted`` among them.
        count: how many are shown in the README; a fifth of them worst, a fifth best.
    """
    number = len(rows["id"])
    order = generator(SEED, "examples").permutation(number).tolist()
    by_loss = np.argsort(rows["loss"], kind="stable").tolist()
    extremes = max(1, count // 5)
    wrong = [row for row in reversed(by_loss) if rows["label"][row] != rows["predicted"][row]]
    worst = (wrong or list(reversed(by_loss)))[:extremes]
    best = [row for row in by_loss if row not in worst][:extremes]
    taken = set(worst) | set(best)
    random = [row for row in order if row not in taken][: max(count - len(taken), 0)]
    chosen = [(row, "random") for row in random] + [(row, "worst") for row in worst] + [(row, "best") for row in best]
    taken |= set(random)
    return chosen + [
        (row, "gallery") for row in _gallery(rows, [row for row in order if row not in taken], GALLERY - len(chosen))
    ]


def _gallery(rows: dict[str, np.ndarray], order: list[int], room: int) -> list[int]:
    # In turn from every class, wrong ones and right ones: a rare class and a rare mistake are there too.
    groups: dict[tuple[int, bool], list[int]] = {}
    for row in order:
        label = int(rows["label"][row])
        groups.setdefault((label, bool(label == rows["predicted"][row])), []).append(row)
    chosen: list[int] = []
    while len(chosen) < room and any(groups.values()):
        for key in sorted(groups):
            if groups[key] and len(chosen) < room:
                chosen.append(groups[key].pop(0))
    return chosen


def _write_image(path: Path, split: Split, index: int, task: Task) -> Path | None:
    try:
        picture = Image.fromarray(task.drawing(split[index].image))
    except DataError:
        return None
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    write_atomically(path, lambda file: file.write(buffer.getvalue()))
    return path


def _answer(rows: dict[str, np.ndarray], row: int, classes: tuple[str, ...]) -> dict[str, Any]:
    truth, predicted = int(rows["label"][row]), int(rows["predicted"][row])
    top = zip(rows["top"][row], rows["top_probability"][row], strict=True)
    return {
        "truth": classes[truth],
        "predicted": classes[predicted],
        "confidence": float(rows["confidence"][row]),
        "top": [[classes[int(index)], float(probability)] for index, probability in top],
        "right": truth == predicted,
    }
