"""The length of vectors, by one of several measures: norm; and, built on it, normalize, cosine_similarity."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import choice, number, tensor, tensors, wrong_value
from minigrad.engine.base import array_of
from minigrad.ops.common import Dims, T, axis_of, broadcast_shape, converted, promoted, real, shape_of
from minigrad.ops.elementwise import Abs, Sign, ZerosLike
from minigrad.ops.power import PowConstant
from minigrad.ops.reduction import Reduction
from minigrad.ops.select import clamp, masked, where
from minigrad.ops.shape import Expand


class Norm(Reduction):
    """``(sum |x|**p) ** (1/p)`` over some axes. Backward: ``gx = gy * sign(x) * (|x| / y)**(p - 1)``.

    For p = 2 that is ``gy * x / y``; for infinite p the largest values share ``gy``. Where y is 0, so is gx.
    """

    def __init__(self, p: float, dim: Dims = None, keepdim: bool = False) -> None:
        super().__init__(dim, keepdim)
        self.p = p

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        p, axes, keep = self.p, self.look_at(x), self.keepdim
        with np.errstate(all="ignore"):
            if p == 2:
                self.y = np.sqrt((x * x).sum(axis=axes, keepdims=keep))
            elif p == 1:
                self.y = np.abs(x).sum(axis=axes, keepdims=keep)
            elif p == 0:
                self.y = (x != 0).sum(axis=axes, dtype=x.dtype, keepdims=keep)
            elif p == np.inf:
                self.y = np.abs(x).max(axis=axes, keepdims=keep)
            elif p == -np.inf:
                self.y = np.abs(x).min(axis=axes, keepdims=keep)
            else:
                self.y = (np.abs(x) ** p).sum(axis=axes, keepdims=keep) ** (1 / p)
        return self.y

    def backward(self, gy: Any) -> Any:
        p, x, kept = self.p, self.x, self.kept_shape
        y = self.y.reshape(kept)
        g = gy.reshape(kept)
        if p == 0:
            return ZerosLike().apply_to(x)
        if p == 1:
            return g * Sign().apply_to(x)
        if abs(p) == np.inf:
            taken = np.abs(array_of(x)) == array_of(y)
            ties = taken.sum(axis=self.axes, dtype=x.dtype, keepdims=True)
            return masked(g / ties, taken) * Sign().apply_to(x)
        at_zero = np.asarray(array_of(y) == 0)
        if p == 2:
            return x * masked(g / y, ~at_zero)
        ratio = PowConstant(p - 1).apply_to(Abs().apply_to(x) / y)
        return masked(g * (Sign().apply_to(x) * ratio), ~at_zero & (array_of(x) != 0))


def norm(
    input: T,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: Any = None,
    *,
    axis: Dims = None,
    keepdims: bool | None = None,
) -> T:
    """The p-norm over dimensions.

    Parameters
    ----------
    p
        2 or ``"fro"`` for the Euclidean length, 1 for the sum of absolute values, ``inf`` for the largest
        (``-inf`` for the smallest) of them, 0 for how many values aren't 0, or another number.
    dim
        One dimension or several; all of them by default.
    keepdim
        Keep the reduced dimensions, with length 1.
    dtype
        Convert the input to this dtype first.
    axis, keepdims
        NumPy's names for ``dim`` and ``keepdim``.
    """
    if isinstance(p, str):
        if p == "nuc":
            raise NotImplementedError("the nuclear norm needs singular values, which minigrad doesn't have")
        choice("norm", "p", p, ("fro", "nuc", "a number"))
    power = 2.0 if p is None or isinstance(p, str) else number("norm", "p", p)
    input = converted("norm", input, dtype)
    node = Norm(power, dim if axis is None else axis, keepdim if keepdims is None else keepdims)
    return node.apply_to(input)


def normalize(input: T, p: float = 2.0, dim: Dims = 1, eps: float = 1e-12) -> T:
    """``input`` divided by its p-norm along ``dim``, or by ``eps`` where the norm is smaller."""
    x: Any = tensor("normalize", "input", input)
    return x / clamp(norm(x, p, dim, keepdim=True), min=number("normalize", "eps", eps))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between two vectors, which lie along ``dim``; the other dimensions broadcast.

    Parameters
    ----------
    eps
        The least length that a vector is divided by.
    """
    tensors("cosine_similarity", x1=x1, x2=x2)
    shape = broadcast_shape("cosine_similarity", x1.shape, x2.shape)
    dim, eps = axis_of(dim, len(shape), "cosine_similarity"), number("cosine_similarity", "eps", eps, 0)
    x1, x2 = (x if shape_of(x) == shape else Expand(shape).apply_to(x) for x in promoted(x1, x2))
    return (normalize(x1, 2.0, dim, eps) * normalize(x2, 2.0, dim, eps)).sum(axis=dim)


def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """``input`` with every slice along ``dim`` whose p-norm is above ``maxnorm`` made as long as that."""
    axis = axis_of(dim, len(tensor("renorm", "input", input).shape), "renorm")
    p, maxnorm = number("renorm", "p", p), number("renorm", "maxnorm", maxnorm, 0)
    if not p > 0:
        raise wrong_value("renorm", "p", "above 0", p)
    if len(shape_of(input)) < 2:
        raise wrong_value("renorm", "input", "of at least two dimensions", input)
    others = tuple(i for i in range(len(shape_of(input))) if i != axis)
    length = norm(input, p, others, keepdim=True)
    too_long = array_of(length) > maxnorm
    return input * where(too_long, maxnorm / (length + 1e-7), 1.0)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of the difference of two vectors along the last axis; ``eps`` is added to each difference."""
    tensors("pairwise_distance", x1=x1, x2=x2)
    p = number("pairwise_distance", "p", p)
    return norm(x1 - x2 + number("pairwise_distance", "eps", eps), p, -1, keepdim)
