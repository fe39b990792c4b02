"""The tensors in what a module takes and gives, and the leaves that a result depends on."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.reachable import uses_of_leaves


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


def leaves_behind(outputs: Iterable[TensorBase]) -> Container[TensorBase]:
    """The leaves from which a way leads to one of the outputs."""
    ends = list(outputs)
    return uses_of_leaves([(end.node, end.slot) for end in ends], ends, ())
