"""What holds for every YOLO as a detector."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vyvod.models.detection import yolo3, yolo4, yolo5
from vyvod.models.yolo.detector import Yolo
from vyvod.types import InputSpec

SPEC = InputSpec(3, 64, 64)
NETWORKS: list[tuple[Any, dict[str, Any]]] = [
    (yolo3, {"size": "tiny"}),
    (yolo4, {"size": "tiny"}),
    (yolo5, {"size": "n"}),
]
LABELS = ["yolo3-tiny", "yolo4-tiny", "yolo5-n"]
LARGE: list[tuple[Any, dict[str, Any]]] = [
    *NETWORKS,
    (yolo3, {"size": "full"}),
    (yolo3, {"size": "spp"}),
    (yolo4, {"size": "full"}),
]


def network(module: Any, options: dict[str, Any], classes: int = 3) -> Yolo:
    torch.manual_seed(0)
    return module.build(module.Options(**options), SPEC, classes)


def lively(model: Yolo) -> Yolo:
    """Evaluation mode, with output maps that differ from cell to cell, so that there is something to find."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if name.startswith("output") or name.startswith("model.24.m"):
            parameter.data = torch.randn(parameter.shape, generator=generator) * (0.5 if parameter.ndim > 1 else 1.0)
    return model.eval()


@pytest.fixture(scope="module", params=NETWORKS, ids=LABELS)
def model(request: pytest.FixtureRequest) -> Yolo:
    return lively(network(*request.param))


def square(left: int, top: int, side: int = 20) -> tuple[Tensor, dict[str, Tensor]]:
    image = torch.full((3, 64, 64), 0.5)
    image[:, top : top + side, left : left + side] = torch.tensor([1.0, 0.2, 0.0])[:, None, None]
    box = torch.tensor([[left, top, left + side, top + side]], dtype=torch.float32)
    return image, {"boxes": box, "labels": torch.tensor([2])}


@pytest.mark.parametrize(("variant", "steps"), list(zip(NETWORKS, (25, 30, 60), strict=True)), ids=LABELS)
def test_it_learns_to_find_a_square(variant: tuple[Any, dict[str, Any]], steps: int) -> None:
    model = network(*variant).train()
    shown = [square(left, top) for left in (4, 20, 38) for top in (5, 30)]
    images, targets = torch.stack([image for image, _ in shown]), [target for _, target in shown]
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        sum(model(images, targets).values()).backward()
        optimizer.step()
    settle(model, images, targets)
    for found, target in zip(model.eval()(images), targets, strict=True):
        assert found["labels"][0] == 2
        assert (found["boxes"][0] - target["boxes"][0]).abs().max() < 6


