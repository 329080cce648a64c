"""Metrics of segmentation against numbers worked by hand, scikit-learn, torchmetrics, hotcoco and plain distances."""

import math
import warnings

import numpy as np
import pytest
import torch
from hotcoco.semantic import SemanticEval
from scipy import ndimage
from sklearn import metrics as reference
from torchmetrics.functional import classification as pixels
from torchmetrics.functional import segmentation as maps

from vyvod.errors import DataError
from vyvod.metrics import segmentation as metrics

TRUTH = np.array([[0, 0, 1], [1, 1, 255]], dtype=np.uint8)
PREDICTED = np.array([[0, 2, 1], [0, 1, 1]], dtype=np.uint8)
"""Of 4 classes: 2 is only predicted, 3 is in neither."""


def random_maps(seed: int, *, classes: int = 7, images: int = 3, ignored: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """``(N, 9, 11)`` uint8; few classes in the truth and others in the prediction: absent, only predicted, never predicted."""
    random = np.random.default_rng(seed)
    shape = (images, 9, 11)
    truth = random.choice(random.choice(classes, size=max(1, classes // 2)), shape)
    predicted = np.where(random.random(shape) < 0.5, truth, random.integers(0, max(1, classes - seed % 3), shape))
    return np.where(random.random(shape) < ignored, 255, truth).astype(np.uint8), predicted.astype(np.uint8)


def counts(truth: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True positives, support and predicted pixels: ``(N, K)`` each."""
    confusions = [metrics.confusion_matrix(*pair, classes) for pair in zip(truth, predicted, strict=True)]
    stacked = np.array(confusions, dtype=np.int64).reshape(-1, classes, classes)
    return np.diagonal(stacked, axis1=1, axis2=2), stacked.sum(axis=2), stacked.sum(axis=1)


def total(truth: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found, support, answered = counts(truth, predicted, classes)
    return found.sum(axis=0), support.sum(axis=0), answered.sum(axis=0)


def test_hand_worked() -> None:
    confusion = metrics.confusion_matrix(TRUTH, PREDICTED, 4)
    assert confusion.tolist() == [[1, 0, 1, 0], [1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert confusion.dtype == np.int64
    sums = total(TRUTH[None], PREDICTED[None], 4)
    assert [values.tolist() for values in sums] == [[1, 2, 0, 0], [2, 3, 0, 0], [2, 2, 1, 0]]
    per_class = metrics.per_class(*sums)
    expected = {
        "precision": [1 / 2, 1, 0, math.nan],
        "recall": [1 / 2, 2 / 3, 0, math.nan],
        "f1": [1 / 2, 4 / 5, 0, math.nan],
        "dice": [1 / 2, 4 / 5, 0, math.nan],
        "iou": [1 / 3, 2 / 3, 0, math.nan],
        "support": [2, 3, 0, 0],
    }
    assert per_class.keys() == expected.keys()
    for name, values in expected.items():
        assert per_class[name].tolist() == pytest.approx(values, nan_ok=True)
    assert metrics.overall(*sums, background=True) == pytest.approx(
        {
            "dice": 1.3 / 3,
            "iou": 1 / 3,
            "precision": 1 / 2,
            "recall": (1 / 2 + 2 / 3) / 3,
            "f1": 1.3 / 3,
            "pixel_accuracy": 3 / 5,
            "fw_iou": (2 / 3 + 3 * 2 / 3) / 5,
            "dice_foreground": 0.8 / 2,
            "iou_foreground": 1 / 3,
        }
    )


def test_dice_of_images_by_hand() -> None:
    # As above; then one class, half right by count; then an image without a pixel that counts.
    truth = np.stack([TRUTH, np.full((2, 3), 3, dtype=np.uint8), np.full((2, 3), 255, dtype=np.uint8)])
    predicted = np.stack([PREDICTED, np.array([[3, 3, 3], [0, 0, 0]], dtype=np.uint8), PREDICTED])
    mean, values = metrics.dice_images(*counts(truth, predicted, 4))
    assert values.tolist() == pytest.approx([1.3 / 3, (2 / 3 + 0) / 2, math.nan], nan_ok=True)
    assert mean == pytest.approx((1.3 / 3 + 1 / 3) / 2)


@pytest.mark.parametrize("seed", range(20))
def test_equals_scikit_learn(seed: int) -> None:
    classes = 2 + seed % 9
    truth, predicted = random_maps(seed, classes=classes)
    kept = truth != 255
    labels, answers = truth[kept], predicted[kept]
    expected = reference.confusion_matrix(labels, answers, labels=range(classes))
    assert np.array_equal(metrics.confusion_matrix(truth, predicted, classes), expected)
    sums = total(truth, predicted, classes)
    scores = metrics.overall(*sums)
    values = reference.precision_recall_fscore_support(labels, answers, average="macro", zero_division=0)
    for name, value in zip(("precision", "recall", "f1"), values, strict=False):
        assert scores[name] == pytest.approx(value, abs=1e-12)
    assert scores["dice"] == scores["f1"]
    for name, average in (("iou", "macro"), ("fw_iou", "weighted")):
        value = reference.jaccard_score(labels, answers, average=average, zero_division=0)
        assert scores[name] == pytest.approx(value, abs=1e-12)
    assert scores["pixel_accuracy"] == pytest.approx(reference.accuracy_score(labels, answers), abs=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = reference.precision_recall_fscore_support(
            labels, answers, labels=range(classes), average=None, zero_division=0
        )
    per_class = metrics.per_class(*sums)
    present = np.isin(np.arange(classes), np.union1d(labels, answers))
    for name, value in zip(("precision", "recall", "f1", "support"), values, strict=True):
        assert np.allclose(per_class[name][present], value[present], atol=1e-12)
    assert np.array_equal(np.isnan(per_class["f1"]), ~present)


@pytest.mark.parametrize("seed", range(20))
def test_equals_hotcoco(seed: int) -> None:
    classes = 2 + seed % 9
    truth, predicted = random_maps(seed, classes=classes)
    evaluator = SemanticEval(classes)
    for pair in zip(truth, predicted, strict=True):
        evaluator.update(*pair)
    assert np.array_equal(metrics.confusion_matrix(truth, predicted, classes), evaluator.confusion())
    results, sums = evaluator.results(), total(truth, predicted, classes)
    scores, per_class = metrics.overall(*sums), metrics.per_class(*sums)
    for ours, theirs in (("iou", "mIoU"), ("fw_iou", "fwIoU"), ("pixel_accuracy", "aAcc")):
        assert scores[ours] == pytest.approx(results[theirs], abs=1e-12)
    # Its mean accuracy leaves out classes that the truth lacks; macro recall counts them when they are predicted.
    assert np.mean(per_class["recall"][sums[1] > 0]) == pytest.approx(results["mAcc"], abs=1e-12)
    expected = [row["IoU"] for row in results["per_class"]]
    assert np.nan_to_num(per_class["iou"], nan=-1).tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_equals_torchmetrics(seed: int) -> None:
    truth, predicted = random_maps(seed)
    targets, answers = torch.from_numpy(truth).long(), torch.from_numpy(predicted).long()
    expected = pixels.multiclass_confusion_matrix(answers, targets, 7, ignore_index=255)
    assert np.array_equal(metrics.confusion_matrix(truth, predicted, 7), expected.numpy())
    scores = metrics.overall(*total(truth, predicted, 7))
    value = pixels.multiclass_jaccard_index(answers, targets, 7, ignore_index=255)
    assert scores["iou"] == pytest.approx(value.item(), abs=1e-6)
    # Its metrics of whole maps know no pixels to ignore.
    truth, predicted = random_maps(seed, ignored=0)
    targets, answers = torch.from_numpy(truth).long(), torch.from_numpy(predicted).long()
    images = counts(truth, predicted, 7)
    per_class = metrics.per_class(*images)
    value = maps.mean_iou(answers, targets, num_classes=7, per_class=True, input_format="index")
    assert np.allclose(np.nan_to_num(per_class["iou"], nan=-1), value.numpy(), atol=1e-6)
    value = maps.dice_score(answers, targets, num_classes=7, average="macro", input_format="index")
    assert np.allclose(metrics.dice_images(*images)[1], value.numpy(), atol=1e-6)
    for background, name in ((True, "dice"), (False, "dice_foreground")):
        value = maps.dice_score(
            answers, targets, num_classes=7, include_background=background, average="macro",
            input_format="index", aggregation_level="global",
        )  # fmt: skip
        scores = metrics.overall(*total(truth, predicted, 7), background=True)
        assert scores[name] == pytest.approx(value.item(), abs=1e-6)


def test_generalised_dice_follows_from_the_same_counts() -> None:
    # Each class weighs 1 / pixels^2; where all classes occur, so that torchmetrics needs no rule for those that do not.
    random = np.random.default_rng(0)
    truth, predicted = (random.integers(0, 3, (2, 8, 8)).astype(np.uint8) for _ in range(2))
    found, support, answered = counts(truth, predicted, 3)
    weights = 1 / support.astype(np.float64) ** 2
    expected = maps.generalized_dice_score(
        torch.from_numpy(predicted).long(), torch.from_numpy(truth).long(), 3, input_format="index"
    )
    ours = 2 * (weights * found).sum(axis=1) / (weights * (support + answered)).sum(axis=1)
    assert np.allclose(ours, expected.numpy(), atol=1e-6)


def test_resampled_images_at_once_equal_one_set_after_another() -> None:
    images = counts(*random_maps(4, images=6), 7)
    choices = np.random.default_rng(0).integers(0, 6, (5, 6))
    stacks = metrics.per_class(*(values[choices].sum(axis=1) for values in images))
    for place, choice in enumerate(choices):
        single = metrics.per_class(*(values[choice].sum(axis=0) for values in images))
        for name, values in single.items():
            assert np.array_equal(stacks[name][place], values, equal_nan=True)


@pytest.mark.parametrize("shape", [(0,), (0, 4, 4), (2, 4, 4)])
def test_nothing_that_counts_is_undefined(shape: tuple[int, ...]) -> None:
    truth = np.full(shape, 255, dtype=np.uint8)
    assert not metrics.confusion_matrix(truth, np.zeros(shape, dtype=np.uint8), 3).any()
    nothing = np.zeros((2, 3), dtype=np.int64)
    assert all(np.isnan(value) for value in metrics.overall(*[nothing[0]] * 3, background=True).values())
    mean, values = metrics.dice_images(nothing, nothing, nothing)
    assert np.isnan([mean, *values]).all()
    assert np.isnan(metrics.dice_images(*[nothing[:0]] * 3)[0])
    assert np.isnan(metrics.boundary_f1(np.zeros((4, 3), dtype=np.int64))[0])


def test_one_class_only() -> None:
    maps_of_one = np.full((1, 2, 2), 1, dtype=np.uint8)
    assert metrics.overall(*total(maps_of_one, maps_of_one, 3))["dice"] == 1
    # The background alone has no foreground to speak of.
    assert np.isnan(metrics.overall(*total(maps_of_one * 0, maps_of_one * 0, 3), background=True)["dice_foreground"])


@pytest.mark.parametrize("classes", [1, 2, 127, 128, 200, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
def test_confusion_of_any_integers_and_any_number_of_classes(classes: int, kind: type[np.generic]) -> None:
    random = np.random.default_rng(classes)
    truth, predicted = random.integers(0, classes, (2, 50, 40))
    truth[random.random(truth.shape) < 0.1] = 255
    kept = truth != 255
    expected = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(expected, (truth[kept], predicted[kept]), 1)
    assert np.array_equal(metrics.confusion_matrix(truth.astype(kind), predicted.astype(kind), classes), expected)


def test_confusion_of_views_and_read_only_maps() -> None:
    truth, predicted = (np.tile(labels, (2, 2))[::-1, ::2] for labels in (TRUTH, PREDICTED))
    expected = metrics.confusion_matrix(truth.copy(), predicted.copy(), 4)
    frozen = truth.copy()
    frozen.setflags(write=False)
    assert np.array_equal(metrics.confusion_matrix(truth, predicted, 4), expected)
    assert np.array_equal(metrics.confusion_matrix(frozen, predicted, 4), expected)


def test_a_class_can_be_ignored() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, ignore=0)
    assert confusion.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([0, 3], [0, 1], "the truth holds the label 3, but there are 3 classes, 0 to 2"),
        ([0, 254], [0, 1], "the truth holds the label 254"),
        ([0, 65536], [0, 1], "the truth holds the label 65536"),
        ([0, -1], [0, 1], "the truth holds the label -1"),
        ([0, 1], [0, 3], "the prediction holds the label 3"),
        ([0, 1], [0, -1], "the prediction holds the label -1"),
        ([0, 1], [[0, 1]], r"the truth has the shape \(2,\) and the prediction \(1, 2\)"),
    ],
)
def test_labels_that_are_no_class(truth: list[int], predicted: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        metrics.confusion_matrix(np.array(truth), np.array(predicted), 3)


def test_boundaries_by_hand() -> None:
    truth = np.array([[0, 0, 0, 1, 1, 1]], dtype=np.uint8)
    predicted = np.array([[0, 1, 1, 1, 1, 1]], dtype=np.uint8)
    # Outlines at columns 2 | 3 in the truth, 0 | 1 in the prediction: 2 pixels apart.
    near = metrics.boundary_counts(truth, predicted, 3, tolerance=1.9)
    assert near.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0]]
    far = metrics.boundary_counts(truth, predicted, 3, tolerance=2)
    assert far.tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 1, 0]]
    mean, values = metrics.boundary_f1(near + far)
    assert values.tolist() == pytest.approx([1 / 2, 1 / 2, math.nan], nan_ok=True)
    assert mean == 1 / 2
    # Precision 1/4, recall 1/2; a class that is only predicted; one that is in neither.
    mean, values = metrics.boundary_f1(np.array([[1, 0, 0], [4, 3, 0], [1, 0, 0], [2, 0, 0]]))
    assert values.tolist() == pytest.approx([1 / 3, 0, math.nan], nan_ok=True)
    assert mean == pytest.approx(1 / 6)


def test_outlines_that_are_ignored_are_no_boundaries() -> None:
    truth = np.array([[0, 0, 255, 1, 1, 2]], dtype=np.uint8)
    predicted = np.array([[0, 0, 0, 1, 1, 2]], dtype=np.uint8)
    # Only 1 | 2 is left.
    expected = [[0, 1, 1]] * 4
    assert metrics.boundary_counts(truth, predicted, 3, tolerance=0).tolist() == expected


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tolerance", [None, 0.0, 1.0, 3.7])
def test_boundaries_equal_plain_distances(seed: int, tolerance: float | None) -> None:
    random = np.random.default_rng(seed)
    shape, classes = (150, 40), 4
    truth, predicted = (
        np.digitize(ndimage.gaussian_filter(random.random(shape), 2), [0.45, 0.5, 0.55]) for _ in range(2)
    )
    truth[random.random(shape) < 0.02] = 255
    radius = 0.0075 * math.hypot(*shape) if tolerance is None else tolerance
    kept = truth != 255
    expected = np.zeros((4, classes), dtype=np.int64)
    for label in range(classes):
        # An inner boundary: what erosion takes away, where neither ignored pixels nor the sides of the image take anything.
        found, true = (
            (labels == label) & kept & ~ndimage.binary_erosion((labels == label) | ~kept, border_value=1)
            for labels in (predicted, truth)
        )
        distances = [ndimage.distance_transform_edt(~edge) for edge in (true, found)]
        expected[:, label] = [
            (found & (distances[0] <= radius) & true.any()).sum(), found.sum(),
            (true & (distances[1] <= radius) & found.any()).sum(), true.sum(),
        ]  # fmt: skip
    given = metrics.boundary_counts(truth, predicted, classes, tolerance=tolerance)
    assert np.array_equal(given, expected)
    assert expected.sum() > 0


def test_listed_metrics_are_those_that_are_computed() -> None:
    computed = metrics.overall(*total(TRUTH[None], PREDICTED[None], 4), background=True)
    assert {*computed, "dice_images", "boundary_f1"} == set(metrics.METRICS)
    assert metrics.HEADLINE in computed
