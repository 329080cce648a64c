"""Tables of classes as their programs write them."""

from pathlib import Path

import pytest

from vyvod.data.formats.class_tables import read_colours, read_names
from vyvod.errors import DataError


def table(folder: Path, name: str, text: str, *, encoding: str = "utf-8") -> list[tuple[str, int]]:
    (folder / name).write_text(text, encoding=encoding)
    found = read_colours(folder)
    assert found is not None
    return list(zip(found.names, found.codes, strict=True))


EXPECTED = [("Animal", 0x408040), ("Road marking", 0x800040)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_dict.csv", "name,r,g,b\nAnimal,64,128,64\nRoad marking,128,0,64\n"),
        ("class_dict.csv", "name, r, g, b\r\nAnimal, 64, 128, 64\r\nRoad marking, 128, 0, 64\r\n"),
        ("classes.csv", "Animal,64,128,64\n\nRoad marking,128,0,64"),
        ("classes.csv", "id;blue;Green;RED;Class\n1;64;128;64;Animal\n2;64;0;128;Road marking\n"),
        ("classes.csv", '"name","r","g","b"\n"Animal","64","128","64"\n"Road marking","128","0","64"\n'),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nAnimal:64,128,64::\nRoad marking:128,0,64::\n"),
    ],
)
def test_ways_to_write_it(tmp_path: Path, name: str, text: str):
    assert table(tmp_path, name, text) == EXPECTED


def test_a_table_saved_by_a_spreadsheet_with_a_byte_order_mark(tmp_path: Path):
    assert (
        table(tmp_path, "classes.csv", "name,r,g,b\nAnimal,64,128,64\nRoad marking,128,0,64", encoding="utf-8-sig")
        == EXPECTED
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,r,g,b\nroad,1,2", r"classes\.csv, line 2: '1,2,' is no colour. Expected: a line name,r,g,b"),
        ("road,1,2,256", r"line 1: '1,2,256' is no colour"),
        ("road,1,2,#ff", r"line 1: '1,2,#ff' is no colour"),
        ("a,1,2,3\nb,1,2,4\nc,1,2,3", r"line 3: 'c' has the colour of an earlier class"),
        ("name,r,g,b\n", r"names no class"),
        ("", r"names no class"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str):
    with pytest.raises(DataError, match=message):
        table(tmp_path, "classes.csv", text)


def test_a_table_in_another_encoding(tmp_path: Path):
    with pytest.raises(DataError, match=r"classes\.csv cannot be read.*UTF-8"):
        table(tmp_path, "classes.csv", "дорога,1,2,3", encoding="cp1251")


def test_names(tmp_path: Path):
    assert read_names(tmp_path) is None
    assert read_colours(tmp_path) is None
    (tmp_path / "classes.txt").write_text("background\n traffic light \n\nкот\n", encoding="utf-8")
    found = read_names(tmp_path)
    assert found is not None
    assert found.names == ("background", "traffic light", "кот")
    (tmp_path / "classes.txt").write_text("\n")
    with pytest.raises(DataError, match=r"classes\.txt is empty"):
        read_names(tmp_path)
