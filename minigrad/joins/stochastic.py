"""Stochastic depth: a join whose branch is dropped at random."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import tensor
from minigrad.engine.base import array_of
from minigrad.engine.node import Node


class StochasticAdd(Node):
    """``skip + m * branch``: m is 0 where the branch is dropped, else 1 / (1 - p) (Huang et al., 2016).

    (Their paper trains with m = 1 and multiplies by 1 - p at test; dividing in training is the later habit.)

    Backward: ``g_skip = gy``, ``g_branch = m * gy``.

    Law: it *copies* to the skip and *weighs* for the branch; in the mean over m it copies both ways.

    Parameters
    ----------
    m
        An array that broadcasts to the branch: a constant.
    """

    law: ClassVar[str] = "copies and weighs"

    def __init__(self, m: Any) -> None:
        self.m = m

    def forward(self, skip: Any, branch: Any) -> Any:
        if skip.shape != branch.shape:
            raise ValueError(f"the branch gives {branch.shape} but the skip {skip.shape}: a join needs equal shapes")
        self.m = np.asarray(self.m, branch.dtype)
        return skip + self.m * branch

    def backward(self, gy: Any) -> Any:
        return gy, self.m * gy


def stochastic_add(skip: Any, branch: Any, m: Any) -> Any:
    """Join by ``skip + m * branch`` with a random ``m`` that has been drawn; see ``nn.StochasticDepth``.

    Raises
    ------
    OperationError
        If the shapes differ.
    """
    kept = array_of(m) if isinstance(m, (int, float)) else array_of(tensor("stochastic_add", "m", m))
    return StochasticAdd(kept).apply_to(skip, branch)
