"""How near a segmentation training comes to the ceiling, and what the metrics cost in an evaluation.

    python -m benchmarks.segmentation --root FOLDER_WITH_CAMVID [--model smp/unet/resnet18] [--rounds 3]

The ceiling is forward, backward and step of the same network, in the same memory format, over tiles and labels that lie in
memory already. Ours is what `vyvod train` does in an epoch with 2 workers: tiles cut out of images and masks at random places
and scales, the evaluation of val at the original resolution, logging, checkpoints. Both in turn, round after round; the ratio
of the medians is printed. The update of the metrics is timed inside an evaluation of val and test.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from benchmarks.speed import ours
from torch import nn

from vyvod.experiment.assembly import Assembly, assemble, make_fabric, make_loaders
from vyvod.experiment.settings import Settings, read_settings
from vyvod.training.optimizer import make_optimizer
from vyvod.types import Batch

EPOCHS = 30


def prepared(settings: Settings) -> tuple[Assembly, list[Batch]]:
    """The parts of a run, and the batches of an epoch, ready for the network."""
    assembly = assemble(settings)
    loader = make_loaders(assembly, make_fabric(settings), ("train",))["train"]
    return assembly, list(loader.epoch(0))


def ceiling(settings: Settings, assembly: Assembly, batches: list[Batch]) -> float:
    """Seconds of forward, backward and step over prepared batches."""
    network = assembly.network.train().to(memory_format=torch.channels_last)
    optimizer = make_optimizer(network, settings.training)
    began = time.perf_counter()
    for batch in batches:
        assert isinstance(batch.images, torch.Tensor)  # noqa: S101 - tiles are
        loss = nn.functional.cross_entropy(network(batch.images), batch.targets["labels"].long(), ignore_index=255)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - began


def metric_share(settings: Settings, assembly: Assembly) -> float:
    """Share of an evaluation of val and test, reading included, that the update of the metrics takes."""
    loaders = make_loaders(assembly, make_fabric(settings), ("val", "test"))
    meter, network, spent = assembly.task.meter(), assembly.network.eval(), 0.0
    began = time.perf_counter()
    with torch.inference_mode():
        for loader in loaders.values():
            for batch in loader.epoch(0):
                predictions = assembly.task.validate(network, batch)
                answered = time.perf_counter()
                meter.update(predictions, batch.targets, list(batch.ids))
                spent += time.perf_counter() - answered
    return spent / (time.perf_counter() - began)


def main() -> None:
    """Measure in turn, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the folder that holds CamVid/")
    parser.add_argument("--model", default="smp/unet/resnet18")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    words = ["data=camvid", f"data.root={arguments.root}", "data.image_size=[180,240]", "data.workers=2"]
    settings = read_settings(None, [*words, f"model={arguments.model}", f"training.epochs={EPOCHS}"])
    assembly, batches = prepared(settings)
    images = sum(len(batch.ids) for batch in batches)
    seconds: dict[str, list[float]] = {"ceiling": [], "ours": []}
    for _ in range(arguments.rounds):
        seconds["ceiling"].append(ceiling(settings, assembly, batches))
        seconds["ours"].append(ours(settings) / EPOCHS)
    best = statistics.median(seconds["ceiling"])
    print(f"{arguments.model} on camvid: {images} images an epoch, {torch.get_num_threads()} threads")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"{name:<8} {median:6.2f} s an epoch  ({min(values):.2f} .. {max(values):.2f})  {best / median:.2f} of the ceiling"
        )
    print(f"metrics: {metric_share(settings, assembly):.1%} of an evaluation of val and test")


if __name__ == "__main__":
    main()
