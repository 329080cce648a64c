"""Objects counted by hand."""

from pathlib import Path

import numpy as np

from vyvod.data.formats.boxes import LabelledImage, gathered
from vyvod.data.objects import count_objects


def test_counts_leave_out_what_does_not_count():
    boxes = np.array([[0, 0, 4, 2], [1, 1, 3, 9], [0, 0, 9, 9]], dtype=float)
    split = gathered(
        Path(),
        [
            LabelledImage("a", (9, 9), boxes, [2, 2, 0], [False, False, True]),
            LabelledImage("b", (9, 9), boxes[:0], []),
            LabelledImage("c", (9, 9), boxes[1:2], [1]),
            LabelledImage("d", (9, 9), boxes[2:], [1], [True]),
        ],
    )
    assert count_objects(split, 3).record() == {
        "counts": [0, 1, 2], "images": [0, 1, 1], "crowd": 2, "empty": 1, "boxes": [[4, 2], [2, 8], [2, 8]],
    }  # fmt: skip


def test_at_most_a_thousand_sizes_spread_evenly():
    boxes = np.stack([[0, 0, n, 1] for n in range(1, 3001)]).astype(float)
    found = count_objects(gathered(Path(), [LabelledImage("a", (9, 4000), boxes, [0] * 3000)]), 1)
    widths = [width for width, _ in found.record()["boxes"]]
    assert (len(widths), widths[0], widths[-1], len(found.sizes)) == (1000, 1, 3000, 3000)
    assert set(np.diff(widths)) <= {3, 4, 2}


def test_no_objects():
    found = count_objects(gathered(Path(), [LabelledImage("a", (9, 9), np.zeros((0, 4)), [])]), 2)
    assert found.record() == {"counts": [0, 0], "images": [0, 0], "crowd": 0, "empty": 1, "boxes": []}
