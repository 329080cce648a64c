"""The reconstruction task: how images are spoilt, losses, meter."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vyvod.data.contract import DataSettings
from vyvod.data.loading import Request
from vyvod.data.transforms import NO_AUGMENTATION, AugmentationSettings, Draws, Normalisation
from vyvod.losses import squared_errors
from vyvod.seeds import generator
from vyvod.tasks.reconstruction import Reconstruction, ReconstructionSettings, from_rows, seed_of
from vyvod.types import Batch, InputSpec

NORMALISATION = Normalisation((0.5,), (0.25,))


def task(**settings: object) -> Reconstruction:
    return Reconstruction(ReconstructionSettings(**settings), NORMALISATION)


def prepared(
    made: Reconstruction, stored: torch.Tensor, ids: list[str], *, training: bool = False, step: int = 0
) -> Batch:
    spec = InputSpec(1, stored.shape[2], stored.shape[3])
    augmentation = AugmentationSettings() if training else NO_AUGMENTATION
    request = Request(spec, NORMALISATION, augmentation, DataSettings(), training=training)
    draws = Draws(generator(0, "augment", 0, step), len(stored), slice(0, len(stored)))
    return made.preparation(request).batch(Batch(stored, torch.zeros(len(stored)), ids), draws)


def noise(number: int, side: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (number, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))


def test_squared_errors_by_hand() -> None:
    images = torch.zeros(2, 2, 1, 2)
    drawn = torch.tensor([[[[1.0, 2]], [[3, 0]]], [[[0.0, 0]], [[0, 4]]]])
    assert squared_errors(drawn, images).tolist() == [(1 + 4 + 9) / 4, 16 / 4]
    counted = torch.tensor([[[[True, False]]], [[[False, True]]]])
    assert squared_errors(drawn, images, counted=counted).tolist() == [(1 + 9) / 2, 16 / 2]


def test_the_images_are_the_targets() -> None:
    stored = noise(3)
    batch = prepared(task(), stored, ["a", "b", "c"])
    assert torch.equal(batch.images, batch.targets["images"])
    assert batch.images == pytest.approx((stored.float() / 255 - 0.5) / 0.25, abs=1e-5)
    assert set(batch.targets) == {"images"}


def test_in_evaluation_an_image_is_spoilt_the_same_way_in_any_batch() -> None:
    stored, made = noise(4), task(noise=0.2, masked=0.5, patch=2)
    whole = prepared(made, stored, list("abcd"))
    alone = prepared(made, stored[2:3], ["c"], step=7)
    assert torch.equal(whole.images[2:3], alone.images)
    assert not torch.equal(whole.targets["hidden"][0], whole.targets["hidden"][1])


def test_in_training_it_is_spoilt_anew() -> None:
    stored, made = noise(2), task(noise=0.2)
    first, second = (prepared(made, stored, ["a", "b"], training=True, step=step) for step in (0, 1))
    differences = [batch.images - batch.targets["images"] for batch in (first, second)]
    assert not torch.equal(*differences)


def test_noise_has_the_size_that_was_asked_for() -> None:
    batch = prepared(task(noise=0.2), noise(8, side=32), [str(number) for number in range(8)])
    added = batch.images - batch.targets["images"]
    # Of values in 0..1; normalised ones are 1 / 0.25 as large.
    assert float(added.std()) * 0.25 == pytest.approx(0.2, rel=0.03)
    assert abs(float(added.mean())) < 0.03


@pytest.mark.parametrize(("side", "patch", "share", "patches"), [(8, 2, 0.25, 4), (8, 4, 0.5, 2), (8, 4, 0.01, 1)])
def test_hidden_patches(side: int, patch: int, share: float, patches: int) -> None:
    batch = prepared(task(masked=share, patch=patch), noise(5, side), list("abcde"))
    hidden = batch.targets["hidden"]
    assert hidden.shape == (5, 1, side, side)
    assert hidden.sum(dim=(1, 2, 3)).tolist() == [patches * patch * patch] * 5
    blocks = hidden.view(5, side // patch, patch, side // patch, patch).float().mean(dim=(2, 4))
    assert set(blocks.unique().tolist()) <= {0.0, 1.0}
    assert (batch.images[hidden] == 0).all()
    assert torch.equal(batch.images[~hidden], batch.targets["images"][~hidden])


def test_patches_at_the_border_are_cut() -> None:
    hidden = prepared(task(masked=0.9, patch=5), noise(1, side=8), ["a"]).targets["hidden"]
    assert hidden.shape == (1, 1, 8, 8)
    assert bool(hidden.all()), "0.9 of 4 patches are all of them"


def test_losses_and_scores_by_hand() -> None:
    class Brighter(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images + 0.4

    made = task()
    stored = torch.full((2, 1, 4, 4), 51, dtype=torch.uint8)
    stored[1] = 250
    batch = prepared(made, stored, ["b", "a"])
    assert float(made.losses(Brighter(), batch)["squared_error"]) == pytest.approx(0.16, rel=1e-5)
    meter = made.meter()
    meter.update(made.validate(Brighter(), batch), batch.targets, ["b", "a"])
    scores = meter.compute()
    # 0.4 normalised is 0.1 of the values; 250 / 255 + 0.1 is cut off at 1.
    errors = [(1 - 250 / 255) ** 2, 0.01]
    assert scores.per_image["id"].tolist() == ["a", "b"]
    assert scores.per_image["mse"] == pytest.approx(errors, rel=1e-4)
    assert scores.overall["psnr"] == pytest.approx((20 - 10 * math.log10(errors[0])) / 2, rel=1e-4)
    assert scores.overall["loss"] == pytest.approx(0.16, rel=1e-5)
    assert scores.per_class == {}


def test_only_hidden_patches_count() -> None:
    class Filler(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(images)

    made, stored = task(masked=0.5, patch=2), noise(3)
    batch = prepared(made, stored, list("abc"))
    kept = torch.where(batch.targets["hidden"], batch.targets["images"], 0)
    loss = made.losses(Filler(), batch)["squared_error"]
    assert float(loss) == pytest.approx(float((kept**2).sum() / batch.targets["hidden"].sum()), rel=1e-5)
    seen, shown, errors = made.redrawn(Filler(), batch.targets["images"], [seed_of(name) for name in "abc"])
    assert torch.equal(seen, made.values(batch.images))
    assert torch.equal(shown, made.values(batch.images)), "what is visible is shown as it is, the rest as it was drawn"
    meter = made.meter()
    meter.update(torch.zeros_like(batch.images), batch.targets, list("abc"))
    assert meter.compute().per_image["mse"] == pytest.approx(errors.numpy(), rel=1e-5)


def test_shards_merge_to_the_same_scores_and_rows_give_them_again() -> None:
    made = task(noise=0.1)
    batch = prepared(made, noise(7), list("abcdefg"))
    drawn = torch.randn(batch.images.shape, generator=torch.Generator().manual_seed(1))
    whole, shards = made.meter(), [made.meter() for _ in range(3)]
    whole.update(drawn, batch.targets, list("abcdefg"))
    for rank, shard in enumerate(shards):
        targets = {name: part[rank::3] for name, part in batch.targets.items()}
        shard.update(drawn[rank::3], targets, list("abcdefg")[rank::3])
    merged = made.meter()
    for shard in reversed(shards):
        merged.merge(shard)
    scores = whole.compute()
    assert merged.compute().overall == scores.overall
    assert from_rows(scores.per_image).overall == scores.overall
    half = {name: column[:3] for name, column in scores.per_image.items()}
    assert from_rows(half).overall["mse"] == pytest.approx(float(np.mean(scores.per_image["mse"][:3])))


def test_an_empty_meter() -> None:
    assert all(math.isnan(value) for value in task().meter().compute().overall.values())
