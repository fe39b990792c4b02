"""The backward pass: a generator that visits every node once, the latest first.

Nodes are numbered as they are made, and an input's node is always older than its consumer. So of all nodes
that a gradient has reached, the one with the highest number is next: this is a reverse topological order.
When a node's turn comes, every consumer of its outputs has had its turn, and its gradients are complete.

The gradients of a pass are on their way in a table outside the nodes, so a second pass can't add to what the
first one left behind. Where several consumers send a gradient to the same value, they are *summed* in the
table, into a new array: no rule's array is ever written to, because a rule may hand one array to two inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import starmap
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.engine import writes
from minigrad.engine.base import TensorBase, array_of, as_tensor
from minigrad.engine.errors import OperationError, backward_error, freed_error
from minigrad.engine.leaves import Receiver, Way, after_hooks, finish_leaves, receive
from minigrad.engine.mode import enable_grad
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.watch import Watcher, watchers

#: A node, the gradients that reached its outputs, and those that its rule gave for its inputs.
Turn = tuple[Node, list[Any], tuple[Any, ...]]


def visit(
    outputs: Sequence[TensorBase],
    grad_outputs: Sequence[Any],
    retain_graph: bool | None = False,
    create_graph: bool = False,
    receiver: Receiver | None = None,
) -> Iterator[Turn]:
    """Visit every node that a gradient reaches, the latest first: this loop is the backward pass.

    Parameters
    ----------
    outputs, grad_outputs
        Where it starts, and the gradient of each: arrays, or tensors with ``create_graph``.
    retain_graph
        Keep what the nodes kept, so that the pass can be repeated; as it is with ``create_graph``.
    create_graph
        Give the rules tensors, so that the gradients can be differentiated again.
    receiver
        What complete gradients are handed to; with None they go into ``.grad``.
    """
    # (The numbers of the nodes on the way, negative, are a heap: its first is that of the latest node.)
    way, numbers, watching = Way(), list[int](), watchers.get()
    for watcher in watching:
        if (taken := watcher.take_over(outputs, grad_outputs, retain_graph, create_graph, receiver)) is not None:
            yield from taken
            return
    for tensor, gradient in zip(outputs, grad_outputs, strict=True):
        if tensor.node is None:  # it is a leaf itself
            receive(tensor, gradient, False, [(None, 0)], [tensor], way, receiver)
        else:
            add(gradient, tensor.node, tensor.slot, way, numbers)
    while numbers:
        node, grads = way.pop(-heappop(numbers))
        grads = settle(node, grads, receiver)
        grad_inputs = run(node, grads, create_graph, watching)
        send(node, grad_inputs, way, numbers, receiver)
        yield node, grads, grad_inputs
        del grads, grad_inputs  # so their memory is free for what the next rule makes
        if not (retain_graph or create_graph) and getrefcount(node) >= _ALONE:  # (one that nobody holds just goes)
            node.release()
    finish_leaves(way, receiver)


def settle(node: Node, grads: list[Any], receiver: Receiver | None) -> list[Any]:
    """Show the complete gradients of a node's outputs to hooks, and hand them over; give 0 for an unused output."""
    if node.hooks is not None:
        for slot, hooks in list(node.hooks.items()):
            if grads[slot] is not None:
                grads[slot] = after_hooks(hooks, grads[slot], node)
    if receiver is None:
        node.grads = grads  # the .grad of a tensor that this node made finds it here
    else:
        receiver.interior(node, grads)
    return grads if len(grads) == 1 else with_zeros(node, grads)


def with_zeros(node: Node, grads: Sequence[Any]) -> list[Any]:
    """The gradients of a node's outputs; zeros in the place of None, for an output that nothing used."""
    dtype = next(g.dtype for g in grads if g is not None)
    return [np.zeros(shape, dtype) if g is None else g for g, shape in zip(grads, node.out_shapes, strict=True)]


def run(node: Node, grads: list[Any], create_graph: bool, watching: Sequence[Watcher]) -> tuple[Any, ...]:
    """Run a node's rule: from the gradients of its outputs, one for each of its inputs."""
    if not node.inputs or node.index < writes.latest:
        check(node)
    for watcher in watching:
        watcher.before_backward(node, grads)
    try:
        found = differentiably(node, grads) if create_graph else node.backward(*grads)
    except Exception as error:
        told = backward_error(node, error)
        if told is error:
            raise
        raise told from error
    grad_inputs = found if type(found) is tuple else (found,)
    if len(grad_inputs) != len(node.inputs):
        raise backward_error(
            node, ValueError(f"it returned {len(grad_inputs)} gradients for {len(node.inputs)} inputs")
        )
    for watcher in watching:
        watcher.after_backward(node, grads, grad_inputs)
    return grad_inputs


