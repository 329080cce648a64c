"""A trained detector as an ONNX file with decoding and suppression inside, checked against the network itself.

YOLOs take batches of any size, through ONNX's own operator for non-maximum suppression. Torchvision's R-CNNs take one image of a
fixed size: their graph is written by torch's older exporter, since the newer one does not follow their branches on values.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import nms

from vyvod.errors import UserError
from vyvod.experiment.export import check_written, described, require, silence, write_checked
from vyvod.experiment.per_task import Trained
from vyvod.models.yolo.detector import Yolo
from vyvod.tasks.detection import Detection

OUTPUTS = ("label", "score", "box")
CHECKED_BATCHES = (1, 3)
TOLERANCE = 1e-3
"""Largest difference of scores, and of corners as a share of the side of the input, that is accepted."""
FLIPPED = 0.01


def export_detector(trained: Trained, path: Path) -> list[str]:
    """Write a detector as one ONNX file and check it with onnxruntime.

    Args:
        trained: the network; it is not changed.
        path: the file; written only if the check passes.

    Returns:
        sentences for a person: what goes in, what comes out, how far it differs.

    Raises:
        SettingsError: the extra ``onnx`` is not installed.
        UserError: the network cannot be written as ONNX, or the file answers otherwise than the network.
    """
    require()
    network = copy.deepcopy(trained.network).cpu().eval()
    size = (trained.spec.height, trained.spec.width)
    yolo = isinstance(network, Yolo)
    proto, difference = _for_batches(cast(Yolo, network), size) if yolo else _for_one(network, size)
    check_written(difference, TOLERANCE, what="scores and boxes")
    facts = {"classes": list(trained.classes), "size": [trained.spec.channels, *size]}
    write_checked(path, described(proto, facts))
    fit = cast(Detection, trained.task).fit.resize
    given, rows = ("images (N, 3", "image (D,), ") if yolo else ("image (3", "")
    return [
        f"{path}: input `{given}, {size[0]}, {size[1]})` in 0..1, RGB, {fit}; outputs {rows}label (D,), "
        "score (D,), box (D, 4): left, top, right, bottom in pixels of the input. Labels count from 0.",
        f"Checked with onnxruntime on random images: largest difference {difference:.1e}.",
    ]


class _Suppressing(nn.Module):
    """A YOLO with its decoding and suppression, for batches; what goes into the suppression comes out too, to be compared."""

    def __init__(self, network: Yolo) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        limits = self.network.limits
        boxes, scores = _decoded(self.network, images)
        chosen = torch.onnx.ops.symbolic(
            "NonMaxSuppression",
            (boxes, scores, *map(torch.tensor, ([limits.detections], [limits.overlap], [limits.score]))),
            dtype=torch.int64,
            shape=(7, 3),  # any number: the exporter wants one, and it is made free below
            version=11,
        )
        image, label, place = chosen.unbind(1)
        return image, label, scores[image, label, place], boxes[image, place], boxes, scores


def _decoded(network: Yolo, images: Tensor) -> tuple[Tensor, Tensor]:
    """``(N, C, 4)`` corners and ``(N, K, C)`` scores of every cell."""
    raw = network.predict_batch(images)
    centre, half = raw[..., :2], raw[..., 2:4] / 2
    return torch.cat([centre - half, centre + half], dim=-1), (raw[..., 4:5] * raw[..., 5:]).transpose(1, 2)


def _for_batches(network: Yolo, size: Sequence[int]) -> tuple[Any, float]:
    """The file, and how far it differs from the network."""
    names = ["image", *OUTPUTS, "boxes", "scores"]
    try:
        with silence():
            program = torch.onnx.export(
                _Suppressing(network), (_noise(2, size),), input_names=["images"], output_names=names,
                dynamic_shapes={"images": {0: torch.export.Dim("batch")}}, dynamo=True, verbose=False,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise _refused(error) from error
    proto = cast(Any, program).model_proto
    found = len(names) - len(("boxes", "scores"))
    for output in proto.graph.output[:found]:
        output.type.tensor_type.shape.dim[0].dim_param = "found"
    # What lies between the suppression and the outputs has the made-up number too.
    del proto.graph.value_info[:]
    difference = _compare_batches(proto.SerializeToString(), network, size)
    del proto.graph.output[found:]
    return proto, difference


class _OneImage(nn.Module):
    """Any detector, for one image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (found,) = self.network([image])
        return found["labels"] - 1, found["scores"], found["boxes"]


