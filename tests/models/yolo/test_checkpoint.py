"""YOLO v5's pickled networks: only their numbers come out, and nothing in them runs."""

import copy
import os
import pathlib
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vyvod.errors import WeightsError
from vyvod.models.build import build, resolve
from vyvod.models.contract import ModelSettings
from vyvod.models.weights import load_weights, read_source
from vyvod.types import InputSpec

NANO = resolve(ModelSettings(name="yolo5", size="n"))
SPEC = InputSpec(3, 64, 64)
PLACES = {
    "models.yolo": ("Model", "DetectionModel", "Detect", "DetectWithoutAnchors"),
    "models.common": ("Conv", "C3", "Bottleneck", "SPPF", "Concat", "Focus"),
    "ultralytics.nn.tasks": ("DetectionModel",),
}


@contextmanager
def foreign_program() -> Iterator[Mapping[str, types.ModuleType]]:
    """Modules with the names of the program that wrote the files, there only while a file is written."""
    modules = {name: types.ModuleType(name) for name in (*PLACES, "models", "ultralytics", "ultralytics.nn")}
    for place, names in PLACES.items():
        for name in names:
            setattr(modules[place], name, type(name, (nn.Module,), {"__module__": place}))
    sys.modules.update(modules)
    try:
        yield modules
    finally:
        for name in modules:
            del sys.modules[name]


def nano(classes: int = 3) -> nn.Module:
    return build(NANO, SPEC, classes)


def disguised(network: nn.Module, modules: Mapping[str, types.ModuleType], top: str = "models.yolo.Model") -> nn.Module:
    """The network as if that program had made it: its classes, float16."""
    theirs = copy.deepcopy(network)
    for module in theirs.modules():
        name = type(module).__name__
        place = next((place for place in ("models.yolo", "models.common") if name in PLACES[place]), None)
        if place is not None:
            module.__class__ = getattr(modules[place], name)
    for name in ("scales", "loss", "limits"):
        delattr(theirs, name)
    place, _, name = top.rpartition(".")
    theirs.__class__ = getattr(modules[place], name)
    theirs.names = {0: "cat"}
    return theirs.half()


def written(path: Path, network: nn.Module, *, top: str = "models.yolo.Model", **more: object) -> Path:
    with foreign_program() as modules:
        theirs = disguised(network, modules, top)
        content = {"epoch": -1, "best_fitness": None, "model": theirs, "ema": None, "optimizer": None, "date": "2021"}
        torch.save(content | {key: value(theirs) if callable(value) else value for key, value in more.items()}, path)
    return path


def loaded(path: Path, *, whole: bool = True) -> nn.Module:
    ours = nano()
    load_weights(ours, read_source(str(path), NANO), head=NANO.head, whole=whole)
    return ours


def same_in_half(ours: nn.Module, theirs: nn.Module) -> bool:
    state = theirs.state_dict()
    return all(
        torch.equal(tensor, state[name].half().float() if tensor.is_floating_point() else state[name])
        for name, tensor in ours.state_dict().items()
    )


@pytest.mark.parametrize("top", ["models.yolo.Model", "models.yolo.DetectionModel"])
def test_a_published_network(tmp_path: Path, top: str) -> None:
    theirs = nano()
    path = written(tmp_path / "yolov5n.pt", theirs, top=top)
    weights = read_source(str(path), NANO)
    assert len(weights.tensors) == 349
    assert weights.tensors["model.24.anchors"][0, 0].tolist() == [1.25, 1.625]
    assert {tensor.dtype for tensor in weights.tensors.values()} == {torch.float32, torch.int64}
    ours = loaded(path)
    assert same_in_half(ours, theirs)
    assert "models" not in sys.modules


def test_the_moving_average_is_preferred(tmp_path: Path) -> None:
    def doubled(model: nn.Module) -> nn.Module:
        average = copy.deepcopy(model)
        average.model[24].m[0].bias.data *= 2
        return average

    theirs = nano()
    ours = loaded(written(tmp_path / "last.pt", theirs, ema=doubled))
    torch.testing.assert_close(ours.model[24].m[0].bias, 2 * theirs.model[24].m[0].bias, rtol=1e-3, atol=1e-3)


def test_what_else_a_training_writes_is_left_alone(tmp_path: Path) -> None:
    more = {
        "best_fitness": np.array([0.5]),
        "opt": {"save_dir": pathlib.PurePosixPath("runs"), "lr": np.float64(0.01)},
        "wandb_id": None,
    }
    theirs = nano()
    assert same_in_half(loaded(written(tmp_path / "last.pt", theirs, **more)), theirs)


