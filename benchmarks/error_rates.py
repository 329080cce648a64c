"""How often the comparison errs: experiments in which the truth is known.

    python -m benchmarks.error_rates [--experiments 10000]      simulated, two minutes on one core
    python -m benchmarks.error_rates --real 100 [--seeds 3]     A/A experiments on real trainings, a third of a second each

Simulated: normal values of runs (table 1); images that networks get right or wrong, resampled as in an experiment (2);
several ideas, and equivalence (3); learning curves (4). Real: both arms are the same settings, each run has a seed of its own,
so a verdict better or worse is always wrong. Tables are Markdown, as they are in docs/method.md.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from vyvod.evaluation import time_to_target
from vyvod.evaluation.comparison import compare, holm
from vyvod.evaluation.differences import compare_arms
from vyvod.evaluation.evaluate import evaluate
from vyvod.evaluation.resampling import Values, resample, variance_of_difference
from vyvod.evaluation.spread import half_width, spread
from vyvod.evaluation.time_to_target import compare_times
from vyvod.experiment.assembly import Assembly, assemble, make_fabric, make_loaders, seeded_network
from vyvod.experiment.settings import read_settings
from vyvod.training.loop import Course, fit
from vyvod.training.optimizer import make_optimizer
from vyvod.training.state import State

Floats = NDArray[np.float64]
SEEDS = (3, 5, 10)
RATIOS = (0.0, 0.5, 1.0, 2.0, 4.0)
IMAGES = 400
SETS = 400
"""Drawn test sets; their variance is known to 7 %."""
TINY = (
    "data=fashion-mnist-mini", "data.audit=false", "data.workers=0", "model=plain", "model.width=8", "model.depth=1",
    "training.epochs=3", "training.batch_size=50", "training.learning_rate=0.02", "training.device=cpu",
)  # fmt: skip
"""A training of a third of a second."""


def table(*columns: str) -> None:
    """The head of a table."""
    print("\n| " + " | ".join(columns) + " |\n|" + "--:|" * len(columns))


def row(*cells: object) -> None:
    """A row of it."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def percent(share: object) -> str:
    """A share, as it is printed."""
    return f"{100 * float(np.mean(np.asarray(share, dtype=np.float64))):.1f}"


def of_values(experiments: int, source: np.random.Generator) -> None:
    """Runs as normal values: seeds of variance 1, and a test set that moves all runs of an arm together."""
    table(
        "seeds",
        "test set / seeds (sd)",
        "wrong, %",
        "covered, %",
        *(f"found at {n} SE, %" for n in (1, 2, 3)),
        "wrong without V_test, %",
    )
    for n in SEEDS:
        for ratio in RATIOS:
            arms = source.normal(0, 1, (2, experiments, n)) + source.normal(0, ratio, (2, experiments, 1))
            variances, difference = arms.var(axis=2, ddof=1), arms[1].mean(axis=1) - arms[0].mean(axis=1)
            half = half_width(*spread(list(variances), (n, n), 2 * ratio**2))
            without = half_width(*spread(list(variances), (n, n), 0.0))
            check(arms[:, :20], 2 * ratio**2, half)
            error = math.sqrt(2 / n + 2 * ratio**2)
            found = [percent(np.abs(difference + size * error) > half) for size in (1, 2, 3)]
            wrong = np.abs(difference) > half
            row(n, ratio, percent(wrong), percent(~wrong), *found, percent(np.abs(difference) > without))


def check(arms: Floats, test_variance: float, half: Floats) -> None:
    """See that the program's own comparison says the same as the arrays here."""
    for place, (baseline, idea) in enumerate(zip(*arms, strict=True)):
        result = compare(baseline.tolist(), idea.tolist(), margin=0, test_variance=test_variance)
        if abs(result.high - result.low - 2 * half[place]) > 1e-9:
            raise SystemExit("the simulation and the program differ")


