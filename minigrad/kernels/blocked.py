"""The inner loops of convolution, blocked for registers, in the machine's own vector instructions.

A plain loop over ``total += x * w`` loads two numbers for each multiplication, and waits for the last sum
before it starts the next: it reaches a tenth of what a core can do. Here a *tile* of sums, some pixels by
16 channels, stays in vector registers for the whole reduction. A step of the reduction is one element of
the kernel for one input channel, say "two up, one left, channel 5"::

                        16 output channels
                       w[step]: 2 registers of 8
                      +-----------+-----------+
    pixel 0   x[0] ---|> sums 0 a |  sums 0 b |      At each step a pixel's one number is copied into
    pixel 1   x[1] ---|> sums 1 a |  sums 1 b |      all lanes of a register, and multiplied into the
       ...            |    ...    |    ...    |      pixel's row of the tile. So 2 + 6 loads do for 12
    pixel 5   x[5] ---|> sums 5 a |  sums 5 b |      multiply-adds of 8 lanes: the core is kept busy.
                      +-----------+-----------+

The x's are anywhere: pixel ``p`` finds its number for step ``k`` at ``starts[p] + steps[k]``. So one tile
serves every stride, dilation and image width. It even serves the gradient by weight, where pixels and
steps change places: the sums are then for 6 elements of the kernel, and the reduction runs over pixels.

Numba can't be told to hold a tile in registers, so ``_multiply_add`` and ``_transpose`` are written in
LLVM's language, which has vectors as values. Everything that is compiled is in this file, as Numba's disk
cache needs; ``direct_conv.py`` says what is to be multiplied with what.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import binding, ir
from numba import extending, prange, types
from numba.core import cgutils

from minigrad.kernels.compile import Array, jit
from minigrad.kernels.threads import row_kernel


class Machine(NamedTuple):
    """How wide a vector register is, and for how many pixels a tile of sums fits into all of them."""

    vector_bytes: int
    pixels: int


def _machine() -> Machine | None:
    """Look up this CPU: None if it isn't known, or Numba was told to compile for another, or not at all."""
    config: Any = numba.config
    if config.DISABLE_JIT or config.CPU_NAME or config.CPU_FEATURES:
        return None
    if platform.machine() in ("aarch64", "arm64"):  # 32 registers of 16 bytes
        return Machine(16, 6)
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        return None
    if features.get("avx512f"):  # 32 registers of 64 bytes
        return Machine(64, 12)
    if features.get("avx2") and features.get("fma"):  # 16 registers of 32 bytes
        return Machine(32, 6)
    return None


MACHINE = _machine()
VECTOR_BYTES, TILE = MACHINE or Machine(16, 4)
#: A tile's row: 16 channels in float32, 8 in float64; a cache line.
ROW_BYTES = 64

alloca_once_value: Any = cgutils.alloca_once_value


def intrinsic(emitter: Callable[..., Any]) -> Any:
    """Let compiled code call what ``emitter`` writes."""
    return extending.intrinsic(emitter)


class _Emitter:
    """What the two intrinsics below have in common: vectors of one type, at places in arrays."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.builder = builder
        self.arrays = [
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, args, strict=True)
        ]
        element = signature.args[0].dtype
        self.size = element.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(context.get_value_type(element), self.lanes)

    def element(self, array: Any, index: Any, plus: int = 0) -> Any:
        """Point at ``array[index + plus]``."""
        return self.builder.gep(array, [self.builder.add(index, ir.Constant(index.type, plus))])

    def pointer(self, array: Any, index: Any, plus: int = 0) -> Any:
        """Point at the vector that begins at ``array[index + plus]``."""
        return self.builder.bitcast(self.element(array, index, plus), self.vector.as_pointer())

    def load(self, pointer: Any) -> Any:
        return self.builder.load(pointer, align=self.size)

    def store(self, vector: Any, pointer: Any) -> None:
        self.builder.store(vector, pointer, align=self.size)

    def shuffle(self, a: Any, b: Any, lanes: list[int]) -> Any:
        """Pick lanes of two vectors, counted through both."""
        kind = ir.VectorType(ir.IntType(32), self.lanes)
        return self.builder.shuffle_vector(a, b, ir.Constant(kind, lanes))

    def broadcast(self, number: Any) -> Any:
        """Copy a number into every lane."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(first, undefined, [0] * self.lanes)


