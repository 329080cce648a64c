"""Pascal VOC's XML: what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from vyvod.data.formats.voc_xml import read_annotation
from vyvod.errors import DataError


def written(folder: Path, objects: str, *, size: str = "<size><width>20</width><height>10</height></size>") -> Path:
    file = folder / "a.xml"
    file.write_text(f"<annotation><filename>a.jpg</filename>{size}{objects}</annotation>")
    return file


def an_object(name: str = "cat", box: tuple[object, ...] = (1, 2, 3, 4), more: str = "") -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    edges = "".join(f"<{corner}>{value}</{corner}>" for corner, value in corners)
    return f"<object><name>{name}</name>{more}<bndbox>{edges}</bndbox></object>"


def test_objects_are_read_as_they_stand(tmp_path: Path):
    objects = an_object() + an_object(" dog ", (1.5, 0, 20, 10), "<difficult>1</difficult>")
    said = read_annotation(written(tmp_path, objects))
    assert (said.image, said.size, said.names, said.difficult) == ("a.jpg", (10, 20), ["cat", "dog"], [False, True])
    assert said.boxes.tolist() == [[1, 2, 3, 4], [1.5, 0, 20, 10]]
    assert said.labels({"dog": 0, "cat": 1}) == [1, 0]


def test_parts_of_a_person_are_no_objects(tmp_path: Path):
    part = "<part><name>head</name><bndbox><xmin>7</xmin><ymin>7</ymin><xmax>8</xmax><ymax>8</ymax></bndbox></part>"
    said = read_annotation(written(tmp_path, an_object("person", more=part)))
    assert (said.names, said.boxes.tolist()) == (["person"], [[1, 2, 3, 4]])


def test_no_objects_and_no_size(tmp_path: Path):
    said = read_annotation(written(tmp_path, "", size="<size><width>0</width><height>0</height></size>"))
    assert (said.size, said.names, said.boxes.shape) == (None, [], (0, 4))


def test_nan_is_left_to_who_checks_boxes(tmp_path: Path):
    assert np.isnan(read_annotation(written(tmp_path, an_object(box=("nan", 2, 3, 4)))).boxes[0, 0])


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><filename>&b;</filename></annotation>"""
FILE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation><filename>&a;</filename></annotation>"""


@pytest.mark.parametrize("text", [BOMB, FILE])
def test_entities_are_refused(tmp_path: Path, text: str):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=r"a\.xml was refused: it declares entities"):
        read_annotation(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<annotation><object>", "is not a whole XML file"),
        ("", "is not a whole XML file"),
        ("<svg></svg>", "begins with <svg> instead of <annotation>"),
        (f"<annotation>{an_object(box=(1, 'x', 3, 4))}</annotation>", "object 1: <ymin> is 'x'"),
        (f"<annotation>{an_object()}<object><name>cat</name></object></annotation>", "object 2: <xmin> is None"),
        (f"<annotation>{an_object('')}</annotation>", "object 1 has no <name>"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, expected: str):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=expected) as caught:
        read_annotation(tmp_path / "a.xml")
    assert "a.xml" in str(caught.value)


def test_missing_file(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        read_annotation(tmp_path / "a.xml")


def test_class_outside_the_list(tmp_path: Path):
    said = read_annotation(written(tmp_path, an_object() + an_object("cow")))
    with pytest.raises(DataError, match=r"a\.xml, object 2: 'cow' is none of the 2 classes \(cat, dog\)"):
        said.labels({"cat": 0, "dog": 1})
