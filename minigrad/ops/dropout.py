"""Dropout: elements set to zero at random, and the others made larger, so that the mean stays the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag, number, tensor
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T, shape_of
from minigrad.ops.inplace import apply_in_place, in_place
from minigrad.random import default_generator


class Dropout(Node):
    """``x * mask``, where the mask is 0 with probability ``p``, else ``1 / (1 - p)``. Backward: ``gx = gy * mask``.

    Srivastava et al., 2014. ``shared_axes`` counts the last axes along which the mask is one and the same.
    """

    def __init__(self, p: float, shared_axes: int = 0) -> None:
        self.p, self.shared_axes = p, shared_axes

    def forward(self, x: Any) -> Any:
        own = x.ndim - self.shared_axes
        shape = x.shape[:own] + (1,) * self.shared_axes
        keep = default_generator().numpy.random(shape, np.float32) >= self.p
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        self.mask = np.multiply(keep, scale, dtype=x.dtype)
        return x * self.mask

    def backward(self, gy: Any) -> Any:
        return gy * self.mask


def _chance(name: str, input: Any, p: float, training: bool) -> float:
    """The probability with which an element goes: 0 outside training."""
    array = array_of(tensor(name, "input", input))
    p = number(name, "p", p, 0, 1)
    if not flag(name, "training", training):
        return 0.0
    if p and array.dtype.kind != "f":
        raise OperationError(f"{name}: the input must hold floating-point numbers, it is {array.dtype}")
    return p


def dropout(input: T, p: float = 0.5, training: bool = True, inplace: bool = False) -> T:
    """Set elements to zero with probability ``p``, and divide the others by ``1 - p``.

    Parameters
    ----------
    p
        The probability.
    training
        With False, the input comes back as it is.
    inplace
        Write the result over ``input``.
    """
    p = _chance("dropout", input, p, training)
    if p == 0:
        return input
    if flag("dropout", "inplace", inplace):
        return apply_in_place(Dropout(p), input)
    return Dropout(p).apply_to(input)


def dropout1d(input: T, p: float = 0.5, training: bool = True, inplace: bool = False) -> T:
    """Drop whole channels of (N, C, L) or (C, L); as ``dropout``."""
    p = _chance("dropout1d", input, p, training)
    if p == 0:
        return input
    if len(shape_of(input)) not in (2, 3):
        raise OperationError(f"dropout1d: the input must have shape (N, C, L) or (C, L), it has {shape_of(input)}")
    if flag("dropout1d", "inplace", inplace):
        return apply_in_place(Dropout(p, 1), input)
    return Dropout(p, 1).apply_to(input)


def dropout2d(input: T, p: float = 0.5, training: bool = True, inplace: bool = False) -> T:
    """Drop whole channels of (N, C, H, W) or (C, H, W); as ``dropout``."""
    p = _chance("dropout2d", input, p, training)
    if p == 0:
        return input
    if len(shape_of(input)) not in (3, 4):
        raise OperationError(f"dropout2d: the input must have shape (N, C, H, W) or (C, H, W), not {shape_of(input)}")
    if flag("dropout2d", "inplace", inplace):
        return apply_in_place(Dropout(p, 2), input)
    return Dropout(p, 2).apply_to(input)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Set elements to the value where selu ends, and keep mean and variance (Klambauer et al., 2017)."""
    return _alpha_dropout("alpha_dropout", input, p, training, inplace, 0)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """The same for whole channels."""
    return _alpha_dropout("feature_alpha_dropout", input, p, training, inplace, len(shape_of(input)) - 2)


def _alpha_dropout(name: str, input: Any, p: float, training: bool, inplace: bool, shared_axes: int) -> Any:
    p, inplace = _chance(name, input, p, training), flag(name, "inplace", inplace)
    if p == 0:
        return input
    if p == 1:
        return input * 0
    lowest = -1.7580993408473766  # minus SELU's alpha times its scale
    shape = shape_of(input)[: len(shape_of(input)) - shared_axes] + (1,) * shared_axes
    keep: Any = as_tensor((default_generator().numpy.random(shape, np.float32) >= p).astype(input.dtype))
    scale = ((1 - p) * (1 + p * lowest**2)) ** -0.5

    def apply(x: Any) -> Any:
        return (x * keep + (1 - keep) * lowest) * scale - scale * p * lowest

    return in_place(apply, name)(input) if inplace else apply(input)
