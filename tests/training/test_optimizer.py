"""The moving average of the weights."""

import pytest
import torch
from torch import nn

from vyvod.training.optimizer import make_average


def test_the_average_follows_weights_and_buffers_as_worked_by_hand() -> None:
    network = nn.BatchNorm1d(1)
    average = make_average(network, decay=0.15)
    expected = None
    for number, weight in enumerate((1.0, 2.0, 5.0)):
        network.weight.data.fill_(weight)
        network.running_mean.fill_(10 * weight)
        network.num_batches_tracked.fill_(number)
        average.update_parameters(network)
        # The first is taken as it is; then the share of the old one is (1 + n) / (10 + n), at most the decay, and 2/11 is more.
        share = min(0.15, (1 + number) / (10 + number)) if number else 0.0
        expected = weight if expected is None else share * expected + (1 - share) * weight
        assert average.module.weight.item() == pytest.approx(expected)
        assert average.module.running_mean.item() == pytest.approx(10 * expected)
        assert average.module.num_batches_tracked.item() == number
    assert expected == pytest.approx(0.15 * (0.15 * 1 + 0.85 * 2) + 0.85 * 5)
    assert torch.equal(network.weight, torch.tensor([5.0])), "the network itself goes on"
