"""Boxes move with their pixels: every object is a bright rectangle, and its box is found again in the pixels."""

import colorsys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hotcoco import mask as hotcoco_mask
from torch import Tensor

from vyvod.data.boxes import ByShape, Composed, Fit, Groups, Outlined, recoloured_hsv
from vyvod.data.hsv import scaled_hsv
from vyvod.data.transforms import AugmentationSettings
from vyvod.types import Sample

STILL = {"flip": 0, "rescale": (1, 1), "translate": 0}


def sample(
    height: int, width: int, boxes: list[tuple[int, int, int, int]], *, name: str = "a", crowd: tuple[bool, ...] = ()
) -> Sample:
    """Black, with object n filled with the value 50 + 40 n in every channel."""
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    outlines = []
    for number, (left, top, right, bottom) in enumerate(boxes):
        image[:, top:bottom, left:right] = 50 + 40 * number
        mask = np.zeros((height, width), dtype=np.uint8, order="F")
        mask[top:bottom, left:right] = 1
        outlines.append(hotcoco_mask.encode(mask))
    target = {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.arange(len(boxes)),
        "crowd": torch.tensor(crowd or [False] * len(boxes), dtype=torch.bool),
        "areas": torch.ones(len(boxes)),
        "size": torch.tensor([height, width]),
        "outlines": outlines,
    }
    return Sample(image, target, name)


@dataclass
class Split:
    samples: list[Sample]

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def objects(self, index: int) -> dict[str, object]:
        return self.samples[index].target

    def outlines(self, index: int) -> list[object]:
        return self.samples[index].target["outlines"]

    def fingerprint(self) -> str:
        return "split"


def composed(
    group: list[Sample], *, size: tuple[int, int] = (64, 64), resize: str = "letterbox", **settings: object
) -> Sample:
    transform = Composed(Fit(*size, resize), AugmentationSettings(**{**STILL, **settings}), masks=True)
    return transform(Sample(group[0].image, [group], "a"))


def seen(image: Tensor, value: int) -> list[int]:
    """The box around the pixels of an object: those nearer to its value than to any other."""
    rows, columns = torch.nonzero((image[0].int() - value).abs() < 18, as_tuple=True)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


@pytest.mark.parametrize(
    ("stored", "resize", "expected"),
    [
        ((480, 640), "letterbox", (240, 320)),
        ((640, 480), "letterbox", (320, 240)),
        ((100, 50), "letterbox", (320, 160)),
        ((480, 640), "stretch", (320, 320)),
        ((480, 640), "none", (480, 640)),
        ((1, 5000), "letterbox", (1, 320)),
    ],
)
def test_whole_images_are_fitted(stored, resize, expected):
    fit = Fit(320, 320, resize)
    assert fit.size(*stored) == expected
    fitted = fit(sample(*stored, [(0, 0, 1, 1)]))
    assert tuple(fitted.image.shape[-2:]) == expected
    assert fitted.target["boxes"].tolist() == [[0, 0, 1, 1]], "targets stay in stored pixels"


def test_alone_an_image_lies_in_the_middle_of_grey():
    made = composed([sample(32, 64, [(10, 4, 30, 20)])], size=(128, 128))
    # Twice as large, 64 x 128, 32 pixels of grey above and below.
    assert made.target["boxes"].tolist() == [[20, 40, 60, 72]]
    assert seen(made.image, 50) == [20, 40, 60, 72]
    assert (made.image[:, :32] == 114).all()
    assert (made.image[:, -32:] == 114).all()
    assert made.target["masks"].sum() == 40 * 32


def test_stretched_boxes_lose_their_proportions():
    made = composed([sample(32, 64, [(16, 8, 32, 24)])], size=(64, 64), resize="stretch")
    assert made.target["boxes"].tolist() == [[16, 16, 32, 48]]


def test_stored_images_that_were_fitted_before_give_the_same_boxes():
    stored = sample(200, 400, [(40, 20, 200, 120)])
    kept = Fit(64, 64, "letterbox")(stored)
    for one in (stored, kept):
        assert composed([one]).target["boxes"][0].tolist() == pytest.approx([6.4, 19.2, 32, 35.2])


def test_crowds_are_not_trained_on():
    made = composed([sample(64, 64, [(0, 0, 20, 20), (30, 30, 60, 60)], crowd=(True, False))])
    assert made.target["labels"].tolist() == [1]
    assert made.target["masks"].shape == (1, 64, 64)


