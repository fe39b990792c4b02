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
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine import writes
from minigrad.engine.base import TensorBase, array_of, as_tensor
from minigrad.engine.errors import OperationError, backward_error, freed_error
from minigrad.engine.leaves import Leaves, Receiver, after_hooks
from minigrad.engine.mode import enable_grad
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.watch import Watcher, watchers

#: A node, the gradients that reached its outputs, and those that its rule gave for its inputs.
Turn = tuple[Node, list[Any], tuple[Any, ...]]


class Pass(NamedTuple):
    """What a backward pass is asked to do.

    Attributes
    ----------
    outputs, grad_outputs
        Where it starts, and the gradient of each: arrays, or tensors with ``create_graph``.
    retain_graph
        Keep what the nodes kept, so that the pass can be repeated.
    create_graph
        Give the rules tensors, so that the gradients can be differentiated again.
    receiver
        What complete gradients are handed to; with None they go into ``.grad``.
    """

    outputs: Sequence[TensorBase]
    grad_outputs: Sequence[Any]
    retain_graph: bool = False
    create_graph: bool = False
    receiver: Receiver | None = None


class OnTheWay:
    """The gradients on their way through the graph.

    Attributes
    ----------
    table
        For the number of each node that a gradient has reached: the node, and the gradients of its outputs so far.
    numbers
        A heap of these numbers, negative, so that its first one is that of the latest node.
    leaves
        Where the gradients of leaves go.
    """

    __slots__ = ("leaves", "numbers", "table")

    def __init__(self, receiver: Receiver | None) -> None:
        self.table: dict[int, tuple[Node, list[Any]]] = {}
        self.numbers: list[int] = []
        self.leaves = Leaves(receiver)


def visit(asked: Pass) -> Iterator[Turn]:
    """Visit every node that a gradient reaches, the latest first: this loop is the backward pass."""
    way, watching = OnTheWay(asked.receiver), watchers.get()
    table, numbers = way.table, way.numbers
    keep = asked.retain_graph or asked.create_graph
    send(None, asked.outputs, [(tensor.node, tensor.slot) for tensor in asked.outputs], asked.grad_outputs, way)
    while numbers:
        node, grads = table.pop(-heappop(numbers))
        grads = settle(node, grads, asked.receiver)
        grad_inputs = run(node, grads, asked.create_graph, watching)
        send(node, node.inputs, node.edges, grad_inputs, way)
        yield node, grads, grad_inputs
        del grads, grad_inputs  # so their memory is free for what the next rule makes
        if not keep and getrefcount(node) >= _ALONE:  # (if nobody else holds it, it goes with what it kept)
            node.release()
    way.leaves.finish()


def settle(node: Node, grads: list[Any], receiver: Receiver | None) -> list[Any]:
    """Show the complete gradients of a node's outputs to hooks, and hand them over; give 0 for an unused output."""
    if node.hooks is not None:
        for slot, hooks in node.hooks.items():
            if grads[slot] is not None:
                grads[slot] = after_hooks(hooks, grads[slot], node)
    if receiver is None:
        node.grads = grads  # the .grad of a tensor that this node made finds it here
    else:
        receiver.interior(node, grads)
    if len(grads) == 1:
        return grads
    dtype = next(g.dtype for g in grads if g is not None)
    return [np.zeros(shape, dtype) if g is None else g for g, shape in zip(grads, node.out_shapes, strict=True)]


def run(node: Node, grads: list[Any], create_graph: bool, watching: Sequence[Watcher]) -> tuple[Any, ...]:
    """Run a node's rule: from the gradients of its outputs, one for each of its inputs."""
    if not node.inputs:
        raise freed_error(node)
    if node.index < writes.latest:
        writes.check_kept(node)
    for watcher in watching:
        watcher.before_backward(node, grads)
    try:
        if create_graph:
            found = differentiably(node, grads)
        else:  # (a call with a star is slower, and most nodes have one output)
            found = node.backward(grads[0]) if len(grads) == 1 else node.backward(*grads)
    except Exception as error:
        told = backward_error(node, error)
        if told is error:
            raise
        raise told from error
    grad_inputs = found if type(found) is tuple else (found,)
    if len(grad_inputs) != len(node.inputs):
        wrong = f"it returned {len(grad_inputs)} gradients for {len(node.inputs)} inputs"
        raise backward_error(node, ValueError(wrong))
    for watcher in watching:
        watcher.after_backward(node, grads, grad_inputs)
    return grad_inputs


