"""What arrives at the leaves of a graph in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.step import read_only
from minigrad.engine.watch import Watcher
from minigrad.inspect.forks.graph import Graph, leaf_name
from minigrad.inspect.tracing.bookkeeping import Bookkeeper
from minigrad.inspect.tracing.steps import Norms
from minigrad.nn.parameter import Parameter


@dataclass(eq=False)
class LeafGradient:
    """The gradient that one pass brought to a leaf.

    Attributes
    ----------
    name
        The leaf's own name, or where it is read, as in ``fc1.w``.
    module
        The module that reads it first.
    reader
        The name of the node that reads it first.
    learnt
        Whether it is an ``nn.Parameter``.
    norm
        None where no gradient arrived.
    leaf
        The tensor; None after loading.
    gradient
        The gradient; None where only norms were kept, or none arrived.
    """

    name: str
    module: str
    reader: str
    learnt: bool
    norm: float | None
    dtype: Any
    leaf: TensorBase | None = None
    gradient: Array | None = None


class Arrivals(Watcher):
    """Notes what each leaf got, as soon as that is complete."""

    def __init__(self, graph: Graph, books: Bookkeeper, keep_arrays: bool) -> None:
        super().__init__()
        self.books = books
        self.norms = Norms(graph)
        self.leaves = _leaves(graph)
        self._keep = keep_arrays

    def leaf(self, leaf: TensorBase, gradient: Any) -> None:
        """Note a leaf's gradient."""
        array = array_of(gradient)
        self.leaves[leaf].norm = self.norms.of_leaf(leaf, array)
        self.leaves[leaf].gradient = read_only(array) if self._keep else None
        self.books.see_leaf(leaf, array)


def _leaves(graph: Graph) -> dict[TensorBase, LeafGradient]:
    """Every leaf of a graph, with no gradient yet."""
    found = {}
    for leaf in graph.leaves:
        node, position = graph.readers[leaf][0]
        name = leaf_name(node, position, leaf)
        learnt = isinstance(leaf, Parameter)
        found[leaf] = LeafGradient(name, node.module, node.name, learnt, None, leaf.array.dtype, leaf)
    return found
