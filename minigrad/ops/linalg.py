"""Products of matrices and vectors: matmul and its kin, outer, linear, addmm."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.arguments import number, tensors
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import elementwise as kernels
from minigrad.kernels.product import product
from minigrad.ops.common import T, promoted, shape_of, unbroadcast
from minigrad.ops.shape import squeeze, unsqueeze


def _as_matrix(x: Any) -> Any:
    """(..., n) as (rows, n): all batches one below the other."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _product(a: Any, b: Any) -> Any:
    """``a @ b``; where ``b`` is one matrix, all batches of ``a`` go through one product."""
    if b.ndim == 2 and a.ndim > 2:
        return _product(_as_matrix(a), b).reshape(*a.shape[:-1], b.shape[1])
    if type(a) is type(b) is ndarray and a.ndim > 1 and b.ndim > 1:
        return product(a, b)
    return a @ b


@functools.lru_cache(maxsize=8)
def _ones(n: int, dtype: Any) -> Any:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


class Matmul(Node):
    """``a @ b``. Backward: ``ga = gy @ b.T``, ``gb = a.T @ gy``, each summed over broadcast batch axes."""

    reads = {"a": ("b",), "b": ("a",)}

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        if a.dtype != b.dtype:
            raise ValueError(f"the operands are {a.dtype} and {b.dtype}: bring them to one dtype with .to(dtype)")
        if a.ndim == 0 or b.ndim == 0:
            raise ValueError("both operands need at least one dimension: say * for a product with a number")
        if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
            raise ValueError(
                f"the last size of the first operand, {a.shape[-1]}, must be the "
                f"{'second to last' if b.ndim > 1 else 'only'} size of the second, {b.shape[-2 if b.ndim > 1 else 0]}"
            )
        return _product(a, b)

    def backward(self, gy: Any) -> Any:
        a, b = self.a, self.b
        shape_a, shape_b = a.shape, b.shape
        # A vector on the left is a matrix of one row, one on the right a matrix of one column.
        if len(shape_b) == 1:
            b = b.reshape(shape_b[0], 1)
            gy = gy.reshape(*gy.shape, 1)
        if len(shape_a) == 1:
            a = a.reshape(1, shape_a[0])
            gy = gy.reshape(*gy.shape[:-1], 1, gy.shape[-1])
        ga = gb = None
        if self.wants[0]:
            ga = unbroadcast(_product(gy, b.swapaxes(-1, -2)), a.shape).reshape(shape_a)
        if self.wants[1]:
            if len(b.shape) == 2 and len(a.shape) > 2:  # the sum over batches is part of one product
                a, gy = _as_matrix(a), _as_matrix(gy)
            gb = unbroadcast(_product(a.swapaxes(-1, -2), gy), b.shape).reshape(shape_b)
        return ga, gb


class Outer(Node):
    """``y[i, j] = a[i] * b[j]``. Backward: ``ga = gy @ b``, ``gb = a @ gy``."""

    reads = {"a": ("b",), "b": ("a",)}

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        if a.ndim != 1 or b.ndim != 1:
            raise ValueError("both operands must be vectors")
        return a[:, None] * b

    def backward(self, gy: Any) -> Any:
        return gy @ self.b if self.wants[0] else None, self.a @ gy if self.wants[1] else None


class Linear(Node):
    """``y = x @ w.T + b``. Backward: ``gx = gy @ w``, ``gw = gy.T @ x``, ``gb = gy.sum(0)``."""

    reads = {"x": ("w",), "w": ("x",)}

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        if x.dtype != w.dtype or not x.ndim or w.ndim != 2:
            raise ValueError(_misfit(x, w))
        try:
            y = _product(x, w.T)
        except ValueError:
            raise ValueError(_misfit(x, w)) from None
        if b is None:
            return y
        if b.dtype != w.dtype:
            differ = f"the weight is {w.dtype}, the bias {b.dtype}"
            raise ValueError(f"{differ}: bring them to one dtype with .to(dtype)")
        self.b_shape = b.shape
        if b.ndim != 1 or len(b) != len(w):
            return y + b
        kernels.add_bias(_as_matrix(y), b)
        return y

    def backward(self, gy: Any) -> Any:
        x, w = self.x, self.w
        wants_x, wants_w, wants_b = self.wants
        rows = _as_matrix(gy)
        gx = _product(gy, w) if wants_x else None
        gw = _product(rows.T, _as_matrix(x)) if wants_w else None
        if not wants_b:
            gb = None
        elif type(rows) is ndarray and rows.shape[1:] == self.b_shape:
            # The sum of the rows, as a product: the bias is the weight of an input that is always 1.
            gb = _ones(len(rows), rows.dtype).dot(rows)
        else:
            gb = unbroadcast(gy, self.b_shape)
        return gx, gw, gb


