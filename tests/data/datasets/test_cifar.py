"""CIFAR-10 and CIFAR-100 from batches that the test writes in the published layout."""

import hashlib
import io
import os
import pickle
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, CIFAR100

from vyvod.data.contract import Dataset, DataSettings, Images
from vyvod.data.formats.cifar import unpickle
from vyvod.data.load import load_dataset
from vyvod.errors import DataError

PER_BATCH = 40


class Bomb:
    """Runs a command when it is unpickled in the usual way."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote, as the published files are: text and bytes alike as BINSTRING."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, content: str | bytes) -> None:
        raw = content.encode("latin1") if isinstance(content, str) else content
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(content)

    dispatch[str] = dispatch[bytes] = save_string


def pickled(content: object) -> bytes:
    buffer = io.BytesIO()
    Python2Pickler(buffer, protocol=2).dump(content)
    return buffer.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write(folder: Path, published: type[CIFAR10], monkeypatch: pytest.MonkeyPatch, **contents: object) -> None:
    """Batches, and their sums in torchvision's lists."""
    folder.mkdir(parents=True)
    key = "labels" if published is CIFAR10 else "fine_labels"
    classes = [f"class {number}" for number in range(10)]
    rng = np.random.default_rng(0)

    def put(name: str, content: object) -> list[str]:
        (folder / name).write_bytes(pickled(contents.get(name, content)))
        return [name, hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest()]

    def batch(name: str) -> list[str]:
        data = rng.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8)
        return put(name, {"data": data, key: [place % 10 for place in range(PER_BATCH)], "batch_label": name})

    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(published, attribute, [batch(name) for name, _ in getattr(published, attribute)])
    name, md5 = put(published.meta["filename"], {published.meta["key"]: classes})
    monkeypatch.setattr(published, "meta", {**published.meta, "filename": name, "md5": md5})


def load(name: str, root: Path) -> Dataset:
    return load_dataset(DataSettings(name=name, root=root), "classification")


@pytest.mark.parametrize(("name", "published", "batches"), [("cifar10", CIFAR10, 5), ("cifar100", CIFAR100, 1)])
@pytest.mark.parametrize("above", [True, False])
@pytest.mark.filterwarnings("ignore:numpy.core")  # torchvision's reading, not ours
def test_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, published: type[CIFAR10], batches: int, above: bool
):
    folder = tmp_path / published.base_folder
    write(folder, published, monkeypatch)
    dataset = load(name, tmp_path if above else folder)
    sizes = {key: len(split) for key, split in dataset.splits.items()}
    assert sizes == {"train": 36 * batches, "val": 4 * batches, "test": 40}
    assert dataset.classes[3] == "class 3"
    theirs, train = published(tmp_path), dataset.splits["train"]
    assert isinstance(train, Images)
    for image, label, identity in list(zip(train.images, train.labels.tolist(), train.ids, strict=True))[::7]:
        pixels, truth = theirs[int(identity.removeprefix("train/"))]
        assert (np.array(pixels) == image.permute(1, 2, 0).numpy()).all()
        assert label == truth


def test_other_sums_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / CIFAR10.base_folder
    write(folder, CIFAR10, monkeypatch)
    trace = tmp_path / "trace"
    (folder / "data_batch_3").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(DataError, match=r"data_batch_3 is damaged or not the original.*https://www\.cs\.toronto\.edu"):
        load("cifar10", tmp_path)
    assert not trace.exists()


@pytest.mark.filterwarnings("ignore:numpy.core")
def test_a_hostile_batch_does_not_run_even_with_the_right_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trace = tmp_path / "trace"
    write(tmp_path / CIFAR10.base_folder, CIFAR10, monkeypatch, data_batch_3=Bomb(trace))
    with pytest.raises(DataError, match=r"data_batch_3 cannot be read: it wants to call (posix|nt)\.system"):
        load("cifar10", tmp_path)
    assert not trace.exists()
    with pytest.raises(TypeError):
        CIFAR10(tmp_path)  # torchvision trusts the sum and runs it
    assert trace.exists()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x80\x02}q\x00(", b"\x80\x02c__builtin__\neval\n."])
def test_damaged_pickles(tmp_path: Path, content: bytes):
    (tmp_path / "batch").write_bytes(content)
    with pytest.raises(DataError, match="batch cannot be read"):
        unpickle(tmp_path / "batch")


def test_a_batch_without_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / CIFAR10.base_folder, CIFAR10, monkeypatch, data_batch_1={"labels": [1, 2]})
    with pytest.raises(DataError, match="do not hold 'data' and 'labels'"):
        load("cifar10", tmp_path)


def test_missing_files(tmp_path: Path):
    with pytest.raises(DataError, match=r"Expected there: cifar-10-batches-py/ with data_batch_1.*batches\.meta"):
        load("cifar10", tmp_path)
