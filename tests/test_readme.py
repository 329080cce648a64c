"""Every command of the README runs, in the order of the page, in an empty folder."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from vyvod.cli import app

QUICK = ["data.limit=240", "training.batch_size=40"]
"""What is added to trainings, so that they take seconds."""
SMALL_SETS = ("model=unet", "model=smp/", "model=yolo5")


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def workplace(repository: Path, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the page takes for granted: my.yaml, my_images, my_net.py, and Fashion-MNIST at its place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for text in _blocks(repository / "README.md", "yaml"):
        name = re.match(r"# (\w+\.yaml)\n", text)
        assert name, "the first line of a settings file says what it is called"
        (tmp_path / name[1]).write_text(text, encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fashion-mnist").symlink_to(shared_data / "fashion_mnist")
    network = next(text for text in _blocks(repository / "CONTRIBUTING.md", "python") if text.startswith("# my_net.py"))
    (tmp_path / "my_net.py").write_text(network, encoding="utf-8")
    _write_images(tmp_path / "my_images")
    _write_masks(tmp_path / "my_masks")
    _write_boxes(tmp_path / "my_boxes")
    return tmp_path


def _write_images(folder: Path) -> None:
    random = np.random.default_rng(0)
    for name, brightness in (("hell", 200), ("dunkel", 60)):
        (folder / name).mkdir(parents=True)
        for number in range(120):
            pixels = random.normal(brightness, 20, (40, 30, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def _write_masks(folder: Path) -> None:
    random = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number in range(12):
        mask = np.zeros((64, 96), dtype=np.uint8)
        mask[10 + number : 40 + number, 20:60] = 255
        pixels = random.normal(90, 20, (64, 96, 3)) + mask[..., None] * 0.3
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number}.jpg")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")


def _write_boxes(folder: Path) -> None:
    """In YOLO's format: centre and size, as shares of the image."""
    random = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    (folder / "data.yaml").write_text("path: .\ntrain: images\nnames: [square, bar]\n", encoding="utf-8")
    for number in range(24):
        pixels = random.normal(90, 20, (64, 96, 3))
        pixels[10:40, 20:50] += 80
        pixels[50:60, number : number + 60] += 80
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number}.jpg")
        lines = ["0 0.3646 0.3906 0.3125 0.4688", f"1 {(number + 30) / 96:.4f} 0.8594 0.625 0.1562"]
        (folder / "labels" / f"{number}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quick(words: list[str]) -> list[str]:
    if words[0] == "find-lr":
        return [*words, *QUICK]
    if words[0] != "train" or "--resume" in words:
        return words
    if any(word.startswith(SMALL_SETS) for word in words):
        return [*words, "training.epochs=1"]
    return [*words, *QUICK, *([] if "name=two" in words else ["training.epochs=1"])]


def test_commands(repository: Path, workplace: Path) -> None:
    lines = [line for block in _blocks(repository / "README.md", "bash") for line in block.splitlines() if line.strip()]
    assert len(lines) > 15
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "vyvod", f"only console blocks may hold other commands: {line}"
        result = CliRunner().invoke(app, _quick(words))
        assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
    assert (workplace / "experiments" / "my_experiment" / "report.html").is_file()
    runs = {path.parent.name for path in workplace.glob("runs/*/report.html")}
    arms = {name for name in runs if name.startswith("my_experiment-")}
    assert arms == {f"my_experiment-{arm}-seed{seed}" for arm in ("baseline", "smoothing") for seed in range(3)}
    assert runs - arms == {
        "first",
        "nuclei",
        "mask-folder-unet-resnet18",
        "cells",
        "box-folder-yolo5",
        "fashion-mnist-resnet",
        "fashion-mnist-resnet-2",
        "image-folder-resnet",
        "repeated",
        "two",
        "fashion-mnist-mini-my_net",
    }
    first, repeated = (
        json.loads((workplace / "runs" / name / "scores.json").read_text()) for name in ("first", "repeated")
    )
    assert first == repeated


def test_the_two_commands_are_targets_of_make(repository: Path) -> None:
    targets = re.findall(r"^(\w+):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"^make (\w+)", "".join(_blocks(repository / "README.md", "console")), re.MULTILINE)
    assert set(named) == {"demo", "test"}
    assert set(named) <= set(targets)


def test_console_blocks_name_known_commands(repository: Path) -> None:
    pages = [repository / "README.md", *(repository / "docs").glob("*.md")]
    lines = [line for page in pages for block in _blocks(page, "console") for line in block.splitlines()]
    typed = [shlex.split(line.split("  #")[0]) for line in lines if line.startswith("vyvod ")]
    assert len(typed) > 5
    for words in typed:
        result = CliRunner().invoke(app, [*words[1:], "--help"])
        assert result.exit_code == 0, f"{shlex.join(words)}\n{result.output}"
        for option in (word for word in words if word.startswith("--")):
            assert option in result.output, shlex.join(words)


def test_links_lead_somewhere(repository: Path) -> None:
    for page in [repository / "README.md", repository / "CONTRIBUTING.md", *(repository / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
