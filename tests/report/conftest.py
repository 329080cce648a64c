"""Run folders as a training leaves them, with made-up networks: the report reads files only."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from vyvod.metrics.classification import calibration_error, confusion_matrix, overall, per_class

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
ALIKE = {0: (6, 3), 2: (4, 6), 4: (2, 6), 6: (0, 2, 4, 3), 5: (7, 9), 7: (9, 5), 9: (7,), 3: (0, 6)}
HOSTILE = (
    "<script>alert('class')</script>",
    "a | b",
    "`backtick`",
    "*star* _under_ [link](https://example.invalid/x)",
    "$x^2$ & \\alpha",
    "# heading",
    "Größenmaßstäbe der Äpfel über Öfen",
    "Щётка стоматологическая ультразвуковая",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    '"><img src=https://example.invalid/p.png onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "  spaces  around ",
    "_hidden",
    "1. list",
    "日本語",
)
Make = Callable[..., Path]


def hundred_names() -> tuple[str, ...]:
    return (*HOSTILE, *(f"class {number:03d}" for number in range(len(HOSTILE), 100)))


def answers(rng: np.random.Generator, labels: np.ndarray, classes: int, skill: float) -> np.ndarray:
    """``(N, K)`` probabilities of a network that errs now and then, mostly among classes that look alike."""
    logits = rng.normal(0, 1, (len(labels), classes))
    for row, label in enumerate(labels):
        logits[row, label] += skill
        for other in ALIKE.get(int(label), ()) if classes == 10 else ((label + 1) % classes,):
            logits[row, other] += rng.exponential(1.6)
    odds = np.exp(1.4 * (logits - logits.max(axis=1, keepdims=True)))
    return odds / odds.sum(axis=1, keepdims=True)


def per_image(labels: np.ndarray, odds: np.ndarray, split: str) -> dict[str, np.ndarray]:
    rows = np.arange(len(labels))
    true = odds[rows, labels].astype(np.float32)
    return {
        "id": np.array([f"{split}/{row:05d}" for row in rows]),
        "label": labels.astype(np.int64),
        "predicted": odds.argmax(axis=1).astype(np.int64),
        "confidence": odds.max(axis=1).astype(np.float32),
        "probability": true,
        "in_top5": (np.argsort(-odds, axis=1)[:, :5] == labels[:, None]).any(axis=1),
        "loss": -np.log(np.maximum(true, 1e-9)),
    }


def scores(rows: dict[str, np.ndarray], classes: int) -> dict[str, Any]:
    confusion = confusion_matrix(rows["label"], rows["predicted"], classes)
    right = rows["label"] == rows["predicted"]
    values = overall(confusion) | {
        "top5": float(rows["in_top5"].mean()),
        "calibration_error": calibration_error(rows["confidence"].astype(np.float64), right),
        "loss": float(rows["loss"].mean()),
    }
    return {
        "overall": known(values),
        "per_class": {name: known(column) for name, column in per_class(confusion).items()},
    }


def known(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: None if np.isnan(value) else value for name, value in values.items()}
    return [None if np.isnan(value) else float(value) for value in values]


def curves(epochs: int) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        share = epoch / max(epochs, 2)
        train, val = 2.1 * np.exp(-2.2 * share) + 0.05, 1.9 * np.exp(-2.6 * share) + 0.28 + 0.35 * max(0, share - 0.6)
        f1 = 0.89 - 0.6 * np.exp(-4.5 * share) - 0.04 * max(0, share - 0.75) + 0.006 * np.sin(5 * epoch)
        rows.append(
            {
                "epoch": epoch,
                "step": 29 * epoch,
                "train_loss": train,
                "train_loss/cross_entropy": train,
                "val_loss": val,
                "val_f1": f1,
                "val_accuracy": f1 + 0.004,
                "val_precision": f1 + 0.011 * (1 - share),
                "val_recall": f1 - 0.006,
                "val_calibration_error": 0.05,
                "learning_rate": 0.05 * (1 + np.cos(np.pi * share)),
                "seconds": 2.4,
                "images_per_second": 750.0,
            }
        )
    return rows


def examples(folder: Path, rows: dict[str, np.ndarray], odds: np.ndarray, names: tuple[str, ...], images: Any) -> None:
    rng = np.random.default_rng(1)
    order = np.argsort(rows["probability"])
    chosen = [("worst", place) for place in order[:3]] + [("best", place) for place in order[-2:]]
    rest = [place for place in rng.permutation(len(order)) if place not in {place for _, place in chosen}]
    chosen += [("random", place) for place in rest[:5]] + [("gallery", place) for place in rest[5:45]]
    record = []
    (folder / "examples").mkdir()
    for number, (role, place) in enumerate(chosen):
        label, predicted = int(rows["label"][place]), int(rows["predicted"][place])
        Image.fromarray(images[place]).save(folder / "examples" / f"{number:04d}.png")
        record.append(
            {
                "file": f"examples/{number:04d}.png",
                "id": str(rows["id"][place]),
                "truth": names[label],
                "predicted": names[predicted],
                "confidence": float(rows["confidence"][place]),
                "top": [[names[best], float(odds[place, best])] for best in np.argsort(-odds[place])[:5]],
                "right": label == predicted,
                "role": role,
            }
        )
    (folder / "examples.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def run_record(names: tuple[str, ...], counts: dict[str, list[int]], epochs: int) -> dict[str, Any]:
    splits = {
        split: {"images": sum(sizes), "counts": sizes, "fingerprint": f"{place}a5c3f09d1b2e47{place}"}
        for place, (split, sizes) in enumerate(counts.items())
    }
    splits["train"]["origin"] = {"source": "train", "carved": True, "share": 0.9, "seed": 0}
    splits["val"]["origin"] = {"source": "train", "carved": True, "share": 0.1, "seed": 0}
    splits["test"]["origin"] = {"source": "test", "carved": False, "share": 1.0, "seed": None}
    return {
        "format": 1,
        "name": "fashion-plain",
        "task": "classification",
        "status": "finished",
        "error": None,
        "seed": 0,
        "command": "vyvod train data=fashion-mnist-mini model=plain training.epochs=12",
        "started": "2026-11-23T19:53:32+00:00",
        "ended": "2026-11-23T19:54:11+00:00",
        "data": {
            "name": "fashion-mnist-mini",
            "title": "Fashion-MNIST (mini)",
            "homepage": "https://github.com/zalandoresearch/fashion-mnist",
            "licence": "MIT",
            "citation": "Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, arXiv:1708.07747",
            "classes": list(names),
            "channels": 1,
            "native_size": [28, 28],
            "splits": splits,
            "audit": {
                "images": 2500,
                "near_checked": False,
                "unreadable": [],
                "modes": {"L": 2500},
                "exif_rotated": 0,
                "odd_formats": [],
                "duplicates": [],
                "smallest_class": {"name": "Bag", "images": 250},
                "largest_class": {"name": "Bag", "images": 250},
                "imbalance": 1.0,
                "findings": [],
            },
            "skipped": [],
        },
        "input": {"channels": 1, "height": 28, "width": 28, "mean": [0.286], "std": [0.353], "resized": False},
        "model": {
            "name": "plain",
            "title": "Our own small convolutional network",
            "parameters": 94410,
            "trainable": 94410,
            "macs": 12345678,
            "head": ["head"],
            "weights": None,
        },
        "headline": "f1",
        "best_epoch": None,
        "epochs": epochs,
        "timings": {
            "training_seconds": 28.8,
            "evaluation_seconds": 0.62,
            "seconds_per_epoch": 2.4,
            "images_per_second": 750.2,
            "peak_memory_bytes": 712345678,
        },
        "hardware": {
            "device": "cpu",
            "name": "AMD EPYC",
            "cores": 2,
            "memory_bytes": 25 * 2**30,
            "devices": 1,
            "precision": "32-true",
        },
        "versions": {"python": "3.11.2", "vyvod": "0.1.0", "torch": "2.15.0", "numpy": "2.4.6"},
        "git": {"commit": "4b3fa8b2d0c1e5f7", "dirty": False},
        "history": [{"event": "started", "time": "2026-11-23T19:53:32+00:00", "epoch": 0}],
    }


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def make_run(
    folder: Path,
    *,
    names: tuple[str, ...] = FASHION,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    epochs: int = 12,
    skill: float = 4.2,
) -> Path:
    """A finished run of a classifier; without images, of coloured noise."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    count = len(names)
    if labels is None:
        labels = rng.integers(0, count, 30 * count)
    if images is None:
        images = rng.integers(0, 255, (len(labels), 32, 32, 3), dtype=np.uint8)
    test_odds = answers(rng, labels, count, skill)
    test = per_image(labels, test_odds, "test")
    val_labels = np.arange(20 * count) % count
    val = per_image(val_labels, answers(rng, val_labels, count, skill), "val")
    train = [180] * count if count == 10 else [int(400 / (1 + 0.05 * place)) for place in range(count)]
    counts = {"train": train} | {
        split: np.bincount(rows["label"], minlength=count).tolist() for split, rows in (("val", val), ("test", test))
    }
    record = run_record(names, counts, epochs)
    (folder / "per_image").mkdir()
    for split, rows in (("val", val), ("test", test)):
        np.savez_compressed(folder / "per_image" / f"{split}.npz", **rows)
    both = {"val": scores(val, count), "test": scores(test, count)}
    (folder / "scores.json").write_text(json.dumps(both), encoding="utf-8")
    if epochs:
        history = curves(epochs)
        record["best_epoch"] = int(max(history, key=lambda row: row["val_f1"])["epoch"])
        write_rows(folder / "metrics.csv", history)
        table = both["val"]["per_class"]
        columns = [name for name in table if name != "support"]
        write_rows(
            folder / "per_class.csv",
            [
                {"epoch": epoch, "split": "val", "class": name, "support": table["support"][place]}
                | {column: table[column][place] for column in columns}
                for epoch in range(1, epochs + 1)
                for place, name in enumerate(names)
            ],
        )
    examples(folder, test, test_odds, names, images)
    settings = {"data": {"name": "fashion-mnist-mini"}, "model": {"name": "plain"}, "training": {"epochs": epochs}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "requirements.txt").write_text("numpy==2.4.6\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return folder


def change(folder: Path, **changes: Any) -> None:
    """Overwrite keys of run.json."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(record | changes, ensure_ascii=False), encoding="utf-8")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A run over real images; not to be changed."""
    with np.load(shared_data / "embedded" / "classification_fashion" / "fashion_mnist_2500.npz") as stored:
        images, labels = stored["x_test"], stored["y_test"].astype(np.int64)
    return make_run(tmp_path_factory.mktemp("runs") / "fashion-plain", images=images, labels=labels)


@pytest.fixture(scope="session")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with 100 classes whose names are awkward; not to be changed."""
    return make_run(tmp_path_factory.mktemp("runs") / "hundred", names=hundred_names(), skill=3.6)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A small run that a test may damage."""
    return make_run(tmp_path / "small", epochs=3)


@pytest.fixture
def copied(tmp_path: Path) -> Make:
    """A copy of a run folder under another roof."""
    return lambda source, name="copy": Path(shutil.copytree(source, tmp_path / name))


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A run of a segmentation over street scenes, 11 classes; not to be changed."""
    from tests.report import masks

    folder, pictures = tmp_path_factory.mktemp("runs") / "scenes", masks.camvid(shared_data, 12)
    return masks.make_segmentation_run(folder, pictures, masks.CAMVID, palette=masks.CAMVID_COLOURS)


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A run over tiny images with a background, and without colours in its record; not to be changed."""
    from tests.report import masks

    folder = tmp_path_factory.mktemp("runs") / "cells"
    return masks.make_segmentation_run(folder, masks.nuclei(shared_data), ("background", "nucleus"), palette=None)


@pytest.fixture(scope="session")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with 40 classes, of which two never occur; some names are awkward; not to be changed."""
    from tests.report import masks

    names = ("background", *HOSTILE, *(f"class {number}" for number in range(1 + len(HOSTILE), 40)))
    folder, palette = (
        tmp_path_factory.mktemp("runs") / "forty",
        [(6 * number, 255 - number, 128) for number in range(40)],
    )
    return masks.make_segmentation_run(folder, masks.patchwork(40, 14), names, palette=palette)


@pytest.fixture
def masked(tmp_path: Path) -> Path:
    """A small run of a segmentation that a test may damage."""
    from tests.report import masks

    names = ("background", "cell", "wall", "never", "nowhere")
    return masks.make_segmentation_run(tmp_path / "masked", masks.patchwork(5, 5, 32), names, palette=None, epochs=3)


@pytest.fixture(scope="session")
def blood(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A run of a detector over blood cells, 3 classes; not to be changed."""
    from tests.report import detections

    pictures = detections.xml_pictures(shared_data / "bccd" / "BCCD", detections.BCCD, 12)
    return detections.make_detection_run(tmp_path_factory.mktemp("runs") / "blood", pictures, detections.BCCD)


@pytest.fixture(scope="session")
def coco(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A run with 80 classes, some of them awkward and some without objects, and with crowds; not to be changed."""
    from tests.report import detections

    pictures, names = detections.coco_pictures(shared_data, 12)
    return detections.make_detection_run(tmp_path_factory.mktemp("runs") / "coco", pictures, names)


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A run with one class and with masks; not to be changed."""
    from tests.report import detections

    pictures = detections.xml_pictures(shared_data / "embedded" / "detection_trees" / "val", detections.TREES, 6)
    parts = ("loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg", "loss_mask")
    folder = tmp_path_factory.mktemp("runs") / "trees"
    return detections.make_detection_run(folder, pictures, detections.TREES, masks=True, parts=parts)


@pytest.fixture
def boxed(tmp_path: Path) -> Path:
    """A small run of a detector that a test may damage; its last class never occurs."""
    from tests.report import detections

    return detections.make_detection_run(
        tmp_path / "boxed", detections.squares(5, 4), ("cell", "wall", "door", "never"), epochs=3
    )
