"""``grad``: the gradients of some values with respect to others, which leaves every other ``.grad`` alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.leaves import accumulate
from minigrad.engine.node import Node
from minigrad.engine.walk import seed_gradient, visit


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Compute gradients, of checked arguments: see ``minigrad.grad``."""
    outs: Sequence[TensorBase] = (outputs,) if isinstance(outputs, TensorBase) else tuple(outputs)
    ins: Sequence[TensorBase] = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    given = grad_outputs if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
    if grad_outputs is None:
        given = (None,) * len(outs)
    for position, tensor in enumerate(ins):
        if not tensor.requires_grad:
            raise OperationError(f"grad: input {position} has no gradient path: its requires_grad is False")
    seeds = [seed_gradient(t, g, create_graph) for t, g in zip(outs, given, strict=True)]
    found = Collected(ins)
    with np.errstate(all="ignore"):
        deque(visit(outs, seeds, retain_graph, create_graph, found), maxlen=0)
    return tuple(_result(found.gradients.get(_key(t)), i, allow_unused) for i, t in enumerate(ins))


def accumulate_into(inputs: Any, loss: TensorBase, **options: Any) -> None:
    """Add to the ``.grad`` of these tensors only: ``backward(inputs=...)``; the options are those of `grad`."""
    tensors = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    for tensor, found in zip(tensors, grad(loss, tensors, allow_unused=True, **options), strict=True):
        if found is not None:
            accumulate(tensor, found if found.requires_grad else found.array)


class Collected:
    """The receiver of ``grad``: it keeps the gradients that were asked for.

    Attributes
    ----------
    gradients
        By leaf, or by node and output.
    """

    def __init__(self, asked: Sequence[TensorBase]) -> None:
        self.gradients: dict[Any, Any] = dict.fromkeys(_key(tensor) for tensor in asked)

    def leaf(self, leaf: TensorBase, gradient: Any, alone: bool) -> None:
        """Add what comes."""
        if leaf in self.gradients:
            before = self.gradients[leaf]
            self.gradients[leaf] = gradient if before is None else before + gradient

    def interior(self, node: Node, grads: Sequence[Any]) -> None:
        """Keep the gradients of the outputs that were asked for."""
        for slot, gradient in enumerate(grads):
            if (node, slot) in self.gradients:
                self.gradients[node, slot] = gradient


def _key(tensor: TensorBase) -> Any:
    return tensor if tensor.node is None else (tensor.node, tensor.slot)


def _result(gradient: Any, position: int, allow_unused: bool) -> Any:
    if gradient is None:
        if allow_unused:
            return None
        raise OperationError(
            f"grad: the outputs don't depend on input {position}. Pass allow_unused=True to get None for it"
        )
    # (A copy: a rule may have handed the same array elsewhere.)
    return gradient if isinstance(gradient, TensorBase) else as_tensor(np.array(gradient))
