"""CelebAMask-HQ: 30 000 portraits with masks of 18 parts of face and dress, and background.

Home: https://github.com/switchablenorms/CelebAMask-HQ; for non-commercial research. 3 GB.

Layout: ``CelebA-HQ-img/{0..29999}.jpg`` (1024 x 1024), ``CelebAMask-HQ-mask-anno/{0..14}/{00000..29999}_{part}.png`` (512 x
512, black and white, a file for each part that is to be seen; the folder is the number of the image // 2000) and
``CelebA-HQ-to-CelebA-mapping.txt``. ``data.root`` is the folder ``CelebAMask-HQ`` or the one above it.

Masks: the parts are laid over each other in the order of the publishers' own ``g_mask.py``, later ones on top; class = place + 1.
The masks have half the side of the images: the images are brought down to the size of their masks (antialiased), so that
metrics are at the resolution at which people drew, and nothing is made up between two pixels of a mask.

Splits: those of CelebA, to which the mapping file leads (24183 / 2993 / 2824); without that file val and test are carved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torchvision import tv_tensors

from vyvod.data.carve import complete
from vyvod.data.contract import BACKGROUND, Card, Dataset, DataSettings, Palette
from vyvod.data.formats.folders import decode
from vyvod.data.formats.layouts import Layout, find_layout, listed
from vyvod.data.formats.masks import MaskFiles, indices
from vyvod.data.joint import resized
from vyvod.errors import DataError
from vyvod.types import SPLITS, Sample, SplitName

TASKS = ("segmentation",)
HOME = "https://github.com/switchablenorms/CelebAMask-HQ"
CARD = Card(
    title="CelebAMask-HQ",
    homepage=HOME,
    licence="for non-commercial research and education",
    citation="Cheng-Han Lee et al., MaskGAN: Towards Diverse and Interactive Facial Image Manipulation, CVPR 2020, "
    "https://arxiv.org/abs/1907.11922",
)
PARTS = (
    "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat",
    "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
"""In the order of precedence: later ones lie on top (eye_g: glasses, ear_r: ear ring, neck_l: necklace)."""
CLASSES = (BACKGROUND, *PARTS)
PALETTE: Palette = (
    (0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255), (255, 204, 204),
    (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153), (0, 0, 204), (255, 51, 153), (0, 204, 204),
    (0, 51, 0), (255, 153, 51), (0, 204, 0),
)  # fmt: skip
"""From the publishers' own ``g_color.py``."""
SIDE = 512
"""Of the masks, pixels."""
LAST_OF = {"train": 162770, "val": 182637, "test": 202599}
"""The last image of each split in CelebA's own ``list_eval_partition.txt``, whose splits follow each other."""
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
_IMAGES, _MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
_PER_FOLDER = 2000
LAYOUT = Layout(
    "celeba", ("", "CelebAMask-HQ"), (_IMAGES, _MASKS),
    f"{_IMAGES}/<number>.jpg and {_MASKS}/<number // {_PER_FOLDER}>/<number with 5 digits>_<part>.png", HOME,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PartMasks:
    """Lays the parts of a face over each other. A key is ``<folder>/<number>:<part>,<part>...``, in the order of precedence."""

    root: Path

    def __call__(self, key: str) -> np.ndarray:
        """``(512, 512)`` uint8 class indices.

        Raises:
            DataError: a part is missing, cannot be decoded, or has another size than the others.
        """
        mask: np.ndarray | None = None
        for path, part in zip(self.files(key), key.split(":")[1].split(","), strict=True):
            values = indices(path)
            drawn = (values[..., 0] if values.ndim == 3 else values) != 0
            mask = np.zeros(drawn.shape, dtype=np.uint8) if mask is None else mask
            if drawn.shape != mask.shape:
                raise DataError(_parts_differ(path, drawn.shape, mask.shape))
            mask[drawn] = CLASSES.index(part)
        assert mask is not None  # noqa: S101 - a key without parts is not made
        return mask

    def files(self, key: str) -> Sequence[Path]:
        """The files of the parts."""
        stem, parts = key.split(":")
        return [self.root / f"{stem}_{part}.png" for part in parts.split(",")]


def _parts_differ(path: Path, size: Sequence[int], others: Sequence[int]) -> str:
    return (
        f"{path} is {size[1]} x {size[0]} pixels, the other parts of the face are {others[1]} x {others[0]}. All parts must have "
        "the same size; unpack the archive again."
    )


@dataclass(slots=True)
class Faces:
    """Images with masks, where an image is larger than its mask and is brought down to the mask's size."""

    pairs: MaskFiles

    @property
    def ids(self) -> Sequence[str]:
        """Numbers of the images, five digits."""
        return self.pairs.ids

    def __len__(self) -> int:
        """Number of images."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """The sample at that place: ``(3, 512, 512)`` image and ``(512, 512)`` mask, uint8.

        Raises:
            DataError: image or mask cannot be read, or the shapes are not alike.
        """
        image, mask = decode(self.path(index)), self.mask(index)
        if image.shape[1] * mask.shape[1] != image.shape[2] * mask.shape[0]:
            raise DataError(
                f"{self.path(index)} is {image.shape[2]} x {image.shape[1]} pixels, its mask {mask.shape[1]} x {mask.shape[0]}; "
                "height and width must be in the same proportion. Take the original files."
            )
        small = tv_tensors.Image(resized(image.as_subclass(torch.Tensor), mask.shape))
        return Sample(small, tv_tensors.Mask(torch.from_numpy(mask)), self.ids[index])

    def mask(self, index: int) -> np.ndarray:
        """The mask at that place without its image, ``(512, 512)`` uint8."""
        return self.pairs.mask(index)

    def path(self, index: int) -> Path:
        """The image file at that place."""
        return self.pairs.path(index)

    def fingerprint(self) -> str:
        """Hash over ids and the sizes of all files."""
        return self.pairs.fingerprint()

    def subset(self, indices: Sequence[int] | np.ndarray) -> Faces:
        """The images at these places, in this order."""
        return Faces(self.pairs.subset(indices))


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: it is not there, images have no masks, or the mapping file is not the original one.
    """
    root = find_layout(LAYOUT, settings)
    numbers = _numbers(root / _IMAGES)
    faces = Faces(_pairs(root, numbers))
    notes = [
        f"The images are brought down to the size of their masks, {SIDE} x {SIDE} pixels, at which metrics are computed.",
        "Left and right parts are classes of their own, and a mirrored face confuses them: train with augmentation.flip=0.",
    ]
    if not (root / MAPPING).is_file():
        splits, origins = complete({"train": faces}, settings, source="all")
        notes.append(f"{MAPPING} is not there, so val and test are carved instead of those of CelebA.")
    else:
        splits, origins = complete(_official(root / MAPPING, faces, numbers), settings)
    return Dataset(CARD, CLASSES, splits, origins, (SIDE, SIDE), palette=PALETTE, notes=tuple(notes))


def _numbers(folder: Path) -> list[int]:
    stems = [name.removesuffix(".jpg") for name in listed(folder) if name.endswith(".jpg")]
    numbers = sorted(int(stem) for stem in stems if stem.isdecimal())
    if not numbers:
        raise DataError(f"{folder} has no images. Expected: {LAYOUT.tree}.")
    return numbers


def _pairs(root: Path, numbers: Sequence[int]) -> MaskFiles:
    parts = _parts(root / _MASKS, sorted({number // _PER_FOLDER for number in numbers}))
    faceless = [number for number in numbers if number not in parts]
    if faceless:
        raise DataError(
            f"{len(faceless)} of {len(numbers)} images have no mask, the first is {_IMAGES}/{faceless[0]}.jpg. Expected: "
            f"{LAYOUT.tree}. Unpack the archive of {HOME} again."
        )
    keys = [
        f"{number // _PER_FOLDER}/{number:05d}:{','.join(sorted(parts[number], key=PARTS.index))}" for number in numbers
    ]
    ids = [f"{number:05d}" for number in numbers]
    return MaskFiles(root, ids, [f"{_IMAGES}/{number}.jpg" for number in numbers], keys, PartMasks(root / _MASKS))


def _parts(folder: Path, places: Sequence[int]) -> Mapping[int, list[str]]:
    """The parts that there are for each image."""
    found: dict[int, list[str]] = {}
    for place in places:
        for number, part in _files_of_parts(folder / str(place)):
            found.setdefault(number, []).append(part)
    return found


def _files_of_parts(folder: Path) -> Iterator[tuple[int, str]]:
    for name in listed(folder):
        number, _, part = name.removesuffix(".png").partition("_")
        if not name.endswith(".png") or not number.isdecimal():
            continue
        if part not in PARTS:
            raise DataError(f"{folder / name} is none of the {len(PARTS)} parts: {', '.join(PARTS)}. Remove the file.")
        yield int(number), part


def _official(path: Path, faces: Faces, numbers: Sequence[int]) -> dict[SplitName, Faces]:
    """The splits of CelebA, as far as they have images."""
    originals = _originals(path)
    unknown = [number for number in numbers if not 0 < originals.get(number, 0) <= LAST_OF["test"]]
    if unknown:
        raise DataError(
            f"{path} does not say which image of CelebA {unknown[0]}.jpg is; expected lines `{unknown[0]} 119613 119614.jpg`. "
            "Unpack the archive again, or move the file away to have the splits carved."
        )
    # The file's second column counts from 0, the names of CelebA's files from 1.
    places = np.searchsorted(list(LAST_OF.values()), [originals[number] for number in numbers])
    chosen = {name: np.flatnonzero(places == place) for place, name in enumerate(SPLITS)}
    return {name: faces.subset(found) for name, found in chosen.items() if len(found)}


def _originals(path: Path) -> dict[int, int]:
    """Number of an image -> its number in CelebA, counted from 1: lines of number, number - 1 and file name."""
    fields = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]]
    whole = [line for line in fields if len(line) == 3 and line[0].isdecimal() and line[2][:-4].isdecimal()]
    return {int(number): int(file[:-4]) for number, _, file in whole}
