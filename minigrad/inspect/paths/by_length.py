"""The pass itself: gradients by the number of branches that they came through, and the number of routes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.engine.base import Array
from minigrad.engine.node import Node
from minigrad.engine.walk import with_zeros
from minigrad.inspect.changes.scaling import times
from minigrad.inspect.forks.graph import Edge, Value, as_tuple, inputs_of, maker_of
from minigrad.skip import StreamMix


def by_length(
    root: Value,
    seed: Array,
    nodes: Sequence[Node],
    branches: Mapping[Edge, None],
    targets: Sequence[Value],
    factors: Mapping[Edge, float] | None = None,
    up_to: int | None = None,
) -> dict[Value, dict[int, Array]]:
    """The gradients of some values by the number of branch edges on the way.

    Parameters
    ----------
    root, seed
        Where the pass begins, and the gradient there.
    nodes
        Those that lead from the targets to the root, in forward order.
    branches
        The edges that count, each one more.
    targets
        The values that are asked for.
    factors
        What `cut` and `scale` do to edges.
    up_to
        Drop what has crossed more branches than that, as soon as it has.

    Returns
    -------
    dict
        For each target, a gradient for each length that occurs.
    """
    # A gradient for each length is on its way at most: k + 1 passes' work and memory for lengths up to k.
    table: dict[Value, dict[int, Array]] = {root: {0: seed}}
    found: dict[Value, dict[int, Array]] = {target: {} for target in targets}
    useful: dict[Node | Value, None] = dict.fromkeys([*targets, *nodes])  # a tensor's == is element-wise
    for node in reversed(nodes):
        arrived = [table.pop((node, slot), {}) for slot in range(len(node.out_shapes))]
        for slot, gradients in enumerate(arrived):
            if (node, slot) in found:
                found[node, slot] = gradients
        wanted = [(edge, value) for edge, value in inputs_of(node) if value in useful or maker_of(value) in useful]
        twin = _for_some_inputs(node, wanted)
        for length in sorted(dict.fromkeys(k for gradients in arrived for k in gradients)):
            grads = [gradients.get(length) for gradients in arrived]
            for more, sent in _ways(twin, with_zeros(node, grads)):
                for edge, value in wanted:
                    g = times(sent[edge.position], 1.0 if factors is None else factors.get(edge, 1.0))
                    k = length + more + (edge in branches)
                    if g is not None and (up_to is None or k <= up_to):
                        total = table.setdefault(value, {})
                        total[k] = total[k] + g if k in total else g
    found.update({target: table[target] for target in targets if target in table})
    return found


def _ways(node: Node, grads: list[Any]) -> list[tuple[int, tuple[Any, ...]]]:
    """What a node sends back, by the number of branches that are inside it."""
    sent = as_tuple(node.backward(*grads))
    if not node.skip_ways:
        return [(0, sent)]
    over = as_tuple(node.skip_backward(*grads))
    rest = tuple(g if s is None or g is None else g - s for g, s in zip(sent, over, strict=True))
    return [(0, over), (1, rest)]


def _for_some_inputs(node: Node, wanted: Sequence[tuple[Edge, Value]]) -> Node:
    """The node, or a twin that computes no gradients but those that lead on to a target."""
    positions = dict.fromkeys(edge.position for edge, _ in wanted)
    wants = tuple(position in positions for position in range(len(node.inputs)))
    if wants == node.wants:
        return node
    twin = copy.copy(node)
    twin.wants = wants
    return twin


#: For every length, the number of routes: an exact integer, or a vector of them, one for each stream.
Counts = dict[int, Any]
#: The last way that was taken: a join, and whether it was its skip. None before the first join.
Way = tuple[Node, bool] | None


def count_routes(
    root: Value,
    nodes: Sequence[Node],
    target: Value,
    skips: Mapping[Edge, None],
    branches: Mapping[Edge, None],
    streams: bool = False,
) -> Counts:
    """The number of routes for every number of branch edges on the way.

    Each value carries, for every way into a join by which it was reached, how many routes of each length end
    with that way; where lines meet that came by the same way, they are the same routes. With ``streams``, a count is a
    vector over streams, and a `StreamMix` sends each of its outputs' routes to each of its inputs.
    """
    one: Any = np.array([1], object) if streams else 1
    reached: dict[Value, dict[Way, Counts]] = {root: {None: {0: one}}}
    for node in reversed(nodes):
        at_slots = [reached.pop((node, slot), {}) for slot in range(len(node.out_shapes))]
        here: dict[Way, Counts] = {}
        for arrived in at_slots:
            here.update(arrived)
        if not here:
            continue
        for edge, value in inputs_of(node):
            on = here
            if streams and isinstance(node, StreamMix) and edge.position == 1:
                n = node.inputs[1].shape[0]
                on = {(node, True): {k: np.full(n, np.sum(counts), object) for k, counts in _sum(here).items()}}
            elif node.skip_ways:
                on = _inside(node, edge.position, at_slots)
            elif edge in branches:
                on = {(node, False): {k + 1: n for k, n in _sum(here).items()}}
            elif edge in skips:
                on = {(node, True): _sum(here)}
            reached.setdefault(value, {}).update(on)
    return _sum(reached.get(target, {}))


def _inside(node: Node, position: int, at_slots: list[dict[Way, Counts]]) -> dict[Way, Counts]:
    """The routes on to an input of a node that has its skip inside: over the skip, and by all else."""
    over: dict[Way, Counts] = {}
    rest: dict[Way, Counts] = {}
    for slot, arrived in enumerate(at_slots):
        also = node.skip_ways.get((position, slot))
        if also is not None:
            over.update(arrived)
        if also is not False:
            rest.update(arrived)
    ways: dict[Way, Counts] = {}
    if over:
        ways[node, True] = _sum(over)
    if rest:
        ways[node, False] = {k + 1: n for k, n in _sum(rest).items()}
    return ways


def _sum(ways: dict[Way, Counts]) -> Counts:
    """All routes, whichever way they came."""
    total: Counts = {}
    for counts in ways.values():
        for k, n in counts.items():
            total[k] = total.get(k, 0) + n
    return total
