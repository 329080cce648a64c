import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torchvision
from torch import Tensor, nn

from vyvod.errors import SettingsError, UserError
from vyvod.experiment.export import export_onnx
from vyvod.types import InputSpec

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
SPEC = InputSpec(3, 32, 32)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.norm(self.convolution(images)).mean((2, 3)))


class Branching(Small):
    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return logits * 2 if logits.sum().item() > 0 else logits


class Rolling(Small):
    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return logits + torch.rand_like(logits)


def export(model: nn.Module, path: Path) -> float:
    names = [f"класс {number}" for number in range(5)]
    return export_onnx(model, path, spec=SPEC, mean=MEAN, std=STD, classes=names)


def calibrated(model: nn.Module) -> nn.Module:
    """With running statistics of its own images, so that the logits are of a natural size."""
    torch.manual_seed(0)
    with torch.no_grad():
        for _ in range(5):
            model(torch.rand(8, 3, 32, 32))
    return model


def resnet() -> nn.Module:
    return torchvision.models.resnet18(num_classes=5)


def efficientnet() -> nn.Module:
    # Its first stages hold all that is special about it: SiLU, depthwise convolutions, squeeze and excitation, dropped paths.
    stages = torchvision.models.efficientnet_b0().features[:4]
    return nn.Sequential(stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 5))


@pytest.mark.parametrize("build", [resnet, efficientnet])
def test_torchvision_network_through_the_file(build: Callable[[], nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = calibrated(build())
    assert export(model, tmp_path / "model.onnx") < 1e-4
    model.eval()
    images = torch.rand(7, 3, 32, 32)
    normalised = (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    with torch.no_grad():
        expected = model(normalised).numpy()
    (answer,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"images": images.numpy()})
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(answer, expected, atol=1e-4)


def test_what_the_file_says(tmp_path: Path) -> None:
    export(calibrated(Small()), tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    proto = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(proto)
    facts = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(facts["classes"]) == [f"класс {number}" for number in range(5)]
    assert json.loads(facts["mean"]) == list(MEAN)
    assert json.loads(facts["std"]) == list(STD)
    assert json.loads(facts["size"]) == [3, 32, 32]
    assert facts["vyvod"]
    (images,), (logits,) = proto.graph.input, proto.graph.output
    assert (images.name, logits.name) == ("images", "logits")
    sizes = [axis.dim_param or axis.dim_value for axis in images.type.tensor_type.shape.dim]
    assert isinstance(sizes[0], str)
    assert sizes[1:] == [3, 32, 32]


def test_network_is_left_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = calibrated(Small())
    before = copy.deepcopy(model.state_dict())
    export(model, tmp_path / "model.onnx")
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert capfd.readouterr() == ("", "")


def test_network_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="would answer otherwise than the network"):
        export(Rolling(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_network_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written as ONNX"):
        export(Branching(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_missing_package_names_the_cure(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=rf"needs {package}.*pip install vyvod\[onnx\]"):
        export(Small(), tmp_path / "model.onnx")
