"""The orthogonal update: of the branch, only what is at right angles to the skip is added."""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad.arguments import number
from minigrad.engine.node import Node
from minigrad.ops.common import T


class OrthogonalAdd(Node):
    """``y = x + f - c x`` with ``c = <x, f> / s``, ``s = <x, x> + eps``, along the last axis (Oh et al., 2025).

    Backward: ``gf = gy - (<x, gy> / s) x`` and ``gx = (1 - c) gy - (<x, gy> / s) (f - 2 c x)``.

    Law: it *projects*: with ``eps = 0`` the branch's gradient is orthogonal to x, and squares of norms add:
    ``|y|^2 = |x|^2 + |f - c x|^2``.
    """

    law: ClassVar[str] = "projects"

    def __init__(self, eps: float = 1e-6) -> None:
        self.eps = eps

    def forward(self, x: Any, f: Any) -> Any:
        if x.shape != f.shape:
            raise ValueError(f"the skip has shape {x.shape} and the branch {f.shape}: an orthogonal update needs one")
        self.x, self.f = x, f
        return x + f - _dot(x, f) / (_dot(x, x) + self.eps) * x

    def backward(self, gy: Any) -> Any:
        x, f = self.x, self.f
        s = _dot(x, x) + self.eps
        c, along = _dot(x, f) / s, _dot(x, gy) / s
        return (1 - c) * gy - along * (f - 2 * c * x), gy - along * x


def _dot(a: Any, b: Any) -> Any:
    """Inner products along the last axis, which stays."""
    return (a * b).sum(axis=-1, keepdims=True)


def orthogonal_add(skip: T, branch: T, eps: float = 1e-6) -> T:
    """Join by adding what of the branch is orthogonal to the skip, along the last axis.

    Parameters
    ----------
    skip, branch
        Of one shape.
    eps
        Added to ``<x, x>``; the law is exact at 0.

    Raises
    ------
    OperationError
        If the shapes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.skip.orthogonal_add(mg.tensor([1.0, 0.0]), mg.tensor([5.0, 2.0]), eps=0.0).tolist()
    [1.0, 2.0]
    """
    return OrthogonalAdd(number("orthogonal_add", "eps", eps)).apply_to(skip, branch)
