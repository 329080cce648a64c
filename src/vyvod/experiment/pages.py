"""``vyvod report``: the pages of a run, of an experiment, or of a whole repository, from their folders alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from vyvod.errors import SettingsError
from vyvod.experiment.record import open_folder
from vyvod.experiment.settings import changed, read_settings
from vyvod.files import read_json
from vyvod.report.report import write_experiment_report, write_overview, write_report
from vyvod.report.settings import ReportSettings


def write_pages(folder: Path, words: Sequence[str]) -> tuple[Path, Path]:
    """Write README.md and report.html again.

    Args:
        folder: of a run, of an experiment, or one that holds ``runs/`` or ``experiments/``.
        words: changes of the settings ``report.*``.

    Returns:
        the paths of README.md and report.html.

    Raises:
        UserError: it is no such folder, or a word changes something else.
    """
    if (folder / "record.json").is_file():
        return write_experiment_report(folder, _settings(read_json(folder / "record.json").get("report", {}), words))
    if not (folder / "run.json").is_file() and any((folder / name).is_dir() for name in ("experiments", "runs")):
        return write_overview(folder, _settings({}, words))
    open_folder(folder)
    return write_report(folder, changed(folder / "settings.yaml", words, only=("report",)).report)


def _settings(known: dict[str, object], words: Sequence[str]) -> ReportSettings:
    outside = [word for word in words if not word.startswith("report.")]
    if outside:
        raise SettingsError(
            f"'{outside[0]}' cannot be changed here; only settings of report can, such as report.language=ru"
        )
    before = [
        f"report.{key}={json.dumps(value, ensure_ascii=False)}" for key, value in known.items() if value is not None
    ]
    return read_settings(None, [*before, *words]).report
