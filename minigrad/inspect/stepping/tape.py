"""A backward pass that goes on when it is told to, and keeps every step, so that one can go back to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.leaves import Receiver
from minigrad.engine.node import Node
from minigrad.engine.step import Step, read_only
from minigrad.engine.walk import seed_gradient, visit
from minigrad.engine.watch import Watcher
from minigrad.inspect.changes.scaling import label_in_force
from minigrad.inspect.forks.graph import Edge, Graph, Value, leaf_name, unknown, value_of
from minigrad.inspect.forks.ledger import Ledger
from minigrad.inspect.forks.pairs import Pair, find_pairs
from minigrad.inspect.stepping.breakpoints import Condition
from minigrad.inspect.tracing.bookkeeping import Bookkeeper
from minigrad.inspect.tracing.steps import Norms, TracedStep, traced
from minigrad.skip import Fork


class Contribution(NamedTuple):
    """What one reader of a value sent back to it."""

    edge: Edge
    gradient: Array


class Breakpoint:
    """A condition, and the steps at which it held; it sees every step once, in the order of the pass.

    Attributes
    ----------
    hits
        For each step at which it held, None; or the error where the condition had no answer.
    """

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.hits: dict[int, Exception | None] = {}

    def look(self, number: int, step: TracedStep) -> None:
        """Ask the condition about a step."""
        try:
            if self.condition(step):
                self.hits[number] = None
        except Exception as error:  # the user's own expression: the pass goes on, and stops here
            self.hits[number] = error


class Tape(Watcher):
    """One backward pass, step by step, forward and back.

    Parameters
    ----------
    outputs, grad_outputs
        Where the pass starts, a loss or several tensors, and the gradients there.
    create_graph
        Build a graph of the gradients.
    receiver
        What complete gradients are handed to; with None they go into ``.grad``.

    Attributes
    ----------
    graph
        The graph.
    starts
        The gradients that the pass starts from.
    taken
        The engine's steps so far.
    steps
        The same, as they are kept. No node forgets anything until `close`.
    at
        The number of the step that is looked at; ``len(steps)`` when the pass is over.
    """

    def __init__(
        self,
        outputs: TensorBase | Sequence[TensorBase],
        grad_outputs: Any = None,
        create_graph: bool = False,
        receiver: Receiver | None = None,
    ) -> None:
        super().__init__()
        roots = (outputs,) if isinstance(outputs, TensorBase) else tuple(outputs)
        given = grad_outputs if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,) * len(roots)
        self.graph = Graph(*roots)
        seeds = [seed_gradient(root, g, create_graph) for root, g in zip(roots, given, strict=True)]
        self.starts = {value_of(root): read_only(array_of(s)) for root, s in zip(roots, seeds, strict=True)}
        self.pairs = find_pairs(self.graph)
        self.taken: list[Step] = []
        self.steps: list[TracedStep] = []
        self.breakpoints: list[Breakpoint] = []
        self.at = 0
        self.over = False
        self._by_node: dict[Node, TracedStep] = {}
        self._books = Bookkeeper(self.pairs.found)
        self._norms = Norms(self.graph)
        self._pass = starmap(Step, visit(roots, seeds, True, create_graph, receiver))
        self._fetch()

    def leaf(self, leaf: TensorBase, gradient: Any) -> None:
        """Enter what a leaf got."""
        self._books.see_leaf(leaf, array_of(gradient))

    @np.errstate(all="ignore")  # as in backward()
    def _fetch(self) -> bool:
        """Let the engine go one node on."""
        with self:
            step = next(self._pass, None)
        if step is None:
            self.over = True
            return False
        kept = traced(step, self._norms)
        self._books.see(step)
        self.taken.append(step)
        self.steps.append(kept)
        self._by_node[step.node] = kept
        for stop in self.breakpoints:
            stop.look(len(self.steps) - 1, kept)
        return True

    @property
    def step(self) -> TracedStep | None:
        """The step that is looked at; None when the pass is over."""
        return self.steps[self.at] if self.at < len(self.steps) else None

    def forward(self) -> bool:
        """Go one step on; False where the pass is over."""
        if self.at < len(self.steps):
            self.at += 1
        return self.at < len(self.steps) or (not self.over and self._fetch())

    def back(self) -> bool:
        """Go one step back: nothing is computed again; False at the start."""
        self.at -= self.at > 0
        return self.at > 0

    def to_breakpoint(self) -> list[Breakpoint]:
        """Go on to the next step at which a breakpoint holds; an empty list at the end of the pass."""
        while self.forward():
            hits = [stop for stop in self.breakpoints if self.at in stop.hits]
            if hits:
                return hits
        return []

    def add_breakpoint(self, condition: Condition) -> Breakpoint:
        """Set a breakpoint, which is first asked about the steps that were made already.

        Raises
        ------
        Exception
            Whatever the condition raises at one of these.
        """
        stop = Breakpoint(condition)
        for number, step in enumerate(self.steps):
            stop.look(number, step)
            error = stop.hits.get(number)
            if error is not None:
                raise error
        self.breakpoints.append(stop)
        return stop

    def close(self, retain_graph: bool) -> None:
        """Run what is left of the pass, and free the graph as ``backward()`` does."""
        self.breakpoints.clear()
        while not self.over:
            self._fetch()
        if not retain_graph:
            self.release()

    def release(self) -> None:
        """Free the graph."""
        for node in self.graph.nodes:
            node.release()

    # -- what is known at the step that is looked at -----------------------------------------------

    def _done(self, node: Node) -> bool:
        """Whether a node's rule has run at the step that is looked at."""
        step = self.step
        return step is None or (node in self._by_node and node.index >= step.node.index)

    def contributions(self, value: Value) -> list[Contribution]:
        """What has been sent to a value so far, in the order in which the engine adds it."""
        return list(self._sent(value))

    def _sent(self, value: Value) -> Iterator[Contribution]:
        for edge in reversed(self.graph.readers.get(value, [])):
            step = self._by_node.get(edge.node)
            if step is not None and self._done(edge.node):
                gradient = step.grad_inputs[edge.position]
                if gradient is not None:
                    yield Contribution(edge, gradient)

    def origins(self, value: Value) -> list[Contribution]:
        """The contributions to a value, and in the place of a fork's sum those to each of its ways."""
        found = []
        for part in self._sent(value):
            fork = part.edge.node
            if isinstance(fork, Fork):
                found += [origin for slot in range(fork.ways) for origin in self.origins((fork, slot))]
            else:
                found.append(part)
        return found

    def awaited(self, value: Value) -> list[Edge]:
        """The readers of a value whose turn has not come."""
        return [edge for edge in reversed(self.graph.readers.get(value, [])) if not self._done(edge.node)]

    def pair_at(self, node: Node) -> Pair | None:
        """The first pair whose fork, or whose forked value's maker, is this node."""
        for pair in self.pairs.found:
            if node is pair.fork or (pair.fork is None and isinstance(pair.value, tuple) and pair.value[0] is node):
                return pair
        return None

    @np.errstate(all="ignore")
    def ledger(self) -> Ledger:
        """The rows of the pairs whose fork has had its turn at the step that is looked at."""
        done = [pair.name for pair in self.pairs.found if self._fork_is_done(pair)]
        rows = [row for row in self._books.rows() if row.name in done]
        return Ledger(rows, self.pairs.unpaired, label_in_force())

    def _fork_is_done(self, pair: Pair) -> bool:
        if pair.fork is not None:
            return self._done(pair.fork)
        if isinstance(pair.value, tuple):
            return self._done(pair.value[0])
        return not self.awaited(pair.value)

    # -- names -------------------------------------------------------------------------------------

    def values(self) -> dict[str, Value]:
        """Every value that can be asked for by name: a node for its output, or a leaf."""
        named: dict[str, Value] = {}
        for node in self.graph.nodes:
            for slot in range(len(node.out_shapes)):
                named[node.name if not slot else f"{node.name}:{slot}"] = (node, slot)
        for leaf in self.graph.leaves:
            edge = self.graph.readers[leaf][0]
            named.setdefault(leaf_name(edge.node, edge.position, leaf), leaf)
        return named

    def value_named(self, name: str, here: Mapping[str, Value] | None = None) -> Value:
        """The value of a name; ``here`` are the names that only the step that is looked at has.

        Raises
        ------
        UnknownNameError
            If there is none; it offers the nearest names.
        """
        named = {**self.values(), **(here or {})}
        if name not in named:
            raise unknown("value", name, [*(here or {}), *named])
        return named[name]
