"""The detection task: what the network is given, what becomes of its answers, and what the meter keeps."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hotcoco import mask as hotcoco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

from vyvod.data.boxes import Fit
from vyvod.data.contract import DataSettings
from vyvod.data.loading import Request
from vyvod.data.transforms import AugmentationSettings, Draws, Normalisation
from vyvod.tasks.detection import (
    Answer,
    Detection,
    DetectionMeter,
    DetectionSettings,
    coco_ids,
    coco_truth,
    from_rows,
    judged,
)
from vyvod.types import Batch, InputSpec

CLASSES = ("cat", "dog", "cow")


def _task(**more: Any) -> Detection:
    return Detection(CLASSES, DetectionSettings(), Fit(64, 64, "letterbox"), **more)


def _target(
    boxes: list[list[float]], labels: list[int], *, size: tuple[int, int] = (100, 200), crowd: tuple[int, ...] = ()
) -> dict[str, Any]:
    corners = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return {
        "boxes": corners,
        "labels": torch.tensor(labels, dtype=torch.int64),
        "crowd": torch.tensor([place in crowd for place in range(len(labels))], dtype=torch.bool),
        "areas": (corners[:, 2:] - corners[:, :2]).prod(dim=1),
        "size": torch.tensor(size),
    }


class Canned(nn.Module):
    """Says the same about every image, and remembers what it was given."""

    def __init__(self, *, masks: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
        self.masks = masks
        self.given: list[Any] = []

    def forward(self, images: list[Tensor], targets: Any = None) -> Any:
        self.given.append((images, targets))
        pixels = self.drop(self.norm(torch.stack(list(images))))
        if self.training:
            noise = torch.rand(())
            return {"box": pixels.mean() + noise, "class": torch.tensor(0.25)}
        height, width = images[0].shape[-2:]
        answer = {
            "boxes": torch.tensor([[8.0, 4.0, 32.0, 16.0], [0.0, 0.0, 64.0, 32.0]]),
            "labels": torch.tensor([2, 1]),
            "scores": torch.tensor([0.9, 0.1]),
        }
        if self.masks:
            answer["masks"] = torch.zeros(2, 1, height, width)
            answer["masks"][0, 0, 4:16, 8:32] = 1
        return [answer for _ in images]


def _request(**more: Any) -> Request:
    augmentation = AugmentationSettings(flip=0, rescale=(1, 1), translate=0, **more)
    return Request(InputSpec(3, 64, 64), Normalisation((0,), (1,)), augmentation, DataSettings(), training=True)


def test_training_images_reach_the_network_in_0_to_1_with_labels_from_1():
    network, batch = Canned(), Batch(torch.full((2, 3, 64, 64), 255, dtype=torch.uint8), [], ["a", "b"])
    batch.targets = [
        {"boxes": torch.rand(2, 4), "labels": torch.tensor([0, 2])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    task = _task()
    ready = task.preparation(_request()).batch(batch, Draws(np.random.default_rng(0), 2, slice(0, 2)))
    assert ready.images.dtype == torch.float32
    assert ready.images.max() == 1
    parts = task.losses(network, ready)
    assert set(parts) == {"box", "class"}
    assert [target["labels"].tolist() for target in network.given[0][1]] == [[1, 3], []]
    assert batch.targets[0]["labels"].tolist() == [0, 2], "the batch itself is left alone"


def test_multi_scale_moves_boxes_with_the_image():
    batch = Batch(
        torch.zeros((1, 3, 64, 64), dtype=torch.uint8),
        [{"boxes": torch.tensor([[16.0, 0, 64, 32]]), "labels": torch.tensor([0])}],
        ["a"],
    )
    transform = _task().preparation(_request(multi_scale=0.5)).batch
    sizes = set()
    for seed in range(20):
        ready = transform(batch, Draws(np.random.default_rng(seed), 1, slice(0, 1)))
        side = ready.images.shape[-1]
        sizes.add(side)
        assert ready.images.shape[-2:] == (side, side)
        assert (ready.targets[0]["boxes"] / side).tolist() == [[0.25, 0, 1, 0.5]]
    assert sizes == {32, 64, 96}


def test_answers_come_back_in_pixels_of_the_stored_image():
    # Stored 100 x 200, seen 32 x 64: a factor of 3.125.
    network, target = Canned().eval(), _target([[25, 12.5, 100, 50], [0, 0, 10, 10]], [1, 0], crowd=(1,))
    (answer,) = _task().validate(network, Batch([torch.zeros(3, 32, 64)], [target], ["a"]))
    assert answer.boxes.tolist() == [[25, 12.5, 100, 50], [0, 0, 200, 100]]
    assert answer.labels.tolist() == [1, 0]
    assert answer.loss == pytest.approx(0.25, abs=1.1)
    given = network.given[-1][1][0]
    assert given["boxes"].tolist() == [[8, 4, 32, 16]], "what does not count is not judged"
    assert given["labels"].tolist() == [2]
    assert not network.training
    again = _task().validate(network, Batch([torch.zeros(3, 32, 64)], [target], ["a"]))
    assert again[0].loss == answer.loss, "samplers draw the same each time"


def test_judging_leaves_modes_statistics_and_generator_alone():
    network = Canned().eval()
    mean, images = network.norm.running_mean.clone(), [torch.rand(3, 8, 8)] * 2
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    judged(network, images, [{}, {}])
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(network.norm.running_mean, mean)
    assert not any(module.training for module in network.modules())


def test_masks_come_back_as_outlines_of_the_stored_size():
    mask = np.zeros((100, 200), dtype=np.uint8, order="F")
    mask[13:50, 25:100] = 1
    target = _target([[25, 12.5, 100, 50]], [1]) | {"outlines": [hotcoco_mask.encode(mask)]}
    network = Canned(masks=True).eval()
    (answer,) = _task(masks=True).validate(network, Batch([torch.zeros(3, 32, 64)], [target], ["a"]))
    assert network.given[-1][1][0]["masks"].shape == (1, 32, 64)
    found = hotcoco_mask.decode(answer.outlines[0])
    assert found.shape == (100, 200)
    assert (found & mask).sum() / (found | mask).sum() > 0.9


def _random(seed: int, images: int) -> tuple[list[Answer], list[dict[str, Any]], list[str]]:
    source = np.random.default_rng(seed)
    answers, targets = [], []
    for _ in range(images):
        number = int(source.integers(0, 6))
        corner = source.uniform(0, 60, (number, 2))
        boxes = np.concatenate([corner, corner + source.uniform(5, 40, (number, 2))], axis=1)
        labels = source.integers(0, 3, number)
        crowd = tuple(np.flatnonzero(source.uniform(size=number) < 0.15).tolist())
        targets.append(_target(boxes.tolist(), labels.tolist(), crowd=crowd))
        seen = np.concatenate([boxes + source.normal(0, 3, boxes.shape), source.uniform(0, 50, (3, 4)).cumsum(axis=1)])
        guessed = np.concatenate([np.where(source.uniform(size=number) < 0.2, 0, labels), source.integers(0, 3, 3)])
        scores = source.uniform(0.01, 1, len(seen)).astype(np.float32)
        order = np.argsort(-scores, kind="stable")
        answers.append(Answer(seen[order].astype(np.float32), guessed[order].astype(np.int64), scores[order], loss=0.5))
    return answers, targets, [f"photos/{place}" for place in source.permutation(images)]


def _filled(answers: list[Answer], targets: list[dict[str, Any]], ids: list[str]) -> DetectionMeter:
    meter = DetectionMeter(CLASSES, 0.25)
    meter.update(answers, targets, ids)
    return meter


def test_merged_meters_give_the_same_in_any_order():
    answers, targets, ids = _random(1, 12)
    whole = _filled(answers, targets, ids).compute()
    second = _filled(answers[5:], targets[5:], ids[5:])
    second.merge(_filled(answers[:5], targets[:5], ids[:5]))
    parts = second.compute()
    assert whole.overall == pytest.approx(parts.overall, nan_ok=True)
    for name, column in whole.per_image.items():
        assert np.array_equal(column, parts.per_image[name], equal_nan=column.dtype.kind == "f"), name
    assert whole.per_image["id"].tolist() == sorted(ids)


def test_stored_columns_give_the_scores_again():
    scores = _filled(*_random(2, 20)).compute()
    again = from_rows(scores.per_image, CLASSES, confidence=0.25)
    assert again.overall == pytest.approx(scores.overall, nan_ok=True)
    other = from_rows(scores.per_image, CLASSES, confidence=0.25, best_confidence=0.9)
    assert other.overall["best_f1_confidence"] == 0.9
    assert other.overall["f1_at_best_f1"] < scores.overall["f1_at_best_f1"]
    assert other.overall["map"] == scores.overall["map"]


def test_pycocotools_finds_the_same_map_in_the_documents(tmp_path, capsys):
    scores = _filled(*_random(3, 25)).compute()
    truth, found = (tmp_path / name for name in ("truth.json", "detections.json"))
    truth.write_text(json.dumps(scores.documents["truth"]()))
    found.write_text(json.dumps(scores.documents["detections"]()))
    ours = COCO(str(truth))
    evaluation = COCOeval(ours, ours.loadRes(str(found)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    capsys.readouterr()
    assert scores.overall["map"] == pytest.approx(evaluation.stats[0], abs=1e-3), "boxes are rounded to 1/1000 pixel"
    assert scores.overall["map50"] == pytest.approx(evaluation.stats[1], abs=1e-3)


def test_nothing_gives_nan_and_every_name():
    empty = DetectionMeter(CLASSES, 0.25).compute()
    full = _filled(*_random(4, 5)).compute()
    assert set(empty.overall) == set(full.overall)
    assert np.isnan(empty.overall["map"])
    assert np.isnan(empty.overall["loss"])


def test_an_image_without_objects_and_answers_is_no_mistake():
    nothing = Answer(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    meter = _filled([nothing], [_target([], [])], ["a"])
    scores = meter.compute()
    assert np.isnan(scores.per_image["f1"][0])
    assert scores.documents["detections"]() == []


def test_numbers_of_images():
    assert coco_ids(["val2017/000000397133", "val2017/000000037777"]) == [397133, 37777]
    assert coco_ids(["a/1", "b/1"]) == [1, 2]
    assert coco_ids(["a", "7"]) == [1, 2]


def test_the_truth_as_a_coco_file():
    answers, targets, ids = _random(5, 3)
    rows = _filled(answers, targets, ids).compute().per_image
    record = coco_truth(rows, CLASSES)
    assert [category["name"] for category in record["categories"]] == list(CLASSES)
    assert len(record["annotations"]) == sum(len(target["labels"]) for target in targets)
    first = record["annotations"][0]
    box = rows["truth_box"][0]
    assert first["bbox"] == pytest.approx([box[0], box[1], box[2] - box[0], box[3] - box[1]], abs=1e-3)
    assert {annotation["iscrowd"] for annotation in record["annotations"]} <= {0, 1}


def test_the_confidence_counts():
    answers, targets, ids = _random(6, 10)
    low, high = (
        replace(_task(), settings=DetectionSettings(confidence=confidence)).meter() for confidence in (0.05, 0.8)
    )
    for meter in (low, high):
        meter.update(answers, targets, ids)
    assert low.compute().overall["recall"] > high.compute().overall["recall"]
    assert low.compute().overall["map"] == high.compute().overall["map"]
