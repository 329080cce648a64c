"""A whole detection run: its folder, the same bits again, resumed, evaluated, asked, exported; and what a user may do wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tests.experiment.small import small

from vyvod.errors import DataError, SettingsError, UserError
from vyvod.experiment.assembly import assemble, trained
from vyvod.experiment.detection import detected, settle
from vyvod.experiment.detector_export import export_detector
from vyvod.experiment.prediction import predict_files
from vyvod.experiment.reevaluation import reevaluate
from vyvod.experiment.run import judge, resume, train
from vyvod.experiment.settings import Settings, check, read_settings
from vyvod.tasks.detection import Detection, from_rows
from vyvod.types import Silence

BEST = Path("checkpoints/best.safetensors")


def _small(folder: Path, **changes: Any) -> Settings:
    record = {
        "data": {"name": "nuclei-boxes", "limit": None, "image_size": 96},
        "model": {"name": "yolo5"},
        "training": {"epochs": 2, "batch_size": 3, "learning_rate": 2e-3},
    }
    for key, value in changes.items():
        record[key] = {**record.get(key, {}), **value} if isinstance(value, dict) else value
    return small(folder, **record)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(_small(tmp_path_factory.mktemp("boxes")))


def _scores(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "scores.json").read_text())


def test_the_folder(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    assert told["task"] == "detection"
    assert told["headline"] == "map"
    assert told["input"]["resize"] == "letterbox"
    assert (told["input"]["height"], told["input"]["confidence"]) == (96, 0.25)
    objects = told["data"]["splits"]["test"]["objects"]
    assert objects["images"] == [4]
    assert sum(objects["counts"]) > 20
    examples = json.loads((run / "examples.json").read_text())
    assert len(examples) == 4
    for example in examples:
        with Image.open(run / example["file"]) as photo:
            assert [photo.height, photo.width] == example["size"]
        assert sum(len(one["truth"]) for one in examples) == sum(objects["counts"]) + objects["crowd"]
    header = (run / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"train_loss/box", "train_loss/objectness", "val_loss", "val_map", "val_map50", "val_f1"} <= set(header)
    assert (run / "report.html").is_file()


def test_scores_follow_from_the_per_image_files(run: Path) -> None:
    told = _scores(run)
    best = told["val"]["overall"]["best_f1_confidence"]
    for split in ("val", "test"):
        with np.load(run / "per_image" / f"{split}.npz") as file:
            again = from_rows(dict(file), ("nucleus",), confidence=0.25, best_confidence=best)
        known = {name: value for name, value in again.overall.items() if np.isfinite(value)}
        assert {name: value for name, value in told[split]["overall"].items() if value is not None} == pytest.approx(
            known
        )


def test_pycocotools_finds_the_same_map_in_the_run_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = COCO(str(run / "per_image" / "test_truth.json"))
    evaluation = COCOeval(truth, truth.loadRes(str(run / "per_image" / "test_detections.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    capsys.readouterr()
    assert _scores(run)["test"]["overall"]["map"] == pytest.approx(evaluation.stats[0], abs=1e-3)


def test_test_takes_the_confidence_that_val_chose(run: Path) -> None:
    told = _scores(run)
    assert told["test"]["overall"]["best_f1_confidence"] == told["val"]["overall"]["best_f1_confidence"]
    assert told["val"]["overall"]["f1_at_best_f1"] >= told["val"]["overall"]["f1"]


class Stop(Silence):
    def begin(self, label: str, total: int) -> None:
        if label == "epoch 2/2":
            raise KeyboardInterrupt


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "augmentation": {"mosaic": 0.7, "mosaic_mixup": 0.5, "rotate": 10, "turn": True, "multi_scale": 0.4},
        "training": {"ema": 0.9},
    }
    quiet = train(_small(tmp_path / "quiet", **changes))
    with pytest.raises(KeyboardInterrupt):
        train(_small(tmp_path / "stopped", **changes, data={"workers": 2, "cache": False}), progress=Stop())
    stopped = resume(tmp_path / "stopped" / quiet.name)
    assert (quiet / "scores.json").read_bytes() == (stopped / "scores.json").read_bytes()
    assert (quiet / BEST).read_bytes() == (stopped / BEST).read_bytes()


def test_evaluated_again(run: Path) -> None:
    again, told = _scores(reevaluate(run, split="test"))["test"], _scores(run)["test"]
    assert again == told
    other = _scores(reevaluate(run, split="test", changes=["detection.confidence=0.01"]))["test"]["overall"]
    assert other["map"] == told["overall"]["map"]
    assert other["recall"] > told["overall"]["recall"]


def test_two_processes_see_every_image_once(tmp_path: Path) -> None:
    folder = train(_small(tmp_path, training={"epochs": 1, "batch_size": 4, "devices": 2}))
    with np.load(folder / "per_image" / "test.npz") as file:
        assert len(set(file["id"].tolist())) == 4
        assert set(file["truth_image"].tolist()) == {0, 1, 2, 3}


def test_weights_are_judged_without_training(run: Path, tmp_path: Path) -> None:
    record = {"name": "yolo5", "weights": str(run / BEST)}
    folder = judge(_small(tmp_path, model=record))
    assert _scores(folder)["test"] == _scores(run)["test"]


def test_predictions_of_images(run: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (50, 70), "grey").save(photos / "plain.png")
    (photos / "broken.png").write_bytes(b"no image")
    with Image.open(run / "examples" / "0001.png") as photo:
        photo.save(photos / "cells.png")
    found = predict_files(run, photos, output=tmp_path / "out", changes=["detection.confidence=0.002"])
    rows = {row["file"]: row for row in found.rows}
    assert "cannot be decoded" in rows["broken.png"]["error"]
    assert rows["cells.png"]["objects"] == rows["cells.png"]["count/nucleus"] > 0
    with Image.open(tmp_path / "out" / "pictures" / "cells.png") as drawn:
        assert drawn.size == (128, 128)
    table = (tmp_path / "out" / "objects.csv").read_text().splitlines()
    assert table[0] == "file,class,score,left,top,right,bottom"
    entries = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert {entry["image_id"] for entry in entries} <= {2, 3}
    assert all(len(entry["bbox"]) == 4 and entry["category_id"] == 1 for entry in entries)
    assert not (run / "predictions").exists()


def test_predictions_of_a_video(run: Path, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="videos need the extra `video`")
    source = tmp_path / "cells.avi"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter_fourcc(*"MJPG"), 10, (128, 96))
    with Image.open(run / "examples" / "0001.png") as photo:
        frame = np.asarray(photo.convert("RGB"))[:96]
    for number in range(4):
        writer.write(np.ascontiguousarray(np.roll(frame, 10 * number, axis=1)[:, :, ::-1]))
    writer.release()
    found = predict_files(run, source, output=tmp_path / "out", changes=["detection.confidence=0.002"])
    assert [row["file"] for row in found.rows] == [f"cells.avi#{number:06d}" for number in range(4)]
    video = cv2.VideoCapture(str(tmp_path / "out" / "cells.mp4"))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 4
    assert video.get(cv2.CAP_PROP_FPS) == 10
    there, first = video.read()
    assert there
    assert first.shape == (96, 128, 3)
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match="cannot be read as a video"):
        predict_files(run, tmp_path / "no.mp4")


def test_the_onnx_file_finds_the_same(run: Path, tmp_path: Path) -> None:
    known = trained(run)
    sentences = export_detector(known, tmp_path / "cells.onnx")
    assert "labels count from 0" in " ".join(sentences).lower()
    session = onnxruntime.InferenceSession(str(tmp_path / "cells.onnx"))
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["nucleus"]
    with Image.open(run / "examples" / "0001.png") as photo:
        pixels = torch.from_numpy(np.array(photo.convert("RGB").resize((96, 96)))).permute(2, 0, 1)
    ours = detected(known, pixels)
    image, label, score, box = session.run(None, {"images": (pixels[None].float() / 255).numpy()})
    apart = np.abs(ours.boxes[:, None] - box[None].clip(0, 96)).max(axis=2) + np.abs(ours.scores[:, None] - score[None])
    # Hardly trained, its scores are nearly equal: which of two boxes is suppressed hangs on the last bit.
    assert np.median(apart.min(axis=1)) < 1e-3
    assert np.mean(apart.min(axis=1) < 0.05) > 0.85
    assert set(image.tolist()) == set(label.tolist()) == {0}


def test_anchors_are_fitted_where_the_published_ones_are_not(tmp_path: Path) -> None:
    assembly = assemble(_small(tmp_path, data={"image_size": 32}))
    published = assemble(_small(tmp_path, data={"image_size": 32}, model={"anchors": "published"}))
    assert published.adapted is None
    assert assembly.adapted is not None
    fitted, usual = (one.network.anchors_in_pixels() for one in (assembly, published))
    assert fitted.mean() < usual.mean() / 4, "nuclei at 32 pixels are a few pixels wide"
    again = assemble(_small(tmp_path, data={"image_size": 32}))
    assert torch.equal(again.network.anchors_in_pixels(), fitted)


@pytest.mark.parametrize("model", [{"name": "yolo3", "size": "tiny"}, {"name": "yolo4", "size": "tiny"}])
def test_the_other_yolos_train_too(tmp_path: Path, model: dict[str, Any]) -> None:
    folder = train(_small(tmp_path, model=model, training={"epochs": 1}))
    assert np.isfinite(_scores(folder)["test"]["overall"]["loss"])


def test_an_rcnn_trains_too(tmp_path: Path) -> None:
    model = {"name": "faster-rcnn", "backbone": "mobilenet-320", "min_size": 96, "max_size": 96}
    folder = train(_small(tmp_path, model=model, training={"epochs": 1, "batch_size": 2}))
    told = json.loads((folder / "run.json").read_text())
    assert told["input"]["resize"] == "letterbox"
    header = (folder / "metrics.csv").read_text().splitlines()[0]
    assert "train_loss/loss_rpn_box_reg" in header
    assert np.isfinite(_scores(folder)["val"]["overall"]["loss"])


OWN = '''
"""One box in the middle, for each image."""
import torch
from torch import nn

TASKS = ("detection",)

class Middle(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(classes))

    def forward(self, images, targets=None):
        if self.training:
            return {"nothing": (self.logit ** 2).sum()}
        return [self._middle(image) for image in images]

    def _middle(self, image):
        height, width = image.shape[-2:]
        box = torch.tensor([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]])
        return {"boxes": box, "labels": torch.ones(1, dtype=torch.int64), "scores": self.logit[:1].detach().sigmoid()}

def build(options, spec, classes):
    return Middle(classes)
'''


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "middle.py").write_text(OWN)
    folder = train(_small(tmp_path / "runs", model={"name": str(tmp_path / "middle.py")}))
    with np.load(folder / "per_image" / "test.npz") as file:
        assert file["found_box"].tolist() == [[32, 32, 96, 96]] * 4


def test_settle_leaves_val_alone() -> None:
    assert settle({}, Detection((), None, None)) == {}


def test_settings_that_do_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"augmentation.mixup is for classification, but model=yolo5 is for detection"
    ):
        _small(tmp_path, augmentation={"mixup": 0.2})
    with pytest.raises(SettingsError, match=r"detection is for detection, but model=plain is for classification"):
        check({"detection": {"confidence": 0.5}})
    with pytest.raises(SettingsError, match=r"augmentation.hsv=\[2.0, 0.7, 0.4\]: expected three shares"):
        _small(tmp_path, augmentation={"hsv": [2.0, 0.7, 0.4]})
    with pytest.raises(SettingsError, match=r"detection.confidence=0.0: .*greater than 0"):
        _small(tmp_path, detection={"confidence": 0.0})


def test_defaults_of_the_architecture_hold_until_something_is_said() -> None:
    settings = read_settings(None, ["data=trees", "model=yolo5"])
    assert settings.augmentation.mosaic == 1.0
    assert settings.training.ema is not None
    assert read_settings(None, ["data=trees", "model=yolo5", "augmentation.mosaic=0"]).augmentation.mosaic == 0
    assert read_settings(None, ["data=trees", "model=faster-rcnn"]).augmentation.mosaic == 0


def test_masks_need_outlines(tmp_path: Path) -> None:
    settings = _small(
        tmp_path, data={"name": "trees", "image_size": None, "limit": 4},
        model={"name": "mask-rcnn", "min_size": 64, "max_size": 64}, training={"epochs": 1, "batch_size": 2},
    )  # fmt: skip
    with pytest.raises(UserError, match=r"learns masks, and the objects of this data set have boxes only"):
        train(settings)
