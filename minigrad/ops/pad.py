"""Padding: elements added at the ends of axes, or, with negative numbers, cut off.

Each mode says which element of the input an element of the border repeats. So the gradient of an input
element is the sum over its repetitions: ``PadGradient``, the adjoint of ``Pad``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import choice, number, room, tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T
from minigrad.ops.shape import as_sizes

#: For each axis, how many elements are added before and after.
Pads = tuple[tuple[int, int], ...]


class ConstantPad(Node):
    """``x`` with a border of one value. Backward: ``gx`` is ``gy`` without the border."""

    def __init__(self, pads: Pads, value: float = 0.0) -> None:
        self.pads, self.value = pads, value

    def forward(self, x: Any) -> Any:
        shape = tuple(n + before + after for n, (before, after) in zip(x.shape, self.pads, strict=True))
        y = np.full(shape, self.value, x.dtype)
        inner = tuple(slice(max(b, 0), n - max(a, 0)) for n, (b, a) in zip(shape, self.pads, strict=True))
        kept = tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape, self.pads, strict=True))
        y[inner] = x[kept]
        return y

    def backward(self, gy: Any) -> Any:
        return ConstantPad(tuple((-before, -after) for before, after in self.pads)).apply_to(gy)


def _sources(size: int, before: int, after: int, mode: str) -> Any:
    """For each element of a padded axis, which element of the input it repeats."""
    places = np.arange(-before, size + after)
    if mode == "replicate":
        return places.clip(0, size - 1)
    if mode == "circular":  # what a negative number cuts off doesn't come round
        start, end = max(-before, 0), size + min(after, 0)
        return (places - start) % (end - start) + start
    places = np.abs(places)  # reflect at the first element, and then at the last
    return np.where(places >= size, 2 * (size - 1) - places, places)


class Pad(Node):
    """``x`` with a border of its own elements. Backward: every element of ``gx`` sums ``gy`` over its repetitions."""

    def __init__(self, pads: Pads, mode: str) -> None:
        self.pads, self.mode = pads, mode

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        y = x
        for axis, (before, after) in enumerate(self.pads):
            if before or after:
                y = np.take(y, _sources(x.shape[axis], before, after, self.mode), axis)
        return y

    def backward(self, gy: Any) -> Any:
        return PadGradient(self.pads, self.mode, self.from_shape).apply_to(gy)


class PadGradient(Node):
    """The sum over the repetitions of each element: the adjoint of ``Pad``, which is its backward."""

    def __init__(self, pads: Pads, mode: str, shape: tuple[int, ...]) -> None:
        self.pads, self.mode, self.shape = pads, mode, shape

    def forward(self, x: Any) -> Any:
        y = x
        for axis, (before, after) in enumerate(self.pads):
            if not (before or after):
                continue
            size = self.shape[axis]
            # The inner part as it is, and then each slice of the border on top.
            inner = [(0, 0)] * x.ndim
            inner[axis] = (-before, -after)
            rest = np.moveaxis(y, axis, 0)
            y = ConstantPad(tuple(inner)).forward(y)
            target = np.moveaxis(y, axis, 0)
            for place, source in enumerate(_sources(size, before, after, self.mode)):
                if not before <= place < before + size:
                    target[source] += rest[place]
        return y

    def backward(self, gy: Any) -> Any:
        return Pad(self.pads, self.mode).apply_to(gy)


def pad(input: T, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> T:
    """Add elements at the ends of axes.

    Parameters
    ----------
    pad
        How many, two numbers an axis, from the *last* axis on: ``(left, right, top, bottom)``. Negative
        numbers cut off.
    mode
        ``"constant"``, ``"reflect"`` (mirrored at the edge), ``"replicate"`` (the edge again) or
        ``"circular"`` (the other end).
    value
        What ``"constant"`` adds; None is 0.

    Raises
    ------
    OperationError
        If the numbers don't fit the input or the mode.
    """
    shape = tensor("pad", "input", input).shape
    given = as_sizes("pad", pad, "pad")
    if len(given) % 2 or len(given) > 2 * len(shape):
        raise OperationError(f"pad={given} must be two numbers an axis, for at most {len(shape)} axes")
    pairs = tuple(zip(given[::2], given[1::2], strict=True))[::-1]
    pads = ((0, 0),) * (len(shape) - len(pairs)) + pairs
    choice("pad", "mode", mode, ("constant", "reflect", "replicate", "circular"))
    fill = 0.0 if value is None else number("pad", "value", value)
    if mode != "constant":
        _check_border(shape, pads, len(pairs), mode, value)
    elif any(n + min(before, 0) + min(after, 0) < 0 for n, (before, after) in zip(shape, pads, strict=True)):
        raise OperationError(f"pad={given} cuts off more than there is of shape {tuple(shape)}")
    room("pad", tuple(n + before + after for n, (before, after) in zip(shape, pads, strict=True)), np.int8)
    node = ConstantPad(pads, fill) if mode == "constant" else Pad(pads, mode)
    return node.apply_to(input)


def _check_border(shape: tuple[int, ...], pads: Pads, count: int, mode: str, value: float | None) -> None:
    """Raise an error if an input of this shape can't have a border of its own elements."""
    if value not in (None, 0):
        raise OperationError(f"pad: value={value} has no meaning for mode={mode!r}")
    if not len(shape) - 2 <= count <= len(shape) - 1:
        raise OperationError(
            f"pad: with mode={mode!r}, the padding must be for the last {len(shape) - 2} or {len(shape) - 1} "
            f"axes of shape {shape}, it is for {count}"
        )
    for n, (before, after) in zip(shape, pads, strict=True):
        if before == after == 0:
            continue
        most = {"reflect": n - 1, "circular": n, "replicate": max(before, after) if n else 0}[mode]
        if before > most or after > most:
            raise OperationError(f"pad: mode={mode!r} adds at most {most} to an axis of {n}, not {(before, after)}")
        left = n + (min(before, 0) + min(after, 0) if mode == "circular" else before + after)
        if left < 1:
            raise OperationError(f"pad: {(before, after)} cuts off all of an axis of {n}")
