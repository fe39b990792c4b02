"""The backward pass: a generator that visits every node once, the latest first.

The gradients of a pass live in a table outside the nodes, so a second pass can't add to what the
first one left behind. Where several consumers send a gradient to the same value, they are *summed* in
the table, into a new array: no rule's array is ever written to, because a rule may hand one array to
two of its inputs.

Nodes are numbered as they are made, and an input's node is always older than its consumer. So going
through the reachable nodes from the highest number to the lowest is a reverse topological order: when a
node's turn comes, every consumer of its outputs has had its turn, and the gradient is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.delivery import accumulate, after_hooks, as_tensor
from minigrad.engine.errors import OperationError, backward_error, located
from minigrad.engine.mode import checks, enable_grad
from minigrad.engine.node import Node, zeros_for
from minigrad.engine.step import Step


def collect(outputs: Sequence[TensorBase]) -> tuple[list[Node], dict[TensorBase, int]]:
    """Find every node that the outputs depend on, the earliest first, and count each leaf's consumers.

    Raises
    ------
    OperationError
        If an earlier pass has freed a part of the graph.
    """
    found = {t.node.index: t.node for t in outputs if t.node is not None}
    consumers: dict[TensorBase, int] = {}
    stack = list(found.values())
    while stack:
        node = stack.pop()
        wants = node.wants
        i = 0  # counting by hand is faster than zip and enumerate
        for tensor in node.inputs:
            if wants[i]:
                producer = tensor.node
                if producer is None:
                    consumers[tensor] = consumers.get(tensor, 0) + 1
                else:
                    index = producer.index
                    if index not in found:
                        found[index] = producer
                        stack.append(producer)
            i += 1
        if not i:
            raise OperationError(located(_FREED.format(node.name), node.source))
    return [found[index] for index in sorted(found)], consumers


_FREED = (
    "the graph of this value was freed by an earlier backward(), at {}. To go through a graph "
    "twice, pass retain_graph=True to the first backward(); to go on training, run forward again"
)


def _references_when_alone() -> int:
    """What ``getrefcount`` gives, in ``visit``, for a gradient that only the pass knows of."""
    grad_inputs = (np.empty(1),)
    gradient = grad_inputs[0]
    return getrefcount(gradient)


# (at most 3: a debugger that was at work when this was imported may have held one more)
_ALONE = min(_references_when_alone(), 3)


def visit(
    outputs: Sequence[TensorBase],
    grad_outputs: Sequence[Any],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    deliver: Callable[[TensorBase, Any], None] | None = None,
) -> Iterator[tuple[Node, list[Any], tuple[Any, ...]]]:
    """Visit every node that ``outputs`` depend on, latest first; yield it with the gradients it got and sent.

    Parameters
    ----------
    outputs, grad_outputs
        Where the pass starts, and the gradient of each: arrays, or tensors with ``create_graph``.
    retain_graph
        Keep what the nodes kept, so that the pass can be repeated.
    create_graph
        Give the rules tensors, so that the gradients can be differentiated again.
    deliver
        What is done with a complete gradient, of a leaf or of an interior tensor that a node still holds.
        By default it is put into ``tensor.grad``: the very array that a rule made, if nobody else has it. So
        then the pass runs through, and shows no step to anyone.
    """
    order, consumers = collect(outputs)
    # For each node that a gradient has reached: the gradients of its outputs, then the tensors they came by.
    table: dict[Node, list[Any]] = {}
    # For each leaf that more gradients are to reach: the sum of those that did.
    leaves: dict[TensorBase, Any] = {}
    settle = deliver or accumulate
    for tensor, gradient in zip(outputs, grad_outputs, strict=True):
        if tensor.node is not None:
            _send(tensor, gradient, table)
        else:
            leaves[tensor] = leaves[tensor] + gradient if tensor in leaves else gradient
    for tensor in dict.fromkeys(outputs):
        if tensor.node is None and tensor not in consumers:
            settle(tensor, after_hooks(tensor, leaves.pop(tensor)))
    watching = checks.get()
    keep = retain_graph or create_graph
    # The hottest loop of the engine: what usually happens is spelt out, and nothing in it is a call that could be
    # a line. The usual node has one output, which was reached through one tensor.
    while order:
        node = order.pop()
        inputs, wants = node.inputs, node.wants
        entry = table.pop(node, None)
        if entry is None:  # the pass came here only to count: no gradient reached the node
            grad_inputs: Any = (None,) * len(inputs)
        else:
            if len(entry) == 2:
                tensor = entry.pop()
                if tensor._hooks is not None:
                    entry[0] = after_hooks(tensor, entry[0])
                    settle(tensor, entry[0])
                elif deliver is None:
                    tensor._grad = entry[0]
                else:
                    deliver(tensor, entry[0])
            else:
                _complete(node, entry, deliver)
            if watching:
                for check in watching:
                    check.before_backward(node)
            try:
                if create_graph:
                    grad_inputs = _on_tensors(node, entry)
                elif len(entry) == 1:
                    grad_inputs = node.backward(entry[0])
                elif len(entry) == 2:
                    grad_inputs = node.backward(entry[0], entry[1])
                else:
                    grad_inputs = node.backward(*entry)
            except Exception as error:
                told = backward_error(node, error)
                if told is error:
                    raise
                raise told from error
            if type(grad_inputs) is not tuple:
                grad_inputs = (grad_inputs,)
            if len(grad_inputs) != len(inputs):
                raise backward_error(node, ValueError(_WRONG_NUMBER.format(len(grad_inputs), len(inputs))))
            if watching:
                for check in watching:
                    check.after_backward(node, entry, grad_inputs)
        i = -1
        for tensor in inputs:
            i += 1
            if not wants[i]:
                continue
            gradient = grad_inputs[i]
            if gradient is not None and gradient.shape != tensor.data.shape:
                raise backward_error(node, ValueError(_WRONG_SHAPE.format(gradient.shape, tensor.data.shape)))
            producer = tensor.node
            if producer is None:
                left = consumers[tensor] = consumers[tensor] - 1
                if leaves and tensor in leaves:
                    before = leaves.pop(tensor)
                    gradient = before if gradient is None else before + gradient
                if gradient is None:
                    pass
                elif left:
                    leaves[tensor] = gradient
                elif tensor._hooks:
                    settle(tensor, after_hooks(tensor, gradient))
                elif (
                    deliver is None
                    and tensor._grad is None
                    and type(gradient) is np.ndarray
                    and gradient.base is None
                    and gradient.flags.writeable
                    and getrefcount(gradient) <= _ALONE
                ):
                    tensor._grad = gradient  # nobody else holds it, so no copy is needed
                else:
                    settle(tensor, gradient)
            elif gradient is not None:
                if producer not in table and type(producer._out) is tuple:
                    table[producer] = [gradient, tensor]
                else:
                    _send(tensor, gradient, table)
        if deliver is not None and entry is not None:
            yield node, entry, grad_inputs
        if not keep:  # node.release(), spelt out
            node.__dict__.clear()
            node.inputs = ()


_WRONG_NUMBER = "it returned {} gradients for {} inputs"
_WRONG_SHAPE = "it returned a gradient of shape {} for an input of shape {}"


def _send(tensor: TensorBase, gradient: Any, table: dict[Node, list[Any]]) -> None:
    """Add a gradient to what has reached this tensor so far, in the pass's table."""
    node: Any = tensor.node
    slot = tensor.slot
    entry = table.get(node)
    if entry is None:
        entry = table[node] = [None] if type(node._out) is tuple else [None] * len(node._out)
        entry.append(tensor)
    elif entry[-1] is not tensor:
        entry.append(tensor)
    before = entry[slot]
    entry[slot] = gradient if before is None else before + gradient


