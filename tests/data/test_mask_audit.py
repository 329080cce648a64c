"""What is wrong with masks is found and told."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vyvod.data.contract import Dataset, DataSettings
from vyvod.data.load import load_dataset
from vyvod.data.mask_audit import audit_masks


def _dataset(folder: Path, masks: list[np.ndarray]) -> Dataset:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number, mask in enumerate(masks):
        pixels = np.full((*mask.shape, 3), 10 * number, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number:02d}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number:02d}.png")
    (folder / "classes.txt").write_text("background\ncat\nghost\n")
    return load_dataset(DataSettings(name="mask-folder", root=folder), "segmentation", needed=())


@pytest.fixture
def masks() -> list[np.ndarray]:
    found = [np.zeros((20, 30), dtype=np.uint8) for _ in range(12)]
    for number, mask in enumerate(found):
        mask[5:10, 5 : 10 + number] = 1
    return found


def test_nothing_is_wrong_but_a_class_is_absent(tmp_path: Path, masks: list[np.ndarray]) -> None:
    found = audit_masks(_dataset(tmp_path, masks))
    assert found.masks == 12
    assert found.problems == ()
    assert sum(int(counts.sum()) for counts in found.pixels.values()) == 12 * 20 * 30
    assert sum(int(counts[1]) for counts in found.images.values()) == 12
    assert [finding for finding in found.findings() if "'ghost' never occurs" in finding]


def test_what_is_wrong_is_named(tmp_path: Path, masks: list[np.ndarray]) -> None:
    masks[4][:] = 0
    dataset = _dataset(tmp_path, masks)
    Image.fromarray(masks[2][:10]).save(tmp_path / "masks" / "02.png")
    (tmp_path / "masks" / "07.png").write_bytes(b"broken")
    found = audit_masks(dataset)
    problems = dict(found.problems)
    assert found.masks == 10
    assert any("30 x 20 pixels, its mask" in text for text in problems.values())
    assert any("07.png cannot be decoded" in text for text in problems.values())
    assert [name for name in found.empty if "04" in name]
    assert next(found.findings()).startswith("2 masks cannot be used; the first: ")
    assert found.summary()["classes"][1]["name"] == "cat"