@intrinsic
def _multiply_add(
    typing: Any, x: Any, starts: Any, first: Any, steps: Any, count: Any, w: Any, w_at: Any, sums: Any, sums_at: Any
) -> Any:
    """Add to a tile ``sums[p, :] += x[starts[first + p] + steps[k]] * w[k, :]``, for ``count`` steps."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emitter(context, builder, signature, args)
        x, starts, first, steps, count, w, w_at, sums, sums_at = emit.arrays
        row = ROW_BYTES // emit.size
        vectors = range(0, row, emit.lanes)

        pixels = [builder.gep(x, [builder.load(emit.element(starts, first, p))]) for p in range(TILE)]
        targets = [[emit.pointer(sums, sums_at, p * row + v) for v in vectors] for p in range(TILE)]
        # LLVM makes registers of these places on the stack, as they are only ever loaded and stored whole.
        tile = [[alloca_once_value(builder, emit.load(t)) for t in targets[p]] for p in range(TILE)]

        with cgutils.for_range(builder, count) as loop:
            step = builder.load(builder.gep(steps, [loop.index]))
            w_row = builder.add(w_at, builder.mul(loop.index, ir.Constant(loop.index.type, row)))
            weights = [emit.load(emit.pointer(w, w_row, v)) for v in vectors]
            for pixel, registers in zip(pixels, tile, strict=True):
                value = emit.broadcast(builder.load(builder.gep(pixel, [step])))
                for weight, register in zip(weights, registers, strict=True):
                    product = builder.fmul(value, weight, flags=("contract",))
                    total = builder.fadd(builder.load(register), product, flags=("contract",))
                    builder.store(total, register)

        for p in range(TILE):
            for register, target in zip(tile[p], targets[p], strict=True):
                emit.store(builder.load(register), target)
        return context.get_dummy_value()

    return types.void(x, starts, types.intp, steps, types.intp, w, types.intp, sums, types.intp), codegen


@intrinsic
def _transpose(typing: Any, x: Any, x_at: Any, x_apart: Any, y: Any, y_at: Any, y_apart: Any) -> Any:
    """Turn a square, one vector wide, whose rows lie ``x_apart`` elements apart, and in ``y`` ``y_apart``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emitter(context, builder, signature, args)
        x, x_at, x_apart, y, y_at, y_apart = emit.arrays
        lanes, half = emit.lanes, emit.lanes // 2

        def row(array: Any, at: Any, apart: Any, i: int) -> Any:
            return emit.pointer(array, builder.add(at, builder.mul(apart, ir.Constant(apart.type, i))))

        rows = [emit.load(row(x, x_at, x_apart, i)) for i in range(lanes)]
        # Number the elements row * lanes + column. Interleaving the first half of the rows with the second
        # rotates the bits of that number by one; after log2(lanes) times, row and column have swapped.
        order = [lane for i in range(lanes) for lane in (i, lanes + i)]
        for _ in range(lanes.bit_length() - 1):
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [emit.shuffle(a, b, part) for a, b in pairs for part in (order[:lanes], order[lanes:])]
        for i in range(lanes):
            emit.store(rows[i], row(y, y_at, y_apart, i))
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp, y, types.intp, types.intp), codegen


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

    The columns left and right of the image are never written: they are zero from the start.
    """
    _, all_channels, h, w = shape
    top, left, height, width = plan.top + row * plan.down, plan.left, plan.height, plan.width
    first = max(0, -left)
    count = np.uint64(max(0, min(width, w - left) - first))
    for s in range(samples):
        for c in range(channels):
            plane = ((sample + s) * all_channels + channel + c) * h
            for r in range(height):
                target = np.uint64(((s * channels + c) * height + r) * width + first)
                if 0 <= top + r < h:
                    source = np.uint64((plane + top + r) * w + left + first)
                    for k in range(count):
                        patch[target + k] = x[source + k]
                else:
                    for k in range(count):
                        patch[target + k] = 0


@jit
def _turn(x: Array, x_at: int, x_apart: int, height: int, width: int, y: Array, y_at: int, y_apart: int) -> None:
    """Transpose a matrix: the channels of each pixel become the pixels of each channel, or the reverse."""
    lanes = VECTOR_BYTES // x.itemsize
    whole_height, whole_width = height // lanes * lanes, width // lanes * lanes
    for i in range(0, whole_height, lanes):
        for j in range(0, whole_width, lanes):
            _transpose(x, x_at + i * x_apart + j, x_apart, y, y_at + j * y_apart + i, y_apart)
    for i in range(height):
        for j in range(whole_width if i < whole_height else 0, width):
            y[np.uint64(y_at + j * y_apart + i)] = x[np.uint64(x_at + i * x_apart + j)]


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


@jit
def _task(plan: Plan, n: int, task: int) -> tuple[int, int, int, int]:
    """Give a task's first sample, its samples, its first row, and its rows."""
    bands = (plan.oh + plan.rows - 1) // plan.rows
    sample, row = task // bands * plan.samples, task % bands * plan.rows
    return sample, min(plan.samples, n - sample), row, min(plan.rows, plan.oh - row)


