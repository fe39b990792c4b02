"""The weights of a convolution as the blocked kernels read them, and their gradients as those write them.

Packed, the channels of a *block*, as many as fit into a row of a tile, lie side by side for each element of
the kernel: (groups, blocks, C / groups * kh * kw, row). What a group's last block lacks in channels is zero.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from minigrad.kernels.compile import Array, jit


@jit
def _pack(w: Array, packed: Array) -> None:
    groups, blocks, _, row = packed.shape
    outputs, channels, height, width = w.shape
    per_group = outputs // groups
    for g in range(groups):
        for block in range(blocks):
            first = block * row
            lanes = min(row, per_group - first)
            tap = 0
            for c in range(channels):
                for i in range(height):
                    for j in range(width):
                        for lane in range(lanes):
                            packed[g, block, tap, lane] = w[g * per_group + first + lane, c, i, j]
                        for lane in range(lanes, row):
                            packed[g, block, tap, lane] = 0
                        tap += 1


def pack_weights(w: Array, groups: int, row: int) -> Array:
    """(O, C / groups, kh, kw), however it lies in memory, as (groups, blocks, C / groups * kh * kw, row)."""
    o, *taps = w.shape
    packed = np.empty((groups, math.ceil(o // groups / row), math.prod(taps), row), w.dtype)
    _pack(w, packed)
    return packed


def pack_bias(b: Array | None, outputs: int, groups: int, row: int, dtype: np.dtype) -> Array:
    """(O,), or None for zeros, as (groups, blocks, 1, row)."""
    if b is None:
        return _no_bias(math.ceil(outputs // groups / row), groups, row, dtype)
    return pack_weights(b.astype(dtype, copy=False).reshape(outputs, 1, 1, 1), groups, row)


@functools.lru_cache(maxsize=64)
def _no_bias(blocks: int, groups: int, row: int, dtype: np.dtype) -> Array:
    return np.zeros((groups, blocks, 1, row), dtype)


@jit
def _unpack(parts: Array, gw: Array) -> None:
    threads, groups, _, _, row = parts.shape
    outputs, taps = gw.shape
    per_group = outputs // groups
    for o in range(outputs):
        g, at = o // per_group, o % per_group
        for tap in range(taps):
            gw[o, tap] = parts[0, g, at // row, tap, at % row]
        for thread in range(1, threads):
            for tap in range(taps):
                gw[o, tap] += parts[thread, g, at // row, tap, at % row]


def unpack_gradient(parts: Array, shape: tuple[int, int, int, int]) -> Array:
    """The sum of what each thread found, (threads, groups, blocks, taps, row), as (O, C / groups, kh, kw)."""
    gw = np.empty(shape, parts.dtype)
    _unpack(parts, gw.reshape(shape[0], -1))
    return gw
