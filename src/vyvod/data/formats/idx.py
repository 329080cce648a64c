"""IDX, the format of MNIST and its relatives: big-endian sizes, then bytes; see http://yann.lecun.com/exdb/mnist/."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from vyvod.errors import DataError

_UINT8 = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of bytes, compressed with gzip or not.

    Returns:
        uint8 array of the shape that the file names.

    Raises:
        DataError: the file is missing, truncated or of another format.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. Fetch it again.") from error
    if len(content) < 4 or content[:3] != bytes((0, 0, _UINT8)):
        raise DataError(
            f"{path} is not an IDX file of bytes: it begins with {content[:4].hex(' ') or 'nothing'}. Fetch it again."
        )
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], dtype=">u4").tolist())
    if len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise DataError(
            f"{path} is truncated or damaged: it holds {len(content) - start} values, its header promises "
            f"{' x '.join(map(str, shape))}. Fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
