"""Writing the ledger while a backward pass runs: the parts of each forked value's gradient, as they come.

An explicit `Fork` sums its parts itself. A value that is simply read several times is summed by the
engine, the latest reader's part first; the parts are held until its maker's turn, as the engine holds
their sum, and then let go.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.engine.backward import Step
from minigrad.engine.base import Array, TensorBase
from minigrad.engine.node import Node
from minigrad.inspect import measure
from minigrad.inspect.graph import Edge, Value
from minigrad.inspect.ledger import LedgerRow
from minigrad.inspect.pairs import Pair


class Bookkeeper:
    """Sees every step of a pass, and writes a row for each pair.

    Parameters
    ----------
    pairs
        The pairs of the graph.
    keep_arrays
        Keep the gradients in the rows, and not their norms only.
    """

    def __init__(self, pairs: Sequence[Pair], keep_arrays: bool = True) -> None:
        self._pairs = list(pairs)
        self._keep = keep_arrays
        self._rows: dict[Pair, LedgerRow] = {}
        self._out: dict[Pair, tuple[float, Array | None]] = {}
        self._parts: dict[Value, list[tuple[Edge, Array]]] = {}
        self._joins: dict[Node, list[Pair]] = {}
        self._forks: dict[Node, list[Pair]] = {}
        self._values: dict[Value, list[Pair]] = {}
        self._makers: dict[Node, list[Value]] = {}
        self._readers: dict[Node, list[tuple[Edge, Value]]] = {}
        self._leaf_totals: dict[TensorBase, Array] = {}
        for pair in self._pairs:
            self._joins.setdefault(pair.join, []).append(pair)
            if pair.fork is not None:
                self._forks.setdefault(pair.fork, []).append(pair)
                continue
            if pair.value not in self._values:
                for edge in pair.parts:
                    if isinstance(edge, Edge):
                        self._readers.setdefault(edge.node, []).append((edge, pair.value))
                if isinstance(pair.value, tuple):
                    self._makers.setdefault(pair.value[0], []).append(pair.value)
            self._values.setdefault(pair.value, []).append(pair)

    def see(self, step: Step) -> None:
        """Note what a step means to the pairs it belongs to."""
        node = step.node
        for value in self._makers.get(node, ()):
            self._close(value, step.grad_outputs[value[1]] if isinstance(value, tuple) else None)
        for pair in self._joins.get(node, ()):
            out = step.grad_outputs[0]
            if out is not None:
                self._out[pair] = measure.norm(out), out if self._keep else None
        for pair in self._forks.get(node, ()):
            parts = [(pair.parts[slot], g) for slot, g in enumerate(step.grad_outputs) if g is not None]
            self._rows[pair] = self._row(pair, parts, step.grad_inputs[0])
        for edge, value in self._readers.get(node, ()):
            part = step.grad_inputs[edge.position]
            if part is not None:
                self._parts.setdefault(value, []).append((edge, part))

    def see_leaf(self, leaf: TensorBase, gradient: Array) -> None:
        """Note the complete gradient of a leaf that is forked; its last part may still be on its way."""
        if leaf in self._values:
            self._leaf_totals[leaf] = gradient

    def rows(self) -> list[LedgerRow]:
        """The finished rows, in forward order of the joins."""
        for leaf, gradient in self._leaf_totals.items():
            self._close(leaf, gradient)
        self._leaf_totals.clear()
        return [self._rows.get(pair) or self._row(pair, [], None) for pair in self._pairs]

    def _close(self, value: Value, total: Array | None) -> None:
        parts = self._parts.pop(value, [])
        for pair in self._values[value]:
            self._rows[pair] = self._row(pair, [(pair.parts[edge], g) for edge, g in parts], total)

    def _row(self, pair: Pair, parts: list[tuple[str, Array]], total: Array | None) -> LedgerRow:
        """A row from the parts, in the order in which they were summed, and what the engine has as their sum."""
        norm_out, g_out = self._out.get(pair, (None, None))
        names = (pair.name, pair.kind, _name(pair), pair.join.name, pair.implicit)
        if total is None or all(way == "other" for way, _ in parts):
            return LedgerRow(*names, norm_out, g_out=g_out)
        skip, branch, g_other = (_sum(parts, way) for way in ("skip", "branch", "other"))
        g_skip = np.zeros_like(total) if skip is None else skip
        g_branch = np.zeros_like(total) if branch is None else branch
        ways = measure.two_ways(g_skip, g_branch, total)
        return LedgerRow(
            *names,
            norm_out,
            ways.norm_a,
            ways.norm_b,
            ways.norm_sum,
            norm_other=None if g_other is None else measure.norm(g_other),
            inner=ways.inner,
            cosine=ways.cosine,
            skip_share=ways.share_a,
            conserved=ways.same if len(parts) == 2 and g_other is None else _same(_sum(parts), total),
            g_out=g_out,
            g_skip=self._kept(g_skip),
            g_branch=self._kept(g_branch),
            g_in=self._kept(g_skip + g_branch) if self._keep else None,
            g_other=self._kept(g_other),
        )

    def _kept(self, gradient: Array | None) -> Array | None:
        """A gradient for the row, read-only; None where only norms are kept."""
        return measure.read_only(gradient) if self._keep and gradient is not None else None

    def _room(self, like: Array) -> Array | None:
        """Where a sum can go that is not kept: the same memory for every row of one shape, which is faster."""
        if self._keep:
            return None
        if self._scratch is None or self._scratch.shape != like.shape or self._scratch.dtype != like.dtype:
            self._scratch = np.empty(like.shape, like.dtype)
        return self._scratch


def _same(a: Array | None, b: Array) -> bool:
    """Whether two arrays are equal to the bit, NaNs included."""
    return a is not None and (np.array_equal(a, b) or np.array_equal(a, b, equal_nan=True))


def _name(pair: Pair) -> str:
    if pair.fork is not None:
        return pair.fork.name
    if isinstance(pair.value, TensorBase):
        return pair.value.name or "a leaf"
    return pair.value[0].name


def _sum(parts: list[tuple[str, Array]], way: str = "") -> Array | None:
    """The sum of the parts of a way, or of all, in the order in which the engine adds."""
    total = None
    for its, part in parts:
        if its == way or not way:
            total = part if total is None else total + part
    return total
