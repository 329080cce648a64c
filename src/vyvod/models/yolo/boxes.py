"""Arithmetic of boxes: intersection over union in the forms that assignment and losses need."""

import math

import torch
from torch import Tensor

EPSILON = 1e-7
"""Keeps quotients finite where a box has no area."""


def to_corners(boxes: Tensor) -> Tensor:
    """``(..., 4)`` centre x, centre y, width, height -> left, top, right, bottom."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def to_centres(boxes: Tensor) -> Tensor:
    """``(..., 4)`` left, top, right, bottom -> centre x, centre y, width, height."""
    return torch.cat([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], dim=-1)


def shape_iou(sizes: Tensor, others: Tensor) -> Tensor:
    """IoU of boxes that share their centre.

    Args:
        sizes: ``(A, 2)`` width, height.
        others: ``(T, 2)``.

    Returns:
        ``(A, T)`` in 0..1.
    """
    inside = torch.minimum(sizes[:, None], others[None]).prod(dim=-1)
    together = sizes.prod(dim=-1)[:, None] + others.prod(dim=-1)[None] - inside
    return inside / (together + EPSILON)


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU of boxes that stand at the same place, or are broadcast against each other.

    Args:
        boxes: ``(..., 4)`` left, top, right, bottom.
        others: ``(..., 4)``.

    Returns:
        ``(...)`` in 0..1; 0 where a box has no area.
    """
    inside = _intersection(boxes, others)
    return inside / (_area(boxes) + _area(others) - inside + EPSILON)


def complete_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Complete IoU (Zheng et al. 2020, https://arxiv.org/abs/1911.08287): less for distant centres and for other proportions.

    Args:
        boxes: ``(E, 4)`` centre x, centre y, width, height.
        others: ``(E, 4)``.

    Returns:
        ``(E,)``, 1 for equal boxes, down to below -1; the gradient ignores the weight of the term of the proportions.
    """
    first, second = to_corners(boxes), to_corners(others)
    overlap, distance = iou(first, second), apart(first, second)
    skew = 4 / math.pi**2 * (_angle(others) - _angle(boxes)).square()
    with torch.no_grad():
        weight = skew / (skew - overlap + 1 + EPSILON)
    return overlap - distance - weight * skew


def apart(boxes: Tensor, others: Tensor) -> Tensor:
    """Squared distance of the centres over the squared diagonal of the box around both.

    Args:
        boxes: ``(..., 4)`` left, top, right, bottom.
        others: ``(..., 4)``.

    Returns:
        ``(...)`` in 0..1.
    """
    hull = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    between = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    return between.square().sum(dim=-1) / (hull.square().sum(dim=-1) + EPSILON)


def _angle(boxes: Tensor) -> Tensor:
    return torch.atan(boxes[..., 2] / (boxes[..., 3] + EPSILON))


def _intersection(boxes: Tensor, others: Tensor) -> Tensor:
    sides = torch.minimum(boxes[..., 2:], others[..., 2:]) - torch.maximum(boxes[..., :2], others[..., :2])
    return sides.clamp(min=0).prod(dim=-1)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)
