"""The graph of a loss before its backward pass: nodes in forward order, and who reads which value.

A *value* is an output of a node, written ``(node, slot)``, or a leaf tensor. An *edge* is one reading of
a value: the node that reads it, and at which of its inputs. Only edges that carry a gradient count.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.engine.reachable import collect

Value = tuple[Node, int] | TensorBase


class Edge(NamedTuple):
    """One reading of a value: ``node.inputs[position]``."""

    node: Node
    position: int


class Graph:
    """All that a gradient from some roots passes through.

    Parameters
    ----------
    roots
        Where backward would start: a loss, or several tensors.

    Attributes
    ----------
    nodes
        The nodes in forward order.
    readers
        For each value, the edges that read it, in forward order.

    Raises
    ------
    OperationError
        If a root has no graph, or a part of the graph was freed by an earlier backward pass.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.ones(2, requires_grad=True)
    >>> graph = Graph((x * 2 + x).sum())
    >>> [kind_of(node) for node in graph.nodes]
    ['Mul', 'Add', 'Sum']
    >>> [kind_of(edge.node) for edge in graph.readers[x]]
    ['Mul', 'Add']
    """

    def __init__(self, *roots: TensorBase) -> None:
        for root in roots:
            if not isinstance(root, TensorBase):
                raise TypeError(f"this takes a tensor, such as a loss, and not a {type(root).__name__}")
            if root.node is None:
                raise OperationError(NO_GRAPH)
        self.roots = roots
        self.nodes = collect(root.node for root in roots)
        self.readers: dict[Value, list[Edge]] = {}
        for node in self.nodes:
            for edge, tensor in inputs_of(node):
                self.readers.setdefault(value_of(tensor), []).append(edge)

    @classmethod
    def of_node(cls, node: Node) -> Graph:
        """The graph of a node, where no tensor is at hand."""
        output = TensorBase()
        output.node = node
        return cls(output)

    @property
    def leaves(self) -> list[TensorBase]:
        """The leaf tensors, in the order in which they are first read."""
        return [value for value in self.readers if isinstance(value, TensorBase)]

    def leading_from(self, value: Value) -> list[Node]:
        """The nodes between a value and the roots, in forward order: all that its gradient comes through."""
        known: dict[Value, None] = {value: None}
        between = []
        for node in self.nodes:
            if any(value_of(tensor) in known for _, tensor in inputs_of(node)):
                between.append(node)
                known.update(dict.fromkeys((node, slot) for slot in range(len(node.out_shapes))))
        return between


NO_GRAPH = (
    "this tensor has no graph: it is a leaf, or nothing it was computed from has requires_grad=True, or it "
    "was computed under no_grad. Run forward with gradients on, and pass what it returns"
)


def inputs_of(node: Node) -> Iterator[tuple[Edge, TensorBase]]:
    """The inputs to which a node sends a gradient, each with its edge.

    A tensor that was written in place since has another node now: in its place comes one that stands for its old value.
    """
    for position, (tensor, edge) in enumerate(zip(node.inputs, node.edges, strict=True)):
        if edge is None:
            continue
        if edge != (tensor.node, tensor.slot):
            old = as_tensor(tensor.array, requires_grad=True)
            old.node, old.slot = edge
            tensor = old
        yield Edge(node, position), tensor


def value_of(tensor: TensorBase) -> Value:
    """What a tensor stands for in the graph: the output of a node, or itself if it is a leaf."""
    return tensor if tensor.node is None else (tensor.node, tensor.slot)


def kind_of(node: Any) -> str:
    """The name of a node's class, as in ``Conv2d``."""
    found: str = node.name.partition("#")[0]
    return found


def describe(value: Value | Node) -> str:
    """A value in words: ``the output of Linear#12 in 'block3.fc1'``, or a leaf by its name or shape."""
    if isinstance(value, Node):
        return f"the outputs of {value.name}"
    if isinstance(value, TensorBase):
        return f"the leaf {value.name!r}" if value.name else f"a leaf of shape {value.array.shape}"
    node, slot = value
    which = f"output {slot}" if len(node.out_shapes) > 1 else "the output"
    return f"{which} of {node.name}" + (f" in {node.module!r}" if node.module else "")


def as_tuple(result: Any) -> tuple[Any, ...]:
    """What a rule gave, one gradient for each input; a rule of one input may give just that."""
    return result if type(result) is tuple else (result,)


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """The names that a pattern selects: a path or a glob of paths, each with all that is below it.

    Examples
    --------
    >>> matching(["stage1.0", "stage1.0.conv", "stage2"], "stage?.0")
    ['stage1.0', 'stage1.0.conv']
    """
    return [name for name in names if any(path == pattern or fnmatchcase(path, pattern) for path in _paths(name))]


def _paths(name: str) -> list[str]:
    """``a.b.c``, ``a.b`` and ``a``."""
    parts = name.split(".")
    return [".".join(parts[:stop]) for stop in range(len(parts), 0, -1)]


def unknown(what: str, given: str, names: Iterable[str]) -> KeyError:
    """The error for a name that doesn't exist, with the nearest ones that do."""
    known = list(dict.fromkeys(names))
    near = difflib.get_close_matches(given, known, n=3, cutoff=0.4) or known[:5]
    if not near:
        return UnknownNameError(f"there is no {what} {given!r}: there is none at all")
    return UnknownNameError(f"there is no {what} {given!r}. The nearest: {', '.join(map(repr, near))}")


class UnknownNameError(KeyError):
    """A name that doesn't exist; its message is a sentence, which KeyError would print in quotes."""

    def __str__(self) -> str:
        return str(self.args[0])
