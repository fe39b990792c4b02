"""Windows of an image, padded, with a stride and a dilation: what convolution and pooling have in common."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad.kernels.compile import Array

Pair = tuple[int, int]


def count_windows(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many places a window has along an axis of ``size`` elements, padded on both sides."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@functools.lru_cache(maxsize=256)
def windows_hw(hw: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """``count_windows`` along height and width."""
    rows, columns = (count_windows(*axis) for axis in zip(hw, kernel, stride, padding, dilation, strict=True))
    return rows, columns


def pad_hw(x: Array, padding: Pair, value: float = 0.0) -> Array:
    """Put ``padding`` rows and columns of ``value`` around the last two axes."""
    if padding == (0, 0):
        return x
    (ph, pw), (h, w) = padding, x.shape[-2:]
    padded = np.full((*x.shape[:-2], h + 2 * ph, w + 2 * pw), value, dtype=x.dtype)
    padded[..., ph : ph + h, pw : pw + w] = x
    return padded


def strided_view(padded: Array, i: int, j: int, counts: Pair, stride: Pair, dilation: Pair) -> Array:
    """View what element ``(i, j)`` of the kernel meets, in each of its ``counts`` places."""
    (oh, ow), (sh, sw) = counts, stride
    top, left = i * dilation[0], j * dilation[1]
    return padded[..., top : top + (oh - 1) * sh + 1 : sh, left : left + (ow - 1) * sw + 1 : sw]


def as_planes(x: Array) -> Array:
    """(N, C, H, W) as (N * C, H, W), contiguous."""
    n, c, h, w = x.shape
    return np.ascontiguousarray(x).reshape(n * c, h, w)


def add_at(target: Array, index: Any, values: Array) -> None:
    """Do ``target[index] += values``, where an element that is named several times gets all of them."""
    np.add.at(target, index, values)
