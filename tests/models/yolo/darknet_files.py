"""Darknet's files as a test makes and explains them: ``.weights`` written, ``.cfg`` read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from vyvod.models.yolo.darknet import Layer, layers_of


def write_weights(model: nn.Module, path: Path, *, layers: int | None = None, seen: int = 0) -> None:
    """Write a network as darknet does, with the header of version 0.2.5.

    Args:
        model: with blocks as in ``read``.
        path: of the file.
        layers: only the first so many convolutions, as in partial files.
        seen: images that it was trained on.
    """
    with path.open("wb") as file:
        file.write(np.array([0, 2, 5], "<i4").tobytes() + np.array([seen], "<u8").tobytes())
        for layer in layers_of(model)[:layers]:
            for tensor in _tensors(model.get_submodule(layer.name)):
                file.write(tensor.detach().cpu().numpy().astype("<f4").tobytes())


def _tensors(block: Any) -> list[Tensor]:
    """In the order of the file."""
    conv, norm = block.conv, block.norm
    if norm is None:
        return [conv.bias, conv.weight]
    return [norm.bias, norm.weight, norm.running_mean, norm.running_var, conv.weight]


def parse_cfg(text: str) -> list[Layer]:
    """The convolutions of a ``.cfg`` file, named by their place among its layers.

    Raises:
        ValueError: a layer is of a kind that changes channels in a way not known here.
    """
    net, *sections = _sections(text)
    given = [int(net.get("channels", "3"))]  # what comes into each layer, and at the end what comes out of the last
    layers = []
    for place, section in enumerate(sections):
        channels, layer = _channels_after(section, given, place)
        given.append(channels)
        layers += [layer] if layer else []
    return layers


def _sections(text: str) -> list[dict[str, str]]:
    """Sections of a cfg in order; the name of a section is under ``[``."""
    sections: list[dict[str, str]] = []
    for line in (line.partition("#")[0].strip() for line in text.splitlines()):
        if line.startswith("["):
            sections.append({"[": line.strip("[]")})
        elif "=" in line and sections:
            key, _, value = line.partition("=")
            sections[-1][key.strip()] = value.strip()
    if not sections:
        raise ValueError("This is not a cfg file of darknet: it has no sections such as [convolutional].")
    return sections


def _channels_after(section: Mapping[str, str], given: Sequence[int], place: int) -> tuple[int, Layer | None]:
    match section["["]:
        case "convolutional" | "conv":
            groups = int(section.get("groups", "1"))
            filters, size = int(section.get("filters", "1")), int(section.get("size", "1"))
            norm = section.get("batch_normalize", "0") == "1"
            return filters, Layer(str(place), filters, given[-1] // groups, size, norm)
        case "route":
            # Layer k comes out as what goes into the one behind it; negative numbers count back from here.
            numbers = [int(number) for number in section["layers"].split(",")]
            outputs = (given[(number if number >= 0 else place + number) + 1] for number in numbers)
            return sum(outputs) // int(section.get("groups", "1")), None
        case "shortcut" | "maxpool" | "avgpool" | "upsample" | "dropout" | "yolo":
            return given[-1], None
        case kind:
            raise ValueError(f"Layer {place} of the cfg is of a kind that is not known here: [{kind}].")
