"""The classification task: losses, meter, and what the meter keeps."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score

from vyvod.tasks.classification import Classification, ClassificationMeter, from_rows
from vyvod.types import Batch

CLASSES = tuple("abcdefgh")


def _logits(number: int) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    torch.manual_seed(3)
    return torch.randn(number, 8) * 2, torch.randint(0, 8, (number,)), [f"{place:03d}" for place in range(number)]


def test_meter_against_scikit_learn() -> None:
    logits, labels, ids = _logits(200)
    meter = ClassificationMeter(8)
    for part in range(0, 200, 64):
        meter.update(logits[part : part + 64], labels[part : part + 64], ids[part : part + 64])
    scores = meter.compute()
    probabilities = logits.double().softmax(dim=1).numpy()
    assert scores.overall["loss"] == pytest.approx(log_loss(labels, probabilities), abs=1e-6)
    assert scores.overall["top5"] == pytest.approx(top_k_accuracy_score(labels, probabilities, k=5))
    assert scores.per_image["predicted"].tolist() == probabilities.argmax(axis=1).tolist()
    assert np.allclose(scores.per_image["top_probability"], -np.sort(-probabilities, axis=1)[:, :3], atol=1e-6)


def test_shards_merge_to_the_same_scores() -> None:
    logits, labels, ids = _logits(101)
    whole = ClassificationMeter(8)
    whole.update(logits, labels, ids)
    shards = [ClassificationMeter(8) for _ in range(3)]
    for rank, shard in enumerate(shards):
        shard.update(logits[rank::3], labels[rank::3], ids[rank::3])
    merged = ClassificationMeter(8)
    for shard in reversed(shards):
        merged.merge(shard)
    for name, column in whole.compute().per_image.items():
        assert np.array_equal(column, merged.compute().per_image[name]), name
    assert whole.compute().overall == merged.compute().overall


def test_any_subset_can_be_scored_again() -> None:
    logits, labels, ids = _logits(90)
    meter, half = ClassificationMeter(8), ClassificationMeter(8)
    meter.update(logits, labels, ids)
    half.update(logits[:40], labels[:40], ids[:40])
    rows = {name: column[:40] for name, column in meter.compute().per_image.items()}
    assert from_rows(rows, 8).overall == half.compute().overall


def test_empty_meter_is_undefined() -> None:
    assert all(np.isnan(value) for value in ClassificationMeter(8).compute().overall.values())


def test_label_smoothing_by_hand() -> None:
    task = Classification(("a", "b"), label_smoothing=0.2)
    logits = torch.tensor([[0.0, np.log(3.0)]])  # probabilities 1/4 and 3/4
    parts = task.losses(lambda images: images, Batch(logits, torch.tensor([1]), ["x"]))
    assert parts["cross_entropy"].item() == pytest.approx(-(0.9 * np.log(0.75) + 0.1 * np.log(0.25)), abs=1e-6)
