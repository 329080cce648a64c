"""Settings of a run of seconds."""

from pathlib import Path
from typing import Any

from vyvod.experiment.settings import Settings, check

SMALL: dict[str, Any] = {
    "data": {"name": "fashion-mnist-mini", "limit": 300},
    "model": {"name": "plain"},
    "training": {"epochs": 2, "batch_size": 50},
}


def small(folder: Path, **changes: Any) -> Settings:
    """Settings of a run of seconds; groups in ``changes`` are merged."""
    record: dict[str, Any] = {
        **{key: dict(group) for key, group in SMALL.items()},
        "folder": str(folder),
        "tracking": [],
    }
    for key, value in changes.items():
        record[key] = {**record.get(key, {}), **value} if isinstance(value, dict) else value
    return check(record)
