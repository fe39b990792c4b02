"""How many routes cross how many branches? Exact Python integers: 2^54 routes are no trouble.

A route is told by the ways it takes at joins, and by nothing else: three projections of one value inside a
branch are one route. So each value carries, for every way into a join by which it was reached, how many
routes of each length end with that way; where lines meet that came by the same way, they are the same routes.
"""

from __future__ import annotations

from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.inspect.graph import Edge, Value, inputs_of, value_of

#: For every length, the number of routes.
Counts = dict[int, int]
#: The last way that was taken: a join, and whether it was its skip. None before the first join.
Way = tuple[Node, bool] | None


def count_routes(
    loss: TensorBase, wrt: TensorBase, nodes: list[Node], skips: dict[Edge, None], branches: dict[Edge, None]
) -> Counts:
    """Count the routes from a loss back to a value, by the number of branches crossed.

    Parameters
    ----------
    loss, wrt
        Where the routes begin and end.
    nodes
        The nodes between, in forward order.
    skips, branches
        The edges at which routes part: into each join's skip, and into its branch.
    """
    reached: dict[Value, dict[Way, Counts]] = {value_of(loss): {None: {0: 1}}}
    for node in reversed(nodes):
        here: dict[Way, Counts] = {}
        at_slots = [reached.pop((node, slot), {}) for slot in range(len(node.out_shapes))]
        for arrived in at_slots:
            here.update(arrived)
        if not here:
            continue
        for edge, tensor in inputs_of(node):
            on = here
            if node.skip_ways:
                on = _inside(node, edge.position, at_slots)
            elif edge in branches:
                on = {(node, False): {k + 1: n for k, n in _sum(here).items()}}
            elif edge in skips:
                on = {(node, True): _sum(here)}
            reached.setdefault(value_of(tensor), {}).update(on)
    return _sum(reached.get(value_of(wrt), {}))


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
