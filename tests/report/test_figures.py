"""The parts of which figures are made."""

import io

import numpy as np
import pytest
from PIL import Image

from vyvod.report.figures import Series, _apart, blank, curves, photo_png, png, rate_sweep, shortened, style, svg
from vyvod.report.text import Words

EPOCHS = np.arange(1.0, 5.0)


def test_short_names_stay_and_long_ones_keep_both_ends() -> None:
    assert shortened("Ankle boot") == "Ankle boot"
    assert shortened("golden retriever, left", 16) == "golden ret…left"
    assert shortened("a  b\nc") == "a b c"
    assert len(shortened("x" * 300, 18)) <= 18


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0.2, 0.8], [0.2, 0.8]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.55, 0.5], [0.575, 0.475]),
        ([1.0, 1.0], [0.9, 1.0]),
        ([], []),
    ],
)
def test_labels_do_not_touch(places: list[float], expected: list[float]) -> None:
    assert _apart(np.array(places), 0.1) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("best", "epochs"), [(2, 2), (20, 20), (17, 20), (10, 20)])
def test_the_best_epoch_is_named_apart_from_the_lines(best: int, epochs: int) -> None:
    steps = np.arange(1.0, epochs + 1)
    figure = curves("Проба", steps, [Series("accuracy", steps, "blue"), Series("полнота", steps, "green")], best=best,
                    words=Words("ru"))  # fmt: skip
    with style():
        figure.draw_without_rendering()
        boxes = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    rule = boxes.pop(f"лучшая эпоха {best}")
    assert len(boxes) == 2
    assert not any(rule.overlaps(box) for box in boxes.values())


def test_letters_without_a_glyph_and_lines_without_values() -> None:
    lines = [Series("日本", EPOCHS, "blue"), Series("$x_1$", np.full(4, np.nan), "orange")]
    figure = curves("Проба", EPOCHS, lines, best=2, words=Words("ru"))
    with Image.open(io.BytesIO(png(figure))) as image:
        assert image.size[0] == 1600
    assert "日本" in svg(figure, "trial")


def test_a_name_in_a_figure_is_text_and_not_markup() -> None:
    tricky = 'id="1" #1c68ad url(#a) 0.123456'
    lines = [Series("a & b", EPOCHS, "blue"), Series(tricky, EPOCHS * 2, "green")]
    drawn = svg(curves("<script>", EPOCHS, lines, best=None, words=Words("en")), "trial")
    assert f">{tricky}<" in drawn
    assert "&lt;script&gt;" in drawn
    assert "a &amp; b" in drawn
    assert "<script" not in drawn


def test_rate_sweep() -> None:
    rates = np.geomspace(1e-6, 1, 30).tolist()
    drawn = svg(rate_sweep(rates, [2.0 - rate for rate in rates], proposed=0.003), "sweep")
    assert "proposed: 0.003" in drawn
    assert "mathdefault" not in drawn


def test_flat_colours_beside_a_photo_stay_exact() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    photo[:, :200] = (64, 64, 0)
    photo[:, 200:210] = (1, 2, 3)
    with style():
        figure = blank("", 3, width=4)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(photo, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
    with Image.open(io.BytesIO(photo_png(figure))) as image:
        assert image.mode == "P"
        found = {colour for _, colour in image.convert("RGB").getcolors(2**24) or []}
    assert {(64, 64, 0), (1, 2, 3)} <= found
