"""Read an IDX file, the format of MNIST: four bytes that say what it is, the lengths, then the bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minigrad.serialize import FileFormatError

_UNSIGNED_BYTES = 0x08
#: No file of ours is longer than 60,000 images of 28 x 28: a larger claim is not worth the memory.
_MOST = 60_000 * 28 * 28


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes.

    Parameters
    ----------
    path
        The file.
    dimensions
        How many dimensions it must have: 3 for images, 1 for labels.

    Raises
    ------
    FileFormatError
        If it is something else, is cut off, or goes on for too long.
    """
    try:
        with gzip.open(path) as file:
            header = file.read(4 + 4 * dimensions)
            if header[:4] != bytes([0, 0, _UNSIGNED_BYTES, dimensions]):
                raise _error(path, f"it doesn't start as an IDX file of {dimensions}-dimensional bytes does")
            if len(header) < 4 + 4 * dimensions:
                raise _error(path, "it ends within its header")
            shape = struct.unpack(f">{dimensions}I", header[4:])
            expected = math.prod(shape)
            if expected > _MOST:
                raise _error(path, f"its header claims the shape {shape}, which is too large")
            content = file.read(expected + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _error(path, str(error)) from error
    if len(content) != expected:
        found = len(content) if len(content) < expected else "more"
        raise _error(path, f"its header promises {expected:,} bytes, and {found} follow")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _error(path: Path, reason: str) -> FileFormatError:
    return FileFormatError(f"{path} can't be read: {reason}. Delete it and call again, to download it anew")