def _complete(node: Node, entry: list[Any], deliver: Callable[[TensorBase, Any], None] | None) -> None:
    """Leave the gradients of all outputs of a node in ``entry``, delivered; zeros for an output that nothing used."""
    outputs = 1 if type(node._out) is tuple else len(node._out)
    for tensor in entry[outputs:]:
        slot = tensor.slot
        if tensor._hooks is None and deliver is None:
            tensor._grad = entry[slot]
            continue
        entry[slot] = after_hooks(tensor, entry[slot])
        (deliver or accumulate)(tensor, entry[slot])
    del entry[outputs:]
    for slot in range(outputs):
        if entry[slot] is None:
            entry[slot] = zeros_for(node, slot)


def _on_tensors(node: Node, grads: Sequence[Any]) -> Any:
    """Call a node's ``backward`` so that it builds a graph of the gradient."""
    with enable_grad():
        return node.as_tensors().backward(*grads)


def run_pass(
    outputs: Sequence[TensorBase],
    grad_outputs: Sequence[Any],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    deliver: Callable[[TensorBase, Any], None] | None = None,
) -> Iterator[Step]:
    """Run ``visit``, and yield steps that may be kept: no leaf takes over their arrays."""
    options: Any = {"retain_graph": retain_graph, "create_graph": create_graph, "deliver": deliver or accumulate}
    for turn in visit(outputs, grad_outputs, **options):
        yield Step(*turn)


def seed_gradient(output: TensorBase, gradient: Any, create_graph: bool) -> Any:
    """The gradient that a pass starts from: 1 for a scalar, else what the user gave."""
    data = output.data
    if not output.requires_grad:
        raise OperationError(
            "this tensor has no gradient path: nothing it was computed from has requires_grad=True "
            "(or it was computed under no_grad, or detached)"
        )
    if gradient is None:
        if data.size != 1:
            raise OperationError(
                f"gradient of a non-scalar: the tensor has shape {data.shape}. "
                "Reduce it first, as in loss.mean().backward(), or pass gradient= of the same shape"
            )
        gradient = np.ones_like(data)
    elif not isinstance(gradient, TensorBase):
        gradient = np.asarray(gradient, dtype=data.dtype)
    shape = array_of(gradient).shape
    if shape != data.shape:
        raise OperationError(f"gradient= has shape {shape}, the tensor has {data.shape}")
    if create_graph:
        return gradient if isinstance(gradient, TensorBase) else as_tensor(gradient)
    return array_of(gradient)


def backward_steps(
    loss: TensorBase, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False
) -> Iterator[Step]:
    """Run the backward pass of ``loss`` one node at a time.

    ``loss.backward()`` only exhausts this generator. When a step is yielded, its gradients have been
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
    return run_pass([loss], [seed], retain_graph=retain_graph, create_graph=create_graph)
