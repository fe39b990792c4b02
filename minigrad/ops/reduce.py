"""Sums and what is built on them: mean, var, std; and prod and count_nonzero.

A reduction takes many values to one. Its backward copies the one gradient back to all of them
(``Expand``, the adjoint of ``Sum``), times how much each of them counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag, number, tensor
from minigrad.engine.base import array_of
from minigrad.ops.common import Dims, T, converted, is_array
from minigrad.ops.reduction import Reduction
from minigrad.ops.select import Where, masked


class _Accumulating(Reduction):
    """A reduction whose result may need a wider dtype than its input: integers give an int64."""

    def __init__(self, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> None:
        super().__init__(dim, keepdim)
        self.dtype = dtype

    def output_dtype(self, x: Any) -> Any:
        """The dtype that was asked for, or the one of PyTorch."""
        if self.dtype is not None:
            return self.dtype
        return x.dtype if x.dtype.kind == "f" else np.int64


class Sum(_Accumulating):
    """The sum over some axes. Backward: every value counts once, so each gets ``gy``."""

    def forward(self, x: Any) -> Any:
        with np.errstate(all="ignore"):
            return x.sum(axis=self.look_at(x), dtype=self.output_dtype(x), keepdims=self.keepdim)

    def backward(self, gy: Any) -> Any:
        return self.spread(gy)


class Mean(Reduction):
    """The mean over some axes, of ``n`` values. Backward: each of them gets ``gy / n``."""

    def forward(self, x: Any) -> Any:
        if x.dtype.kind != "f":
            raise TypeError(f"the mean of {x.dtype} is not in general {x.dtype}: use x.float(), or dtype=")
        axes = self.look_at(x)
        # A sum may leave the range of float16 where the mean doesn't.
        wide = np.float32 if x.dtype == np.float16 else x.dtype.type
        with np.errstate(all="ignore"):  # the mean of nothing is NaN, quietly
            return (x.sum(axis=axes, dtype=wide, keepdims=self.keepdim) / wide(self.count)).astype(x.dtype)

    def backward(self, gy: Any) -> Any:
        n = self.count
        return self.spread(gy / n if n else gy)


class Var(Reduction):
    """The variance over some axes. Backward: ``gx = gy * 2 * (x - mean) / (n - correction)``."""

    def __init__(self, dim: Dims = None, keepdim: bool = False, correction: float = 1) -> None:
        super().__init__(dim, keepdim)
        self.correction = number(type(self).__name__, "correction", correction)

    def forward(self, x: Any) -> Any:
        if x.dtype.kind != "f":
            raise TypeError(f"the variance of {x.dtype} is not in general {x.dtype}: use x.float()")
        self.x = x
        axes = self.look_at(x)
        with np.errstate(all="ignore"):
            away = self._from_mean()
            total = (away * away).sum(axis=axes, keepdims=self.keepdim)
            return total / x.dtype.type(np.maximum(self.count - self.correction, 0))

    def backward(self, gy: Any) -> Any:
        freedom = self.count - self.correction
        factor = 2 / freedom if freedom else np.inf
        return self.spread(gy * factor) * self._from_mean()

    def _from_mean(self) -> Any:
        return self.x - Mean(self.axes, keepdim=True).apply_to(self.x)


class Std(Var):
    """The standard deviation. Backward: the variance's, of ``gy / (2 * y)``; 0 where ``y`` is 0."""

    def forward(self, x: Any) -> Any:
        self.y = np.sqrt(super().forward(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        return super().backward(masked(gy / (2 * self.y), array_of(self.y) != 0))


class Prod(_Accumulating):
    """The product over some axes. Backward: each value gets ``gy`` times the product of the others."""

    def forward(self, x: Any) -> Any:
        self.x = x
        with np.errstate(all="ignore"):
            self.y = x.prod(axis=self.look_at(x), dtype=self.output_dtype(x), keepdims=self.keepdim)
        return self.y

    def backward(self, gy: Any) -> Any:
        x = array_of(self.x)
        zero = x == 0
        if not zero.any():
            return self.spread(gy * self.y) / self.x
        if is_array(gy):
            # Where one value is 0, only that one has others without a 0; where two are, none has.
            rest = np.where(zero, 1, x)
            others = rest.prod(axis=self.axes, keepdims=True) / rest
            zeros = zero.sum(axis=self.axes, keepdims=True)
            return gy.reshape(self.kept_shape) * np.where(zeros == zero, others, 0)
        return self.spread(gy) * self._others()

    def _others(self) -> Any:
        """The product of the others, from n copies of the n values, each with a 1 in place of one of them."""
        ndim = len(self.from_shape)
        axes = tuple(range(ndim)) if self.axes is None else self.axes
        order = (*(i for i in range(ndim) if i not in axes), *axes)
        moved = self.x.permute(order)
        n = self.count
        rows = moved.reshape((-1, 1, n))
        others = Prod(-1).apply_to(Where().apply_to(np.eye(n, dtype=bool), 1, rows))
        inverse = sorted(range(ndim), key=order.__getitem__)
        return others.reshape(moved.shape).permute(inverse)


class CountNonzero(Reduction):
    """How many values aren't 0. There is no gradient: it is a count."""

    def forward(self, x: Any) -> Any:
        return np.asarray(np.count_nonzero(x, axis=self.look_at(x)))


def sum(
    input: T,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims = None,
    keepdims: bool | None = None,
) -> T:
    """The sum over dimensions; of integers and booleans, an int64.

    Parameters
    ----------
    dim
        One dimension or several; all of them by default.
    keepdim
        Keep the reduced dimensions, with length 1.
    dtype
        Convert the input to this dtype first.
    axis, keepdims
        NumPy's names for ``dim`` and ``keepdim``.
    """
    input = converted("sum", input, dtype)
    return Sum(dim if axis is None else axis, keepdim if keepdims is None else keepdims, dtype).apply_to(input)


def mean(
    input: T,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims = None,
    keepdims: bool | None = None,
) -> T:
    """The mean over dimensions; the parameters are those of ``sum``.

    Raises
    ------
    TypeError
        For integers, unless ``dtype`` converts them.
    """
    input = converted("mean", input, dtype)
    return Mean(dim if axis is None else axis, keepdim if keepdims is None else keepdims).apply_to(input)


def var(
    input: T,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Dims = None,
    keepdims: bool | None = None,
) -> T:
    """The variance over dimensions: the sum of squared distances from the mean, over ``n - correction``.

    Parameters
    ----------
    dim
        One dimension or several; all of them by default.
    unbiased
        PyTorch's older name: True is ``correction=1``, the default, and False ``correction=0``.
    keepdim
        Keep the reduced dimensions, with length 1.
    correction
        What is taken from the number of values.
    axis, keepdims
        NumPy's names for ``dim`` and ``keepdim``.
    """
    node = Var(*_spread_arguments(dim if axis is None else axis, unbiased, keepdim, correction, keepdims))
    return node.apply_to(input)


def std(
    input: T,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Dims = None,
    keepdims: bool | None = None,
) -> T:
    """The standard deviation over dimensions, the root of ``var``; the parameters are the same."""
    node = Std(*_spread_arguments(dim if axis is None else axis, unbiased, keepdim, correction, keepdims))
    return node.apply_to(input)


def _spread_arguments(
    dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None, keepdims: bool | None
) -> tuple[Dims, bool, float]:
    """Dim, keepdim and correction, from the two ways of PyTorch to say them."""
    if unbiased is not None:
        unbiased = flag("var and std", "unbiased", unbiased)
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    return dim, keepdim if keepdims is None else keepdims, correction


def var_mean(
    input: T,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[T, T]:
    """The variance and the mean; the parameters are those of ``var``."""
    over = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


def std_mean(
    input: T,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[T, T]:
    """The standard deviation and the mean; the parameters are those of ``var``."""
    over = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


def prod(
    input: T,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims = None,
    keepdims: bool | None = None,
) -> T:
    """The product over dimensions; the parameters are those of ``sum``. Zeros have their right gradient."""
    input = converted("prod", input, dtype)
    return Prod(dim if axis is None else axis, keepdim if keepdims is None else keepdims, dtype).apply_to(input)


def count_nonzero(input: T, dim: Dims = None, *, axis: Dims = None) -> T:
    """How many elements aren't 0, over all dimensions or those given."""
    return CountNonzero(dim if axis is None else axis).apply_to(tensor("count_nonzero", "input", input))
