"""``vyvod data check``: the audit of a data set, written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vyvod import catalog
from vyvod.data.audit import audit
from vyvod.data.box_audit import audit_boxes
from vyvod.data.load import load_dataset
from vyvod.data.mask_audit import audit_masks
from vyvod.experiment.settings import Settings
from vyvod.files import write_json
from vyvod.types import Progress, Silence


def check_data(settings: Settings, *, progress: Progress | None = None) -> tuple[dict[str, Any], Path]:
    """Look at every image of a data set, and at every mask or box.

    Args:
        settings: their ``data`` group is what counts.
        progress: how to show where it stands.

    Returns:
        what was found, ``findings`` as sentences among it, and the JSON file that names the images:
        ``<folder>/data-checks/<data set>.json``.

    Raises:
        UserError: the data set cannot be loaded at all.
    """
    entry, progress = catalog.find_dataset(settings.data.name), progress or Silence()
    task = settings.task or entry.tasks[0]
    dataset = load_dataset(settings.data, task, needed=())
    found: dict[str, Any] = audit(dataset, near=True, progress=progress).summary()
    if task == "segmentation":
        masks = audit_masks(dataset, progress=progress)
        found["findings"] += masks.findings()
        found["masks"] = masks.summary()
    if task == "detection":
        boxes = audit_boxes(dataset, progress=progress)
        found["findings"] += boxes.findings()
        found["boxes"] = boxes.summary()
    found["notes"] = list(dataset.notes)
    path = settings.folder / "data-checks" / f"{Path(settings.data.name).stem}.json"
    write_json(path, found)
    return found, path
