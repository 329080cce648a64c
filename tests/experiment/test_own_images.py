"""Training on a person's own folder of images, with what goes wrong there."""

import errno
import json
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image
from tests.experiment.small import small

from vyvod import files
from vyvod.errors import DataError, RunError
from vyvod.experiment import record
from vyvod.experiment.run import resume, train
from vyvod.training import checkpoint


@pytest.fixture
def images(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, brightness in (("Ёлки & <b>", 190), ("Straßen | Bäume", 70)):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(60):
            pixels = random.normal(brightness, 20, (20 + number % 5, 24, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return tmp_path / "images"


def _settings(images: Path, **data: object) -> dict[str, object]:
    return {
        "data": {"name": "image-folder", "root": str(images), "image_size": 24, "workers": 0, "limit": None, **data},
        "training": {"batch_size": 16, "epochs": 1},
    }


@pytest.mark.parametrize("cache", [True, False])
def test_an_unreadable_image_is_named(images: Path, tmp_path: Path, *, cache: bool) -> None:
    (images / "Ёлки & <b>" / "7.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(DataError, match=r"7\.jpg cannot be decoded.*data\.on_error=skip"):
        train(small(tmp_path / "runs", **_settings(images, cache=cache)))
    told = record.open_folder(next((tmp_path / "runs").iterdir()))
    assert told["status"] == "failed"
    assert "7.jpg" in told["error"]


@pytest.mark.parametrize("cache", [True, False])
def test_an_unreadable_image_is_left_out_and_reported(images: Path, tmp_path: Path, *, cache: bool) -> None:
    (images / "Ёлки & <b>" / "7.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    folder = train(small(tmp_path / "runs", **_settings(images, cache=cache, on_error="skip")))
    assert [text for text in record.open_folder(folder)["data"]["skipped"] if "7.jpg" in text]
    assert "7.jpg" in (folder / "README.md").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Ёлки &amp; &lt;b&gt;" in page
    assert "Ёлки & <b>" not in page


def test_two_processes_with_workers_tell_all_unreadable_images(images: Path, tmp_path: Path) -> None:
    for number in (3, 11, 20, 41, 56):
        (images / "Ёлки & <b>" / f"{number}.jpg").write_bytes(b"no picture")
    settings = _settings(images, cache=False, workers=1, on_error="skip", val_fraction=0.3, test_fraction=0.3)
    settings["training"] = {"batch_size": 4, "epochs": 2, "devices": 2}
    folder = train(small(tmp_path / "runs", **settings))
    assert len(record.open_folder(folder)["data"]["skipped"]) == 5


def test_kept_in_memory_or_decoded_by_workers_gives_the_same(images: Path, tmp_path: Path) -> None:
    scores = []
    for name, data in {
        "memory": {"cache": True},
        "files": {"cache": False},
        "workers": {"cache": False, "workers": 2},
    }.items():
        folder = train(small(tmp_path / name, **_settings(images, **data)))
        scores.append(json.loads((folder / "scores.json").read_text()))
    assert scores[0] == scores[1] == scores[2]


def test_a_full_disk_loses_nothing(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(images)
    quiet = train(small(tmp_path / "quiet", **{**settings, "training": {"batch_size": 16, "epochs": 3}}))
    write, saved = files.write_atomically, []

    def full(path: Path, content: object) -> None:
        def fail(file: IO[bytes]) -> None:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        saved.append(path)
        write(path, fail if len(saved) == 2 else content)

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    with pytest.raises(RunError, match="The disk is full"):
        train(small(tmp_path / "full", **{**settings, "training": {"batch_size": 16, "epochs": 3}}))
    monkeypatch.undo()
    folder = resume(tmp_path / "full" / quiet.name)
    assert (folder / "scores.json").read_text() == (quiet / "scores.json").read_text()
