"""Losses: from outputs and targets to what is minimised."""

from torch import Tensor
from torch.nn import functional


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
