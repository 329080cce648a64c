"""The learning rate as a function of the place in the training: nothing to save, nothing to restore."""

import math

from vyvod.training.settings import TrainingSettings


def factor(settings: TrainingSettings, epoch: float) -> float:
    """By what the highest learning rate is multiplied.

    Args:
        settings: schedule and length.
        epoch: epochs done, with the fraction of the current one; 0 up to (not including) ``settings.epochs``.

    Returns:
        0..1.
    """
    warmup = warmup_epochs(settings)
    if settings.schedule == "one-cycle":
        return _one_cycle(epoch / settings.epochs)
    if epoch < warmup:
        # From 1/100 and not from 0, so that the first step is one.
        return 0.01 + 0.99 * epoch / warmup
    progress = (epoch - warmup) / max(settings.epochs - warmup, 1e-9)
    match settings.schedule:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        case "poly":
            return float(max(1 - progress, 0.0) ** settings.poly_power)
        case "step":
            return float(0.1 ** sum(epoch >= milestone for milestone in _milestones(settings)))
        case _:
            return 1.0


def warmup_epochs(settings: TrainingSettings) -> float:
    """Length of the warm-up: as set, or a tenth of the training and at most one epoch."""
    return min(1.0, settings.epochs / 10) if settings.warmup_epochs is None else settings.warmup_epochs


def _milestones(settings: TrainingSettings) -> tuple[float, ...]:
    return settings.step_epochs or (settings.epochs / 2, settings.epochs * 3 / 4)


def _one_cycle(progress: float) -> float:
    # Smith & Topin (2018) with cosine legs, as torch.optim.lr_scheduler.OneCycleLR: from 1/25 up to 1, down to near 0.
    if progress < 0.3:
        return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * progress / 0.3))
    return 0.5 * (1 + math.cos(math.pi * (progress - 0.3) / 0.7))
