"""Writing the ledger while a backward pass runs: the parts of each forked value's gradient, as they come.

An explicit `Fork` sums its parts itself. A value that is simply read several times is summed by the
engine, the latest reader's part first; the parts are held until its maker's turn, as the engine holds
their sum, and then let go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.base import Array, TensorBase
from minigrad.engine.node import Node
from minigrad.engine.step import Step, read_only
from minigrad.inspect import measure
from minigrad.inspect.forks.graph import Edge, Value
from minigrad.inspect.forks.ledger import LedgerRow
from minigrad.inspect.forks.pairs import Pair
from minigrad.inspect.tracing.steps import TracedStep


class Part(NamedTuple):
    """A part of a gradient: the way that it came, and its norm, if that is known."""

    way: str
    gradient: Array
    size: float | None

    def norm(self) -> float:
        """The norm."""
        return measure.norm(self.gradient) if self.size is None else self.size


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
        self._parts: dict[Value, list[tuple[Edge, Part]]] = {}
        self._joins: dict[Node, list[Pair]] = {}
        self._forks: dict[Node, list[Pair]] = {}
        self._values: dict[Value, list[Pair]] = {}
        self._makers: dict[Node, list[tuple[Node, int]]] = {}
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

    def see(self, step: Step | TracedStep, kept: TracedStep | None = None) -> None:
        """Note what a step means to the pairs it belongs to.

        Parameters
        ----------
        step
            The step, with its gradients.
        kept
            The step as it is kept, if its norms were measured already.
        """
        node: Any = step.node
        if not (node in self._makers or node in self._joins or node in self._forks or node in self._readers):
            return
        sizes_out, sizes_in = (None, None) if kept is None else (kept.norms_out, kept.norms_in)
        came, went = step.grad_outputs, step.grad_inputs
        for maker, slot in self._makers.get(node, ()):
            self._close((maker, slot), _part("", came, slot, sizes_out))
        for pair in self._joins.get(node, ()):
            out = _part("", came, 0, sizes_out)
            self._out[pair] = out.norm(), out.gradient if self._keep else None
        for pair in self._forks.get(node, ()):
            parts = [_part(pair.parts[slot], came, slot, sizes_out) for slot in range(node.ways)]
            self._rows[pair] = self._row(pair, parts, _part("", went, 0, sizes_in))
        for edge, value in self._readers.get(node, ()):
            if went[edge.position] is not None:
                part = _part("", went, edge.position, sizes_in)
                self._parts.setdefault(value, []).append((edge, part))

    def see_leaf(self, leaf: TensorBase, gradient: Array) -> None:
        """Note the complete gradient of a leaf that is forked; its last part may still be on its way."""
        if leaf in self._values:
            self._leaf_totals[leaf] = gradient

    def rows(self) -> list[LedgerRow]:
        """The finished rows, in forward order of the joins."""
        for leaf, gradient in self._leaf_totals.items():
            self._close(leaf, Part("", gradient, None))
        self._leaf_totals.clear()
        return [self._rows.get(pair) or self._row(pair, [], None) for pair in self._pairs]

    def _close(self, value: Value, total: Part) -> None:
        parts = self._parts.pop(value, [])
        for pair in self._values[value]:
            self._rows[pair] = self._row(pair, [part._replace(way=pair.parts[edge]) for edge, part in parts], total)

    def _row(self, pair: Pair, parts: list[Part], total: Part | None) -> LedgerRow:
        """A row from the parts, in the order in which they were summed, and what the engine has as their sum."""
        norm_out, g_out = self._out.get(pair, (None, None))
        names = (pair.name, pair.kind, _name(pair), pair.join.name, pair.implicit)
        if total is None or all(part.way == "other" for part in parts):
            return LedgerRow(*names, norm_out, g_out=g_out)
        skip, branch = _sum(parts, "skip", like=total), _sum(parts, "branch", like=total)
        other = _sum(parts, "other") if any(part.way == "other" for part in parts) else None
        plain = len(parts) == 2 and other is None
        sizes = skip.size, branch.size, total.size if plain else None
        ways = measure.two_ways(skip.gradient, branch.gradient, total.gradient, sizes)
        return LedgerRow(
            *names,
            norm_out,
            ways.norm_a,
            ways.norm_b,
            ways.norm_sum,
            norm_other=None if other is None else other.norm(),
            inner=ways.inner,
            cosine=ways.cosine,
            skip_share=ways.share_a,
            conserved=ways.same if plain else measure.same(_sum(parts).gradient, total.gradient),
            g_out=g_out,
            g_skip=self._kept(skip.gradient),
            g_branch=self._kept(branch.gradient),
            g_in=self._kept(skip.gradient + branch.gradient) if self._keep else None,
            g_other=None if other is None else self._kept(other.gradient),
        )

    def _kept(self, gradient: Array) -> Array | None:
        """A gradient for the row, read-only; None where only norms are kept."""
        return read_only(gradient) if self._keep else None


def _part(way: str, gradients: Sequence[Any], position: int, sizes: Sequence[float | None] | None) -> Part:
    return Part(way, gradients[position], None if sizes is None else sizes[position])


def _sum(parts: list[Part], way: str = "", like: Part | None = None) -> Part:
    """The sum of the parts of a way, or of all, in the order in which the engine adds; zeros if there is none."""
    chosen = [part for part in parts if part.way == way or not way]
    if not chosen and like is not None:
        return Part(way, np.zeros_like(like.gradient), 0.0)
    total = chosen[0]
    for part in chosen[1:]:
        total = Part(way, total.gradient + part.gradient, None)
    return total


def _name(pair: Pair) -> str:
    if pair.fork is not None:
        return pair.fork.name
    if isinstance(pair.value, TensorBase):
        return pair.value.name or "a leaf"
    return pair.value[0].name
