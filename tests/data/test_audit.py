"""The audit finds what was hidden in the data, and nothing else."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn

from vyvod.data.audit import audit
from vyvod.data.contract import Card, Dataset, DataSettings, Images
from vyvod.data.duplicates import near_pairs, perceptual_hashes
from vyvod.data.load import load_dataset

CARD = Card("Made up", "", "", "")


def noise(number: int, seed: int = 0, side: int = 28) -> torch.Tensor:
    """Smooth random pictures: noise of 7 x 7 cells enlarged."""
    cells = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (number, 1, 7, 7)))
    return torch.nn.functional.interpolate(cells.float(), (side, side), mode="bicubic").clamp(0, 255).to(torch.uint8)


def in_memory(train: torch.Tensor, test: torch.Tensor, *, train_labels: list[int], test_labels: list[int]) -> Dataset:
    splits = {
        name: Images(
            images, torch.tensor(labels, dtype=torch.int64), [f"{name}/{place}" for place in range(len(images))]
        )
        for name, images, labels in (
            ("train", train, train_labels),
            ("val", noise(4, seed=9), [0, 1, 0, 1]),
            ("test", test, test_labels),
        )
    }
    return Dataset(CARD, ("a", "b"), splits, native_size=(28, 28), channels=1)


def test_clean_images():
    found = audit(in_memory(noise(20), noise(10, seed=1), train_labels=[0, 1] * 10, test_labels=[0, 1] * 5))
    assert found.summary() == {
        "images": 34,
        "near_checked": True,
        "unreadable": [],
        "modes": {"L": 34},
        "exif_rotated": 0,
        "odd_formats": [],
        "duplicates": [],
        "smallest_class": {"name": "a", "images": 17},
        "largest_class": {"name": "a", "images": 17},
        "imbalance": 1.0,
        "findings": [],
    }


@pytest.fixture
def leaking() -> Dataset:
    train, test = noise(20), noise(10, seed=1)
    test[3] = train[5]  # the same label
    test[4] = train[5]
    test[6] = (train[8].float() * 0.9 + 10).round().to(torch.uint8)  # another label
    train[19] = train[0]
    return in_memory(train, test, train_labels=[0] * 18 + [1, 1], test_labels=[0, 0, 0, 0, 0, 0, 1, 1, 1, 1])


def test_duplicates_are_counted_by_hand(leaking: Dataset):
    across, within, within_test = audit(leaking).summary()["duplicates"]
    assert across == {
        "splits": ["train", "test"],
        "exact": 2,
        "near": 1,
        "label_conflicts": 1,
        "examples": [["train/5", "test/3"], ["train/5", "test/4"], ["train/8", "test/6"]],
    }
    assert within["splits"] == ["train", "train"]
    assert (within["exact"], within["near"], within["label_conflicts"]) == (1, 0, 1)
    # test/4 is a twin of test/3 too.
    assert (within_test["splits"], within_test["exact"], within_test["label_conflicts"]) == (["test", "test"], 1, 0)


@pytest.fixture
def all_duplicates(leaking: Dataset) -> list[tuple[tuple[str, str], int, int]]:
    return [(pair.splits, pair.exact, pair.near) for pair in audit(leaking, near=False).duplicates]


def test_exact_only(all_duplicates: list[tuple[tuple[str, str], int, int]]):
    assert all_duplicates == [(("train", "test"), 2, 0), (("train", "train"), 1, 0), (("test", "test"), 1, 0)]


def test_findings_are_sentences_worst_first(leaking: Dataset):
    findings = audit(leaking).findings
    assert findings[0] == (
        "2 exact copies and 1 near copy of train in test, such as test/3 of train/5: test is not independent of train."
    )
    assert "2 duplicates with another label" in findings[1]
    assert all(finding.endswith(".") for finding in findings)


def test_unequal_classes():
    found = audit(in_memory(noise(20), noise(10, seed=1), train_labels=[0] * 19 + [1], test_labels=[0] * 10))
    assert (found.smallest_class.name, found.smallest_class.images, found.imbalance) == ("b", 3, 10.333)
    assert found.findings == ("The classes are unequal: 'a' has 31 images, 'b' has 3.",)


def test_flat_and_dark_images_do_not_all_collide():
    flat = torch.arange(60, dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 28, 28)
    dark = noise(60, seed=3) // 24  # values 0 to 10
    found = audit(in_memory(flat, dark, train_labels=[0, 1] * 30, test_labels=[0, 1] * 30))
    assert found.duplicates == ()


def test_equal_flat_images_are_exact_duplicates():
    found = audit(
        in_memory(torch.zeros(50, 1, 28, 28, dtype=torch.uint8), noise(2), train_labels=[0] * 50, test_labels=[0, 1])
    )
    assert [(pair.exact, pair.near, len(pair.examples)) for pair in found.duplicates] == [(49, 0, 10)]


def test_hash_against_scipy():
    thumbnails = noise(50, side=32)[:, 0].numpy()
    for thumbnail, value in zip(thumbnails, perceptual_hashes(thumbnails), strict=True):
        low = dctn(thumbnail.astype(float), norm="ortho")[1:9, 1:9].ravel()
        bits = np.unpackbits(np.array([value]).view(np.uint8))
        assert (bits == (low > np.median(low))).all()


def test_no_thumbnails():
    assert near_pairs(np.empty((0, 32, 32), dtype=np.uint8)).shape == (0, 2)
    assert near_pairs(np.zeros((3, 32, 32), dtype=np.uint8)).shape == (0, 2)


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[Image.Image]:
    paths = sorted((shared_data / "imagenet_sample" / "val").rglob("*.JPEG"))
    return [Image.open(path).convert("RGB") for path in paths]


def thumbnail(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX))


def recompressed(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=20)
    return Image.open(buffer)


@pytest.mark.parametrize(
    "change",
    [recompressed, lambda image: image.resize((image.width // 2, image.height // 2)), lambda image: image.convert("L")],
    ids=["recompressed", "halved", "grey"],
)
def test_changed_photos_are_found_again(photos: list[Image.Image], change: object):
    thumbnails = np.stack([thumbnail(image) for image in photos] + [thumbnail(change(image)) for image in photos])
    pairs = {tuple(pair) for pair in near_pairs(thumbnails).tolist()}
    true = {(place, place + len(photos)) for place in range(len(photos))}
    assert pairs <= true
    assert len(pairs) >= len(true) - 2


def test_fashion_mnist_in_full(shared_data: Path):
    settings = DataSettings(name="fashion-mnist", root=shared_data / "fashion_mnist")
    found = audit(load_dataset(settings, "classification"))
    assert (found.images, found.modes) == (70000, {"L": 70000})
    assert sum(pair.exact for pair in found.duplicates) == 0
    # Of 2.4 billion pairs; those that remain were looked at, most of them show one garment.
    assert 50 < sum(pair.near for pair in found.duplicates) < 250
    assert sum(pair.label_conflicts for pair in found.duplicates) == 0


def test_planted_copies_are_found():
    splits = load_dataset(DataSettings(), "classification").splits
    train, test = splits["train"], splits["test"]
    assert isinstance(train, Images)
    assert isinstance(test, Images)
    images = torch.cat([train.images, test.images])
    assert len(near_pairs(shrunk(images))) <= 2
    copies = train.images[:200].float() + torch.randn(200, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 4
    images[1800:2000] = copies.clamp(0, 255).to(torch.uint8)
    found = {tuple(pair) for pair in near_pairs(shrunk(images)).tolist()}
    assert len(found & {(place, 1800 + place) for place in range(200)}) >= 190


def shrunk(images: torch.Tensor) -> np.ndarray:
    smaller = torch.nn.functional.interpolate(images.float(), (32, 32), mode="bilinear", antialias=True)
    return smaller[:, 0].round().to(torch.uint8).numpy()


def picture(seed: int, size: tuple[int, int] = (80, 60)) -> Image.Image:
    return Image.fromarray(noise(3, seed=seed, side=80)[:, 0].permute(1, 2, 0).numpy()).resize(size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, start in (("a", 0), ("b", 100)):
        for split, number in (("train", 12), ("val", 3), ("test", 3)):
            (tmp_path / split / label).mkdir(parents=True)
            for place in range(number):
                picture(start + place + {"train": 0, "val": 20, "test": 40}[split]).save(
                    tmp_path / split / label / f"{place}.jpg"
                )
    return tmp_path


def plant(folder: Path) -> None:
    train = folder / "train" / "a"
    picture(300).convert("L").save(train / "grey.jpg")
    picture(301).convert("CMYK").save(train / "cmyk.jpg")
    picture(302).convert("P").save(train / "palette.png")
    Image.fromarray(np.asarray(picture(303).convert("L")).astype(np.uint16) * 257).save(train / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(304).save(train / "rotated.jpg", exif=exif)
    picture(305).save(train / "moved.gif")
    (train / "moved.gif").rename(train / "gif.jpg")
    picture(306, size=(5, 5)).save(train / "tiny.png")
    whole = (train / "0.jpg").read_bytes()
    (train / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (train / "text.jpg").write_text("404 not found")
    (folder / "test" / "b" / "leak.jpg").write_bytes(whole)
    picture(1).save(folder / "val" / "a" / "again.jpg", quality=50)


def look(folder: Path, *, near: bool) -> dict[str, object]:
    dataset = load_dataset(DataSettings(name="image-folder", root=folder), "classification")
    return audit(dataset, near=near).summary()


def test_clean_folder(folder: Path):
    assert look(folder, near=True)["findings"] == []


def test_everything_that_was_planted_is_found(folder: Path):
    plant(folder)
    found = look(folder, near=True)
    assert json.loads(json.dumps(found)) == found
    assert found["images"] == 36 + 11
    assert {problem["id"] for problem in found["unreadable"]} == {"train/a/half.jpg", "train/a/text.jpg"}
    assert str(folder) not in json.dumps(found)
    assert found["modes"] == {"RGB": 40, "P": 2, "L": 1, "CMYK": 1, "I;16": 1}
    assert found["exif_rotated"] == 1
    assert {problem["id"]: problem["problem"] for problem in found["odd_formats"]} == {
        "train/a/gif.jpg": "its name says .jpg, its content is GIF",
        "train/a/tiny.png": "its shorter side has only 5 pixels, usual are 60",
    }
    assert [(pair["splits"], pair["exact"], pair["near"], pair["label_conflicts"]) for pair in found["duplicates"]] == [
        (["train", "test"], 1, 0, 1),
        (["train", "val"], 0, 1, 0),
    ]
    assert found["findings"][0].startswith("2 images cannot be read; the first is train/a/half.jpg: ")
    assert "1 exact copy of train in test, such as test/b/leak.jpg of train/a/0.jpg" in found["findings"][1]
    text = " ".join(found["findings"])
    assert all(word in text for word in ("CMYK", "palette", "16-bit", "grey image among", "EXIF"))


def test_without_near_files_are_only_opened(folder: Path):
    plant(folder)
    found = look(folder, near=False)
    # A file whose header is whole is decoded only when it is used.
    assert {problem["id"] for problem in found["unreadable"]} == {"train/a/text.jpg"}
    assert [(pair["splits"], pair["exact"], pair["near"]) for pair in found["duplicates"]] == [
        (["train", "test"], 1, 0)
    ]
    assert not found["near_checked"]


def test_gif_among_photos(folder: Path):
    picture(7).save(folder / "train" / "b" / "sorry.gif")
    assert look(folder, near=False)["odd_formats"] == [
        {"id": "train/b/sorry.gif", "problem": "a GIF among JPEG images, often a placeholder"}
    ]


def test_workers_see_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch):
    plant(folder)
    alone = look(folder, near=True)
    monkeypatch.setattr("vyvod.data.audit._MANY_FILES", 1)
    monkeypatch.setattr("vyvod.data.audit.default_workers", lambda settings, processes: 2)
    assert look(folder, near=True) == alone