def test_the_old_buffer_of_anchors_is_ignored(tmp_path: Path) -> None:
    theirs = nano()
    theirs.model[24].register_buffer("anchor_grid", torch.zeros(3, 1, 3, 1, 1, 2))
    path = written(tmp_path / "w.pt", theirs)
    assert not [name for name in read_source(str(path), NANO).tensors if "anchor_grid" in name]


def test_other_classes(tmp_path: Path) -> None:
    path = written(tmp_path / "yolov5n.pt", nano(80))
    report = load_weights(nano(), read_source(str(path), NANO), head=NANO.head)
    assert "the weights have 80 classes, the data set 3" in report.sentence()
    assert len(report.not_loaded) == 6


class Hostile:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> object:
        return os.system, (f"touch '{self.witness}'",)


def test_a_hostile_file_does_not_run(tmp_path: Path) -> None:
    path = written(tmp_path / "yolov5n.pt", nano(), extra=Hostile(tmp_path / "witness"))
    with pytest.raises(WeightsError, match=r"holds more than weights \(posix.system\).* nothing in it ran"):
        read_source(str(path), NANO)
    assert not (tmp_path / "witness").exists()
    with foreign_program():
        torch.load(path, weights_only=False)
    assert (tmp_path / "witness").exists(), "the file would have run"


class Caller:
    """A pickle that calls a function with the name of a harmless class."""

    def __reduce__(self) -> object:
        return sys.modules["models.common"].Conv, ()


def test_classes_of_the_program_are_not_called(tmp_path: Path) -> None:
    theirs = nano()
    assert same_in_half(loaded(written(tmp_path / "yolov5n.pt", theirs, extra=Caller())), theirs)


def test_networks_without_anchors(tmp_path: Path) -> None:
    path = written(tmp_path / "yolov5nu.pt", nano(), top="ultralytics.nn.tasks.DetectionModel")
    with pytest.raises(
        WeightsError, match=r"of the ultralytics package \(such as yolov5su.pt\): a network without anchors"
    ):
        read_source(str(path), NANO)
    bare = nano()
    del bare.model[24].anchors
    with pytest.raises(WeightsError, match=r"has no model.24.anchors: a network without anchors .* Take yolov5n.pt"):
        read_source(str(written(tmp_path / "w.pt", bare)), NANO)


def test_another_size(tmp_path: Path) -> None:
    path = written(tmp_path / "yolov5n.pt", nano())
    small = resolve(ModelSettings(name="yolo5", size="s"))
    with pytest.raises(WeightsError, match=r"is a YOLO v5 n, the network is s: write model.size=n"):
        read_source(str(path), small)


def test_other_versions(tmp_path: Path) -> None:
    first, larger, merged = nano(), nano(), nano()
    first.model[0] = nn.ModuleDict({"conv": first.model[0]})
    with pytest.raises(WeightsError, match=r"is of YOLO v5 5.0 or older"):
        read_source(str(written(tmp_path / "w.pt", first)), NANO)
    larger.model.extend([nn.Identity() for _ in range(8)] + [larger.model[24]])
    larger.model[24] = nn.Identity()
    with pytest.raises(WeightsError, match=r"is a P6 network for images of 1280 pixels"):
        read_source(str(written(tmp_path / "w.pt", larger)), NANO)
    for module in list(merged.modules()):
        if hasattr(module, "bn"):
            module.bn = nn.Identity()
    with pytest.raises(WeightsError, match=r"has its batch norms merged into the convolutions"):
        read_source(str(written(tmp_path / "w.pt", merged)), NANO)


def test_a_file_without_a_network(tmp_path: Path) -> None:
    path = written(tmp_path / "w.pt", nano(), model=None, extra=lambda model: model)
    with pytest.raises(WeightsError, match="holds no network: expected one under 'model' or 'ema'"):
        read_source(str(path), NANO)


def test_plain_tensors_and_damaged_files_are_for_the_usual_reader(tmp_path: Path) -> None:
    theirs = nano()
    torch.save(theirs.state_dict(), tmp_path / "plain.pt")
    assert torch.equal(loaded(tmp_path / "plain.pt").model[0].conv.weight, theirs.model[0].conv.weight)
    data = written(tmp_path / "w.pt", theirs).read_bytes()
    (tmp_path / "w.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match="is not a readable torch file"):
        read_source(str(tmp_path / "w.pt"), NANO)
