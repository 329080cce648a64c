"""The segmentation task: losses, whole images and windows, meter, and what the meter keeps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, jaccard_score
from torch import Tensor, nn
from torch.nn import functional

from vyvod.data.contract import IGNORE
from vyvod.data.transforms import Normalisation
from vyvod.tasks.segmentation import (
    Geometry,
    Segmentation,
    SegmentationMeter,
    SegmentationSettings,
    from_rows,
    full,
    sliding,
    window_starts,
)
from vyvod.types import Batch

CLASSES = ("background", "cat", "dog")


def _multiple(of: int):
    return lambda height, width: (-(-height // of) * of, -(-width // of) * of)


GEOMETRY = Geometry(16, 16, 0, _multiple(8))
NORMALISATION = Normalisation((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


def _task(settings: SegmentationSettings | None = None, geometry: Geometry = GEOMETRY, **more: object) -> Segmentation:
    return Segmentation(CLASSES, settings or SegmentationSettings(), geometry, NORMALISATION, **more)


class PerPixel(nn.Module):
    """Looks at single pixels: whole images, padded ones and windows must give the same."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Conv2d(3, 3, 1)
        self.seen: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(tuple(images.shape))
        return self.head(images)


class Valid(nn.Module):
    """A valid 5 x 5 convolution: loses two pixels on each side."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Conv2d(3, 3, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images)


class TwoHeads(nn.Module):
    """With an auxiliary head, in training."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"out": self.head(images), "aux": self.other(images)}


def _batch(number: int = 2, side: int = 8) -> Batch:
    torch.manual_seed(1)
    labels = torch.randint(0, 3, (number, side, side), dtype=torch.uint8)
    labels[:, :2] = IGNORE
    return Batch(torch.randn(number, 3, side, side), {"labels": labels}, [str(place) for place in range(number)])


def test_the_loss_is_a_sum_with_factors() -> None:
    network, batch = PerPixel(), _batch()
    both = _task(SegmentationSettings(loss="cross-entropy + 0.5*dice")).losses(network, batch)
    alone = {name: _task(SegmentationSettings(loss=name)).losses(network, batch) for name in ("cross-entropy", "dice")}
    assert both["cross_entropy"] == alone["cross-entropy"]["cross_entropy"]
    assert both["dice"].item() == pytest.approx(alone["dice"]["dice"].item() / 2)
    expected = functional.cross_entropy(network(batch.images), batch.targets["labels"].long(), ignore_index=IGNORE)
    assert both["cross_entropy"].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("text", ["dice+bogus", "x*dice", ""])
def test_a_loss_that_does_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match=r"dice|loss|not a number"):
        SegmentationSettings(loss=text)


def test_auxiliary_heads_count_with_their_weight() -> None:
    network, batch = TwoHeads(), _batch()
    parts = _task(SegmentationSettings(auxiliary_weight=0.25)).losses(network, batch)
    labels = batch.targets["labels"].long()
    other = functional.cross_entropy(network.other(batch.images), labels, ignore_index=IGNORE)
    assert parts["auxiliary"].item() == pytest.approx(0.25 * other.item())


def test_class_weights() -> None:
    network, batch = PerPixel(), _batch()
    weights = torch.tensor([0.5, 2.0, 1.0])
    parts = _task(class_weights=weights).losses(network, batch)
    labels = batch.targets["labels"].long()
    expected = functional.cross_entropy(network(batch.images), labels, weight=weights, ignore_index=IGNORE)
    assert parts["cross_entropy"].item() == pytest.approx(expected.item())


def test_full_images_are_padded_for_the_network_and_cut_again() -> None:
    network, images = PerPixel(), torch.randn(2, 3, 13, 21)
    assert torch.allclose(full(network, images, GEOMETRY), network.head(images), atol=1e-6)
    assert network.seen == [(2, 3, 16, 24)]


def test_valid_convolutions_answer_for_every_pixel() -> None:
    geometry = Geometry(20, 20, 2, lambda height, width: (height + 4, width + 4))
    network, images = Valid(), torch.randn(1, 3, 15, 30)
    mirrored = functional.pad(images, (2, 2, 2, 2), mode="reflect")
    expected = network(mirrored)
    assert torch.allclose(full(network, images, geometry), expected, atol=1e-6)
    # Windows see what is around them, so that without overlap they give the same too.
    assert torch.allclose(sliding(network, images, geometry, overlap=0), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(40, 50), (16, 33), (9, 70), (10, 11)])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_windows_cover_everything(size: tuple[int, int], overlap: float) -> None:
    network, images = PerPixel(), torch.randn(2, 3, *size)
    assert torch.allclose(sliding(network, images, GEOMETRY, overlap=overlap), network.head(images), atol=1e-5)


def test_window_starts_by_hand() -> None:
    assert window_starts(10, 16, 0.5) == [0]
    assert window_starts(32, 16, 0.5) == [0, 8, 16]
    assert window_starts(33, 16, 0.0) == [0, 8, 17]


