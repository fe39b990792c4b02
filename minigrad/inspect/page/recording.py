"""One backward pass as a replay page needs it: what the graph looked like before, every step, and where to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.inspect.changes.scaling import label_in_force
from minigrad.inspect.forks.graph import Edge, Graph, Value, inputs_of, shape_of, value_of
from minigrad.inspect.forks.ledger import Ledger
from minigrad.inspect.forks.pairs import Pair, find_pairs
from minigrad.inspect.paths.path_lengths import PathLengths, path_lengths
from minigrad.inspect.say.step_names import gradient_name
from minigrad.inspect.stepping.breakpoints import as_condition
from minigrad.inspect.tracing.arrivals import Arrivals
from minigrad.inspect.tracing.bookkeeping import Bookkeeper
from minigrad.inspect.tracing.steps import traced
from minigrad.inspect.tracing.trace import Trace

#: Path lengths take a backward pass for each pair: with more pairs than this they are left to `path_lengths`.
PAIRS_SPLIT = 30


class Recording:
    """A ``with`` block around a pass, which shows it each step.

    Parameters
    ----------
    loss
        Before its backward pass.
    stop
        A condition; the steps at which it holds are noted while the pass runs.
    gradient
        The gradient of ``loss``, where it is no scalar.

    Attributes
    ----------
    graph, pairs
        The graph, and its fork-join pairs.
    edges
        For each node the values that it sends a gradient to, as they were before the pass freed them.
    inputs
        For each node the name of each gradient that it sends, and its shape.
    stops
        The numbers of the steps at which the condition held, counted from 1.
    lengths
        The gradient of the first value that is forked, by path length; or why it isn't there.
    """

    def __init__(self, loss: TensorBase, stop: Callable[[Any], Any] | None = None, gradient: Any = None) -> None:
        self.graph = Graph(loss)
        found = find_pairs(self.graph)
        self.pairs = found.found
        self.edges = {node: list(inputs_of(node)) for node in self.graph.nodes}
        self.inputs = {
            node: {edge.position: (gradient_name(node, edge.position), shape_of(value)) for edge, value in edges}
            for node, edges in self.edges.items()
        }
        self.lengths = _lengths(loss, self.pairs, gradient)
        self.stops: list[int] = []
        self.stop = None if stop is None else as_condition(stop)
        self._unpaired = found.unpaired
        self._arrivals = Arrivals(self.graph, Bookkeeper(self.pairs), keep_arrays=True)
        self._steps: list[Any] = []

    def __enter__(self) -> Recording:
        self._arrivals.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._arrivals.stop()

    def see(self, step: Step) -> None:
        """Keep a step, and ask whether the page is to stop there."""
        kept = traced(step, self._arrivals.norms)
        self._steps.append(kept)
        self._arrivals.books.see(step, kept)
        if self.stop is not None and self.stop(step):
            self.stops.append(len(self._steps))

    def trace(self) -> Trace:
        """The pass, once it is over."""
        label = label_in_force()
        ledger = Ledger(self._arrivals.books.rows(), self._unpaired, label)
        return Trace(self._steps, self.graph.nodes, list(self._arrivals.leaves.values()), ledger, "all", label)


def arrivals(pair: Pair, graph: Graph) -> dict[str, list[Node]]:
    """The nodes whose steps bring the gradient of each way to a fork."""
    found: dict[str, list[Node]] = {"skip": [], "branch": [], "other": []}
    for part, way in pair.parts.items():
        if isinstance(part, Edge):
            found[way].append(part.node)
        elif pair.fork is not None:
            found[way] += [edge.node for edge in graph.readers.get((pair.fork, part), ())]
    return found


def _lengths(loss: TensorBase, pairs: list[Pair], gradient: Any) -> PathLengths | str:
    if not pairs:
        return "there is no skip connection, so all of the gradient comes by one way"
    if len(pairs) > PAIRS_SPLIT:
        return f"with {len(pairs)} skips this takes long: inspect.path_lengths(loss, wrt) gives it"
    first = pairs[0]
    readers = [(first.fork, 0)] if first.fork is not None else [p for p in first.parts if isinstance(p, Edge)]
    tensors = [node.inputs[position] for node, position in readers]
    wrt = next((tensor for tensor in tensors if _is(value_of(tensor), first.value)), None)
    if wrt is None:
        return "the first value that is forked was overwritten since"
    try:
        return path_lengths(loss, wrt, gradient=gradient)
    except OperationError as error:
        return str(error)


def _is(value: Value, other: Value) -> bool:
    """Whether two values are one; the == of tensors is element-wise."""
    return value is other or (isinstance(value, tuple) and isinstance(other, tuple) and value == other)
