"""Pascal VOC's XML files: the objects of one image each, as VOC, ImageNet and most labelling programs write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from vyvod.errors import DataError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """What a file says about its image, m objects."""

    file: Path
    image: str
    """Name of the image as the file has it: often wrong, and not to be trusted as a path."""
    size: tuple[int, int] | None
    """Height and width, pixels; None where the file has none, or zeros."""
    names: Sequence[str]
    """m names of classes."""
    boxes: np.ndarray
    """``(m, 4)`` float64 left, top, right, bottom, pixels, as they stand in the file."""
    difficult: Sequence[bool]
    """Which of the m do not count."""

    def labels(self, places: Mapping[str, int]) -> list[int]:
        """Class indices of the objects.

        Raises:
            DataError: an object is of none of the classes.
        """
        for number, name in enumerate(self.names, start=1):
            if name not in places:
                raise DataError(
                    f"{self.file}, object {number}: '{name}' is none of the {len(places)} classes ({listed_names(places)}). "
                    "Correct the name, or the list of classes."
                )
        return [places[name] for name in self.names]


def listed_names(names: Mapping[str, int] | Sequence[str]) -> str:
    """The first ten of some names, for messages."""
    shown = ", ".join(list(names)[:10])
    return shown if len(names) <= 10 else f"{shown}, ..."


def read_annotation(file: Path) -> Annotation:
    """Read a file of one image.

    Corners are taken for edges as they stand, as the converters to COCO and YOLO take them; a corner that is NaN or lies
    outside the image is not looked at here.

    Raises:
        DataError: it is missing, no XML, no annotation, refused because it declares entities, or an object lacks its name or
            one of its corners; the text names the object.
    """
    root = _parsed(file)
    if root.tag != "annotation":
        raise DataError(f"{file} is no annotation of Pascal VOC: it begins with <{root.tag}> instead of <annotation>.")
    objects = list(enumerate(root.findall("object"), start=1))
    return Annotation(
        file, (root.findtext("filename") or "").strip(), _size(root),
        names=[_name(file, number, node) for number, node in objects],
        boxes=np.array([_box(file, number, node) for number, node in objects], dtype=np.float64).reshape(-1, 4),
        difficult=[(node.findtext("difficult") or "0").strip().lower() in ("1", "true") for _, node in objects],
    )  # fmt: skip


def _parsed(file: Path) -> Any:
    try:
        return ElementTree.parse(file).getroot()
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist. Check data.root.") from error
    except DefusedXmlException as error:
        raise DataError(
            f"{file} was refused: it declares entities, which can fill the memory or read other files ({type(error).__name__}). "
            "No annotation needs them; remove the <!DOCTYPE ...> from it."
        ) from error
    except (ParseError, ValueError, LookupError, OSError) as error:
        raise DataError(f"{file} is not a whole XML file: {error}. Unpack or export it again.") from error


def _size(root: Any) -> tuple[int, int] | None:
    try:
        height, width = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None


def _name(file: Path, number: int, node: Any) -> str:
    name = (node.findtext("name") or "").strip()
    if not name:
        raise DataError(f"{file}, object {number} has no <name>. Add it or remove the object.")
    return name


def _box(file: Path, number: int, node: Any) -> list[float]:
    texts = {corner: node.findtext(f"bndbox/{corner}") for corner in _CORNERS}
    try:
        return [float(texts[corner]) for corner in _CORNERS]
    except (TypeError, ValueError) as error:
        wrong = next(corner for corner in _CORNERS if not _is_number(texts[corner]))
        raise DataError(
            f"{file}, object {number}: <{wrong}> is {texts[wrong]!r}; expected a number of pixels in each of "
            f"{', '.join(_CORNERS)} of <bndbox>. Mend or remove the object."
        ) from error


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True
