"""Faster R-CNN: torchvision's network with our options, judged in one pass, with torchvision's weights."""

import copy
from pathlib import Path

import pytest
import torch
from tests.models.detection.rcnns import FASTER, described, made, quick, scene
from torch import Tensor, nn
from torchvision import models
from torchvision.models.detection import backbone_utils
from torchvision.models.detection._utils import overwrite_eps
from torchvision.ops import FrozenBatchNorm2d

from vyvod.errors import SettingsError, WeightsError
from vyvod.models.build import Architecture, cost
from vyvod.models.weights import load_weights, read_source
from vyvod.types import InputSpec

LOSSES = {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}


def parameters(model: nn.Module, *, trainable: bool = False) -> int:
    return sum(one.numel() for one in model.parameters() if one.requires_grad or not trainable)


@pytest.mark.parametrize(("backbone", "trained", "frozen"), FASTER)
def test_published_numbers_of_parameters(backbone: str, trained: int, frozen: int) -> None:
    assert parameters(made(described("faster-rcnn", backbone=backbone), 90)) == trained
    assert parameters(made(described("faster-rcnn", backbone=backbone, weights="coco"), 90)) == frozen


@pytest.mark.parametrize(("backbone", "expected"), [("resnet50-fpn", 41_449_656), ("mobilenet", 19_052_004)])
def test_published_numbers_of_parameters_for_voc(backbone: str, expected: int) -> None:
    assert parameters(made(described("faster-rcnn", backbone=backbone), 20)) == expected


@pytest.mark.parametrize(
    ("backbone", "weights"),
    [
        ("resnet50-fpn", models.detection.FasterRCNN_ResNet50_FPN_Weights.COCO_V1),
        ("resnet50-fpn-v2", models.detection.FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1),
    ],
)
def test_published_cost(backbone: str, weights: models.WeightsEnum) -> None:
    model = made(described("faster-rcnn", backbone=backbone), 90)
    macs = cost(model, InputSpec(3, 800, 800))["macs"]
    assert macs / 1e9 == pytest.approx(weights.meta["_ops"], abs=0.01)


@pytest.mark.parametrize("layers", [0, 1, 3, 5, 6])
@pytest.mark.parametrize("backbone", ["resnet50-fpn", "mobilenet"])
def test_frozen_stages_are_torchvisions(backbone: str, layers: int) -> None:
    ours = made(described("faster-rcnn", backbone=backbone, trainable_layers=layers, norm="frozen"))
    if backbone == "mobilenet":
        theirs = backbone_utils.mobilenet_backbone(
            backbone_name="mobilenet_v3_large", weights=None, fpn=True, trainable_layers=layers
        )
    else:
        theirs = backbone_utils.resnet_fpn_backbone(
            backbone_name="resnet50", weights=None, trainable_layers=min(layers, 5)
        )
    expected = {name: one.requires_grad for name, one in theirs.named_parameters()}
    assert {name: one.requires_grad for name, one in ours.backbone.named_parameters()} == expected


def test_options_reach_the_network() -> None:
    options = {
        "nms_threshold": 0.4,
        "detections": 7,
        "rpn_batch": 32,
        "box_batch": 24,
        "proposals": 50,
        "min_size": 128,
    }
    model = made(described("faster-rcnn", backbone="mobilenet-320", score_threshold=0.2, **options))
    heads = model.roi_heads
    assert (heads.score_thresh, heads.nms_thresh, heads.detections_per_img) == (0.2, 0.4, 7)
    assert (heads.fg_bg_sampler.batch_size_per_image, model.rpn.fg_bg_sampler.batch_size_per_image) == (24, 32)
    assert (model.rpn.pre_nms_top_n(), model.rpn.post_nms_top_n()) == (100, 50)
    assert (model.transform.min_size, model.transform.max_size) == ((128,), 640)


def test_defaults_are_torchvisions() -> None:
    ours = made(described("faster-rcnn", backbone="mobilenet-320"))
    theirs = models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=4)
    for stage in ("rpn", "roi_heads", "transform"):
        facts = [
            {
                name: value
                for name, value in vars(getattr(model, stage)).items()
                if isinstance(value, (int, float, dict))
            }
            for model in (ours, theirs)
        ]
        for one in facts:
            one.pop("_modules")
        assert facts[0] == facts[1]


