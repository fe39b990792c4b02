"""A trace: one backward pass, run and kept, step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.node import Node
from minigrad.engine.walk import Pass, seed_gradient, steps_of
from minigrad.engine.watch import Watcher
from minigrad.inspect import measure
from minigrad.inspect.bookkeeping import Bookkeeper
from minigrad.inspect.graph import Graph, matching, unknown
from minigrad.inspect.layers import Layers, layers_of
from minigrad.inspect.ledger import Ledger
from minigrad.inspect.pairs import find_pairs
from minigrad.inspect.steps import Norms, SavedNode, TracedStep, leaf_name, traced
from minigrad.inspect.table import Table, Tabular
from minigrad.inspect.whatif import label_in_force
from minigrad.nn.parameter import Parameter

if TYPE_CHECKING:
    from minigrad.inspect.diff import TraceDiff
    from minigrad.nn.module import Module

#: A printed trace shows so many steps at each end.
SHOWN = 12


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


class Trace(Tabular, Sequence[TracedStep]):
    """The steps of one backward pass, the loss first.

    Attributes
    ----------
    steps
        The steps, in the order of the pass.
    nodes
        All nodes of the graph in forward order, those that no gradient reached included.
    leaves
        The gradients of the leaves, in the order in which forward read them.
    keep
        ``"all"``, or ``"norms"`` where gradients themselves were not kept.
    label
        Set where the gradient was changed by `cut` or `scale`.
    """

    def __init__(
        self,
        steps: Sequence[TracedStep],
        nodes: Sequence[Node | SavedNode],
        leaves: Sequence[LeafGradient],
        ledger: Ledger,
        keep: str = "all",
        label: str = "",
    ) -> None:
        self.steps = list(steps)
        self.nodes = list(nodes)
        self.leaves = list(leaves)
        self.keep = keep
        self.label = label
        self._ledger = ledger

    @overload
    def __getitem__(self, key: int | str) -> TracedStep: ...
    @overload
    def __getitem__(self, key: slice) -> Trace: ...
    def __getitem__(self, key: int | str | slice) -> TracedStep | Trace:
        """A step by number, or by its node's name; or a trace of some steps."""
        if isinstance(key, slice):
            return self._part(self.steps[key])
        return self.select(name=key).steps[0] if isinstance(key, str) else self.steps[key]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[TracedStep]:
        return iter(self.steps)

    def ledger(self) -> Ledger:
        """What came over the skip and what over the branch, for every fork-join pair."""
        return self._ledger

    def layers(self, model: Module | None = None) -> Layers:
        """The gradient norms of every named layer, in forward order.

        Parameters
        ----------
        model
            Where it is given, its layers that no gradient reached are listed too.
        """
        return layers_of(self, model)

    def select(
        self, *, module: str | None = None, kind: str | type[Node] | None = None, name: str | None = None
    ) -> Trace:
        """The steps that fit all that is asked for.

        Parameters
        ----------
        module
            A module's path (with all below it), or a glob such as ``*.conv?``.
        kind
            A node's class, or its name or a glob, such as ``Conv*``.
        name
            A node's name, or a glob, such as ``Linear#1*``.

        Raises
        ------
        UnknownNameError
            If nothing has such a name; it offers the nearest ones.
        """
        wanted = kind.__name__ if isinstance(kind, type) else kind
        steps = self.steps
        for what, pattern in (("module", module), ("kind", wanted), ("name", name)):
            if pattern is not None:
                names = [getattr(step, what) for step in steps]
                hits = dict.fromkeys(matching(names, pattern))
                if not hits:
                    raise unknown(f"step with {what}", pattern, (n for n in names if n))
                steps = [step for step, its in zip(steps, names, strict=True) if its in hits]
        return self._part(steps)

    def _part(self, steps: Sequence[TracedStep]) -> Trace:
        """A trace of some of the steps, with their layers and the pairs that join among them."""
        nodes = dict.fromkeys(step.name for step in steps)
        modules = dict.fromkeys(step.module for step in steps)
        rows = [row for row in self._ledger if row.join in nodes]
        return Trace(
            steps,
            [node for node in self.nodes if node.name in nodes],
            [leaf for leaf in self.leaves if leaf.reader in nodes or (leaf.module and leaf.module in modules)],
            Ledger(rows, self._ledger.unpaired, self.label),
            self.keep,
            self.label,
        )

    def diff(self, other: Trace) -> TraceDiff:
        """Set beside another trace: of another step, seed or model."""
        from minigrad.inspect.diff import diff  # a diff is made of traces

        return diff(self, other)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to a file, for `load`; see trace_file.py."""
        from minigrad.inspect.trace_file import save  # a file is made of traces

        save(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as a file is saved and loaded: the graph, which no one else could use, stays behind."""
        from minigrad.inspect.trace_file import from_bytes, to_bytes

        return from_bytes, (to_bytes(self),)

    def table(self) -> Table:
        """The table that is shown: the steps, of many the first and the last."""
        shown = self.steps if len(self) <= 2 * SHOWN + 1 else [*self.steps[:SHOWN], *self.steps[-SHOWN:]]
        rows = [_cells(step) for step in shown]
        notes = []
        if len(shown) < len(self):
            rows.insert(SHOWN, ["...", f"{len(self) - len(shown)} more", "", "", "", ""])
        silent = len(self.nodes) - len(self.steps)
        if silent > 0:
            notes.append(f"{silent} of {len(self.nodes)} nodes got no gradient")
        return Table(["step", "module", "|g_out|", "|g_in|", "", "line"], rows, title=self.label, notes=notes)


