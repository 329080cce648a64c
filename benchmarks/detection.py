"""How near a detection training comes to the ceiling, and what loss, suppression and metrics cost.

    python -m benchmarks.detection --root FOLDER_WITH_BOXES [--model yolo5] [--size 320] [--rounds 3] [--epochs 10] [--run RUN]

The ceiling is forward, loss, backward and step of the same network, in the same memory format, over images and boxes that lie in
memory already. Ours is what `vyvod train` does in an epoch with 2 workers: mosaics at random places and scales, changes of
colour, the evaluation of val with COCO's metrics, logging, checkpoints. Both in turn, round after round; the ratio of medians is
printed, and shares of a step, of inference and of an evaluation. FOLDER is what `data=box-folder` takes; without it the embedded
tree crowns are used. Suppression and evaluation are measured with the weights of RUN, a finished run with the same settings: an
untrained network sees objects everywhere, and there is more to suppress.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmarks.speed import ours
from safetensors.torch import load_file
from torch import Tensor, nn

from vyvod.experiment.assembly import Assembly, assemble, make_fabric, make_loaders
from vyvod.experiment.settings import Settings, read_settings
from vyvod.models.yolo.detector import Yolo
from vyvod.training.optimizer import make_optimizer
from vyvod.types import Batch

SHARED_BATCH = 8
REPEATS = 20


def prepared(settings: Settings) -> tuple[Assembly, list[Batch]]:
    """The parts of a run, and the batches of an epoch, ready for the network."""
    assembly = assemble(settings)
    loader = make_loaders(assembly, make_fabric(settings), ("train",))["train"]
    return assembly, list(loader.epoch(0))


def ceiling(settings: Settings, assembly: Assembly, batches: list[Batch]) -> float:
    """Seconds of forward, loss, backward and step over prepared batches, as many epochs as are trained."""
    network = assembly.network.train().to(memory_format=torch.channels_last)
    optimizer = make_optimizer(network, settings.training)
    began = time.perf_counter()
    for batch in batches * settings.training.epochs:
        torch.stack(list(assembly.task.losses(network, batch).values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - began


def timed(function: Callable[[], Any]) -> float:
    """Median seconds of a call, after two that are not counted."""
    seconds = []
    for _ in range(REPEATS + 2):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[2:])


def loss_share(assembly: Assembly, batch: Batch) -> float:
    """Share of forward and backward that assignment and loss take, forward and backward of their own included."""
    network, images = assembly.network.train().to(memory_format=torch.channels_last), batch.images
    assert isinstance(network, Yolo)  # noqa: S101 - asked for by main
    assert isinstance(images, Tensor)  # noqa: S101 - canvases are

    def whole() -> None:
        torch.stack(list(assembly.task.losses(network, batch).values())).sum().backward()

    def body() -> None:
        torch.stack([raw.float().sum() for raw in network.outputs(images)]).sum().backward()

    full = timed(whole)
    return 1 - timed(body) / full


def take_weights(network: nn.Module, run: Path | None) -> str:
    """Those of a run, where one is given; what the network is then called."""
    if run is None:
        return "untrained network"
    network.load_state_dict(load_file(run / "checkpoints" / "best.safetensors"))
    return f"network of {run.name}"


def suppression_share(assembly: Assembly, batch: Batch) -> float:
    """Share of an inference of `SHARED_BATCH` images that decoding and non-maximum suppression take."""
    network = assembly.network.eval().to(memory_format=torch.channels_last)
    assert isinstance(network, Yolo)  # noqa: S101 - asked for by main
    assert isinstance(batch.images, Tensor)  # noqa: S101 - canvases are
    images = batch.images[:SHARED_BATCH]
    with torch.inference_mode():
        whole = timed(lambda: network(images))
        return 1 - timed(lambda: network.outputs(images)) / whole


def evaluation(assembly: Assembly, settings: Settings) -> tuple[float, float, int]:
    """Seconds of an evaluation of val, those of its metrics, and the images."""
    loader = make_loaders(assembly, make_fabric(settings), ("val",))["val"]
    meter, network = assembly.task.meter(), assembly.network.eval().to(memory_format=torch.channels_last)
    began = time.perf_counter()
    with torch.inference_mode():
        for batch in loader.epoch(0):
            meter.update(assembly.task.validate(network, batch), batch.targets, list(batch.ids))
    answered = time.perf_counter()
    meter.compute()
    ended = time.perf_counter()
    return ended - began, ended - answered, len(loader.split)


def main() -> None:
    """Measure in turn, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="a folder of images with boxes")
    parser.add_argument("--model", default="yolo5")
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument(
        "--run", type=Path, help="a finished run with these settings: suppression is measured with its weights"
    )
    arguments = parser.parse_args()
    data = ["data=box-folder", f"data.root={arguments.root}"] if arguments.root else ["data=trees"]
    words = [*data, f"model={arguments.model}", f"data.image_size={arguments.size}", "data.workers=2"]
    settings = read_settings(None, [*words, f"training.epochs={arguments.epochs}", "training.batch_size=16"])
    assembly, batches = prepared(settings)
    images = sum(len(batch.ids) for batch in batches)
    seconds: dict[str, list[float]] = {"ceiling": [], "ours": []}
    for _ in range(arguments.rounds):
        seconds["ceiling"].append(ceiling(settings, assembly, batches) / arguments.epochs)
        seconds["ours"].append(ours(settings) / arguments.epochs)
    best = statistics.median(seconds["ceiling"])
    print(f"{arguments.model} at {arguments.size}: {images} images an epoch, {torch.get_num_threads()} threads")
    for name, values in seconds.items():
        median, spread = statistics.median(values), f"{min(values):.2f} .. {max(values):.2f}"
        print(
            f"{name:<8} {median:6.2f} s an epoch ({spread}), {images / median:5.1f} images/s, {best / median:.2f} of the ceiling"
        )
    if isinstance(assembly.network, Yolo):
        print(f"assignment and loss: {loss_share(assembly, batches[0]):.1%} of forward and backward")
        name = take_weights(assembly.network, arguments.run)
        share = suppression_share(assembly, batches[0])
        print(f"decoding and suppression: {share:.1%} of inference at batch {SHARED_BATCH}, {name}")
    whole, metrics, number = evaluation(assembly, settings)
    print(f"evaluation of {number} val images: {whole:.2f} s, of which metrics {metrics:.3f} s")


if __name__ == "__main__":
    main()
