"""What convolution and pooling have in common: windows over height and width, their sizes and checks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.errors import OperationError
from minigrad.ops.common import shape_of

Pair = tuple[int, int]


def pair_of(value: Any, name: str, least: int = 1) -> Pair:
    """Two numbers, for height and width, from one or two; none may be less than ``least``."""
    return _pair_of(value if isinstance(value, (int, np.integer, tuple)) else tuple(value), name, least)


@functools.lru_cache(maxsize=256)  # (a layer asks for the same at every call)
def _pair_of(value: Any, name: str, least: int) -> Pair:
    numbers = tuple(map(int, value)) if isinstance(value, tuple) else (int(value),)
    if len(numbers) not in (1, 2):
        raise OperationError(f"{name}={value!r} must be one number, or two: for height and width")
    if min(numbers) < least:
        raise OperationError(f"{name}={value!r} must be at least {least}")
    return numbers[0], numbers[-1]


def single_of(value: Any, name: str, least: int = 1) -> int:
    """One number, from a number or a sequence of one."""
    number = value if isinstance(value, (int, np.integer)) else (*value, None)[0]
    if number is None or (not isinstance(value, (int, np.integer)) and len(value) != 1):
        raise OperationError(f"{name}={value!r} must be one number")
    if number < least:
        raise OperationError(f"{name}={value!r} must be at least {least}")
    return int(number)


@functools.lru_cache(maxsize=256)
def check_fits(name: str, hw: Pair, kernel: Pair, padding: Pair, dilation: Pair) -> None:
    """Raise an error if a kernel is larger than the padded input."""
    for size, k, p, d in zip(hw, kernel, padding, dilation, strict=True):
        if d * (k - 1) + 1 > size + 2 * p:
            raise OperationError(
                f"{name}: the kernel {kernel}{f' with dilation {dilation}' if max(dilation) > 1 else ''} is larger "
                f"than the input {tuple(hw)}{f' with padding {padding}' if max(padding) else ''}"
            )


def as_batch(name: str, input: Any, ndim: int, apply: Callable[[Any], Any]) -> Any:
    """Apply an operation on batches to a batch, or to a single sample, whose batch axis is put on and taken off."""
    shape = shape_of(input)
    if len(shape) == ndim:
        return apply(input)
    if len(shape) == ndim - 1:
        return apply(input.reshape(1, *shape)).squeeze(0)
    axes = ", ".join(("N", "C", "H", "W") if ndim == 4 else ("N", "C", "L"))
    raise OperationError(f"{name}: the input must have shape ({axes}), or the same without N; it has {tuple(shape)}")
