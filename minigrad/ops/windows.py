"""What convolution and pooling have in common: windows over height and width, their sizes and checks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad.arguments import integers, tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.shape import squeeze, unsqueeze

Pair = tuple[int, int]


def pair_of(operation: str, name: str, value: Any, least: int = 1) -> Pair:
    """Two numbers, for height and width, from one or two; none may be less than ``least``."""
    first, last = value if type(value) is tuple and len(value) == 2 else (value, value)
    if type(first) is type(last) is int and least <= first < 1 << 31 and least <= last < 1 << 31:  # as it usually is
        return first, last
    numbers = integers(operation, name, value, (1, 2), least)
    return numbers[0], numbers[-1]


def single_of(operation: str, name: str, value: Any, least: int = 1) -> int:
    """One number, from a number or a sequence of one."""
    return integers(operation, name, value, (1,), least)[0]


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
    shape = tensor(name, "input", input).shape
    if len(shape) == ndim:
        return apply(input)
    if len(shape) == ndim - 1:
        return squeeze(apply(unsqueeze(input, 0)), 0)
    axes = ", ".join(("N", "C", "H", "W") if ndim == 4 else ("N", "C", "L"))
    raise OperationError(f"{name}: the input must have shape ({axes}), or the same without N; it has {tuple(shape)}")
