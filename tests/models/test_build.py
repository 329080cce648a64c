"""Options, users' own files, freezing and cost."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from vyvod.errors import SettingsError
from vyvod.models import build
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec

SMALL = InputSpec(3, 32, 32)

OWN = '''"""A net of mine."""
from torch import nn
from vyvod.types import Record

TASKS = ("classification",)
HEAD = ("1",)


class Options(Record):
    """Mine."""

    hidden: int = 4
    """Help."""


def build(options, spec, classes):
    size = spec.channels * spec.height * spec.width
    return nn.Sequential(nn.Flatten(), nn.Linear(size, classes))
'''


def own(folder: Path, text: str, name: str = "net") -> ModelSettings:
    file = folder / f"{name}.py"
    file.write_text(text)
    return ModelSettings(name=str(file))


def make(**settings: object) -> nn.Module:
    architecture = build.resolve(ModelSettings(**settings))
    return build.build(architecture, SMALL, 10)


def test_all_problems_of_the_options_in_one_message() -> None:
    with pytest.raises(SettingsError) as caught:
        build.resolve(ModelSettings(name="resnet", dept=18, stem="tiny", freze=("a",)))
    assert str(caught.value).splitlines() == [
        "3 problems in the settings:",
        "  - model.stem='tiny': expected 'auto', 'imagenet' or 'small'.",
        "  - There is no setting 'model.dept' for model=resnet. Did you mean 'model.depth'? Its options: "
        "model.depth, model.stem, model.shortcut.",
        "  - There is no setting 'model.freze' for model=resnet. Did you mean 'model.freeze'? Its options: "
        "model.depth, model.stem, model.shortcut.",
    ]


def test_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="Did you mean 'resnet'"):
        build.resolve(ModelSettings(name="resnett"))


def test_own_file(tmp_path: Path) -> None:
    architecture = build.resolve(own(tmp_path, OWN))
    assert (architecture.task, architecture.title, architecture.head) == ("classification", "A net of mine.", ("1",))
    assert architecture.options.model_dump() == {"hidden": 4}
    assert build.fit_input(architecture, InputSpec(1, 20, 30)) == InputSpec(3, 20, 30)
    assert build.fit_input(architecture, None) == InputSpec(3, 224, 224)
    assert build.build(architecture, SMALL, 3)(torch.zeros(5, 3, 32, 32)).shape == (5, 3)


def test_own_file_without_options(tmp_path: Path) -> None:
    text = OWN[: OWN.index("class Options")] + OWN[OWN.index("def build") :]
    assert build.resolve(own(tmp_path, text, "bare")).options.model_dump() == {}
    with pytest.raises(SettingsError, match=r"no setting 'model.hidden'.*Its options: none"):
        build.resolve(ModelSettings(name=str(tmp_path / "bare.py"), hidden=3))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("def build(", "def make("), r"no function build\(options, spec, classes\)"),
        (("Options(Record)", "Options"), "Options in .* must be a class that inherits from vyvod.types.Record"),
        (("import nn\n", "import nm\n"), "cannot be imported: ImportError"),
    ],
)
def test_own_file_that_breaks_the_contract(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        build.resolve(own(tmp_path, OWN.replace(*change), "broken"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ("size, classes", "size, 3"),
            r"gives a tensor of 2 x 3 \(torch.float32\) for 2 images of 3 x 32 x 32 and 10 cl",
        ),
        (("size, classes", "size + 1, classes"), "fails on images of 3 x 32 x 32 .*RuntimeError: .*mat1 and mat2"),
        (("return nn", "return 'x' or nn"), r"gave a str; expected a torch.nn.Module"),
        (
            ("size = spec", "size = 1 / 0 * spec"),
            r"build of model=.* fails: ZeroDivisionError: .* \(wrong.py, line 17\)",
        ),
        (("nn.Flatten()", "nn.LSTM(32, 8)"), "fails on images"),
    ],
)
def test_own_network_that_does_not_classify(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    architecture = build.resolve(own(tmp_path, OWN.replace(*change), "wrong"))
    with pytest.raises(SettingsError, match=sentence):
        build.build(architecture, SMALL, 10)


def test_own_fit_input_that_gives_something_else(tmp_path: Path) -> None:
    architecture = build.resolve(own(tmp_path, OWN + "\n\ndef fit_input(options, native):\n    return 224\n", "fit"))
    with pytest.raises(SettingsError, match=r"gave a int; expected vyvod.types.InputSpec"):
        build.fit_input(architecture, None)


def test_cost_of_a_convolution_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 5))
    model[0].requires_grad_(requires_grad=False)
    model[1].eval()
    cost = build.cost(model, InputSpec(3, 4, 4))
    assert cost == {"parameters": 224 + 645, "trainable": 645, "macs": 3 * 8 * 9 * 16 + 8 * 16 * 5}
    assert [part.training for part in model] == [True, False, True, True]
    assert build.cost(nn.LSTM(3, 3), InputSpec(3, 4, 4))["macs"] is None


def test_resnet18_has_the_published_cost() -> None:
    model = build.build(build.resolve(ModelSettings(name="resnet")), InputSpec(3, 224, 224), 1000)
    assert build.cost(model, InputSpec(3, 224, 224))["macs"] == pytest.approx(1.814e9, rel=1e-3)


def test_freezing_all_but_the_head() -> None:
    model = make(name="resnet", depth=20)
    build.freeze(model, ("all-but-head",), ("fc", "linear"))
    assert [name for name, parameter in model.named_parameters() if parameter.requires_grad] == [
        "linear.weight",
        "linear.bias",
    ]
    assert build.cost(model, SMALL)["trainable"] == 650
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), 0.1, weight_decay=0.1)
    model.train()
    model(torch.randn(4, 3, 32, 32)).sum().backward()
    optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"linear.weight", "linear.bias"}, "statistics of frozen batch norms stay as well"


def test_freezing_a_part_and_freeing_it_again() -> None:
    model = make(name="plain", width=4)
    build.freeze(model, ("stages.0",), ("head",))
    model.train()
    assert not model.stages[0][1].training
    assert model.stages[1][1].training
    twin = copy.deepcopy(model).train()
    assert not twin.stages[0][1].training
    twin.stages[1][1].eval()
    assert model.stages[1][1].training, "a copy is independent of the network"
    build.unfreeze(model)
    assert all(part.training for part in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not twin.train().stages[0][1].training
    assert not model.eval().stages[0][1].training


def test_freezing_mistakes() -> None:
    model = make(name="plain", width=4)
    with pytest.raises(
        SettingsError, match=r"no part 'stage.0'. Did you mean 'stages.0'\? Its first level: stages, dropout, head"
    ):
        build.freeze(model, ("stage.0",), ("head",))
    with pytest.raises(SettingsError, match="does not name its head"):
        build.freeze(model, ("all-but-head",), ())
    with pytest.raises(SettingsError, match="leaves nothing to train"):
        build.freeze(model, ("stages", "head"), ("head",))


DETECTOR = '''"""A detector of mine."""
import torch
from torch import nn

TASKS = ("detection",)


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer = nn.Linear(3, classes)

    def forward(self, images, targets=None):
        number = len(images)
        one = {"boxes": torch.zeros(2, 4), "labels": torch.tensor([1, 3]), "scores": torch.zeros(2)}
        return [one for _ in images]


def build(options, spec, classes):
    return Net(classes)
'''


def test_own_detector(tmp_path: Path) -> None:
    architecture = build.resolve(own(tmp_path, DETECTOR))
    model = build.build(architecture, SMALL, 3)
    assert model.training
    assert build.cost(model, SMALL)["parameters"] == 12


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ("[one for _ in images]", "one"),
            r"gives a dict\. Expected, .* a list with a dictionary for each image: boxes, la",
        ),
        (("[one for _ in images]", "[one, one]"), r"gives a list of 2\. Expected"),
        (("[one for _ in images]", "torch.zeros(2)"), r"gives a tensor of 2 \(torch.float32\)\. Expected"),
        (('"scores"', '"confidence"'), r"gives no tensor scores"),
        (
            ("torch.zeros(2, 4)", "torch.zeros(2, 5)"),
            r"gives as boxes a tensor of 2 x 5 .*, not D x 4 for D = 2 labels",
        ),
        (("torch.zeros(2)}", "torch.zeros(3)}"), r"gives as scores a tensor of 3 .*, not D for D = 2 labels"),
        (
            ("[1, 3]", "[0, 2]"),
            r"labels that are not whole numbers from 1 to 3, the number of classes \(0 is background\)",
        ),
        (("[1, 3]", "[1.0, 2.0]"), r"labels that are not whole numbers from 1 to 3"),
        (
            ("number = len(images)", "number = images.shape"),
            r"fails on images of 3 x 32 x 32 .*AttributeError.*net.py, line 14",
        ),
        (('"detection",)', '"detection",)\nMASKS = True'), r"gives no tensor masks"),
    ],
)
def test_own_network_that_does_not_detect(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    architecture = build.resolve(own(tmp_path, DETECTOR.replace(*change), "net"))
    with pytest.raises(SettingsError, match=sentence):
        build.build(architecture, SMALL, 3)


def test_cost_of_a_detector_is_that_of_its_outputs(tmp_path: Path) -> None:
    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def outputs(self, images: torch.Tensor) -> torch.Tensor:
            return self.conv(images)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise AssertionError("suppression cannot be counted")

    assert build.cost(Detector(), InputSpec(3, 4, 4))["macs"] == 3 * 8 * 9 * 16
