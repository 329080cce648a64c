"""What a coursework repository says about itself: ``coursework.yaml`` and, on the branch of a homework, ``homework.yaml``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vyvod.errors import UserError
from vyvod.report.experiment.own import END, START
from vyvod.report.settings import Language

COURSEWORK, HOMEWORK = "coursework.yaml", "homework.yaml"
TASKS = ("classification", "segmentation", "detection")
"""What homework is about; an autoencoder is a means."""


def branch_of(number: int) -> str:
    """The branch of a homework."""
    return f"homework_{number}"


def name_of(folder: PurePath | str) -> str:
    """The name of a run or an experiment in files and marks: its folder's, in letters, digits and ``.+-_``."""
    return re.sub(r"[^\w.+-]+", "-", PurePath(folder).name).strip("-") or "run"


def readme_hash(readme: bytes) -> str:
    """SHA-256 of a README without the student's own part, whatever its line ends."""
    first, last = readme.find(START.encode()), readme.rfind(END.encode())
    whole = readme[:first] + readme[last:] if 0 <= first < last else readme
    return hashlib.sha256(whole.replace(b"\r\n", b"\n")).hexdigest()


class RecordError(UserError):
    """One of the two files is missing, or does not hold what is expected."""


class _Stored(BaseModel):
    """Keys that this version does not know are left alone: newer repositories stay readable."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Coursework(_Stored):
    """``coursework.yaml``."""

    format: Literal[1] = 1
    name: str = Field(min_length=1)
    """Of the student, in full."""
    group: str | None = None
    subject: str = Field(min_length=1)
    task: Literal["classification", "segmentation", "detection"]
    data: str
    model: str
    language: Language = "en"


class MainResult(_Stored):
    """What the homework came to, for the table of all of them."""

    run: str
    model: str
    data: str
    metric: str
    split: Literal["val", "test"]
    value: float | None = None


class Homework(_Stored):
    """``homework.yaml``."""

    format: Literal[1] = 1
    number: int = Field(ge=1)
    title: str
    language: Language = "en"
    runs: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    written: str
    """ISO 8601, UTC."""
    result: MainResult | None = None
    readme: str | None = None
    """SHA-256 of README.md without the student's own part, as it was written."""
    files: Mapping[str, str] = {}
    """Path of each written file -> git's hash of it: what has another one was changed by the student."""


Kind = TypeVar("Kind", bound=_Stored)


def read_coursework(path: Path) -> Coursework:
    """Read ``coursework.yaml``.

    Raises:
        RecordError: it is absent or does not hold what is expected.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise RecordError(
            f"{path} does not exist, so this is no coursework repository. Begin one: vyvod coursework init"
        ) from None
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error}.") from error
    return parse_coursework(data, str(path))


def parse_coursework(data: bytes, place: str) -> Coursework:
    """The record in the bytes of a file; ``place`` is how a complaint names it.

    Raises:
        RecordError: they do not hold what is expected.
    """
    return _parse(Coursework, data, place)


def parse_homework(data: bytes, place: str) -> Homework:
    """The record in the bytes of a file; ``place`` is how a complaint names it.

    Raises:
        RecordError: they do not hold what is expected.
    """
    return _parse(Homework, data, place)


def as_yaml(record: Coursework | Homework) -> str:
    """The text of the file, keys in their order."""
    return yaml.safe_dump(record.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def _parse(kind: type[Kind], data: bytes, place: str) -> Kind:
    try:
        record: Any = yaml.safe_load(data.decode("utf-8-sig"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()).rstrip(" ^.:")
        raise RecordError(f"{place} is not readable YAML: {reason}. Put it back from git, or mend it.") from error
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the whole file"
        raise RecordError(f"{place}: {key}: {first['msg'].rstrip('.')}. Mend that line.") from error
