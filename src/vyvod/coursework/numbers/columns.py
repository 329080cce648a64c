"""Per-image columns from a branch: an npz file that nobody vouches for, read so that nothing in it runs or fills the memory."""

import math
import zipfile
from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vyvod.errors import UserError

Array = NDArray[Any]

LARGEST = 200 * 2**20
"""Bytes of all columns together, unpacked."""
MOST_ROWS = 10_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Only these are unpacked piece by piece: others can grow beyond what the archive declares before anybody can stop them."""
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class ColumnsError(UserError):
    """A file of columns is damaged, too large, or holds something else; a part of a sentence that follows its name."""


def read_columns(content: bytes, names: Collection[str]) -> dict[str, Array]:
    """The columns of these names, as far as they are there.

    Args:
        content: of the npz file.
        names: of columns.

    Raises:
        ColumnsError: the file is damaged or hostile.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = {member.filename: member for member in archive.infolist()}
            _check_size(archive.infolist())
            there = {name: members[f"{name}.npy"] for name in names if f"{name}.npy" in members}
            return {name: _array(archive, member) for name, member in there.items()}
    except ColumnsError:
        raise
    except Exception as error:  # what zipfile, zlib and numpy raise over hostile bytes has no common name
        raise ColumnsError(f"is damaged ({type(error).__name__}: {str(error)[:120]})") from error


def require(columns: Mapping[str, Array], shapes: Mapping[str, tuple[str, tuple[int | None, ...]]]) -> None:
    """See that columns have the kind and the shape that is expected, where they are there at all.

    Args:
        columns: as read.
        shapes: name -> kinds of numpy's dtypes, such as ``iu``, and the shape; None stands for any length.

    Raises:
        ColumnsError: one has not.
    """
    for name, (kinds, shape) in shapes.items():
        column = columns.get(name)
        if column is None:
            continue
        fits = column.ndim == len(shape) and all(
            wanted in (None, length) for wanted, length in zip(shape, column.shape, strict=True)
        )
        if not fits or column.dtype.kind not in kinds:
            expected = tuple("any" if length is None else length for length in shape)
            raise ColumnsError(
                f"has a column {name} of shape {column.shape} and type {column.dtype}; expected {expected}"
            )


def require_range(columns: Mapping[str, Array], name: str, least: float, end: float) -> None:
    """See that every value of a column is at least ``least`` and below ``end``, and so no NaN.

    Raises:
        ColumnsError: one is not.
    """
    column = columns[name]
    # In a minimum a NaN comes out as a NaN, and every comparison with it is false.
    if column.size and not (column.min() >= least and column.max() < end):
        raise ColumnsError(f"has a column {name} from {column.min()} to {column.max()}; expected {least:g} to {end:g}")


def _check_size(members: list[zipfile.ZipInfo]) -> None:
    size = sum(member.file_size for member in members)
    if size > LARGEST:
        raise ColumnsError(f"unpacks to {size / 2**20:.0f} MiB, more than the {LARGEST // 2**20} MiB that are read")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    if member.compress_type not in _METHODS:
        raise ColumnsError("is packed in a way that numpy does not use")
    # At most as much as the archive declares: zipfile stops there.
    file = BytesIO(archive.read(member))
    header = _HEADERS[np.lib.format.read_magic(file)]
    shape, _, kind = header(file)
    if kind.hasobject:
        raise ColumnsError(f"holds Python objects ({member.filename}), which could run a program and are never loaded")
    stored = file.getbuffer().nbytes - file.tell()
    if math.prod(shape) * kind.itemsize != stored or max(shape, default=0) > MOST_ROWS:
        raise ColumnsError(f"is damaged ({member.filename} declares {shape} {kind}, and {stored} bytes are there)")
    file.seek(0)
    array: Array = np.lib.format.read_array(file, allow_pickle=False)
    return array
