"""Darknet's files: every byte in its place, and files that do not fit."""

from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.yolo.darknet_files import parse_cfg, write_weights
from torch import nn

from vyvod.errors import WeightsError
from vyvod.models.build import Architecture, build, resolve
from vyvod.models.contract import ModelSettings
from vyvod.models.weights import load_weights, read_source
from vyvod.models.yolo import darknet
from vyvod.types import InputSpec

SPEC = InputSpec(3, 64, 64)
TINY = resolve(ModelSettings(name="yolo3", size="tiny"))
PUBLISHED = [
    ("yolo3", "full", 248_007_048),
    ("yolo3", "tiny", 35_434_956),
    ("yolo3", "spp", 252_209_544),
    ("yolo4", "full", 257_717_640),
    ("yolo4", "tiny", 24_251_276),
]
BEGINNINGS = [
    ("yolo3", "full", 162_482_580),
    ("yolo4", "full", 170_038_676),
    ("yolo4", "tiny", 19_789_716),
    ("yolo3", "tiny", 30_973_396),
]
"""darknet53.conv.74, yolov4.conv.137, yolov4-tiny.conv.29, yolov3-tiny.conv.15."""


def on_meta(architecture: Architecture, classes: int) -> nn.Module:
    with torch.device("meta"):
        return architecture.module.build(architecture.options, SPEC, classes)


