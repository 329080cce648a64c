"""YOLO v5's ``.pt`` files: a whole network as a Python object, of which only the numbers are taken.

Such a file names classes of the program that wrote it. Here each of these names stands for an empty shell that keeps what it is
given, so nothing of that program is needed and nothing in the file runs; a file that names anything else is refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vyvod.errors import WeightsError

SUFFIXES = (".pt", ".pth")
INERT = re.compile(
    r"models\.(yolo|common|experimental)\.\w+|utils\.\w+(\.\w+)*|torch\.nn\.modules\.\w+\.\w+|argparse\.Namespace"
    r"|pathlib(\._local)?\.(Posix|Windows|Pure\w*)?Path|numpy(\._?core\.multiarray)?\.(_reconstruct|scalar|ndarray|dtype)"
)
"""Names in the files of YOLO v5 that are replaced by shells."""
SIZES = {16: "n", 32: "s", 48: "m", 64: "l", 80: "x"}
"""Filters of the first layer -> model.size."""
FIRST = "model.0.conv.weight"
ANCHORS = "model.24.anchors"


class Shell:
    """What stands in for an object of a foreign class: it keeps its attributes and does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        """Keep the attributes; other states are of no use."""
        if isinstance(state, dict):
            self.__dict__.update(state)


def read(path: Path, size: str) -> dict[str, Tensor] | None:
    """The weights of a YOLO v5 in a file of its program.

    Args:
        path: of the file.
        size: n, s, m, l or x, of the network that they are for.

    Returns:
        Official name -> tensor, float32 where the file has float16; of the moving average if there is one. None: the file holds
        no object of that program.

    Raises:
        WeightsError: it is of another version or size, or names what is not known, which might be code.
    """
    names = _foreign_names(path) if path.suffix in SUFFIXES else set()
    if not names:
        return None
    _refuse_unknown(path, names)
    content = _load(path, names)
    network = next((content[key] for key in ("ema", "model") if isinstance(content.get(key), Shell)), None)
    if network is None:
        raise WeightsError(f"{path} holds no network: expected one under 'model' or 'ema', as YOLO v5 writes it.")
    tensors = {name: _single(tensor) for name, tensor in _tensors(network) if not name.endswith(".anchor_grid")}
    _check_version(path, tensors, size)
    return tensors


def _foreign_names(path: Path) -> set[str]:
    """Names in the file beyond those of tensors; none where it cannot be read, which the usual reader explains."""
    try:
        return set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # a damaged file can fail in any line
        return set()


def _refuse_unknown(path: Path, names: Iterable[str]) -> None:
    unknown = sorted(name for name in names if not INERT.fullmatch(name))
    if any(name.startswith("ultralytics.") for name in unknown):
        raise WeightsError(
            f"{path} is of the ultralytics package (such as yolov5su.pt): a network without anchors under the name of YOLO v5. "
            "model=yolo5 is the network with anchors; its files are called yolov5n.pt to yolov5x.pt."
        )
    if unknown:
        raise WeightsError(
            f"{path} holds more than weights ({unknown[0]}), which could run code: it was not loaded, and nothing in it ran. "
            "Save only the tensors, torch.save(model.state_dict(), ...), or use .safetensors."
        )


def _load(path: Path, names: Iterable[str]) -> Mapping[str, Any]:
    shells: list[Any] = [(Shell, name) for name in names]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(shells):
            warnings.simplefilter("ignore")  # about old formats and pickle protocols
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail in any line of the unpickler
        said = " ".join(str(error).split("WeightsUnpickler error:")[-1].split())[:100]
        raise WeightsError(f"{path} is not a readable file of YOLO v5 ({said}). Nothing in it ran.") from error
    return content if isinstance(content, Mapping) else {"model": content}


def _tensors(module: Shell, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers of a module and of those in it, as ``state_dict`` names them."""
    kept = vars(module)
    temporary = kept.get("_non_persistent_buffers_set", ())
    for name, tensor in [*kept.get("_parameters", {}).items(), *kept.get("_buffers", {}).items()]:
        if isinstance(tensor, Tensor) and name not in temporary:
            yield f"{prefix}{name}", tensor.detach()
    for name, inner in kept.get("_modules", {}).items():
        if isinstance(inner, Shell):
            yield from _tensors(inner, f"{prefix}{name}.")


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _check_version(path: Path, tensors: Mapping[str, Tensor], size: str) -> None:
    if "model.0.conv.conv.weight" in tensors:
        raise WeightsError(
            f"{path} is of YOLO v5 5.0 or older, whose first layer is another. Take a file of version 6.0 or later."
        )
    if "model.33.anchors" in tensors:
        raise WeightsError(
            f"{path} is a P6 network for images of 1280 pixels (yolov5n6.pt and so on), which model=yolo5 has not. "
            f"Take {_file(size)}."
        )
    if ANCHORS not in tensors:
        raise WeightsError(
            f"{path} has no {ANCHORS}: a network without anchors (such as yolov5su.pt), a classifier or a segmenter. "
            f"Take {_file(size)}."
        )
    theirs = SIZES.get(tensors[FIRST].shape[0]) if FIRST in tensors else None
    if theirs is not None and theirs != size:
        raise WeightsError(f"{path} is a YOLO v5 {theirs}, the network is {size}: write model.size={theirs}.")
    if not any(".bn." in name for name in tensors):
        raise WeightsError(
            f"{path} has its batch norms merged into the convolutions, so it cannot be trained on. "
            f"Take {_file(size)} as it was published."
        )


def _file(size: str) -> str:
    return f"yolov5{size}.pt"
