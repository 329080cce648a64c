"""What holds for every segmentation architecture; a new file in the folder is tested without being told."""

import pytest
import torch
from torch import Tensor, nn

from vyvod import catalog
from vyvod.errors import SettingsError
from vyvod.models import build
from vyvod.models.build import Architecture
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec

NAMES = [entry.name for entry in catalog.architectures().values() if "segmentation" in entry.tasks]
VARIANTS: list[tuple[str, dict[str, object]]] = [
    *((name, {}) for name in NAMES),
    ("unet", {"padding": "valid", "batch_norm": False, "depth": 3, "width": 4}),
    ("deeplab", {"backbone": "resnet101", "head": "aspp-l"}),
    ("deeplab", {"head": "aspp-s"}),
    ("deeplabv3", {"backbone": "mobilenet"}),
    ("deeplabv3", {"backbone": "mobilenet", "aux_head": False}),
    *(
        (f"smp/{pair}", {})
        for pair in (
            "unet/efficientnet-b0", "unetplusplus/resnet18", "manet/resnet18", "linknet/resnet18", "fpn/resnet18",
            "pspnet/resnet18", "deeplabv3/resnet18", "deeplabv3plus/resnet18", "pan/resnet18", "upernet/resnet18",
            "segformer/mit_b0", "dpt/tu-vit_tiny_patch16_224", "unet/tu-resnet10t",
        )
    ),
]  # fmt: skip
CLASSES = 5
IMAGES = InputSpec(3, 130, 150)


def label(variant: tuple[str, dict[str, object]]) -> str:
    return "-".join([variant[0], *(str(value) for value in variant[1].values())])


@pytest.fixture(scope="module", params=VARIANTS, ids=map(label, VARIANTS))
def architecture(request: pytest.FixtureRequest) -> Architecture:
    name, options = request.param
    return build.resolve(ModelSettings(name=name.replace("/<architecture>/<encoder>", "/unet/resnet18"), **options))


@pytest.fixture(scope="module")
def weightless(architecture: Architecture) -> nn.Module:
    """Shapes without numbers: as fast for 130 million parameters as for one."""
    spec = build.fit_input(architecture, IMAGES)
    return architecture.module.build(architecture.options, spec, CLASSES).to("meta")


def images_for(architecture: Architecture, *, height: int, width: int) -> Tensor:
    spec = build.fit_input(architecture, InputSpec(3, height, width))
    return torch.empty(2, spec.channels, spec.height, spec.width, device="meta")


@pytest.mark.parametrize(("height", "width"), [(130, 150), (128, 257), (321, 200)])
def test_output_covers_the_image(architecture: Architecture, weightless: nn.Module, height: int, width: int) -> None:
    images, lost = images_for(architecture, height=height, width=width), 2 * build.margin(architecture)
    output = weightless.eval()(images)
    assert output.shape == (2, CLASSES, images.shape[2] - lost, images.shape[3] - lost)
    assert output.shape[2] >= height
    assert output.shape[3] >= width
    assert output.is_floating_point()


def test_every_trained_parameter_gets_a_gradient(architecture: Architecture, weightless: nn.Module) -> None:
    outputs = weightless.train()(images_for(architecture, height=130, width=150))
    heads = outputs if isinstance(outputs, dict) else {"out": outputs}
    assert len({logits.shape for logits in heads.values()}) == 1
    torch.stack([logits.sum() for logits in heads.values()]).sum().backward()
    for name, parameter in weightless.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_sizes_are_the_nearest_and_grow_with_the_images(architecture: Architecture) -> None:
    def fitted(height: int, width: int = 200) -> InputSpec:
        return build.fit_input(architecture, InputSpec(3, height, width))

    sizes = [fitted(height).height for height in range(130, 230)]
    lost = 2 * build.margin(architecture)
    assert sizes == sorted(sizes)
    assert all(size - lost >= height for height, size in enumerate(sizes, start=130))
    # An output that is asked for again gets the same input: nothing smaller would do.
    assert [fitted(size - lost).height for size in sizes] == sizes
    assert fitted(130, 177).width == fitted(177).height
    photos = build.fit_input(architecture, None)
    assert photos == fitted(512, 512)


def test_tiny_images_are_refused_with_the_cure(architecture: Architecture) -> None:
    with pytest.raises(SettingsError, match=r"Images of 4 x 300 .* stride is \d+.*crop_size.*data\.image_size"):
        build.fit_input(architecture, InputSpec(3, 4, 300))


def test_the_head_is_exactly_what_depends_on_the_classes(architecture: Architecture, weightless: nn.Module) -> None:
    other = architecture.module.build(architecture.options, build.fit_input(architecture, IMAGES), CLASSES + 1)
    few, many = weightless.state_dict(), other.state_dict()
    differing = {name for name in few if few[name].shape != many[name].shape}
    assert differing
    assert differing == {name for name in few if any(name.startswith(f"{part}.") for part in architecture.head)}


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "unet", "width": 4},
        {"name": "unet", "width": 2, "padding": "valid", "batch_norm": False},
        {"name": "deeplabv3", "backbone": "mobilenet"},
        {"name": "smp/unet/tu-resnet10t"},
    ],
    ids=lambda settings: str(settings["name"]),
)
def test_build_tries_the_network_and_draws_only_for_its_initialisation(settings: dict[str, object]) -> None:
    architecture = build.resolve(ModelSettings(**settings))
    spec = build.fit_input(architecture, InputSpec(1, 33, 40))
    torch.manual_seed(3)
    network = build.build(architecture, spec, CLASSES)
    drawn_next = torch.rand(1)
    torch.manual_seed(3)
    again = architecture.module.build(architecture.options, spec, CLASSES)
    assert torch.equal(drawn_next, torch.rand(1))
    for (name, ours), theirs in zip(network.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert network.training


def test_the_catalog_shows_it(architecture: Architecture) -> None:
    assert architecture.task == "segmentation"
    assert len(architecture.title) > 10
    for name, field in type(architecture.options).model_fields.items():
        assert field.description, f"{name} has no help text"