@torch.no_grad()
def settle(model: Yolo, images: Tensor, targets: list[dict[str, Tensor]]) -> None:
    """Let the running means of the batch norms catch up with a few quick steps."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.3
    for _ in range(10):
        model(images, targets)


def test_detections_lie_in_the_image_as_it_was_given(model: Yolo) -> None:
    images = [torch.rand(3, 40, 70), torch.rand(3, 64, 33)]
    for image, found in zip(images, model(images), strict=True):
        height, width = image.shape[-2:]
        left, top, right, bottom = found["boxes"].unbind(1)
        assert len(left) > 3
        assert (left >= 0).all()
        assert (top >= 0).all()
        assert (right <= width).all()
        assert (bottom <= height).all()
        assert (right > left).all()
        assert (bottom > top).all()
        assert (found["scores"].diff() <= 0).all()


def test_padding_moves_the_boxes_back(model: Yolo) -> None:
    image = torch.rand(3, 64, 64)
    image[:, :, :8] = image[:, :, -8:] = 0.5
    (whole,), (cut,) = model([image]), model([image[:, :, 8:-8]])
    shift = torch.tensor([8.0, 0, 8, 0])
    expected = (whole["boxes"] - shift).clamp(min=0)
    expected[:, 0::2] = expected[:, 0::2].clamp(max=48)
    kept = (expected[:, 2] > expected[:, 0]) & (expected[:, 3] > expected[:, 1])
    assert torch.allclose(cut["boxes"], expected[kept], atol=1e-3)
    assert torch.allclose(cut["scores"], whole["scores"][kept], atol=1e-5)


def test_neighbours_do_not_matter(model: Yolo) -> None:
    images = [torch.rand(3, 40, 70), torch.rand(3, 96, 33), torch.rand(3, 64, 96), torch.rand(3, 33, 96)]
    together = model(images)
    for image, found in zip(images, together, strict=True):
        (alone,) = model([image])
        assert len(alone["scores"]) == len(found["scores"])
        assert torch.allclose(alone["scores"], found["scores"], atol=1e-5)


def test_losses_and_detections_of_one_pass(model: Yolo) -> None:
    images = [torch.rand(3, 40, 70), torch.rand(3, 64, 64), torch.rand(3, 60, 64)]
    targets = [square(4, 5)[1], square(10, 20)[1], square(20, 20)[1]]
    losses, found = model.judge(images, targets)
    for ours, theirs in zip(found, model(images), strict=True):
        assert torch.equal(ours["boxes"], theirs["boxes"])
        assert not ours["boxes"].requires_grad
    assert set(losses) == {"box", "objectness", "class"}
    first, rest = model.judge(images[:1], targets[:1])[0], model.judge(images[1:], targets[1:])[0]
    for name, value in losses.items():
        assert value.item() == pytest.approx((first[name].item() + 2 * rest[name].item()) / 3, rel=1e-4), name


def test_a_target_moves_with_its_image(model: Yolo) -> None:
    """Padding by hand and by the network give the same losses."""
    image, target = torch.rand(3, 48, 64), square(10, 12)[1]
    padded = torch.full((3, 64, 64), 0.5)
    padded[:, 8:56] = image
    moved = {"boxes": target["boxes"] + torch.tensor([0, 8, 0, 8]), "labels": target["labels"]}
    ours, theirs = model.judge([image], [target])[0], model.judge([padded], [moved])[0]
    for name, value in ours.items():
        assert value.item() == pytest.approx(theirs[name].item(), rel=1e-5), name


def test_no_images(model: Yolo) -> None:
    assert model([]) == []
    assert model(torch.zeros(0, 3, 64, 64)) == []
    losses, found = model.judge([], [])
    assert found == []
    assert all(value.item() == 0 for value in losses.values())


def test_every_cell_is_predicted(model: Yolo) -> None:
    images = torch.rand(2, 3, 64, 96)
    rows = model.predict_batch(images)
    cells = sum(3 * (64 // stride) * (96 // stride) for stride in model.strides)
    assert rows.shape == (2, cells, 8)
    found = model(images)[0]
    scores = rows[0, :, 4] * rows[0, :, 5:].amax(1)
    assert found["scores"][0].item() == pytest.approx(scores.max().item(), rel=1e-5)


@pytest.mark.parametrize("variant", LARGE, ids=lambda variant: f"{variant[0].__name__[-5:]}-{variant[1]['size']}")
def test_anchors_can_be_exchanged(variant: tuple[Any, dict[str, Any]]) -> None:
    model = network(*variant)
    published = model.anchors_in_pixels()
    sizes = torch.arange(1.0, published[..., 0].numel() + 1)[:, None] * torch.tensor([2.0, 3.0])
    model.set_anchors(sizes.flip(0))
    changed = model.anchors_in_pixels()
    order = sorted(range(len(model.strides)), key=lambda level: model.strides[level])
    assert torch.allclose(changed[order].flatten(0, 1), sizes)
    again = network(*variant)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.anchors_in_pixels(), changed)
    with pytest.raises(ValueError, match="expected anchors of shape"):
        model.set_anchors(sizes[1:])


def test_published_anchors_are_in_the_order_of_the_strides() -> None:
    for module, options in LARGE:
        model = network(module, options)
        areas = model.anchors_in_pixels().prod(-1).mean(1)
        assert [stride for _, stride in sorted(zip(areas.tolist(), model.strides, strict=True))] == sorted(
            model.strides
        )


class Predictions(nn.Module):
    def __init__(self, model: Yolo) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.predict_batch(images)


def test_predictions_can_be_exported(model: Yolo) -> None:
    images = torch.rand(2, 3, 64, 96)
    program = torch.export.export(Predictions(model), (images,))
    assert torch.allclose(program.module()(images), model.predict_batch(images), atol=1e-4)


def test_mixed_precision(model: Yolo) -> None:
    images, targets = torch.rand(2, 3, 64, 64), [square(4, 5)[1], square(10, 20)[1]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses, found = model.judge(images, targets)
    single = model.judge(images, targets)[0]
    for name, value in losses.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(single[name].item(), rel=0.1), name
    assert found[0]["boxes"].dtype == found[0]["scores"].dtype == torch.float32


def test_training_needs_targets(model: Yolo) -> None:
    model.train()
    with pytest.raises(ValueError, match="needs targets"):
        model(torch.rand(2, 3, 64, 64))
    model.eval()