def differentiably(node: Node, grads: list[Any]) -> Any:
    """Run a rule on tensors, so that it builds a graph of the gradient."""
    with enable_grad():
        return node.as_tensors().backward(*(g if isinstance(g, TensorBase) else as_tensor(g) for g in grads))


def send(node: Node | None, inputs: Sequence[Any], edges: Sequence[Any], grads: Sequence[Any], way: OnTheWay) -> None:
    """Send each input's gradient on: to the node that made that input, or to the leaf that it is."""
    i = -1
    for edge in edges:
        i += 1
        if edge is None:  # no gradient is wanted for this input
            continue
        producer, slot = edge
        gradient = grads[i]
        alone = producer is None and getrefcount(gradient) <= _ALONE
        if gradient is not None:
            array = inputs[i].array
            shape = array.shape if producer is None else producer.out_shapes[slot]
            if gradient.shape != shape or gradient.dtype is not array.dtype:
                gradient = fitted(gradient, shape, array.dtype, node)
        if producer is None:
            way.leaves.receive(inputs[i], gradient, alone, edges, inputs, way.table)
            continue
        if gradient is None:
            continue
        index = producer.index
        entry = way.table.get(index)
        if entry is None:
            heappush(way.numbers, -index)
            entry = way.table[index] = producer, [None] * len(producer.out_shapes)
        sums = entry[1]
        before = sums[slot]
        sums[slot] = gradient if before is None else before + gradient  # never in place: others may hold it


def release(node: Node) -> None:
    """Let go of what a node kept. If nobody else holds the node, that goes with it, and there is nothing to do."""
    if getrefcount(node) > _ALONE:
        node.release()


def _references_when_alone() -> int:
    """What ``getrefcount`` gives in ``send`` for a gradient that nobody knows of but the rule's tuple."""
    grads = (np.empty(1),)
    gradient = grads[0]
    return getrefcount(gradient)


# (At most 3: a debugger that was at work when this was imported may have held one more. A node, which is in no tuple,
# has one less.)
_ALONE = min(_references_when_alone(), 3)


def fitted(gradient: Any, shape: tuple[int, ...], dtype: Any, node: Node | None) -> Any:
    """A gradient in the dtype of its input; an error where it hasn't its shape, or is of no floats."""
    if gradient.shape != shape:
        told = f"it returned a gradient of shape {gradient.shape} for an input of shape {shape}"
    elif gradient.dtype.kind != "f":
        told = f"it returned a gradient of {gradient.dtype} for an input of {dtype}"
    else:
        return gradient if gradient.dtype == dtype or dtype.kind != "f" else gradient.astype(dtype)
    raise OperationError(told) if node is None else backward_error(node, ValueError(told))


def turns_of(asked: Pass) -> Iterator[Turn]:
    """The turns of a pass; a watcher may take the pass over, and hand them on itself."""
    for watcher in watchers.get():
        taken: Iterator[Turn] | None = watcher.take_over(asked)
        if taken is not None:
            return taken
    return visit(asked)


def seed_gradient(output: TensorBase, gradient: Any, create_graph: bool) -> Any:
    """The gradient that a pass starts from: 1 for a scalar, else what the user gave."""
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
    shape = array_of(gradient).shape
    if shape != array.shape:
        raise OperationError(f"gradient= has shape {shape}, the tensor has {array.shape}")
    if create_graph:
        return gradient if isinstance(gradient, TensorBase) else as_tensor(gradient)
    return array_of(gradient)


def backward_steps(
    loss: TensorBase, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False
) -> Iterator[Step]:
    """Run the backward pass of ``loss`` one node at a time.

    ``loss.backward()`` only exhausts the same generator. When a step is yielded, its gradients have been
    computed and sent on, and the node still knows all that it kept.

    Parameters
    ----------
    loss
        The tensor to start from; a scalar, unless ``gradient`` is given.
    gradient
        The gradient of ``loss``, of the same shape.
    retain_graph
        Keep the graph for another pass.
    create_graph
        Build a graph of the gradients, for higher derivatives.

    Yields
    ------
    Step
        ``(node, grad_outputs, grad_inputs)``, in reverse topological order.

    Raises
    ------
    OperationError
        For a loss that is no scalar, that has no gradient path, or whose graph was freed.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> for step in mg.backward_steps((x * x).sum()):
    ...     print(type(step.node).__name__, step.grad_inputs[0])
    Sum [1. 1.]
    Mul [1. 2.]
    """
    seed = seed_gradient(loss, gradient, create_graph)
    return starmap(Step, turns_of(Pass((loss,), (seed,), retain_graph, create_graph)))
