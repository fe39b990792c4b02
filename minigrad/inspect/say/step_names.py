"""The names that a step's values go by: those of the rules, so that what is typed is what is read there.

The inputs have the names of forward's parameters, the gradient of input ``w`` is ``gw`` (of a longer name,
``g_skip``), and what arrives has the names of backward's parameters: ``gy``, or ``g0, g1`` at a fork.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.inspect import measure


def input_name(node: Node, position: int) -> str:
    """The name of an input in forward's signature; ``input2`` where it has none."""
    names = node.input_names
    return names[position] if position < len(names) else f"input{position}"


def gradient_name(node: Node, position: int) -> str:
    """The name of the gradient of an input.

    Examples
    --------
    >>> import minigrad as mg
    >>> node = mg.nn.Linear(2, 2)(mg.ones(1, 2)).node
    >>> [gradient_name(node, position) for position in range(3)]
    ['gx', 'gw', 'gb']
    """
    name = input_name(node, position)
    return f"g{name}" if len(name) == 1 else f"g_{name}"


def arriving_names(node: Node) -> list[str]:
    """The names of the gradients that arrive at a node's outputs, as in its ``backward``."""
    parameters = list(inspect.signature(type(node).backward).parameters.values())[1:]
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    count = len(node.out_shapes)
    return names if len(names) == count else [f"g{slot}" for slot in range(count)]


def all_names(node: Node) -> list[str]:
    """The names that a node's step will have; before its turn too."""
    positions = range(len(node.inputs))
    around = [name(node, position) for position in positions for name in (input_name, gradient_name)]
    kept = [name for name in vars(node) if not name.startswith("_")]
    return ["node", "grad_outputs", "grad_inputs", *arriving_names(node), *around, *kept]


def names_at(step: Any) -> dict[str, Any]:
    """Everything that can be named at a step: what the node knows, and the gradients around it."""
    node = step.node
    names: dict[str, Any] = {"np": np, "step": step, "node": node, "self": node}
    names["grad_outputs"], names["grad_inputs"] = step.grad_outputs, step.grad_inputs
    names.update(zip(arriving_names(node), step.grad_outputs, strict=True))
    for position, (x, gradient) in enumerate(zip(node.inputs, step.grad_inputs, strict=True)):
        names[input_name(node, position)] = x.array if isinstance(x, TensorBase) else x
        names[gradient_name(node, position)] = gradient
    names.update((name, value) for name, value in vars(node).items() if not name.startswith("_"))
    return names


def shown(value: Any) -> str:
    """A value as text: an array with its shape and norm, and of a big one only the corners."""
    array = value.array if isinstance(value, TensorBase) else value
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        return repr(value)
    text = np.array2string(array, precision=4, threshold=60, edgeitems=2, max_line_width=90)
    if array.dtype.kind != "f":
        return f"{text}\nshape {array.shape}, {array.dtype}"
    return f"{text}\nshape {array.shape}, {array.dtype}, norm {measure.norm(array):.4g}"
