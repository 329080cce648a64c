"""What holds for every detector; a new file in the folder is tested without being told."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vyvod import catalog
from vyvod.data.transforms import AugmentationSettings
from vyvod.models import build
from vyvod.models.build import Architecture
from vyvod.models.contract import ModelSettings
from vyvod.training.settings import TrainingSettings
from vyvod.types import InputSpec

ENTRIES = {entry.name: entry for entry in catalog.architectures().values() if "detection" in entry.tasks}
SMALL: dict[str, dict[str, Any]] = {
    "faster-rcnn": {"backbone": "mobilenet-320"},
    "mask-rcnn": {"min_size": 96, "max_size": 128, "detections": 10},
}
"""Options with which a network is quick; the others are quick as they are."""
VARIANTS = [(name, SMALL.get(name, {})) for name in ENTRIES]
LARGE = [("yolo3", {"size": "full"}), ("yolo3", {"size": "spp"}), ("yolo4", {"size": "full"}), ("yolo5", {"size": "m"})]
CLASSES = 3
IMAGES = InputSpec(3, 96, 128)


def label(variant: tuple[str, dict[str, Any]]) -> str:
    return "-".join([variant[0], *(str(value) for value in variant[1].values())])


def resolved(variant: tuple[str, dict[str, Any]]) -> Architecture:
    return build.resolve(ModelSettings(name=variant[0], **variant[1]))


@pytest.fixture(scope="module", params=VARIANTS, ids=map(label, VARIANTS))
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return resolved(request.param)


@pytest.fixture(scope="module")
def network(architecture: Architecture) -> nn.Module:
    torch.manual_seed(0)
    return build.build(architecture, build.fit_input(architecture, IMAGES), CLASSES)


@pytest.fixture
def evaluated(network: nn.Module) -> Iterator[nn.Module]:
    with torch.no_grad():
        yield network.eval()
    network.train()


def images(number: int = 2, height: int = 96, width: int = 128) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(3, height, width, generator=generator) for _ in range(number)]


def target(*boxes: list[float], masks: bool, labels: list[int] | None = None) -> dict[str, Tensor]:
    corners = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    found = {"boxes": corners, "labels": torch.tensor(labels or [1] * len(boxes), dtype=torch.int64)}
    if masks:
        found["masks"] = torch.zeros(len(boxes), 96, 128, dtype=torch.uint8)
        for mask, (left, top, right, bottom) in zip(found["masks"], corners.long().tolist(), strict=True):
            mask[top:bottom, left:right] = 1
    return found


def has_masks(architecture: Architecture) -> bool:
    return bool(getattr(architecture.module, "MASKS", False))


def targets(architecture: Architecture) -> list[dict[str, Tensor]]:
    masks = has_masks(architecture)
    return [
        target([10, 10, 50, 60], [10, 10, 50, 60], [96, 64, 128, 96], masks=masks, labels=[1, 2, 3]),
        target([0, 0, 128, 96], [60, 30, 64, 33], masks=masks),
    ]


def checked(losses: dict[str, Tensor]) -> Tensor:
    assert losses
    for name, value in losses.items():
        assert value.shape == (), name
        assert value.isfinite(), name
    return torch.stack(list(losses.values())).sum()


def test_every_trained_parameter_gets_a_gradient(architecture: Architecture, network: nn.Module) -> None:
    network.zero_grad()
    checked(network(images(), targets(architecture))).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_images_without_objects(architecture: Architecture, network: nn.Module) -> None:
    nothing, some = target(masks=has_masks(architecture)), targets(architecture)[0]
    for given in ([nothing, some], [nothing, nothing]):
        network.zero_grad()
        checked(network(images(), given)).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_a_batch_may_be_one_tensor(architecture: Architecture, evaluated: nn.Module) -> None:
    for ours, theirs in zip(evaluated(torch.stack(images())), evaluated(images()), strict=True):
        assert torch.allclose(ours["boxes"], theirs["boxes"], atol=1e-3)
        assert torch.equal(ours["labels"], theirs["labels"])


def test_detections(architecture: Architecture, evaluated: nn.Module) -> None:
    sizes = [(96, 128), (70, 50)]
    given = [images(1, *size)[0] for size in sizes]
    for found, (height, width) in zip(evaluated(given), sizes, strict=True):
        number = len(found["scores"])
        assert number <= architecture.options.detections
        assert found["boxes"].shape == (number, 4)
        assert found["boxes"].dtype == found["scores"].dtype == torch.float32
        assert found["labels"].dtype == torch.int64
        assert ((found["labels"] >= 1) & (found["labels"] <= CLASSES)).all()
        assert (found["scores"].diff() <= 0).all()
        assert ((found["scores"] >= 0) & (found["scores"] <= 1)).all()
        corners = found["boxes"].view(-1, 2, 2)
        assert (corners >= 0).all()
        assert (corners <= torch.tensor([width, height]) + 1e-3).all()
        assert ("masks" in found) == has_masks(architecture)
        if has_masks(architecture):
            assert found["masks"].shape == (number, 1, height, width)


def test_neighbours_do_not_matter(evaluated: nn.Module) -> None:
    given = [*images(1, 96, 128), *images(1, 70, 50), *images(1, 40, 120)]
    for image, together in zip(given, evaluated(given), strict=True):
        (alone,) = evaluated([image])
        assert len(alone["scores"]) == len(together["scores"])
        assert torch.allclose(alone["scores"], together["scores"], atol=1e-4)


def test_losses_and_detections_of_one_pass(architecture: Architecture, evaluated: nn.Module) -> None:
    if not hasattr(evaluated, "judge"):
        pytest.skip("two passes are made")
    losses, found = evaluated.judge(images(), targets(architecture))
    checked(losses)
    for ours, theirs in zip(found, evaluated(images()), strict=True):
        assert torch.allclose(ours["boxes"], theirs["boxes"], atol=1e-3)


def test_the_same_seed_gives_the_same_network(architecture: Architecture) -> None:
    spec = build.fit_input(architecture, IMAGES)
    torch.manual_seed(3)
    first = build.build(architecture, spec, CLASSES)
    drawn_next = torch.rand(1)
    torch.manual_seed(3)
    second = architecture.module.build(architecture.options, spec, CLASSES)
    assert torch.equal(drawn_next, torch.rand(1))
    assert first.training
    for (name, ours), theirs in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


@pytest.mark.parametrize("variant", [*VARIANTS, *LARGE], ids=label)
def test_the_head_is_exactly_what_depends_on_the_classes(variant: tuple[str, dict[str, Any]]) -> None:
    architecture = resolved(variant)

    def shapes(classes: int) -> dict[str, torch.Size]:
        with torch.device("meta"):
            model = architecture.module.build(architecture.options, IMAGES, classes)
        return {name: tensor.shape for name, tensor in model.state_dict().items()}

    few, many = shapes(CLASSES), shapes(CLASSES + 2)
    differing = {name for name in few if few[name] != many[name]}
    below = {name for name in few if any(name.startswith(f"{part}.") for part in architecture.head)}
    assert differing
    assert differing <= below
    # Every part of the head depends on the classes, and its first layer tells how many there are.
    classes_of = getattr(architecture.module, "classes_of", lambda outputs: outputs)
    for part in architecture.head:
        mine = [name for name in few if name.startswith(f"{part}.")]
        assert differing & set(mine), part
        assert classes_of(few[mine[0]][0]) == CLASSES, part


def test_the_input_fits(architecture: Architecture) -> None:
    for native in (None, InputSpec(1, 28, 28), InputSpec(3, 300, 200)):
        spec = build.fit_input(architecture, native)
        assert spec.channels == 3
        assert native is None or (spec.height >= native.height and spec.width >= native.width)


def test_options_and_constants(architecture: Architecture) -> None:
    fields = type(architecture.options).model_fields
    assert {"score_threshold", "nms_threshold", "detections"} <= set(fields)
    for name, field in fields.items():
        assert field.description, f"{name} has no help text"
    assert len(architecture.title) > 20
    constants = ENTRIES[architecture.name].constants
    assert constants.get("RESIZE") in ("letterbox", "stretch", "none")
    defaults = constants.get("DEFAULTS", {})
    TrainingSettings.model_validate(defaults.get("training", {}))
    AugmentationSettings.model_validate(defaults.get("augmentation", {}))
