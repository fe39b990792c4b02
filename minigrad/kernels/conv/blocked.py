"""Convolution, blocked: a patch of the input at a time, and of it a tile of the output at a time.

A *task* is a share of the outputs whose window of the input, the *patch*, stays in the cache. The patch is copied
out with its padding, and then ``vectors.multiply_add`` goes through it tile by tile, for each block of channels.
``direct.py`` says what is to be multiplied with what.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.kernels.compile import Array, jit
from minigrad.kernels.conv.vectors import ROW_BYTES, TILE, multiply_add, turn
from minigrad.kernels.threads import row_kernel


class Plan(NamedTuple):
    """How a convolution is cut into tasks, each of some samples, or of a band of rows of one sample."""

    samples: int  # in a task
    rows: int  # of the output, in a task
    oh: int
    ow: int
    height: int  # of the patch, the window of the padded images that a task reads
    width: int
    top: int  # of the first band's patch in the image: negative in the padding
    left: int
    down: int  # from one output row to the next, in rows of the image
    pixels: Array  # where in the patch each output pixel's window begins
    taps: Array  # how far from there each element of the kernel is, channel by channel
    y_at: int  # where in a plane of y the first output goes, the next row, and the next column
    y_down: int
    y_across: int


# Below, arrays are flat, and indices unsigned: Numba has a signed index checked for being negative, and such
# loops don't become vector instructions.


@jit
def _gather_patch(
    x: Array,
    shape: tuple[int, int, int, int],
    sample: int,
    samples: int,
    channel: int,
    channels: int,
    row: int,
    plan: Plan,
    patch: Array,
) -> None:
    """Copy the window that a task's outputs from ``row`` on read, of the padded images, into ``patch``.

    That is (samples, channels, height, width).

    What lies left and right of the image is never written: it is zero from the start. So is what lies above and below
    it, unless there are several bands of rows, which have different rows outside.
    """
    _, all_channels, h, w = shape
    top, left, height, width = plan.top + row * plan.down, plan.left, plan.height, plan.width
    first = max(0, -left)
    count = np.uint64(max(0, min(width, w - left) - first))
    upper, lower = max(0, -top), min(height, h - top)
    if plan.rows < plan.oh and lower - upper < height:
        patch[:] = 0
    for s in range(samples):
        for c in range(channels):
            plane = ((sample + s) * all_channels + channel + c) * h
            for r in range(upper, lower):
                target = np.uint64(((s * channels + c) * height + r) * width + first)
                source = np.uint64((plane + top + r) * w + left + first)
                for k in range(count):
                    patch[target + k] = x[source + k]


def count_tasks(plan: Plan, n: int) -> int:
    """How many tasks a convolution of ``n`` samples is cut into."""
    return (n + plan.samples - 1) // plan.samples * ((plan.oh + plan.rows - 1) // plan.rows)


@jit
def _task(plan: Plan, n: int, task: int) -> tuple[int, int, int, int]:
    """Give a task's first sample, its samples, its first row, and its rows."""
    bands = (plan.oh + plan.rows - 1) // plan.rows
    sample, row = task // bands * plan.samples, task % bands * plan.rows
    return sample, min(plan.samples, n - sample), row, min(plan.rows, plan.oh - row)


@jit
def _put_block(
    sums: Array,
    y: Array,
    sample: int,
    samples: int,
    all_channels: int,
    channel: int,
    channels: int,
    plane: int,
    top: int,
    rows: int,
    plan: Plan,
) -> None:
    """Write a block of channels of a task's output."""
    row, run = ROW_BYTES // sums.itemsize, rows * plan.ow
    for s in range(samples):
        at = ((sample + s) * all_channels + channel) * plane + plan.y_at + top * plan.y_down
        if plan.y_across == 1 and plan.y_down == plan.ow:
            turn(sums, s * run * row, row, run, channels, y, at, plane)
            continue
        for c in range(channels):
            for r in range(rows):
                source = np.uint64((s * run + r * plan.ow) * row + c)
                target = np.uint64(at + c * plane + r * plan.y_down)
                for k in range(np.uint64(plan.ow)):
                    y[target + k * np.uint64(plan.y_across)] = sums[source + k * np.uint64(row)]


