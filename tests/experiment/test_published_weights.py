"""Weights that others have trained prove the evaluation: all 10 000 test images, a number that was measured elsewhere."""

import json
import tarfile
from pathlib import Path

import pytest

from vyvod.errors import WeightsError
from vyvod.experiment.run import judge
from vyvod.experiment.settings import read_settings


@pytest.fixture(scope="module")
def cifar10_test(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar10")
    with tarfile.open(shared_data / "cifar10_jpg" / "cifar10_jpg_full.tar.xz") as archive:
        members = [member for member in archive if "/test/" in member.name]
        for member in members:
            if (content := archive.extractfile(member)) is not None:
                (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / member.name).write_bytes(content.read())
    return folder / "cifar10"


def _words(weights: Path, images: Path, folder: Path) -> list[str]:
    return [
        "model=resnet", "model.depth=20", f"model.weights={weights}", "data=image-folder", f"data.root={images}",
        f"folder={folder}", "tracking=[]", "data.audit=false",
    ]  # fmt: skip


def test_resnet20_on_cifar10(shared_data: Path, cifar10_test: Path, tmp_path: Path) -> None:
    weights = shared_data / "weights" / "cifar10_resnet" / "resnet20-12fca82f.th"
    folder = judge(read_settings(None, _words(weights, cifar10_test, tmp_path)))
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert list(scores) == ["test"], "there are no train images to carve val from"
    assert sum(scores["test"]["per_class"]["support"]) == 10_000
    # Measured independently: 81.0 %; ImageNet's mean and standard deviation are the defaults for class folders.
    assert scores["test"]["overall"]["accuracy"] == pytest.approx(0.810, abs=0.0005)


def test_weights_for_other_classes(shared_data: Path, cifar10_test: Path, tmp_path: Path) -> None:
    weights = shared_data / "weights" / "cifar10_resnet" / "resnet20-12fca82f.th"
    words = [*_words(weights, cifar10_test, tmp_path), "data.classes=[cat,dog,ship]", "data.limit=30"]
    with pytest.raises(WeightsError, match=r"10 classes.*3"):
        judge(read_settings(None, words))
