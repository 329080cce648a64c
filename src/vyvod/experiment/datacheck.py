"""``vyvod data check``: the audit of a data set, written to a file."""

from __future__ import annotations

from pathlib import Path

from vyvod import catalog
from vyvod.data.audit import Audit, audit
from vyvod.data.load import load_dataset
from vyvod.experiment.settings import Settings
from vyvod.files import write_json
from vyvod.types import Progress, Silence


def check_data(settings: Settings, *, progress: Progress | None = None) -> tuple[Audit, Path]:
    """Look at every image of a data set.

    Args:
        settings: their ``data`` group is what counts.
        progress: how to show where it stands.

    Returns:
        what was found, and the JSON file that names the images: ``<folder>/data-checks/<data set>.json``.

    Raises:
        UserError: the data set cannot be loaded at all.
    """
    entry = catalog.find_dataset(settings.data.name)
    dataset = load_dataset(settings.data, settings.task or entry.tasks[0], needed=())
    found = audit(dataset, near=True, progress=progress or Silence())
    path = settings.folder / "data-checks" / f"{Path(settings.data.name).stem}.json"
    write_json(path, found.summary())
    return found, path
