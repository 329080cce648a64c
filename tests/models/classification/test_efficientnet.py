import pytest
from tests.models.classification.counting import parameters, runs_at

from vyvod.models.classification.efficientnet import PHOTO_SIZES, Options, fit_input, pretrained
from vyvod.types import InputSpec

COUNTS = {
    "b0": (5_288_548, 4_020_358),
    "b1": (7_794_184, 6_525_994),
    "b2": (9_109_994, 7_715_084),
    "b3": (12_233_232, 10_711_602),
    "b4": (19_341_616, 17_566_546),
    "b5": (30_389_784, 28_361_274),
    "b6": (43_040_704, 40_758_754),
    "b7": (66_347_960, 63_812_570),
    "v2-s": (21_458_488, 20_190_298),
    "v2-m": (54_139_356, 52_871_166),
    "v2-l": (118_515_272, 117_247_082),
}


@pytest.mark.parametrize("variant", COUNTS)
def test_parameter_counts(variant: str) -> None:
    assert parameters("efficientnet", 1000, variant=variant) == COUNTS[variant][0]
    assert parameters("efficientnet", 10, variant=variant) == COUNTS[variant][1]


@pytest.mark.parametrize("variant", COUNTS)
def test_photos_get_the_size_at_which_the_weights_are_evaluated(variant: str) -> None:
    weights = pretrained(Options(variant=variant)).__class__["IMAGENET1K_V1"]
    assert weights.transforms().crop_size == [PHOTO_SIZES[variant]]
    assert weights.meta["num_params"] == COUNTS[variant][0]


def test_small_images_are_brought_to_64() -> None:
    assert fit_input(Options(), InputSpec(1, 28, 28)) == InputSpec(3, 64, 64)
    assert fit_input(Options(variant="b3"), None) == InputSpec(3, 300, 300)
    assert runs_at("efficientnet", 64) == (2, 10)
