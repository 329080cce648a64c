"""Pretraining from end to end: an autoencoder's run, its report, and a classifier that starts from its encoder."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.experiment.small import small

from vyvod.errors import RunError, SettingsError, WeightsError
from vyvod.experiment.assembly import assemble, trained
from vyvod.experiment.per_task import per_task
from vyvod.experiment.prediction import predict_files
from vyvod.experiment.reevaluation import reevaluate
from vyvod.experiment.run import judge, resume, train
from vyvod.experiment.settings import Settings, check, explained
from vyvod.report.report import write_report
from vyvod.report.settings import ReportSettings
from vyvod.tasks.reconstruction import from_rows
from vyvod.types import Silence

BEST = Path("checkpoints/best.safetensors")


def _small(folder: Path, **changes: Any) -> Settings:
    model = {"name": "autoencoder", "backbone_options": {"width": 8}, "decoder_width": 4}
    return small(folder, **{"model": model, "reconstruction": {"noise": 0.1, "masked": 0.5}, **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(_small(tmp_path_factory.mktemp("autoencoder")))


def test_the_folder(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    assert (told["task"], told["headline"], told["data"]["classes"]) == ("reconstruction", "psnr", [])
    assert told["input"] | {"backbone": "plain", "noise": 0.1, "masked": 0.5, "patch": 4} == told["input"]
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])
    examples = json.loads((run / "examples.json").read_text())
    assert len(examples) == 24
    assert {example["role"] for example in examples} == {"random", "worst", "best", "gallery"}
    worst = max(example["mse"] for example in examples)
    assert next(example for example in examples if example["role"] == "worst")["mse"] == worst
    for example in examples:
        for name in ("file", "input", "output"):
            with Image.open(run / example[name]) as image:
                assert image.size == (28, 28)
    assert len({(run / examples[0][name]).read_bytes() for name in ("file", "input", "output")}) == 3


def test_scores_follow_from_the_per_image_files(run: Path) -> None:
    told = json.loads((run / "scores.json").read_text())
    for split in ("val", "test"):
        with np.load(run / "per_image" / f"{split}.npz") as file:
            again = from_rows(dict(file))
        assert told[split]["overall"] == pytest.approx(again.overall)
        assert len(again.per_image["id"]) == {"val": 200, "test": 300}[split]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_report(run: Path, language: str) -> None:
    text, page = write_report(run, ReportSettings(language=language))
    readme = text.read_text(encoding="utf-8")
    told = json.loads((run / "scores.json").read_text())["test"]["overall"]
    value = f"{told['psnr']:.2f}"
    assert (value if language == "en" else value.replace(".", ",")) in readme
    for expected in ("figures/examples.png", "figures/psnr_images.png", "figures/loss.png", "PSNR", "`plain`", "50"):
        assert expected in readme
    assert ("hidden" if language == "en" else "скрыто") in readme
    assert "None" not in readme
    assert "{" not in readme.split("##", 2)[1]
    assert "<svg" in page.read_text(encoding="utf-8")


class Stop(Silence):
    def begin(self, label: str, total: int) -> None:
        if label == "epoch 2/2":
            raise KeyboardInterrupt


def test_resumed_equals_uninterrupted(tmp_path: Path, run: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(_small(tmp_path), progress=Stop())
    stopped = tmp_path / run.name
    text, _ = write_report(stopped, ReportSettings())
    assert "interrupted" in text.read_text(encoding="utf-8")
    resume(stopped)
    assert (run / "scores.json").read_bytes() == (stopped / "scores.json").read_bytes()
    assert (run / BEST).read_bytes() == (stopped / BEST).read_bytes()
    for split in ("val", "test"):
        with np.load(run / f"per_image/{split}.npz") as ours, np.load(stopped / f"per_image/{split}.npz") as theirs:
            assert all(np.array_equal(ours[name], theirs[name]) for name in ours.files)


def test_a_classifier_starts_from_the_encoder(tmp_path: Path, run: Path) -> None:
    settings = small(tmp_path, model={"name": "plain", "width": 8, "weights": str(run)}, seed=7)
    made = assemble(settings)
    assert made.loaded is not None
    assert made.loaded.sentence() == (
        f"Weights from {run / BEST}: 36 of 38 tensors loaded; newly initialised: head.weight, head.bias "
        "(the weights are the encoder of an autoencoder)."
    )
    theirs = load_file(run / BEST)
    state = made.network.state_dict()
    for name in state.keys() - set(made.loaded.not_loaded):
        assert torch.equal(state[name], theirs[f"encoder.{name}"]), name
    fresh = assemble(small(tmp_path, model={"name": "plain", "width": 8}, seed=7)).network
    assert torch.equal(state["head.weight"], fresh.state_dict()["head.weight"]), "the head is that of the seed"
    record = json.loads((run / "run.json").read_text())
    assert list(made.normalisation.mean) == record["input"]["mean"]


def test_a_frozen_encoder_is_freed_again(tmp_path: Path, run: Path) -> None:
    model = {"name": "plain", "width": 8, "weights": str(run), "freeze": "encoder", "freeze_epochs": 1}
    frozen = train(small(tmp_path / "one", model=model, training={"epochs": 1}))
    encoder, classifier = load_file(run / BEST), load_file(frozen / "checkpoints/last.safetensors")
    assert all(
        torch.equal(part, classifier[name.removeprefix("encoder.")])
        for name, part in encoder.items()
        if name.startswith("encoder.")
    )
    told = json.loads((frozen / "run.json").read_text())
    assert told["model"]["trainable"] == 32 * 10 + 10
    assert told["model"]["weights"]["not_loaded"] == ["head.weight", "head.bias"]
    freed = train(small(tmp_path / "two", model=model, training={"epochs": 2}))
    after = load_file(freed / "checkpoints/last.safetensors")
    assert not torch.equal(after["stages.0.0.weight"], encoder["encoder.stages.0.0.weight"])


def test_from_one_data_set_to_another(tmp_path: Path) -> None:
    first = train(small(tmp_path, model={"name": "plain", "width": 8}, training={"epochs": 1}))
    fewer = {"classes": ["Bag", "Sandal", "Coat"], "limit": 60}
    settings = small(tmp_path, model={"name": "plain", "width": 8, "weights": str(first)}, data=fewer)
    made = assemble(settings)
    assert made.loaded is not None
    assert made.loaded.not_loaded == ("head.weight", "head.bias")
    assert "the weights have 10 classes, the data set 3" in made.loaded.sentence()
    assert torch.equal(made.network.state_dict()["stages.2.3.weight"], load_file(first / BEST)["stages.2.3.weight"])


def test_images_of_other_tasks_will_do(tmp_path: Path, shared_data: Path) -> None:
    model = {"name": "autoencoder", "backbone": "plain", "backbone_options": {"width": 4}, "decoder_width": 4}
    for name in ("nuclei", "nuclei-boxes"):
        data = {"name": name, "image_size": 32, "limit": None}
        made = assemble(small(tmp_path, model=model, data=data, training={"batch_size": 4}))
        assert made.dataset.classes == ()
        assert made.dataset.splits["train"][0].target == 0
        assert made.task.name == "reconstruction"
    done = train(small(tmp_path, model=model, data=data, training={"batch_size": 4, "epochs": 1}))
    assert json.loads((done / "run.json").read_text())["data"]["splits"]["test"]["objects"] is None
    assert (done / "report.html").is_file()


def test_evaluated_again(run: Path) -> None:
    told = json.loads((run / "scores.json").read_text())["test"]
    assert json.loads((reevaluate(run, split="test") / "scores.json").read_text())["test"] == told
    changed = reevaluate(run, split="test", changes=["reconstruction.masked=0.2"])
    assert json.loads((changed / "scores.json").read_text())["test"]["overall"] != told["overall"]


def test_asked_about_images(tmp_path: Path, run: Path) -> None:
    for number, size in enumerate([(28, 28), (60, 40)]):
        Image.new("RGB", size, (200, 30, 90)).save(tmp_path / f"{number}.png")
    found = predict_files(run, tmp_path, output=tmp_path / "out")
    assert list(found.pictures) == ["reconstructions", "comparisons"]
    assert all(row["psnr"] == pytest.approx(-10 * np.log10(row["mse"])) for row in found.rows)
    with Image.open(tmp_path / "out/reconstructions/1.png") as drawn:
        assert drawn.size == (28, 28)
    clean = predict_files(
        run, tmp_path, output=tmp_path / "clean", changes=["reconstruction.noise=0", "reconstruction.masked=0"]
    )
    assert clean.rows[0]["mse"] != found.rows[0]["mse"]


def test_as_onnx(tmp_path: Path, run: Path) -> None:
    known = trained(run)
    sentences = per_task("reconstruction").export(known, tmp_path / "model.onnx")
    assert "output `reconstructions` (N, 1, 28, 28) in 0..1" in sentences[0]
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (drawn,) = session.run(["reconstructions"], {"images": images.numpy()})
    mean, std = known.normalisation.mean[0], known.normalisation.std[0]
    with torch.inference_mode():
        expected = (known.network((images - mean) / std) * std + mean).clamp(0, 1)
    assert np.allclose(drawn, expected.numpy(), atol=1e-4)


def test_what_a_user_may_do_wrong(tmp_path: Path, run: Path) -> None:
    with pytest.raises(WeightsError, match="lack the head of the network"):
        judge(small(tmp_path, model={"name": "plain", "width": 8, "weights": str(run)}))
    with pytest.raises(WeightsError, match=r"\(model.backbone=plain width=8\) is of another network"):
        assemble(small(tmp_path, model={"name": "plain", "width": 16, "weights": str(run)}))
    with pytest.raises(
        SettingsError, match="reconstruction is for reconstruction, but model=plain is for classification"
    ):
        small(tmp_path, reconstruction={"noise": 0.2})
    with pytest.raises(SettingsError, match=r"augmentation.mixup is for classification, but model=autoencoder"):
        _small(tmp_path, augmentation={"mixup": 0.2})
    with pytest.raises(SettingsError, match=r"reconstruction.masked=1: .*less than 1"):
        _small(tmp_path, reconstruction={"masked": 1})
    with pytest.raises(SettingsError, match=r"model.backbone=yolo3: yolo3 cannot be an encoder"):
        _small(tmp_path, model={"name": "autoencoder", "backbone": "yolo3"})
    broken = run.parent / "broken"
    (broken / "per_image").mkdir(parents=True)
    (broken / "run.json").write_bytes((run / "run.json").read_bytes())
    np.savez(broken / "per_image/test.npz", id=np.array(["a"]))
    with pytest.raises(RunError, match=r"test.npz lacks mse"):
        write_report(broken, ReportSettings())


def test_its_settings_are_shown_with_their_meaning() -> None:
    text = explained(check({"model": {"name": "autoencoder"}}))
    assert "masked: 0.0  # Share of the patches that are hidden" in text
    assert "backbone: plain  #" in text
    assert "mixup" not in text
