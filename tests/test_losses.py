"""Losses of segmentation against numbers worked by hand, their own definitions, and segmentation_models_pytorch."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage
from segmentation_models_pytorch import losses as reference
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits
from torch import Tensor
from torch.nn import functional

from vyvod import losses

LOG2, LOG4 = math.log(2), math.log(4)

# Two classes, one row of four pixels, the last ignored: p(class 1) = 1/2, 3/4, 1/4, 0.9; truth 0, 1, 1.
HALVES = torch.tensor([0.5, 0.75, 0.25, 0.9])
LOGITS = torch.stack([1 - HALVES, HALVES]).log()[None, :, None]
TARGETS = torch.tensor([[[0, 1, 1, 255]]])

ALL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": losses.pixel_cross_entropy,
    "weighted": lambda logits, targets: losses.pixel_cross_entropy(
        logits,
        targets,
        class_weights=torch.linspace(0.5, 2, logits.shape[1]),
        label_smoothing=0.1,
        pixel_weights=1 + (torch.arange(targets.numel()) % 3).view_as(targets),
    ),
    "focal": losses.focal_loss,
    "dice": losses.dice_loss,
    "lovasz": losses.lovasz_softmax_loss,
}


def random_case(seed: int, *, classes: int = 4, size: tuple[int, ...] = (2, 7, 5)) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(size[0], classes, *size[1:], generator=draws)
    targets = torch.randint(0, classes - seed % 2, size, generator=draws)
    targets[torch.rand(size, generator=draws) < 0.2] = losses.IGNORE
    return logits, targets


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        # -log of 1/2, 3/4, 1/4.
        (lambda: losses.pixel_cross_entropy(LOGITS, TARGETS), (LOG2 + math.log(4 / 3) + LOG4) / 3),
        (
            lambda: losses.pixel_cross_entropy(LOGITS, TARGETS, class_weights=torch.tensor([3.0, 1.0])),
            (3 * LOG2 + math.log(4 / 3) + LOG4) / 5,
        ),
        (
            # The ignored pixel weighs most, and nothing.
            lambda: losses.pixel_cross_entropy(LOGITS, TARGETS, pixel_weights=torch.tensor([[[1.0, 0, 2, 100]]])),
            (LOG2 + 2 * LOG4) / 3,
        ),
        # A share of 0.2 over both classes: 0.9 and 0.1.
        (
            lambda: losses.pixel_cross_entropy(LOGITS, TARGETS, label_smoothing=0.2),
            (LOG2 + 0.9 * math.log(4 / 3) + 0.1 * LOG4 + 0.9 * LOG4 + 0.1 * math.log(4 / 3)) / 3,
        ),
        # (1 - p)^2 = 1/4, 1/16, 9/16.
        (lambda: losses.focal_loss(LOGITS, TARGETS), (LOG2 / 4 + math.log(4 / 3) / 16 + 9 / 16 * LOG4) / 3),
        (
            lambda: losses.focal_loss(LOGITS, TARGETS, gamma=1.0, class_weights=torch.tensor([3.0, 1.0])),
            (3 * LOG2 / 2 + math.log(4 / 3) / 4 + 3 / 4 * LOG4) / 5,
        ),
        # Class 0: overlap 1/2, p sums to 3/2, truth to 1: 1 - 1 / 2.5. Class 1: overlap 1, p 3/2, truth 2: 1 - 2 / 3.5.
        (lambda: losses.dice_loss(LOGITS, TARGETS), (1 - 1 / 2.5 + 1 - 2 / 3.5) / 2),
        # Class 0, errors sorted: 3/4 (false), 1/2 (true), 1/4 (false); the Jaccard loss grows by 1/2, 1/2, 0.
        # Class 1: 3/4 (true), 1/2 (false), 1/4 (true); it grows by 1/2, 1/2 - 1/3, 1/3.
        (
            lambda: losses.lovasz_softmax_loss(LOGITS, TARGETS),
            ((3 / 4 + 1 / 2) / 2 + 3 / 8 + (1 / 2) * (1 / 2 - 1 / 3) + 1 / 12) / 2,
        ),
    ],
)
def test_hand_worked(loss: Callable[[], Tensor], expected: float) -> None:
    assert loss().item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_cross_entropy_and_focal_equal_torch(seed: int) -> None:
    logits, targets = random_case(seed)
    weights = torch.tensor([0.5, 1.0, 2.0, 0.0])
    for smoothing in (0.0, 0.1):
        expected = functional.cross_entropy(
            logits, targets, weight=weights, ignore_index=255, label_smoothing=smoothing
        )
        given = losses.pixel_cross_entropy(logits, targets, class_weights=weights, label_smoothing=smoothing)
        assert given.item() == pytest.approx(expected.item(), rel=1e-6)
    plain = losses.pixel_cross_entropy(logits, targets)
    assert losses.focal_loss(logits, targets, gamma=0.0).item() == pytest.approx(plain.item(), rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_dice_equals_smp(seed: int) -> None:
    logits, targets = random_case(seed)
    expected = reference.DiceLoss("multiclass", ignore_index=255)(logits, targets)
    # smp divides by all classes, also by those that the truth lacks; we divide by those that it has.
    present = len(targets[targets != 255].unique())
    assert losses.dice_loss(logits, targets).item() == pytest.approx(expected.item() * 4 / present, rel=1e-5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.0])
def test_focal_equals_smp(seed: int, gamma: float) -> None:
    # smp's FocalLoss is a sigmoid for each class; its softmax form knows no pixels to ignore.
    logits, targets = random_case(seed)
    kept = targets != 255
    expected = softmax_focal_loss_with_logits(logits.movedim(1, -1)[kept], targets[kept], gamma=gamma)
    assert losses.focal_loss(logits, targets, gamma=gamma).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_lovasz_and_its_gradient_equal_smp(seed: int) -> None:
    logits, targets = random_case(seed)
    gradients = []
    for loss in (losses.lovasz_softmax_loss, reference.LovaszLoss("multiclass", ignore_index=255)):
        leaf = logits.clone().requires_grad_()
        value = loss(leaf, targets)
        value.backward()
        gradients.append((value.item(), leaf.grad))
    assert gradients[0][0] == pytest.approx(gradients[1][0], rel=1e-5)
    assert torch.allclose(gradients[0][1], gradients[1][1], atol=1e-6)


def test_lovasz_of_hard_answers_is_the_mean_of_one_minus_iou() -> None:
    answer, targets = torch.tensor([[[0, 0, 1, 1, 1, 2]]]), torch.tensor([[[0, 1, 1, 1, 0, 255]]])
    logits = 200.0 * functional.one_hot(answer, 3).movedim(-1, 1)
    # Class 0: 1 of 3, class 1: 2 of 4; class 2 is neither true nor counted.
    assert losses.lovasz_softmax_loss(logits, targets).item() == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_lovasz_is_exact_where_differences_of_jaccard_values_are_not() -> None:
    # A million pixels with equal errors of 1/2: the steps add up to 1, the loss is 1/2.
    logits, targets = torch.zeros(1, 2, 1000, 1000), torch.zeros(1, 1000, 1000, dtype=torch.int64)
    targets[0, :3] = 1
    assert losses.lovasz_softmax_loss(logits, targets).item() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_gradient_agrees_with_differences(name: str) -> None:
    logits, targets = random_case(3, classes=3, size=(1, 3, 3))
    leaf = logits.clone().requires_grad_()
    ALL[name](leaf, targets).backward()
    for place in range(0, logits.numel(), 4):
        step = torch.zeros_like(logits)
        step.view(-1)[place] = 1e-2
        slope = (ALL[name](logits + step, targets) - ALL[name](logits - step, targets)) / 2e-2
        assert leaf.grad.view(-1)[place].item() == pytest.approx(slope.item(), abs=3e-4)


@pytest.mark.parametrize("name", ALL)
def test_ignored_pixels_count_nowhere(name: str) -> None:
    logits, targets = random_case(1)
    leaf = logits.clone().requires_grad_()
    loss = ALL[name](leaf, targets)
    loss.backward()
    ignored = (targets == 255)[:, None].expand_as(logits)
    assert (leaf.grad[ignored] == 0).all()
    other = torch.where(ignored, 50.0, logits)
    assert ALL[name](other, targets).item() == pytest.approx(loss.item(), rel=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_nothing_but_ignored_pixels_is_zero_with_a_gradient_of_zero(name: str) -> None:
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = ALL[name](logits, torch.full((2, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", ALL)
def test_half_precision_and_certain_answers_stay_finite(name: str) -> None:
    targets = torch.tensor([[[0, 1], [1, 255]]])
    # Probabilities of exactly 0 and 1 in float32, right and wrong.
    logits = torch.tensor([[[[60000.0, -60000], [0, 0]], [[-60000, 60000], [100, 0]]]]).half().requires_grad_()
    loss = ALL[name](logits, targets)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ALL[name](logits, targets).dtype == torch.float32


def test_focal_with_a_small_gamma_is_finite_at_certainty() -> None:
    logits = torch.tensor([[[[100.0]], [[-100.0]]]], requires_grad=True)
    losses.focal_loss(logits, torch.zeros(1, 1, 1, dtype=torch.int64), gamma=0.5).backward()
    assert (logits.grad == 0).all()


def test_classification_is_as_before() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    shares = torch.tensor([[0.75, 0.25], [0.0, 1.0]])
    expected = -(shares * logits.log_softmax(dim=1)).sum(dim=1)
    assert torch.allclose(losses.cross_entropy(logits, shares, reduction="none"), expected)
    # A class 255 of a classifier is a class like any other.
    many = torch.zeros(1, 300)
    assert losses.cross_entropy(many, torch.tensor([255])).item() == pytest.approx(math.log(300))


def test_border_weights_by_hand() -> None:
    # Objects at columns 0 and 4: between them d1 + d2 = 1 + 3, 2 + 2, 3 + 1; to the right 1 + 5.
    labels = np.array([[1, 0, 0, 0, 1, 0]], dtype=np.uint8)
    near, far = 1 + 10 * math.exp(-16 / 50), 1 + 10 * math.exp(-36 / 50)
    weights = losses.border_weights(labels)
    assert weights.dtype == np.float32
    assert weights[0].tolist() == pytest.approx([1, near, near, near, 1, far], rel=1e-6)
    # Another class is another object even where both touch; ignored pixels are neither.
    labels = np.array([[1, 2, 0, 255]], dtype=np.uint8)
    expected = [1, 1, 1 + 4 * math.exp(-9 / 8), 1]
    assert losses.border_weights(labels, w0=4, sigma=2)[0].tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("labels", [np.zeros((3, 4), dtype=bool), np.eye(1, dtype=np.int64), np.full((2, 2), 255)])
def test_fewer_than_two_objects_add_nothing(labels: np.ndarray) -> None:
    assert (losses.border_weights(labels) == 1).all()


@pytest.mark.parametrize(("w0", "sigma"), [(10.0, 5.0), (3.0, 1.5), (0.0, 5.0)])
def test_border_weights_equal_the_formula_over_the_whole_image(w0: float, sigma: float) -> None:
    random = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(random.random((90, 110)), 2)
    labels = (smooth > np.quantile(smooth, 0.85)).astype(np.uint8) * random.integers(1, 3)
    components, number = ndimage.label(labels)
    assert number > 10
    distances = np.sort([ndimage.distance_transform_edt(components != place) for place in range(1, number + 1)], axis=0)
    expected = 1 + (labels == 0) * w0 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2))
    assert np.allclose(losses.border_weights(labels, w0=w0, sigma=sigma), expected, rtol=3e-7, atol=0)
