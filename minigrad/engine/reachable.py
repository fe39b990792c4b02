"""Which nodes does a value depend on, and how often do they read each leaf?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, compress

from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError, located
from minigrad.engine.node import Node


def collect(outputs: Sequence[TensorBase]) -> list[Node]:
    """Find every node that the outputs depend on, the earliest first.

    Raises
    ------
    OperationError
        If an earlier pass has freed a part of the graph.
    """
    found = {t.node.index: t.node for t in outputs if t.node is not None}
    stack = list(found.values())
    while stack:
        node = stack.pop()
        if node.released:
            raise freed_error(node)
        for tensor in _wanting(node):
            producer = tensor.node
            if producer is not None and producer.index not in found:
                found[producer.index] = producer
                stack.append(producer)
    return [found[index] for index in sorted(found)]


def _wanting(node: Node) -> list[TensorBase]:
    """The inputs for which a node's rule computes gradients."""
    return list(compress(node.inputs, node.wants))


def uses_of_leaves(outputs: Sequence[TensorBase]) -> Counter[TensorBase]:
    """Count how often each leaf is read by the nodes that the outputs depend on, or is an output itself."""
    read = (_wanting(node) for node in collect(outputs))
    return Counter(tensor for tensor in chain(outputs, *read) if tensor.node is None)


def freed_error(node: Node) -> OperationError:
    """The error for a pass that comes to a node which an earlier one has gone through."""
    return OperationError(located(_FREED.format(node.name), node.source))


_FREED = (
    "the graph of this value was freed by an earlier backward(), at {}. To go through a graph "
    "twice, pass retain_graph=True to the first backward(); to go on training, run forward again"
)