def _cells(step: TracedStep) -> list[Any]:
    sent = ", ".join("-" if size is None else f"{size:.4g}" for size in step.norms_in)
    line = step.source.text[:50] if step.source is not None else ""
    return [step.name, step.module, step.norm, sent, measure.condition(step.norm, step.dtype), line]


def trace(loss: TensorBase, gradient: Any = None, *, keep: str = "all", retain_graph: bool = False) -> Trace:
    """Run ``loss.backward()``, and keep every step of it.

    As after ``backward()``, the gradients are in the leaves' ``.grad``, and the graph is freed.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    gradient
        The gradient of ``loss``, of its shape.
    keep
        ``"all"``: the gradients themselves; ``"norms"``: a few numbers a node, for big nets.
    retain_graph
        Keep the graph, for another pass or for `path_lengths`.

    Raises
    ------
    OperationError
        For a loss that is no scalar, that has no graph, or whose graph was freed.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> kept = trace(mg.skip.residual_add(s, 0.5 * b).sum())
    >>> [step.kind for step in kept]
    ['Sum', 'ResidualAdd', 'Mul', 'Fork']
    >>> kept.ledger()[0].skip_share
    0.666...
    """
    if keep not in ("all", "norms"):
        raise ValueError(f"keep is {keep!r}: it can be 'all' or 'norms'")
    graph = Graph(loss)
    seed = seed_gradient(loss, gradient, create_graph=False)
    pairs = find_pairs(graph)
    arrays = keep == "all"
    books = Bookkeeper(pairs.found, arrays)
    leaves = _leaves(graph)
    norms = Norms(graph)

    class Arrivals(Watcher):
        def leaf(self, leaf: TensorBase, gradient: Any) -> None:
            found = array_of(gradient)
            leaves[leaf].norm = norms.of_leaf(leaf, found)
            leaves[leaf].gradient = measure.read_only(found) if arrays else None
            books.see_leaf(leaf, found)

    steps = []
    with Arrivals(), np.errstate(all="ignore"):  # as in backward(): an infinite gradient is marked, and no warning
        for step in steps_of(Pass([loss], [seed], retain_graph)):
            kept = traced(step, norms, arrays)
            steps.append(kept)
            books.see(step, kept)
    label = label_in_force()
    ledger = Ledger(books.rows(), pairs.unpaired, label)
    nodes: Sequence[Node | SavedNode] = graph.nodes
    if not arrays:  # a node holds the gradients of its turn, so what is known of it takes its place
        saved = {
            node: SavedNode(node.name, node.index, node.module, node.source, node.out_shapes) for node in graph.nodes
        }
        nodes = list(saved.values())
        for step in steps:
            step.node = saved[step.node]  # type: ignore[index]  # steps of a pass hold nodes
    return Trace(steps, nodes, list(leaves.values()), ledger, keep, label)


def _leaves(graph: Graph) -> dict[TensorBase, LeafGradient]:
    """Every leaf of a graph, with no gradient yet."""
    found = {}
    for leaf in graph.leaves:
        node, position = graph.readers[leaf][0]
        name = leaf_name(node, position, leaf)
        learnt = isinstance(leaf, Parameter)
        found[leaf] = LeafGradient(name, node.module, node.name, learnt, None, leaf.array.dtype, leaf)
    return found
