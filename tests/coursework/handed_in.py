"""Repositories as students hand them in, made in temporary folders."""

import base64
import hashlib
import io
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}

MAIN = """# Курс «Компьютерное зрение»

Студент: Петрова Анна Сергеевна

Задача: классификация изображений.

Датасет: CIFAR-10.
"""

RUSSIAN = """# Домашняя работа №1

## Постановка задачи

Классификация изображений: 3 класса. Классы: кошка, собака, конь.

## Набор данных

Взяты 6000 снимков из CIFAR-10, по 2000 на класс.

## Что получилось

![Лосс на обучении и валидации](img/loss.png)

![Точность и F1 на валидации по эпохам](img/f1.png)

Примеры предсказаний, 8 картинок:

![Предсказания](img/examples.png)

| метрика | значение |
|---|---|
| Точность (precision) | 0,81 |
| Полнота | 0,80 |
| F1-мера | **0,80** |

| Класс | Precision | Recall | F1 |
|---|---|---|---|
| кошка | 0,75 | 0,74 | 0,74 |
| собака | 0,78 | 0,79 | 0,78 |
| конь | 0,90 | 0,87 | 0,88 |

## Эксперимент 1. Аугментация

**Цель:** поднять F1 на валидации.

**Гипотеза:** отражения добавляют разнообразия.

**Итоги:** F1 = 0,83.

![F1 с аугментацией](img/augmented.png)

**Сравнение с бейзлайном:** 0,83 против 0,80.

**Заключение:** отражения помогают, прирост больше разброса между запусками.
"""

ENGLISH = """# Homework 1

## Task
Binary segmentation of nuclei. Classes: background and nucleus, that is 2 classes.

## Dataset
DSB 2018, 670 images.

## Training results

<p align="center"><img src="./img/loss.png" alt="Training loss" width="400"></p>

### Validation metrics during training
![](img/f1.png)

### Predictions
![one](img/examples.png)
![two](img/augmented.png) ![three](img/examples.png) ![four](img/augmented.png) ![five](img/examples.png?raw=true)

| | precision | recall | F1 | Dice |
|---|---|---|---|---|
| background | 0.99 | 0.98 | 0.98 | 0.98 |
| nucleus | 0.91 | 0.90 | 0.90 | 0.90 |
| **mean** | 0.95 | 0.94 | 0.94 | 0.94 |

## Experiments

### Deeper encoder
#### Goal
A higher Dice.
#### Hypothesis
A deeper encoder sees more context.
#### Results
Dice is 0.93. ![Dice of the deeper encoder](img/augmented.png)
#### Comparison with the baseline
| | baseline | deeper |
|---|---|---|
| Dice | 0.94 | 0.93 |
#### Conclusions
The deeper encoder does not help on so few images.

### Dice loss
- Goal: a higher Dice.
- Idea: minimise what is measured.
- Results: Dice 0.95. ![Dice](img/f1.png)
- Comparison to baseline: 0.95 vs 0.94.
- Conclusion: it helps a little, within the spread of seeds.
"""

PINNED = "torch==2.11.0\nnumpy==2.1.0  # arrays\nscikit-learn==1.6.1\n"
CODE = "import torch\n\nprint(torch.zeros(1))\n"


def picture(seed: int = 0, *, blank: bool = False) -> bytes:
    """PNG bytes of noise, or of nothing."""
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.full_like(pixels, 255) if blank else pixels).save(file, format="PNG")
    return file.getvalue()


PICTURES = {f"img/{name}.png": picture(seed) for seed, name in enumerate(("loss", "f1", "examples", "augmented"))}


def homework(readme: str | bytes = RUSSIAN, **others: str | bytes | None) -> dict[str, str | bytes]:
    """Files of a homework in which nothing is missing; ``None`` takes one away."""
    files: dict[str, str | bytes | None] = {"README.md": readme, "requirements.txt": PINNED, "train.py": CODE}
    files |= PICTURES | others
    return {path: content for path, content in files.items() if content is not None}


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **IDENTITY},
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def begin(folder: Path, *, main: str = "main", readme: str | bytes | None = MAIN) -> Path:
    """A repository with a main branch."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", main)
    commit(folder, {"README.md": readme} if readme is not None else {"notes.txt": "nothing"})
    return folder


def commit(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "x")


def branch(folder: Path, name: str, files: Mapping[str, str | bytes]) -> Path:
    """A branch with exactly these files; afterwards the main branch is checked out again."""
    before = git(folder, "symbolic-ref", "--short", "HEAD")
    git(folder, "checkout", "-q", "--orphan", name)
    git(folder, "rm", "-q", "-r", "-f", "--ignore-unmatch", ".")
    commit(folder, files)
    git(folder, "checkout", "-q", before)
    return folder


def state(folder: Path) -> dict[str, str]:
    """Every file below a folder, with the hash of its bytes and the time of its change."""
    return {
        str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def code_cell(source: str, *, text: str | None = None, png: bytes | None = None) -> dict[str, object]:
    outputs: list[dict[str, object]] = []
    if text is not None:
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)})
    if png is not None:
        data = {"image/png": base64.b64encode(png).decode(), "text/plain": ["<Figure>"]}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    return {"cell_type": "code", "source": source, "outputs": outputs, "metadata": {}, "execution_count": 1}


def text_cell(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "source": source.splitlines(keepends=True), "metadata": {}}


def notebook(*cells: object, **metadata: object) -> str:
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
