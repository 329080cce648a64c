"""Settings: YAML, words, and errors that name every problem and the nearest key."""

import json
import re
from pathlib import Path

import pytest
import yaml

from vyvod.errors import SettingsError
from vyvod.experiment import settings as subject
from vyvod.experiment.settings import check, read_settings


def test_words_change_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("data: cifar10\nmodel: {name: resnet, depth: 34}\ntraining: {epochs: 3, learning_rate: 1e-3}\n")
    words = ["training.epochs=5", "tracking=[tensorboard,wandb]", "data.root=~/x", "training.weight_decay=1e-4"]
    settings = read_settings(file, words)
    assert (settings.data.name, settings.model.name, settings.training.epochs) == ("cifar10", "resnet", 5)
    assert settings.model.model_extra == {"depth": 34}
    assert settings.training.learning_rate == 0.001
    assert settings.training.weight_decay == 0.0001
    assert settings.tracking == ("tensorboard", "wandb")


def test_another_architecture_drops_the_options_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("model: {name: resnet, depth: 34, weights: imagenet}\n")
    assert read_settings(file, ["model=vgg"]).model.model_extra == {}
    assert read_settings(file, ["model=vgg"]).model.weights == "imagenet"
    assert read_settings(file, ["model=resnet"]).model.model_extra == {"depth": 34}


def test_written_settings_read_back_the_same(tmp_path: Path) -> None:
    from vyvod.files import write_yaml

    settings = read_settings(
        None, ["data=cifar10", "model=resnet", "model.depth=50", "data.mean=[0.5]", "data.std=[0.5]"]
    )
    write_yaml(tmp_path / "settings.yaml", subject.as_record(settings))
    assert read_settings(tmp_path / "settings.yaml") == settings


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["training.epoch=3"], "There is no setting 'training.epoch'. Did you mean 'training.epochs'?"),
        (["epochs=3"], "There is no setting 'epochs'. Did you mean 'training.epochs'?"),
        (["lr=3"], "There is no setting 'lr'."),
        (["training.epochs=many"], "training.epochs='many': expected a valid integer"),
        (["training.epochs=-1"], "training.epochs=-1: expected greater than or equal to 0"),
        (["training.optimizer=adam"], "training.optimizer='adam': expected 'adamw' or 'sgd'"),
        (["training"], "'training' is neither a YAML file nor a setting"),
        (["seed.a=1", "seed=2", "seed.b=3"], "'seed.b' cannot be set: 'seed' is 2"),
        (["data.mean=[0.5]"], "data.mean and data.std belong together"),
        (["data.std=[0]", "data.mean=[0]"], "standard deviations are above 0"),
        (["training.batch_size=5", "training.devices=2"], "is not a multiple of the 2 processes"),
        (["training.warmup_epochs=10"], "is not shorter than training.epochs=10"),
        (["augmentation.scale=[0.9, 0.1]"], "0 < smallest <= largest <= 1"),
        (["model.freeze_epochs=2"], "nothing is frozen"),
    ],
)
def test_mistakes(words: list[str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(None, words)
    assert says in str(caught.value)


def test_all_problems_in_one_message() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(
            None, ["training.epoch=3", "training.batch_size=0", "report.language=de", "data=cifr10", "model.widht=3"]
        )
    text = str(caught.value)
    assert text.startswith("5 problems in the settings:")
    parts = ("training.epoch", "training.batch_size=0", "report.language='de'", "'cifar10'", "'model.width'")
    assert all(part in text for part in parts)


def test_all_contradictions_in_one_message() -> None:
    with pytest.raises(SettingsError, match="2 problems"):
        check({"training": {"warmup_epochs": 20, "step_epochs": [3]}})


def test_every_setting_has_a_meaning_and_is_in_the_schema() -> None:
    schema = json.loads(subject.schema())
    for definition in [schema, *schema["$defs"].values()]:
        for key, value in definition["properties"].items():
            assert value.get("description"), key


def test_explained_settings_are_yaml_that_reads_back(tmp_path: Path) -> None:
    settings = read_settings(None, ["model=resnet", "training.epochs=7"])
    text = subject.explained(settings)
    (tmp_path / "all.yaml").write_text(text)
    again = read_settings(tmp_path / "all.yaml")
    assert again.training == settings.training
    assert "depth: 18  # " in text
    assert all(" # " in line for line in text.splitlines())


def test_recipes_of_the_documentation_are_settings(repository: Path) -> None:
    page = (repository / "docs" / "segmentation.md").read_text(encoding="utf-8")
    recipes = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(recipes) == 3
    for recipe in recipes:
        check(yaml.safe_load(recipe))


def test_examples_are_settings(repository: Path) -> None:
    files = sorted((repository / "examples").glob("*.yaml"))
    assert len(files) >= 3
    for file in files:
        read_settings(file)
