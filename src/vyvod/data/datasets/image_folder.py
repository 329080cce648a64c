"""Your own images: a folder for each class, with or without train, val and test folders above them.

Layout: ``data.root/<class>/<image>``, or ``data.root/train/<class>/<image>`` and the same for ``val`` (also ``valid``,
``validation``) and ``test``. Missing splits are carved from the training images. A folder without ``train`` but with ``val``
or ``test`` can be used to evaluate.
"""

from dataclasses import replace
from typing import Literal

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings
from vyvod.data.formats.folders import ImageFiles, common_size, read_class_folders
from vyvod.errors import DataError
from vyvod.types import SPLITS, SplitName

TASKS = ("classification",)
CARD = Card(title="Own images", homepage="", licence="not stated", citation="")


def load(settings: DataSettings, task: str) -> Dataset:
    """Load them from ``data.root``.

    Raises:
        DataError: there are no class folders, or one is empty.
    """
    if settings.root is None:
        raise DataError(
            "data=image-folder needs data.root: the folder that holds <class>/<image> or train/<class>/<image>."
        )
    classes, found = read_class_folders(settings.root, wanted=settings.classes)
    known: dict[SplitName, ImageFiles] = {name: found[name] for name in SPLITS if name in found}
    source: Literal["train", "all"] = "train"
    if "all" in found:
        known, source = {"train": found["all"]}, "all"
    splits, origins = complete(known, settings, source=source)
    card = replace(CARD, title=settings.root.expanduser().resolve().name)
    return Dataset(card, classes, splits, origins, native_size=common_size(list(known.values())))
