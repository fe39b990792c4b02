"""A brain that comes with the package: slices of the MNI's average MRI, with grey and white matter marked.

It is the ICBM 152 average T1: 152 people's brains laid over each other, symmetric by construction, nobody's own.
``BRAIN_LICENSE.txt``, beside this file, names source and licence; ``tools/make_brain.py`` makes the data again.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import arguments
from minigrad.tensors.tensor import Tensor, from_array

#: What the labels mean.
BRAIN_CLASSES = ("background", "grey matter", "white matter")
_TEST = (*range(8, 12), *range(20, 24))
_BESIDE_TEST = (7, 12, 19, 24)  # their neighbours, which look much like them, are in neither part


def brain_arrays(split: str = "all") -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Load the slices as they are stored: bytes, and labels 0 (background), 1 (grey) and 2 (white matter).

    Parameters
    ----------
    split
        ``"all"``, ``"train"`` or ``"test"``; see :func:`brain`.

    Returns
    -------
    images, labels
        Arrays of shapes (N, 1, 96, 96) and (N, 96, 96).

    Raises
    ------
    ValueError
        For a split of another name.
    """
    places = _places(split)
    with files("minigrad.data").joinpath("brain.npz").open("rb") as file:
        stored: Any = np.load(file, allow_pickle=False)
        images, labels = stored["images"], stored["labels"]
    return images[places, np.newaxis], labels[places].astype(np.int64)


def _places(split: str) -> list[int]:
    """The slices of a part."""
    arguments.choice("brain", "split", split, ("all", "train", "test"))
    if split == "test":
        return list(_TEST)
    return [i for i in range(32) if split == "all" or i not in _TEST + _BESIDE_TEST]


def brain(
    split: str = "all", noise: float = 0.08, bias_field: float = 0.4, blur: float = 1.0, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Load slices of the average brain, made as hard to read as a scanner makes them. Nothing is downloaded.

    As it is, the average is too easy: a table from a pixel's intensity to its likeliest label is right on 98 % of
    the pixels. A scan has noise, an uneven field and a finite resolution, and so have these images, unless the
    three amounts are set to 0. The labels stay as they are.

    Neighbouring slices look alike, so the test part is two *blocks* of four slices, and the slices next to a block
    are in neither part. A left-right flip gives nothing new, because the template is symmetric.

    Parameters
    ----------
    split
        ``"all"`` (32 slices), ``"train"`` (20) or ``"test"`` (8).
    noise
        Standard deviation of the noise of both channels of the receiver, as a part of the brightest value (Rician:
        what is stored is the length of the complex signal, so air is not black).
    bias_field
        By how much brightness may grow or fall from one end of a slice to the other, as a part of 1.
    blur
        Standard deviation of the blur, in pixels (of 2 mm).
    seed
        Of noise and field.

    Returns
    -------
    images : Tensor
        float32, about 0 to 1, of shape (N, 1, 96, 96).
    labels : Tensor
        int64, of shape (N, 96, 96): 0 background and fluid, 1 grey matter, 2 white matter.

    Raises
    ------
    ValueError
        For a split of another name, or a negative amount.

    Examples
    --------
    >>> from minigrad import data
    >>> images, labels = data.brain("train")
    >>> images.shape, labels.shape
    ((20, 1, 96, 96), (20, 96, 96))
    """
    noise = arguments.number("brain", "noise", noise, 0, 1e6)
    bias_field = arguments.number("brain", "bias_field", bias_field, 0, 1e6)
    blur = arguments.number("brain", "blur", blur, 0, 1e3)
    seed = arguments.integer("brain", "seed", seed, least=0)
    places = _places(split)
    images, labels = brain_arrays()
    x = images.astype(np.float64) / 239
    rng = np.random.default_rng(seed)
    x = _blurred(x, blur)
    y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in x.shape[2:]), indexing="ij")
    along = rng.uniform(-1, 1, (4, len(x), 1, 1, 1))
    x = x * np.exp(bias_field / 2 * (along[0] * y + along[1] * z + along[2] * y * z + along[3] * (y * y - z * z)))
    x = np.hypot(x + noise * rng.standard_normal(x.shape), noise * rng.standard_normal(x.shape))
    return from_array(x[places].astype(np.float32)), from_array(labels[places])


def _blurred(x: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    """Convolve the last two axes with a Gaussian, cut off at three standard deviations."""
    if not sigma:
        return x
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (-2, -1):
        n = x.shape[axis]
        wide = np.pad(x, [(reach, reach) if a == axis % x.ndim else (0, 0) for a in range(x.ndim)])
        x = sum((w * wide.take(range(k, k + n), axis) for k, w in enumerate(weights)), np.zeros_like(x))
    return x
