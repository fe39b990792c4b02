"""Tensors drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, array_of
from minigrad.ops.common import get_default_dtype
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.creation import shape_from
from minigrad.tensors.devices import check_device
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
    values = numpy_generator(generator).random(shape_from(sizes, size))
    # Rounding to float32 can reach 1.0, which the interval leaves out.
    dtype = dtype or get_default_dtype()
    return from_array(np.asarray(np.minimum(values.astype(dtype), np.nextafter(1, 0, dtype=dtype))), requires_grad)


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
    values = np.asarray(numpy_generator(generator).standard_normal(shape_from(sizes, size)))
    return from_array(values.astype(dtype or get_default_dtype()), requires_grad)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Random integers from ``low`` (0 if only one bound is given) up to, not including, ``high``."""
    check_device(device)
    if size is None:
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    values = numpy_generator(generator).integers(low, high, shape_from((size,)))
    return from_array(np.asarray(values).astype(dtype or np.int64))


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The integers below ``n`` in random order."""
    check_device(device)
    return from_array(numpy_generator(generator).permutation(n).astype(dtype or np.int64))


def rand_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform random numbers in the shape and dtype of ``input``."""
    x = array_of(input)
    return rand(*x.shape, dtype=dtype or x.dtype, device=device, requires_grad=requires_grad)


def randn_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal random numbers in the shape and dtype of ``input``."""
    x = array_of(input)
    return randn(*x.shape, dtype=dtype or x.dtype, device=device, requires_grad=requires_grad)


def bernoulli(input: Any, *, generator: Generator | None = None) -> Tensor:
    """Draw 0 or 1 for each element, 1 with the probability that the element says."""
    p = array_of(input)
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
    weights = np.atleast_2d(array_of(input)).astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any() or (weights.sum(-1) <= 0).any():
        raise RuntimeError("multinomial: the weights must be finite, not negative, and not all 0")
    if not replacement and (np.count_nonzero(weights, axis=-1) < num_samples).any():
        raise RuntimeError(
            f"multinomial: {num_samples} different indices can't be drawn from fewer weights above 0; "
            "pass replacement=True"
        )
    rng = numpy_generator(generator)
    rows = [rng.choice(w.size, num_samples, replacement, w / w.sum()) for w in weights]
    return from_array(np.array(rows, dtype=np.int64).reshape((*array_of(input).shape[:-1], num_samples)))


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
    """Draw from normal distributions: of one mean and deviation each element, or of one for all of ``size``."""
    check_device(device)
    given = [array_of(x).dtype for x in (mean, std) if isinstance(x, TensorBase)]
    shape = None if size is None else shape_from((size,))
    values = np.asarray(numpy_generator(generator).normal(array_of(mean), array_of(std), shape))
    return from_array(values.astype(dtype or (given[0] if given else get_default_dtype())), requires_grad)


def randint_like(input: Any, low: int, high: int | None = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Random integers in the shape and dtype of ``input``."""
    x = array_of(input)
    bounds = (0, low) if high is None else (low, high)
    return randint(*bounds, x.shape, dtype=dtype or x.dtype, device=device)