@jit
def _tasks(plan: Plan, n: int, part: int, parts: int) -> tuple[int, int]:
    """Give the first task of a part, and one past the last."""
    tasks = (n + plan.samples - 1) // plan.samples * ((plan.oh + plan.rows - 1) // plan.rows)
    return part * tasks // parts, (part + 1) * tasks // parts


@jit
def _correlate_part(part: int, parts: int, x: Array, w: Array, bias: Array, y: Array, plan: Plan) -> None:
    n, (groups, blocks, depth, row) = len(x), w.shape
    channels, out_channels, plane = x.shape[1] // groups, y.shape[1] // groups, y.shape[2] * y.shape[3]
    flat_x, flat_w, flat_y = x.ravel(), w.ravel(), y.ravel()
    patch = np.zeros(plan.samples * channels * plan.height * plan.width, x.dtype)
    sums = np.empty(len(plan.pixels) * row, x.dtype)
    first, last = _tasks(plan, n, part, parts)
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
                    _multiply_add(patch, plan.pixels, p, plan.taps, depth, flat_w, w_at, sums, p * row)
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
            _turn(sums, s * run * row, row, run, channels, y, at, plane)
            continue
        for c in range(channels):
            for r in range(rows):
                source = np.uint64((s * run + r * plan.ow) * row + c)
                target = np.uint64(at + c * plane + r * plan.y_down)
                for k in range(np.uint64(plan.ow)):
                    y[target + k * np.uint64(plan.y_across)] = sums[source + k * np.uint64(row)]


@jit
def _weight_part(part: int, parts: int, x: Array, gy: Array, gw: Array, plan: Plan) -> None:
    n, (_, groups, blocks, depth, row) = len(x), gw.shape
    channels, out_channels, plane = x.shape[1] // groups, gy.shape[1] // groups, plan.oh * plan.ow
    flat_x, flat_gy, flat_gw = x.ravel(), gy.ravel(), gw[part].ravel()
    patch = np.zeros(plan.samples * channels * plan.height * plan.width, x.dtype)
    gy_rows = np.zeros(len(plan.pixels) * row, x.dtype)  # zeros, for the lanes without a channel
    first, last = _tasks(plan, n, part, parts)
    for task in range(first, last):
        sample, samples, top, rows = _task(plan, n, task)
        run = rows * plan.ow
        for g in range(groups):
            _gather_patch(flat_x, x.shape, sample, samples, g * channels, channels, top, plan, patch)
            for block in range(blocks):
                channel = g * out_channels + block * row
                for s in range(samples):
                    at = ((sample + s) * gy.shape[1] + channel) * plane + top * plan.ow
                    _turn(flat_gy, at, plane, min(row, out_channels - block * row), run, gy_rows, s * run * row, row)
                gw_at = (g * blocks + block) * depth * row
                for tap in range(0, depth, TILE):
                    _multiply_add(
                        patch, plan.taps, tap, plan.pixels, samples * run, gy_rows, 0, flat_gw, gw_at + tap * row
                    )


@row_kernel
def correlate_blocked(parts: int, x: Array, w: Array, bias: Array, y: Array, plan: Plan) -> None:
    """Correlate ``x`` (N, C, H, W) with packed weights (groups, blocks, C / groups * kh * kw, row)."""
    for part in prange(parts):
        _correlate_part(np.int64(part), parts, x, w, bias, y, plan)


@row_kernel
def weight_gradient_blocked(parts: int, x: Array, gy: Array, gw: Array, plan: Plan) -> None:
    """Add each part's share of the gradient to its own ``gw[part]`` (groups, blocks, taps, row)."""
    for part in prange(parts):
        _weight_part(np.int64(part), parts, x, gy, gw, plan)
