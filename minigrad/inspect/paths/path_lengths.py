"""The exact gradient, split by the number of branches that it came through.

A net of n residual blocks is a sum over 2^n routes (Veit et al., 2016, who sampled them). Routes that cross
the same number of branches need not be told apart: one pass carries a gradient for every number, a join
sends the number on unchanged over the skip, and raised by one down the branch. A rule is linear in the
gradient, so it is applied to each on its own: n + 1 backward passes' work at most, and not 2^n.

The routes are counted in exact integers. A route is told by the ways it takes at joins, and by nothing else:
three projections of one value inside a branch are one route.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.gradients import grad
from minigrad.engine.node import Node
from minigrad.engine.step import read_only
from minigrad.engine.walk import seed_gradient
from minigrad.inspect import measure
from minigrad.inspect.changes.scaling import cut, factors_in_force, label_in_force
from minigrad.inspect.forks.graph import Edge, Graph, value_of
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import Pair, find_pairs
from minigrad.inspect.paths.by_length import by_length, count_routes
from minigrad.inspect.say.table import Table, Tabular, write_csv
from minigrad.pass_arguments import starting_gradient


class PathLengths(Tabular):
    """The gradient of one tensor, split by the number of branches that it came through.

    Attributes
    ----------
    gradients
        ``gradients[k]`` came through exactly k branches.
    counts
        The number of routes of each length, as exact integers.
    norms
        The norm of each.
    contributions
        The inner product of each with the total: they sum to ``|total|^2``, and a length that works against
        the others is negative.
    total
        The sum of all: the gradient itself.
    blocks
        The names of the blocks whose branches count.
    groups
        The same gradient split by the branches of each named group.
    label
        Set where the gradient was changed by `cut` or `scale`.
    stream_counts
        Where ``wrt`` is n streams: for each length, the number of routes that end in each of them, when a `StreamMix`
        is a fork and a join of all its streams; None elsewhere.
    """

    def __init__(
        self,
        gradients: Sequence[Array],
        counts: Sequence[int],
        blocks: Sequence[str],
        label: str = "",
        groups: Mapping[str, PathLengths] | None = None,
        stream_counts: Sequence[Any] | None = None,
    ) -> None:
        self.stream_counts = None if stream_counts is None else list(stream_counts)
        self.gradients = [read_only(g) for g in gradients]
        self.counts = list(counts)
        self.blocks = list(blocks)
        self.label = label
        self.groups = dict(groups or {})
        total = self.gradients[0]
        for g in self.gradients[1:]:
            total = total + g
        self.total = read_only(total)
        self.norms = np.array([measure.norm(g) for g in self.gradients])
        self.contributions = np.array([measure.inner(g, self.total) for g in self.gradients])

    def __len__(self) -> int:
        return len(self.gradients)

    @property
    def shares(self) -> Array:
        """The contributions as parts of ``|total|^2``: they sum to 1; NaN where the total is zero or not finite."""
        size = measure.norm(self.total)
        if not 0 < size < math.inf:
            return np.full(len(self), np.nan)
        cosines = [
            measure.cosine(g, self.total, float(n), size) for g, n in zip(self.gradients, self.norms, strict=True)
        ]
        return np.array([0.0 if c is None else c * n / size for c, n in zip(cosines, self.norms, strict=True)])

    @property
    def stream_norms(self) -> Array:
        """The norm of each length's gradient in each stream, along the first dimension: (lengths, streams)."""
        return np.array([[measure.norm(stream) for stream in g] for g in self.gradients])

    @property
    def mean_length(self) -> float:
        """The number of branches crossed, in the mean over the shares of the gradient."""
        return float(np.dot(np.arange(len(self)), self.shares))

    def to_dict(self) -> list[dict[str, Any]]:
        """A record for each length."""
        return [
            {
                "length": k,
                "routes": self.counts[k],
                "norm": float(norm),
                "contribution": float(c),
                "share": float(share),
            }
            for k, (norm, c, share) in enumerate(zip(self.norms, self.contributions, self.shares, strict=True))
        ]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a CSV file."""
        write_csv(path, self.to_dict())

    def table(self) -> Table:
        """The table that is shown."""
        rows = []
        for r in self.to_dict():
            share = f"{100 * r['share']:.2f} %" if math.isfinite(r["share"]) else None
            rows.append([str(r["length"]), f"{r['routes']:,}", r["norm"], r["contribution"], share])
        notes = [f"{_many(sum(self.counts), 'route')} through {_many(len(self.blocks), 'block')}"]
        size = measure.norm(self.total)
        if not size:
            why = "the lengths cancel" if self.norms.any() else "nothing arrives"
            notes[0] += f"; the gradient is zero, so there are no shares of it: {why}"
        else:
            notes[0] += "; the shares sum to 1" if math.isfinite(size) else "; the gradient is not finite"
        if any(share < 0 or share > 1 for share in self.shares):
            notes.append("A share below 0 works against the sum; what others bring above 100 % makes up for it")
        notes += [
            f"{name}: mean length {split.mean_length:.2f} of {len(split) - 1}"
            for name, split in self.groups.items()
            if math.isfinite(split.mean_length)
        ]
        columns = ["branches", "routes", "|gradient|", "<gradient, total>", "share"]
        return Table(columns, rows, title=self.label, notes=notes)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


class _Job(NamedTuple):
    """What a pass by length needs to know."""

    loss: TensorBase
    seed: Array
    wrt: TensorBase
    nodes: list[Node]
    factors: dict[Edge, float]


@np.errstate(all="ignore")  # as in backward()
def path_lengths(
    loss: TensorBase,
    wrt: TensorBase,
    *,
    blocks: Blocks = None,
    groups: Mapping[str, Blocks] | None = None,
    gradient: Any = None,
) -> PathLengths:
    """Split the gradient of ``wrt`` by the number of branches crossed: exactly, in one pass.

    A node that has its skip inside (a time step of an LSTM or a GRU) counts too: the skip keeps the number, all else
    adds one. The graph is kept, and no ``.grad`` is touched. Hooks on tensors are not run: what they do need not be
    linear.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    wrt
        The tensor whose gradient is split: a leaf, or a tensor inside the graph.
    blocks
        Which blocks' branches count; None for all. The gradient of length 1 for ``blocks="stage2.block1"``
        is what came through that one branch, that of length 0 is what came around it.
    groups
        Names for groups of blocks; the gradient is split by each group's branches as well, in ``.groups``.
    gradient
        The gradient of ``loss``, of its shape.

    Raises
    ------
    OperationError
        If there is no skip connection in the graph, the loss is no scalar, its graph was freed, or it
        doesn't depend on ``wrt``.
    UnknownNameError
        If there is no such block.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0], requires_grad=True)
    >>> y = x
    >>> for _ in range(3):
    ...     s, b = mg.skip.fork(y)
    ...     y = mg.skip.residual_add(s, 0.5 * b)
    >>> paths = path_lengths(y.sum(), wrt=x)
    >>> paths.counts, [float(g[0]) for g in paths.gradients]
    ([1, 3, 3, 1], [1.0, 1.5, 0.75, 0.125])
    """
    graph, pairs, seed = _prepared("path_lengths", loss, gradient)
    nodes = graph.leading_from(value_of(arguments.instance("path_lengths", "wrt", wrt, TensorBase, "a tensor")))
    if groups is not None:
        arguments.instance("path_lengths", "groups", groups, Mapping, "a dictionary of names and blocks")
    if not nodes:
        raise OperationError("path_lengths: the loss doesn't depend on wrt, or wrt has requires_grad=False")
    job = _Job(loss, seed, wrt, nodes, factors_in_force(pairs))
    chosen = choose(pairs, blocks)
    label = label_in_force()
    split = {
        name: _split(job, choose(pairs, members), label) for name, members in ({} if groups is None else groups).items()
    }
    return _split(job, chosen, label, split)


def _prepared(operation: str, loss: TensorBase, gradient: Any) -> tuple[Graph, list[Pair], Array]:
    graph = Graph(loss)
    seed = seed_gradient(loss, starting_gradient(operation, "gradient", gradient), create_graph=False)
    pairs = find_pairs(graph)
    # An LSTM's or a GRU's time step has its skip inside, and needs no pair.
    return graph, pairs.found if any(node.skip_ways for node in graph.nodes) else pairs.some(), seed


def _split(
    job: _Job, chosen: Sequence[Pair], label: str, groups: Mapping[str, PathLengths] | None = None
) -> PathLengths:
    """One pass that counts the branches of the chosen pairs."""
    skips = dict.fromkeys(Edge(pair.join, p) for pair in chosen for p in pair.skip_positions)
    branches = dict.fromkeys(Edge(pair.join, p) for pair in chosen for p in pair.branch_positions)
    target = value_of(job.wrt)
    found = by_length(value_of(job.loss), job.seed, job.nodes, branches, [target], job.factors)[target]
    counts = count_routes(value_of(job.loss), job.nodes, target, skips, branches)
    streams = count_routes(value_of(job.loss), job.nodes, target, skips, branches, streams=True)
    zero = np.zeros_like(job.wrt.array)
    longest = max([*found, *counts, 0])
    gradients = [found.get(k, zero) for k in range(longest + 1)]
    names = [pair.name for pair in chosen]
    of_streams = [streams.get(k, 0) for k in range(longest + 1)] if _is_vector(streams, job.wrt) else None
    counted = [counts.get(k, 0) for k in range(longest + 1)]
    return PathLengths(gradients, counted, names, label, dict(groups or {}), of_streams)


def _is_vector(counts: Mapping[int, Any], wrt: TensorBase) -> bool:
    """Whether routes were counted for each of several streams, along the first dimension of ``wrt``."""
    return any(np.size(n) > 1 and np.shape(n) == wrt.array.shape[:1] for n in counts.values())


def route(loss: TensorBase, wrt: TensorBase, through: Blocks, *, gradient: Any = None) -> Array:
    """The gradient of one route: through the branches of some blocks, and over the skips of all others.

    Parameters
    ----------
    loss, wrt, gradient
        As in `path_lengths`.
    through
        The blocks whose branches the route crosses: ``[]`` is the way over skips alone.

    Returns
    -------
    ndarray
        Of the shape of ``wrt``; the routes of all subsets of blocks sum to the gradient.

    Raises
    ------
    OperationError, UnknownNameError
        As in `path_lengths`.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> y = mg.skip.residual_add(s, 3 * b).sum()
    >>> route(y, x, through=[]), route(y, x, through="block0")
    (array([1.], dtype=float32), array([3.], dtype=float32))
    """
    _, pairs, _ = _prepared("route", loss, gradient)
    arguments.instance("route", "wrt", wrt, TensorBase, "a tensor")
    crossed = dict.fromkeys(pair.name for pair in choose(pairs, through))
    passed = [pair.name for pair in pairs if pair.name not in crossed]
    with cut("skip", list(crossed)), cut("branch", passed):
        (g,) = grad(loss, wrt, gradient, retain_graph=True, allow_unused=True)
    return np.zeros_like(wrt.array) if g is None else g.array
