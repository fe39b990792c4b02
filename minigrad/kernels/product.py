"""Products of matrices: NumPy's BLAS computes them, and minigrad's threads share what is large.

BLAS has threads of its own. They and ours would get in each other's way, and they sum in another order for another
number of them. So they are switched off, and a large product is cut here: into matrices of a batch, and those into
blocks of rows or columns. The cut depends on the shapes alone, and so do the bits. A block is one call of BLAS's
``gemm``, which is called by its address, without the GIL.

The address is found where NumPy brings OpenBLAS with it, as its wheels for Linux and Windows do. Elsewhere NumPy
computes everything, on as many threads as its BLAS has.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from threadpoolctl import ThreadpoolController

from minigrad.kernels.compile import BACKEND, Array, replaced_by
from minigrad.kernels.handoff import intrinsic
from minigrad.kernels.threads import row_kernel

#: From this many multiplications on a product is cut, ...
LARGE = 2_000_000
#: ... into blocks of about so many, and of at least so many rows or columns.
BLOCK, EDGE = 8_000_000, 64

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112  # CBLAS's own names for the order of a matrix


def _find_gemm() -> dict[np.dtype[Any], int]:
    """The addresses of ``sgemm`` and ``dgemm``, by dtype; and the BLAS that they belong to gets a single thread."""
    names: dict[np.dtype[Any], str] = {
        np.dtype(np.float32): "scipy_cblas_sgemm64_",
        np.dtype(np.float64): "scipy_cblas_dgemm64_",
    }
    for library in ThreadpoolController().lib_controllers:
        if all(hasattr(library.dynlib, name) for name in names.values()):
            library.set_num_threads(1)
            return {
                dtype: ctypes.cast(getattr(library.dynlib, name), ctypes.c_void_p).value or 0
                for dtype, name in names.items()
            }
    return {}


_GEMM = _find_gemm() if BACKEND == "numba" and not vars(numba.config)["DISABLE_JIT"] else {}


class Operand(NamedTuple):
    """Where the matrices of a batch lie: strides and the leading dimension count elements."""

    address: int
    order: int
    leading: int
    outer: int
    inner: int


class Cut(NamedTuple):
    """The sizes of a product, and how it is cut."""

    m: int
    n: int
    k: int
    inner: int  # the second of two batch axes
    by_rows: bool
    step: int
    parts: int
    itemsize: int


@intrinsic
def _gemm(typing: Any, address: Any, sizes: Any, one: Any, a: Any, b: Any, y: Any) -> Any:
    """``y = a @ b`` by BLAS: sizes are (m, n, k), a and b (address, order, leading), y (address, leading)."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number, order, pointer = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
        address, sizes, one, a, b, y = values

        def part(group: Any, index: int) -> Any:
            return builder.extract_value(group, index)

        def at(group: Any) -> Any:
            return builder.inttoptr(part(group, 0), pointer)

        def order_of(group: Any) -> Any:
            return builder.trunc(part(group, 1), order)

        args = [order(_ROW_MAJOR), order_of(a), order_of(b), *(part(sizes, i) for i in range(3)), one]
        args += [at(a), part(a, 2), at(b), part(b, 2), one.type(0.0), at(y), part(y, 1)]
        kinds = [order] * 3 + [number] * 3 + [one.type, pointer, number, pointer, number, one.type, pointer, number]
        function = builder.inttoptr(address, ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        builder.call(function, args)
        return context.get_dummy_value()

    return types.void(address, sizes, one, a, b, y), code


@row_kernel
def _multiply(first: int, last: int, gemm: int, one: Any, a: Operand, b: Operand, y: Operand, cut: Cut) -> None:
    """A row is one block of one matrix of the batch; ``one`` is a 1 of the arrays' dtype."""
    for task in range(first, last):
        matrix, part = task // cut.parts, task % cut.parts
        i, j = matrix // cut.inner, matrix % cut.inner
        start = part * cut.step
        a_at, b_at, y_at = i * a.outer + j * a.inner, i * b.outer + j * b.inner, i * y.outer + j * y.inner
        m, n = cut.m, cut.n
        if cut.by_rows:
            m = min(cut.step, m - start)
            a_at += start * (a.leading if a.order == _PLAIN else 1)
            y_at += start * y.leading
        else:
            n = min(cut.step, n - start)
            b_at += start * (1 if b.order == _PLAIN else b.leading)
            y_at += start
        _gemm(
            gemm,
            (m, n, cut.k),
            one,
            (a.address + a_at * cut.itemsize, a.order, a.leading),
            (b.address + b_at * cut.itemsize, b.order, b.leading),
            (y.address + y_at * cut.itemsize, y.leading),
        )


def _lies_in_rows(x: Array) -> bool:
    """Whether the rows of each matrix are whole and far enough apart for BLAS, which takes any distance."""
    return x.strides[-1] == x.itemsize and x.strides[-2] % x.itemsize == 0 and x.strides[-2] >= x.shape[-1] * x.itemsize


def _operand(x: Array) -> tuple[Operand, Array]:
    """How BLAS is told of an array, and that array, or a copy where its matrices lie in no order that BLAS knows."""
    if _lies_in_rows(x):
        order, leading = _PLAIN, x.strides[-2]
    elif _lies_in_rows(x.swapaxes(-1, -2)):
        order, leading = _TRANSPOSED, x.strides[-1]
    else:
        x = np.ascontiguousarray(x)
        order, leading = _PLAIN, x.shape[-1] * x.itemsize  # (the stride of a single row may be anything)
    outer, inner = (0, 0, *x.strides[:-2])[-2:]
    size = x.itemsize
    return Operand(x.ctypes.data, order, leading // size, outer // size, inner // size), x


@functools.lru_cache(maxsize=256)
def _cut(batch: tuple[int, ...], m: int, n: int, k: int, itemsize: int) -> tuple[Cut, int]:
    """How a product of these sizes is cut, and into how many blocks."""
    count = math.prod(batch)
    wanted = min(8, max(2, count * m * n * k // BLOCK)) // count  # the matrices of a batch are blocks already
    step = max(EDGE, -(-max(m, n) // max(wanted, 1)))
    step += -step % 16
    parts = -(-max(m, n) // step)
    return Cut(m, n, k, batch[-1] if batch else 1, m >= n, step, parts, itemsize), count * parts


def _fast_product(a: Array, b: Array) -> Array:
    if a.ndim == b.ndim == 2 and a.shape[0] * b.size < LARGE:
        # For two matrices, dot does what ``@`` does, in three quarters of the time on 32 x 32.
        return a.dot(b)
    m, (k, n), batch = a.shape[-2], b.shape[-2:], a.shape[:-2]
    gemm = _GEMM.get(a.dtype)
    plain = gemm is None or a.dtype != b.dtype or batch != b.shape[:-2] or len(batch) > 2 or a.shape[-1] != k
    work = math.prod(batch) * m * n * k
    if plain or work < LARGE:
        product: Array = a @ b
        return product
    y = np.empty((*batch, m, n), a.dtype)
    left, a = _operand(a)
    right, b = _operand(b)
    cut, blocks = _cut(batch, m, n, k, a.itemsize)
    _multiply(work, blocks, gemm, a.dtype.type(1), left, right, _operand(y)[0], cut)
    return y


@replaced_by(_fast_product)
def product(a: Array, b: Array) -> Array:
    """``a @ b`` for matrices, or for batches of them: (..., m, k) by (..., k, n)."""
    y: Array = a @ b
    return y
