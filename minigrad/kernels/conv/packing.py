"""The weights of a convolution as the blocked kernels read them, and their gradients as those write them.

Packed, the channels of a *block*, as many as fit into a row of a tile, lie side by side for each *step* of the
reduction, which is an element of the kernel for one channel that is summed over: (groups, blocks, steps, row). What a
group's last block lacks in channels is zero.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from minigrad.kernels.compile import Array, jit
from minigrad.kernels.conv.vectors import turn


@jit
def _pack(w: Array, flipped: bool, packed: Array) -> None:
    groups, summed, channels, taps = w.shape
    _, blocks, _, row = packed.shape
    flat_w, flat = w.ravel(), packed.ravel()
    for g in range(groups):
        for block in range(blocks):
            lanes = min(row, channels - block * row)
            for k in range(summed):
                source = ((g * summed + k) * channels + block * row) * taps
                target = ((g * blocks + block) * summed + k) * taps * row
                if flipped:
                    turn(flat_w, source, taps, lanes, taps, flat, target + (taps - 1) * row, -row)
                else:
                    turn(flat_w, source, taps, lanes, taps, flat, target, row)


def _packed(w: Array, flipped: bool, row: int) -> Array:
    """(groups, summed over, channels, taps) as (groups, blocks, steps, row)."""
    groups, summed, channels, taps = w.shape
    # Zeros only where some stay: a large array of them comes from the system, page by page.
    new = np.zeros if channels % row else np.empty
    packed = new((groups, math.ceil(channels / row), summed * taps, row), w.dtype)
    _pack(w, flipped, packed)
    return packed


def pack_weights(w: Array, groups: int, row: int) -> Array:
    """(O, C / groups, kh, kw) for an output of O channels."""
    return _packed(np.ascontiguousarray(w).reshape(groups, 1, len(w) // groups, -1), False, row)


def pack_flipped(w: Array, groups: int, row: int) -> Array:
    """(O, C / groups, kh, kw) for a gradient of C channels: summed over O, and each kernel turned by half a turn."""
    o, c, *_ = w.shape
    return _packed(np.ascontiguousarray(w).reshape(groups, o // groups, c, -1), True, row)


def pack_bias(b: Array | None, outputs: int, groups: int, row: int, dtype: np.dtype) -> Array:
    """(O,), or None for zeros, as (groups, blocks, 1, row)."""
    if b is None:
        return _no_bias(math.ceil(outputs // groups / row), groups, row, dtype)
    return pack_weights(b.astype(dtype, copy=False), groups, row)


@functools.lru_cache(maxsize=64)
def _no_bias(blocks: int, groups: int, row: int, dtype: np.dtype) -> Array:
    return np.zeros((groups, blocks, 1, row), dtype)


@jit
def _unpack(parts: Array, gw: Array) -> None:
    count, groups, blocks, steps, row = parts.shape
    outputs, taps = gw.shape
    channels = outputs // groups
    flat, flat_gw = parts.ravel(), gw.ravel()
    one = np.uint64(flat.size // count)
    for part in range(1, count):
        for i in range(one):
            flat[i] += flat[np.uint64(part) * one + i]
    for g in range(groups):
        for block in range(blocks):
            source = (g * blocks + block) * steps * row
            target = (g * channels + block * row) * taps
            turn(flat, source, row, taps, min(row, channels - block * row), flat_gw, target, taps)


def unpack_gradient(parts: Array, shape: tuple[int, int, int, int]) -> Array:
    """The sum of all parts, (parts, groups, blocks, steps, row), as (O, C / groups, kh, kw)."""
    gw = np.empty(shape, parts.dtype)
    _unpack(parts, gw.reshape(shape[0], -1))
    return gw
