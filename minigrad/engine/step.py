"""A step of a backward pass: one node's turn, with the gradients that it got and those that it sent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from minigrad.engine.base import Array, array_of
from minigrad.engine.node import Node
from minigrad.engine.source import SourceLine
from minigrad.kernels.sums import norm


class Step:
    """One node's turn in a backward pass.

    Attributes
    ----------
    node
        The node.
    """

    __slots__ = ("_grad_inputs", "_grad_outputs", "node")

    def __init__(self, node: Node, grad_outputs: Sequence[Any], grad_inputs: Sequence[Any]) -> None:
        self.node = node
        self._grad_outputs = grad_outputs
        self._grad_inputs = grad_inputs

    @property
    def grad_outputs(self) -> tuple[Array | None, ...]:
        """The gradients that reached the node's outputs, as read-only arrays."""
        return tuple(None if g is None else read_only(g) for g in self._grad_outputs)

    @property
    def grad_inputs(self) -> tuple[Array | None, ...]:
        """The gradients that the node's rule sent to its inputs, as read-only arrays."""
        return tuple(None if g is None else read_only(g) for g in self._grad_inputs)

    @property
    def name(self) -> str:
        """The kind of node and its number, as in ``Conv2d#12``."""
        return self.node.name

    @property
    def kind(self) -> str:
        """The node's class, as in ``Conv2d``."""
        return self.name.partition("#")[0]

    @property
    def module(self) -> str:
        """The path of the module that made the node, or ``""``."""
        return self.node.module

    @property
    def source(self) -> SourceLine | None:
        """The user's line that made the node."""
        return self.node.source

    @property
    def norm(self) -> float:
        """The norm of all that reached the node; NaN and infinity stay what they are."""
        return math.hypot(*(norm(g) for g in self.grad_outputs if g is not None))

    def __iter__(self) -> Iterator[Any]:
        """Unpack as ``node, grad_outputs, grad_inputs``."""
        return iter((self.node, self.grad_outputs, self.grad_inputs))

    def __repr__(self) -> str:
        return f"Step({self.node!r})"


def read_only(gradient: Any) -> Array:
    """A gradient as an array that can't be written to: itself, or a view of it."""
    array = array_of(gradient)  # (a rule on numbers without dimensions gives NumPy scalars)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array