def test_answers_do_not_depend_on_the_neighbours() -> None:
    torch.manual_seed(4)
    images = [torch.randn(3, 12, 20), torch.randn(3, 9, 9), torch.randn(3, 12, 20)]
    targets = [torch.randint(0, 3, (24, 40), dtype=torch.uint8), torch.zeros(9, 9, dtype=torch.uint8)]
    targets.append(torch.full((12, 20), IGNORE, dtype=torch.uint8))
    network, task = PerPixel(), _task()
    together = task.validate(network, Batch(images, targets, ["a", "b", "c"]))
    for image, target, answer in zip(images, targets, together, strict=True):
        (alone,) = task.validate(network, Batch([image], [target], ["x"]))
        assert torch.equal(alone.labels, answer.labels)
        assert answer.labels.shape == target.shape
        assert alone.loss == pytest.approx(answer.loss, nan_ok=True)
    assert np.isnan(together[2].loss)


def _random_maps(number: int) -> tuple[list[Tensor], list[Tensor]]:
    random = np.random.default_rng(0)
    truth, predicted = [], []
    for place in range(number):
        size = (int(random.integers(5, 20)), int(random.integers(5, 20)))
        mask = random.integers(0, 3, size).astype(np.uint8)
        noise = random.integers(0, 3, size).astype(np.uint8)
        guess = np.where(random.random(size) < 0.7, mask, noise).astype(np.uint8)
        mask[random.random(size) < 0.1] = IGNORE
        if place == 0:
            mask[:] = IGNORE
        truth.append(torch.from_numpy(mask))
        predicted.append(torch.from_numpy(guess))
    return truth, predicted


def _filled(truth: list[Tensor], predicted: list[Tensor], *, start: int = 0) -> SegmentationMeter:
    from vyvod.tasks.segmentation import Answer

    meter = SegmentationMeter(CLASSES, boundary=True)
    ids = [f"{start + place:03d}" for place in range(len(truth))]
    meter.update([Answer(guess, 0.5 + place) for place, guess in enumerate(predicted, start)], truth, ids)
    return meter


def test_meter_against_scikit_learn() -> None:
    truth, predicted = _random_maps(12)
    scores = _filled(truth, predicted).compute()
    flat = np.concatenate([mask.numpy().ravel() for mask in truth])
    guess = np.concatenate([mask.numpy().ravel() for mask in predicted])[flat != IGNORE]
    flat = flat[flat != IGNORE]
    assert scores.overall["dice"] == pytest.approx(f1_score(flat, guess, average="macro"))
    assert scores.overall["iou"] == pytest.approx(jaccard_score(flat, guess, average="macro"))
    assert scores.overall["pixel_accuracy"] == pytest.approx(accuracy_score(flat, guess))
    assert scores.overall["dice_foreground"] == pytest.approx(f1_score(flat, guess, average=None)[1:].mean())
    assert scores.per_class["iou"] == pytest.approx(jaccard_score(flat, guess, average=None))
    assert scores.extra["confusion"].sum() == len(flat)
    assert np.isnan(scores.per_image["dice"][0])


def test_shards_merge_to_the_same_scores() -> None:
    truth, predicted = _random_maps(11)
    whole, first, second = (
        _filled(truth, predicted),
        _filled(truth[:4], predicted[:4]),
        _filled(truth[4:], predicted[4:], start=4),
    )
    merged = SegmentationMeter(CLASSES, boundary=True)
    merged.merge(second)
    merged.merge(first)
    for name, column in whole.compute().per_image.items():
        assert np.array_equal(column, merged.compute().per_image[name], equal_nan=name != "id"), name
    assert whole.compute().overall == pytest.approx(merged.compute().overall)
    assert np.array_equal(whole.compute().extra["confusion"], merged.compute().extra["confusion"])


def test_any_subset_can_be_scored_again() -> None:
    truth, predicted = _random_maps(9)
    rows = {name: column[2:6] for name, column in _filled(truth, predicted).compute().per_image.items()}
    part = _filled(truth[2:6], predicted[2:6], start=2).compute()
    assert from_rows(rows, CLASSES).overall == pytest.approx(part.overall)


def test_empty_meter_is_undefined() -> None:
    assert all(np.isnan(value) for value in SegmentationMeter(CLASSES).compute().overall.values())


def test_the_crf_cleans_a_noisy_answer() -> None:
    torch.manual_seed(3)
    truth = torch.zeros(24, 24, dtype=torch.uint8)
    truth[:, 12:] = 1
    image = torch.where(truth == 1, 1.5, -1.5).expand(3, -1, -1).contiguous()

    class Noisy(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            logits = torch.stack([-images[:, 0], images[:, 0], torch.full_like(images[:, 0], -3)], dim=1) * 0.4
            return logits + torch.randn(logits.shape, generator=torch.Generator().manual_seed(0))

    batch = Batch([image], [truth], ["a"])
    plain = _task().validate(Noisy(), batch)[0]
    refined = _task(SegmentationSettings(crf="large-fov")).validate(Noisy(), batch)[0]
    assert (refined.labels != truth).sum() < 0.5 * (plain.labels != truth).sum()


def test_settings_are_kept_whole() -> None:
    settings = SegmentationSettings(loss="lovasz+2*focal")
    assert SegmentationSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert replace(_task(), settings=settings).settings.loss == {"lovasz": 1.0, "focal": 2.0}
