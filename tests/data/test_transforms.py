"""Batch transforms: what they do to pixels, a draw for each image, and the same draws however the work is shared out."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as v2f

from vyvod.data.transforms import (
    NO_AUGMENTATION,
    AugmentationSettings,
    Draws,
    Normalisation,
    augmented,
    erased,
    for_evaluation,
    for_training,
    mixed,
    to_network,
)
from vyvod.seeds import generator
from vyvod.types import InputSpec


def _draws(total: int, part: slice | None = None) -> Draws:
    return Draws(generator(5, "test"), total, part or slice(0, total))


def _images(number: int = 8, channels: int = 3, side: int = 12) -> torch.Tensor:
    return torch.randint(
        0, 256, (number, channels, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_nothing_is_changed_without_augmentation() -> None:
    images = _images()
    assert augmented(images, NO_AUGMENTATION, _draws(8)) is images


def test_shift_and_mirror_are_those_of_a_plain_loop() -> None:
    images, settings = _images(64), AugmentationSettings(flip=0.5, padding=0.25)
    result = augmented(images, settings, _draws(64))
    draws = _draws(64)
    down, right, flip = draws.integers(0, 6), draws.integers(0, 6), draws.uniform() < 0.5
    padded = torch.nn.functional.pad(images, (3, 3, 3, 3))
    for place in range(64):
        expected = padded[place, :, down[place] : down[place] + 12, right[place] : right[place] + 12]
        assert torch.equal(result[place], expected.flip(-1) if flip[place] else expected)
    assert len(set(down.tolist())) > 3, "every image has a draw of its own"
    assert 0 < flip.sum() < 64


@pytest.mark.parametrize("settings", [
    AugmentationSettings(),
    AugmentationSettings(crop="none", flip=0.5, color=0.4),
])  # fmt: skip
def test_parts_of_a_batch_get_the_draws_of_the_whole(settings: AugmentationSettings) -> None:
    images = _images(10)
    whole = erased(augmented(images, settings, _draws(10)).float(), 0.5, _draws(10))
    for part in (slice(0, 6), slice(6, 10)):
        mine = augmented(images[part], settings, _draws(10, part)).float()
        assert torch.equal(erased(mine, 0.5, _draws(10, part)), whole[part])


@pytest.mark.parametrize("settings", [
    AugmentationSettings(mixup=0.4),
    AugmentationSettings(cutmix=1.0),
    AugmentationSettings(mixup=0.4, cutmix=1.0),
])  # fmt: skip
def test_mixing_in_parts_equals_mixing_the_whole(settings: AugmentationSettings) -> None:
    images, labels = _images(10).float(), torch.arange(10) % 4
    whole, shares = mixed(images, labels, 4, settings, _draws(10))
    for part in (slice(0, 4), slice(4, 10)):
        mine, my_shares = mixed(images[part], labels[part], 4, settings, _draws(10, part))
        assert torch.equal(mine, whole[part])
        assert torch.equal(my_shares, shares[part])
    assert torch.allclose(shares.sum(dim=1), torch.ones(10))


def test_mixup_by_hand() -> None:
    images = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    result, shares = mixed(images, torch.tensor([0, 1]), 2, AugmentationSettings(mixup=1.0), _draws(2))
    keep = _draws(2).beta(1.0)
    assert torch.allclose(result[0], (1 - keep[0]).expand(1, 2, 2))
    assert torch.allclose(result[1], keep[1].expand(1, 2, 2))
    assert torch.allclose(
        shares, torch.stack([torch.stack([keep[0], 1 - keep[0]]), torch.stack([1 - keep[1], keep[1]])])
    )


def test_cutmix_shares_are_the_areas() -> None:
    images = torch.stack([torch.full((1, 16, 16), float(place)) for place in (0, 1) * 8])
    result, shares = mixed(images, torch.tensor([0, 1] * 8), 2, AugmentationSettings(cutmix=1.0), _draws(16))
    assert torch.allclose(result.mean(dim=(1, 2, 3)), shares[:, 1])


def test_odd_batch_mixes_its_last_image_with_itself() -> None:
    images, labels = _images(3).float(), torch.tensor([0, 1, 2])
    result, shares = mixed(images, labels, 3, AugmentationSettings(mixup=1.0), _draws(3))
    assert torch.allclose(result[2], images[2])
    assert shares[2].tolist() == [0, 0, 1]


def test_erasing_blanks_2_to_20_percent() -> None:
    result = erased(torch.ones(200, 1, 32, 32), 1.0, _draws(200))
    share = (result == 0).float().mean(dim=(1, 2, 3))
    assert 0.01 < share.min() < share.max() < 0.22
    assert (erased(torch.ones(400, 1, 8, 8), 0.25, _draws(400)) == 0).any(
        dim=(1, 2, 3)
    ).float().mean() == pytest.approx(0.25, abs=0.08)


def test_normalising_and_repeating_grey() -> None:
    images = torch.tensor([[[[0, 255], [51, 102]]]], dtype=torch.uint8)
    result = to_network(images, InputSpec(3, 2, 2), Normalisation((0.2,), (0.5,)))
    expected = torch.tensor([[-0.4, 1.6], [0.0, 0.4]])
    assert torch.allclose(result, expected.expand(1, 3, 2, 2), atol=1e-6)


def test_three_means_for_a_grey_image() -> None:
    images = torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)
    result = to_network(images, InputSpec(3, 2, 2), Normalisation((0.0, 0.5, 1.0), (1.0, 0.5, 0.5)))
    assert result[0, :, 0, 0].tolist() == pytest.approx([1, 1, 0])


def test_colour_images_for_a_grey_network() -> None:
    assert to_network(_images(), InputSpec(1, 12, 12), Normalisation((0.5,), (0.5,))).shape == (8, 1, 12, 12)


def test_resizing_is_that_of_torchvision() -> None:
    images = _images(2, side=12)
    result = to_network(images, InputSpec(3, 20, 20), Normalisation((0.0,) * 3, (1.0,) * 3))
    assert torch.allclose(result, v2f.resize(images.float(), [20, 20], antialias=True) / 255, atol=1e-5)


@pytest.mark.parametrize("size", [(40, 60), (100, 30), (24, 24), (8, 300)])
def test_photos_of_any_shape_get_the_size(size: tuple[int, int]) -> None:
    image, spec = torch.zeros(3, *size, dtype=torch.uint8), InputSpec(3, 24, 24)
    for transform in (
        for_evaluation(spec, "crop"),
        for_evaluation(spec, "stretch"),
        for_training(spec, AugmentationSettings(crop="resized", policy="randaugment"), "crop"),
        for_training(spec, AugmentationSettings(crop="none", policy="augmix"), "crop"),
    ):
        assert transform(image).shape == (3, 24, 24)


def test_draws_do_not_depend_on_torch() -> None:
    torch.manual_seed(0)
    first = _draws(4).uniform()
    torch.manual_seed(1)
    assert np.array_equal(first, _draws(4).uniform())
