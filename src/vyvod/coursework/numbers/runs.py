"""What a branch knows about its runs: values computed again, values as stored, and whether both agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from vyvod.coursework.numbers.finding import REWRITE, NumberFinding, told, unknown, wrong
from vyvod.coursework.numbers.recomputing import (
    MissingError,
    Read,
    RecomputingError,
    Values,
    classes_of,
    recompute,
    run_record,
    stored,
)

TOLERANCE = 1e-6
"""Of a stored value against the same computed again, times the value where that is above 1: libraries differ in last bits."""


def is_folder(name: str) -> bool:
    """Whether a name can be that of a folder in ``results/``: nothing leads out of it."""
    return bool(name) and name not in (".", "..") and not any(letter in name for letter in "/\\\0") and len(name) <= 255


def agree(one: float | None, other: float | None) -> bool:
    """Whether two values are the same but for rounding; None is undefined."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a run on a split."""

    folder: str
    split: str
    classes: tuple[str, ...] = ()
    recomputed: Values | None = None
    stored: Values | None = None
    reason: str = ""
    """Why nothing was computed again."""
    silent: str = ""
    """Why there are no stored values."""
    missing: bool = False
    """Nothing was computed again because a file is not in the branch, not because one is damaged."""

    def knows(self, metric: str, label: int | None) -> bool:
        """Whether there is such a value, also an undefined one."""
        return any(_has(values, metric, label) for values in (self.recomputed, self.stored))

    def is_recomputed(self, metric: str, label: int | None) -> bool:
        """Whether the value follows from the per-image columns."""
        return _has(self.recomputed, metric, label)

    def value(self, metric: str, label: int | None) -> float | None:
        """The value: computed again where that can be done, else as stored."""
        return _get(self.recomputed if self.is_recomputed(metric, label) else self.stored, metric, label)

    def source(self, metric: str, label: int | None) -> str:
        """Where the value is from."""
        if self.is_recomputed(metric, label):
            return f"computed again from {self.folder}/per_image/{self.split}.npz"
        return f"from {self.folder}/scores.json; {self.why_not()}"

    def why_not(self) -> str:
        """Why a value was not computed again."""
        if self.recomputed is not None:
            return f"they do not follow from the columns in {self.folder}/per_image"
        return self.reason

    def silence(self, metric: str) -> str:
        """Why there is no value at all."""
        reasons = [text for text in (self.reason, self.silent) if text]
        return "; ".join(reasons) or f"the run has no value of that name ({metric})"

    def disagreements(self) -> Iterator[tuple[str, float | None, float | None]]:
        """Values that ``scores.json`` has otherwise than they follow from the columns: name, stored, computed again."""
        if self.recomputed is None or self.stored is None:
            return
        for metric, value in self.recomputed.overall.items():
            if metric in self.stored.overall and not agree(self.stored.overall[metric], value):
                yield metric, self.stored.overall[metric], value
        for metric, values in self.recomputed.per_class.items():
            claimed = self.stored.per_class.get(metric, values)
            for name, one, other in zip(self.classes, claimed, values, strict=False):
                if not agree(one, other):
                    yield f"{metric} of {name[:80]}", one, other


@dataclass(slots=True)
class Runs:
    """The runs of a branch; each is looked at once."""

    read: Read
    known: dict[tuple[str, str], Evidence] = field(default_factory=dict)

    def missing(self, run: str) -> bool:
        """Whether the branch has nothing of a run."""
        folder = f"results/{run}"
        return self.read(f"{folder}/run.json") is None and self.read(f"{folder}/scores.json") is None

    def evidence(self, run: str, split: str) -> Evidence:
        """What is known about a run on a split."""
        if (run, split) not in self.known:
            self.known[run, split] = self._look(f"results/{run}", split)
        return self.known[run, split]

    def _look(self, folder: str, split: str) -> Evidence:
        if not is_folder(split):
            return Evidence(folder, split, reason=f"{split[:40]!r} is no split")
        known = Evidence(folder, split)
        try:
            known = replace(known, classes=classes_of(run_record(self.read, folder), folder))
            known = replace(known, recomputed=recompute(self.read, folder, split))
        except RecomputingError as error:
            known = replace(known, reason=str(error), missing=isinstance(error, MissingError))
        try:
            return replace(known, stored=stored(self.read, folder, split, known.classes))
        except RecomputingError as error:
            return replace(known, silent=str(error))

    def changed(self) -> Iterator[NumberFinding]:
        """A finding for each ``scores.json`` that contradicts the columns, and for each file that is damaged."""
        for evidence in self.known.values():
            path = f"{evidence.folder}/scores.json"
            found = list(evidence.disagreements())
            if found:
                metric, claimed, true = found[0]
                more = f", and {len(found) - 1} more values differ" if len(found) > 1 else ""
                text = (
                    f"{path} was changed: it says {told(claimed)} for {metric} on {evidence.split}, and the per-image file "
                    f"gives {told(true)}{more}. Copy the file from the run folder again: {REWRITE}."
                )
                yield wrong(path, told(claimed), told(true), text)
            if evidence.reason and not evidence.missing:
                text = f"Nothing could be computed again: {evidence.reason}. Copy the file again: {REWRITE}."
                yield unknown(evidence.folder, text)


def _has(values: Values | None, metric: str, label: int | None) -> bool:
    if values is None:
        return False
    if label is None:
        return metric in values.overall
    return label < len(values.per_class.get(metric, ()))


def _get(values: Values | None, metric: str, label: int | None) -> float | None:
    if values is None:
        return None
    return values.overall[metric] if label is None else values.per_class[metric][label]