@pytest.mark.parametrize(("stride", "strides"), [(32, [32, 32]), (16, [16, 32]), (8, [8, 16, 32])])
def test_finer_maps_of_mobilenet(stride: int, strides: list[int]) -> None:
    model = quick(finest_stride=stride)
    with torch.no_grad():
        maps = list(model.backbone(torch.zeros(2, 3, 128, 128)).values())
    assert [128 // one.shape[2] for one in maps[:-1]] == strides
    assert len(model.rpn.anchor_generator.sizes) == len(maps)
    losses = model(*scene((64, 64)))
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_finer_maps_are_for_mobilenet_only() -> None:
    with pytest.raises(SettingsError, match=r"model.finest_stride is for model.backbone=mobilenet and mobilenet-320"):
        described("faster-rcnn", finest_stride=16)


@pytest.mark.parametrize("norm", ["batch", "group", "frozen"])
@pytest.mark.parametrize("backbone", ["mobilenet-320", "resnet50-fpn-v2"])
def test_norms(backbone: str, norm: str) -> None:
    model = quick(backbone=backbone, norm=norm)
    kinds = {type(module) for module in model.backbone.body.modules()}
    wanted = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "frozen": FrozenBatchNorm2d}[norm]
    assert kinds & {nn.BatchNorm2d, nn.GroupNorm, FrozenBatchNorm2d} == {wanted}
    # The new layers of v2 have no statistics that could be frozen.
    heads = {type(module) for module in model.roi_heads.modules()}
    assert (nn.BatchNorm2d in heads) == (backbone.endswith("v2") and norm != "group")
    losses = model(*scene((64, 64)))
    sum(losses.values()).backward()
    assert all(one.grad is not None for one in model.parameters() if one.requires_grad)


def test_losses_also_without_objects() -> None:
    model = quick()
    images, targets = scene((48, 64), (64, 64))
    targets[1] = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    for one in ([targets[0], targets[1]], [targets[1], targets[1]]):
        losses = model(images, one)
        assert set(losses) == LOSSES
        assert all(loss.shape == () and torch.isfinite(loss) for loss in losses.values())


def test_what_is_found() -> None:
    model = quick().eval()
    images, _ = scene((48, 64), (80, 40))
    with torch.no_grad():
        found = model(images)
    for image, one in zip(images, found, strict=True):
        assert set(one) == {"boxes", "labels", "scores"}
        assert 0 < len(one["boxes"]) <= 100
        assert one["boxes"].min() >= 0
        assert (one["boxes"][:, 2:] <= torch.tensor([image.shape[2], image.shape[1]])).all()
        assert one["labels"].dtype == torch.int64
        assert set(one["labels"].tolist()) <= {1, 2, 3}
        assert torch.equal(one["scores"], one["scores"].sort(descending=True).values)


@torch.no_grad()
def test_neighbours_change_nothing() -> None:
    model = quick().eval()
    images, targets = scene((48, 64), (80, 40), (48, 64))
    for together in (model(images), model.judge(images, targets)[1]):
        for image, one in zip(images, together, strict=True):
            alone = model([image])[0]
            torch.testing.assert_close(one["scores"], alone["scores"], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(one["boxes"], alone["boxes"], rtol=1e-3, atol=1e-2)
    # Torchvision pads the second image to the width of the others, and finds something else in it.
    theirs, ours = (answer(images)[1]["scores"] for answer in (super(type(model), model).forward, model))
    assert theirs.shape != ours.shape or not torch.allclose(theirs, ours, atol=1e-5)


@torch.no_grad()
def test_judging_gives_the_losses_of_the_training_with_batch_norms_as_in_evaluation() -> None:
    model = quick(backbone="resnet50-fpn-v2").train()
    images, targets = scene((64, 64), (64, 64))
    for _ in range(3):
        model(images, targets)
    model.eval()
    judged, found = model.judge(images, targets)
    alike = model(images)
    assert all(torch.equal(one["boxes"], two["boxes"]) for one, two in zip(found, alike, strict=True))
    # The same by hand: torchvision's own pass in training mode, only its batch norms as in evaluation.
    model.training = model.rpn.training = model.roi_heads.training = True
    torch.manual_seed(0)
    losses = model(images, targets)
    assert set(judged) == LOSSES
    for name, loss in losses.items():
        torch.testing.assert_close(judged[name], loss)


@torch.no_grad()
def test_judging_leaves_no_trace() -> None:
    model = quick().eval()
    images, targets = scene((64, 64), (48, 64))
    state, generator = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    first, _ = model.judge(images, targets)
    assert torch.equal(torch.get_rng_state(), generator)
    torch.manual_seed(77)
    second, _ = model.judge(images, targets)
    assert first == second
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    losses = [model.judge([image], [target])[0] for image, target in zip(images, targets, strict=True)]
    for name, loss in first.items():
        torch.testing.assert_close(loss, (losses[0][name] + losses[1][name]) / 2)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of downloads, and no network."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def loaded(
    architecture: Architecture, source: str, classes: int, *, whole: bool = False
) -> tuple[nn.Module, list[str]]:
    model = made(architecture, classes)
    report = load_weights(model, read_source(source, architecture), head=architecture.head, whole=whole)
    return model, list(report.not_loaded)