def check(node: Node) -> None:
    """Look whether a node still has what its rule needs, as it was in forward."""
    if not node.inputs:
        raise freed_error(node)
    writes.check_kept(node)


def differentiably(node: Node, grads: list[Any]) -> Any:
    """Run a rule on tensors, so that it builds a graph of the gradient."""
    with enable_grad():
        return node.as_tensors().backward(*(g if isinstance(g, TensorBase) else as_tensor(g) for g in grads))


def send(node: Node, grad_inputs: Sequence[Any], way: Way, numbers: list[int], receiver: Receiver | None) -> None:
    """Send each input's gradient on: to the node that made that input, or to the leaf that it is."""
    inputs = node.inputs
    for i, edge in enumerate(node.edges):
        if edge is None:  # no gradient is wanted for this input
            continue
        producer, slot = edge
        gradient = grad_inputs[i]
        alone = producer is None and getrefcount(gradient) <= _ALONE
        array = inputs[i].array
        shape = array.shape if producer is None else producer.out_shapes[slot]
        if type(gradient) is not ndarray or gradient.shape != shape or gradient.dtype is not array.dtype:
            gradient = fitted(gradient, shape, array.dtype, node)
        if producer is None:
            receive(inputs[i], gradient, alone, node.edges, inputs, way, receiver)
        elif gradient is not None:
            add(gradient, producer, slot, way, numbers)


def add(gradient: Any, node: Node, slot: int, way: Way, numbers: list[int]) -> None:
    """Add to the gradient of an output of a node whose turn is to come."""
    entry = way.get(node.index)
    if entry is None:
        heappush(numbers, -node.index)
        entry = way[node.index] = node, [None] * len(node.out_shapes)
    grads = entry[1]
    # Never in place: whoever sent the first gradient may hold it.
    grads[slot] = gradient if grads[slot] is None else grads[slot] + gradient


def _references_when_alone() -> int:
    """What ``getrefcount`` gives in ``send`` for a gradient that nobody knows of but the rule's tuple."""
    grads = (np.empty(1),)
    gradient = grads[0]
    return getrefcount(gradient)


# (At most 3: a debugger that was at work when this was imported may have held one more. A node in ``visit`` is in no
# such tuple, so for it this number means that someone else holds it.)
_ALONE = min(_references_when_alone(), 3)


def fitted(gradient: Any, shape: tuple[int, ...], dtype: Any, node: Node) -> Any:
    """A gradient in the dtype of its input; an error where it hasn't its shape, or is of no floats."""
    if gradient is None:
        return None
    if isinstance(gradient, np.generic):
        gradient = np.asarray(gradient)
    if gradient.shape != shape:
        told = f"it returned a gradient of shape {gradient.shape} for an input of shape {shape}"
    elif gradient.dtype.kind != "f":
        told = f"it returned a gradient of {gradient.dtype} for an input of {dtype}"
    else:
        return gradient if gradient.dtype == dtype or dtype.kind != "f" else gradient.astype(dtype)
    raise backward_error(node, ValueError(told))


def seed_gradient(output: TensorBase, gradient: Any, create_graph: bool) -> Any:
    """The gradient that a pass starts from: 1 for a scalar, else what the user gave."""
    # The usual case first: whoever steps through backward comes through here.
    if gradient is None and output.array.size == 1 and output.requires_grad and not create_graph:
        return np.array(1, output.array.dtype).reshape(output.array.shape)
    array = output.array
    if not output.requires_grad:
        raise OperationError(
            "this tensor has no gradient path: nothing it was computed from has requires_grad=True "
            "(or it was computed under no_grad, or detached)"
        )
    if gradient is None:
        if array.size != 1:
            raise OperationError(
                f"gradient of a non-scalar: the tensor has shape {array.shape}. "
                "Reduce it first, as in loss.mean().backward(), or pass gradient= of the same shape"
            )
        gradient = np.ones_like(array)
    elif not isinstance(gradient, TensorBase):
        gradient = np.asarray(gradient, dtype=array.dtype)
    if gradient.shape != array.shape:
        raise OperationError(f"gradient= has shape {gradient.shape}, the tensor has {array.shape}")
    if create_graph:
        return gradient if isinstance(gradient, TensorBase) else as_tensor(gradient)
    return array_of(gradient)


def backward_steps(
    loss: TensorBase, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False
) -> Iterator[Step]:
    """Run a backward pass one node at a time, and yield each step: see ``minigrad.backward_steps``, which checks."""
    seed = seed_gradient(loss, gradient, create_graph)
    return starmap(Step, visit((loss,), (seed,), retain_graph, create_graph))
