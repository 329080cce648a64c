from tests.models.classification.counting import parameters, runs_at

from vyvod.models.classification.alexnet import Options, fit_input
from vyvod.types import InputSpec


def test_parameter_counts() -> None:
    assert parameters("alexnet", 1000) == 61_100_840
    assert parameters("alexnet", 10) == 57_044_810


def test_small_images_are_brought_to_a_size_that_runs() -> None:
    assert fit_input(Options(), InputSpec(1, 28, 28)) == InputSpec(3, 64, 64)
    assert fit_input(Options(), InputSpec(3, 100, 40)) == InputSpec(3, 100, 64)
    assert fit_input(Options(), None) == InputSpec(3, 224, 224)
    assert runs_at("alexnet", 64) == (2, 10)
