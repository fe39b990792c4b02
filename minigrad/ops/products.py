"""Products and distances that are put together from those of ``linalg.py``: baddbmm, tensordot, cross, cdist, kron."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigrad.arguments import choice, integer, integers, number, sequence, tensor, wrong_value
from minigrad.arguments import tensors as check_tensors
from minigrad.engine.errors import OperationError
from minigrad.ops.common import axis_of, shape_of
from minigrad.ops.join import stack
from minigrad.ops.linalg import bmm, matmul
from minigrad.ops.pieces import select
from minigrad.ops.rearrange import diagonal
from minigrad.ops.shape import permute, reshape, unsqueeze
from minigrad.ops.vector_norm import norm


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """``beta * input + alpha * (batch1 @ batch2)``, matrix by matrix; with ``beta=0`` the input is not read."""
    alpha, beta = number("baddbmm", "alpha", alpha), number("baddbmm", "beta", beta)
    tensor("baddbmm", "input", input)
    product = bmm(batch1, batch2) * alpha
    return product if beta == 0 else input * beta + product


def inner(input: Any, other: Any) -> Any:
    """The products along the last axes, summed."""
    check_tensors("inner", input=input, other=other)
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
    check_tensors("tensordot", a=a, b=b)
    rank_a, rank_b = len(shape_of(a)), len(shape_of(b))
    if not isinstance(dims, (tuple, list)):
        count = integer("tensordot", "dims", dims, 0, min(rank_a, rank_b))
        dims = (list(range(rank_a - count, rank_a)), list(range(count)))
    elif len(dims) != 2:
        raise wrong_value("tensordot", "dims", "a number, or the axes of a and those of b", dims)
    dims = tuple(integers("tensordot", "dims", axes) for axes in dims)
    if len(dims[0]) != len(dims[1]):
        raise wrong_value("tensordot", "dims", "as many axes of a as of b", dims)
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
    if tensor("trace", "input", input).ndim != 2:
        raise wrong_value("trace", "input", "a matrix", input)
    return diagonal(input).sum()


def cross(input: Any, other: Any, dim: int = -1) -> Any:
    """The vector at right angles to two vectors of three numbers along ``dim``.

    Raises
    ------
    OperationError
        If they don't have three numbers.
    """
    check_tensors("cross", input=input, other=other)
    axis = axis_of(dim, len(shape_of(input)), "cross")
    for x in (input, other):
        if len(shape_of(x)) != len(shape_of(input)) or not shape_of(x) or shape_of(x)[axis] != 3:
            raise OperationError(
                f"cross: input and other must have as many dimensions and the size 3 along dim={dim}, they have the "
                f"shapes {shape_of(input)} and {shape_of(other)}"
            )
    a, b = ([select(x, axis, i) for i in range(3)] for x in (input, other))
    turns = ((1, 2), (2, 0), (0, 1))
    return stack([a[i] * b[j] - a[j] * b[i] for i, j in turns], axis)


def kron(input: Any, other: Any) -> Any:
    """Every element of ``input`` times the whole of ``other`` (Kronecker)."""
    check_tensors("kron", input=input, other=other)
    rank = max(len(shape_of(input)), len(shape_of(other)))
    a, b = ((1,) * (rank - len(shape_of(x))) + tuple(shape_of(x)) for x in (input, other))
    left = reshape(input, *(n for size in a for n in (size, 1)))
    right = reshape(other, *(n for size in b for n in (1, size)))
    return reshape(left * right, *(m * n for m, n in zip(a, b, strict=True)))


#: PyTorch's words for when to take a matrix product for the distances.
_COMPUTE_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The p-norm of the difference of every row of ``x1`` and every row of ``x2``; 0 has the gradient 0.

    ``compute_mode`` is PyTorch's choice between two ways, of which there is one here: differences.
    """
    check_tensors("cdist", x1=x1, x2=x2)
    choice("cdist", "compute_mode", compute_mode, _COMPUTE_MODES)
    p = number("cdist", "p", p, 0)
    if min(len(x1.shape), len(x2.shape)) < 2 or x1.shape[-1] != x2.shape[-1]:
        raise OperationError(
            f"cdist: x1 and x2 must be (..., rows, columns) with the same columns, they have the shapes {x1.shape} and "
            f"{x2.shape}"
        )
    return norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p, -1)


def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices, from left to right."""
    product, *rest = sequence("chain_matmul", "matrices", matrices)
    for each in rest:
        product = matmul(product, each)
    return product


def multi_dot(tensors: Sequence[Any]) -> Any:
    """The product of several matrices, from left to right."""
    return chain_matmul(*sequence("multi_dot", "tensors", tensors))
