"""Reading what others saved, and putting it where it fits."""

import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from vyvod.errors import RunError, WeightsError
from vyvod.models.build import build, resolve
from vyvod.models.contract import ModelSettings
from vyvod.models.weights import (
    Weights,
    imagenet_normalisation,
    load_weights,
    read_source,
    read_weights,
    save_weights,
)
from vyvod.types import InputSpec

SMALL = InputSpec(3, 16, 16)
HEAD = ("head",)
HEAD_OF_READER = ("2",)


def plain(classes: int = 10, **options: object) -> nn.Module:
    return build(resolve(ModelSettings(name="plain", **{"width": 4, **options})), SMALL, classes)


def weights_of(model: nn.Module) -> Weights:
    return Weights({name: tensor.clone() for name, tensor in model.state_dict().items()}, "theirs.pth")


def same(ours: nn.Module, theirs: nn.Module, *, without: str = "-") -> bool:
    pairs = zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True)
    return all(torch.equal(mine, yours) for (name, mine), yours in pairs if not name.startswith(without))


def test_written_and_read_again(tmp_path: Path) -> None:
    model = plain()
    save_weights(model, tmp_path / "w.safetensors", {"epoch": "7"})
    read = read_weights(tmp_path / "w.safetensors")
    assert read.metadata == {"epoch": "7"}
    other = plain()
    assert not same(other, model)
    loaded = load_weights(other, read, head=HEAD, whole=True)
    assert same(other, model)
    assert loaded.record() == {"source": str(tmp_path / "w.safetensors"), "loaded": 38, "not_loaded": []}
    assert loaded.sentence() == f"Weights from {tmp_path / 'w.safetensors'}: 38 of 38 tensors loaded."


def test_shared_tensors_and_strided_tensors_are_written(tmp_path: Path) -> None:
    tied = nn.Linear(3, 3)
    model = nn.ModuleDict({"a": tied, "b": tied, "c": nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)})
    save_weights(model, tmp_path / "w.safetensors", {})
    read = read_weights(tmp_path / "w.safetensors").tensors
    assert torch.equal(read["a.weight"], read["b.weight"])
    assert torch.equal(read["c.weight"], model["c"].weight)


def test_a_place_where_nobody_can_write() -> None:
    with pytest.raises(RunError, match=r"/proc/w\.safetensors could not be written"):
        save_weights(plain(), Path("/proc/w.safetensors"), {})


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".th", ".bin"])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "model_state_dict"])
def test_torch_files_and_their_wrappers(tmp_path: Path, suffix: str, wrapper: str | None) -> None:
    model, other = plain(), plain()
    content = model.state_dict() if wrapper is None else {"epoch": 3, wrapper: model.state_dict()}
    torch.save(content, tmp_path / f"w{suffix}")
    load_weights(other, read_weights(tmp_path / f"w{suffix}"), head=HEAD, whole=True)
    assert same(other, model)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_prefixes_of_wrapped_networks(tmp_path: Path, prefix: str) -> None:
    model = plain()
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    torch.save(state | {"n_averaged": torch.tensor(3)}, tmp_path / "w.pth")
    assert list(read_weights(tmp_path / "w.pth").tensors) == list(model.state_dict())


def test_a_part_called_module_keeps_its_name(tmp_path: Path) -> None:
    torch.save({"module.weight": torch.zeros(2), "other.weight": torch.zeros(2)}, tmp_path / "w.pth")
    assert list(read_weights(tmp_path / "w.pth").tensors) == ["module.weight", "other.weight"]


class Hostile:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> object:
        return os.system, (f"touch '{self.witness}'",)


@pytest.mark.parametrize("protocol", [None, 2, 4])
def test_a_hostile_pickle_does_not_run(tmp_path: Path, protocol: int | None) -> None:
    content = {"state_dict": {"weight": torch.zeros(2)}, "extra": Hostile(tmp_path / "witness")}
    if protocol is None:
        torch.save(content, tmp_path / "w.pth")
    else:
        (tmp_path / "w.pth").write_bytes(pickle.dumps({"extra": content["extra"]}, protocol))
    with pytest.raises(WeightsError, match=r"nothing in it\s+ran|Nothing in it ran"):
        read_weights(tmp_path / "w.pth")
    assert not (tmp_path / "witness").exists()
    # The same object runs where a pickle is simply loaded.
    pickle.loads(pickle.dumps(Hostile(tmp_path / "witness")))
    assert (tmp_path / "witness").exists()


