"""What is made of masks of each kind."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vyvod.data.formats.mask_kinds import Kind, recognise
from vyvod.errors import DataError


def masks(root: Path, *rows: object, palettes: list[list[int]] | None = None, dtype: type = np.uint8) -> list[str]:
    """A mask of one row of pixels for each argument."""
    for place, row in enumerate(rows):
        image = Image.fromarray(np.array([row], dtype=dtype))
        if palettes is not None:
            image.putpalette(palettes[place] + [0] * (768 - len(palettes[place])))
        image.save(root / f"{place}.png")
    return [f"{place}.png" for place in range(len(rows))]


def read(kind: Kind, key: str) -> list[int]:
    return kind.read(key)[0].tolist()


RED, GREEN, BLACK, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 0), (255, 255, 255)


def test_black_and_white_is_not_class_0_and_ignored_pixels(tmp_path: Path):
    keys = masks(tmp_path, [0, 255, 0], [0, 0, 0])
    kind = recognise(tmp_path, keys)
    assert kind.classes == ("background", "foreground")
    assert (read(kind, keys[0]), read(kind, keys[1])) == ([0, 1, 0], [0, 0, 0])
    assert kind.notes == (
        "The masks are black and white: 0 is background, 255 is foreground (judged by 2 of 2 masks).",
    )


@pytest.mark.parametrize(
    ("row", "palette", "dtype"),
    [
        ([False, True], None, bool),
        ([BLACK, WHITE], None, np.uint8),
        ([0, 65535], None, np.uint16),
        ([0, 1], [*BLACK, *WHITE], np.uint8),
        ([1, 0], [*WHITE, *BLACK], np.uint8),  # a program that sorts its palette by how often a colour occurs
    ],
)
def test_black_and_white_however_it_is_stored(tmp_path: Path, row: object, palette: list[int] | None, dtype: type):
    keys = masks(tmp_path, row, palettes=palette and [palette], dtype=dtype)
    kind = recognise(tmp_path, keys)
    assert (kind.classes, read(kind, keys[0])) == (("background", "foreground"), [0, 1])


def test_a_name_for_the_foreground_or_for_both(tmp_path: Path):
    keys = masks(tmp_path, [0, 255])
    (tmp_path / "classes.txt").write_text("cell\n")
    assert recognise(tmp_path, keys).classes == ("background", "cell")
    (tmp_path / "classes.txt").write_text("membrane\ncell\n")
    assert recognise(tmp_path, keys).classes == ("membrane", "cell")
    (tmp_path / "classes.txt").write_text("cell\nBackground\n")  # the background becomes the first
    kind = recognise(tmp_path, keys)
    assert (kind.classes, read(kind, keys[0])) == (("background", "cell"), [1, 0])
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(DataError, match=r"black and white, but .*classes\.txt names 3 classes"):
        recognise(tmp_path, keys)


@pytest.mark.parametrize("row", [[0, 1, 1], [0, 1, 255]])
def test_zero_and_one(tmp_path: Path, row: list[int]):
    keys = masks(tmp_path, row)
    kind = recognise(tmp_path, keys)
    assert (kind.classes, read(kind, keys[0])) == (("background", "foreground"), row)
    assert any("255 do not count" in note for note in kind.notes) == (255 in row)


def test_numbers_without_names(tmp_path: Path):
    keys = masks(tmp_path, [0, 1, 255], [0, 4, 1])
    kind = recognise(tmp_path, keys)
    assert kind.classes == ("class 0", "class 1", "class 2", "class 3", "class 4")
    assert kind.palette is None
    assert [read(kind, key) for key in keys] == [[0, 1, 255], [0, 4, 1]]
    assert kind.notes == (
        "The masks hold class numbers 0 to 4; names are missing: classes.txt gives them (judged by 2 of 2 masks).",
        "Pixels of the value 255 do not count.",
        "Not seen in these masks: the numbers 2, 3.",
    )


def test_numbers_with_names_of_which_one_does_not_count(tmp_path: Path):
    keys = masks(tmp_path, [0, 1, 2, 3])
    (tmp_path / "classes.txt").write_text("road\nvoid\nbackground\ncar\n")
    kind = recognise(tmp_path, keys)
    assert kind.classes == ("background", "road", "car")
    assert read(kind, keys[0]) == [1, 255, 0, 2]
    assert "Pixels of 'void' in classes.txt do not count." in kind.notes


def test_the_palette_of_the_files_becomes_that_of_the_classes(tmp_path: Path):
    palette = [*BLACK, *RED, *GREEN]
    kind = recognise(tmp_path, masks(tmp_path, [0, 1, 2], [0, 2, 2], palettes=[palette, palette]))
    assert kind.palette == [BLACK, RED, GREEN]
    assert kind.classes == ("class 0", "class 1", "class 2")


def test_palettes_of_which_each_has_its_own_order_are_colours(tmp_path: Path):
    keys = masks(tmp_path, [0, 1], [0, 1], palettes=[[*BLACK, *RED], [*RED, *BLACK]])
    with pytest.raises(DataError, match=r"The masks are in colour.*0,0,0; 255,0,0.*Write .*classes\.csv"):
        recognise(tmp_path, keys)
    (tmp_path / "classes.csv").write_text("road,0,0,0\ncar,255,0,0\n")
    kind = recognise(tmp_path, keys)
    assert [read(kind, key) for key in keys] == [[0, 1], [1, 0]]


def test_colours_with_a_table(tmp_path: Path):
    keys = masks(tmp_path, [RED, GREEN, BLACK, WHITE])
    (tmp_path / "class_dict.csv").write_text(
        "name,r,g,b\ncar,255,0,0\nVoid,255,255,255\nBackground,0,0,0\ntree,0,255,0\nbush,1,1,1\n"
    )
    kind = recognise(tmp_path, keys)
    assert kind.classes == ("background", "car", "tree", "bush")
    assert read(kind, keys[0]) == [1, 2, 0, 255]
    assert kind.palette == [BLACK, RED, GREEN, (1, 1, 1)]
    assert kind.notes == (
        "The masks hold colours; class_dict.csv names 4 classes (judged by 1 of 1 masks).",
        "Pixels of 'Void' in class_dict.csv do not count.",
    )


def test_several_colours_of_one_class(tmp_path: Path):
    keys = masks(tmp_path, [RED, GREEN, BLACK])
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\nplant:255,0,0::\nplant:0,255,0::\n")
    kind = recognise(tmp_path, keys)
    assert (kind.classes, read(kind, keys[0])) == (("background", "plant"), [1, 1, 0])


def test_shades_of_grey_with_a_table(tmp_path: Path):
    keys = masks(tmp_path, [0, 85, 170, 255])
    (tmp_path / "classes.csv").write_text("a,0,0,0\nb,85,85,85\nc,170,170,170\nd,255,255,255\n")
    kind = recognise(tmp_path, keys)
    assert (kind.classes, read(kind, keys[0])) == (("a", "b", "c", "d"), [0, 1, 2, 3])


def test_numbers_whose_names_stand_in_a_table_of_colours(tmp_path: Path):
    keys = masks(tmp_path, [0, 1, 2, 255])
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\na,255,0,0\nb,0,255,0\nc,0,0,255\n")
    kind = recognise(tmp_path, keys)
    assert (kind.classes, read(kind, keys[0])) == (("a", "b", "c"), [0, 1, 2, 255])
    assert kind.palette == [RED, GREEN, (0, 0, 255)]


def test_a_colour_that_is_in_no_table(tmp_path: Path):
    keys = masks(tmp_path, [RED, BLACK], [RED, (9, 8, 7)])
    (tmp_path / "classes.csv").write_text("car,255,0,0\nbackground,0,0,0\n")
    with pytest.raises(DataError, match=r"1\.png holds the colours 9,8,7, which are not in .*classes\.csv"):
        recognise(tmp_path, keys)
    with pytest.raises(DataError, match=r"0\.png holds the colours 255,255,255, which are not in .*classes\.csv"):
        recognise(tmp_path, masks(tmp_path, [0, 255]))


def test_a_later_mask_with_other_values(tmp_path: Path):
    keys = masks(tmp_path, *[[0, 1, 2]] * 65, [0, 1, 3])  # of 66 masks 64 are looked at: the first, the last and others
    (tmp_path / keys[65]).rename(tmp_path / "late.png")
    keys[65] = keys[64]
    kind = recognise(tmp_path, keys)
    assert "(judged by 64 of 66 masks)" in kind.notes[0]
    with pytest.raises(DataError, match=r"late\.png holds the values 3; expected the numbers 0 to 2, or 255"):
        kind.read("late.png")


def test_numbers_without_a_name(tmp_path: Path):
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(DataError, match=r"1\.png holds the numbers 3, 9, but .*classes\.txt names 3 classes, 0 to 2"):
        recognise(tmp_path, masks(tmp_path, [0, 1, 2], [9, 3, 255]))


@pytest.mark.parametrize(("row", "dtype"), [([0, 128, 255], np.uint8), ([0, 300, 257], np.uint16)])
def test_grey_that_is_no_class_number(tmp_path: Path, row: list[int], dtype: type):
    shown = ", ".join(str(value) for value in sorted(row) if value not in (0, 255))
    with pytest.raises(DataError, match=rf"0\.png holds the numbers {shown}; class numbers.*classes\.csv"):
        recognise(tmp_path, masks(tmp_path, row, dtype=dtype))


def test_a_photo_as_a_mask(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 900, 3)).astype(np.uint8)
    with pytest.raises(DataError, match=r"0\.png holds 900 colours: it was smoothed, or it is a photo"):
        recognise(tmp_path, masks(tmp_path, pixels[0]))


@pytest.mark.parametrize("row", [[0, 0], [255, 255], [7]])
def test_nothing_to_tell_apart(tmp_path: Path, row: list[int]):
    with pytest.raises(DataError, match=f"hold nothing but {row[0]}"):
        recognise(tmp_path, masks(tmp_path, row))


def test_masks_that_cannot_be_read(tmp_path: Path):
    keys = masks(tmp_path, [0, 1], [0, 1])
    (tmp_path / keys[0]).write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"0\.png cannot be decoded"):
        recognise(tmp_path, keys)
    assert "judged by 1 of 2 masks" in recognise(tmp_path, keys, on_error="skip").notes[0]
    (tmp_path / keys[1]).write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"1\.png cannot be decoded"):
        recognise(tmp_path, keys, on_error="skip")


def test_a_few_stray_numbers_do_not_make_classes_of_black_and_white(tmp_path: Path) -> None:
    for number in range(6):
        mask = np.zeros((4, 4), dtype=np.uint8)
        mask[:2] = 255
        mask[3, 3] = 7 if number == 5 else 0
        Image.fromarray(mask).save(tmp_path / f"{number}.png")
    kind = recognise(tmp_path, [f"{number}.png" for number in range(6)])
    assert kind.classes == ("background", "foreground")
    with pytest.raises(DataError, match=r"5\.png holds .*7"):
        kind.read("5.png")
