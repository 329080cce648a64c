"""Anchors against objects, by hand and at scale."""

import math
import time

import pytest
import torch

from vyvod.models.yolo.anchors import best_possible_recall, choose_anchors, fit_anchors

# Sides differ from the anchor's by: nothing; 3 times; 5 times in width only; 3.9 and 1/3.9 times; 1/10 times.
OBJECTS = torch.tensor([[10.0, 10.0], [30.0, 30.0], [50.0, 10.0], [39.0, 10 / 3.9], [1.0, 1.0]])
ANCHOR = torch.tensor([[10.0, 10.0]])


def log_normal(number: int, *, seed: int = 0) -> torch.Tensor:
    return torch.exp(torch.randn(number, 2, generator=torch.Generator().manual_seed(seed)) * 0.8 + 3.5)


def test_recall_by_hand() -> None:
    assert best_possible_recall(OBJECTS, ANCHOR) == pytest.approx(3 / 5)
    assert best_possible_recall(OBJECTS, ANCHOR, threshold=2) == pytest.approx(1 / 5)
    assert best_possible_recall(OBJECTS, ANCHOR, threshold=5.5) == pytest.approx(4 / 5)
    both = torch.tensor([[10.0, 10.0], [2.0, 2.0]])
    assert best_possible_recall(OBJECTS, both) == pytest.approx(4 / 5)
    assert math.isnan(best_possible_recall(torch.zeros(0, 2), ANCHOR))


def test_two_kinds_of_objects_get_an_anchor_each() -> None:
    objects = torch.tensor([[20.0, 10.0]] * 7 + [[90.0, 120.0]] * 3)
    anchors = fit_anchors(objects, 2, seed=0)
    torch.testing.assert_close(anchors, torch.tensor([[20.0, 10.0], [90.0, 120.0]]))


@pytest.mark.parametrize("number", [1, 2, 8])
def test_fewer_objects_than_anchors(number: int) -> None:
    anchors = fit_anchors(log_normal(number), 9, seed=0)
    assert anchors.shape == (9, 2)
    assert (anchors > 0).all()
    assert best_possible_recall(log_normal(number), anchors) == 1


def test_many_objects_quickly_and_always_alike() -> None:
    objects = log_normal(100_000)
    begin = time.perf_counter()
    anchors = fit_anchors(objects, 9, seed=1)
    assert time.perf_counter() - begin < 3
    assert anchors.dtype == torch.float32
    areas = anchors.prod(dim=1)
    assert torch.equal(areas, areas.sort().values)
    shuffled = objects[torch.randperm(len(objects), generator=torch.Generator().manual_seed(2))]
    assert torch.equal(fit_anchors(shuffled, 9, seed=1), anchors)
    assert not torch.equal(fit_anchors(objects, 9, seed=2), anchors)


def test_the_search_improves_on_anchors_at_even_distances() -> None:
    objects = log_normal(5000)
    even = objects[objects.prod(dim=1).argsort()][torch.arange(9) * 5000 // 9 + 277]
    found = fit_anchors(objects, 9, seed=0)
    assert best_possible_recall(objects, found) > best_possible_recall(objects, even) + 0.02
    assert best_possible_recall(objects, found, threshold=2) > best_possible_recall(objects, even, threshold=2) + 0.1


def test_published_anchors_that_fit_are_kept() -> None:
    published = torch.tensor([[[90.0, 120.0]], [[20.0, 10.0]]])
    anchors, sentence = choose_anchors(torch.tensor([[25.0, 12.0], [80.0, 100.0]]), published, seed=0)
    assert torch.equal(anchors, published.view(2, 2))
    assert sentence == "Anchors as published: they fit 100.0% of the objects."


def test_anchors_for_other_objects_are_replaced() -> None:
    objects = torch.tensor([[4.0, 4.0]] * 9 + [[20.0, 10.0]])
    anchors, sentence = choose_anchors(objects, torch.tensor([[20.0, 10.0], [90.0, 120.0]]), seed=0)
    torch.testing.assert_close(anchors, torch.tensor([[4.0, 4.0], [20.0, 10.0]]))
    assert sentence == (
        "Anchors fitted to the objects of the train images: 4x4, 20x10 (width x height, pixels of the input). They fit 100.0% of "
        "the objects, the published ones 10.0%."
    )


def test_without_objects_or_without_success_the_published_ones_stay() -> None:
    published = torch.tensor([[20.0, 10.0]])
    anchors, sentence = choose_anchors(torch.zeros(0, 2), published, seed=0)
    assert torch.equal(anchors, published)
    assert "no objects" in sentence
    # One anchor cannot fit both, wherever it lies.
    anchors, sentence = choose_anchors(torch.tensor([[20.0, 10.0], [2000.0, 1000.0]]), published, seed=0)
    assert torch.equal(anchors, published)
    assert sentence.endswith("they fit 50.0% of the objects, and none better were found.")
