"""Which nodes does a value depend on, and how often do they read each leaf?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.errors import freed_error
from minigrad.engine.node import Node


def collect(nodes: Iterable[Node | None]) -> list[Node]:
    """Find these nodes, and all that they depend on, the earliest first.

    Raises
    ------
    OperationError
        If an earlier pass has freed a part of the graph.
    """
    found = {node.index: node for node in nodes if node is not None}
    stack = list(found.values())
    while stack:
        node = stack.pop()
        if node.released:
            raise freed_error(node)
        for producer in producers(node.edges):
            if producer.index not in found:
                found[producer.index] = producer
                stack.append(producer)
    return [found[index] for index in sorted(found)]


def producers(edges: Sequence[Any]) -> list[Node]:
    """The nodes to which these edges lead."""
    return [edge[0] for edge in edges if edge is not None and edge[0] is not None]


def uses_of_leaves(edges: Sequence[Any], inputs: Sequence[Any], waiting: Iterable[Node]) -> Counter[TensorBase]:
    """Count how often each leaf is used by these edges, and by all nodes that they and the waiting ones lead to."""
    nodes = collect([*producers(edges), *waiting])
    pairs = chain(zip(edges, inputs, strict=True), *(zip(n.edges, n.inputs, strict=True) for n in nodes))
    return Counter(tensor for edge, tensor in pairs if edge is not None and edge[0] is None)
