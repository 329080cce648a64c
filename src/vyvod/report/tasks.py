"""Task -> its part of the report."""

from collections.abc import Mapping
from pathlib import Path

from vyvod.errors import RunError
from vyvod.report.classification import task as classification
from vyvod.report.contract import TaskReport
from vyvod.report.detection import task as detection
from vyvod.report.reconstruction import task as reconstruction
from vyvod.report.segmentation import task as segmentation

TASKS: Mapping[str, TaskReport] = {
    "classification": classification,
    "segmentation": segmentation,
    "detection": detection,
    "reconstruction": reconstruction,
}


def report_of(task: str, folder: Path) -> TaskReport:
    """The part of a report that belongs to a task.

    Raises:
        RunError: there are no reports for it.
    """
    if task not in TASKS:
        raise RunError(
            f"{folder} is a run of the task '{task}'; reports exist for {', '.join(TASKS)}. "
            "A newer version of the program may know it."
        )
    return TASKS[task]
