"""Convolution by the blocked kernels: which numbers to multiply with which.

Everything here is a correlation: slide a kernel over an image and sum the products. Forward it is the
weights over the input. The gradient by input is one, too: seen from an element of the input, the outputs
that it went into lie around it, and their weights are the kernel's, *flipped*::

    forward:   y[r]  = w[0] x[r-1] + w[1] x[r] + w[2] x[r+1]
    backward:  gx[u] = w[2] gy[u-1] + w[1] gy[u] + w[0] gy[u+1]

With a stride, elements of the input differ in which weights they met: for stride 2 the even ones met
``w[1]`` and the odd ones ``w[0]`` and ``w[2]``, say. Each such *phase* is a correlation of its own with its
share of the weights, and none of them has a stride.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from minigrad.kernels.checks import check_shape
from minigrad.kernels.compile import Array
from minigrad.kernels.conv.blocked import Plan, correlate_blocked, count_tasks, weight_gradient_blocked
from minigrad.kernels.conv.packing import pack_bias, pack_flipped, pack_weights, unpack_gradient
from minigrad.kernels.conv.vectors import MACHINE, ROW_BYTES, TILE
from minigrad.kernels.windows import Pair, windows_hw

#: What a task should work on: enough pixels to fill tiles, and a patch that stays in the second-level cache.
TASK_PIXELS = 256
#: A batch is cut into at least this many tasks, however small it is.
TASKS = 4
#: The weight's gradient is summed in so many parts, each over its share of the batch, if all of them take no more
#: bytes. How many there are says in which order is summed: so it depends on shapes alone.
PARTS, PARTS_BYTES = 8, 1 << 18
PATCH_BYTES = 1 << 18
#: How many multiply-adds of the blocked kernels cost as much as one elementary operation elsewhere.
CHEAP = 16


class Axis(NamedTuple):
    """A correlation along height or width.

    ``y[first + r * step] = sum of w[i] * x[start + r * stride + i * dilation]``
    """

    outputs: int
    kernel: int
    stride: int
    dilation: int
    start: int  # negative in the padding
    first: int = 0
    step: int = 1


def can_be_blocked(a: Array, b: Array) -> bool:
    """Whether the blocked kernels can do it: on a CPU they know, in their two precisions, not on nothing."""
    return MACHINE is not None and a.dtype == b.dtype and a.dtype.char in "fd" and a.size > 0 and b.size > 0


def check_channels(x: Array, w: Array, channels: int, groups: int) -> None:
    """Raise an error if ``x`` doesn't have the channels that the weight sums over."""
    if x.ndim != 4 or x.shape[1] != channels or len(w) % groups:
        raise ValueError(f"images of shape {x.shape} don't fit a weight of {w.shape}, with groups={groups}")