def test_no_object_gives_empty_tensors():
    made = composed([sample(64, 64, [])] * 4)
    assert made.target["boxes"].shape == (0, 4)
    assert made.target["labels"].dtype == torch.int64
    assert made.target["masks"].shape == (0, 64, 64)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("turned", [{}, {"flip": 1.0}, {"flip_vertical": 1.0, "turn": True}])
def test_boxes_of_a_mosaic_lie_around_their_pixels(seed, turned):
    group = [sample(60, 80, [(8, 10, 50, 40), (55, 15, 75, 55)], name=str(place)) for place in range(4)]
    torch.manual_seed(seed)
    made = composed(group, size=(96, 96), rescale=(0.5, 1.5), **turned)
    boxes, masks = made.target["boxes"], made.target["masks"]
    assert len(boxes) == len(masks) == len(made.target["labels"])
    for box, label, mask in zip(boxes, made.target["labels"].tolist(), masks, strict=True):
        left, top, right, bottom = box.tolist()
        assert 0 <= left < right <= 96
        assert 0 <= top < bottom <= 96
        inside = made.image[0, round(top) + 2 : round(bottom) - 2, round(left) + 2 : round(right) - 2].int()
        assert ((inside - 50 - 40 * label).abs() < 18).all(), "the box holds its object"
        rows, columns = torch.nonzero(mask, as_tuple=True)
        drawn = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
        assert drawn == pytest.approx([left, top, right, bottom], abs=1.01)


def test_a_mosaic_has_all_four_images():
    group = [sample(64, 64, [(0, 0, 64, 64)], name=str(place)) for place in range(4)]
    for place, one in enumerate(group):
        one.image[:] = 30 + 60 * place
    smallest = []
    for seed in range(8):
        torch.manual_seed(seed)
        made = composed(group, size=(128, 128))
        shares = [(made.image[0] == 30 + 60 * place).float().mean().item() for place in range(4)]
        smallest.append(min(shares))
        corner = made.target["boxes"]
        if len(corner) == 4:
            assert corner[0, 2:].tolist() == corner[3, :2].tolist(), (
                "the upper left one ends where the lower right begins"
            )
        assert sum(shares) == pytest.approx(1), "images as large as the canvas leave no grey"
    assert max(smallest) > 0.1


def test_slivers_and_what_is_nearly_gone_are_dropped():
    # Shifted by half, only 1/20 of the first and 1/2 of the second object are left; the third is 2 pixels high.
    stored = sample(64, 64, [(0, 0, 34, 30), (20, 32, 44, 60), (40, 10, 60, 12)])
    transform = Composed(Fit(64, 64, "letterbox"), AugmentationSettings(**STILL))
    transform_shifted = Composed(Fit(64, 64, "letterbox"), AugmentationSettings(**{**STILL, "translate": 0.5}))
    assert transform(Sample(stored.image, [[stored]], "a")).target["labels"].tolist() == [0, 1]
    kept = set()
    for seed in range(40):
        torch.manual_seed(seed)
        objects = transform_shifted(Sample(stored.image, [[stored]], "a")).target
        sides = objects["boxes"][:, 2:] - objects["boxes"][:, :2]
        assert (sides > 2).all()
        kept.add(tuple(objects["labels"].tolist()))
    assert (1,) in kept or (0,) in kept


def test_rotated_boxes_hold_their_pixels():
    stored = sample(96, 96, [(30, 40, 60, 56)])
    stored.image[:, 40:56, 30:60] = 250
    torch.manual_seed(5)
    made = composed([stored], size=(96, 96), rotate=30.0, shear=8.0)
    left, top, right, bottom = made.target["boxes"][0].tolist()
    around = seen(made.image, 250)
    assert left <= around[0] + 1
    assert top <= around[1] + 1
    assert right >= around[2] - 1
    assert bottom >= around[3] - 1
    assert (right - left) * (bottom - top) < 3 * 30 * 16
    assert made.target["boxes"][0].tolist() != [30, 40, 60, 56]


def test_blending_keeps_the_objects_of_both():
    first, second = sample(64, 64, [(5, 5, 30, 30)]), sample(64, 64, [(20, 20, 60, 60)])
    torch.manual_seed(0)
    transform = Composed(Fit(64, 64, "letterbox"), AugmentationSettings(**STILL))
    made = transform(Sample(first.image, [[first], [second]], "a"))
    assert made.target["boxes"].tolist() == [[5, 5, 30, 30], [20, 20, 60, 60]]
    assert 15 < int(made.image[0, 25, 8]) < 35, "about half of 50"


