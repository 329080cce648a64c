"""How much faster the confusion matrix of label maps is than torchmetrics' functional one.

    python benchmarks/confusion.py [--maps 1000] [--rounds 5] [--threads 1]

Label maps are 512 x 512, of 21 classes, 5 % of the truth ignored (255). Both count every pair of the same maps, in turn, round
after round; the ratio of each round and the median of the ratios are printed, and so are the seconds for each map. torchmetrics
gets what suits it best of uint8 and int64 tensors, made beforehand, and is measured with and without its validation of arguments;
the ratio is taken to the quicker of the two. Two kinds of maps: patches, as networks give them, and noise, the worst case for
whoever relies on neighbours being equal. Fails if a matrix differs or a ratio is below 10.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torchmetrics.functional.classification import multiclass_confusion_matrix

from vyvod.metrics.segmentation import confusion_matrix

CLASSES, SIDE, DISTINCT, WANTED = 21, 512, 8, 10
Pair = tuple[np.ndarray, np.ndarray]


def patches(random: np.random.Generator) -> Pair:
    """Squares of 32 pixels, predicted 3 pixels beside their place, with 2 % of noise."""
    truth = np.kron(random.integers(0, CLASSES, (16, 16)), np.ones((32, 32), dtype=np.int64))
    noise = random.integers(0, CLASSES, truth.shape)
    return truth, np.where(random.random(truth.shape) < 0.02, noise, np.roll(truth, 3, axis=1))


def noise(random: np.random.Generator) -> Pair:
    """Every pixel for itself."""
    truth, predicted = random.integers(0, CLASSES, (2, SIDE, SIDE))
    return truth, predicted


def pairs(kind: Callable[[np.random.Generator], Pair]) -> list[Pair]:
    """A few pairs of uint8 maps; they are counted again and again."""
    random, made = np.random.default_rng(0), []
    for _ in range(DISTINCT):
        truth, predicted = kind(random)
        truth = np.where(random.random(truth.shape) < 0.05, 255, truth)
        made.append((truth.astype(np.uint8), predicted.astype(np.uint8)))
    return made


def theirs(truth: torch.Tensor, predicted: torch.Tensor, *, validated: bool) -> torch.Tensor:
    """The confusion matrix of torchmetrics."""
    return multiclass_confusion_matrix(predicted, truth, CLASSES, ignore_index=255, validate_args=validated)


def seconds(count: Callable[..., object], given: list[tuple[object, object]], maps: int) -> float:
    """Seconds for that many maps."""
    began = time.perf_counter()
    for place in range(maps):
        count(*given[place % len(given)])
    return time.perf_counter() - began


def as_tensors(made: Iterable[Pair], kind: torch.dtype) -> list[tuple[object, object]]:
    """The same maps for torchmetrics."""
    return [(torch.from_numpy(truth).to(kind), torch.from_numpy(predicted).to(kind)) for truth, predicted in made]


def compare(name: str, made: list[Pair], maps: int, rounds: int) -> float:
    """Print the times of each way; the median over the rounds of the smallest ratio to ours."""
    ways = {
        f"torchmetrics {str(kind).removeprefix('torch.')}{', validated' if validated else ''}": (
            lambda truth, predicted, validated=validated: theirs(truth, predicted, validated=validated),
            as_tensors(made, kind),
        )
        for kind in (torch.uint8, torch.int64)
        for validated in (False, True)
    }
    ways["vyvod"] = (lambda truth, predicted: confusion_matrix(truth, predicted, CLASSES), made)
    times = [{way: seconds(*given, maps) for way, given in ways.items()} for _ in range(rounds)]
    for way in ways:
        print(f"{name:8s} {way:32s} {1000 * statistics.median(row[way] for row in times) / maps:8.3f} ms a map")
    ratios = [min(value for way, value in row.items() if way != "vyvod") / row["vyvod"] for row in times]
    print(f"{name:8s} ratios {' '.join(f'{ratio:.1f}' for ratio in ratios)}, median {statistics.median(ratios):.1f}")
    return statistics.median(ratios)


def main() -> None:
    """Measure both kinds of maps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    slow = []
    for kind in (patches, noise):
        made = pairs(kind)
        for truth, predicted in made:
            expected = theirs(torch.from_numpy(truth).long(), torch.from_numpy(predicted).long(), validated=True)
            if not np.array_equal(confusion_matrix(truth, predicted, CLASSES), expected.numpy()):
                raise SystemExit("the matrices differ")
        if compare(kind.__name__, made, given.maps, given.rounds) < WANTED:
            slow.append(kind.__name__)
    if slow:
        raise SystemExit(f"less than {WANTED} times as fast: {', '.join(slow)}")


if __name__ == "__main__":
    main()