@functools.lru_cache(maxsize=256)
def _axes(counts: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> tuple[Axis, Axis]:
    """So many windows of an image, along its height and its width."""
    rows, columns = (
        Axis(count, k, s, d, -p) for count, k, s, d, p in zip(counts, kernel, stride, dilation, padding, strict=True)
    )
    return rows, columns


@functools.lru_cache(maxsize=256)
def _plan(n: int, channels: int, itemsize: int, rows: Axis, columns: Axis, y_width: int) -> Plan:
    """Cut a correlation into tasks."""
    band = max(1, math.ceil(rows.outputs / max(1, round(rows.outputs * columns.outputs / TASK_PIXELS))))
    height = (band - 1) * rows.stride + (rows.kernel - 1) * rows.dilation + 1
    width = (columns.outputs - 1) * columns.stride + (columns.kernel - 1) * columns.dilation + 1
    samples = 1
    if band == rows.outputs:  # whole images: perhaps several
        most = max(
            1, min(TASK_PIXELS // (band * columns.outputs), PATCH_BYTES // (channels * height * width * itemsize))
        )
        rounds = math.ceil(n / (TASKS * most))
        samples = math.ceil(n / (TASKS * rounds))

    s, r, c = np.ogrid[:samples, :band, : columns.outputs]
    pixels = (s * channels * height + r * rows.stride) * width + c * columns.stride
    channel, i, j = np.ogrid[:channels, : rows.kernel, : columns.kernel]
    taps = (channel * height + i * rows.dilation) * width + j * columns.dilation
    return Plan(
        samples=samples,
        rows=band,
        oh=rows.outputs,
        ow=columns.outputs,
        height=height,
        width=width,
        top=rows.start,
        left=columns.start,
        down=rows.stride,
        pixels=_whole_tiles(pixels),
        taps=_whole_tiles(taps),
        y_at=rows.first * y_width + columns.first,
        y_down=rows.step * y_width,
        y_across=columns.step,
    )


def _whole_tiles(offsets: Array) -> Array:
    """Fill up the last tile with repetitions, whose results nobody reads."""
    return np.pad(offsets.ravel(), (0, -offsets.size % TILE), mode="edge")


def _correlate(x: Array, packed: Array, rows: Axis, columns: Axis, y: Array, b: Array | None = None) -> None:
    """Correlate ``x`` with packed weights, into the places of ``y`` that the axes say."""
    groups, row = len(packed), packed.shape[3]
    plan = _plan(len(x), x.shape[1] // groups, x.itemsize, rows, columns, y.shape[3])
    bias = pack_bias(b, y.shape[1], groups, row, x.dtype)
    work = len(x) * rows.outputs * columns.outputs * packed.size
    correlate_blocked(work // CHEAP, count_tasks(plan, len(x)), x, packed, bias, y, plan)


def conv2d(
    x: Array,
    w: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    b: Array | None = None,
) -> Array:
    """As ``reference.conv2d``."""
    check_channels(x, w, groups * w.shape[1], groups)
    check_shape("the bias", b, w.shape[:1])
    counts = windows_hw(x.shape[2:], w.shape[2:], stride, padding, dilation)
    rows, columns = _axes(counts, w.shape[2:], stride, padding, dilation)
    y = np.empty((len(x), len(w), *counts), dtype=x.dtype)
    packed = pack_weights(w, groups, ROW_BYTES // x.itemsize)
    _correlate(np.ascontiguousarray(x), packed, rows, columns, y, b)
    return y


@functools.lru_cache(maxsize=256)
def _phases(size: int, kernel: int, stride: int, padding: int, dilation: int) -> list[tuple[slice, Axis]]:
    """List the phases of the input along an axis: each with its share of the weights, not flipped yet.

    Output ``r`` met element ``u`` of the input with weight ``i`` where
    ``u + padding = r * stride + i * dilation``.
    """
    common = math.gcd(stride, dilation)
    phases = []
    for phase in range(min(stride, size)):
        count = len(range(phase, size, stride))
        weights = [i for i in range(kernel) if (phase + padding - i * dilation) % stride == 0]
        if weights:
            taken = slice(weights[0], None, stride // common)
            start = (phase + padding - weights[-1] * dilation) // stride
            phases.append((taken, Axis(count, len(weights), 1, dilation // common, start, phase, stride)))
    return phases


def conv2d_input_gradient(
    gy: Array,
    w: Array,
    input_hw: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """As ``reference.conv2d_input_gradient``."""
    _, c, kh, kw = w.shape
    check_channels(gy, w, len(w), groups)
    down = _phases(input_hw[0], kh, stride[0], padding[0], dilation[0])
    across = _phases(input_hw[1], kw, stride[1], padding[1], dilation[1])
    all_met = len(down) >= min(stride[0], input_hw[0]) and len(across) >= min(stride[1], input_hw[1])
    gx = (np.empty if all_met else np.zeros)((len(gy), groups * c, *input_hw), dtype=gy.dtype)
    gy = np.ascontiguousarray(gy)
    for (i, rows), (j, columns) in itertools.product(down, across):
        _correlate(gy, pack_flipped(w[:, :, i, j], groups, ROW_BYTES // gy.itemsize), rows, columns, gx)
    return gx


def conv2d_weight_gradient(
    gy: Array,
    x: Array,
    kernel_hw: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """As ``reference.conv2d_weight_gradient``."""
    o, c = gy.shape[1], x.shape[1] // groups
    if len(gy) != len(x) or o % groups or x.shape[1] % groups:
        raise ValueError(f"a gradient of shape {gy.shape} and an input of {x.shape} don't fit, with groups={groups}")
    rows, columns = _axes(gy.shape[2:], kernel_hw, stride, padding, dilation)
    plan = _plan(len(x), c, x.itemsize, rows, columns, columns.outputs)
    row = ROW_BYTES // x.itemsize
    share = (groups, math.ceil(o // groups / row), len(plan.taps), row)
    tasks = count_tasks(plan, len(x))
    parts = min(tasks, PARTS, max(1, PARTS_BYTES // (math.prod(share) * x.itemsize)))
    gw = np.zeros((parts, *share), dtype=x.dtype)
    work = gy.size * c * kernel_hw[0] * kernel_hw[1]
    x, gy = np.ascontiguousarray(x), np.ascontiguousarray(gy)
    weight_gradient_blocked(work // CHEAP, parts * groups * share[1], tasks, x, gy, gw, plan)
    return unpack_gradient(gw, (o, c, *kernel_hw))
