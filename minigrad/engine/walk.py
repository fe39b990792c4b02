"""The backward pass: a generator that visits every node once, the latest first.

The gradients of a pass live in a table outside the nodes, so a second pass can't add to what the
first one left behind. Where several consumers send a gradient to the same value, they are *summed* in
the table, into a new array: no rule's array is ever written to, because a rule may hand one array to
two of its inputs.

Nodes are numbered as they are made, and an input's node is always older than its consumer. So of all nodes
that a gradient has reached, the one with the highest number is next: this is a reverse topological order.
When a node's turn comes, every consumer of its outputs has had its turn, and the gradient is complete.

A leaf has no number and no turn. Its ``.grad`` simply grows with what each consumer sends, as long as nobody
looks. Where someone does, with a hook on the leaf or step by step, its uses are counted first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import compress
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.engine.base import TensorBase, array_of, as_tensor
from minigrad.engine.delivery import accumulate, after_hooks
from minigrad.engine.errors import OperationError, backward_error
from minigrad.engine.mode import checks, enable_grad
from minigrad.engine.node import Node, with_zeros
from minigrad.engine.reachable import freed_error, uses_of_leaves
from minigrad.engine.step import Step


def _references_when_alone() -> int:
    """What ``getrefcount`` gives, in ``visit``, for a gradient that only the pass knows of."""
    grad_inputs = (np.empty(1),)
    gradient = grad_inputs[0]
    return getrefcount(gradient)


# (at most 3: a debugger that was at work when this was imported may have held one more; a node, which is in no
# tuple, has one less)
_ALONE = min(_references_when_alone(), 3)


def visit(
    outputs: Sequence[TensorBase],
    grad_outputs: Sequence[Any],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    deliver: Callable[[TensorBase, Any], None] | None = None,
) -> Iterator[tuple[Node, list[Any], tuple[Any, ...]]]:
    """Visit every node that a gradient reaches, latest first; yield it with the gradients it got and sent.

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
        By default gradients are put into ``tensor.grad`` as they come: the very array that a rule made, if
        nobody else has it. So then the pass runs through, and shows no step to anyone.
    """
    # For each node that a gradient has reached: the gradients of its outputs, then the tensors they came by.
    table: dict[int, list[Any]] = {}
    # The numbers of these nodes, negative: so the first one of the heap is the latest.
    pending: list[int] = []
    # For the leaves that are told only when their gradient is complete: the sum so far, and what is still to come.
    leaves: dict[TensorBase, Any] = {}
    awaited: Counter[TensorBase] | None = None
    settle = deliver or accumulate
    watching = checks.get()
    keep = retain_graph or create_graph
    # It begins as if a node had just sent the first gradients to the outputs.
    node: Any = None
    grads: list[Any] = []
    inputs, wants, grad_inputs = tuple(outputs), (True,) * len(outputs), tuple(grad_outputs)
    # The hottest loop of the engine: what usually happens is spelt out, and nothing in it is a call that could be
    # a line. The usual node has one output, which was reached through one tensor.
    while True:
        i = -1
        for tensor in inputs:
            i += 1
            if not wants[i]:
                continue
            gradient = grad_inputs[i]
            producer = tensor.node
            if producer is not None:
                if gradient is None:
                    continue
                out: Any = producer._out
                single = type(out) is tuple
                shape = out if single else out[tensor.slot]
                if gradient.shape != shape:
                    raise _wrong_shape(node, gradient, shape)
                index = producer.index
                entry = table.get(index)
                if entry is None:
                    heappush(pending, -index)
                    if single:
                        table[index] = [gradient, tensor]
                        continue
                    entry = table[index] = [None] * len(out)
                before = entry[tensor.slot]
                entry[tensor.slot] = gradient if before is None else before + gradient
                if entry[-1] is not tensor:
                    entry.append(tensor)
                continue
            if gradient is not None and gradient.shape != tensor.array.shape:
                raise _wrong_shape(node, gradient, tensor.array.shape)
            if deliver is not None or tensor._hooks:
                if awaited is None:
                    to_come = [entry[-1] for entry in table.values()]
                    awaited = uses_of_leaves([*to_come, *compress(inputs[i:], wants[i:])])
                awaited[tensor] -= 1
                if tensor in leaves:
                    before = leaves.pop(tensor)
                    gradient = before if gradient is None else before + gradient
                if gradient is None:
                    pass
                elif awaited[tensor]:
                    leaves[tensor] = gradient
                else:
                    settle(tensor, after_hooks(tensor, gradient))
            elif (
                tensor._grad is None
                and type(gradient) is ndarray
                and gradient.base is None
                and gradient.flags.writeable
                and getrefcount(gradient) <= _ALONE
            ):
                tensor._grad = gradient  # nobody else holds it, so no copy is needed
            elif gradient is not None:
                accumulate(tensor, gradient)
        if node is not None:
            if deliver is not None:
                yield node, grads, grad_inputs
            if not keep and getrefcount(node) >= _ALONE:  # (one that nobody else knows of goes by itself)
                node.release()
        if not pending:
            break
        grads = table.pop(-heappop(pending))
        tensor = grads[-1]
        node = tensor.node
        inputs, wants = node.inputs, node.wants
        if not inputs:
            raise freed_error(node)
        if len(grads) > 2:
            _complete(node, grads, deliver)
        else:
            del grads[1]
            if tensor._hooks is not None:
                grads[0] = after_hooks(tensor, grads[0])
                settle(tensor, grads[0])
            elif deliver is None:
                tensor._grad = grads[0]
            else:
                deliver(tensor, grads[0])
        if watching:
            for check in watching:
                check.before_backward(node)
        del tensor  # if nobody else holds this output, its memory is free for what the rule makes
        try:
            if create_graph:
                grad_inputs = _on_tensors(node, grads)
            elif len(grads) == 1:
                grad_inputs = node.backward(grads[0])
            elif len(grads) == 2:
                grad_inputs = node.backward(grads[0], grads[1])
            else:
                grad_inputs = node.backward(*grads)
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
                check.after_backward(node, grads, grad_inputs)
    for tensor, gradient in leaves.items():  # what was still to come is none
        settle(tensor, after_hooks(tensor, gradient))


_WRONG_NUMBER = "it returned {} gradients for {} inputs"


def _wrong_shape(node: Node, gradient: Any, shape: tuple[int, ...]) -> Exception:
    told = f"it returned a gradient of shape {gradient.shape} for an input of shape {shape}"
    return backward_error(node, ValueError(told))


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
    for g in entry:
        if g is None:
            entry[:] = with_zeros(node, entry)
            break


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
    data = output.array
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
