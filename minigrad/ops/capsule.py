"""The capsule's squash: a vector keeps its direction, and its length becomes a probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import array_of
from minigrad.engine.node import Node
from minigrad.ops.common import T, axis_of
from minigrad.ops.select import masked
from minigrad.ops.vector_norm import norm


class Squash(Node):
    """``s * r / (1 + r**2)`` with ``r = |s|`` along an axis (Sabour et al., 2017): the length becomes r^2/(1+r^2).

    Backward: across s, ``gs = gy * r / (1 + r**2)``; along s, ``gs = gy * 2 r / (1 + r**2)**2``. At s = 0 both are 0.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, s: Any) -> Any:
        if s.dtype.kind != "f":
            raise TypeError(f"needs floating-point values, not {s.dtype}: convert them with .float()")
        self.s, self.axis = s, axis_of(self.dim, s.ndim)
        r = np.sqrt((s * s).sum(axis=self.axis, keepdims=True))
        return s * (r / (1 + r * r))

    def backward(self, gy: Any) -> Any:
        s = self.s
        r = norm(s, 2, self.axis, keepdim=True)
        unit = s * masked(1 / r, np.asarray(array_of(r) != 0))  # of no direction at 0
        along = unit * (unit * gy).sum(axis=self.axis, keepdims=True)
        squeezed = 1 / (1 + r * r)
        return (gy - along) * (r * squeezed) + along * (2 * r * squeezed * squeezed)


def squash(s: T, dim: int = -1) -> T:
    """Shorten vectors along ``dim`` to lengths below 1, direction kept: ``s * r / (1 + r**2)`` with ``r = |s|``.

    Raises
    ------
    TypeError
        If the values aren't floating-point ones.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.ops.capsule import squash
    >>> f"{squash(mg.tensor([3.0, 0.0, 4.0])).norm().item():.4f}"  # 25 / 26
    '0.9615'
    """
    result: T = Squash(dim).apply_to(s)
    return result
