"""Images read at any places: grid_sample, and affine_grid, which gives the places of a turned or moved image.

Between its four neighbours an image is bilinear, so its gradient goes back to them by their weights, and the
gradient of a place is the slope of the image there (Jaderberg et al., 2015).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import choice, flag, integers, room, tensor
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.common import shape_of
from minigrad.ops.elementwise import abs
from minigrad.ops.index import getitem
from minigrad.ops.linalg import matmul
from minigrad.ops.select import clamp, where
from minigrad.ops.shape import permute, reshape, transpose


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The places, from -1 to 1, where each element of an output of ``size`` is to be read in the input.

    Parameters
    ----------
    theta
        One matrix an image, (N, 2, 3): it maps places of the output to places of the input.
    size
        (N, C, H, W).
    align_corners
        Whether -1 and 1 are the middles of the corner elements, or their outer edges.

    Returns
    -------
    Tensor
        (N, H, W, 2): x and y.
    """
    n, _, h, w = integers("affine_grid", "size", size, (4,), 1)
    align_corners = align_corners is not None and flag("affine_grid", "align_corners", align_corners)
    if tensor("affine_grid", "theta", theta).shape != (n, 2, 3):
        raise OperationError(f"affine_grid: theta must have shape {(n, 2, 3)}, it has {tuple(theta.shape)}")
    room("affine_grid", (h, w, 3), np.float64)
    y, x = (
        np.linspace(-1, 1, m) * (1 if align_corners else (m - 1) / m) if m > 1 or not align_corners else np.zeros(m)
        for m in (h, w)
    )
    places = np.stack([*np.meshgrid(x, y), np.ones((h, w))], -1).reshape(1, h * w, 3)
    at = as_tensor(places.astype(array_of(theta).dtype))
    return reshape(matmul(at, transpose(theta, 1, 2)), n, h, w, 2)


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """Read images at the places of a grid.

    Parameters
    ----------
    input
        (N, C, H, W).
    grid
        (N, Hout, Wout, 2): x and y, from -1 to 1 over the image.
    mode
        ``"bilinear"`` or ``"nearest"``.
    padding_mode
        What is read outside: ``"zeros"``, ``"border"`` (the nearest element) or ``"reflection"``.
    align_corners
        Whether -1 and 1 are the middles of the corner elements, or their outer edges.

    Raises
    ------
    OperationError
        If shapes don't fit, or for another mode.
    """
    shape, at = tensor("grid_sample", "input", input).shape, tensor("grid_sample", "grid", grid).shape
    if len(shape) != 4 or len(at) != 4 or at[3] != 2 or at[0] != shape[0]:
        raise OperationError(
            f"grid_sample: it takes (N, C, H, W) and (N, Hout, Wout, 2), not {tuple(shape)} and {tuple(at)}"
        )
    choice("grid_sample", "mode", mode, ("bilinear", "nearest"))
    choice("grid_sample", "padding_mode", padding_mode, ("zeros", "border", "reflection"))
    corners = align_corners is not None and flag("grid_sample", "align_corners", align_corners)
    x, y = (
        _inside(_pixels(grid[..., i], n, corners), n, padding_mode, corners) for i, n in ((0, shape[3]), (1, shape[2]))
    )
    image = permute(input, 0, 2, 3, 1)
    if mode == "nearest":
        read = _read(image, np.rint(array_of(y)), np.rint(array_of(x)))
    else:
        left, top = np.floor(array_of(x)), np.floor(array_of(y))
        right_share, low_share = x - as_tensor(left), y - as_tensor(top)
        read = 0
        for row, in_y in ((top, 1 - low_share), (top + 1, low_share)):
            for column, in_x in ((left, 1 - right_share), (left + 1, right_share)):
                read = read + _read(image, row, column) * (in_y * in_x).unsqueeze(-1)
    return permute(read, 0, 3, 1, 2)


def _pixels(place: Any, size: int, align_corners: bool) -> Any:
    """A place from -1 to 1, counted in elements."""
    return (place + 1) * ((size - 1) / 2) if align_corners else ((place + 1) * size - 1) * 0.5


def _inside(x: Any, size: int, padding_mode: str, align_corners: bool) -> Any:
    """Bring places that are outside to where they read."""
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        low, span = (0.0, size - 1) if align_corners else (-0.5, size)
        if span == 0:
            return x * 0
        distance = abs(x - low)
        turns = np.floor(array_of(distance) / span)
        rest = distance - as_tensor(turns * span)
        x = where(as_tensor(turns % 2 == 0), rest, span - rest) + low
    return clamp(x, 0, size - 1)


def _read(image: Any, row: Any, column: Any) -> Any:
    """The elements at whole places of (N, H, W, C); 0 outside."""
    n, h, w, _ = shape_of(image)
    there = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    sample = np.arange(n).reshape(n, 1, 1)
    key = tuple(np.where(there, i, 0).astype(np.int64) for i in (row, column))
    return where(as_tensor(there[..., None]), getitem(image, (np.broadcast_to(sample, there.shape), *key)), 0.0)
