"""The command line: quick answers without torch, and a sentence with exit code 2 for every mistake."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from vyvod.cli import app


def _vyvod(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _mistake(*words: object) -> str:
    result = _vyvod(*words)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr.strip()


@pytest.mark.parametrize(
    "words", [["--help"], ["list", "data"], ["list", "models"], ["list", "metrics"], ["--version"]]
)
def test_quick_commands_load_no_torch(words: list[str]) -> None:
    code = (
        f"import sys; from vyvod.cli import app; sys.argv[1:] = {words}\n"
        "try: app()\nfinally: assert 'torch' not in sys.modules"
    )
    began = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert time.perf_counter() - began < 5, "this is a bound for a loaded machine; docs/speed.md has what was measured"


def test_every_offer_is_listed() -> None:
    data, models = _vyvod("list", "data").output, _vyvod("list", "models").output
    for name in (
        "fashion-mnist-mini",
        "fashion-mnist",
        "cifar10",
        "cifar100",
        "flowers102",
        "imagenet",
        "image-folder",
    ):
        assert f"\n{name} " in data
    for name in ("alexnet", "vgg", "resnet", "efficientnet", "plain", "timm/<name>"):
        assert f"\n{name} " in models


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "training.epoch=3"], "Did you mean 'training.epochs'?"),
        (["train", "model=resnest"], "There is no architecture 'resnest'. Did you mean 'resnet'? `vyvod list models`"),
        (["train", "data=cifar"], "There is no data set 'cifar'. Did you mean 'cifar10"),
        (["train", "model.depht=50", "model=resnet"], "Did you mean 'model.depth'?"),
        (["train", "model=resnet", "model.depth=19"], "model.depth=19"),
        (["train", "none.yaml"], "none.yaml does not exist"),
        (["train", "training.epochs="], "training.epochs has no value"),
        (["train", "data.root=5"], "data.root=5: "),
        (["train", "model=./none.py"], "does not exist"),
        (["train", "--training.epochs"], "has no value"),
        (["train", "data=cifar10"], "data.root"),
        (["train", "training.device=mps"], "torch finds no such device"),
        (["train", "--resume", "nowhere"], "nowhere does not exist"),
        (["train", "--resume", ".", "training.lr=1"], "A resumed run keeps its settings"),
        (["evaluate"], "There is nothing to evaluate"),
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate", "model.weights=nowhere.pth"], "nowhere.pth"),
        (["predict", "nowhere", "a.png"], "nowhere does not exist"),
        (["report", "nowhere"], "nowhere does not exist"),
        (["export", "."], "is not a run folder"),
        (["list", "model"], "Did you mean 'models'?"),
        (["data", "check", "data=fashion-mnst"], "Did you mean 'fashion-mnist"),
    ],
)
def test_mistakes(words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in _mistake(*words)
    assert not (tmp_path / "runs").exists(), "nothing is started"


def test_a_wrong_split(finished_run: Path) -> None:
    assert "split=tets: expected train, val or test" in _mistake("evaluate", finished_run, "split=tets")


def test_dashes_are_taken_for_what_they_mean(tmp_path: Path) -> None:
    result = _vyvod("settings", "--training.epochs", "7", "--model=plain", "--seed=3")
    assert result.exit_code == 0, result.output
    assert "  epochs: 7  #" in result.output
    assert "seed: 3  #" in result.output


def test_evaluate_a_run_again(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    result = _vyvod("evaluate", run, "split=test")
    assert result.exit_code == 0, result.output
    again = json.loads((run / "evaluations" / "fashion-mnist-mini-test" / "scores.json").read_text())
    assert again["test"] == json.loads((run / "scores.json").read_text())["test"]
    with np.load(run / "evaluations" / "fashion-mnist-mini-test" / "per_image" / "test.npz") as file:
        assert len(file["id"]) == 300
    train = _vyvod("evaluate", run, "split=train")
    assert train.exit_code == 0, train.output
    seen = json.loads((run / "evaluations" / "fashion-mnist-mini-train" / "scores.json").read_text())["train"]
    assert sum(seen["per_class"]["support"]) == 300, "no image of the train split is left out"


def test_evaluate_other_classes(finished_run: Path) -> None:
    text = _mistake("evaluate", finished_run, "data.classes=[Bag, Coat, Dress]")
    assert "The run knows 10 classes, and the data set has 3" in text
    assert "only settings of data and segmentation and detection and reconstruction can" in _mistake(
        "evaluate", finished_run, "training.epochs=3"
    )


def test_predict(finished_run: Path, tmp_path: Path) -> None:
    images = tmp_path / "bilder Übung"
    images.mkdir()
    for number in range(3):
        Image.fromarray(np.full((40, 30, 3), number * 90, dtype=np.uint8)).save(images / f"{number}.jpg")
    (images / "broken.png").write_bytes(b"\x89PNG nothing")
    result = _vyvod("predict", finished_run, images, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "out" / "predictions.csv").read_text().splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("file,predicted,confidence")
    assert "broken.png" in lines[4]
    assert "cannot be decoded" in lines[4]
    assert len(list((tmp_path / "out" / "images").iterdir())) == 3
    assert "cannot be decoded" in _mistake("predict", finished_run, images / "broken.png")
    (tmp_path / "empty").mkdir()
    assert "There are no images" in _mistake("predict", finished_run, tmp_path / "empty")


def test_report_again_in_russian(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / "README.md").unlink()
    result = _vyvod("report", run, "report.language=ru")
    assert result.exit_code == 0, result.output
    assert "эпох" in (run / "README.md").read_text()
    assert "only settings of report can" in _mistake("report", run, "seed=3")


def test_data_check(tmp_path: Path) -> None:
    result = _vyvod("data", "check", "data=fashion-mnist-mini", f"folder={tmp_path}")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "data-checks" / "fashion-mnist-mini.json").read_text())
    assert told["images"] == 2500


def test_find_lr(tmp_path: Path) -> None:
    result = _vyvod("find-lr", "data=fashion-mnist-mini", "model=plain", "training.batch_size=32", f"folder={tmp_path}")
    assert result.exit_code == 0, result.output
    proposed = float(result.output.split("training.learning_rate=")[1].split()[0])
    assert 1e-5 < proposed < 0.3
    assert next((tmp_path / "learning-rates").glob("*.png")).stat().st_size > 10_000


def test_export(finished_run: Path, tmp_path: Path) -> None:
    result = _vyvod("export", finished_run, "--output", tmp_path / "net.onnx")
    assert result.exit_code == 0, result.output
    assert "Checked with onnxruntime" in result.output


def test_a_folder_that_cannot_be_written() -> None:
    text = _mistake("train", "folder=/proc/vyvod", "data.limit=50", "training.batch_size=10", "training.epochs=1")
    assert "cannot be made" in text
    assert "folder=DIR" in text


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    text = _mistake(
        "train", f"folder={tmp_path / 'runs'}", "data.limit=50", "training.batch_size=10", "training.epochs=1"
    )
    assert "is a file" in text


def test_doctor() -> None:
    result = _vyvod("doctor")
    assert result.exit_code == 0, result.output
    assert "torch" in result.output


def test_schema() -> None:
    assert "training" in json.loads(_vyvod("settings", "--schema").output)["properties"]


@pytest.mark.parametrize(("size", "code", "told"), [
    (20, 0, "19 of the images are left out of each epoch"),
    (500, 2, "One step takes 500 images"),
])  # fmt: skip
def test_images_that_fill_no_step_are_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, code: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["data=trees", "model=yolo5", "data.image_size=64", "training.epochs=1", f"training.batch_size={size}"]
    result = _vyvod("train", *words)
    assert result.exit_code == code, result.output
    text = " ".join(result.output.split())
    assert told in text
    assert ("left out of each epoch" in text) == (code == 0)
