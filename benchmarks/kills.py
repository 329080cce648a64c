"""Kill a training with SIGKILL at random moments, resume it, and compare every bit with a run that was left alone.

    python benchmarks/kills.py [--kills 20]

Prints one line a kill, and fails if a weight, a metric or a prediction differs.
"""

import argparse
import csv
import multiprocessing
import random
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from vyvod.experiment.run import is_complete, resume, train
from vyvod.experiment.settings import check

SETTINGS = {
    "data": {"name": "fashion-mnist-mini", "limit": 600},
    "model": {"name": "plain"},
    "augmentation": {"mixup": 0.2},
    "training": {"epochs": 6, "batch_size": 50, "ema": 0.99, "accumulate": 2},
    "tracking": [],
}
TIMES = ("seconds", "images_per_second")


def run(folder: Path) -> None:
    """Start the run, or go on with it."""
    started = list(folder.glob("*/run.json"))
    if started and is_complete(started[0].parent):
        return
    if started:
        resume(started[0].parent)
    else:
        # Killed before it was on record: there is nothing to go on with.
        shutil.rmtree(folder, ignore_errors=True)
        train(check({**SETTINGS, "folder": str(folder)}))


def contents(folder: Path) -> dict[str, object]:
    """What has to be the same: weights, metrics without the clock, predictions, and pictures."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in (".safetensors", ".png"):
            found[name] = path.read_bytes()
        elif path.suffix == ".npz":
            with np.load(path) as columns:
                found[name] = {column: columns[column].tobytes() for column in columns.files}
        elif path.name in ("metrics.csv", "per_class.csv"):
            with path.open() as file:
                found[name] = [
                    {key: cell for key, cell in row.items() if key not in TIMES} for row in csv.DictReader(file)
                ]
    return found


def kill_and_resume(folder: Path, *, kills: int, longest: float, seed: int = 0) -> int:
    """Kill that many times, then let it end; the number of kills that hit the training before its end."""
    # A fork of a process that has loaded everything starts at once, so that kills fall into the training.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vyvod.experiment.run"])
    draws, hits = random.Random(seed), 0  # noqa: S311 - moments, not secrets
    for number in range(kills):
        process = context.Process(target=run, args=(folder,))
        process.start()
        delay = draws.uniform(0.2, longest)
        process.join(delay)
        if process.is_alive():
            process.kill()
            process.join()
            hits += 1
            print(f"kill {number + 1}: after {delay:.2f} s")
        elif process.exitcode:
            raise SystemExit(f"the run failed with exit code {process.exitcode}")
    process = context.Process(target=run, args=(folder,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"the last resume failed with exit code {process.exitcode}")
    return hits


def compare(left: Path, right: Path) -> list[str]:
    """Names of what differs between two folders of runs."""
    one, other = contents(left), contents(right)
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


def main() -> None:
    """Train once undisturbed and once with kills, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        quiet, disturbed = Path(temporary) / "quiet", Path(temporary) / "disturbed"
        began = time.monotonic()
        run(quiet)
        longest = time.monotonic() - began
        hits = 0
        while hits < arguments.kills:
            folder = disturbed / str(hits)
            hits += kill_and_resume(
                folder, kills=min(5, arguments.kills - hits), longest=longest / 2, seed=arguments.seed + hits
            )
            different = compare(quiet, folder)
            if different:
                raise SystemExit(f"differs after {hits} kills: {', '.join(different)}")
            print(f"{hits} kills so far: all bits equal")
    print(f"{hits} kills: no bit differs")


if __name__ == "__main__":
    main()
