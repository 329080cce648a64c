import pytest
from tests.models.classification.counting import parameters, runs_at

from vyvod.models.classification.vgg import Options, fit_input, pretrained
from vyvod.types import InputSpec


@pytest.mark.parametrize(
    ("depth", "batch_norm", "thousand", "ten"),
    [
        (16, False, 138_357_544, 134_301_514),
        (16, True, 138_365_992, 134_309_962),
        (19, False, 143_667_240, 139_611_210),
        (19, True, 143_678_248, 139_622_218),
    ],
)
def test_parameter_counts(depth: int, batch_norm: bool, thousand: int, ten: int) -> None:
    assert parameters("vgg", 1000, depth=depth, batch_norm=batch_norm) == thousand
    assert parameters("vgg", 10, depth=depth, batch_norm=batch_norm) == ten


def test_small_images_are_brought_to_a_size_that_runs() -> None:
    assert fit_input(Options(), InputSpec(1, 28, 28)) == InputSpec(3, 32, 32)
    assert runs_at("vgg", 32) == (2, 10)


@pytest.mark.parametrize(("batch_norm", "parameters"), [(True, 143_678_248), (False, 143_667_240)])
def test_pretrained_weights_are_those_of_the_options(batch_norm: bool, parameters: int) -> None:
    assert pretrained(Options(depth=19, batch_norm=batch_norm)).meta["num_params"] == parameters
