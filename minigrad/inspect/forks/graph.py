"""The graph of a loss before its backward pass: nodes in forward order, and who reads which value.

A *value* is an output of a node, written ``(node, slot)``, or a leaf tensor. An *edge* is one reading of
a value: the node that reads it, and at which of its inputs. Only edges that carry a gradient count.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from minigrad import arguments
from minigrad.engine.base import TensorBase
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
            for edge, value in inputs_of(node):
                self.readers.setdefault(value, []).append(edge)

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
            if any(source in known for _, source in inputs_of(node)):
                between.append(node)
                known.update(dict.fromkeys((node, slot) for slot in range(len(node.out_shapes))))
        return between


NO_GRAPH = (
    "this tensor has no graph: it is a leaf, or nothing it was computed from has requires_grad=True, or it "
    "was computed under no_grad. Run forward with gradients on, and pass what it returns"
)


def inputs_of(node: Node) -> Iterator[tuple[Edge, Value]]:
    """The values to which a node sends a gradient, each with the edge that reads it."""
    for position, edge in enumerate(node.edges):
        if edge is not None:
            yield Edge(node, position), read_at(node, position)


def read_at(node: Node, position: int) -> Value:
    """The value that a node read at an input, when it was applied: the tensor may have been written in place since.

    Only here is the graph followed from a node to what made its inputs.
    """
    edge = node.edges[position]
    if edge is None:  # no gradient is wanted for it
        return value_of(node.inputs[position])
    maker, slot = edge
    return node.inputs[position] if maker is None else (maker, slot)


def value_of(tensor: TensorBase) -> Value:
    """What a tensor stands for in the graph: the output of a node, or itself if it is a leaf."""
    return tensor if tensor.node is None else (tensor.node, tensor.slot)


def maker_of(value: Value) -> Node | None:
    """The node that made a value; None for a leaf."""
    return value[0] if isinstance(value, tuple) else None


def shape_of(value: Value) -> tuple[int, ...]:
    """The shape of a value."""
    return value.array.shape if isinstance(value, TensorBase) else value[0].out_shapes[value[1]]


def kind_of(node: Any) -> str:
    """The name of a node's class, as in ``Conv2d``."""
    found: str = node.name.partition("#")[0]
    return found


def describe(value: Value | Node, graph: Graph | None = None) -> str:
    """A value in words: ``the output of Linear#12 in 'block3.fc1'``; a leaf by its name, its reader or its shape.

    Parameters
    ----------
    value
        A value, or a node for all its outputs.
    graph
        Where it is given, a leaf without a name is called by where it is read.
    """
    if isinstance(value, Node):
        return f"the outputs of {value.name}"
    if isinstance(value, TensorBase):
        if graph is not None and value in graph.readers:
            return f"the leaf {leaf_name(*graph.readers[value][0], value)}"
        return f"the leaf {value.name!r}" if value.name else f"a leaf of shape {value.array.shape}"
    node, slot = value
    which = f"output {slot}" if len(node.out_shapes) > 1 else "the output"
    return f"{which} of {node.name}" + (f" in {node.module!r}" if node.module else "")


def leaf_name(node: Node, position: int, leaf: TensorBase) -> str:
    """What a leaf is called: its own name, or where it is read, as in ``fc1.weight``."""
    if leaf.name:
        return leaf.name
    names = node.input_names
    name = names[position] if position < len(names) else f"input{position}"
    return f"{node.module}.{name}" if node.module else name


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
    if not isinstance(pattern, str):
        raise arguments.wrong_kind("select", "a name", "a path or a glob of paths", pattern)
    return [name for name in names if any(path == pattern or fnmatchcase(path, pattern) for path in _paths(name))]


def _paths(name: str) -> list[str]:
    """``a.b.c``, ``a.b`` and ``a``."""
    parts = name.split(".")
    return [".".join(parts[:stop]) for stop in range(len(parts), 0, -1)]


def unknown(what: str, given: str, names: Iterable[str]) -> KeyError:
    """The error for a name that doesn't exist, with the nearest ones that do."""
    if not isinstance(given, str):
        raise arguments.wrong_kind("select", what, "a name", given)
    known = list(dict.fromkeys(names))
    near = difflib.get_close_matches(given, known, n=3, cutoff=0.4) or known[:5]
    if not near:
        return UnknownNameError(f"there is no {what} {given!r}: there is none at all")
    return UnknownNameError(f"there is no {what} {given!r}. The nearest: {', '.join(map(repr, near))}")


class UnknownNameError(KeyError):
    """A name that doesn't exist; its message is a sentence, which KeyError would print in quotes."""

    def __str__(self) -> str:
        return str(self.args[0])
