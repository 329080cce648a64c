import pytest
import torch
from tests.models.yolo.darknet_losses import V3, V4, golden_levels, golden_objects, golden_raw, gradient, nothing
from torchvision.ops import complete_box_iou_loss

from vyvod.models.yolo.assignment import Objects, best_anchors, in_own_cell
from vyvod.models.yolo.boxes import to_corners
from vyvod.models.yolo.loss4 import Yolo4Loss
from vyvod.models.yolo.terms import Gains

GAINS = Gains(box=1.0, objectness=1.0, classes=1.0)
LOSS = Yolo4Loss(GAINS, ignore=V3["ignore_thresh"], also=V4["iou_thresh"])


def test_gradients_of_objectness_and_classes_are_darknets() -> None:
    raw = golden_raw()
    parts = LOSS(golden_levels(raw, V4["scale_x_y"]), golden_objects())
    objectness, classes = gradient(parts["objectness"], raw), gradient(parts["class"], raw)
    assert objectness.abs().sum().item() == pytest.approx(V4["obj_delta_abs_sum"], abs=1e-5)
    assert classes.abs().sum().item() == pytest.approx(V4["cls_delta_abs_sum"], abs=1e-5)
    assert int((objectness[..., 4] == 0).sum()) == V4["zero_obj"]


def test_slots_are_darknets() -> None:
    levels, objects = golden_levels(golden_raw(), V4["scale_x_y"]), golden_objects()
    pairs = in_own_cell(levels[0], objects, best_anchors(levels, objects, above=V4["iou_thresh"])[0])
    slots = torch.stack([pairs.anchor, pairs.row, pairs.column], dim=1)[pairs.holds]
    assert sorted(set(map(tuple, slots.tolist()))) == sorted(map(tuple, V4["positives"]))


def test_boxes_are_torchvisions_loss_and_objects_of_one_slot_share_it() -> None:
    raw = golden_raw()
    levels, objects = golden_levels(raw, V4["scale_x_y"]), golden_objects()
    expected = 0.0
    for level, chosen in zip(levels, best_anchors(levels, objects, above=V4["iou_thresh"]), strict=True):
        boxes, slots = level.all_boxes(), {}
        for anchor, place in chosen.nonzero().tolist():
            column, row = (objects.boxes[place, :2] / level.stride).long().tolist()
            slots.setdefault((0, anchor, row, column), []).append(place)
        for slot, places in slots.items():
            truths = to_corners(objects.boxes[places])
            predicted = to_corners(boxes[slot]).expand_as(truths)
            expected += complete_box_iou_loss(predicted, truths, reduction="mean").item()
    assert LOSS(levels, objects)["box"].item() == pytest.approx(expected, rel=1e-5)
    doubled = Yolo4Loss(Gains(2.0, 1.0, 1.0), LOSS.ignore, LOSS.also)
    assert doubled(levels, objects)["box"].item() == pytest.approx(2 * expected, rel=1e-5)


def test_tiny_takes_the_best_anchor_only() -> None:
    raw = golden_raw()
    parts = Yolo4Loss(GAINS, also=None)(golden_levels(raw), golden_objects())
    assert int(gradient(parts["class"], raw).any(-1).sum()) == 2


def test_a_cell_is_ignored_only_if_it_is_sure_of_a_class() -> None:
    unsure = golden_raw().detach()
    unsure[..., 5:] = -5
    sure = unsure.clone()
    sure[..., 5:] = 5
    first, second = (LOSS(golden_levels(raw), golden_objects())["objectness"].item() for raw in (unsure, sure))
    assert second < first


def test_without_objects_only_the_objectness_is_left() -> None:
    raw = golden_raw()
    parts = LOSS(golden_levels(raw), nothing())
    assert parts["box"].item() == parts["class"].item() == 0
    sum(parts.values()).backward()
    assert raw.grad.isfinite().all()


def test_losses_are_means_over_images() -> None:
    raw, objects = golden_raw().detach(), golden_objects()
    once, empty = LOSS(golden_levels(raw), objects), LOSS(golden_levels(raw), nothing())
    more = Objects(objects.image, objects.label, objects.boxes, (4, 0))
    both = LOSS(golden_levels(torch.cat([raw, raw])), more)
    for name in once:
        assert both[name].item() == pytest.approx((once[name] + empty[name]).item() / 2, rel=1e-5)
