"""Means over boxes: what average pooling and adaptive average pooling have in common.

They differ only in where their windows are. Here a window is a box: rows ``top[r]`` to ``bottom[r]`` and
columns ``left[c]`` to ``right[c]``, ends excluded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.kernels.checks import check_shape
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.windows import Pair, add_at, as_planes


class Boxes(NamedTuple):
    """Where the windows are along each axis, end excluded, and what each one's sum is divided by.

    The places are unsigned: Numba checks a signed index for being negative, and such loops don't become
    vector instructions.
    """

    top: Array
    bottom: Array
    left: Array
    right: Array
    divisors: Array  # (OH, OW)


@row_kernel
def _mean_planes(
    first: int, last: int, x: Array, y: Array, top: Array, bottom: Array, left: Array, right: Array, divisors: Array
) -> None:
    _, oh, ow = y.shape
    for plane in range(first, last):
        for r in range(oh):
            for c in range(ow):
                total = x.dtype.type(0)
                for i in range(top[r], bottom[r]):
                    for j in range(left[c], right[c]):
                        total += x[plane, i, j]
                y[plane, r, c] = total / divisors[r, c]


@row_kernel
def _spread_planes(
    first: int, last: int, gy: Array, gx: Array, top: Array, bottom: Array, left: Array, right: Array, divisors: Array
) -> None:
    _, oh, ow = gy.shape
    for plane in range(first, last):
        gx[plane] = 0
        for r in range(oh):
            for c in range(ow):
                share = gy[plane, r, c] / divisors[r, c]
                for i in range(top[r], bottom[r]):
                    for j in range(left[c], right[c]):
                        gx[plane, i, j] += share


def _fast_mean(x: Array, boxes: Boxes) -> Array:
    """Average each box of ``x``."""
    planes = as_planes(x)
    y = np.empty((len(planes), *boxes.divisors.shape), dtype=x.dtype)
    _mean_planes(x.size + y.size, len(planes), planes, y, *boxes[:4], boxes.divisors.astype(x.dtype))
    return y.reshape(*x.shape[:2], *y.shape[1:])


def _fast_spread(gy: Array, boxes: Boxes, input_hw: Pair) -> Array:
    """Share each gradient out over its box: the adjoint of ``_fast_mean``."""
    check_shape("the gradient", gy, (*gy.shape[:2], *boxes.divisors.shape))
    planes = as_planes(gy)
    gx = np.empty((len(planes), *input_hw), dtype=gy.dtype)
    _spread_planes(gx.size + gy.size, len(planes), planes, gx, *boxes[:4], boxes.divisors.astype(gy.dtype))
    return gx.reshape(*gy.shape[:2], *input_hw)


def _members(starts: Array, ends: Array, size: int) -> tuple[Array, Array]:
    """List which window has which element along an axis, as pairs: (windows, elements)."""
    element = np.arange(size)
    windows, elements = np.nonzero((element >= starts[:, None]) & (element < ends[:, None]))
    return windows, elements


@replaced_by(_fast_mean)
def box_mean(x: Array, boxes: Boxes) -> Array:
    """Average each box: ``y[n, c, r, s] = sum(x[n, c, box (r, s)]) / divisors[r, s]``.

    Parameters
    ----------
    x : array (N, C, H, W)
    boxes : Boxes

    Returns
    -------
    array (N, C, OH, OW)
    """
    (oh, ow), (n, c, h, w) = boxes.divisors.shape, x.shape
    windows, rows = _members(boxes.top, boxes.bottom, h)
    by_row = np.zeros((n, c, oh, w), dtype=x.dtype)
    add_at(by_row, (..., windows, slice(None)), x[:, :, rows])
    windows, columns = _members(boxes.left, boxes.right, w)
    y: Array = np.zeros((n, c, oh, ow), dtype=x.dtype)
    add_at(y, (..., windows), by_row[..., columns])
    y /= boxes.divisors.astype(x.dtype)
    return y


@replaced_by(_fast_spread)
def box_spread(gy: Array, boxes: Boxes, input_hw: Pair) -> Array:
    """Share each gradient out evenly over its box: the adjoint of ``box_mean``.

    Parameters
    ----------
    gy : array (N, C, OH, OW)
    boxes : Boxes
    input_hw : pair of int

    Returns
    -------
    array (N, C, H, W)
    """
    (n, c, oh, _), (h, w) = gy.shape, input_hw
    shares = gy / boxes.divisors.astype(gy.dtype)
    windows, columns = _members(boxes.left, boxes.right, w)
    by_row = np.zeros((n, c, oh, w), dtype=gy.dtype)
    add_at(by_row, (..., columns), shares[..., windows])
    windows, rows = _members(boxes.top, boxes.bottom, h)
    gx = np.zeros((n, c, h, w), dtype=gy.dtype)
    add_at(gx, (..., rows, slice(None)), by_row[:, :, windows])
    return gx
