"""``vyvod compare``: runs that are there already, if they can be compared at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from vyvod.errors import RunError, UserError
from vyvod.experiment.comparing import Question, compare_runs
from vyvod.experiment.deciding import deciding_metric
from vyvod.experiment.evidence import ArmRuns, Evidence, read_evidence
from vyvod.experiment.identity import differences, settings_of


def compare_folders(
    ideas: Sequence[Path], baseline: Sequence[Path], *, metric: str | None = None, margin: float | None = None
) -> dict[str, Any]:
    """The comparison of runs that are there already; without a margin nothing is called equivalent.

    Raises:
        RunError: the runs cannot be compared: other tasks, other test images, unfinished, or not the runs of one arm.
        UserError: there is no such metric, it cannot decide, or the margin is not above 0.
    """
    if not ideas or not baseline:
        raise RunError("Give runs of both arms: vyvod compare RUNS... --baseline RUNS...")
    if margin is not None and not 0 < margin < math.inf:
        raise UserError(f"--margin {margin:g}: expected the smallest difference that matters, above 0.")
    arms = [[read_evidence(folder) for folder in folders] for folders in (baseline, ideas)]
    _check_comparable(arms)
    task = _of(arms[0][0], "task")
    metric, direction = deciding_metric(task, metric, key="--metric ")
    question = Question(task, metric, direction, margin or 0.0)
    return compare_runs(question, ArmRuns("baseline", arms[0]), [ArmRuns("idea", arms[1])])


def _check_comparable(arms: Sequence[Sequence[Evidence]]) -> None:
    runs = [run for arm in arms for run in arm]
    twice = [run.folder for place, run in enumerate(runs) if any(_same(run, other) for other in runs[:place])]
    if twice:
        raise RunError(f"{twice[0]} is named twice. Each run counts once, or chance looks smaller than it is.")
    for key, what in (("task", "the task"), ("classes", "classes")):
        expected = str(_of(runs[0], key))
        for run in runs[1:]:
            if (found := str(_of(run, key))) != expected:
                raise RunError(
                    f"{runs[0].folder} and {run.folder} differ in {what} ({_short(expected)} and {_short(found)}); "
                    "only runs of one task with the same classes can be compared."
                )
    for arm in arms:
        _check_arm(arm)


def _same(run: Evidence, other: Evidence) -> bool:
    return cast(Path, run.folder).resolve() == cast(Path, other.folder).resolve()


def _of(run: Evidence, key: str) -> Any:
    known = cast(Mapping[str, Any], run.record)
    return known["data"]["classes"] if key == "classes" else known[key]


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_arm(arm: Sequence[Evidence]) -> None:
    """The runs of an arm differ in the seed, and in nothing else that decides numbers."""
    first = arm[0]
    expected = settings_of(cast(Path, first.folder))
    for place, run in enumerate(arm[1:], start=1):
        if different := differences(expected, settings_of(cast(Path, run.folder))):
            keys = ", ".join(change["key"] for change in different[:5])
            raise RunError(
                f"{first.folder} and {run.folder} are not runs of one arm: they differ in {keys}. The runs of an arm differ in "
                "the seed only; compare each variant on its own."
            )
        if equal := [other for other in arm[:place] if other.seed == run.seed]:
            raise RunError(
                f"{equal[0].folder} and {run.folder} have the same settings and seed {run.seed}, so they are one run twice. "
                "Train another seed: vyvod train RUN/settings.yaml seed=..."
            )
