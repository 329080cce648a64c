"""Losses: from outputs and targets to what is minimised; all in float32, since half precision loses small probabilities.

Semantic segmentation: logits are ``(N, K, H, W)`` and targets ``(N, H, W)`` int64 class indices. Pixels of class ``IGNORE``
count nowhere, and a batch of nothing else gives a loss of 0 with gradients of 0.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

IGNORE = 255
"""The label of a pixel that counts nowhere."""


def cross_entropy(logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0, reduction: str = "mean") -> Tensor:
    """Cross-entropy of a classifier, label smoothing as in Szegedy et al. (2016).

    Args:
        logits: ``(N, K)``; taken to float32, since half precision loses the small probabilities.
        targets: ``(N,)`` int64 class indices, or ``(N, K)`` float32 shares that sum to 1.
        label_smoothing: share of the target that is spread evenly over all classes.
        reduction: ``mean`` or ``none``.

    Returns:
        scalar, or ``(N,)`` with reduction ``none``.
    """
    return functional.cross_entropy(logits.float(), targets, label_smoothing=label_smoothing, reduction=reduction)


def squared_errors(drawn: Tensor, images: Tensor, *, counted: Tensor | None = None) -> Tensor:
    """Mean squared error of each image.

    Args:
        drawn: ``(N, C, H, W)``.
        images: of the same shape.
        counted: ``(N, 1, H, W)`` bool, the pixels that count, at least one in each image; None: all.

    Returns:
        ``(N,)`` float32.
    """
    errors = (drawn.float() - images.float()) ** 2
    if counted is None:
        return errors.mean(dim=(1, 2, 3))
    return (errors.mean(dim=1, keepdim=True) * counted).sum(dim=(1, 2, 3)) / counted.sum(dim=(1, 2, 3))


def pixel_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    pixel_weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of every pixel, averaged over all that count: sum of weight * loss / sum of weights, as torch does.

    Args:
        logits: ``(N, K, H, W)``.
        targets: ``(N, H, W)`` int64 class indices, ``IGNORE`` where nothing counts.
        class_weights: ``(K,)`` float32; under label smoothing each class of the smoothed target has its own, as in torch.
        label_smoothing: share of the target that is spread evenly over all classes.
        pixel_weights: ``(N, H, W)`` float32, on top of the class weights; such as ``border_weights``.

    Returns:
        scalar.
    """
    losses = functional.cross_entropy(
        logits.float(),
        targets,
        weight=class_weights,
        ignore_index=IGNORE,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    weights = _weights(targets, class_weights)
    if pixel_weights is None:
        return _quotient(losses.sum(), weights.sum())
    return _quotient((losses * pixel_weights).sum(), (weights * pixel_weights).sum())


def focal_loss(logits: Tensor, targets: Tensor, *, gamma: float = 2.0, class_weights: Tensor | None = None) -> Tensor:
    """Focal loss over a softmax: ``-(1 - p)^gamma log p`` of the true class, averaged as in ``pixel_cross_entropy``.

    Source: Lin et al. 2017, https://arxiv.org/abs/1708.02002. There the loss is a sigmoid per class, summed, and divided by
    the number of objects; here classes exclude each other and there are no objects, only pixels.

    Args:
        logits: ``(N, K, H, W)``.
        targets: ``(N, H, W)`` int64 class indices, ``IGNORE`` where nothing counts.
        gamma: 0 gives the cross-entropy; the larger, the less a pixel counts that is nearly right.
        class_weights: ``(K,)`` float32; the paper's alpha.

    Returns:
        scalar.
    """
    surprise = functional.cross_entropy(logits.float(), targets, ignore_index=IGNORE, reduction="none")
    # expm1 keeps 1 - p exact near p = 1; at p = 1 itself a gamma below 1 would have an infinite gradient.
    losses = (-torch.expm1(-surprise)).clamp(min=1e-12) ** gamma * surprise
    weights = _weights(targets, class_weights)
    return _quotient((losses * weights).sum(), weights.sum())


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Soft Dice loss: mean over the classes in the batch's truth of ``1 - 2 sum(p t) / (sum(p) + sum(t))``.

    Sums run over all counted pixels of the batch, not over each image, p is the softmax and t is 1 where the class is true.
    There is no smoothing: with a true pixel the denominator is at least 1. Classes that the truth lacks are left out: their
    quotient would be 0 however small p is, so that it could teach nothing.
    Source: Milletari et al. 2016, https://arxiv.org/abs/1606.04797, who square p and t in the denominator; we do not.

    Args:
        logits: ``(N, K, H, W)``.
        targets: ``(N, H, W)`` int64 class indices, ``IGNORE`` where nothing counts.

    Returns:
        scalar, 0..1.
    """
    probabilities = logits.float().softmax(dim=1)
    # No class has the index of ignored pixels: they are false in every plane.
    truth = targets[:, None] == torch.arange(logits.shape[1], device=targets.device)[:, None, None]
    support = truth.sum(dim=(0, 2, 3)).float()
    overlap = (probabilities * truth).sum(dim=(0, 2, 3))
    predicted = (probabilities * (targets != IGNORE)[:, None]).sum(dim=(0, 2, 3))
    losses = 1 - 2 * overlap / (predicted + support).clamp(min=1)
    present = (support > 0).float()
    return _quotient((losses * present).sum(), present.sum())


def lovasz_softmax_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Lovasz-Softmax: a convex stand-in for 1 - IoU, averaged over the classes in the batch's truth.

    Source: Berman et al. 2018, https://arxiv.org/abs/1705.08790, equations 8, 9 and 12; over the batch, not over each image.
    The price: one sort of all pixels for each class, and a wait for the GPU to learn which classes there are.

    Args:
        logits: ``(N, K, H, W)``.
        targets: ``(N, H, W)`` int64 class indices, ``IGNORE`` where nothing counts.

    Returns:
        scalar, 0..1.
    """
    probabilities = logits.float().softmax(dim=1)
    present = [label for label in torch.unique(targets).tolist() if label != IGNORE]
    if not present:
        return probabilities.sum() * 0
    counted = targets != IGNORE
    return torch.stack(
        [_lovasz(probabilities[:, label][counted], targets[counted] == label) for label in present]
    ).mean()


def border_weights(labels: NDArray[np.generic], *, w0: float = 10.0, sigma: float = 5.0) -> NDArray[np.float32]:
    """U-Net's weights of pixels: ``1 + w0 exp(-(d1 + d2)^2 / (2 sigma^2))`` on the background, 1 elsewhere.

    d1 and d2 are the distances to the nearest and the second nearest object, so that the gap between two objects weighs most.
    An object is a connected component (over edges, not over corners) of one class above 0. Class weights, the paper's wc,
    come separately. With fewer than two objects all weights are 1.
    Source: Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597, equation 2.

    Args:
        labels: ``(H, W)`` bool or class indices; 0 is background, ``IGNORE`` is neither background nor object.
        w0: what is added where two objects all but touch.
        sigma: how far that reaches, pixels.

    Returns:
        ``(H, W)`` float32, 1..1 + w0.
    """
    instances = _instances(labels)
    nearest = np.full(labels.shape, np.inf)
    second = nearest.copy()
    # Farther away the weight does not differ from 1 in float32: it is enough to look around each object.
    reach = math.ceil(sigma * math.sqrt(2 * math.log(max(w0 / float(np.finfo(np.float32).eps), 1.0)))) + 1
    for instance, box in enumerate(ndimage.find_objects(instances), start=1):
        around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        distance = ndimage.distance_transform_edt(instances[around] != instance)
        second[around] = np.minimum(second[around], np.maximum(nearest[around], distance))
        nearest[around] = np.minimum(nearest[around], distance)
    added = w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))
    return np.where(labels == 0, 1 + added, 1).astype(np.float32)


