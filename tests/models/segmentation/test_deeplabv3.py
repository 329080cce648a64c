from types import SimpleNamespace

import pytest
import torch
from tests.models.classification.counting import parameters
from torch import Tensor
from torchvision.models import get_model

from vyvod.models.segmentation.deeplabv3 import Download, Options, build, fit_input, head, pretrained
from vyvod.models.weights import Weights, load_weights
from vyvod.types import InputSpec

SPEC = InputSpec(3, 64, 64)
COUNTS = {
    "resnet50": (39_638_869, 42_004_074),
    "resnet101": (58_630_997, 60_996_202),
    "mobilenet": (11_025_477, 11_029_328),
}


@pytest.mark.parametrize("backbone", COUNTS)
def test_parameter_counts(backbone: str) -> None:
    assert parameters("deeplabv3", 21, backbone=backbone, aux_head=False) == COUNTS[backbone][0]
    assert parameters("deeplabv3", 21, backbone=backbone) == COUNTS[backbone][1]


@pytest.mark.parametrize("backbone", COUNTS)
def test_published_weights_are_of_this_network(backbone: str) -> None:
    download = pretrained(Options(backbone=backbone))
    assert download.weights.meta["num_params"] == COUNTS[backbone][1]
    assert len(download.weights.meta["categories"]) == 21
    assert tuple(download.transforms().mean) == (0.485, 0.456, 0.406)
    name = "deeplabv3_" + ("mobilenet_v3_large" if backbone == "mobilenet" else backbone)
    with torch.device("meta"):
        theirs = get_model(name, weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
        ours = build(Options(backbone=backbone), SPEC, 21)
    assert list(ours.state_dict()) == list(theirs.state_dict())


def published(state: dict[str, Tensor], *, aux_head: bool) -> Weights:
    weights = SimpleNamespace(get_state_dict=lambda progress, check_hash: state)
    return Weights(dict(Download(weights, aux_head).get_state_dict(progress=False, check_hash=True)), "imagenet")


def test_weights_with_and_without_the_auxiliary_head() -> None:
    torch.manual_seed(0)
    theirs = get_model(
        "deeplabv3_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=21, aux_loss=True
    ).eval()
    images = torch.randn(2, 3, 64, 80)
    for aux_head in (True, False):
        options = Options(backbone="mobilenet", aux_head=aux_head)
        ours = build(options, SPEC, 21).eval()
        weights = published(theirs.state_dict(), aux_head=aux_head)
        load_weights(ours, weights, head=head(options), whole=True)
        with torch.no_grad():
            assert torch.equal(ours(images), theirs(images)["out"])
    fewer = build(Options(backbone="mobilenet"), SPEC, 4)
    loaded = load_weights(fewer, published(theirs.state_dict(), aux_head=True), head=head(Options()))
    assert loaded.not_loaded == (
        "classifier.4.weight",
        "classifier.4.bias",
        "aux_classifier.4.weight",
        "aux_classifier.4.bias",
    )


def test_training_gives_two_heads_of_the_size_of_the_images() -> None:
    model = build(Options(backbone="mobilenet"), SPEC, 4).train()
    outputs = model(torch.randn(2, 3, 65, 71))
    assert {name: logits.shape for name, logits in outputs.items()} == {"out": (2, 4, 65, 71), "aux": (2, 4, 65, 71)}
    assert model.eval()(torch.randn(1, 3, 65, 71)).shape == (1, 4, 65, 71)
    alone = build(Options(backbone="mobilenet", aux_head=False), SPEC, 4).train()
    assert alone(torch.randn(2, 3, 65, 71)).shape == (2, 4, 65, 71)


def test_inputs() -> None:
    assert fit_input(Options(), InputSpec(1, 100, 64)) == InputSpec(3, 104, 64)
    assert fit_input(Options(backbone="mobilenet"), InputSpec(1, 100, 64)) == InputSpec(3, 112, 64)
    assert fit_input(Options(), None) == InputSpec(3, 512, 512)
