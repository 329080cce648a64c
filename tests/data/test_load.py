"""From settings to a checked data set: the words that a person gets for each mistake."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings, Images
from vyvod.data.load import choose_classes, limit, load_dataset
from vyvod.errors import DataError, SettingsError

OWN = """
'''Own squares.'''
import torch
from vyvod.data.contract import Card, Dataset, Sample
TASKS = ("classification",)

class Squares:
    def __init__(self, name, labels):
        self.ids = [f"{name}/{place}" for place in range(len(labels))]
        self.labels = torch.tensor(labels)
    def __len__(self):
        return len(self.ids)
    def __getitem__(self, index):
        return Sample(torch.full((3, 8, 8), index, dtype=torch.uint8), int(self.labels[index]), self.ids[index])
    def fingerprint(self):
        return "squares"

def load(settings, task):
    splits = {name: Squares(name, LABELS) for name in ("train", "val", "test")}
    return CHANGE(Dataset(Card("Squares", "", "", ""), ("a", "b", "c"), splits))
"""


def own(folder: Path, *, labels: str = "[0, 1, 2, 0, 1, 2]", change: str = "") -> DataSettings:
    path = folder / "squares.py"
    path.write_text(OWN.replace("LABELS", labels).replace("CHANGE", change))
    return DataSettings(name=str(path))


def mini(**settings: object) -> Dataset:
    return load_dataset(DataSettings(**settings), "classification")


def test_the_default_needs_nothing():
    dataset = mini()
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 1800, "val": 200, "test": 500}
    for name, per_class in (("train", 180), ("val", 20), ("test", 50)):
        assert torch.bincount(dataset.splits[name].labels).tolist() == [per_class] * 10


def test_val_does_not_depend_on_the_chosen_classes():
    both, pair = mini(), mini(classes=("Bag", "Coat"))
    bags = [
        identity
        for identity, label in zip(both.splits["val"].ids, both.splits["val"].labels, strict=True)
        if label == 8
    ]
    chosen = pair.splits["val"]
    assert [identity for identity, label in zip(chosen.ids, chosen.labels, strict=True) if label == 0] == bags


def test_classes_in_the_order_of_the_settings():
    dataset, whole = mini(classes=("Bag", "Coat")), mini()
    assert dataset.classes == ("Bag", "Coat")
    train = dataset.splits["train"]
    assert isinstance(train, Images)
    assert torch.bincount(train.labels).tolist() == [180, 180]
    place = whole.splits["train"].ids.index(train.ids[5])
    assert whole.classes[whole.splits["train"].labels[place]] == dataset.classes[train.labels[5]]
    assert torch.equal(whole.splits["train"].images[place], train.images[5])


def test_limit_is_stratified_and_seeded():
    dataset = mini(limit=100)
    assert torch.bincount(dataset.splits["train"].labels).tolist() == [10] * 10
    assert dataset.splits["train"].ids == mini(limit=100).splits["train"].ids
    assert dataset.splits["train"].ids != mini(limit=100, split_seed=1).splits["train"].ids
    assert len(mini(limit=5).splits["test"]) == 5


def test_wrong_task():
    with pytest.raises(
        SettingsError, match="data=fashion-mnist-mini has targets for classification, not for detection"
    ):
        load_dataset(DataSettings(), "detection")


def test_unknown_name():
    with pytest.raises(SettingsError, match="Did you mean 'cifar10'"):
        load_dataset(DataSettings(name="cifar-10"), "classification")


def test_unknown_class():
    with pytest.raises(DataError, match=r"names 'Bags', which is none of the 10 classes. Did you mean 'Bag'\?"):
        mini(classes=("Bags", "Coat"))


def test_class_named_twice():
    with pytest.raises(DataError, match="names 'Bag' twice"):
        mini(classes=("Bag", "Coat", "Bag"))


def test_one_class():
    with pytest.raises(DataError, match="only one class, 'Bag'"):
        mini(classes=("Bag",))


def test_one_class_of_masks():
    def nuclei(*classes: str) -> Dataset:
        return load_dataset(DataSettings(name="nuclei", classes=classes), "segmentation")

    with pytest.raises(DataError, match=r"Name background too: data.classes=\[background, nucleus\]\.$"):
        nuclei("nucleus")
    with pytest.raises(DataError, match=r"^data.classes=\[background\]: .* Name another class too\.$"):
        nuclei("background")
    assert nuclei("background", "nucleus").classes == ("background", "nucleus")


def test_own_file(tmp_path: Path):
    dataset = load_dataset(own(tmp_path), "classification")
    assert dataset.splits["train"][4].id == "train/4"


def test_own_file_with_classes_and_limit(tmp_path: Path):
    settings = own(tmp_path).model_copy(update={"classes": ("c", "a"), "limit": 2})
    split = load_dataset(settings, "classification").splits["train"]
    assert split.labels.tolist() == [1, 0] or split.labels.tolist() == [0, 1]
    for index in range(2):
        sample = split[index]
        place = int(sample.id[-1])
        assert sample.target == {0: 1, 2: 0}[place % 3]
        assert int(sample.image[0, 0, 0]) == place
    other = load_dataset(settings.model_copy(update={"limit": None}), "classification").splits["train"]
    assert split.fingerprint() != other.fingerprint() != "squares"


@pytest.mark.parametrize(
    ("labels", "change", "message"),
    [
        ("[0, 1, 2, 3]", "", "has the label 3; with 3 classes labels are 0 to 2"),
        ("[0, 1, -1, 2]", "", "has the label -1"),
        ("[0, 1, 1]", "", "There are no training images of 'c'"),
        ("[]", "", "The train split has no images. Neither have the others"),
        ("[0, 1, 2]", "(lambda made: made.splits.pop('val') and made)", "has no split 'val'"),
        (
            "[0, 1, 2]",
            "(lambda made: made.splits.update(test=made.splits['train']) or made)",
            "The id 'train/0' occurs twice",
        ),
        ("[0, 1, 2]", "(lambda made: delattr(made.splits['val'], 'labels') or made)", "The val split has no labels"),
        (
            "[0, 1, 2]",
            "(lambda made: setattr(made.splits['val'], 'labels', torch.zeros(2)) or made)",
            "3 images and 2 labels",
        ),
        ("[0, 1, 2]", "(lambda made: None)", "returned NoneType; expected a vyvod.data.contract.Dataset"),
    ],
)
def test_own_file_with_mistakes(tmp_path: Path, labels: str, change: str, message: str):
    with pytest.raises(DataError) as caught:
        load_dataset(own(tmp_path, labels=labels, change=change), "classification")
    assert message in str(caught.value)


def test_own_file_without_load(tmp_path: Path):
    (tmp_path / "empty.py").write_text("TASKS = ('classification',)\n")
    with pytest.raises(SettingsError, match="has no function"):
        load_dataset(DataSettings(name=str(tmp_path / "empty.py")), "classification")


def folder_of_classes(root: Path, sizes: dict[str, int]) -> DataSettings:
    for name, number in sizes.items():
        (root / name).mkdir(parents=True)
        for place in range(number):
            Image.fromarray(np.full((8, 8, 3), place, dtype=np.uint8)).save(root / name / f"{place}.png")
    return DataSettings(name="image-folder", root=root)


def test_too_small_to_carve(tmp_path: Path):
    settings = folder_of_classes(tmp_path, {"a": 1, "b": 1})
    with pytest.raises(DataError, match=r"The train split has no images|raise data\.(val|test)_fraction or add images"):
        load_dataset(settings, "classification")


def test_evaluation_needs_only_its_split(tmp_path: Path):
    settings = folder_of_classes(tmp_path, {"test/a": 2, "test/b": 1})
    with pytest.raises(
        DataError, match=r"The train split has no images\. The source has none: it can be evaluated, not trained"
    ):
        load_dataset(settings, "classification")
    dataset = load_dataset(settings, "classification", needed=("test",))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 0, "val": 0, "test": 3}


def test_choose_and_limit_are_pure():
    dataset = mini()
    before = dataset.splits["train"].fingerprint()
    chosen = choose_classes(dataset, ["Coat", "Bag"])
    limit(chosen, 10, seed=0)
    assert dataset.splits["train"].fingerprint() == before