def _misfit(x: Any, w: Any) -> str:
    """Say why an input and a weight can't be multiplied."""
    if x.dtype != w.dtype:
        return f"the input is {x.dtype}, the weight {w.dtype}: bring them to one dtype with .to(dtype)"
    if w.ndim != 2:
        return f"the weight must have shape (out_features, in_features), not {w.shape}"
    return (
        f"the weight takes {w.shape[-1]} features, the input has shape {x.shape}: "
        "its last size must be the number of features"
    )


def matmul(input: T, other: T) -> T:
    """Multiply matrices; axes in front of the last two are batches, which broadcast.

    A vector on the left is a row, one on the right a column; its axis is dropped from the result.

    Raises
    ------
    OperationError
        If the inner sizes differ, or the dtypes: as in PyTorch, they aren't promoted.
    """
    return Matmul().apply_to(input, other)


def _check_ndim(name: str, **operands: tuple[Any, int]) -> None:
    for label, (x, ndim) in operands.items():
        if len(shape_of(x)) != ndim:
            raise OperationError(f"{name}: {label} must have {ndim} dimensions, its shape is {tuple(shape_of(x))}")


def mm(input: T, mat2: T) -> T:
    """Multiply two matrices."""
    _check_ndim("mm", input=(input, 2), mat2=(mat2, 2))
    return Matmul().apply_to(input, mat2)


def bmm(input: T, mat2: T) -> T:
    """Multiply two batches of matrices, (b, n, k) by (b, k, m); batches don't broadcast."""
    _check_ndim("bmm", input=(input, 3), mat2=(mat2, 3))
    if shape_of(input)[0] != shape_of(mat2)[0]:
        raise OperationError(f"bmm: {shape_of(input)[0]} matrices by {shape_of(mat2)[0]}: say matmul to broadcast")
    return Matmul().apply_to(input, mat2)


def mv(input: T, vec: T) -> T:
    """Multiply a matrix by a vector."""
    _check_ndim("mv", input=(input, 2), vec=(vec, 1))
    return Matmul().apply_to(input, vec)


def dot(input: T, tensor: T) -> T:
    """Give the inner product of two vectors."""
    _check_ndim("dot", input=(input, 1), tensor=(tensor, 1))
    return Matmul().apply_to(input, tensor)


def outer(input: T, vec2: T) -> T:
    """Give the matrix of all products of two vectors' elements."""
    return Outer().apply_to(*promoted(input, vec2))


def linear(input: T, weight: T, bias: T | None = None) -> T:
    """Apply ``input @ weight.T + bias``.

    Parameters
    ----------
    input
        Of shape (..., in_features).
    weight
        Of shape (out_features, in_features); or (in_features,), for an output without the last axis.
    bias
        Of shape (out_features,).
    """
    if len(shape_of(weight)) == 1:
        y: Any = matmul(input, weight)
        return y if bias is None else y + bias
    return Linear().apply_to(input, weight, bias)


def addmm(input: T, mat1: T, mat2: T, *, beta: float = 1, alpha: float = 1) -> T:
    """Give ``beta * input + alpha * (mat1 @ mat2)``; with ``beta=0``, input's values don't count."""
    alpha, beta = number("addmm", "alpha", alpha), number("addmm", "beta", beta)
    y: Any = mm(mat1, mat2)
    if alpha != 1:
        y = y * alpha
    if beta == 0:
        return y
    tensors("addmm", input=input)
    x: Any = input
    return y + (x if beta == 1 else x * beta)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """``x1 @ weight[k] @ x2`` for every k, plus a bias; weight (out, in1, in2)."""
    tensors("bilinear", input1=input1, input2=input2, weight=weight)
    half: Any = squeeze(matmul(unsqueeze(unsqueeze(input1, -2), -2), weight), -2)  # (..., out, in2)
    y: Any = squeeze(matmul(half, unsqueeze(input2, -1)), -1)
    return y if bias is None else y + bias
