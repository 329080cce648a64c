"""Darknet's ``.weights`` files: numbers without names.

Redmon's program (https://pjreddie.com/darknet, public domain) and Bochkovskiy's (https://github.com/AlexeyAB/darknet). A file is
a header of 16 or 20 bytes and float32 numbers, little endian, convolution by convolution in the order of the cfg: with batch norm
beta, gamma, mean, variance and weights, without it bias and weights. Nothing in it says which network it belongs to, so the
number of bytes has to be exactly that of the network. Partial files (``darknet53.conv.74``) hold the first layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vyvod.errors import WeightsError

PARTIAL = re.compile(r"\.conv\.\d+$")
"""How the names of partial files end."""
NUMBER = 4
"""Bytes of a float32."""
KNOWN = {
    62_001_757: "model=yolo3 model.size=full",
    8_858_734: "model=yolo3 model.size=tiny",
    63_052_381: "model=yolo3 model.size=spp",
    64_429_405: "model=yolo4 model.size=full",
    6_062_814: "model=yolo4 model.size=tiny",
}
"""Numbers in the published files for 80 classes -> which network they are for."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution as darknet writes it."""

    name: str
    filters: int
    channels: int
    """That each filter sees: those of the input divided by the groups."""
    size: int
    """Side of a filter in pixels."""
    norm: bool
    """With batch norm and without bias, or the other way round."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Darknet's names of the tensors -> shapes, in the order of the file."""
        vectors = ("biases", "scales", "rolling_mean", "rolling_variance") if self.norm else ("biases",)
        return dict.fromkeys(vectors, (self.filters,)) | {
            "weights": (self.filters, self.channels, self.size, self.size)
        }

    @property
    def numbers(self) -> int:
        """How many numbers it has in the file."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a ``.weights`` file."""

    version: tuple[int, int, int]
    seen: int
    """Images that it was trained on."""
    values: np.ndarray
    """``(n,)`` float32."""
    header: int
    """Bytes before the numbers."""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.header + NUMBER * len(self.values)


def read(path: Path, build: Callable[[int], nn.Module]) -> dict[str, Tensor] | None:
    """The weights of a network in a darknet file, of any number of classes.

    Args:
        path: of the file.
        build: gives the network for a number of classes. Its convolutions are in blocks with the attributes ``conv`` and ``norm``
            (None: the output of a level), registered in the order of the cfg; ``scales`` has the anchors.

    Returns:
        Name -> tensor, as in the network's state dict; of the first layers only for a partial file. None: it is no darknet file.

    Raises:
        WeightsError: it is truncated, damaged, or of another network.
    """
    if path.suffix != ".weights" and not PARTIAL.search(path.name):
        return None
    content = read_content(path)
    with torch.device("meta"):  # names and shapes only: no memory, and no draws from the generator
        model = build(1)
        layers = layers_of(model)
        classes = _classes(len(content.values), layers)
        if classes is not None:
            layers = layers_of(build(classes))
        elif not _is_beginning(len(content.values), layers):
            raise WeightsError(_of_another_network(path, content, layers))
    tensors = _checked(split(content.values, layers), path)
    if classes is not None:  # whole networks were trained with the published anchors, the beginnings of some with none
        scales: Any = model.scales
        tensors["anchors"] = torch.tensor([scale.anchors for scale in scales], dtype=torch.float32)
    return tensors


def read_content(path: Path) -> Content:
    """The header and the numbers of a ``.weights`` file.

    Raises:
        WeightsError: it is shorter than a header, or its length is not that of whole numbers.
    """
    data = path.read_bytes()
    if len(data) < 20:
        raise WeightsError(f"{path} is not a darknet file: {len(data)} bytes, less than a header. Copy it again.")
    major, minor, revision = (int(part) for part in np.frombuffer(data, "<i4", 3))
    header = 20 if major * 10 + minor >= 2 else 16
    if (len(data) - header) % NUMBER:
        raise WeightsError(
            f"{path} is truncated or not a darknet file: {len(data)} bytes are no header of {header} and whole float32 numbers. "
            "Copy or download it again."
        )
    seen = int(np.frombuffer(data, "<u8" if header == 20 else "<u4", 1, offset=12)[0])
    return Content((major, minor, revision), seen, np.frombuffer(data, "<f4", offset=header), header)


