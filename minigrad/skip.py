"""Skip connections as nodes that can be seen: one fork, and three joins.

A *fork* sends one value two ways, the *skip* and the *branch*; a *join* makes one value of them again.
Mind the mirror: what forks in forward merges in backward, and the reverse.

==============  =========================  ==================================================
node            forward                    backward
==============  =========================  ==================================================
`Fork`          copies the value           *sums* the gradients of the two ways
`ResidualAdd`   sums skip and branch       *copies* its gradient to both ways
`SkipConcat`    puts them side by side     *slices* its gradient
`HighwayGate`   weighs them, by a gate t   *weighs* its gradient: (1 - t) to the skip, t to the branch
==============  =========================  ==================================================

The newer joins (streams, sums over depth, stochastic depth and others) stand in ``minigrad/joins``, a file each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import joins
from minigrad.arguments import integer, tensor
from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.joins import *  # noqa: F403 (what stands in its __all__ is found here too)
from minigrad.missing import lister as _lister
from minigrad.ops.common import T, along, axis_of, shape_of, unbroadcast

__all__ = [
    *joins.__all__,
    "Fork",
    "HighwayGate",
    "ResidualAdd",
    "SkipConcat",
    "fork",
    "highway_gate",
    "residual_add",
    "skip_concat",
]
__dir__ = _lister(__name__)


class Fork(Node):
    """One value goes several ways. Backward: the gradients of the ways are summed, ``gx = g0 + g1``.

    The ways share one array, until one of them is written in place: then that one gets a copy first.
    """

    shares_array = True

    def __init__(self, ways: int = 2) -> None:
        self.ways = ways

    def forward(self, x: Any) -> Any:
        return (x,) * self.ways

    def backward(self, *grads: Any) -> Any:
        gx = grads[0]
        for g in grads[1:]:
            gx = gx + g
        return gx


class ResidualAdd(Node):
    """``skip + branch``, shapes equal (He et al., 2015). Backward: ``g_skip = gy``, ``g_branch = gy``."""

    def forward(self, skip: Any, branch: Any) -> Any:
        if skip.shape != branch.shape:
            raise ValueError(_mismatch(skip.shape, branch.shape))
        return skip + branch

    def backward(self, gy: Any) -> Any:
        return gy, gy


class SkipConcat(Node):
    """Skip and branch side by side along ``dim`` (U-Net, 2015; DenseNet, 2016). Backward: ``gy``'s slices."""

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim

    def forward(self, skip: Any, branch: Any) -> Any:
        axis = self.axis = axis_of(self.dim, skip.ndim)
        self.split_at = skip.shape[axis]
        others = [shape[:axis] + shape[axis + 1 :] for shape in (skip.shape, branch.shape)]
        if others[0] != others[1]:
            raise ValueError(
                f"the skip has shape {skip.shape} and the branch {branch.shape}: they may differ in dimension "
                f"{axis} only. Bring them to one resolution first: a smaller branch with interpolate or "
                "conv_transpose2d, a larger skip by cropping it"
            )
        return np.concatenate((skip, branch), axis)

    def backward(self, gy: Any) -> Any:
        g_skip = gy[along(self.axis, slice(None, self.split_at))]
        return g_skip, gy[along(self.axis, slice(self.split_at, None))]


class HighwayGate(Node):
    """``(1 - t) * skip + t * branch`` (Srivastava et al., 2015).

    Backward: ``g_skip = gy * (1 - t)``, ``g_branch = gy * t``, ``g_t = gy * (branch - skip)``.
    """

    reads = {"skip": ("t",), "branch": ("t",), "t": ("skip", "branch")}

    def forward(self, skip: Any, branch: Any, t: Any) -> Any:
        if skip.shape != branch.shape:
            raise ValueError(_mismatch(skip.shape, branch.shape))
        y = (1 - t) * skip + t * branch
        if y.shape != skip.shape:
            raise ValueError(f"the gate has shape {shape_of(t)}, which doesn't broadcast to {skip.shape}")
        self.skip, self.branch, self.t = skip, branch, t
        return y

    def backward(self, gy: Any) -> Any:
        gt = unbroadcast(gy * (self.branch - self.skip), shape_of(self.t)) if self.wants[2] else None
        return gy * (1 - self.t), gy * self.t, gt


def fork(x: T, ways: int = 2) -> tuple[T, ...]:
    """Send ``x`` several ways.

    Parameters
    ----------
    x
        Any tensor.
    ways
        How many; two are the skip and the branch.

    Returns
    -------
    tuple of Tensor
        As many tensors, of one array.

    Raises
    ------
    TypeError
        If ``x`` is no tensor.
    OperationError
        For fewer than one way.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> mg.skip.residual_add(s, 3 * b).sum().backward()
    >>> x.grad.tolist()
    [4.0, 4.0]
    """
    if not isinstance(x, TensorBase) or type(ways) is not int or ways < 1:
        ways, x = integer("fork", "ways", ways, least=1), tensor("fork", "x", x)
    forked: Any = Fork(ways).apply_to(x)
    if isinstance(x, TensorBase):
        x.forked = True
        if forked[0].node is None:  # (of a way that a node made, the node's class tells)
            for way in forked:
                way.forked = True
    return forked


def residual_add(skip: T, branch: T) -> T:
    """Join by addition: ``skip + branch``.

    Raises
    ------
    OperationError
        If the shapes differ; the message says which projection mends it.
    """
    return ResidualAdd().apply_to(skip, branch)


def skip_concat(skip: T, branch: T, dim: int = 1) -> T:
    """Join by concatenation along ``dim``, the skip first.

    Raises
    ------
    OperationError
        If the shapes differ in another dimension.
    """
    return SkipConcat(dim).apply_to(skip, branch)


def highway_gate(skip: T, branch: T, t: Any) -> T:
    """Join by a gate: ``(1 - t) * skip + t * branch``.

    Parameters
    ----------
    skip, branch
        Of one shape.
    t
        The share of the branch, between 0 and 1; broadcast to their shape.

    Raises
    ------
    OperationError
        If the shapes differ.
    """
    return HighwayGate().apply_to(skip, branch, t if isinstance(t, (int, float)) else tensor("highway_gate", "t", t))


def _mismatch(skip: tuple[int, ...], branch: tuple[int, ...]) -> str:
    """Say that a join's shapes differ, and what stands on the skip to mend it."""
    message = f"the branch gives {branch} but the skip {skip}"
    if len(skip) != len(branch) or skip[:1] != branch[:1] or len(skip) < 2:
        return message + ": a join needs equal shapes; check what the branch does to the batch dimension"
    if len(skip) == 2:
        return message + f": pass shortcut=nn.Linear({skip[1]}, {branch[1]})"
    strides = {s // max(b, 1) for s, b in zip(skip[2:], branch[2:], strict=True)}
    stride = strides.pop() if len(strides) == 1 else 0
    if stride < 1 or any(-(-s // stride) != b for s, b in zip(skip[2:], branch[2:], strict=True)):
        return message + ": no stride brings the skip to the branch's size; check the branch's padding"
    return message + f": pass shortcut=Projection({skip[1]}, {branch[1]}, stride={stride})"