def of_images(experiments: int, source: np.random.Generator) -> None:
    """Accuracy of networks that get images right or wrong; the variance of the test set is resampled, not given.

    A network is right where its own level + how easy the image is for networks of its kind + an accident of its own is above 0.
    """
    table(
        "seeds",
        "arms",
        "true sd of seeds",
        "wrong, %",
        "covered, %",
        "found at 3 SE, %",
        "with the whole V_test: wrong, %",
        "covered, %",
        "found at 3 SE, %",
    )
    weights = (
        np.stack([np.bincount(source.integers(0, IMAGES, IMAGES), minlength=IMAGES) for _ in range(SETS)]) / IMAGES
    )
    for n in SEEDS:
        for kinds, name in ((1, "same network"), (2, "other network")):
            for level in (0.0, 0.01, 0.03):
                drawn = [image_experiment(n, kinds, level, weights, source) for _ in range(experiments)]
                error = float(np.std([difference for difference, _, _ in drawn]))
                row(n, name, level, *(cell for half in (1, 2) for cell in image_cells(drawn, half, 3 * error)))


def image_cells(drawn: Sequence[tuple[float, float, float]], half: int, effect: float) -> Iterator[str]:
    """Wrong, covered, found: of experiments without an effect, and of the same ones with one added."""
    differences, halves = (np.array([one[place] for one in drawn]) for place in (0, half))
    yield percent(np.abs(differences) > halves)
    yield percent(np.abs(differences) <= halves)
    yield percent(np.abs(differences + effect) > halves)


def image_experiment(
    n: int, kinds: int, level: float, weights: Floats, source: np.random.Generator
) -> tuple[float, float, float]:
    """Difference of accuracy, and half widths of the interval with what remains of V_test, and with the whole of it."""
    easy = source.normal(0, 1, IMAGES) + 0.7 * source.normal(0, 1, (kinds, IMAGES))
    arms = []
    for arm in range(2):
        # A level of 0.01 is a true difference of 0.01 in accuracy: the density at the threshold is 0.2.
        levels = 1.2 + source.normal(0, level / 0.2, (n, 1))
        right = (levels + easy[arm % kinds] + 0.7 * source.normal(0, 1, (n, IMAGES)) > 0).astype(np.float64)
        arms.append(Values(right.mean(axis=1), right @ weights.T))
    test = variance_of_difference(*arms)
    variances = [arm.whole.var(ddof=1) for arm in arms]
    halves = [half_width(*spread(variances, (n, n), part)) for part in (test.remaining, test.whole)]
    return float(arms[1].whole.mean() - arms[0].whole.mean()), float(halves[0]), float(halves[1])


def of_several_ideas(experiments: int, source: np.random.Generator) -> None:
    """Three ideas without an effect against one baseline; and a difference as large as the margin that is called equivalent."""
    alone = corrected = equivalent = 0
    for _ in range(experiments):
        baseline, *ideas = source.normal(0, 1, (4, 5))
        comparisons = [compare(baseline.tolist(), idea.tolist(), margin=0) for idea in ideas]
        alone += any(one.verdict in ("better", "worse") for one in comparisons)
        corrected += any(one.verdict in ("better", "worse") for one in holm(comparisons))
        equivalent += compare(baseline.tolist(), (ideas[0] + 2).tolist(), margin=2).verdict == "equivalent"
    table("of experiments with 5 seeds", "wrong, %")
    row("any of three ideas called better or worse, each by itself", percent(alone / experiments))
    row("any of three ideas called better or worse, Holm", percent(corrected / experiments))
    row("a difference of exactly the margin called equivalent", percent(equivalent / experiments))