def test_a_whole_network_in_a_file_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"torch.nn.modules.linear.Linear.*Save only the tensors"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".th"])
def test_damaged_files(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".safetensors":
        save_weights(plain(), whole, {})
    else:
        torch.save(plain().state_dict(), whole, _use_new_zipfile_serialization=suffix == ".pth")
    data, file = whole.read_bytes(), tmp_path / f"w{suffix}"
    for damaged in (data[: len(data) // 2], data[:-1], data[:10], b"hello, this is text\n", b"<html>" * 99, bytes(999)):
        file.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"is not a readable (torch|safetensors) file"):
            read_weights(file)
    file.write_bytes(b"")
    with pytest.raises(WeightsError, match="is empty"):
        read_weights(file)


def test_files_without_weights(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds no weights"):
        read_weights(tmp_path / "w.pth")
    torch.save([torch.zeros(2)], tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds no weights"):
        read_weights(tmp_path / "w.pth")
    (tmp_path / "w.h5").write_bytes(b"x")
    with pytest.raises(WeightsError, match="not a known format"):
        read_weights(tmp_path / "w.h5")
    with pytest.raises(WeightsError, match="no file of weights"):
        read_weights(tmp_path / "absent.pth")


def test_a_head_for_other_classes_is_left_out() -> None:
    theirs, ours = plain(12), plain(10)
    fresh = ours.head.weight.clone()
    loaded = load_weights(ours, weights_of(theirs), head=HEAD)
    assert same(ours, theirs, without="head")
    assert torch.equal(ours.head.weight, fresh)
    assert loaded.not_loaded == ("head.weight", "head.bias")
    assert loaded.sentence() == (
        "Weights from theirs.pth: 36 of 38 tensors loaded; newly initialised: head.weight, head.bias "
        "(the weights have 12 classes, the data set 10)."
    )


def test_weights_without_a_head() -> None:
    theirs = weights_of(plain())
    body = Weights({name: tensor for name, tensor in theirs.tensors.items() if not name.startswith("head")}, "body.pth")
    assert "the weights have no such head" in load_weights(plain(), body, head=HEAD).sentence()
    with pytest.raises(WeightsError, match=r"lack the head of the network \(head.weight, head.bias\)"):
        load_weights(plain(), body, head=HEAD, whole=True)


def test_evaluation_needs_the_head() -> None:
    ours = plain(12)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    with pytest.raises(WeightsError, match="have 10 classes, the data set 12"):
        load_weights(ours, weights_of(plain(10)), head=HEAD, whole=True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def test_old_files_do_not_count_batches() -> None:
    theirs = weights_of(plain())
    old = {name: tensor for name, tensor in theirs.tensors.items() if not name.endswith("num_batches_tracked")}
    assert not load_weights(plain(), Weights(old, "old.pth"), head=HEAD, whole=True).not_loaded


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        (
            {"width": 8},
            r"7 of the network's 38 tensors fit; of another shape: stages.0.0.weight \(8x3x3x3 in the file, 4x3x3x3",
        ),
        ({"stages": 2}, r"missing: stages.2.0.weight, .* and 6 more"),
        ({"stages": 4}, r"without a place: stages.3.0.weight"),
        ({"depth": 3}, r"without a place: stages.0.6.weight, .* and 14 more"),
    ],
)
def test_weights_of_another_network(theirs: dict[str, int], sentence: str) -> None:
    with pytest.raises(WeightsError, match=f"belong to another network: .*{sentence}"):
        load_weights(plain(), weights_of(plain(**theirs)), head=HEAD)


def test_a_deeper_network_does_not_pass_for_a_shallower_one() -> None:
    deep, shallow = (build(resolve(ModelSettings(name="resnet", depth=depth)), SMALL, 10) for depth in (32, 20))
    assert set(shallow.state_dict()) < set(deep.state_dict())
    with pytest.raises(WeightsError, match=r"116 of the network's 116 tensors fit; without a place: layer1.3"):
        load_weights(shallow, weights_of(deep), head=("fc", "linear"))


def test_sources(tmp_path: Path) -> None:
    architecture = resolve(ModelSettings(name="plain"))
    with pytest.raises(WeightsError, match=r"there is no such file or folder .* Did you mean 'imagenet'\?"):
        read_source("imagnet", architecture)
    with pytest.raises(WeightsError, match="expected a run that has finished an epoch"):
        read_source(str(tmp_path), architecture)
    with pytest.raises(WeightsError, match="There are no ImageNet weights for model=plain"):
        read_source("imagenet", architecture)
    save_weights(plain(), tmp_path / "checkpoints" / "best.safetensors", {})
    assert len(read_source(str(tmp_path), architecture).tensors) == 38


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no network."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    return tmp_path / "checkpoints"


def test_imagenet_weights_without_a_network(hub: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        read_source("imagenet", resolve(ModelSettings(name="resnet", weights="imagenet")))
    assert str(caught.value) == (
        "The ImageNet weights of model=resnet could not be fetched (OSError: Network is unreachable). "
        f"resnet18-f37072fd.pth is expected in {hub} and comes from "
        "https://download.pytorch.org/models/resnet18-f37072fd.pth; without a network, fetch it elsewhere and give it as "
        "model.weights=FILE."
    )


def test_imagenet_weights_from_the_cache(hub: Path) -> None:
    architecture = resolve(ModelSettings(name="resnet", weights="imagenet"))
    hub.mkdir()
    theirs = build(architecture, InputSpec(3, 64, 64), 1000)
    torch.save(theirs.state_dict(), hub / "resnet18-f37072fd.pth")
    ours = build(architecture, InputSpec(3, 64, 64), 10)
    loaded = load_weights(ours, read_source("imagenet", architecture), head=architecture.head)
    assert loaded.source == "imagenet (resnet18-f37072fd.pth)"
    assert loaded.not_loaded == ("fc.weight", "fc.bias")
    assert torch.equal(ours.conv1.weight, theirs.conv1.weight)


def test_imagenet_weights_of_ones_own_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        'TASKS = ("classification",)\n'
        "def build(options, spec, classes): return nn.Sequential(nn.Flatten(), nn.Linear(768, classes))\n"
        "def pretrained(options): return lambda: build(options, None, 5).state_dict()\n"
    )
    architecture = resolve(ModelSettings(name=str(tmp_path / "net.py"), weights="imagenet"))
    loaded = load_weights(build(architecture, SMALL, 5), read_source("imagenet", architecture), head=())
    assert loaded.record() == {"source": "imagenet", "loaded": 2, "not_loaded": []}
    assert imagenet_normalisation(architecture) is None


@pytest.mark.parametrize(
    ("name", "options", "mean"),
    [
        ("resnet", {}, (0.485, 0.456, 0.406)),
        ("efficientnet", {"variant": "v2-l"}, (0.5, 0.5, 0.5)),
        ("timm/vit_tiny_patch16_224", {}, (0.5, 0.5, 0.5)),
        ("timm/resnet10t", {}, (0.485, 0.456, 0.406)),
    ],
)
def test_normalisation_of_imagenet_weights(name: str, options: dict[str, str], mean: tuple[float, ...]) -> None:
    assert imagenet_normalisation(resolve(ModelSettings(name=name, weights="imagenet", **options)))[0] == mean


def test_safetensors_of_others(tmp_path: Path) -> None:
    model = plain()
    safetensors.torch.save_file(
        {f"module.{name}": tensor for name, tensor in model.state_dict().items()}, tmp_path / "w.safetensors"
    )
    other = plain()
    load_weights(other, read_weights(tmp_path / "w.safetensors"), head=HEAD)
    assert same(other, model)


READER = '''"""A net of mine, with files of its own."""
import torch
from torch import nn
from vyvod.errors import WeightsError

TASKS = ("classification",)
HEAD = ("2",)


def build(options, spec, classes):
    return nn.Sequential(nn.Linear(3, 3), nn.Flatten(), nn.Linear(3, 2 * classes))


def classes_of(outputs):
    return outputs // 2


def read(path, options):
    if path.suffix != ".mine":
        return None
    return {name: torch.full(shape, 7.0) for name, shape in SHAPES.items()}
'''


@pytest.mark.parametrize(
    ("shapes", "fresh", "reason"),
    [
        ({"0.weight": (3, 3), "0.bias": (3,), "2.weight": (4, 3), "2.bias": (4,)}, (), ""),
        ({"0.weight": (3, 3), "0.bias": (3,)}, ("2.weight", "2.bias"), "the weights have no such head"),
        (
            {"0.weight": (3, 3), "0.bias": (3,), "2.weight": (10, 3), "2.bias": (10,)},
            ("2.weight", "2.bias"),
            "the weights have 5 classes, the data set 2",
        ),
        (
            {"0.weight": (3, 3)},
            ("0.bias", "2.weight", "2.bias"),
            "the weights are for the beginning of the network only",
        ),
    ],
)
def test_files_of_an_architectures_own(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], fresh: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "net.py").write_text(READER.replace("SHAPES", repr(shapes)))
    (tmp_path / "w.mine").write_bytes(b"x")
    architecture = resolve(ModelSettings(name=str(tmp_path / "net.py")))
    weights = read_source(str(tmp_path / "w.mine"), architecture)
    ours = architecture.module.build(None, None, 2)
    loaded = load_weights(ours, weights, head=HEAD_OF_READER)
    assert (loaded.not_loaded, loaded.reason) == (fresh, reason)
    assert ours[0].weight.eq(7).all()
    if fresh:
        before = ours[0].weight.clone()
        with pytest.raises(WeightsError):
            load_weights(ours, weights, head=HEAD_OF_READER, whole=True)
        assert torch.equal(ours[0].weight, before)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ({"other": (3,)}, "0 of the network's 4 tensors fit.*without a place: other"),
        ({}, "0 of the network's 4 tensors fit; missing: 0.weight, 0.bias"),
        ({"0.weight": (3, 4)}, "of another shape: 0.weight"),
    ],
)
def test_a_partial_file_still_has_to_fit(tmp_path: Path, shapes: dict[str, tuple[int, ...]], sentence: str) -> None:
    (tmp_path / "net.py").write_text(READER.replace("SHAPES", repr(shapes)))
    (tmp_path / "w.mine").write_bytes(b"x")
    architecture = resolve(ModelSettings(name=str(tmp_path / "net.py")))
    with pytest.raises(WeightsError, match=sentence):
        load_weights(
            architecture.module.build(None, None, 2),
            read_source(str(tmp_path / "w.mine"), architecture),
            head=HEAD_OF_READER,
        )


