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

Numba can't be told to hold a tile in registers, so ``multiply_add`` and ``_transpose`` are written in LLVM's
language, which has vectors as values. ``blocked.py`` runs them over a convolution.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import binding, ir
from numba import extending, types
from numba.core import cgutils

from minigrad.kernels.compile import Array, jit


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
    """What ``multiply_add`` and ``_transpose`` have in common: vectors of one type, at places in arrays."""

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
def multiply_add(
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


@jit
def turn(x: Array, x_at: int, x_apart: int, height: int, width: int, y: Array, y_at: int, y_apart: int) -> None:
    """Transpose a matrix: the channels of each pixel become the pixels of each channel, or the reverse.

    Rows of ``x`` lie ``x_apart`` elements apart, those of ``y`` ``y_apart``, which may be negative: then upside down.
    """
    lanes = VECTOR_BYTES // x.itemsize
    whole_height, whole_width = height // lanes * lanes, width // lanes * lanes
    for i in range(0, whole_height, lanes):
        for j in range(0, whole_width, lanes):
            _transpose(x, x_at + i * x_apart + j, x_apart, y, y_at + j * y_apart + i, y_apart)
    for i in range(height):
        for j in range(whole_width if i < whole_height else 0, width):
            # (Unsigned, because Numba has a signed index checked for being negative.)
            y[np.uint64(y_at + j * y_apart + i)] = x[np.uint64(x_at + i * x_apart + j)]
