"""The tensors in what a module takes and gives, and the leaves that a result depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from minigrad.engine.base import TensorBase


def tensors_in(value: Any) -> Iterator[TensorBase]:
    """The tensors in what a module takes or gives: one, or lists, tuples and dictionaries of them."""
    if isinstance(value, TensorBase):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from tensors_in(each)


def for_tensors(function: Callable[[Any], Any], value: Any) -> Any:
    """The same value with ``function`` applied to the tensors in it."""
    if isinstance(value, TensorBase):
        return function(value)
    if isinstance(value, dict):
        return {key: for_tensors(function, each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [for_tensors(function, each) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def leaves_behind(outputs: Iterable[TensorBase]) -> dict[TensorBase, None]:
    """The leaves from which a way leads to one of the outputs; each node is looked at once."""
    found: dict[TensorBase, None] = {}
    seen: dict[Any, None] = {}
    waiting = []
    for tensor in outputs:
        if tensor.node is None:
            found[tensor] = None
        else:
            waiting.append(tensor.node)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen[node] = None
        for x, edge in zip(node.inputs, node.edges, strict=True):
            if edge is None:
                continue
            if edge[0] is None:
                found[x] = None
            else:
                waiting.append(edge[0])
    return found
