"""The delta shortcut: what stands on the skip erases, or reflects, one direction."""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad.arguments import tensors
from minigrad.engine.node import Node
from minigrad.ops.common import T, shape_of, unbroadcast


class DeltaShortcut(Node):
    """``y = x - beta k <k, x>`` along the last axis, so ``y = (I - beta k k') x`` (Deep Delta Learning, 2026).

    Backward: ``gx = gy - beta k <k, gy>``, as the matrix is symmetric; ``gk = -beta (<k, x> gy + <k, gy> x)``;
    ``gbeta = -<k, x> <k, gy>``.

    Law: it *erases* along k: ``<k, gx> = (1 - beta |k|^2) <k, gy>``, and what is orthogonal to k goes through. With
    ``|k| = 1``: beta 0 is the identity, 1 erases, 2 reflects and keeps every norm.
    """

    law: ClassVar[str] = "erases"

    def forward(self, x: Any, k: Any, beta: Any) -> Any:
        y = x - beta * k * _dot(k, x)
        if y.shape != x.shape:
            raise ValueError(
                f"a direction of shape {shape_of(k)} and a beta of shape {shape_of(beta)} don't broadcast to the "
                f"skip's {x.shape}; a beta for each place has a last dimension of 1"
            )
        self.x, self.k, self.beta = x, k, beta
        return y

    def backward(self, gy: Any) -> Any:
        x, k, beta = self.x, self.k, self.beta
        kx, kg = _dot(k, x), _dot(k, gy)
        gk = unbroadcast(-beta * (kx * gy + kg * x), shape_of(k)) if self.wants[1] else None
        gbeta = unbroadcast(-kx * kg, shape_of(beta)) if self.wants[2] else None
        return gy - beta * k * kg, gk, gbeta


def _dot(a: Any, b: Any) -> Any:
    """Inner products along the last axis, which stays."""
    return (a * b).sum(axis=-1, keepdims=True)


def delta_shortcut(x: T, k: Any, beta: Any) -> T:
    """Take ``beta`` times the part along ``k`` away: ``(I - beta k k') x``.

    Parameters
    ----------
    x
        (..., d).
    k
        The direction, (d,) or (..., d), of norm 1 for the law to hold as it is known.
    beta
        A tensor that broadcasts to (..., 1): from 0, the identity, to 2, a reflection.

    Raises
    ------
    OperationError
        If the shapes don't fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.skip.delta_shortcut(mg.tensor([3.0, 4.0]), mg.tensor([1.0, 0.0]), mg.tensor([2.0])).tolist()
    [-3.0, 4.0]
    """
    tensors("delta_shortcut", x=x, k=k, beta=beta)
    return DeltaShortcut().apply_to(x, k, beta)
