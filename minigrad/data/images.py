"""MNIST and CIFAR-10: downloaded when they are first asked for, checked each time they are read.

MNIST's files lie where torchvision puts them below ``root``, so that a folder that it has filled serves here too.
Of CIFAR-10 the binary archive is kept, which holds the same images as the pickled one that torchvision takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.data.cifar import read_archive
from minigrad.data.download import Remote, cache_dir, fetch
from minigrad.data.idx import read_idx
from minigrad.serialize import FileFormatError
from minigrad.tensors.tensor import Tensor, from_array

Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"

#: The images and the labels of MNIST, for ``train`` True and False.
MNIST_FILES = {
    True: (
        Remote(
            _MNIST + "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        Remote(
            _MNIST + "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
    ),
    False: (
        Remote(
            _MNIST + "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        Remote(
            _MNIST + "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
}

CIFAR10_ARCHIVE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)

#: The batch files in the archive of CIFAR-10, for ``train`` True and False, and the images in each.
CIFAR10_BATCHES = {
    True: [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)],
    False: ["cifar-10-batches-bin/test_batch.bin"],
}
CIFAR10_IMAGES_EACH = 10_000


def mnist_arrays(root: Any = None, train: bool = True) -> Arrays:
    """Load MNIST as it is stored: images as bytes of shape (N, 1, 28, 28), labels of shape (N,)."""
    folder = _root(root) / "MNIST" / "raw"
    paths = [fetch(remote, folder / remote.url.rpartition("/")[2]) for remote in MNIST_FILES[bool(train)]]
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(images) != len(labels):
        raise FileFormatError(f"{paths[0]} has {len(images)} images, but {paths[1]} has {len(labels)} labels")
    return images[:, np.newaxis], labels.astype(np.int64)


def mnist(root: Any = None, train: bool = True) -> tuple[Tensor, Tensor]:
    """Load MNIST: handwritten digits of 28 x 28 pixels. The first call downloads 12 MB.

    Parameters
    ----------
    root
        The folder to keep it in. By default that of the environment variable ``MINIGRAD_DATA``, or else
        ``minigrad`` in the user's cache folder.
    train
        The 60,000 images for training, or the 10,000 for testing.

    Returns
    -------
    images : Tensor
        float32 from 0 to 1, of shape (N, 1, 28, 28).
    labels : Tensor
        int64 from 0 to 9, of shape (N,).

    Raises
    ------
    DownloadError
        If a file can't be downloaded, or isn't the one that it should be.

    Examples
    --------
    >>> from minigrad import data
    >>> images, labels = data.mnist(train=False)  # doctest: +SKIP
    >>> images.shape  # doctest: +SKIP
    (10000, 1, 28, 28)
    """
    return _tensors(mnist_arrays(root, train))


def cifar10_arrays(root: Any = None, train: bool = True) -> Arrays:
    """Load CIFAR-10 as it is stored: images as bytes of shape (N, 3, 32, 32), labels of shape (N,)."""
    archive = fetch(CIFAR10_ARCHIVE, _root(root) / CIFAR10_ARCHIVE.url.rpartition("/")[2])
    return read_archive(archive, CIFAR10_BATCHES[bool(train)], CIFAR10_IMAGES_EACH)


def cifar10(root: Any = None, train: bool = True) -> tuple[Tensor, Tensor]:
    """Load CIFAR-10: colour photographs of 32 x 32 pixels. The first call downloads 170 MB.

    As float32 the training images take 614 MB of memory; ``cifar10_arrays`` gives bytes, a quarter of it.

    Parameters
    ----------
    root
        The folder to keep it in. By default that of the environment variable ``MINIGRAD_DATA``, or else
        ``minigrad`` in the user's cache folder.
    train
        The 50,000 images for training, or the 10,000 for testing.

    Returns
    -------
    images : Tensor
        float32 from 0 to 1, of shape (N, 3, 32, 32).
    labels : Tensor
        int64 of shape (N,): airplane 0, automobile 1, bird 2, cat 3, deer 4, dog 5, frog 6, horse 7,
        ship 8, truck 9.

    Raises
    ------
    DownloadError
        If the archive can't be downloaded, or isn't the one that it should be.
    FileFormatError
        If the archive can't be read.

    Examples
    --------
    >>> from minigrad import data
    >>> images, labels = data.cifar10(train=False)  # doctest: +SKIP
    >>> images.shape  # doctest: +SKIP
    (10000, 3, 32, 32)
    """
    return _tensors(cifar10_arrays(root, train))


def _root(root: Any) -> Path:
    return cache_dir() if root is None else Path(root).expanduser()


def _tensors(arrays: Arrays) -> tuple[Tensor, Tensor]:
    images, labels = arrays
    scaled = images.astype(np.float32)
    # In place: the training images of CIFAR-10 take 614 MB, and a second copy as much again.
    scaled /= 255
    return from_array(scaled), from_array(labels)