@row_kernel
def correlate_blocked(first: int, last: int, x: Array, w: Array, bias: Array, y: Array, plan: Plan) -> None:
    """Correlate ``x`` (N, C, H, W) with packed weights (groups, blocks, C / groups * kh * kw, row), task by task."""
    n, (groups, blocks, depth, row) = len(x), w.shape
    channels, out_channels, plane = x.shape[1] // groups, y.shape[1] // groups, y.shape[2] * y.shape[3]
    flat_x, flat_w, flat_y = x.ravel(), w.ravel(), y.ravel()
    patch = np.zeros(plan.samples * channels * plan.height * plan.width, x.dtype)
    sums = np.empty(len(plan.pixels) * row, x.dtype)
    for task in range(first, last):
        sample, samples, top, rows = _task(plan, n, task)
        count = samples * rows * plan.ow
        for g in range(groups):
            _gather_patch(flat_x, x.shape, sample, samples, g * channels, channels, top, plan, patch)
            for block in range(blocks):
                for p in range(np.uint64(count)):
                    for lane in range(np.uint64(row)):
                        sums[p * np.uint64(row) + lane] = bias[g, block, 0, lane]
                w_at = (g * blocks + block) * depth * row
                for p in range(0, count, TILE):
                    multiply_add(patch, plan.pixels, p, plan.taps, depth, flat_w, w_at, sums, p * row)
                _put_block(
                    sums,
                    flat_y,
                    sample,
                    samples,
                    y.shape[1],
                    g * out_channels + block * row,
                    min(row, out_channels - block * row),
                    plane,
                    top,
                    rows,
                    plan,
                )


@row_kernel
def weight_gradient_blocked(first: int, last: int, tasks: int, x: Array, gy: Array, gw: Array, plan: Plan) -> None:
    """Add to ``gw`` (parts, groups, blocks, taps, row) what each part's tasks give, block by block of gy's channels.

    A row is a block of a part, counted through all parts. What is in it doesn't depend on who takes it; so neither does
    the sum over parts, down to its rounding.
    """
    n, (parts, groups, blocks, depth, row) = len(x), gw.shape
    channels, out_channels, plane = x.shape[1] // groups, gy.shape[1] // groups, plan.oh * plan.ow
    flat_x, flat_gy, flat_gw = x.ravel(), gy.ravel(), gw.ravel()
    patch = np.zeros(plan.samples * channels * plan.height * plan.width, x.dtype)
    gy_rows = np.zeros(len(plan.pixels) * row, x.dtype)  # zeros, for the lanes without a channel
    together = groups * blocks
    for part in range(first // together, (last - 1) // together + 1):
        start, end = max(first - part * together, 0), min(last - part * together, together)
        for task in range(part * tasks // parts, (part + 1) * tasks // parts):
            sample, samples, top, rows = _task(plan, n, task)
            run = rows * plan.ow
            for g in range(start // blocks, (end - 1) // blocks + 1):
                _gather_patch(flat_x, x.shape, sample, samples, g * channels, channels, top, plan, patch)
                for block in range(max(start - g * blocks, 0), min(end - g * blocks, blocks)):
                    channel = g * out_channels + block * row
                    for s in range(samples):
                        at = ((sample + s) * gy.shape[1] + channel) * plane + top * plan.ow
                        turn(flat_gy, at, plane, min(row, out_channels - block * row), run, gy_rows, s * run * row, row)
                    gw_at = ((part * groups + g) * blocks + block) * depth * row
                    for tap in range(0, depth, TILE):
                        multiply_add(
                            patch, plan.taps, tap, plan.pixels, samples * run, gy_rows, 0, flat_gw, gw_at + tap * row
                        )
