"""Read a batch file of CIFAR-10, which is a pickle, without running what it may contain.

A pickle can name any function on the computer, and have it called. Here no name is looked up. The three
that a NumPy array is pickled with are answered with stand-ins that only keep what they are given; any
other name is an error.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minigrad.serialize import FileFormatError

_PIXELS = 3 * 32 * 32


class _StandIn:
    """Takes the place of ``np.dtype`` and of an array: keeps its arguments and state, and does nothing."""

    def __init__(self, *args: Any) -> None:
        self.args = args
        self.state: Any = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _NdArray:
    """Takes the place of the class ``np.ndarray``, which the pickle names and no one needs."""


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _StandIn,
    ("numpy", "ndarray"): _NdArray,
    # The function that makes an empty array, under its names in NumPy 1 and 2.
    ("numpy.core.multiarray", "_reconstruct"): _StandIn,
    ("numpy._core.multiarray", "_reconstruct"): _StandIn,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        # The files come from Python 2, whose strings were bytes.
        super().__init__(file, encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch file needs")
        return _STAND_INS[module, name]


def read_batch(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Read the images and labels of one batch file.

    Parameters
    ----------
    path
        A file such as ``data_batch_1``.

    Returns
    -------
    images, labels
        Arrays of shapes (N, 3, 32, 32) and (N,).

    Raises
    ------
    FileFormatError
        If it is no such file, or names anything that such a file doesn't need.
    """
    with open(path, "rb") as file:
        try:
            batch = _Unpickler(file).load()
            images = _pixels(batch[b"data"])
            labels = np.array(batch[b"labels"], dtype=np.int64)
            if labels.shape != (len(images),) or not ((labels >= 0) & (labels < 10)).all():
                raise ValueError("there must be one label from 0 to 9 for each image")
        except Exception as error:
            # A broken pickle can fail in nearly any way; each means the same to the reader.
            raise FileFormatError(
                f"{path} is no batch file of CIFAR-10: {type(error).__name__}: {error}. "
                "Delete it and call again, to unpack it anew"
            ) from error
    return images, labels


def _pixels(array: _StandIn) -> npt.NDArray[np.uint8]:
    """Make the array whose parts a stand-in has kept: version, shape, dtype, column order, and bytes."""
    _, shape, dtype, by_columns, content = array.state
    if dtype.args[0] not in (b"u1", "u1") or by_columns or tuple(shape) != (shape[0], _PIXELS):
        raise ValueError(f"the images must be rows of {_PIXELS} bytes")
    return np.frombuffer(content, np.uint8).reshape(-1, 3, 32, 32)
