"""Which examples are shown."""

from collections import Counter

import pytest

from vyvod.report.gallery import choose
from vyvod.report.records import ExampleRecord


def examples(**counts: int) -> list[ExampleRecord]:
    names = [(role, f"{role}{number}") for role, count in counts.items() for number in range(count)]
    rest = {"file": "x.png", "truth": "a", "predicted": "a", "confidence": 0.5, "right": True}
    return [ExampleRecord.model_validate({"id": name, "role": role} | rest) for role, name in names]


@pytest.mark.parametrize(
    ("given", "count", "expected"),
    [
        ({"gallery": 40, "best": 2, "worst": 3, "random": 5}, 10, {"random": 5, "worst": 3, "best": 2}),
        ({"random": 6, "worst": 2, "best": 2, "gallery": 99}, 10, {"random": 6, "worst": 2, "best": 2}),
        ({"random": 6, "worst": 2, "best": 2}, 5, {"random": 3, "worst": 1, "best": 1}),
        ({"gallery": 7}, 5, {"gallery": 5}),
        ({"random": 2}, 10, {"random": 2}),
    ],
)
def test_half_are_random_and_the_gallery_fills_up(given: dict[str, int], count: int, expected: dict[str, int]) -> None:
    chosen = choose(examples(**given), count)
    assert Counter(example.role for example in chosen) == expected
    roles = [example.role for example in chosen]
    assert roles == sorted(roles, key=["random", "worst", "best", "gallery"].index)