@pytest.mark.parametrize("backbone", ["resnet50-fpn", "mobilenet-320"])
@pytest.mark.parametrize("as_file", [False, True])
def test_imagenet_weights_are_for_the_backbone(hub: Path, backbone: str, as_file: bool) -> None:
    classifier = models.resnet50() if backbone == "resnet50-fpn" else models.mobilenet_v3_large()
    name = "resnet50-0676ba61.pth" if backbone == "resnet50-fpn" else "mobilenet_v3_large-8738ca79.pth"
    torch.save(classifier.state_dict(), hub / name)
    source = str(hub / name) if as_file else "imagenet"
    model, fresh = loaded(described("faster-rcnn", backbone=backbone, weights=source), source, 3)
    body = classifier if backbone == "resnet50-fpn" else classifier.features
    first = "conv1.weight" if backbone == "resnet50-fpn" else "0.0.weight"
    assert torch.equal(model.backbone.body.state_dict()[first], body.state_dict()[first])
    assert {name.rsplit(".", 1)[0] for name in fresh} >= {"roi_heads.box_predictor.cls_score", "rpn.head.cls_logits"}
    assert not [name for name in fresh if name.startswith("backbone.body.")]


def published(model: nn.Module) -> dict[str, Tensor]:
    """As in torchvision's oldest file: names from before 0.13, no counters."""
    state = {}
    for name, tensor in model.state_dict().items():
        old = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        if "fpn." in old:
            old = old.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        state[old] = tensor
    return state


@torch.no_grad()
@pytest.mark.parametrize("as_file", [False, True])
def test_coco_weights_of_the_oldest_file(hub: Path, as_file: bool) -> None:
    theirs = models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=64, max_size=96)
    theirs.backbone = backbone_utils.resnet_fpn_backbone(backbone_name="resnet50", weights=None)
    for module in theirs.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.running_var.uniform_(1e-5, 1e-4)  # so small that the epsilon can be seen
            module.weight.uniform_(1e-3, 2e-3)
    overwrite_eps(theirs, 0.0)  # as torchvision does for this file
    name = "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth"
    torch.save(published(theirs), hub / name)
    source = str(hub / name) if as_file else "coco"
    architecture = described("faster-rcnn", weights=source, min_size=64, max_size=96, score_threshold=0)
    ours, fresh = loaded(architecture, source, 80, whole=True)
    assert not fresh
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for mine, yours in zip(ours.backbone(image).values(), theirs.backbone(image).values(), strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-3, atol=1e-4)
    categories = models.detection.FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    kept = [place for place, one in enumerate(categories) if one != "N/A"]
    features = torch.rand(5, 1024)
    scores, boxes = ours.roi_heads.box_predictor(features)
    all_scores, all_boxes = theirs.roi_heads.box_predictor(features)
    torch.testing.assert_close(scores, all_scores[:, kept])
    torch.testing.assert_close(boxes.view(5, 81, 4), all_boxes.view(5, 91, 4)[:, kept])


def test_weights_for_other_classes(hub: Path) -> None:
    theirs = models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    torch.save(theirs.state_dict(), hub / "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth")
    architecture = described("faster-rcnn", backbone="mobilenet-320", weights="coco")
    model, fresh = loaded(architecture, "coco", 3)
    layers = ("cls_score.weight", "cls_score.bias", "bbox_pred.weight", "bbox_pred.bias")
    assert fresh == [f"roi_heads.box_predictor.{layer}" for layer in layers]
    assert parameters(model, trainable=True) < parameters(model)
    with pytest.raises(WeightsError, match="have 80 classes, the data set 3"):
        loaded(architecture, "coco", 3, whole=True)


def test_missing_weights_are_told_with_their_place(hub: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        read_source("coco", described("faster-rcnn", weights="coco"))
    assert str(caught.value) == (
        "The COCO weights of model=faster-rcnn could not be fetched (OSError: Network is unreachable). "
        f"fasterrcnn_resnet50_fpn_coco-258fb6c6.pth is expected in {hub} and comes from "
        "https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth; without a network, fetch it "
        "elsewhere and give it as model.weights=FILE."
    )
