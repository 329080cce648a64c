"""The examples of CONTRIBUTING.md do what the page says."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from vyvod import catalog
from vyvod.data.contract import Dataset, DataSettings
from vyvod.data.load import load_dataset
from vyvod.errors import DataError
from vyvod.experiment.run import train
from vyvod.experiment.settings import read_settings
from vyvod.models import build
from vyvod.models.contract import ModelSettings
from vyvod.types import SPLITS, InputSpec


@pytest.fixture
def examples(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page; the test is in it, as a user would be."""
    page = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dataset(examples: Path) -> Dataset:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 200)
    images = generator.integers(0, 128, (200, 12, 12)) + 127 * labels[:, None, None]
    np.savez(examples / "images.npz", images=images.astype(np.uint8), labels=labels)
    return load_dataset(DataSettings(name="./my_data.py", root=examples), "classification")


def test_both_are_found_with_title_and_task(examples: Path) -> None:
    network, images = catalog.find_architecture("./my_net.py"), catalog.find_dataset("./my_data.py")
    assert network.tasks == images.tasks == ("classification",)
    assert network.title == "My network: two convolutions and a linear layer."
    assert images.title == "My images: grey squares in one NumPy file."


def test_data_set(dataset: Dataset) -> None:
    assert [len(dataset.splits[name]) for name in SPLITS] == [160, 20, 20]
    assert (dataset.classes, dataset.channels, dataset.native_size) == (("dark", "bright"), 1, (12, 12))
    assert all(dataset.origins[name].carved for name in SPLITS)


def test_data_set_without_its_file(examples: Path) -> None:
    with pytest.raises(DataError, match=r"images\.npz is missing"):
        load_dataset(DataSettings(name="./my_data.py", root=examples), "classification")


def test_network_learns_the_images(dataset: Dataset) -> None:
    torch.manual_seed(0)
    architecture = build.resolve(ModelSettings.model_validate({"name": "./my_net.py", "width": 8}))
    sample = dataset.splits["train"][0]
    spec = build.fit_input(architecture, InputSpec(1, *sample.image.shape[1:]))
    network = build.build(architecture, spec, len(dataset.classes))
    assert architecture.head == ("head",)
    assert network.body[0].out_channels == 8

    images = torch.stack([dataset.splits["train"][place].image / 255 for place in range(160)])
    labels = dataset.splits["train"].labels
    optimizer = torch.optim.Adam(network.parameters(), lr=0.03)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network(images).argmax(1) == labels).float().mean() == 1


def test_both_train_together(dataset: Dataset, examples: Path) -> None:
    words = [
        "model=./my_net.py",
        "data=./my_data.py",
        f"data.root={examples}",
        "training.epochs=8",
        "training.batch_size=16",
    ]
    folder = train(
        read_settings(None, [*words, "tracking=[]", "training.learning_rate=0.01", "augmentation.crop=none"])
    )
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert scores["test"]["overall"]["accuracy"] >= 0.9
