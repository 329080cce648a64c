"""Damaged and unfinished run folders."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from vyvod.errors import RunError
from vyvod.report.reading import read_run


def test_a_folder_without_run_json(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run folder: it holds no run\.json"):
        read_run(tmp_path)


@pytest.mark.parametrize("name", ["run.json", "scores.json", "examples.json"])
def test_json_cut_off(run: Path, name: str) -> None:
    text = (run / name).read_text(encoding="utf-8")
    (run / name).write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(RunError, match=rf"{name} is not readable JSON"):
        read_run(run)


def test_a_key_of_the_wrong_kind_is_named(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["data"]["classes"] = 10
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RunError, match=r"run\.json does not hold .* data\.classes"):
        read_run(run)


def test_a_later_format(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | {"format": 2}), encoding="utf-8")
    with pytest.raises(RunError, match="format"):
        read_run(run)


def test_keys_that_are_new_do_no_harm(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | {"later": {"a": 1}}), encoding="utf-8")
    assert read_run(run).record.name == "fashion-plain"


def test_a_word_among_the_numbers(run: Path) -> None:
    path = run / "metrics.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("750.0", "fast"), encoding="utf-8")
    with pytest.raises(RunError, match="holds 'fast' under 'images_per_second'"):
        read_run(run)


def test_a_table_without_epochs(run: Path) -> None:
    (run / "metrics.csv").write_text("step,val_loss\n1,2\n", encoding="utf-8")
    with pytest.raises(RunError, match="no column 'epoch'"):
        read_run(run)


def test_truncated_arrays(run: Path) -> None:
    path = run / "per_image" / "test.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RunError, match=r"test\.npz cannot be read"):
        read_run(run)


def test_a_pickle_is_not_opened(run: Path) -> None:
    (run / "per_image" / "test.npz").write_bytes(pickle.dumps({"label": 1}))
    with pytest.raises(RunError, match=r"test\.npz cannot be read"):
        read_run(run)


def test_arrays_of_another_run(run: Path) -> None:
    path = run / "per_image" / "test.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **arrays | {"label": arrays["label"] + 5})
    with pytest.raises(RunError, match=r"a class outside of 0\.\.9 under 'label'"):
        read_run(run)
    np.savez(path, label=arrays["label"])
    with pytest.raises(RunError, match="lacks predicted, confidence"):
        read_run(run)


def test_an_image_outside_of_the_run_is_not_shown(run: Path) -> None:
    (run.parent / "secret.png").write_bytes((run / "examples" / "0000.png").read_bytes())
    examples = json.loads((run / "examples.json").read_text(encoding="utf-8"))
    examples[0]["file"] = "../secret.png"
    (run / "examples.json").write_text(json.dumps(examples), encoding="utf-8")
    read = read_run(run)
    assert read.lost_examples == 1
    assert len(read.examples) == len(examples) - 1


def test_scores_of_an_unfinished_run_are_those_of_its_best_epoch(run: Path) -> None:
    (run / "scores.json").unlink()
    for split in ("val", "test"):
        (run / "per_image" / f"{split}.npz").unlink()
    read = read_run(run)
    place = list(read.curves["epoch"]).index(read.record.best_epoch)
    assert read.final_split == "val"
    assert read.scores["val"].overall["f1"] == read.curves["val_f1"][place]
    assert len(read.scores["val"].per_class["f1"]) == 10
    assert "loss" not in read.scores["val"].overall


def test_before_the_first_epoch(run: Path) -> None:
    for name in ("scores.json", "examples.json", "per_class.csv"):
        (run / name).unlink()
    (run / "metrics.csv").write_text("epoch,step,train_loss\n", encoding="utf-8")
    (run / "per_image" / "val.npz").unlink()
    (run / "per_image" / "test.npz").unlink()
    read = read_run(run)
    assert read.curves == {}
    assert read.final_split is None
