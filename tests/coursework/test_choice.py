"""The table of costs and published figures."""

import subprocess
import sys
from pathlib import Path

import pytest

from vyvod import catalog
from vyvod.coursework import choice
from vyvod.coursework.choice import HEAD, HEAD_WITHOUT_DATA, VARIANTS, Cost, choices, models_of
from vyvod.coursework.literature import FIGURES, figure
from vyvod.coursework.pace import Data, Job, report
from vyvod.errors import SettingsError
from vyvod.types import Silence


@pytest.fixture
def few(monkeypatch):
    """Only some networks, so that the tests are short."""

    def choose(*models):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        monkeypatch.setattr(choice, "models_of", lambda _: list(models))

    return choose


def test_measured_by_real_steps(few):
    few({"name": "resnet", "depth": 18}, {"name": "plain", "width": 4}, {"name": "plain", "width": "wide"})
    found = choices("classification", "fashion-mnist-mini", data_root=None, progress=Silence())
    assert found.head == HEAD
    assert [row[0] for row in found.rows] == ["plain model.width=4", "resnet model.depth=18"]
    assert all(len(row) == len(HEAD) for row in found.rows)
    plain, resnet = found.rows
    assert resnet[1] == "11.17 M"
    assert plain[3].endswith("(10 epochs)")
    assert resnet[4] == "ImageNet top-1 69.8 % (torchvision)"
    notes = " ".join(found.notes)
    assert "1800 training images" in notes
    assert "Left out: plain model.width=wide" in notes


@pytest.mark.parametrize(
    ("task", "data", "model"),
    [
        ("classification", "cifar10", {"name": "plain"}),
        ("segmentation", "camvid", {"name": "unet", "width": 2}),
        ("detection", "voc", {"name": "yolo5", "size": "n"}),
    ],
)
def test_without_the_data(task, data, model):
    told = []
    report(told.append, Job(task, data, None, [model]), [0], 5.0)
    kinds = [kind for kind, _, _ in told]
    assert kinds[:4] == ["data", "parameters", "begun", "epochs"]
    assert kinds[-1] == "done"
    values = {kind: value for kind, _, value in told}
    assert 0 < values["per_image"] < 5
    assert values["data"].note.startswith(f"{data} is not there")
    row = choice._row(Job(task, data, None, ()), values["data"], model, Cost(values["parameters"], values["per_image"]))
    assert len(row) == len(HEAD_WITHOUT_DATA)


def test_what_takes_too_long_is_stopped(few, monkeypatch):
    monkeypatch.setattr(choice, "SECONDS", 0.5)
    monkeypatch.setattr(choice, "LEAST", 0.5)
    few({"name": "vgg", "depth": 19}, {"name": "resnet", "depth": 152})
    found = choices("classification", "fashion-mnist-mini", data_root=None, progress=Silence())
    assert {row[0] for row in found.rows} == {"vgg model.depth=19", "resnet model.depth=152"}
    assert all(row[2].startswith(("> ", "not measured")) for row in found.rows)
    assert any("notebook" in note for note in found.notes)


def test_times_of_an_epoch():
    data = Data(train=1000, val=300, note=None, machine="a machine")
    row = choice._row(
        Job("classification", "cifar10", None, ()),
        data,
        {"name": "resnet", "depth": 18},
        Cost(parameters=11_173_962, per_image=0.1, epochs=10),
    )
    assert row == [
        "resnet model.depth=18",
        "11.17 M",
        "1.8 min",
        "18 min (10 epochs)",
        "CIFAR-10 accuracy 95.3 % (DeVries & Taylor 2017, 200 epochs)",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.01, "0.1 s"),
        (0.34, "0.3 s"),
        (9.96, "10 s"),
        (89, "89 s"),
        (90, "1.5 min"),
        (3000, "50 min"),
        (5400, "1.5 h"),
        (40000, "11 h"),
        (200000, "2.3 days"),
    ],
)
def test_durations(seconds, told):
    assert choice._duration(seconds) == told


@pytest.mark.parametrize(
    ("task", "data", "told"),
    [
        ("clasification", "cifar10", "Did you mean 'classification'"),
        ("classification", "cifar11", "Did you mean 'cifar10'"),
        ("detection", "cifar10", "has targets for classification"),
    ],
)
def test_mistakes(task, data, told):
    with pytest.raises(SettingsError, match=told):
        choices(task, data, data_root=None, progress=Silence())


@pytest.mark.parametrize("task", ["classification", "segmentation", "detection"])
def test_every_architecture_of_a_task_is_shown(task):
    names = [model["name"] for model in models_of(task)]
    offered = [name for name, entry in catalog.architectures().items() if task in entry.tasks]
    assert {name for name in offered if "<" not in name} <= set(names)
    assert all(any(name.startswith(each.split("/")[0]) for name in names) for each in offered if "<" in each)


def test_figures_and_variants_name_what_there_is():
    from vyvod.models.build import resolve
    from vyvod.models.contract import ModelSettings

    offered = catalog.architectures()
    for name, variants in VARIANTS.items():
        for options in variants:
            resolve(ModelSettings(name=name, **options))
    for name, figures in FIGURES.items():
        assert name in offered
        for each in figures:
            resolve(ModelSettings(name=name, **each.options))
            assert each.data is None or each.data in catalog.datasets()
        # Options that are not given are taken to be those of the first general figure: it has to be the default's.
        defaults = resolve(ModelSettings(name=name)).options.model_dump()
        given = {key for variant in VARIANTS.get(name, ()) for key in variant}
        first = next(each for each in figures if each.data is None)
        assert all(defaults[key] == value for key, value in first.options.items() if key not in given)


@pytest.mark.parametrize(
    ("model", "data", "told"),
    [
        ({"name": "resnet", "depth": 50}, "cifar10", "ImageNet top-1 76.1 % (torchvision)"),
        ({"name": "resnet", "depth": 18}, "cifar100", "CIFAR-100 accuracy 77.5 % (DeVries & Taylor 2017, 200 epochs)"),
        ({"name": "vgg", "depth": 16, "batch_norm": False}, "voc", "ImageNet top-1 71.6 % (torchvision)"),
        ({"name": "unet", "width": 32}, "voc", None),
        ({"name": "plain"}, "cifar10", None),
        ({"name": "./my_net.py"}, "cifar10", None),
    ],
)
def test_published_figures(model, data, told):
    assert figure(model, data) == told


def test_torch_is_loaded_by_the_measuring_process_only():
    code = "import sys, vyvod.coursework.choice; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert done.stdout.strip() == "False"