def split(values: np.ndarray, layers: Iterable[Layer]) -> dict[str, dict[str, np.ndarray]]:
    """Cut the numbers of a file into tensors.

    Args:
        values: ``(n,)`` float32.
        layers: as many as the file has, or more.

    Returns:
        Name of the layer -> darknet's name of the tensor -> values.
    """
    parts, start = dict[str, dict[str, np.ndarray]](), 0
    for layer in layers:
        if start == len(values):
            break
        parts[layer.name] = {}
        for name, shape in layer.shapes.items():
            end = start + int(np.prod(shape))
            parts[layer.name][name] = values[start:end].reshape(shape)
            start = end
    return parts


def layers_of(model: nn.Module) -> list[Layer]:
    """The convolutions of a network of ours, in the order in which darknet writes them."""
    return [
        Layer(
            name, block.conv.out_channels, block.conv.weight.shape[1], block.conv.kernel_size[0], block.norm is not None
        )
        for name, block in _blocks(model)
    ]


def _blocks(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Blocks with ``conv`` and ``norm``, by name."""
    for name, module in model.named_modules():
        if isinstance(getattr(module, "conv", None), nn.Conv2d) and hasattr(module, "norm"):
            yield name, module


OUR_NAMES = {
    "scales": "norm.weight",
    "rolling_mean": "norm.running_mean",
    "rolling_variance": "norm.running_var",
    "weights": "conv.weight",
}


def _checked(parts: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> dict[str, Tensor]:
    """The tensors under our names, once every number is found to be possible."""
    tensors = {}
    for layer, arrays in parts.items():
        for name, values in arrays.items():
            if not np.isfinite(values).all() or (name == "rolling_variance" and (values < 0).any()):
                raise WeightsError(
                    f"{path} has the right number of bytes, but {name} of layer {layer} holds numbers that cannot be: it is "
                    "damaged, or of another network of the same size."
                )
            ours = OUR_NAMES.get(name, "norm.bias" if "scales" in arrays else "conv.bias")
            tensors[f"{layer}.{ours}"] = torch.from_numpy(values.astype(np.float32))
    return tensors


def _classes(numbers: int, layers: Sequence[Layer]) -> int | None:
    """For how many classes the network has that many numbers; None: for none. ``layers`` are those for one class."""
    outputs = [layer for layer in layers if not layer.norm]
    # Each output has 5 + K numbers for each anchor, and each of them a bias and a weight for each channel.
    per_class = sum(layer.filters // 6 * (layer.channels + 1) for layer in outputs)
    more, rest = divmod(numbers - sum(layer.numbers for layer in layers), per_class)
    return more + 1 if rest == 0 and more >= 0 else None


def _is_beginning(numbers: int, layers: Sequence[Layer]) -> bool:
    """Whether a file ends with a layer, before the first output, whose size depends on the classes."""
    first_output = next((place for place, layer in enumerate(layers) if not layer.norm), len(layers))
    return numbers in accumulate(layer.numbers for layer in layers[:first_output])


def _of_another_network(path: Path, content: Content, layers: Sequence[Layer]) -> str:
    one = content.header + NUMBER * sum(layer.numbers for layer in layers)
    two = one + NUMBER * sum(layer.filters // 6 * (layer.channels + 1) for layer in layers if not layer.norm)
    known = KNOWN.get(len(content.values))
    cure = f"It is as long as the published file for {known}." if known else (
        "Choose the architecture and model.size that it was trained with; if they are right, it is truncated: copy it again."
    )  # fmt: skip
    return (
        f"{path} has {content.size:,} bytes, which fits no number of classes: this network's file has "
        f"{one + 79 * (two - one):,} bytes for 80 classes, and {two - one:,} more or less for each class. {cure}"
    )
