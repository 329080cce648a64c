"""From one format of boxes to another and back: nothing changes."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from typer.testing import CliRunner

from vyvod.cli import app
from vyvod.data.contract import Dataset, DataSettings, OutlinedSplit
from vyvod.data.load import load_dataset
from vyvod.experiment.dataconvert import convert_data
from vyvod.experiment.settings import Settings


def load(**settings: object) -> Dataset:
    return load_dataset(DataSettings(**settings), "detection", needed=())


def check_same(before: Dataset, after: Dataset, *, crowds: bool, areas: bool) -> None:
    assert after.classes == before.classes
    assert not any(origin.carved for origin in after.origins.values())
    for name, split in before.splits.items():
        other = {Path(identity).stem: place for place, identity in enumerate(after.splits[name].ids)}
        assert len(other) == len(split)
        for place, identity in enumerate(split.ids):
            old, new = split[place], after.splits[name][other[Path(identity).stem]]
            assert torch.equal(old.image, new.image)
            kept = torch.ones(len(old.target["labels"]), dtype=torch.bool) if crowds else ~old.target["crowd"]
            for key in ("boxes", "labels", "crowd", *(["areas"] if areas else [])):
                assert torch.equal(old.target[key][kept], new.target[key])


@pytest.mark.parametrize("to", ["coco", "voc", "yolo"])
def test_voc_goes_there_and_back(shared_data: Path, tmp_path: Path, to: str):
    words = [
        "data",
        "convert",
        "data=voc",
        f"data.root={shared_data / 'voc2012_100'}",
        f"to={to}",
        f"output={tmp_path / to}",
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"40 images with {97 if to == 'yolo' else 117} objects: {tmp_path / to}")
    assert ("20 objects that do not count were left out" in result.output) == (to == "yolo")
    before = load(name="voc", root=shared_data / "voc2012_100")
    after = load(name="box-folder", root=tmp_path / to)
    check_same(before, after, crowds=to != "yolo", areas=True)


def test_coco_keeps_areas_crowds_and_outlines(shared_data: Path, tmp_path: Path):
    before = load(name="coco", root=shared_data / "coco_mini")
    settings = Settings(data=DataSettings(name="coco", root=shared_data / "coco_mini"))
    written = convert_data(settings, to="coco", output=tmp_path / "new")
    assert (written.images, written.left_out) == (80, 0)
    after = load(name="box-folder", root=tmp_path / "new")
    check_same(before, after, crowds=True, areas=True)
    for name, split in before.splits.items():
        new = after.splits[name]
        assert isinstance(split, OutlinedSplit)
        assert isinstance(new, OutlinedSplit)
        places = {Path(identity).stem: place for place, identity in enumerate(new.ids)}
        for place, identity in enumerate(split.ids):
            assert split.outlines(place) == new.outlines(places[Path(identity).stem])


@pytest.mark.parametrize("to", ["voc", "yolo"])
def test_fractions_of_pixels_survive(shared_data: Path, tmp_path: Path, to: str):
    settings = Settings(data=DataSettings(name="coco", root=shared_data / "coco_mini"))
    convert_data(settings, to=to, output=tmp_path / to)
    before, after = load(name="coco", root=shared_data / "coco_mini"), load(name="box-folder", root=tmp_path / to)
    check_same(before, after, crowds=to != "yolo", areas=False)


def test_other_programs_find_what_they_expect(tmp_path: Path):
    for to in ("coco", "voc", "yolo"):
        convert_data(Settings(data=DataSettings(name="trees")), to=to, output=tmp_path / to)
    record = json.loads((tmp_path / "coco" / "annotations" / "instances_test.json").read_text())
    assert record["categories"] == [{"id": 1, "name": "tree"}]
    assert (tmp_path / "coco" / "test" / record["images"][0]["file_name"]).is_file()
    assert len((tmp_path / "voc" / "ImageSets" / "Main" / "test.txt").read_text().split()) == 14
    assert "<xmin>95</xmin>" in (tmp_path / "voc" / "Annotations" / "2019_YELL_2_5280_crop2_06.xml").read_text()
    data = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert data == {"train": "images/train", "val": "images/val", "test": "images/test", "names": {0: "tree"}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Name the format and a new folder"),
        (["to=coco"], "Name the format and a new folder"),
        (["to=yoolo", "output=new"], "to=yoolo: there is no such format. Did you mean 'yolo'?"),
        (["to=coco", "output=."], ". is not empty. Name a new folder"),
        (["data=fashion-mnist-mini", "to=coco", "output=new"], "has targets for classification, not for detection"),
    ],
)
def test_wrong_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "something").touch()
    result = CliRunner().invoke(app, ["data", "convert", "data=trees", *words])
    assert result.exit_code == 2
    assert expected in result.output


def test_check_of_a_data_set_with_boxes(shared_data: Path, tmp_path: Path):
    words = ["data=box-folder", f"data.root={shared_data / 'bccd' / 'BCCD'}", f"folder={tmp_path}"]
    result = CliRunner().invoke(app, ["data", "check", *words])
    assert result.exit_code == 0, result.output
    assert (
        "- 2 boxes without width or height, or with swapped corners, dropped; the first image is JPEGImages/"
        in result.output
    )
    assert "- The classes are unequal: 'RBC' has 3348 objects, 'Platelets' has 292." in result.output
    record = json.loads((tmp_path / "data-checks" / "box-folder.json").read_text())
    assert record["boxes"]["objects"]["val"]["counts"]