def _for_one(network: nn.Module, size: Sequence[int]) -> tuple[Any, float]:
    """The file, and how far it differs from the network."""
    import onnx

    buffer: Any = io.BytesIO()  # torch takes one, and does not say so
    try:
        with silence(), torch.no_grad():
            torch.onnx.export(
                _OneImage(network), (_noise(1, size)[0],), buffer, input_names=["image"], output_names=list(OUTPUTS),
                dynamo=False, opset_version=18,
            )  # fmt: skip
    except Exception as error:  # tracing runs the network's own code
        raise _refused(error) from error
    return onnx.load_from_string(buffer.getvalue()), _compare_alone(buffer.getvalue(), network, size)


def _refused(error: Exception) -> UserError:
    reason = str(error.__cause__ or error).strip().splitlines()[0]
    return UserError(f"This network cannot be written as ONNX: {reason} The run folder is as it was.")


def _noise(count: int, size: Sequence[int]) -> Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(count))


def _compare_batches(content: bytes, network: Yolo, size: Sequence[int]) -> float:
    """Largest difference of what is decoded; of what is kept, given the same boxes and scores, nearly all must agree."""
    session, difference = _session(content), 0.0
    for count in CHECKED_BATCHES:
        images = _noise(count, size)
        rows, labels, _, kept, boxes, scores = session.run(None, {"images": images.numpy()})
        with torch.inference_mode():
            expected = _decoded(network, images)
        difference = max(
            difference,
            float(np.abs(boxes - expected[0].numpy()).max()) / max(size),
            float(np.abs(scores - expected[1].numpy()).max()),
        )
        for number in range(count):
            mine = rows == number
            wanted = _kept(torch.from_numpy(boxes[number]), torch.from_numpy(scores[number]), network)
            difference = max(difference, _disagreement((labels[mine], kept[mine]), wanted))
    return difference


def _kept(boxes: Tensor, scores: Tensor, network: Yolo) -> tuple[np.ndarray, np.ndarray]:
    """Labels and boxes that torchvision keeps."""
    limits, labels, chosen = network.limits, list[np.ndarray](), list[np.ndarray]()
    for label, values in enumerate(scores):
        offered = (values > limits.score).nonzero()[:, 0]
        places = offered[nms(boxes[offered], values[offered], limits.overlap)[: limits.detections]]
        labels.append(np.full(len(places), label))
        chosen.append(boxes[places].numpy())
    return np.concatenate(labels), np.concatenate(chosen)


def _disagreement(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """0 where all but a hundredth are the same boxes of the same classes: IoUs on the threshold fall either way."""
    mine, others = (
        {(int(label), *box.tolist()) for label, box in zip(*found, strict=True)} for found in (ours, theirs)
    )
    return float(len(mine ^ others) > FLIPPED * max(len(mine | others), 1))


def _compare_alone(content: bytes, network: nn.Module, size: Sequence[int]) -> float:
    image = _noise(1, size)[0]
    labels, scores, boxes = _session(content).run(list(OUTPUTS), {"image": image.numpy()})
    with torch.inference_mode():
        (expected,) = network([image])
    if len(scores) != len(expected["scores"]) or (labels != expected["labels"].numpy() - 1).any():
        return 1.0
    corners = np.abs(boxes - expected["boxes"].numpy()).max(initial=0) / max(size)
    return float(max(corners, np.abs(scores - expected["scores"].numpy()).max(initial=0)))


def _session(content: bytes) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
