"""Products and distances that are put together from those of ``linalg.py``: baddbmm, tensordot, cross, cdist, kron."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigrad.engine.errors import OperationError
from minigrad.ops.common import axis_of, shape_of
from minigrad.ops.join import stack
from minigrad.ops.linalg import bmm, matmul
from minigrad.ops.pieces import select
from minigrad.ops.rearrange import diagonal
from minigrad.ops.shape import permute, reshape
from minigrad.ops.vector_norm import norm


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """``beta * input + alpha * (batch1 @ batch2)``, matrix by matrix; with ``beta=0`` the input is not read."""
    product = bmm(batch1, batch2) * alpha
    return product if beta == 0 else input * beta + product


def inner(input: Any, other: Any) -> Any:
    """The products along the last axes, summed."""
    if not shape_of(input) or not shape_of(other):
        return input * other
    return tensordot(input, other, ([-1], [-1]))


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Products summed over axes: the last of ``a`` and the first of ``b``, so many; or those that are named.

    Raises
    ------
    OperationError
        If the sizes of the axes differ.
    """
    rank_a, rank_b = len(shape_of(a)), len(shape_of(b))
    if isinstance(dims, int):
        dims = (list(range(rank_a - dims, rank_a)), list(range(dims)))
    of_a, of_b = ([axis_of(d, n, "tensordot") for d in axes] for axes, n in zip(dims, (rank_a, rank_b), strict=True))
    summed = [shape_of(a)[i] for i in of_a]
    if summed != [shape_of(b)[i] for i in of_b]:
        raise OperationError(f"tensordot: the axes {dims} of shapes {shape_of(a)} and {shape_of(b)} differ in size")
    rest_a = [i for i in range(rank_a) if i not in of_a]
    rest_b = [i for i in range(rank_b) if i not in of_b]
    rows, columns = [shape_of(a)[i] for i in rest_a], [shape_of(b)[i] for i in rest_b]
    left = reshape(permute(a, *rest_a, *of_a), math.prod(rows), math.prod(summed))
    right = reshape(permute(b, *of_b, *rest_b), math.prod(summed), math.prod(columns))
    return reshape(matmul(left, right), *rows, *columns) if rows or columns else reshape(matmul(left, right), ())


def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    return diagonal(input).sum()


def cross(input: Any, other: Any, dim: int = -1) -> Any:
    """The vector at right angles to two vectors of three numbers along ``dim``.

    Raises
    ------
    OperationError
        If they don't have three numbers.
    """
    axis = axis_of(dim, len(shape_of(input)))
    if shape_of(input)[axis] != 3:
        raise OperationError(f"cross: the size along dim={dim} must be 3, not {shape_of(input)[axis]}")
    a, b = ([select(x, axis, i) for i in range(3)] for x in (input, other))
    turns = ((1, 2), (2, 0), (0, 1))
    return stack([a[i] * b[j] - a[j] * b[i] for i, j in turns], axis)


def kron(input: Any, other: Any) -> Any:
    """Every element of ``input`` times the whole of ``other`` (Kronecker)."""
    rank = max(len(shape_of(input)), len(shape_of(other)))
    a, b = ((1,) * (rank - len(shape_of(x))) + tuple(shape_of(x)) for x in (input, other))
    left = reshape(input, *(n for size in a for n in (size, 1)))
    right = reshape(other, *(n for size in b for n in (1, size)))
    return reshape(left * right, *(m * n for m, n in zip(a, b, strict=True)))


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Any:
    """The p-norm of the difference of every row of ``x1`` and every row of ``x2``; 0 has the gradient 0."""
    return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices, from left to right."""
    product, *rest = matrices
    for each in rest:
        product = matmul(product, each)
    return product


def multi_dot(tensors: Sequence[Any]) -> Any:
    """The product of several matrices, from left to right."""
    return chain_matmul(*tensors)
