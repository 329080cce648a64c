"""Reading an experiment: its records, and the run folders that they name as far as they are there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vyvod.errors import RunError
from vyvod.report.experiment.records import (
    ArmRecord,
    ArmRun,
    ExperimentRecord,
    IdeaRecord,
    PlannedRun,
    ResultsRecord,
)
from vyvod.report.reading import checked, read_run
from vyvod.report.records import Run


@dataclass(frozen=True, slots=True)
class Listed:
    """A run of the experiment, whether it came to an end or not."""

    arm: str
    run: ArmRun
    reused: bool


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that the write-up of an experiment rests on."""

    folder: Path
    record: ExperimentRecord
    results: ResultsRecord | None
    """None before the comparison was made."""
    runs: Mapping[str, Run]
    """Run folder, as the records name it -> what it holds."""
    lost: Mapping[str, str]
    """Run folder that could not be read -> why; an empty reason: it is not there."""

    @property
    def metric(self) -> str:
        """Of the goal."""
        return self.record.registered.goal.metric

    @property
    def margin(self) -> float:
        """The smallest difference that matters, as registered."""
        return self.record.registered.goal.margin

    @property
    def split(self) -> str:
        """The split that the comparison speaks about."""
        return self.results.split if self.results else "test"

    @property
    def higher_is_better(self) -> bool:
        """The direction of the goal."""
        return self.record.registered.goal.direction == "up"

    @property
    def ideas(self) -> tuple[IdeaRecord, ...]:
        """Ideas with results."""
        return self.results.ideas if self.results else ()

    @property
    def sample(self) -> Run | None:
        """Any run that could be read: all have the same data and task."""
        return next(iter(self.runs.values()), None)

    @property
    def listed(self) -> list[Listed]:
        """All runs of all arms; values from the comparison, where there are any."""
        return list(_listed(self.record, self.results))

    def of_arm(self, arm: ArmRecord) -> list[Run]:
        """The finished runs of an arm that could be read."""
        named = [str(run.folder) for run in arm.runs if run.status == "finished"]
        return [self.runs[folder] for folder in named if folder in self.runs]


def read_experiment(folder: Path) -> Experiment:
    """Read the folder of an experiment.

    Raises:
        RunError: it is none, or one of its records cannot be read. A run folder that is missing or damaged is no error: the
            report says so.
    """
    if not (folder / "record.json").is_file():
        raise RunError(
            f"{folder} is not the folder of an experiment: it holds no record.json. Give the folder that "
            "`vyvod experiment` has made, such as experiments/my-idea."
        )
    record: ExperimentRecord = checked(ExperimentRecord, folder / "record.json")
    path = folder / "results.json"
    results: ResultsRecord | None = checked(ResultsRecord, path) if path.is_file() else None
    runs, lost = _read_runs(folder, record, results)
    return Experiment(folder, record, results, runs, lost)


def find_run(folder: Path, name: str) -> Path | None:
    """A run folder, named relative to where the experiment was started: the parent of ``experiments/``, or the current folder."""
    for start in (folder.resolve().parent.parent, Path()):
        if (start / name / "run.json").is_file():
            return start / name
    return None


def _read_runs(
    folder: Path, record: ExperimentRecord, results: ResultsRecord | None
) -> tuple[dict[str, Run], dict[str, str]]:
    runs, lost = {}, {}
    named = [part.run for part in _listed(record, results) if part.run.folder]
    for run in {run.folder: run for run in named if run.folder}.values():
        name = str(run.folder)
        path = find_run(folder, name)
        try:
            if path is not None:
                runs[name] = read_run(path, rows=False)
            elif run.status == "finished":
                lost[name] = ""
        except RunError as error:
            lost[name] = str(error)
    return runs, lost


def _listed(record: ExperimentRecord, results: ResultsRecord | None) -> Iterator[Listed]:
    compared = {arm.name: arm for arm in results.arms} if results else {}
    for arm in record.arms:
        known = {run.seed: run for run in compared[arm.name].runs} if arm.name in compared else {}
        for planned in arm.runs:
            yield Listed(arm.name, known.get(planned.seed) or _without_value(planned), planned.reused)
    for name in compared.keys() - {arm.name for arm in record.arms}:
        yield from (Listed(name, run, reused=False) for run in compared[name].runs)


def _without_value(planned: PlannedRun) -> ArmRun:
    return ArmRun(seed=planned.seed, folder=planned.folder, status=planned.status, error=planned.error)
