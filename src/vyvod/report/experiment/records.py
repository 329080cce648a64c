"""What the folder of an experiment holds, as the report reads it: ``record.json`` and ``results.json``."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from vyvod.report.records import Stored


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Value = Annotated[float | None, BeforeValidator(_known)]
"""A number; None where it is unknown, also where a NaN or an infinity was stored."""
Verdict = Literal["better", "worse", "equivalent", "undecided"]
Pace = Literal["faster", "slower", "undecided", "cannot"]
UNITS = ("epochs", "steps", "seconds")


class GoalRecord(Stored):
    """What is to be reached."""

    metric: str
    direction: Literal["up", "down"] = "up"
    margin: float


class DetectableRecord(Stored):
    """The smallest difference that so many runs would find, as it was known beforehand."""

    difference: Value = None
    basis: str | None = None


class RegisteredRecord(Stored):
    """What was registered before the first run."""

    time: str | None = None
    hash: str | None = None
    goal: GoalRecord
    idea: str = ""
    seeds: tuple[int, ...] = ()
    target: str | float | None = None
    changes: Mapping[str, Mapping[str, Any]] = {}
    detectable: DetectableRecord = DetectableRecord()


class PlannedRun(Stored):
    """A run of an arm, as the runner left it."""

    seed: int
    folder: str | None = None
    status: str = "missing"
    error: str | None = None
    reused: bool = False


class PlannedArm(Stored):
    """The baseline or an idea, as the runner left it."""

    name: str
    runs: tuple[PlannedRun, ...] = ()


class ExperimentRecord(Stored):
    """``record.json``."""

    format: Literal[1]
    name: str
    task: str
    registered: RegisteredRecord
    changed_later: tuple[str, ...] = ()
    arms: tuple[PlannedArm, ...] = ()
    ended: str | None = None


class ArmRun(Stored):
    """A run with its value of the goal's metric."""

    seed: int
    folder: str | None = None
    value: Value = None
    best_epoch: int | None = None
    epochs: int | None = None
    seconds: Value = None
    status: str = "finished"
    error: str | None = None


class CostRecord(Stored):
    """What a run of an arm costs, on average."""

    parameters: Value = None
    macs: Value = None
    seconds_per_epoch: Value = None
    training_seconds: Value = None
    peak_memory_bytes: Value = None


class ArmRecord(Stored):
    """The baseline."""

    name: str
    runs: tuple[ArmRun, ...] = ()
    n: int = 0
    """Finished runs with a value."""
    mean: Value = None
    sd: Value = None
    low: Value = None
    high: Value = None
    cost: CostRecord = CostRecord()


class ChangeRecord(Stored):
    """A setting that differs from the baseline's."""

    key: str
    before: Any = None
    after: Any = None


class ComparisonRecord(Stored):
    """An idea against the baseline, in the goal's metric; the difference is idea - baseline."""

    difference: Value = None
    low: Value = None
    high: Value = None
    level: float = 0.95
    p: Value = None
    p_holm: Value = None
    verdict: Verdict | None = None
    reason: str | None = None
    seeds_needed: int | None = None
    limited_by_test_set: bool = False
    """No number of runs would decide, only a larger test split."""
    components: Mapping[str, Value] = {}
    detectable: Value = None


class DifferenceRecord(Stored):
    """The two means of any value and their difference."""

    baseline: Value = None
    idea: Value = None
    difference: Value = None
    low: Value = None
    high: Value = None


class MetricRecord(DifferenceRecord):
    """An overall metric."""

    name: str


class ClassRecord(DifferenceRecord):
    """The main metric of one class."""

    name: str = Field(alias="class")
    metric: str


class PaceRecord(Stored):
    """Time to target in one unit."""

    baseline: tuple[Value, ...] = ()
    """Of each run; None: it never got there."""
    idea: tuple[Value, ...] = ()
    limit: Value = None
    reached: tuple[int, int] = (0, 0)
    restricted_mean: tuple[Value, Value] = (None, None)
    ratio: Value = None
    p: Value = None
    verdict: Pace | None = None


class SpeedRecord(Stored):
    """Time to one threshold."""

    threshold: float
    baseline: Value = None
    idea: Value = None
    ratio: Value = None


class TargetRecord(Stored):
    """Time to target."""

    target: Value = None
    source: str | None = None
    metric: str | None = None
    units: Mapping[str, PaceRecord] = {}
    speedup: tuple[SpeedRecord, ...] = ()


class FlipRecord(Stored):
    """An image on which the arms differ: shares of runs that are right, or mean scores."""

    id: str
    baseline: Value = None
    idea: Value = None
    baseline_right: int | None = None
    idea_right: int | None = None


class FlipsRecord(Stored):
    """Images that the idea mends, and that it breaks; the strongest first."""

    fixed: tuple[FlipRecord, ...] = ()
    broken: tuple[FlipRecord, ...] = ()


class IdeaRecord(ArmRecord):
    """An idea with its comparison."""

    changes: tuple[ChangeRecord, ...] = ()
    also_changed: tuple[str, ...] = ()
    comparison: ComparisonRecord | None = None
    metrics: tuple[MetricRecord, ...] = ()
    per_class: tuple[ClassRecord, ...] = ()
    time_to_target: TargetRecord | None = None
    flips: FlipsRecord | None = None


class ResultsRecord(Stored):
    """``results.json``."""

    format: Literal[1]
    task: str
    metric: str
    direction: Literal["up", "down"] = "up"
    margin: float
    split: str = "test"
    resamples: int = 1000
    baseline: ArmRecord
    ideas: tuple[IdeaRecord, ...] = ()

    @property
    def arms(self) -> tuple[ArmRecord, ...]:
        """The baseline, then the ideas."""
        return (self.baseline, *self.ideas)