def with_numbers(model: nn.Module) -> nn.Module:
    """Batch norms that are not all alike."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                tensor.data.uniform_(0.5, 1.5)
    return model


def tiny(classes: int) -> nn.Module:
    return with_numbers(build(TINY, SPEC, classes))


def written(model: nn.Module, path: Path, **more: int) -> Path:
    write_weights(model, path, **more)
    return path


@pytest.mark.parametrize(("name", "size", "expected"), PUBLISHED)
def test_published_files_have_as_many_bytes_as_the_network(name: str, size: str, expected: int) -> None:
    layers = darknet.layers_of(on_meta(resolve(ModelSettings(name=name, size=size)), 80))
    assert 20 + 4 * sum(layer.numbers for layer in layers) == expected


@pytest.mark.parametrize(("name", "size", "expected"), BEGINNINGS)
def test_published_beginnings_end_with_a_layer(name: str, size: str, expected: int) -> None:
    layers = darknet.layers_of(on_meta(resolve(ModelSettings(name=name, size=size)), 80))
    assert expected in [20 + 4 * number for number in accumulate(layer.numbers for layer in layers)]


@pytest.mark.parametrize("known", darknet.KNOWN)
def test_known_lengths_are_those_of_our_networks(known: int) -> None:
    name, size = (word.split("=")[1] for word in darknet.KNOWN[known].split())
    assert (
        sum(layer.numbers for layer in darknet.layers_of(on_meta(resolve(ModelSettings(name=name, size=size)), 80)))
        == known
    )


def test_order_of_the_numbers_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "w.weights"
    header = np.array([0, 2, 0], "<i4").tobytes() + np.array([6400], "<u8").tobytes()
    path.write_bytes(header + np.arange(4 * 2 + 2 * 3 * 1 + 1 + 2, dtype="<f4").tobytes())
    layers = [darknet.Layer("a", 2, 3, 1, norm=True), darknet.Layer("b", 1, 2, 1, norm=False)]
    content = darknet.read_content(path)
    assert (content.version, content.seen, content.header) == ((0, 2, 0), 6400, 20)
    parts = {
        layer: {name: values.tolist() for name, values in arrays.items()}
        for layer, arrays in darknet.split(content.values, layers).items()
    }
    assert parts == {
        "a": {
            "biases": [0, 1],
            "scales": [2, 3],
            "rolling_mean": [4, 5],
            "rolling_variance": [6, 7],
            "weights": [[[[8]], [[9]], [[10]]], [[[11]], [[12]], [[13]]]],
        },
        "b": {"biases": [14], "weights": [[[[15]], [[16]]]]},
    }


@pytest.mark.parametrize(("version", "length"), [((0, 1, 0), 16), ((0, 2, 0), 20), ((0, 2, 5), 20), ((1, 0, 0), 20)])
def test_old_headers_are_shorter(tmp_path: Path, version: tuple[int, int, int], length: int) -> None:
    seen = np.array([32_013_312], "<u8" if length == 20 else "<u4").tobytes()
    (tmp_path / "w.weights").write_bytes(np.array(version, "<i4").tobytes() + seen + np.ones(5, "<f4").tobytes())
    content = darknet.read_content(tmp_path / "w.weights")
    assert (content.header, content.seen, content.values.tolist()) == (length, 32_013_312, [1] * 5)


def test_a_real_file_to_its_last_byte(shared_data: Path) -> None:
    folder = shared_data / "weights" / "yolo_fastest_darknet"
    layers = parse_cfg((folder / "yolo-fastest-1.1.cfg").read_text())
    content = darknet.read_content(folder / "yolo-fastest-1.1.weights")
    assert (content.version, content.header, len(layers)) == ((0, 2, 5), 20, 84)
    assert content.header + 4 * sum(layer.numbers for layer in layers) == 1_384_268 == content.size
    parts = darknet.split(content.values, layers)
    assert len(parts) == 84
    # Had one layer another shape, all that follows would be shifted, and weights would be taken for variances.
    assert all((arrays["rolling_variance"] > 0).all() for arrays in parts.values() if "scales" in arrays)
    outputs = [layer for layer in layers if not layer.norm]
    assert [(layer.name, layer.filters) for layer in outputs] == [("120", 255), ("129", 255)]


def test_cfg_by_hand() -> None:
    text = """
    [net]
    channels=1  # grey
    [convolutional]
    filters=8
    size=3
    batch_normalize=1
    [convolutional]
    filters=4
    groups=2
    size=1
    batch_normalize=1
    [route]
    layers=-1,0
    [convolutional]
    filters=6
    [route]
    layers = 0
    groups = 2
    group_id = 1
    [convolutional]
    filters=2
    """
    assert parse_cfg(text) == [
        darknet.Layer("0", 8, 1, 3, norm=True),
        darknet.Layer("1", 4, 4, 1, norm=True),
        darknet.Layer("3", 6, 12, 1, norm=False),
        darknet.Layer("5", 2, 4, 1, norm=False),
    ]


def test_cfg_of_another_kind() -> None:
    with pytest.raises(ValueError, match=r"Layer 0 of the cfg is of a kind that is not known here: \[lstm\]"):
        parse_cfg("[net]\n[lstm]\n")
    with pytest.raises(ValueError, match="not a cfg file"):
        parse_cfg("nothing=1\n")


def test_a_whole_network_there_and_back(tmp_path: Path) -> None:
    theirs, ours = tiny(3), tiny(3)
    path = written(theirs, tmp_path / "w.weights", seen=640)
    assert path.stat().st_size == 20 + 4 * sum(layer.numbers for layer in darknet.layers_of(theirs))
    loaded = load_weights(ours, read_source(str(path), TINY), head=TINY.head, whole=True)
    assert not loaded.not_loaded
    state = theirs.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in ours.state_dict().items())


def test_reading_draws_nothing(tmp_path: Path) -> None:
    path = written(tiny(3), tmp_path / "w.weights")
    before = torch.get_rng_state()
    read_source(str(path), TINY)
    assert torch.equal(torch.get_rng_state(), before)


def test_eighty_classes_into_twenty(tmp_path: Path) -> None:
    theirs, ours = tiny(80), tiny(20)
    path = written(theirs, tmp_path / "yolov3-tiny.weights")
    fresh = ours.output16.conv.weight.clone()
    loaded = load_weights(ours, read_source(str(path), TINY), head=TINY.head)
    assert torch.equal(ours.features16.conv.weight, theirs.features16.conv.weight)
    assert torch.equal(ours.output16.conv.weight, fresh)
    assert loaded.not_loaded == tuple(
        f"output{stride}.conv.{name}" for stride in (32, 16) for name in ("weight", "bias")
    )
    assert "the weights have 80 classes, the data set 20" in loaded.sentence()
    with pytest.raises(WeightsError, match="have 80 classes, the data set 20"):
        load_weights(ours, read_source(str(path), TINY), head=TINY.head, whole=True)


def test_the_beginning_of_a_network(tmp_path: Path) -> None:
    theirs, ours = tiny(80), tiny(20)
    path = written(theirs, tmp_path / "yolov3-tiny.conv.15", layers=9)
    assert path.stat().st_size == 30_973_396
    fresh = ours.features16.conv.weight.clone()
    loaded = load_weights(ours, read_source(str(path), TINY), head=TINY.head)
    assert torch.equal(ours.features32.norm.running_var, theirs.features32.norm.running_var)
    assert torch.equal(ours.features16.conv.weight, fresh)
    assert "features16.conv.weight" in loaded.not_loaded
    assert "output32.conv.bias" in loaded.not_loaded
    assert "the weights are for the beginning of the network only" in loaded.sentence()
    with pytest.raises(WeightsError, match=r"for the beginning of the network only.* cannot be evaluated"):
        load_weights(ours, read_source(str(path), TINY), head=TINY.head, whole=True)


def test_a_file_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "yolov4-tiny.weights"
    path.write_bytes(np.array([0, 2, 5, 0, 0], "<i4").tobytes() + bytes(24_251_276 - 20))
    with pytest.raises(WeightsError) as caught:
        read_source(str(path), TINY)
    assert str(caught.value) == (
        f"{path} has 24,251,276 bytes, which fits no number of classes: this network's file has 35,434,956 bytes for 80 classes, "
        "and 9,240 more or less for each class. It is as long as the published file for model=yolo4 model.size=tiny."
    )


@pytest.mark.parametrize("lost", [4, 400, 20_000_000])
def test_a_truncated_file(tmp_path: Path, lost: int) -> None:
    path = written(tiny(3), tmp_path / "w.weights")
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(WeightsError, match=r"fits no number of classes: .*if they are right, it is truncated"):
        read_source(str(path), TINY)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is truncated or not a darknet file"):
        read_source(str(path), TINY)
    path.write_bytes(b"404 not found")
    with pytest.raises(WeightsError, match="13 bytes, less than a header"):
        read_source(str(path), TINY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_impossible_variances(tmp_path: Path, value: float) -> None:
    model = tiny(3)
    model.features16.norm.running_var[7] = value
    path = written(model, tmp_path / "w.weights")
    with pytest.raises(WeightsError, match="rolling_variance of layer features16 holds numbers that cannot be"):
        read_source(str(path), TINY)


def test_other_files_are_for_the_usual_reader(tmp_path: Path) -> None:
    assert darknet.read(tmp_path / "w.safetensors", lambda _: nn.Identity()) is None


def test_networks_that_are_not_of_darknet(tmp_path: Path) -> None:
    path = written(tiny(3), tmp_path / "w.weights")
    with pytest.raises(
        WeightsError, match=r"not a known format.* Files of darknet are for model=yolo3 and model=yolo4"
    ):
        read_source(str(path), resolve(ModelSettings(name="plain")))
