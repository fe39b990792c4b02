"""Activation functions made of straight pieces (or nearly): hardswish, hardsigmoid, prelu, threshold, the shrinks.

They are cheap on small devices, which is why MobileNetV3 has them; in between their corners the derivative is a
constant or a line, and at a corner it is what PyTorch takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import flag, floats, number, tensor, wrong_value
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.activation import leaky_relu
from minigrad.ops.common import T, real, shape_of, unbroadcast
from minigrad.ops.inplace import apply_in_place, in_place
from minigrad.ops.select import Where, masked
from minigrad.random import numpy_generator


class Hardsigmoid(Node):
    """``(x + 3) / 6``, held between 0 and 1. Backward: ``gx = gy / 6`` for ``-3 < x < 3``, else 0."""

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return np.clip(self.x / 6 + 0.5, 0, 1).astype(self.x.dtype)

    def backward(self, gy: Any) -> Any:
        x = array_of(self.x)
        return masked(gy * (1 / 6), (x > -3) & (x < 3))


class Hardswish(Node):
    """``x * hardsigmoid(x)``. Backward: ``gx = gy * (x / 3 + 1 / 2)`` for ``-3 < x < 3``, 0 below, ``gy`` above."""

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return self.x * np.clip(self.x / 6 + 0.5, 0, 1).astype(self.x.dtype)

    def backward(self, gy: Any) -> Any:
        x = array_of(self.x)
        inside = Where().apply_to(x < 3, gy * (self.x * (1 / 3) + 0.5), gy)
        return masked(inside, x > -3)


class PReLU(Node):
    """``x`` above 0, else ``w * x``. Backward: ``gx = gy`` or ``w * gy``; ``gw`` sums ``x * gy`` where ``x <= 0``."""

    def forward(self, x: Any, w: Any) -> Any:
        self.x, self.w = x, w
        return np.where(x > 0, x, w * x)

    def backward(self, gy: Any) -> Any:
        above = array_of(self.x) > 0
        gx = Where().apply_to(above, gy, gy * self.w) if self.wants[0] else None
        gw = unbroadcast(masked(gy * self.x, ~above), self.w.shape) if self.wants[1] else None
        return gx, gw


class Threshold(Node):
    """``x`` above a threshold, else a constant. Backward: ``gx = gy`` above it, else 0."""

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, x: Any) -> Any:
        self.above = ~(x <= self.threshold)  # NaN is above, as in PyTorch
        return np.where(self.above, x, np.asarray(self.value, x.dtype))

    def backward(self, gy: Any) -> Any:
        return masked(gy, self.above)


class Hardshrink(Node):
    """``x`` outside of ``[-lambd, lambd]``, else 0. Backward: ``gx = gy`` outside, else 0."""

    def __init__(self, lambd: float) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Any:
        self.outside = ~((x >= -self.lambd) & (x <= self.lambd))
        return np.where(self.outside, x, x.dtype.type(0))

    def backward(self, gy: Any) -> Any:
        return masked(gy, self.outside)


class Softshrink(Hardshrink):
    """``x`` moved towards 0 by ``lambd``, and 0 where it would cross. Backward: ``gx = gy`` outside, else 0."""

    def forward(self, x: Any) -> Any:
        kept = super().forward(x)
        return kept - np.sign(kept) * x.dtype.type(self.lambd)


def hardsigmoid(input: T, inplace: bool = False) -> T:
    """``(input + 3) / 6``, held between 0 and 1: a sigmoid of three straight pieces."""
    node = Hardsigmoid()
    return apply_in_place(node, input) if flag("hardsigmoid", "inplace", inplace) else node.apply_to(input)


def hardswish(input: T, inplace: bool = False) -> T:
    """``input * hardsigmoid(input)`` (Howard et al., 2019)."""
    node = Hardswish()
    return apply_in_place(node, input) if flag("hardswish", "inplace", inplace) else node.apply_to(input)


def prelu(input: T, weight: T) -> T:
    """``input`` above 0, else ``weight * input`` (He et al., 2015).

    Parameters
    ----------
    weight
        The slope: of one element, or of one a channel of (N, C, ...).

    Raises
    ------
    OperationError
        If there are not as many slopes as channels.
    """
    w: Any = tensor("prelu", "weight", weight)
    shape, slopes = tensor("prelu", "input", input).shape, w.shape
    if math.prod(slopes) != 1:
        channels = shape[1] if len(shape) > 1 else 1
        if slopes != (channels,):
            raise OperationError(f"prelu: weight must have 1 element or {channels} (one a channel), not shape {slopes}")
        w = w.reshape(-1, *(1,) * (len(shape) - 2))
    else:
        w = w.reshape((1,) * len(shape))
    return PReLU().apply_to(input, w)


def threshold(input: T, threshold: float, value: float, inplace: bool = False) -> T:
    """``input`` above ``threshold``, else ``value``."""
    node = Threshold(number("threshold", "threshold", threshold), number("threshold", "value", value))
    tensor("threshold", "input", input)
    return apply_in_place(node, input) if flag("threshold", "inplace", inplace) else node.apply_to(input)


def hardshrink(input: T, lambd: float = 0.5) -> T:
    """0 within ``[-lambd, lambd]``, ``input`` outside."""
    return Hardshrink(number("hardshrink", "lambd", lambd)).apply_to(floats("hardshrink", "input", input))


def softshrink(input: T, lambd: float = 0.5) -> T:
    """``input`` moved towards 0 by ``lambd``, and 0 where that would cross it.

    Raises
    ------
    OperationError
        If ``lambd`` is negative.
    """
    return Softshrink(number("softshrink", "lambd", lambd, 0)).apply_to(floats("softshrink", "input", input))


def rrelu(input: T, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> T:
    """``input`` above 0; below, times a slope that is drawn for each element in training, else the middle one."""
    lower, upper = number("rrelu", "lower", lower), number("rrelu", "upper", upper)
    if not lower <= upper < math.inf:
        raise wrong_value("rrelu", "upper", f"a finite number of at least lower, {lower}", upper)
    inplace = flag("rrelu", "inplace", inplace)
    if not flag("rrelu", "training", training):
        return leaky_relu(input, (lower + upper) / 2, inplace)
    tensor("rrelu", "input", input)
    slopes = numpy_generator(None).uniform(lower, upper, shape_of(input))
    w = np.asarray(slopes, array_of(input).dtype)
    apply = in_place(PReLU().apply_to, "rrelu") if inplace else PReLU().apply_to
    result: T = apply(input, w)
    return result
