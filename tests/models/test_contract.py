"""What holds for every architecture; a new file in the folder is tested without being told."""

import math

import pytest
import torch
from torch import nn

from vyvod import catalog
from vyvod.models import build
from vyvod.models.build import Architecture
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec

CLASSIFIERS = [entry.name for entry in catalog.architectures().values() if "classification" in entry.tasks]
CLASSES = 7


@pytest.fixture(scope="module", params=CLASSIFIERS)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return build.resolve(ModelSettings(name=request.param))


@pytest.fixture(scope="module")
def spec(architecture: Architecture) -> InputSpec:
    return build.fit_input(architecture, InputSpec(3, 32, 32))


@pytest.fixture(scope="module")
def network(architecture: Architecture, spec: InputSpec) -> nn.Module:
    torch.manual_seed(3)
    model = build.build(architecture, spec, CLASSES)
    model.drawn_next = torch.rand(1)
    return model


def test_logits_and_gradients(network: nn.Module, spec: InputSpec) -> None:
    assert network.training
    logits = network(torch.randn(2, spec.channels, spec.height, spec.width))
    assert logits.shape == (2, CLASSES)
    nn.functional.cross_entropy(logits, torch.tensor([0, 6])).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_same_seed_gives_the_same_network(architecture: Architecture, spec: InputSpec, network: nn.Module) -> None:
    torch.manual_seed(3)
    again = architecture.module.build(architecture.options, spec, CLASSES)
    assert torch.equal(network.drawn_next, torch.rand(1)), "trying the network has drawn from the global generator"
    for (name, ours), theirs in zip(network.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_the_head_is_exactly_what_depends_on_the_classes(architecture: Architecture, spec: InputSpec) -> None:
    def shapes(classes: int) -> dict[str, torch.Size]:
        with torch.device("meta"):
            model = architecture.module.build(architecture.options, spec, classes)
        return {name: tensor.shape for name, tensor in model.state_dict().items()}

    few, many = shapes(7), shapes(11)
    differing = {name for name in few if few[name] != many[name]}
    assert differing
    assert differing == {name for name in few if any(name.startswith(f"{part}.") for part in architecture.head)}


def test_the_input_fits(architecture: Architecture) -> None:
    for native in (None, InputSpec(1, 28, 28), InputSpec(3, 300, 200)):
        spec = build.fit_input(architecture, native)
        assert spec.channels in (1, 3)
        assert min(spec.height, spec.width) >= 28


def test_the_catalog_shows_it(architecture: Architecture) -> None:
    assert len(architecture.title) > 20
    assert architecture.title.isprintable()
    for name, field in type(architecture.options).model_fields.items():
        assert field.description, f"{name} has no help text"


def test_cost_is_counted(network: nn.Module, spec: InputSpec) -> None:
    cost = build.cost(network, spec)
    assert cost["parameters"] == cost["trainable"] == sum(math.prod(p.shape) for p in network.parameters())
    assert cost["macs"] is not None
    assert cost["macs"] > 10_000
