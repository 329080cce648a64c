"""Run folders as the training of a detector leaves them: real boxes, spoilt to be what a network says."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from PIL import Image
from tests.report.conftest import HOSTILE, known, run_record, write_rows

from vyvod.metrics.detection import Found, Truth, image_scores, match, scores_of_rows

BCCD = ("RBC", "WBC", "Platelets")
TREES = ("tree",)
CONFIDENCE = 0.25


class Picture(NamedTuple):
    """A photo with its objects."""

    photo: Image.Image
    boxes: np.ndarray
    """``(M, 4)``."""
    labels: np.ndarray
    crowd: np.ndarray
    name: str


def xml_pictures(folder: Path, names: Sequence[str], count: int) -> list[Picture]:
    """Photos of a folder in the layout of VOC."""
    pictures = []
    for path in sorted((folder / "Annotations").glob("*.xml"))[:count]:
        text = path.read_text(encoding="utf-8")
        labels = [names.index(name) for name in re.findall(r"<object>\s*<name>(.*?)</name>", text)]
        sides = [
            [int(value) for value in re.findall(rf"<{side}>(\d+)</{side}>", text)]
            for side in ("xmin", "ymin", "xmax", "ymax")
        ]
        boxes = np.array(sides, dtype=np.float32).T.reshape(-1, 4)
        whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        photo = Image.open(folder / "JPEGImages" / f"{path.stem}.jpg").convert("RGB")
        pictures.append(
            Picture(photo, boxes[whole], np.array(labels)[whole], np.zeros(whole.sum(), dtype=bool), path.stem)
        )
    return pictures  # fmt: skip


def coco_pictures(shared_data: Path, count: int) -> tuple[list[Picture], tuple[str, ...]]:
    """Photos of COCO, the first of them with crowds, and the names of its 80 classes; awkward ones in place of the first."""
    folder = shared_data / "coco_mini"
    stored = json.loads((folder / "annotations" / "instances_train2017.json").read_text(encoding="utf-8"))
    ids = {category["id"]: place for place, category in enumerate(stored["categories"])}
    names = [category["name"] for category in stored["categories"]]
    for place, name in enumerate(HOSTILE):
        names[place + 1] = name
    by_image: dict[int, list[dict[str, Any]]] = {}
    for part in stored["annotations"]:
        by_image.setdefault(part["image_id"], []).append(part)
    crowded = sorted(stored["images"], key=lambda image: -sum(p["iscrowd"] for p in by_image.get(image["id"], [])))
    pictures = []
    for image in crowded[:count]:
        parts = [part for part in by_image.get(image["id"], []) if min(part["bbox"][2:]) > 0]
        boxes = np.array([part["bbox"] for part in parts], dtype=np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        labels = np.array([ids[part["category_id"]] for part in parts], dtype=np.int64)
        crowd = np.array([bool(part["iscrowd"]) for part in parts], dtype=bool)
        photo = Image.open(folder / "train2017" / image["file_name"]).convert("RGB")
        pictures.append(Picture(photo, boxes, labels, crowd, image["file_name"]))
    return pictures, tuple(names)


def squares(count: int, classes: int) -> list[Picture]:
    """Small noise with a few squares on it; the last class never occurs, and the second picture is empty."""
    rng = np.random.default_rng(0)
    pictures = []
    for place in range(count):
        objects = 0 if place == 1 else 3
        corners = rng.integers(0, 40, (objects, 2))
        boxes = np.concatenate([corners, corners + rng.integers(12, 24, (objects, 1))], axis=1).astype(np.float32)
        photo = Image.fromarray(rng.integers(90, 255, (64, 64, 3), dtype=np.uint8))
        labels = np.arange(place, place + objects) % (classes - 1)
        pictures.append(Picture(photo, boxes, labels, np.zeros(objects, dtype=bool), f"{place}.png"))
    return pictures


def invented(
    picture: Picture, classes: int, rng: np.random.Generator, *, skill: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, classes and scores of a network of that skill (0..1), by descending score."""
    width, height = picture.photo.size
    boxes, labels, scores = [], [], []
    for box, label in zip(picture.boxes, picture.labels, strict=True):
        if rng.random() > 0.55 + 0.45 * skill:
            continue
        sides = np.array([box[2] - box[0], box[3] - box[1]] * 2)
        boxes.append(box + rng.normal(0, 0.02 + 0.16 * (1 - skill), 4) * sides)
        labels.append(int(label) if rng.random() < 0.6 + 0.4 * skill else int(rng.integers(classes)))
        scores.append(rng.beta(2 + 6 * skill, 2))
        if rng.random() > 0.8:
            boxes.append(box + rng.normal(0, 0.1, 4) * sides)
            labels.append(int(label))
            scores.append(0.6 * rng.random())
    for _ in range(rng.poisson(1 + 4 * (1 - skill))):
        left, top = rng.uniform(0, 0.8) * width, rng.uniform(0, 0.8) * height
        boxes.append(
            np.array([left, top, left + rng.uniform(0.05, 0.2) * width, top + rng.uniform(0.05, 0.2) * height])
        )
        labels.append(int(rng.integers(classes)))
        scores.append(rng.beta(2, 4))
    order = np.argsort(-np.array(scores), kind="stable")
    every = np.clip(np.array(boxes, dtype=np.float32).reshape(-1, 4), 0, [width, height] * 2).astype(np.float32)
    return every[order], np.array(labels, dtype=np.int64)[order], np.array(scores, dtype=np.float32)[order]


