"""How near a whole training comes to the ceiling, and how near a plain DataLoader loop does.

    python benchmarks/speed.py [--root FOLDER_WITH_FASHION_MNIST] [--model plain] [--rounds 3]

The ceiling is forward, backward and step of the same network, in the same memory format, over float tensors that lie in
memory already: no augmentation, no evaluation, no logging, no checkpoints. Ours is everything that `vyvod train` does in
an epoch. The plain loop is what most scripts do: a map-style Dataset of PIL images, torchvision transforms, a DataLoader
with 2 workers, and an evaluation after the epoch. All three train on the same images, in turn, round after round, and the
ratios of the medians are printed.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision.transforms import v2
from torchvision.transforms.functional import to_pil_image

from vyvod.data.transforms import to_network
from vyvod.experiment.assembly import Assembly, assemble
from vyvod.experiment.run import train
from vyvod.experiment.settings import Settings, read_settings
from vyvod.training.optimizer import make_optimizer
from vyvod.types import Silence


class Clock(Silence):
    """Takes the time from the first batch of the first epoch to the end of the last one."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0

    def begin(self, label: str, total: int) -> None:
        """An epoch begins, or the final evaluation, which ends the training."""
        if label.startswith("epoch 1/"):
            self.began = time.perf_counter()
        elif label == "evaluating val":
            self.ended = time.perf_counter()


def ours(settings: Settings) -> float:
    """Seconds of a training of one epoch: augmentation, evaluation on val, logging and checkpoints included."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(settings.model_copy(update={"folder": Path(folder)}), progress=clock)
    return clock.ended - clock.began


def ceiling(settings: Settings, assembly: Assembly) -> float:
    """Seconds of forward, backward and step over prepared tensors."""
    split, size = assembly.dataset.splits["train"], settings.training.batch_size
    images = to_network(split.images, assembly.spec, assembly.normalisation)  # type: ignore[attr-defined]
    labels = split.labels  # type: ignore[attr-defined]
    images = images.contiguous(memory_format=torch.channels_last)
    network = assemble(settings).network.train().to(memory_format=torch.channels_last)
    optimizer = make_optimizer(network, settings.training)
    began = time.perf_counter()
    for start in range(0, len(images) - size + 1, size):
        loss = nn.functional.cross_entropy(network(images[start : start + size]), labels[start : start + size])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - began


class Pictures(TorchDataset[tuple[torch.Tensor, int]]):
    """As in most scripts: a PIL image, transformed by itself."""

    def __init__(self, assembly: Assembly, split: str, transform: Callable[..., torch.Tensor]) -> None:
        chosen = assembly.dataset.splits[split]  # type: ignore[index]
        self.pictures = [to_pil_image(image) for image in chosen.images]  # type: ignore[attr-defined]
        self.labels, self.transform = chosen.labels.tolist(), transform  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.pictures[index]), self.labels[index]


def plain_loop(settings: Settings, assembly: Assembly) -> float:
    """Seconds of an epoch and its evaluation with a DataLoader of 2 workers."""
    side, size = assembly.spec.height, settings.training.batch_size
    to_float = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(assembly.normalisation.mean, assembly.normalisation.std),
    ]
    varied = v2.Compose([v2.RandomCrop(side, padding=side // 8), v2.RandomHorizontalFlip(), *to_float])
    training = DataLoader(Pictures(assembly, "train", varied), size, shuffle=True, num_workers=2, drop_last=True)
    validation = DataLoader(Pictures(assembly, "val", v2.Compose(to_float)), size, num_workers=2)
    network = assemble(settings).network.train()
    optimizer = make_optimizer(network, settings.training)
    began = time.perf_counter()
    for images, labels in training:
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    network.eval()
    with torch.inference_mode():
        sum((network(images).argmax(dim=1) == labels).sum().item() for images, labels in validation)
    return time.perf_counter() - began


def main() -> None:
    """Measure in turn, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of the full Fashion-MNIST; without it the embedded images")
    parser.add_argument("--model", default="plain")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    data = ["data=fashion-mnist", f"data.root={arguments.root}"] if arguments.root else ["data=fashion-mnist-mini"]
    settings = read_settings(None, [*data, f"model={arguments.model}", "training.epochs=1"])
    assembly = assemble(settings)
    seconds: dict[str, list[float]] = {"ceiling": [], "ours": [], "plain loop": []}
    for _ in range(arguments.rounds):
        seconds["ceiling"].append(ceiling(settings, assembly))
        seconds["ours"].append(ours(settings))
        seconds["plain loop"].append(plain_loop(settings, assembly))
    best = statistics.median(seconds["ceiling"])
    images = len(assembly.dataset.splits["train"])
    size, threads = settings.training.batch_size, torch.get_num_threads()
    print(f"{arguments.model} on {settings.data.name}: {images} images, batch {size}, {threads} threads")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"{name:<11} {median:7.2f} s an epoch  ({min(values):.2f} .. {max(values):.2f})  {best / median:.2f} of the ceiling"
        )


if __name__ == "__main__":
    main()