def _instances(labels: NDArray[np.generic]) -> NDArray[np.int32]:
    """``(H, W)`` int32: 0, or the number of the object, from 1."""
    instances = np.zeros(labels.shape, dtype=np.int32)
    found = 0
    for label in np.unique(labels):
        if label not in (0, IGNORE):
            components, number = ndimage.label(labels == label)
            instances += np.where(components > 0, components + found, 0).astype(np.int32)
            found += number
    return instances


def _lovasz(probabilities: Tensor, truth: Tensor) -> Tensor:
    """The Lovasz extension of one class's Jaccard loss.

    Args:
        probabilities: ``(P,)`` float32 of the class, at the pixels that count.
        truth: ``(P,)`` bool, whether the class is true; at least once.
    """
    errors, order = torch.where(truth, 1 - probabilities, probabilities).sort(descending=True)
    truth = truth[order]
    missed = truth.cumsum(dim=0)
    support = missed[-1]
    union = support + torch.arange(1, len(truth) + 1, device=truth.device) - missed
    left = support - missed
    # What each pixel adds to 1 - left / union, written out: the difference of two neighbours would lose its digits.
    steps = torch.where(truth, 1 / union, left / (union * (union - 1)).clamp(min=1))
    # Not torch.dot, which autocast would take to half precision.
    return (errors * steps).sum()


def _weights(targets: Tensor, class_weights: Tensor | None) -> Tensor:
    """``(N, H, W)`` float32: the weight of each pixel's class, 0 where nothing counts."""
    counted = targets != IGNORE
    if class_weights is None:
        return counted.float()
    return class_weights[torch.where(counted, targets, 0)] * counted


def _quotient(total: Tensor, weight: Tensor) -> Tensor:
    return total / torch.where(weight > 0, weight, 1)
