"""A trace: one backward pass, run and kept, step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.walk import seed_gradient, visit
from minigrad.inspect import measure
from minigrad.inspect.changes.scaling import label_in_force
from minigrad.inspect.forks.blocks import Block, blocks_of, is_inside
from minigrad.inspect.forks.graph import Graph, matching, unknown
from minigrad.inspect.forks.ledger import Ledger
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.say.table import Table, Tabular
from minigrad.inspect.tracing.arrivals import Arrivals, LeafGradient
from minigrad.inspect.tracing.bookkeeping import Bookkeeper
from minigrad.inspect.tracing.layers import Layers, layers_of
from minigrad.inspect.tracing.steps import SavedNode, TracedStep, traced

if TYPE_CHECKING:
    from minigrad.nn.module import Module

#: A printed trace shows so many steps at each end.
SHOWN = 12


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
        self._by_name = {step.name: step for step in self.steps}

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

    def ledger(self, level: str = "pairs") -> Ledger:
        """What came over the skip and what over the branch, for every fork-join pair.

        Parameters
        ----------
        level
            ``"pairs"`` for all; ``"blocks"`` for those that are blocks, without long skips that belong to no module.

        Raises
        ------
        ValueError
            For another level.
        """
        if level not in ("pairs", "blocks"):
            raise ValueError(f"level is {level!r}: a ledger has a row for each of its 'pairs', or of the 'blocks'")
        if level == "pairs" or not self._ledger.rows:
            return self._ledger
        chosen = dict.fromkeys(pair for block in self.blocks() for pair in block.pairs)
        return Ledger([row for row in self._ledger if row.name in chosen], self._ledger.unpaired, self.label)

    def layers(self, model: Module | None = None, *, level: str = "layers", like: Trace | None = None) -> Layers:
        """The gradient norms of every layer, block or parameter, in forward order.

        Parameters
        ----------
        model
            Where it is given, its layers that no gradient reached are listed too.
        level
            ``"layers"``: every call of a named module. ``"blocks"``: what is between a fork and its join, and hands
            on one value; so twins with and without skips line up. ``"parameters"``: each parameter.
        like
            For blocks: the trace of a twin with skips. Its blocks are found here by their modules' paths, if here
            are none. Without it, numbered modules that contain others count as blocks, such as ``layer1.0``.

        Raises
        ------
        ValueError
            For another level.
        OperationError
            If there are no blocks.
        """
        return layers_of(self, model, level, like)

    def blocks(self, like: Trace | None = None) -> list[Block]:
        """The blocks; see `layers`."""
        nodes = {node.name: node for node in self.nodes}
        joins = [(row.name, nodes[row.join]) for row in self._ledger]
        return blocks_of(self.nodes, joins, like.blocks() if like is not None and like is not self else ())

    def has_module(self, path: str) -> bool:
        """Whether a node was made in a module, or in one within it."""
        return any(is_inside(node.module, path) for node in self.nodes)

    def step_of(self, node: Any) -> TracedStep | None:
        """The step of a node; None if no gradient reached it."""
        return self._by_name.get(node.name)

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
        TypeError
            For a class that is none of nodes, such as the layer ``nn.Linear``; its node is ``ops.linear.Linear``.
        """
        if isinstance(kind, type) and not issubclass(kind, Node):
            raise TypeError(
                f"trace.select: kind is a class of nodes, and {kind.__module__}.{kind.__name__} is none. "
                f"Pass a node's name, as in kind={kind.__name__!r}, or a layer's path, as in module='fc1'"
            )
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

    def diff(self, other: Trace) -> Any:
        """Set beside another trace: of another step, seed or model."""
        from minigrad.inspect.tracing.diff import diff  # a diff is made of traces

        return diff(self, other)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to a file, for `load`; see trace_file.py."""
        from minigrad.inspect.tracing.trace_file import save  # a file is made of traces

        save(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as a file is saved and loaded: the graph, which no one else could use, stays behind."""
        from minigrad.inspect.tracing.trace_file import from_bytes, to_bytes

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
        return Table(["node", "module", "|g| came", "|g| sent", "", "line"], rows, title=self.label, notes=notes)


def _cells(step: TracedStep) -> list[Any]:
    sent = ", ".join("-" if size is None else f"{size:.3g}" for size in step.norms_in)
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
    arrivals = Arrivals(graph, Bookkeeper(pairs.found, arrays), arrays)
    steps = []
    with arrivals, np.errstate(all="ignore"):  # as in backward(): an infinite gradient is marked, and no warning
        for step in starmap(Step, visit([loss], [seed], retain_graph)):
            kept = traced(step, arrivals.norms, arrays)
            steps.append(kept)
            arrivals.books.see(step, kept)
    label = label_in_force()
    ledger = Ledger(arrivals.books.rows(), pairs.unpaired, label)
    nodes: Sequence[Node | SavedNode] = graph.nodes
    if not arrays:  # a node holds the gradients of its turn, so what is known of it takes its place
        saved = {node: SavedNode.of(node) for node in graph.nodes}
        nodes = list(saved.values())
        for kept in steps:
            kept.node = saved[kept.node]
    return Trace(steps, nodes, list(arrivals.leaves.values()), ledger, keep, label)