def rows_of(
    pictures: Sequence[Picture], answers: Sequence[tuple[np.ndarray, ...]], classes: int
) -> dict[str, np.ndarray]:
    """The columns of ``per_image/<split>.npz``."""
    boxes = np.concatenate([np.zeros((0, 4), dtype=np.float32), *(picture.boxes for picture in pictures)])
    rows = {
        "id": np.array([f"pictures/{place:04d} {picture.name}" for place, picture in enumerate(pictures)]),
        "loss": np.linspace(0.2, 0.7, len(pictures), dtype=np.float32),
        "size": np.array([picture.photo.size[::-1] for picture in pictures]),
        "found_image": np.repeat(np.arange(len(pictures)), [len(answer[0]) for answer in answers]),
        "found_label": np.concatenate([answer[1] for answer in answers]).astype(np.int64),
        "found_score": np.concatenate([answer[2] for answer in answers]).astype(np.float32),
        "found_box": np.concatenate([answer[0] for answer in answers]).astype(np.float32),
        "truth_image": np.repeat(np.arange(len(pictures)), [len(picture.boxes) for picture in pictures]),
        "truth_label": np.concatenate([picture.labels for picture in pictures]).astype(np.int64),
        "truth_box": boxes, "truth_area": (boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        "truth_crowd": np.concatenate([picture.crowd for picture in pictures]),
    }  # fmt: skip
    counts, f1 = image_scores(rows, classes, confidence=CONFIDENCE)
    return rows | counts | {"f1": f1}


def write_examples(
    folder: Path, pictures: Sequence[Picture], rows: dict[str, np.ndarray], classes: int, *, masks: bool
) -> None:
    (folder / "examples").mkdir()
    order = [int(place) for place in np.argsort(rows["f1"], kind="stable")]
    roles = dict.fromkeys(order[:2], "worst") | dict.fromkeys(order[-2:], "best")
    rest = [place for place in range(len(pictures)) if place not in roles]
    roles |= dict.fromkeys(rest[:6], "random") | dict.fromkeys(rest[6:], "gallery")
    truth = Truth(*(rows[f"truth_{name}"] for name in ("image", "label", "box", "area", "crowd")))
    found = Found(*(rows[f"found_{name}"] for name in ("image", "label", "score", "box")))
    matching = match(truth, found, len(pictures), classes)
    counted = rows["found_score"] >= np.float32(CONFIDENCE)
    taken = matching.found_objects(len(truth.label), counted)
    record = []
    for number, (place, role) in enumerate(list(roles.items())[:24], start=1):
        name, photo = f"examples/{number:04d}.png", pictures[place].photo
        photo.save(folder / name)
        true = [int(row) for row in np.flatnonzero(rows["truth_image"] == place)]
        seen = [int(row) for row in np.flatnonzero((rows["found_image"] == place) & counted)]
        entry: dict[str, Any] = {
            "file": name, "id": str(rows["id"][place]), "role": role, "size": [photo.height, photo.width],
            "f1": None if np.isnan(rows["f1"][place]) else float(rows["f1"][place]),
            "truth": [
                {
                    "class": int(truth.label[row]), "box": truth.box[row].tolist(), "crowd": bool(truth.crowd[row]),
                    "found": bool(taken[row]),
                }
                for row in true
            ],
            "predicted": [
                {
                    "class": int(found.label[row]), "box": found.box[row].tolist(), "score": float(found.score[row]),
                    "right": [False, True, None][int(matching.right[row])],
                }
                for row in seen
            ],
        }  # fmt: skip
        if masks:
            entry["masks"] = f"examples/{number:04d}_masks.png"
            save_masks(folder / entry["masks"], photo.size, found.box[seen])
        record.append(entry)
    (folder / "examples.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def save_masks(path: Path, size: tuple[int, int], boxes: np.ndarray) -> None:
    """An ellipse in each box."""
    rows, columns = np.indices(size[::-1])
    values = np.zeros(size[::-1], dtype=np.uint8)
    for place, (left, top, right, bottom) in enumerate(boxes, start=1):
        across = (columns + 0.5 - (left + right) / 2) / max(right - left, 1)
        down = (rows + 0.5 - (top + bottom) / 2) / max(bottom - top, 1)
        values[across**2 + down**2 < 0.25] = place
    image = Image.fromarray(values)
    image.putpalette([value for place in range(256) for value in (place, 255 - place, 128)])
    image.save(path)


def curves(epochs: int, parts: Sequence[str]) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        share = epoch / max(epochs, 2)
        value = 0.52 - 0.5 * np.exp(-4 * share) + 0.008 * np.sin(5 * epoch)
        losses = {
            f"train_loss/{name}": 0.9 * np.exp(-(1 + place) * share) / (1 + place) + 0.05
            for place, name in enumerate(parts)
        }
        rows.append(
            {"epoch": epoch, "step": 40 * epoch, "train_loss": sum(losses.values())} | losses | {
                "val_loss": 1.1 * np.exp(-3 * share) + 0.3, "val_map": value, "val_map50": value + 0.27,
                "val_precision": value + 0.25, "val_recall": value + 0.12, "val_f1": value + 0.2,
                "learning_rate": 0.01 * (1 - share) ** 0.9, "seconds": 24.0, "images_per_second": 15.0,
            }
        )  # fmt: skip
    return rows


def counted(pictures: Sequence[Picture], classes: int) -> dict[str, Any]:
    tables = [np.bincount(picture.labels[~picture.crowd], minlength=classes) for picture in pictures]
    boxes = np.concatenate([picture.boxes for picture in pictures])
    return {
        "counts": np.sum(tables, axis=0).tolist(), "images": np.sum([table > 0 for table in tables], axis=0).tolist(),
        "crowd": int(sum(picture.crowd.sum() for picture in pictures)),
        "empty": sum(not len(picture.boxes) for picture in pictures),
        "boxes": (boxes[:1000, 2:] - boxes[:1000, :2]).tolist(),
    }  # fmt: skip


def detection_record(pictures: Sequence[Picture], classes: Sequence[str], *, epochs: int) -> dict[str, Any]:
    record = run_record(tuple(classes), {"train": [1], "val": [1], "test": [1]}, epochs)
    objects = counted(pictures, len(classes))
    for place, split in enumerate(record["data"]["splits"].values()):
        split |= {"images": [400, len(pictures), len(pictures)][place], "counts": None, "objects": objects}
    record["data"] |= {
        "name": "pictures", "title": "Pictures", "homepage": None, "licence": "research", "citation": None, "channels": 3,
        "native_size": None, "audit": None, "notes": ["2 boxes without area were left out."],
    }  # fmt: skip
    seen = {"channels": 3, "height": 320, "width": 320, "resize": "letterbox", "confidence": CONFIDENCE}
    model = {"name": "yolo5", "title": None, "parameters": 1_765_270, "trainable": 1_765_270, "macs": 1_030_000_000}
    return record | {
        "name": "pictures-yolo5", "task": "detection", "headline": "map", "input": seen, "model": model,
        "command": "vyvod train data=pictures model=yolo5 model.size=n",
    }  # fmt: skip


def make_detection_run(
    folder: Path,
    pictures: Sequence[Picture],
    classes: Sequence[str],
    *,
    epochs: int = 8,
    skill: float = 0.7,
    masks: bool = False,
    parts: Sequence[str] = ("box", "objectness", "class"),
    answers: Sequence[tuple[np.ndarray, ...]] | None = None,
) -> Path:
    """A finished run of a detector."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    skills = np.clip(skill + rng.normal(0, 0.18, len(pictures)), 0, 1)
    answers = answers or [invented(p, len(classes), rng, skill=s) for p, s in zip(pictures, skills, strict=True)]
    rows = rows_of(pictures, answers, len(classes))
    overall, per_class, totals = scores_of_rows(rows, len(classes), confidence=CONFIDENCE)
    if masks:
        overall |= {f"mask_{name}": 0.9 * overall[name] for name in ("map", "map50", "map75")}
        per_class |= {f"mask_{name}": 0.9 * per_class[name] for name in ("ap", "ap50")}
    for name, arrays in (("per_image", rows), ("totals", totals)):
        (folder / name).mkdir()
        for split in ("val", "test"):
            np.savez_compressed(folder / name / f"{split}.npz", **arrays)
    stored = {
        "overall": known(overall | {"loss": 0.41}),
        "per_class": {name: known(column) for name, column in per_class.items()},
    }
    (folder / "scores.json").write_text(json.dumps({"val": stored, "test": stored}), encoding="utf-8")
    record = detection_record(pictures, classes, epochs=epochs)
    history = curves(epochs, parts)
    record["best_epoch"] = int(max(history, key=lambda row: row["val_map"])["epoch"])
    write_rows(folder / "metrics.csv", history)
    write_examples(folder, pictures, rows, len(classes), masks=masks)
    settings = {"data": {"name": "pictures"}, "model": {"name": "yolo5"}, "training": {"epochs": epochs}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return folder
