"""``vyvod data convert``: a data set with boxes, written in another format."""

from __future__ import annotations

from pathlib import Path

from vyvod.catalog import nearest
from vyvod.data.formats.box_writing import FORMATS, Written, write_boxes
from vyvod.data.load import load_dataset
from vyvod.errors import DataError, SettingsError
from vyvod.experiment.settings import Settings
from vyvod.types import Progress


def convert_data(settings: Settings, *, to: str, output: Path, progress: Progress | None = None) -> Written:
    """Write the images and boxes of a data set into a new folder, which ``data=box-folder`` reads.

    Args:
        settings: their ``data`` group is what counts; splits are those that a training would see.
        to: ``coco``, ``voc`` or ``yolo``.
        output: a folder that does not exist or is empty.
        progress: how to show where it stands.

    Returns:
        how much was written.

    Raises:
        SettingsError: there is no such format.
        DataError: the data set has no boxes or cannot be loaded, or something is in the folder already.
        UserError: the data set is not known.
    """
    if to not in FORMATS:
        raise SettingsError(
            f"to={to}: there is no such format.{nearest(to, FORMATS)} Expected to={' or to='.join(FORMATS)}."
        )
    if output.is_file() or (output.is_dir() and any(output.iterdir())):
        raise DataError(f"{output} is not empty. Name a new folder: output=FOLDER.")
    dataset = load_dataset(settings.data, "detection", needed=())
    try:
        return write_boxes(dataset, to, output, progress=progress)
    except OSError as error:
        raise DataError(f"The data set cannot be copied to {output}: {error}.") from error