def of_curves(experiments: int, source: np.random.Generator) -> None:
    """Learning curves; the target is the mean best of the baseline."""
    time_to_target.MOST_SPLITS = (
        2000  # a tenth of the program's: the test stays exact, and 10 runs against 10 become fast
    )
    table("seeds", "wrong, %", "faster found at twice the speed, %", "slower found at half the speed, %")
    for n, number in ((3, 100), (4, experiments), (5, experiments), (6, experiments), (10, experiments)):
        wrong = [said(n, 1.0, source) in ("faster", "slower") for _ in range(number)]
        faster = [said(n, 2.0, source) == "faster" for _ in range(number // 8)]
        slower = [said(n, 0.5, source) == "slower" for _ in range(number // 8)]
        row(n, percent(wrong), percent(faster), percent(slower))


def said(n: int, speed: float, source: np.random.Generator) -> str:
    """The verdict on an experiment whose idea learns that many times as fast as its baseline."""
    epochs = np.arange(1.0, 21)

    def course(factor: float) -> time_to_target.Course:
        values = (
            source.normal(0.9, 0.01)
            - 0.4 * np.exp(-epochs * factor / source.uniform(2, 6))
            + source.normal(0, 0.005, 20)
        )
        return time_to_target.Course(epochs, epochs * 10, epochs, values)

    arms = [course(1.0) for _ in range(n)], [course(speed) for _ in range(n)]
    return compare_times(*arms, units=["epochs"]).units["epochs"].verdict


def train(assembly: Assembly, seed: int) -> dict[str, NDArray[Any]]:
    """The per-image columns, on the test split, of a network trained with that seed."""
    settings = assembly.settings.model_copy(update={"seed": seed})
    network = seeded_network(settings, assembly.architecture, assembly.spec, len(assembly.dataset.classes))
    fabric = make_fabric(settings)
    fabric.launch()
    loaders = make_loaders(replace(assembly, settings=settings, network=network), fabric, ("train", "test"))
    model, optimizer = fabric.setup(network, make_optimizer(network, settings.training))
    course = Course(assembly.task, settings.training, seed, loaders["train"].epoch, len(loaders["train"]))
    fit(fabric, State(network, model, optimizer), course, lambda _state, _means: False)
    return evaluate(fabric, network, assembly.task, loaders["test"]).per_image


def of_trainings(experiments: int, n: int) -> None:
    """The same settings in both arms, a seed of its own for every run of every experiment."""
    torch.set_num_threads(1)
    assembly = assemble(read_settings(None, TINY))
    began = time.perf_counter()
    wrong, wrong_whole, values, parts = 0, 0, [], []
    for experiment in range(experiments):
        runs = [train(assembly, 1000 + experiment * 2 * n + place) for place in range(2 * n)]
        f1 = resample("classification", runs, assembly.dataset.classes, seed=experiment).overall["f1"]
        arms = f1.of(range(n)), f1.of(range(n, 2 * n))
        result, whole = compare_arms(*arms, margin=0.0), variance_of_difference(*arms)
        literal = compare(*(arm.whole.tolist() for arm in arms), margin=0.0, test_variance=whole.whole)
        wrong += result.verdict in ("better", "worse")
        wrong_whole += literal.verdict in ("better", "worse")
        values.append(f1.whole)
        parts.append((sum(result.variances) / n, whole.whole, whole.between_runs))
        print(f"experiment {experiment + 1}/{experiments}: {result.verdict}, p {result.p:.3f}", flush=True)
    seconds = (time.perf_counter() - began) / experiments
    chance = stats.binomtest(wrong, experiments).proportion_ci()
    print(f"\n{seconds:.2f} s an experiment, {seconds / 2 / n:.2f} s a training; F1 {np.mean(values):.3f}, "
          f"sd between seeds {np.std(values, ddof=1):.4f}")  # fmt: skip
    table("experiments", "seeds", "better or worse (all wrong)", "95 % interval of the share", "with the whole V_test")
    row(experiments, n, wrong, f"{percent(chance.low)} to {percent(chance.high)} %", wrong_whole)
    seeds_part, whole_part, own_part = np.mean(parts, axis=0)
    print(
        f"\nmean variances: seeds {seeds_part:.2e}, test set {whole_part:.2e}, of which each run's own {own_part:.2e}"
    )


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=10000, help="simulated ones in each row of table 1")
    parser.add_argument("--real", type=int, default=0, help="real A/A experiments instead")
    parser.add_argument("--seeds", type=int, default=3, help="runs in each arm of a real experiment")
    arguments = parser.parse_args()
    if arguments.real:
        of_trainings(arguments.real, arguments.seeds)
        return
    parts: list[tuple[Callable[[int, np.random.Generator], None], int]] = [
        (of_values, 1), (of_images, 5), (of_several_ideas, 5), (of_curves, 5),
    ]  # fmt: skip
    for place, (part, share) in enumerate(parts):
        began = time.perf_counter()
        part(max(20, arguments.experiments // share), np.random.default_rng([0, place]))
        print(f"\n{part.__name__}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
