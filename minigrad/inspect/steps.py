"""One step of a backward pass, as it is kept: the node, the gradients that came and went, and their norms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minigrad.engine.base import Array, TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.engine.source import SourceLine
from minigrad.engine.step import Step
from minigrad.inspect import measure
from minigrad.inspect.graph import Graph, Value, kind_of


@dataclass(frozen=True)
class SavedNode:
    """What is known of a node after a trace was saved and loaded; it has the names that a node has."""

    name: str
    index: int
    module: str
    source: SourceLine | None
    out_shapes: tuple[tuple[int, ...], ...]

    def __repr__(self) -> str:
        return f"<{self.name}{f' {self.module!r}' if self.module else ''}, saved>"


class TracedStep:
    """One node's turn in a backward pass, kept.

    Attributes
    ----------
    node
        The node; after a trace was loaded from a file, what is known of it.
    norms_out, norms_in
        The norms of the gradients that reached the node's outputs and that went to its inputs; None for none.
    dtype
        That of the gradients.
    """

    __slots__ = ("_grad_inputs", "_grad_outputs", "dtype", "node", "norms_in", "norms_out")

    def __init__(
        self,
        node: Node | SavedNode,
        norms_out: tuple[float | None, ...],
        norms_in: tuple[float | None, ...],
        dtype: Any,
        grad_outputs: tuple[Array | None, ...] | None = None,
        grad_inputs: tuple[Array | None, ...] | None = None,
    ) -> None:
        self.node = node
        self.norms_out = norms_out
        self.norms_in = norms_in
        self.dtype = dtype
        self._grad_outputs = grad_outputs
        self._grad_inputs = grad_inputs

    @property
    def name(self) -> str:
        """The kind of node and its number, as in ``Conv2d#12``."""
        return self.node.name

    @property
    def kind(self) -> str:
        """The node's class, as in ``Conv2d``."""
        return kind_of(self.node)

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
        """The norm of all that reached the node."""
        return math.hypot(*(size for size in self.norms_out if size is not None))

    @property
    def kept(self) -> bool:
        """Whether the gradients themselves were kept, and not their norms only."""
        return self._grad_outputs is not None

    @property
    def grad_outputs(self) -> tuple[Array | None, ...]:
        """The gradients that reached the node's outputs, as read-only arrays."""
        return _required(self._grad_outputs)

    @property
    def grad_inputs(self) -> tuple[Array | None, ...]:
        """The gradients that the node's rule sent to its inputs, as read-only arrays."""
        return _required(self._grad_inputs)

    def __repr__(self) -> str:
        module = f" {self.module!r}" if self.module else ""
        return f"<Step {self.name}{module}, |gradient| {self.norm:.4g}>"


def _required(kept: tuple[Array | None, ...] | None) -> tuple[Array | None, ...]:
    if kept is None:
        raise OperationError("this trace kept norms only: to see gradients, run trace(loss, keep='all')")
    return kept


class Norms:
    """Norms of the gradients of one pass; what one node sends to a value's only maker is measured once.

    Parameters
    ----------
    graph
        The graph that the pass goes through.
    """

    def __init__(self, graph: Graph) -> None:
        self._readers = graph.readers
        self._sent: dict[Value, float] = {}

    def of_leaf(self, leaf: TensorBase, gradient: Array) -> float:
        """The norm of a leaf's whole gradient, which comes just before the step that sends its last part."""
        size = measure.norm(gradient)
        if len(self._readers.get(leaf, ())) == 1 and not leaf._hooks:
            self._sent[leaf] = size
        return size

    def of(
        self, node: Node, grad_outputs: Sequence[Any], grad_inputs: Sequence[Any]
    ) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
        """The norms of what reached a node, and of what it sent on."""
        outputs = []
        for slot, gradient in enumerate(grad_outputs):
            known = self._sent.pop((node, slot), None)
            outputs.append(measure.norm(gradient) if known is None and gradient is not None else known)
        inputs: list[float | None] = []
        for tensor, edge, gradient in zip(node.inputs, node.edges, grad_inputs, strict=True):
            if edge is None or gradient is None:
                inputs.append(None)
                continue
            if edge[0] is None:
                known = self._sent.pop(tensor, None)
                inputs.append(measure.norm(gradient) if known is None else known)
                continue
            # An addition sends on the very array that it got.
            size = outputs[0] if gradient is grad_outputs[0] else measure.norm(gradient)
            inputs.append(size)
            if size is not None and not edge[0].hooks:
                value = edge
                if len(self._readers.get(value, ())) == 1:
                    self._sent[value] = size
        return tuple(outputs), tuple(inputs)


def traced(step: Step, norms: Norms, keep_arrays: bool = True) -> TracedStep:
    """Keep a step of the engine: its arrays, or only their norms."""
    node = step.node
    # The engine's own arrays: to measure them needs no read-only view of each.
    sizes_out, sizes_in = norms.of(node, step._grad_outputs, step._grad_inputs)
    dtype = step._grad_outputs[0].dtype
    if not keep_arrays:
        return TracedStep(node, sizes_out, sizes_in, dtype)
    wanted = tuple(g if w else None for g, w in zip(step.grad_inputs, node.wants, strict=True))
    return TracedStep(node, sizes_out, sizes_in, dtype, step.grad_outputs, wanted)


def leaf_name(node: Node, position: int, leaf: TensorBase) -> str:
    """What a leaf is called: its own name, or where it is read, as in ``fc1.weight``."""
    if leaf.name:
        return leaf.name
    names = node.input_names
    name = names[position] if position < len(names) else f"input{position}"
    return f"{node.module}.{name}" if node.module else name
