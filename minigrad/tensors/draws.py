"""Tensors drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.ops.common import check_fits_dtype
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.devices import check_device
from minigrad.tensors.making import dtype_or, gradient_flag, held, shape_from
from minigrad.tensors.tensor import Tensor, from_array


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, uniform in [0, 1)."""
    check_device(device)
    kind = _floats("rand", dtype)
    values = np.asarray(numpy_generator(generator).random(shape_from("rand", sizes, size, np.float64)))
    # Rounding to float32 can reach 1.0, which the interval leaves out.
    values = np.minimum(values.astype(kind), np.nextafter(1, 0, dtype=kind))
    return from_array(np.asarray(values), gradient_flag("rand", requires_grad, kind))


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from the standard normal distribution."""
    check_device(device)
    kind = _floats("randn", dtype)
    values = np.asarray(numpy_generator(generator).standard_normal(shape_from("randn", sizes, size, np.float64)))
    return from_array(values.astype(kind), gradient_flag("randn", requires_grad, kind))


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Random integers from ``low`` (0 if only one bound is given) up to, not including, ``high``.

    Raises
    ------
    OperationError
        If there is no integer between them, or if the dtype has no room for one.
    """
    check_device(device)
    if size is None:
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    first, end = _bounds("randint", low, high)
    kind = dtype_or("randint", dtype, np.dtype(np.int64))
    check_fits_dtype("randint", np.array([first, end - 1]), kind)
    values = numpy_generator(generator).integers(first, end, shape_from("randint", (size,), dtype=np.int64))
    return from_array(np.asarray(values).astype(kind))


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The integers below ``n`` in random order."""
    check_device(device)
    count, kind = arguments.integer("randperm", "n", n, least=0), dtype_or("randperm", dtype, np.dtype(np.int64))
    held("randperm", (count,), np.int64)
    return from_array(numpy_generator(generator).permutation(count).astype(kind))


def rand_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform random numbers in the shape and dtype of ``input``."""
    x = array_of(arguments.tensor("rand_like", "input", input))
    kind = dtype_or("rand_like", dtype, x.dtype)
    return rand(*x.shape, dtype=kind, device=device, requires_grad=requires_grad)


def randn_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal random numbers in the shape and dtype of ``input``."""
    x = array_of(arguments.tensor("randn_like", "input", input))
    kind = dtype_or("randn_like", dtype, x.dtype)
    return randn(*x.shape, dtype=kind, device=device, requires_grad=requires_grad)


def bernoulli(input: Any, *, generator: Generator | None = None) -> Tensor:
    """Draw 0 or 1 for each element, 1 with the probability that the element says.

    Raises
    ------
    OperationError
        If they are no floats from 0 to 1.
    """
    p = array_of(arguments.tensor("bernoulli", "input", input))
    if p.dtype.kind != "f" or not ((p >= 0) & (p <= 1)).all():
        raise arguments.wrong_value("bernoulli", "input", "probabilities: floats from 0 to 1", input)
    return from_array((numpy_generator(generator).random(p.shape) < p).astype(p.dtype))


def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw indices by weight, from each row of ``input``.

    Parameters
    ----------
    input
        Weights, shape (classes,) or (rows, classes); they need not sum to 1.
    num_samples
        How many are drawn from each row.
    replacement
        Whether one index may be drawn more than once.

    Raises
    ------
    RuntimeError
        If weights are negative or not finite, or if there are too few to draw from.
    """
    given = array_of(arguments.tensor("multinomial", "input", input))
    if given.dtype.kind != "f" or given.ndim not in (1, 2) or not given.size:
        raise arguments.wrong_value("multinomial", "input", "floats, a vector or a matrix of weights", input)
    num_samples = arguments.integer("multinomial", "num_samples", num_samples, least=1)
    replacement = arguments.flag("multinomial", "replacement", replacement)
    weights = np.atleast_2d(given).astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any() or (weights.sum(-1) <= 0).any():
        raise RuntimeError("multinomial: the weights must be finite, not negative, and not all 0")
    if not replacement and (np.count_nonzero(weights, axis=-1) < num_samples).any():
        raise RuntimeError(
            f"multinomial: {num_samples} different indices can't be drawn from fewer weights above 0; "
            "pass replacement=True"
        )
    rng = numpy_generator(generator)
    rows = [rng.choice(w.size, num_samples, replacement, w / w.sum()) for w in weights]
    return from_array(np.array(rows, dtype=np.int64).reshape((*given.shape[:-1], num_samples)))


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from normal distributions: of one mean and deviation each element, or of one for all of ``size``.

    Raises
    ------
    OperationError
        If a deviation is negative.
    """
    check_device(device)
    given = {"mean": mean, "std": std}
    arrays = {
        name: array_of(x)
        if isinstance(x, (TensorBase, np.ndarray))
        else np.asarray(arguments.number("normal", name, x))
        for name, x in given.items()
    }
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise arguments.wrong_kind("normal", name, "a number, or a tensor of real ones", given[name])
    if not (arrays["std"] >= 0).all():
        raise arguments.wrong_value("normal", "std", "a number of at least 0, or a tensor of such", std)
    found = next((array_of(x).dtype for x in given.values() if isinstance(x, TensorBase)), None)
    kind = _floats("normal", dtype, found)
    shape = None if size is None else shape_from("normal", (size,), dtype=np.float64)
    try:
        values = np.asarray(numpy_generator(generator).normal(arrays["mean"], arrays["std"], shape))
    except ValueError:
        told = f"normal: mean of shape {arrays['mean'].shape}, std of shape {arrays['std'].shape} and size={size}"
        raise OperationError(f"{told} don't fit each other") from None
    return from_array(values.astype(kind), gradient_flag("normal", requires_grad, kind))


def randint_like(input: Any, low: int, high: int | None = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Random integers in the shape and dtype of ``input``."""
    x = array_of(arguments.tensor("randint_like", "input", input))
    bounds = (0, low) if high is None else (low, high)
    return randint(*bounds, x.shape, dtype=dtype_or("randint_like", dtype, x.dtype), device=device)


def _floats(operation: str, dtype: Any, default: Any = None) -> np.dtype[Any]:
    """The dtype of random numbers that are no integers.

    Raises
    ------
    OperationError
        If it is no floating-point one.
    """
    kind = dtype_or(operation, dtype, default)
    if kind.kind != "f":
        raise arguments.wrong_value(operation, "dtype", "a floating-point one", kind)
    return kind


def _bounds(operation: str, low: Any, high: Any) -> tuple[int, int]:
    """The bounds between which integers are drawn."""
    first = arguments.integer(operation, "low", low, -(2**63), 2**63 - 2)
    return first, arguments.integer(operation, "high", high, first + 1, 2**63 - 1)
