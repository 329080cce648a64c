"""The wall time of an experiment of 2 arms x 5 seeds against that of its ten runs by ``vyvod train``, one after the other.

    python -m benchmarks.many_runs [--epochs 10] [--width 32]

Prints both times and their ratio, and fails if a number of a run differs from that of the same run on its own (made with the
threads that the experiment gave each of its runs; ``--threads`` gives the single runs others, such as all cores, their default).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from vyvod.files import read_json

SEEDS = 5
CHANGE = ("training.label_smoothing", 0.1)


def vyvod(folder: Path, *words: str) -> float:
    """Seconds of one command."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "vyvod", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def write(folder: Path, *, epochs: int, width: int) -> None:
    """The baseline and the experiment."""
    baseline = {
        "data": "fashion-mnist-mini",
        "model": {"name": "plain", "width": width},
        "training": {"epochs": epochs, "batch_size": 32},
    }
    experiment = {
        "baseline": "baseline.yaml",
        "goal": {"margin": 0.01},
        "idea": "Measured: the time.",
        "seeds": SEEDS,
        "changes": {"smooth": dict([CHANGE])},
    }
    (folder / "baseline.yaml").write_text(yaml.safe_dump(baseline), encoding="utf-8")
    (folder / "many.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")


def alone(folder: Path, threads: int | None) -> float:
    """The ten runs, one command each."""
    fixed = [f"training.threads={threads}"] if threads else []
    seconds = 0.0
    for arm, changes in (("baseline", []), ("smooth", ["{}={}".format(*CHANGE)])):
        for seed in range(SEEDS):
            words = [f"seed={seed}", f"name=alone-{arm}-seed{seed}", *changes, *fixed]
            seconds += vyvod(folder, "train", "baseline.yaml", *words)
    return seconds


def differing(folder: Path) -> list[str]:
    """Runs whose scores are not those of the same run on its own."""
    return [
        path.name
        for path in sorted((folder / "runs").glob("many-*"))
        if read_json(path / "scores.json") != read_json(path.parent / f"alone-{path.name[5:]}" / "scores.json")
    ]


def main() -> None:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--threads", type=int, default=None, help="of the single runs; by default all cores")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, epochs=arguments.epochs, width=arguments.width)
        # Together first: what came later would be reused.
        together = vyvod(folder, "experiment", "many.yaml")
        single = alone(folder, arguments.threads)
        threads = read_json(folder / "experiments" / "many" / "record.json")["threads"]
        print(
            f"{2 * SEEDS} runs alone: {single:.1f} s; as an experiment, with its comparison and report: {together:.1f} s; "
        )
        print(f"ratio {together / single:.2f}; {threads} threads each in the experiment")
        if arguments.threads == threads and (others := differing(folder)):
            raise SystemExit(f"other numbers: {', '.join(others)}")


if __name__ == "__main__":
    main()
