"""One step of a backward pass, as it is kept: the node, the gradients that came and went, and their norms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.engine.source import SourceLine
from minigrad.engine.step import Step
from minigrad.inspect import measure
from minigrad.inspect.forks.graph import Graph, Value, inputs_of


@dataclass(frozen=True)
class SavedNode:
    """What is known of a node after a trace was saved and loaded; it has the names that a node has."""

    name: str
    index: int
    module: str
    source: SourceLine | None
    out_shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, node: Node) -> SavedNode:
        """What is known of a node."""
        return cls(node.name, node.index, node.module, node.source, node.out_shapes)

    def __repr__(self) -> str:
        return f"<{self.name}{f' {self.module!r}' if self.module else ''}, saved>"


class TracedStep(Step):
    """A step that is kept: with the norms of its gradients, and with the gradients themselves unless they were let go.

    Attributes
    ----------
    node
        The node; after a trace was loaded from a file, a `SavedNode`.
    norms_out, norms_in
        The norms of the gradients that reached the node's outputs and that went to its inputs; None for none.
    dtype
        That of the gradients.
    """

    __slots__ = ("dtype", "norms_in", "norms_out")

    node: Any

    def __init__(
        self,
        node: Node | SavedNode,
        norms_out: tuple[float | None, ...],
        norms_in: tuple[float | None, ...],
        dtype: Any,
        grad_outputs: Sequence[Any] = (),
        grad_inputs: Sequence[Any] = (),
    ) -> None:
        super().__init__(node, grad_outputs, grad_inputs)  # type: ignore[arg-type]  # a saved one has a node's names
        self.norms_out = norms_out
        self.norms_in = norms_in
        self.dtype = dtype

    @property
    def norm(self) -> float:
        """The norm of all that reached the node."""
        return math.hypot(*(size for size in self.norms_out if size is not None))

    @property
    def kept(self) -> bool:
        """Whether the gradients themselves were kept, and not their norms only."""
        return len(self._grad_outputs) > 0

    @property
    def grad_outputs(self) -> tuple[Array | None, ...]:
        """The gradients that reached the node's outputs, as read-only arrays."""
        self._require()
        return super().grad_outputs

    @property
    def grad_inputs(self) -> tuple[Array | None, ...]:
        """The gradients that the node's rule sent to its inputs, as read-only arrays."""
        self._require()
        return super().grad_inputs

    def _require(self) -> None:
        if not self.kept:
            raise OperationError("this trace kept norms only: to see gradients, run trace(loss, keep='all')")

    def __repr__(self) -> str:
        module = f" {self.module!r}" if self.module else ""
        return f"<Step {self.name}{module}, |gradient| {self.norm:.4g}>"


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
            outputs.append(measure.norm(array_of(gradient)) if known is None and gradient is not None else known)
        inputs: list[float | None] = [None] * len(grad_inputs)
        for edge, value in inputs_of(node):
            gradient = grad_inputs[edge.position]
            if gradient is None:
                continue
            if isinstance(value, TensorBase):
                size = self._sent.pop(value, None)
            else:  # (an addition sends on the very array that it got)
                size = outputs[0] if gradient is grad_outputs[0] else None
            size = inputs[edge.position] = measure.norm(array_of(gradient)) if size is None else size
            if not isinstance(value, TensorBase) and len(self._readers.get(value, ())) == 1 and not value[0].hooks:
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
    sent = tuple(g if wanted else None for g, wanted in zip(step._grad_inputs, node.wants, strict=True))
    return TracedStep(node, sizes_out, sizes_in, dtype, tuple(step._grad_outputs), sent)
