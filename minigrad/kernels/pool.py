"""Pooling: the largest, or the mean, of each window.

The kernels loop over planes, a plane being one channel of one sample: windows overlap within a plane,
never across planes, so each thread owns what it writes.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from minigrad.kernels.compile import replaced_by
from minigrad.kernels.patches import Array, Pair, pad_hw, strided_view
from minigrad.kernels.threads import row_kernel


def pooled_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows an axis of ``size`` elements has.

    With ``ceil_mode`` the last window may hang over the end, but must start inside the input or its left
    padding.
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def pooled_hw(hw: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool) -> Pair:
    """``pooled_size`` along height and width."""
    axes = zip(hw, kernel, stride, padding, dilation, strict=True)
    rows, columns = (pooled_size(*axis, ceil_mode) for axis in axes)
    return rows, columns


def _planes(x: Array) -> Array:
    """(N, C, H, W) as (N * C, H, W)."""
    return np.ascontiguousarray(x).reshape(x.shape[0] * x.shape[1], *x.shape[2:])


@row_kernel
def _max_planes(x: Array, y: Array, indices: Array, kh: int, kw: int, sh: int, sw: int, ph: int, pw: int,
                dh: int, dw: int) -> None:
    planes, h, w = x.shape
    _, oh, ow = y.shape
    for plane in prange(planes):
        for r in range(oh):
            for c in range(ow):
                top, left = r * sh - ph, c * sw - pw
                top += (max(0, -top) + dh - 1) // dh * dh  # the first elements inside the input
                left += (max(0, -left) + dw - 1) // dw * dw
                best, where = x[plane, top, left], top * w + left
                for i in range(top, min(r * sh - ph + (kh - 1) * dh + 1, h), dh):
                    for j in range(left, min(c * sw - pw + (kw - 1) * dw + 1, w), dw):
                        value = x[plane, i, j]
                        if value > best or value != value:  # the first largest, or the last NaN
                            best, where = value, i * w + j
                y[plane, r, c] = best
                indices[plane, r, c] = where


@row_kernel
def _scatter_planes(gy: Array, indices: Array, gx: Array) -> None:
    planes, places = gy.shape
    for plane in prange(planes):
        gx[plane] = 0
        for p in range(places):
            gx[plane, indices[plane, p]] += gy[plane, p]
