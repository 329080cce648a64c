"""Encoders keep the names of the network that they are taken from, and go back into it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vyvod.errors import SettingsError, WeightsError
from vyvod.models import build
from vyvod.models.contract import ModelSettings
from vyvod.models.weights import load_weights, read_source, save_weights
from vyvod.types import InputSpec

GREY = InputSpec(1, 28, 28)
COLOUR = InputSpec(3, 32, 32)
BACKBONES: list[tuple[str, dict[str, Any], InputSpec, int]] = [
    ("plain", {"width": 4}, GREY, 2),
    ("plain", {"width": 2, "stages": 4}, InputSpec(3, 30, 45), 2),
    ("resnet", {"depth": 20}, COLOUR, 2),
    ("resnet", {"stem": "imagenet"}, InputSpec(3, 64, 70), 2),
    ("vgg", {}, COLOUR, 6),
    ("alexnet", {}, InputSpec(3, 64, 64), 6),
    ("efficientnet", {}, InputSpec(3, 64, 64), 2),
    ("timm/resnet10t", {}, InputSpec(3, 64, 64), 2),
    ("unet", {"width": 2, "depth": 2}, GREY, -1),
    ("smp/unet/resnet18", {}, InputSpec(3, 64, 64), -1),
]
"""Backbone, its options, images, and the tensors that it has besides the encoder (-1: a whole decoder)."""


def make(spec: InputSpec, name: str, classes: int = 5, **options: object) -> tuple[build.Architecture, nn.Module]:
    architecture = build.resolve(ModelSettings(name=name, **options))
    return architecture, build.build(architecture, spec, classes)


@pytest.mark.parametrize(("backbone", "options", "spec", "rest"), BACKBONES)
def test_the_encoder_goes_back_into_its_network(
    tmp_path: Path, backbone: str, options: dict[str, Any], spec: InputSpec, rest: int
) -> None:
    torch.manual_seed(0)
    _, autoencoder = make(spec, "autoencoder", backbone=backbone, backbone_options=options)
    images = torch.randn(2, spec.channels, spec.height, spec.width)
    assert autoencoder(images).shape == images.shape
    autoencoder(images).square().mean().backward()
    assert all(part.grad is not None for part in autoencoder.parameters() if part.requires_grad)
    save_weights(autoencoder, tmp_path / "w.safetensors", {})

    architecture, network = make(spec, backbone, **options)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    loaded = load_weights(network, read_source(str(tmp_path / "w.safetensors"), architecture), head=architecture.head)
    ours = {name.removeprefix("encoder."): part for name, part in autoencoder.encoder.named_parameters()}
    theirs = {name.removeprefix("encoder."): part for name, part in network.named_parameters()}
    assert set(ours) <= set(theirs)
    assert all(torch.equal(part, theirs[name]) for name, part in ours.items())
    assert loaded.loaded == len(autoencoder.encoder.state_dict())
    assert set(loaded.not_loaded) | set(network.state_dict()) == set(network.state_dict())
    if rest >= 0:
        assert len(loaded.not_loaded) == rest
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in loaded.not_loaded)
    assert any(name.startswith(part) for part in architecture.head for name in loaded.not_loaded)


def test_features_of_the_network_and_of_the_encoder_are_the_same() -> None:
    _, autoencoder = make(COLOUR, "autoencoder", backbone="resnet", backbone_options={"depth": 20})
    architecture, network = make(COLOUR, "resnet", depth=20)
    network.load_state_dict(autoencoder.encoder.state_dict(), strict=False)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        maps = architecture.module.features(network.eval(), images)
        assert torch.equal(maps, autoencoder.features(autoencoder.encoder.eval(), images))
        assert torch.equal(network.linear(maps.mean((2, 3))), network(images))


def test_of_a_resnet_into_a_segmentation_network_with_that_encoder(tmp_path: Path) -> None:
    spec = InputSpec(3, 64, 64)
    _, autoencoder = make(spec, "autoencoder", backbone="resnet", backbone_options={"stem": "imagenet"})
    save_weights(autoencoder, tmp_path / "w.safetensors", {})
    architecture, network = make(spec, "smp/unet/resnet18")
    load_weights(network, read_source(str(tmp_path / "w.safetensors"), architecture), head=architecture.head)
    assert torch.equal(network.encoder.layer4[1].conv2.weight, autoencoder.encoder.layer4[1].conv2.weight)


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    _, autoencoder = make(GREY, "autoencoder", backbone="plain", backbone_options={"width": 4})
    run = tmp_path / "runs" / "small"
    (run / "checkpoints").mkdir(parents=True)
    save_weights(autoencoder, run / "checkpoints" / "best.safetensors", {})
    settings = "model: {name: autoencoder, backbone: plain, backbone_options: {width: 4}}\n"
    (run / "settings.yaml").write_text(settings, encoding="utf-8")
    cases = [
        ("resnet", {"depth": 20}, COLOUR, "0 of its 36 tensors fit; without a place: stages.0.0.weight"),
        ("plain", {"width": 8}, GREY, r"of another shape: stages.0.0.weight \(4x1x3x3 in the file, 8x1x3x3 in the"),
        ("plain", {"width": 4, "stages": 2}, GREY, "without a place: stages.2"),
        ("plain", {"width": 4, "stages": 4}, GREY, "missing: stages.3"),
        ("plain", {"width": 4}, COLOUR, r"\(4x1x3x3 in the file, 4x3x3x3 in the network\)"),
    ]
    for name, options, spec, sentence in cases:
        architecture, network = make(spec, name, **options)
        before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        with pytest.raises(WeightsError, match=sentence) as caught:
            load_weights(network, read_source(str(run), architecture), head=architecture.head)
        assert "(model.backbone=plain width=4) is of another network" in str(caught.value)
        assert "Choose that backbone as the model" in str(caught.value)
        assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_an_encoder_alone_cannot_be_evaluated(tmp_path: Path) -> None:
    _, autoencoder = make(GREY, "autoencoder")
    save_weights(autoencoder, tmp_path / "w.safetensors", {})
    architecture, network = make(GREY, "plain")
    weights = read_source(str(tmp_path / "w.safetensors"), architecture)
    with pytest.raises(WeightsError, match="lack the head of the network"):
        load_weights(network, weights, head=architecture.head, whole=True)


def test_the_word_encoder_freezes_what_was_loaded(tmp_path: Path) -> None:
    _, autoencoder = make(COLOUR, "autoencoder", backbone="vgg")
    save_weights(autoencoder, tmp_path / "w.safetensors", {})
    architecture, network = make(COLOUR, "vgg")
    loaded = load_weights(network, read_source(str(tmp_path / "w.safetensors"), architecture), head=architecture.head)
    build.freeze(network, ("encoder",), architecture.head, fresh=loaded.not_loaded)
    # Fully connected layers that nobody has trained yet stay free.
    assert {name.partition(".")[0] for name, part in network.named_parameters() if part.requires_grad} == {"classifier"}
    assert not network.features[1].training
    build.unfreeze(network)
    build.freeze(network, ("encoder",), architecture.head)
    assert {name for name, part in network.named_parameters() if part.requires_grad} == {
        "classifier.6.weight",
        "classifier.6.bias",
    }
    _, whole = make(GREY, "autoencoder", backbone_options={"width": 2})
    build.freeze(whole, ("encoder",), ())
    assert {name.partition(".")[0] for name, part in whole.named_parameters() if part.requires_grad} == {"decoder"}
    assert ModelSettings(freeze="encoder").freeze == ("encoder",)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"backbone": "resnett"},
            r"model.backbone=resnett: There is no architecture 'resnett'. Did you mean 'resnet'\?",
        ),
        ({"backbone": "faster-rcnn"}, r"faster-rcnn cannot be an encoder: .* Choose plain, resnet, "),
        ({"backbone": "autoencoder"}, "autoencoder cannot be an encoder"),
        (
            {"backbone": "resnet", "backbone_options": {"dept": 18}},
            r"no setting 'model.backbone_options.dept' for model=resnet. Did you mean 'model.backbone_options.depth'",
        ),
        ({"backbone_options": {"weights": "imagenet"}}, "weights is no option of a network"),
    ],
)
def test_backbones_that_are_none(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        build.resolve(ModelSettings(name="autoencoder", **options))


def test_a_transformer_without_maps() -> None:
    architecture = build.resolve(ModelSettings(name="autoencoder", backbone="timm/vit_tiny_patch16_224"))
    with pytest.raises(SettingsError, match=r"have 3 dimensions; an autoencoder needs feature maps"):
        build.build(architecture, build.fit_input(architecture, None), 0)


OWN = '''"""A net that draws."""
from torch import nn

TASKS = ("reconstruction",)


def build(options, spec, classes):
    return nn.Conv2d(spec.channels, 1, 3, padding=1)
'''


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "draws.py").write_text(OWN, encoding="utf-8")
    architecture = build.resolve(ModelSettings(name=str(tmp_path / "draws.py")))
    assert build.build(architecture, GREY, 0)(torch.zeros(1, 1, 28, 28)).shape == (1, 1, 28, 28)
    with pytest.raises(SettingsError, match=r"for 1 images of 3 x 32 x 32; expected a tensor of 1 x 3 x 32 x 32 floa"):
        build.build(architecture, COLOUR, 0)


def test_cost_and_seed() -> None:
    torch.manual_seed(3)
    architecture, first = make(GREY, "autoencoder", backbone_options={"width": 4})
    torch.manual_seed(3)
    _, second = make(GREY, "autoencoder", backbone_options={"width": 4})
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    cost = build.cost(first, GREY)
    assert cost["parameters"] == cost["trainable"]
    assert cost["macs"] is not None
    assert architecture.head == ()
    assert architecture.task == "reconstruction"
