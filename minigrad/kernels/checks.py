"""What a kernel's caller is held to: compiled loops would read and write outside arrays that don't fit."""

from __future__ import annotations

import numpy as np

from minigrad.kernels.compile import Array


def check_shape(name: str, array: Array | None, shape: tuple[int, ...]) -> None:
    """Raise an error if an array that is given doesn't have this shape."""
    if array is not None and array.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, it has {array.shape}")


def check_places(name: str, places: Array, size: int, ignored: int | None = None) -> None:
    """Raise an error if int64 ``places`` don't all lie in ``range(size)``; ``ignored`` is allowed, too."""
    if places.size == 0 or places.view(np.uint64).max() < size:  # (a negative one is very large then)
        return
    outside = places[(places < 0) | (places >= size)]
    wrong = outside if ignored is None else outside[outside != ignored]
    if wrong.size:
        raise IndexError(f"{name} {wrong[0]} is out of range: they go from 0 to {size - 1}")
