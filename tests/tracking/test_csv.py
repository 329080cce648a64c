import math
from pathlib import Path

import numpy as np
import pytest

from vyvod.errors import RunError
from vyvod.tracking.csv import read_rows, write_rows


def test_numbers_come_back_with_the_same_bits(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    doubles = generator.integers(0, 2**64, size=2000, dtype=np.uint64).view(np.float64)
    rows = [{"epoch": place, "value": value} for place, value in enumerate(doubles.tolist())]
    write_rows(tmp_path / "metrics.csv", rows)
    back = read_rows(tmp_path / "metrics.csv")
    assert [row["epoch"] for row in back] == list(range(2000))
    assert all(isinstance(row["epoch"], int) for row in back)
    read = np.array([row["value"] for row in back])
    same = (read.view(np.uint64) == doubles.view(np.uint64)) | (np.isnan(read) & np.isnan(doubles))
    assert same.all()


def test_numpy_numbers_are_written_as_numbers(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", [{"a": np.float64(0.1), "b": np.float32(0.5), "c": np.int64(3), "d": math.inf}])
    assert (tmp_path / "a.csv").read_text() == "a,b,c,d\n0.1,0.5,3,inf\n"


def test_columns_are_the_union_in_first_seen_order(tmp_path: Path) -> None:
    rows = [{"epoch": 1, "b": 1.0}, {"epoch": 2, "a": 2.0, "b": None}]
    write_rows(tmp_path / "a.csv", rows)
    assert (tmp_path / "a.csv").read_text() == "epoch,b,a\n1,1.0,\n2,,2.0\n"
    assert read_rows(tmp_path / "a.csv") == [{"epoch": 1, "b": 1.0}, {"epoch": 2, "a": 2.0}]


def test_names_of_classes_stay_text(tmp_path: Path) -> None:
    rows = [
        {"epoch": 1, "split": "val", "class": name, "f1": 0.5}
        for name in ("7", "nan", 'T-shirt, "new"', "вывод", "1e5")
    ]
    write_rows(tmp_path / "per_class.csv", rows)
    assert read_rows(tmp_path / "per_class.csv") == rows


def test_no_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", [])
    assert read_rows(tmp_path / "a.csv") == []


def test_missing_file_is_a_mistake_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"metrics\.csv does not exist"):
        read_rows(tmp_path / "metrics.csv")