def test_a_reader_that_fails_and_one_that_declines(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(READER)
    architecture = resolve(ModelSettings(name=str(tmp_path / "net.py")))
    (tmp_path / "w.mine").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"read of model=.* fails on .*w.mine: NameError: name 'SHAPES'"):
        read_source(str(tmp_path / "w.mine"), architecture)
    model = architecture.module.build(None, None, 2)
    save_weights(model, tmp_path / "w.safetensors", {})
    assert len(read_source(str(tmp_path / "w.safetensors"), architecture).tensors) == 4
    (tmp_path / "w.mine").write_bytes(b"")
    with pytest.raises(WeightsError, match="is empty"):
        read_source(str(tmp_path / "w.mine"), architecture)


def test_a_frozen_batch_norm_does_not_count_batches() -> None:
    def network(norm: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 1), norm)

    theirs, ours = network(nn.BatchNorm2d(4)), network(FrozenBatchNorm2d(4))
    assert not load_weights(ours, weights_of(theirs), head=()).not_loaded
    assert not load_weights(theirs, weights_of(ours), head=()).not_loaded


def test_weights_of_coco_only_where_there_are_some() -> None:
    with pytest.raises(WeightsError, match=r"There are no COCO weights for model=plain .* or leave out model.weights"):
        read_source("coco", resolve(ModelSettings(name="plain", weights="coco")))
