"""ImageNet (ILSVRC 2012): 1.3 million photos in 1000 classes, in the usual folders.

Layout: ``data.root/train/<wnid>/*.JPEG`` and ``data.root/val/<wnid>/*.JPEG``, 150 GB; a subset of the classes will do. It has
to be requested at https://image-net.org; ``torchvision.datasets.ImageNet`` unpacks its archives into these folders.

Splits: as everywhere in the field the published 50 000 validation images are what results are reported on, so they are
``test`` here; ``val``, which chooses the checkpoint, is carved from the training images. With ``val/`` alone a network can
be evaluated on ``test``, not trained.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from vyvod.data.carve import complete
from vyvod.data.contract import Card, Dataset, DataSettings, Origin
from vyvod.data.formats.folders import read_class_folders, split_folders
from vyvod.errors import DataError
from vyvod.types import SplitName

TASKS = ("classification",)
HOME = "https://image-net.org/challenges/LSVRC/2012/"
CARD = Card(
    title="ImageNet (ILSVRC 2012)",
    homepage=HOME,
    licence="for non-commercial research and education, on request",
    citation="Olga Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, https://arxiv.org/abs/1409.0575",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)


@cache
def aliases() -> Mapping[str, str]:
    """WordNet id -> name of the class, such as ``n01440764`` -> ``tench``: either may stand in ``data.classes``."""
    from timm.data.imagenet_info import ImageNetInfo
    from torchvision.models import ResNet18_Weights

    # torchvision lists the names in the order of the sorted ids.
    ids: list[str] = ImageNetInfo().label_names()  # type: ignore[no-untyped-call]
    return dict(zip(ids, ResNet18_Weights.IMAGENET1K_V1.meta["categories"], strict=True))


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: there is neither a ``train`` nor a ``val`` folder with class folders.
    """
    root = _root(settings)
    folders, found = read_class_folders(root, wanted=_wanted(settings))
    names: dict[SplitName, str] = {"train": "train", "test": "val"}
    known = {split: found[name] for split, name in names.items() if name in found}
    splits, origins = complete(known, settings)
    if "test" in known:
        origins["test"] = Origin("val")
    return Dataset(CARD, tuple(aliases().get(folder, folder) for folder in folders), splits, origins)


def _root(settings: DataSettings) -> Path:
    expected = f"train/<wnid>/*.JPEG and val/<wnid>/*.JPEG, or one of the two. ImageNet has to be requested at {HOME}"
    if settings.root is None:
        raise DataError(f"data=imagenet needs data.root: the folder that holds {expected}.")
    root = settings.root.expanduser()
    if not root.is_dir():
        raise DataError(f"The folder data.root={root} does not exist. Expected in it: {expected}.")
    sorted_out = split_folders(root)
    for name in ("train", "val"):
        if (root / name).is_dir() and name not in sorted_out:
            raise DataError(
                f"{root / name} has no class folders. Expected: {expected}; torchvision.datasets.ImageNet sorts the "
                "archives into such folders."
            )
    if not sorted_out:
        raise DataError(
            f"{root} has neither train/ nor val/. Expected in data.root: {expected}; data.download cannot fetch it."
        )
    return root


def _wanted(settings: DataSettings) -> list[str] | None:
    if settings.classes is None:
        return None
    return [*settings.classes, *(wnid for wnid, name in aliases().items() if name in settings.classes)]
