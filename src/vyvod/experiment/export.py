"""A trained network as an ONNX file that takes plain images, checked against the network itself."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vyvod import __version__
from vyvod.errors import SettingsError, UserError
from vyvod.experiment.per_task import Trained
from vyvod.files import write_atomically
from vyvod.types import InputSpec

TOLERANCE = 1e-4
"""Largest difference of logits that is accepted, as a share of the largest logit (or of 1, where that is larger)."""
CHECKED_BATCHES = (1, 3)


def export_onnx(
    model: nn.Module,
    path: Path,
    *,
    spec: InputSpec,
    mean: Sequence[float],
    std: Sequence[float],
    classes: Sequence[str],
    output: str = "logits",
) -> float:
    """Write a network as one ONNX file and check it with onnxruntime.

    The graph takes ``images``, ``(N, C, H, W)`` float32 in 0..1 with any N, normalises them, and gives what the network gives,
    such as ``logits``, ``(N, K)`` float32. Metadata: ``classes``, ``mean``, ``std``, ``size`` (C, H, W) as JSON; ``vyvod``, our
    version.

    Args:
        model: the network; it is not changed.
        path: the file; written only if the check passes.
        spec: the size of its input.
        mean: of each channel (or one for all).
        std: of each channel (or one for all).
        classes: names of the classes in the order of the logits.
        output: name of the output.

    Returns:
        the largest absolute difference of outputs between onnxruntime and the network, over fixed random images.

    Raises:
        SettingsError: the extra ``onnx`` is not installed.
        UserError: the network cannot be written as ONNX, or the file answers otherwise than the network.
    """
    require()
    network = _Normalising(copy.deepcopy(model).cpu().eval(), mean, std).eval()
    facts = {
        "classes": list(classes),
        "mean": list(mean),
        "std": list(std),
        "size": [spec.channels, spec.height, spec.width],
    }
    content = described(_to_onnx(network, spec, output), facts)
    difference, scale = _compare(content, network, spec, output)
    check_written(difference, TOLERANCE * scale, what=output)
    write_checked(path, content)
    return difference


def export_logits(trained: Trained, path: Path) -> list[str]:
    """Write the network of a run whose answers are logits; sentences for a person.

    Raises:
        UserError: as `export_onnx`.
    """
    spec, normalisation = trained.spec, trained.normalisation
    difference = export_onnx(
        trained.network, path, spec=spec, mean=normalisation.mean, std=normalisation.std, classes=trained.classes
    )
    return [
        f"{path}: input `images` (N, {spec.channels}, {spec.height}, {spec.width}) in 0..1, output `logits`.",
        f"Checked with onnxruntime on random images: largest difference {difference:.1e}.",
    ]


class Scaled(nn.Module):
    """A network with the numbers of its normalisation beside it."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))


class _Normalising(Scaled):
    """The network with its normalisation before it, so that nobody has to remember the numbers."""

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


def require() -> None:
    """Make sure that ONNX files can be written and run.

    Raises:
        SettingsError: the extra ``onnx`` is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            f"The export needs {error.name}, which is not installed. Install it with `pip install vyvod[onnx]`."
        ) from error


def _to_onnx(network: nn.Module, spec: InputSpec, output: str) -> Any:
    # Two images: a batch of one would be taken for a constant.
    example = _random_images(2, spec)
    try:
        with silence():
            program = torch.onnx.export(
                network,
                (example,),
                input_names=["images"],
                output_names=[output],
                dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise UserError(f"This network cannot be written as ONNX: {reason} The run folder is as it was.") from error
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    return program.model_proto


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Without what the exporters print and log."""
    # The exporter prints its steps and logs its findings about torchvision's operators.
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logging.disable(before)


def described(proto: Any, facts: Mapping[str, Any]) -> bytes:
    """An ONNX file with facts in its metadata, each as JSON."""
    proto.producer_name, proto.producer_version = "vyvod", __version__
    for key, value in facts.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, json.dumps(value, ensure_ascii=False)
    entry = proto.metadata_props.add()
    entry.key, entry.value = "vyvod", __version__
    content: bytes = proto.SerializeToString()
    return content


def _compare(content: bytes, network: nn.Module, spec: InputSpec, output: str) -> tuple[float, float]:
    """Largest difference of outputs, and what it is to be measured by."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = scale = 0.0
    for count in CHECKED_BATCHES:
        images = _random_images(count, spec)
        with torch.inference_mode():
            expected = network(images).numpy()
        (answer,) = session.run([output], {"images": images.numpy()})
        difference = max(difference, float(np.abs(answer - expected).max()))
        scale = max(scale, 1.0, float(np.abs(expected).max()))
    return difference, scale


def check_written(difference: float, accepted: float, *, what: str) -> None:
    """Make sure that a file answers as its network does.

    Raises:
        UserError: it does not.
    """
    if not difference <= accepted:
        raise UserError(
            f"The ONNX file would answer otherwise than the network: {what} differ by {difference:.1e}, at most {accepted:.1e} "
            "is accepted. Nothing was written. Operators that behave differently when they are traced (such as Python branches "
            "on values) are the usual cause."
        )


def write_checked(path: Path, content: bytes) -> None:
    """Write the file."""
    write_atomically(path, lambda file: file.write(content))


def _random_images(count: int, spec: InputSpec) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.rand(count, spec.channels, spec.height, spec.width, generator=generator)
