"""Learning-rate schedules, by hand and against torch's own."""

import pytest
import torch

from vyvod.training.schedule import factor
from vyvod.training.settings import TrainingSettings


def _at(epoch: float, **settings: object) -> float:
    return factor(TrainingSettings(**settings), epoch)


def test_cosine_with_warm_up() -> None:
    settings = {"epochs": 11, "warmup_epochs": 1}
    assert _at(0, **settings) == pytest.approx(0.01)
    assert _at(0.5, **settings) == pytest.approx(0.505)
    assert _at(1, **settings) == pytest.approx(1)
    assert _at(6, **settings) == pytest.approx(0.5)
    assert _at(11, **settings) == pytest.approx(0)


def test_default_warm_up_is_a_tenth_and_at_most_an_epoch() -> None:
    assert _at(0.3, epochs=3) == pytest.approx(1)
    assert _at(0.5, epochs=100) == pytest.approx(0.505)


def test_step_at_half_and_three_quarters_or_as_told() -> None:
    values = [_at(epoch, epochs=8, schedule="step", warmup_epochs=0) for epoch in range(8)]
    assert values == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    told = [_at(epoch, epochs=4, schedule="step", warmup_epochs=0, step_epochs=(1,)) for epoch in range(4)]
    assert told == pytest.approx([1, 0.1, 0.1, 0.1])


def test_poly() -> None:
    assert _at(5, epochs=10, schedule="poly", warmup_epochs=0) == pytest.approx(0.5**0.9)


def test_constant() -> None:
    assert [_at(epoch, epochs=3, schedule="constant", warmup_epochs=0) for epoch in range(3)] == [1, 1, 1]


def test_one_cycle_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=101, cycle_momentum=False)
    for step in range(100):
        # Torch places its peak and its end half a step aside.
        assert _at(step / 10, epochs=10, schedule="one-cycle") == pytest.approx(reference.get_last_lr()[0], abs=0.03)
        optimizer.step()
        reference.step()
