"""Mask R-CNN: as Faster R-CNN, with masks."""

from pathlib import Path

import pytest
import torch
from tests.models.detection.rcnns import MASK, described, made, quick, scene
from torchvision import models

from vyvod.models.build import cost
from vyvod.models.weights import load_weights, read_source
from vyvod.types import InputSpec


@pytest.mark.parametrize(("backbone", "trained", "frozen"), MASK)
def test_published_numbers_of_parameters(backbone: str, trained: int, frozen: int) -> None:
    for weights, expected in ((None, trained), ("coco", frozen)):
        model = made(described("mask-rcnn", backbone=backbone, weights=weights), 90)
        assert sum(one.numel() for one in model.parameters()) == expected


def test_published_number_of_parameters_for_voc() -> None:
    assert sum(one.numel() for one in made(described("mask-rcnn"), 20).parameters()) == 44_077_773


def test_published_cost() -> None:
    model = made(described("mask-rcnn", backbone="resnet50-fpn-v2"), 90)
    published = models.detection.MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["_ops"]
    assert cost(model, InputSpec(3, 800, 800))["macs"] / 1e9 == pytest.approx(published, abs=0.01)


def test_losses_and_masks() -> None:
    model = quick("mask-rcnn", norm="group", detections=5)
    images, targets = scene((64, 48), (64, 64), masks=True)
    losses = model(images, targets)
    assert set(losses) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg", "loss_mask"}
    assert all(torch.isfinite(loss) for loss in losses.values())
    model.eval()
    judged, found = model.judge(images, targets)
    assert set(judged) == set(losses)
    for image, one, again in zip(images, found, model(images), strict=True):
        assert one["masks"].shape == (len(one["boxes"]), 1, *image.shape[1:])
        assert one["masks"].dtype == torch.float32
        assert 0 <= one["masks"].min() <= one["masks"].max() <= 1
        assert torch.equal(one["masks"], again["masks"])


def test_coco_weights_lose_their_unused_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    theirs = models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    state = {}
    for name, tensor in theirs.state_dict().items():  # names from before torchvision 0.13
        head, _, layer = name.rpartition("mask_head.")
        state[f"{head}mask_head.mask_fcn{int(layer[0]) + 1}.{layer[4:]}" if head else name] = tensor
    torch.save(state, tmp_path / "checkpoints" / "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth")
    architecture = described("mask-rcnn", weights="coco")
    ours = made(architecture, 80)
    assert not load_weights(ours, read_source("coco", architecture), head=architecture.head, whole=True).not_loaded
    logits = theirs.roi_heads.mask_predictor.mask_fcn_logits.weight
    assert torch.equal(ours.roi_heads.mask_predictor.mask_fcn_logits.weight[11:13], logits[[11, 13]])
    assert torch.equal(ours.roi_heads.mask_head[3][0].weight, theirs.roi_heads.mask_head[3][0].weight)
