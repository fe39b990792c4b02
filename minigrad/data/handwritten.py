"""Handwritten digits that come with the package: 1,797 images of 8 x 8 pixels.

They are the test part of the UCI set "Optical Recognition of Handwritten Digits" (E. Alpaydin and
C. Kaynak, 1998, CC BY 4.0), as scikit-learn distributes it. ``DIGITS_LICENSE.txt``, beside this file,
names source and licence.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import arguments
from minigrad.tensors.tensor import Tensor, from_array

_PARTS = ("all", "train", "test")


def _part(split: str, count: int) -> npt.NDArray[np.bool_]:
    """Which images belong to a part: of every fifty, the first ten are for testing."""
    test: npt.NDArray[np.bool_] = np.arange(count) // 10 % 5 == 0
    return {"all": np.ones(count, bool), "train": ~test, "test": test}[split]


def digits_arrays(split: str = "all") -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Load the digits as they are stored: bytes from 0 to 16, and labels from 0 to 9.

    Parameters
    ----------
    split
        ``"all"``, ``"train"`` or ``"test"``; see :func:`digits`.

    Returns
    -------
    images, labels
        Arrays of shapes (N, 1, 8, 8) and (N,).

    Raises
    ------
    ValueError
        For a split of another name.

    Examples
    --------
    >>> from minigrad.data import digits_arrays
    >>> images, labels = digits_arrays("test")
    >>> images.shape, images.dtype, int(images.max())
    ((360, 1, 8, 8), dtype('uint8'), 16)
    """
    arguments.choice("digits", "split", split, tuple(_PARTS))
    with files("minigrad.data").joinpath("digits.npz").open("rb") as file:
        stored: Any = np.load(file, allow_pickle=False)
        images, labels = stored["images"], stored["labels"]
    part = _part(split, len(labels))
    return images[part, np.newaxis], labels[part].astype(np.int64)


def digits(split: str = "all", flatten: bool = False) -> tuple[Tensor, Tensor]:
    """Load the handwritten digits that come with minigrad. Nothing is downloaded.

    The split is fixed: of every fifty images, in the order of the file, the first ten are for testing. The
    file goes on writer by writer, so most writers are in both parts. For people whose writing was never seen,
    expect an accuracy some points lower.

    Parameters
    ----------
    split
        ``"all"`` (1,797 images), ``"train"`` (1,437) or ``"test"`` (360).
    flatten
        Give each image as a row of 64 pixels.

    Returns
    -------
    images : Tensor
        float32 from 0 to 1, of shape (N, 1, 8, 8), or (N, 64) with ``flatten``.
    labels : Tensor
        int64 from 0 to 9, of shape (N,).

    Raises
    ------
    ValueError
        For a split of another name.

    Examples
    --------
    >>> from minigrad import data
    >>> images, labels = data.digits("train")
    >>> images.shape, labels.shape
    ((1437, 1, 8, 8), (1437,))
    """
    images, labels = digits_arrays(split)
    if arguments.flag("digits", "flatten", flatten):
        images = images.reshape(len(images), 64)
    return from_array(images.astype(np.float32) / 16), from_array(labels)
