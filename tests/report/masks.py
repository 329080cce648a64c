"""Run folders as the training of a segmentation leaves them: real masks, spoilt to be what a network says."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from tests.report.conftest import known, run_record, write_rows

from vyvod.metrics.segmentation import dice_images, overall, per_class

CAMVID = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign symbol", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
CAMVID_COLOURS = (
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
    (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
)  # fmt: skip
IGNORED = 255
Picture = tuple[np.ndarray, np.ndarray]
"""``(H, W, 3)`` uint8 photo, ``(H, W)`` uint8 classes."""


def camvid(shared_data: Path, count: int) -> list[Picture]:
    """Street scenes of 360 x 480 pixels."""
    folder = shared_data / "camvid" / "CamVid"
    pictures = []
    for path in sorted((folder / "val").glob("*.png"))[:count]:
        mask = np.asarray(Image.open(folder / "valannot" / path.name)).copy()
        mask[mask >= len(CAMVID)] = IGNORED
        pictures.append((np.asarray(Image.open(path).convert("RGB")), mask))
    return pictures


def nuclei(shared_data: Path) -> list[Picture]:
    """Microscopy tiles of 128 x 128 pixels, background and nucleus."""
    folder = shared_data / "embedded" / "segmentation_nuclei"
    pictures = []
    for path in sorted(folder.glob("*/images/*.png")):
        mask = np.asarray(Image.open(path.parents[1] / "masks" / path.name)) > 0
        pictures.append((np.asarray(Image.open(path).convert("RGB")), mask.astype(np.uint8)))
    return pictures


def patchwork(classes: int, count: int, side: int = 64) -> list[Picture]:
    """Squares of eight pixels a side; the last two classes never occur, and the lower edge does not count."""
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(count):
        odds = 1 / np.arange(1, classes - 1) ** 0.7
        tiles = rng.choice(classes - 2, (side // 8, side // 8), p=odds / odds.sum())
        mask = tiles.repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)
        shade = (mask.astype(np.int64) * 37 % 256)[..., None] + rng.integers(0, 40, (side, side, 3))
        mask[-4:] = IGNORED
        pictures.append((np.clip(shade, 0, 255).astype(np.uint8), mask))
    return pictures


def spoilt(truth: np.ndarray, classes: int, rng: np.random.Generator, *, skill: float) -> np.ndarray:
    """What a network of that skill (0..1) says: moved a little, thin parts lost, patches of another class."""
    step = rng.integers(-3, 4, 2) if skill < 1 else (0, 0)
    answer = np.roll(truth, tuple(step), axis=(0, 1)).copy()
    answer[answer == IGNORED] = truth[truth != IGNORED][0] if (truth != IGNORED).any() else 0
    height, width = truth.shape
    for _ in range(int(14 * (1 - skill) * rng.uniform(0.3, 2.2))):
        top, left = int(rng.integers(0, height - 8)), int(rng.integers(0, width - 8))
        patch = answer[top : top + height // 8, left : left + width // 6]
        other = (int(patch[0, 0]) + 1) % max(classes - 2, 2)
        rows, columns = np.indices(patch.shape)
        inside = ((rows / patch.shape[0] - 0.5) ** 2 + (columns / patch.shape[1] - 0.5) ** 2) < 0.2
        patch[inside] = other
    return answer


def count(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """``(K, K)`` pixels, rows = truth."""
    seen = truth != IGNORED
    codes = truth[seen].astype(np.int64) * classes + predicted[seen]
    return np.bincount(codes, minlength=classes**2).reshape(classes, classes)


def curves(epochs: int) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        share = epoch / max(epochs, 2)
        cross, dice = 1.6 * np.exp(-3 * share) + 0.12, 0.8 * np.exp(-2 * share) + 0.1
        value = 0.78 - 0.7 * np.exp(-4 * share) + 0.008 * np.sin(5 * epoch)
        rows.append(
            {
                "epoch": epoch, "step": 40 * epoch, "train_loss": cross + dice, "train_loss/cross_entropy": cross,
                "train_loss/dice": dice, "val_loss": 1.1 * np.exp(-3 * share) + 0.3, "val_dice": value,
                "val_iou": value - 0.1, "val_pixel_accuracy": value + 0.12, "val_dice_images": value + 0.03,
                "val_precision": value + 0.02, "val_recall": value - 0.02, "val_f1": value,
                "learning_rate": 0.01 * (1 - share) ** 0.9, "seconds": 24.0, "images_per_second": 15.0,
            }
        )  # fmt: skip
    return rows


def evaluated(
    pictures: Sequence[Picture], answers: Sequence[np.ndarray], classes: Sequence[str]
) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray]:
    """Scores, per-image rows and the confusion matrix."""
    tables = np.stack(
        [count(truth, answer, len(classes)) for (_, truth), answer in zip(pictures, answers, strict=True)]
    )
    counts = (tables.diagonal(axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1))
    mean, per_image = dice_images(*counts)
    sums = [part.sum(axis=0) for part in counts]
    values = overall(*sums, background=classes[0] == "background") | {"dice_images": mean, "loss": 0.41}
    rows = {
        "id": np.array([f"scenes/{place:04d}" for place in range(len(pictures))]),
        "loss": np.linspace(0.2, 0.7, len(pictures), dtype=np.float32),
        "dice": per_image, "true_positives": counts[0], "support": counts[1], "predicted": counts[2],
    }  # fmt: skip
    stored = {"overall": known(values), "per_class": {name: known(column) for name, column in per_class(*sums).items()}}
    return stored, rows, tables.sum(axis=0)


def save_mask(path: Path, mask: np.ndarray, palette: Sequence[Sequence[int]]) -> None:
    image = Image.fromarray(mask)
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[: len(palette)] = palette
    colours[IGNORED] = (224, 224, 192)
    image.putpalette(colours.ravel().tolist())
    image.save(path)


def write_examples(
    folder: Path,
    pictures: Sequence[Picture],
    answers: Sequence[np.ndarray],
    *,
    dice: np.ndarray,
    classes: Sequence[str],
    palette: Any,
) -> None:
    (folder / "examples").mkdir()
    order = [int(place) for place in np.argsort(dice)]
    roles = dict.fromkeys(order[:2], "worst") | dict.fromkeys(order[-2:], "best")
    rest = [place for place in range(len(pictures)) if place not in roles]
    roles |= dict.fromkeys(rest[:6], "random") | dict.fromkeys(rest[6:], "gallery")
    record = []
    for number, (place, role) in enumerate(list(roles.items())[:24], start=1):
        (photo, truth), answer = pictures[place], answers[place]
        stem = f"examples/{number:04d}"
        Image.fromarray(photo).save(folder / f"{stem}.png")
        save_mask(folder / f"{stem}_truth.png", truth, palette)
        save_mask(folder / f"{stem}_predicted.png", answer, palette)
        there = np.union1d(truth[truth != IGNORED], answer[truth != IGNORED])
        record.append(
            {
                "file": f"{stem}.png", "truth": f"{stem}_truth.png", "predicted": f"{stem}_predicted.png",
                "id": f"scenes/{place:04d}", "role": role,
                "dice": None if np.isnan(dice[place]) else float(dice[place]), "classes": [classes[label] for label in there],
            }
        )  # fmt: skip
    (folder / "examples.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def counted(pictures: Sequence[Picture], classes: int) -> dict[str, Any]:
    masks = [np.bincount(mask.ravel(), minlength=256) for _, mask in pictures]
    sums = np.sum(masks, axis=0)
    images = np.sum([mask > 0 for mask in masks], axis=0)
    return {
        "masks": len(pictures), "counts": sums[:classes].tolist(), "images": images[:classes].tolist(),
        "ignored": int(sums[IGNORED]),
    }  # fmt: skip


def segmentation_record(
    pictures: Sequence[Picture], classes: Sequence[str], palette: Any, *, epochs: int
) -> dict[str, Any]:
    record = run_record(tuple(classes), {"train": [1], "val": [1], "test": [1]}, epochs)
    pixels = counted(pictures, len(classes))
    for place, split in enumerate(record["data"]["splits"].values()):
        split |= {"images": [400, 100, len(pictures)][place], "counts": None, "pixels": pixels}
    height, width = pictures[0][1].shape
    record["data"] |= {
        "name": "scenes", "title": "Street scenes", "homepage": None, "licence": "research", "citation": None, "channels": 3,
        "native_size": [height, width], "palette": palette and [list(colour) for colour in palette], "audit": None,
        "notes": ["The masks hold class numbers; 255 is taken as: does not count."],
    }  # fmt: skip
    crop = {"channels": 3, "height": height // 2, "width": width // 2, "image_size": None, "evaluation": "sliding"}
    model = {
        "name": "deeplabv3",
        "title": None,
        "parameters": 39_600_000,
        "trainable": 39_600_000,
        "macs": 51_400_000_000,
    }
    return record | {
        "name": "scenes-deeplabv3", "task": "segmentation", "headline": "dice", "input": crop, "model": model,
        "command": "vyvod train data=scenes model=deeplabv3",
    }  # fmt: skip


def make_segmentation_run(
    folder: Path,
    pictures: Sequence[Picture],
    classes: Sequence[str],
    *,
    palette: Sequence[Sequence[int]] | None,
    epochs: int = 8,
    skill: float = 0.75,
) -> Path:
    """A finished run of a segmentation; without a palette the stored masks have colours of their own."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    answers = [spoilt(truth, len(classes), rng, skill=skill) for _, truth in pictures]
    stored, rows, confusion = evaluated(pictures, answers, classes)
    for name, arrays in (("per_image", rows), ("totals", {"confusion": confusion})):
        (folder / name).mkdir()
        for split in ("val", "test"):
            np.savez_compressed(folder / name / f"{split}.npz", **arrays)
    (folder / "scores.json").write_text(json.dumps({"val": stored, "test": stored}), encoding="utf-8")
    record = segmentation_record(pictures, classes, palette, epochs=epochs)
    history = curves(epochs)
    record["best_epoch"] = int(max(history, key=lambda row: row["val_dice"])["epoch"])
    write_rows(folder / "metrics.csv", history)
    shown = palette or [(place * 67 % 256, place * 131 % 256, place * 29 % 256) for place in range(len(classes))]
    write_examples(folder, pictures, answers, dice=rows["dice"], classes=classes, palette=shown)
    settings = {"data": {"name": "scenes"}, "model": {"name": "deeplabv3"}, "training": {"epochs": epochs}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return folder
