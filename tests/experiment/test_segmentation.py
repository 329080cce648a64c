"""A whole segmentation run: its folder, the same bits again, resumed, evaluated, asked; and what a user may do wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.experiment.small import small

from vyvod.data.contract import IGNORE
from vyvod.errors import DataError, SettingsError, TrainingError, UserError
from vyvod.experiment.assembly import trained
from vyvod.experiment.datacheck import check_data
from vyvod.experiment.export import export_onnx
from vyvod.experiment.prediction import predict_files
from vyvod.experiment.reevaluation import reevaluate
from vyvod.experiment.run import resume, train
from vyvod.experiment.settings import Settings, read_settings
from vyvod.tasks.segmentation import from_rows
from vyvod.types import Silence

NUCLEI = ("background", "nucleus")


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


def _small(folder: Path, **changes: Any) -> Settings:
    record = {
        "data": {"name": "nuclei", "limit": None},
        "model": {"name": "unet", "width": 4},
        "training": {"epochs": 2, "batch_size": 3},
        "augmentation": {"crop_size": 64},
    }
    for key, value in changes.items():
        record[key] = {**record.get(key, {}), **value} if isinstance(value, dict) else value
    return small(folder, **record)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(_small(tmp_path_factory.mktemp("nuclei")))


def test_the_folder(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    assert told["task"] == "segmentation"
    assert told["headline"] == "dice"
    assert told["data"]["classes"] == list(NUCLEI)
    pixels = told["data"]["splits"]["test"]["pixels"]
    assert pixels["masks"] == told["data"]["splits"]["test"]["images"] == 4
    assert sum(pixels["counts"]) + pixels["ignored"] == 4 * 128 * 128
    examples = json.loads((run / "examples.json").read_text())
    assert [example["role"] for example in examples].count("worst") >= 1
    for example in examples:
        photo, truth, predicted = (_opened(run / example[name]) for name in ("file", "truth", "predicted"))
        assert photo.size == truth.size == predicted.size
        assert truth.mode == predicted.mode == "P"
        assert set(np.unique(np.asarray(predicted))) <= {0, 1}


def test_scores_follow_from_the_per_image_files(run: Path) -> None:
    told = json.loads((run / "scores.json").read_text())
    for split in ("val", "test"):
        with np.load(run / "per_image" / f"{split}.npz") as file:
            again = from_rows(dict(file), NUCLEI)
        assert told[split]["overall"] == pytest.approx(again.overall)
        with np.load(run / "totals" / f"{split}.npz") as file:
            assert np.array_equal(np.diagonal(file["confusion"]), again.per_image["true_positives"].sum(axis=0))


class Stop(Silence):
    def begin(self, label: str, total: int) -> None:
        if label == "epoch 2/2":
            raise KeyboardInterrupt


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "augmentation": {"mosaic": 0.5, "elastic": 3, "turn": True, "color": 0.2},
        "segmentation": {"loss": "cross-entropy+dice", "class_weights": "balanced", "border_weight": 3},
    }
    quiet = train(_small(tmp_path / "quiet", **changes))
    with pytest.raises(KeyboardInterrupt):
        train(_small(tmp_path / "stopped", **changes, data={"workers": 2, "cache": False}), progress=Stop())
    stopped = resume(tmp_path / "stopped" / quiet.name)
    assert (quiet / "scores.json").read_bytes() == (stopped / "scores.json").read_bytes()
    best = Path("checkpoints/best.safetensors")
    assert (quiet / best).read_bytes() == (stopped / best).read_bytes()


def test_evaluated_again(run: Path) -> None:
    folder = reevaluate(run, split="test")
    again, told = (json.loads((place / "scores.json").read_text())["test"] for place in (folder, run))
    assert again == told


def test_evaluated_again_with_a_crf(run: Path) -> None:
    folder = reevaluate(run, split="val", changes=["segmentation.crf=v2-vgg", "segmentation.boundary_f1=true"])
    again, told = (json.loads((place / "scores.json").read_text())["val"]["overall"] for place in (folder, run))
    assert again["dice"] != told["dice"]
    assert 0 <= again["boundary_f1"] <= 1
    with pytest.raises(
        SettingsError, match="only settings of data and segmentation and detection and reconstruction can"
    ):
        reevaluate(run, split="val", changes=["training.epochs=3"])


def test_two_processes_see_every_image_once(tmp_path: Path) -> None:
    folder = train(_small(tmp_path, training={"epochs": 1, "batch_size": 4, "devices": 2}))
    with np.load(folder / "per_image" / "test.npz") as file:
        assert len(set(file["id"].tolist())) == 4
        assert file["support"].sum() == 4 * 128 * 128


def test_windows_give_nearly_the_same_as_whole_images(run: Path, tmp_path: Path) -> None:
    words = [
        "model.weights=" + str(run), "segmentation.evaluation=sliding", "training.epochs=0", f"folder={tmp_path}",
        "model=unet", "model.width=4", "data=nuclei", "augmentation.crop_size=96", "tracking=[]",
    ]  # fmt: skip
    from vyvod.experiment.run import judge

    folder = judge(read_settings(None, words))
    windows, whole = (json.loads((place / "scores.json").read_text())["test"]["overall"] for place in (folder, run))
    assert windows["dice"] == pytest.approx(whole["dice"], abs=0.05)
    assert windows["dice"] != whole["dice"]


def test_masks_for_a_person(run: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "wide.png"
    photo.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 133, 3), dtype=np.uint8)).save(photo)
    (photo.parent / "broken.png").write_bytes(b"no image")
    found = predict_files(run, photo.parent, output=tmp_path / "answers")
    assert [row["file"] for row in found.rows] == ["broken.png", "wide.png"]
    assert found.rows[0]["error"]
    mask, overlay = (_opened(tmp_path / "answers" / kind / "wide.png") for kind in ("masks", "overlays"))
    assert mask.size == overlay.size == (133, 70)
    assert mask.mode == "P"
    shares = np.bincount(np.asarray(mask).ravel(), minlength=2) / (70 * 133)
    assert found.rows[1]["share/nucleus"] == pytest.approx(shares[1], abs=1e-5)


def test_exported(run: Path, tmp_path: Path) -> None:
    import onnxruntime

    known = trained(run)
    path = tmp_path / "model.onnx"
    export_onnx(
        known.network, path, spec=known.spec, mean=known.normalisation.mean, std=known.normalisation.std,
        classes=known.classes,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = torch.rand(2, known.spec.channels, known.spec.height, known.spec.width)
    (logits,) = session.run(None, {"images": images.numpy()})
    assert logits.shape == (2, 2, known.spec.height, known.spec.width)


def _own(folder: Path, *, size: tuple[int, int] = (40, 48), mask_size: tuple[int, int] | None = None) -> Path:
    random = np.random.default_rng(0)
    for number in range(12):
        mask = np.zeros(mask_size or size, dtype=np.uint8)
        mask[8:20, 8 + number : 24 + number] = 255
        image = random.integers(0, 60, (*size, 3), dtype=np.uint8)
        image[8:20, 8 + number : 24 + number] += 120
        for kind, pixels in (("images", image), ("masks", mask)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / kind / f"{number:02d}.png")
    return folder


def _on_own(folder: Path, root: Path, **changes: Any) -> Settings:
    return _small(folder, data={"name": "mask-folder", "root": str(root), **changes.pop("data", {})}, **changes)


def test_own_masks(tmp_path: Path) -> None:
    said: list[str] = []

    class Listening(Silence):
        def say(self, text: str) -> None:
            said.append(text)

    folder = train(_on_own(tmp_path / "runs", _own(tmp_path / "own")), progress=Listening())
    assert any("255" in line for line in said), "what was detected is told"
    assert json.loads((folder / "run.json").read_text())["data"]["notes"]


def test_image_and_mask_of_different_size(tmp_path: Path) -> None:
    root = _own(tmp_path / "own", mask_size=(30, 30))
    with pytest.raises(DataError, match=r"48 x 40 pixels, its mask .* is 30 x 30"):
        train(_on_own(tmp_path / "runs", root))


def test_a_missing_mask(tmp_path: Path) -> None:
    root = _own(tmp_path / "own")
    (root / "masks" / "07.png").unlink()
    with pytest.raises(DataError, match=r"07\.png.*mask"):
        train(_on_own(tmp_path / "runs", root))


def test_a_value_in_no_table_stops_or_is_left_out(tmp_path: Path) -> None:
    root = _own(tmp_path / "own")
    mask = np.asarray(_opened(root / "masks" / "03.png")).copy()
    mask[0, :3] = (7, 7, 9)
    Image.fromarray(mask).save(root / "masks" / "03.png")
    found, _ = check_data(_on_own(tmp_path / "runs", root))
    assert any("03.png" in finding for finding in found["findings"])


def test_a_class_that_never_occurs_is_told(tmp_path: Path) -> None:
    root = _own(tmp_path / "own")
    for path in (root / "masks").iterdir():
        Image.fromarray((np.asarray(_opened(path)) > 0).astype(np.uint8) * 2).save(path)
    (root / "classes.txt").write_text("background\nghost\nthing\n")
    said: list[str] = []

    class Listening(Silence):
        def say(self, text: str) -> None:
            said.append(text)

    folder = train(_on_own(tmp_path / "runs", root), progress=Listening())
    assert any("ghost" in line and "never" in line.lower() for line in said)
    scores = json.loads((folder / "scores.json").read_text())["test"]
    assert scores["per_class"]["dice"][1] is None or scores["per_class"]["dice"][1] == 0


def test_some_of_the_classes(tmp_path: Path) -> None:
    from vyvod.data.contract import DataSettings
    from vyvod.data.load import load_dataset

    whole = load_dataset(DataSettings(name="nuclei"), "segmentation").splits["test"]
    turned = load_dataset(DataSettings(name="nuclei", classes=("nucleus", "background")), "segmentation")
    assert turned.classes == ("nucleus", "background")
    assert np.array_equal(turned.splits["test"].mask(0), 1 - whole.mask(0))
    limited = load_dataset(DataSettings(name="nuclei", limit=2), "segmentation")
    assert [len(split) for split in limited.splits.values()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["augmentation.crop_size=8"], "8"),
        (["augmentation.mixup=0.2"], "augmentation.mixup is for classification, but model=unet is for segmentation"),
        (["augmentation.rescale=[2, 0.5]"], "0 < smallest <= largest"),
        (["segmentation.loss=dise"], "segmentation.loss='dise': there is no loss 'dise'. Did you mean 'dice'?"),
        (["segmentation.class_weights=[1, 2, 3]"], "has 3 values, and there are 2 classes"),
        (["segmentation.border_weight=10", "segmentation.loss=dice"], "weighs the cross-entropy"),
        (["data.classes=voc"], "offers no choice of classes of that name"),
        (["data=fashion-mnist-mini"], "model=unet is for segmentation, but data=fashion-mnist-mini has targets for"),
    ],
)
def test_mistakes(words: list[str], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        train(read_settings(None, ["data=nuclei", "model=unet", "model.width=4", f"folder={tmp_path}", *words]))
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir()), "nothing is started"


def test_settings_of_another_task() -> None:
    with pytest.raises(SettingsError, match=r"segmentation is for segmentation, but model=plain"):
        read_settings(None, ["segmentation.boundary_f1=true"])


def test_default_batches_suit_the_task() -> None:
    assert read_settings(None, ["model=unet", "data=nuclei"]).training.batch_size == 4
    assert read_settings(None, []).training.batch_size == 128
    assert read_settings(None, ["model=unet", "training.batch_size=3"]).training.batch_size == 3


def test_a_batch_of_one_with_batch_norm_is_explained(tmp_path: Path) -> None:
    network = tmp_path / "pooled.py"
    network.write_text(
        '"""Pools the image to one value, as DeepLabv3 does."""\n'
        "from torch import nn\n"
        "TASKS = ('segmentation',)\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, channels, classes):\n"
        "        super().__init__()\n"
        "        self.head, self.norm = nn.Conv2d(channels, classes, 1), nn.BatchNorm2d(classes)\n"
        "    def forward(self, images):\n"
        "        logits = self.head(images)\n"
        "        return logits + self.norm(logits.mean((2, 3), keepdim=True))\n"
        "def build(options, spec, classes):\n"
        "    return Net(spec.channels, classes)\n"
    )
    settings = _small(tmp_path / "runs", training={"batch_size": 1}).model_dump(mode="json")
    settings["model"] = {"name": str(network)}
    from vyvod.experiment.settings import check

    with pytest.raises(TrainingError, match=r"Batch norm .* training\.batch_size to 2"):
        train(check(settings))


def test_ignored_pixels_are_not_counted(tmp_path: Path) -> None:
    root = _own(tmp_path / "own")
    for path in sorted((root / "masks").iterdir()):
        mask = (np.asarray(_opened(path)) > 0).astype(np.uint8)
        mask[20:] = IGNORE
        Image.fromarray(mask).save(path)
    (root / "classes.txt").write_text("background\nthing\n")
    folder = train(_on_own(tmp_path / "runs", root, training={"epochs": 1}))
    told = json.loads((folder / "run.json").read_text())["data"]["splits"]["test"]
    scores = json.loads((folder / "scores.json").read_text())["test"]["per_class"]
    assert sum(scores["support"]) == told["images"] * 20 * 48
    assert told["pixels"]["ignored"] == told["images"] * 20 * 48
