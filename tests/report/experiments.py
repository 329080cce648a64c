"""Folders of experiments as the runner leaves them, over run folders of the fixtures; numbers follow from made-up values."""

import csv
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

STAMP = "2026-11-24T10:00:00+00:00"


def clone_run(source: Path, folder: Path, *, seed: int, faster: float = 0.0) -> Path:
    """The same run with another seed: its curves are shifted a little, and rise sooner."""
    shutil.copytree(source, folder)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8")) | {"seed": seed, "name": folder.name}
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    rng = np.random.default_rng(seed)
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows):
        for name in row:
            if name.startswith("val_") or name == "train_loss":
                sign = -1 if "loss" in name else 1
                change = sign * faster * math.exp(-0.4 * place) + 0.012 * float(rng.normal())
                row[name] = str(float(row[name]) + change)
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def interval(values: Sequence[float]) -> dict[str, float | None]:
    if len(values) < 2:
        return {"mean": values[0] if values else None, "sd": None, "low": None, "high": None}
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, len(values) - 1)) * sd / math.sqrt(len(values))
    return {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def arm(name: str, folders: Sequence[str], values: Sequence[float | None], **cost: float) -> dict[str, Any]:
    """An arm; a value of None is a run that failed."""
    runs = [
        {
            "seed": seed, "folder": folder, "value": value, "best_epoch": None if value is None else 9 + seed % 3,
            "epochs": 12 if value is not None else 4, "seconds": 28.8 + seed,
            "status": "failed" if value is None else "finished",
            "error": "The loss is not finite at step 12." if value is None else None,
        }
        for seed, (folder, value) in enumerate(zip(folders, values, strict=True))
    ]  # fmt: skip
    known = [value for value in values if value is not None]
    usual = {
        "parameters": 94410, "macs": 12345678, "seconds_per_epoch": 2.4, "training_seconds": 28.8,
        "peak_memory_bytes": 712345678,
    }  # fmt: skip
    return {"name": name, "runs": runs, "n": len(known), **interval(known), "cost": usual | cost}


def comparison(baseline: dict[str, Any], idea: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Welch's comparison, without the test set; every entry can be replaced."""
    known: dict[str, Any] = {"verdict": None, "reason": "seeds", "seeds_needed": None, "level": 0.95}
    if idea["mean"] is not None and baseline["mean"] is not None:
        known["difference"] = idea["mean"] - baseline["mean"]
    if min(baseline["n"], idea["n"]) >= 3:
        parts = [each["sd"] ** 2 / each["n"] for each in (baseline, idea)]
        df = sum(parts) ** 2 / sum(
            part**2 / (each["n"] - 1) for part, each in zip(parts, (baseline, idea), strict=True)
        )
        error = math.sqrt(sum(parts))
        half = float(stats.t.ppf(0.975, df)) * error
        p = float(2 * stats.t.sf(abs(known["difference"]) / error, df))
        known |= {
            "low": known["difference"] - half, "high": known["difference"] + half, "p": p, "p_holm": p, "df": df,
            "standard_error": error, "verdict": "undecided", "reason": None, "detectable": 1.4 * half,
            "components": {"baseline": parts[0], "idea": parts[1], "test_set": 0.3 * sum(parts)},
        }  # fmt: skip
    return known | changes


def rows_of(names: Sequence[str], shift: float, *, key: str, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for name in names:
        base, change, half = 0.8 + 0.1 * rng.random(), shift + 0.015 * rng.normal(), 0.008 + 0.006 * rng.random()
        extra = {"metric": "f1"} if key == "class" else {}
        rows.append(
            {key: name, **extra, "baseline": base, "idea": base + change, "difference": change,
             "low": change - half, "high": change + half}
        )  # fmt: skip
    return rows


def pace(
    baseline: Sequence[float | None], idea: Sequence[float | None], limit: float, **changes: Any
) -> dict[str, Any]:
    means = [float(np.mean([limit if value is None else value for value in runs])) for runs in (baseline, idea)]
    reached = [sum(value is not None for value in runs) for runs in (baseline, idea)]
    known = {
        "baseline": list(baseline), "idea": list(idea), "limit": limit, "reached": reached, "restricted_mean": means,
        "ratio": means[0] / means[1] if all(reached) else None, "p": 0.0079, "verdict": "faster",
    }  # fmt: skip
    return known | changes


def target(baseline: Sequence[float | None], idea: Sequence[float | None], **changes: Any) -> dict[str, Any]:
    scaled = {"steps": 29, "seconds": 2.4}
    units = {"epochs": pace(baseline, idea, 12, **changes)} | {
        unit: pace(
            [None if value is None else value * size for value in baseline],
            [None if value is None else value * size for value in idea],
            12 * size,
            **changes,
        )
        for unit, size in scaled.items()
    }
    curve = [
        {
            "threshold": float(level),
            "baseline": 3 + 4 * place,
            "idea": 2 + 2 * place,
            "ratio": (3 + 4 * place) / (2 + 2 * place),
        }
        for place, level in enumerate(np.linspace(0.6, 0.88, 8))
    ]
    curve[-1] |= {"idea": None, "ratio": None}
    return {"target": 0.85812, "source": "baseline", "metric": "val_f1", "units": units, "speedup": curve}


def write(
    root: Path, name: str, baseline: Mapping[str, Any], ideas: Sequence[Mapping[str, Any]], **registered: Any
) -> Path:
    """``experiments/<name>`` below a root; without ideas in the results."""
    folder = root / "experiments" / name
    folder.mkdir(parents=True)
    goal = {"metric": "f1", "direction": "up", "margin": 0.005} | registered.pop("goal", {})
    record = {
        "format": 1, "name": name, "task": registered.pop("task", "classification"), "ended": "2026-11-24T11:30:00+00:00",
        "changed_later": registered.pop("changed_later", []),
        "registered": {
            "time": STAMP, "hash": "c0ffee" * 8, "goal": goal, "idea": "Softer targets keep the network from being too sure.\n",
            "seeds": [0, 1, 2, 3, 4], "target": "baseline", "baseline": {},
            "changes": {idea["name"]: {change["key"]: change["after"] for change in idea["changes"]} for idea in ideas},
            "detectable": {"difference": 0.0081, "basis": "from 5 earlier runs of the baseline"},
        } | registered,
        "arms": [
            {"name": each["name"], "runs": [{key: run[key] for key in ("seed", "folder", "status", "error")} | {"reused": False}
                                            for run in each["runs"]]}
            for each in (baseline, *ideas)
        ],
    }  # fmt: skip
    results = {
        "format": 1, "task": record["task"], "metric": goal["metric"], "direction": goal["direction"], "margin": goal["margin"],
        "split": "test", "resamples": 1000, "baseline": baseline, "ideas": list(ideas),
    }  # fmt: skip
    for file, content in (("record.json", record), ("results.json", results)):
        (folder / file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return folder


def change(folder: Path, file: str, **changes: Any) -> None:
    """Overwrite keys of a record."""
    record = json.loads((folder / file).read_text(encoding="utf-8"))
    (folder / file).write_text(json.dumps(record | changes, ensure_ascii=False), encoding="utf-8")