def test_groups_draw_as_often_as_asked():
    split = Split([sample(8, 8, [], name=str(place)) for place in range(10)])
    torch.manual_seed(0)
    drawn = [Groups(split, 0.5, 0.25)[place % 10].target for place in range(400)]
    assert np.mean([len(groups[0]) == 4 for groups in drawn]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([len(groups) == 2 for groups in drawn]) == pytest.approx(0.25, abs=0.07)
    assert all(groups[0][0].id == str(place % 10) for place, groups in enumerate(drawn))
    assert all(len(Groups(split, 0, 0)[3].target[0]) == 1 for _ in range(5))


def test_evaluation_goes_from_wide_images_to_high_ones():
    split = Split([sample(20, 10, [], name="high"), sample(10, 20, [], name="wide"), sample(10, 10, [], name="square")])
    ordered = ByShape(split)
    assert list(ordered.ids) == ["wide", "square", "high"]
    assert ordered[0].id == "wide"
    assert ordered.fingerprint() == "split"


def test_outlines_come_only_where_they_are_wanted():
    split = Split([sample(8, 8, [(0, 0, 4, 4)])])
    assert len(Outlined(split)[0].target["outlines"]) == 1


def test_recolouring_changes_what_it_says():
    red = torch.zeros(3, 4, 4, dtype=torch.uint8)
    red[0] = 200
    assert recoloured_hsv(red, (0, 0, 0)) is red
    torch.manual_seed(0)
    darker = recoloured_hsv(red, (0, 0, 0.9))
    assert darker[0, 0, 0] != 200
    assert darker[1:].max() == 0, "value alone changes no hue"
    torch.manual_seed(0)
    paler = recoloured_hsv(red, (0, 0.9, 0))
    assert paler[0, 0, 0] == 200


@pytest.mark.parametrize(
    "factors", [(1.01, 1.3, 1.2), (0.99, 0.5, 0.7), (1.9, 1.9, 1.9), (0.1, 1, 1), (1, 0, 1), (1, 1, 0)]
)
def test_colours_are_those_of_colorsys(factors):
    torch.manual_seed(0)
    grey, pure = (
        torch.arange(256).expand(3, 256),
        torch.tensor([[255, 0, 0, 255, 255, 0], [0, 255, 0, 255, 0, 255], [0, 0, 255, 0, 255, 255]]),
    )
    image = torch.cat([torch.randint(0, 256, (3, 2000)), grey, pure], dim=1).to(torch.uint8)[:, None]
    changed = scaled_hsv(image, *factors)
    for before, after in zip(image.flatten(1).T.tolist(), changed.flatten(1).T.tolist(), strict=True):
        hue, saturation, value = (
            part * factor
            for part, factor in zip(colorsys.rgb_to_hsv(*(part / 255 for part in before)), factors, strict=True)
        )
        expected = colorsys.hsv_to_rgb(hue % 1, min(saturation, 1), min(value, 1))
        assert after == pytest.approx([255 * part for part in expected], abs=0.501), before
    assert torch.equal(scaled_hsv(image, 1, 1, 1), image)


@pytest.mark.parametrize("zoom", [0.37, 0.5, 0.81, 1.0, 1.7])
def test_what_is_cut_off_before_resizing_leaves_boxes_and_masks_around_their_pixels(zoom):
    stored = sample(150, 210, [(20, 30, 80, 130), (110, 20, 200, 90)])
    for seed in range(10):
        torch.manual_seed(seed)
        made = composed([stored] * 4, size=(120, 120), rescale=(zoom, zoom), translate=0.3)
        for box, label, mask in zip(
            made.target["boxes"], made.target["labels"].tolist(), made.target["masks"], strict=True
        ):
            left, top, right, bottom = (round(side) for side in box.tolist())
            bright = (made.image[0].int() - 50 - 40 * label).abs() < 8
            assert bright[top + 2 : bottom - 2, left + 2 : right - 2].all()
            assert mask[top + 1 : bottom - 1, left + 1 : right - 1].all()
            assert mask.sum() == mask[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1].sum()


def test_the_same_seed_gives_the_same_image():
    group = [sample(60, 80, [(8, 10, 50, 40)], name=str(place)) for place in range(4)]
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(composed(group, rescale=(0.5, 1.5), hsv=(0.015, 0.7, 0.4), flip=0.5, translate=0.1))
    assert torch.equal(made[0].image, made[1].image)
    assert torch.equal(made[0].target["boxes"], made[1].target["boxes"])
