"""``backward`` and ``grad``: the two ways to run a whole pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.delivery import accumulate
from minigrad.engine.errors import OperationError
from minigrad.engine.walk import seed_gradient, visit


def backward(
    loss: TensorBase,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Run the backward pass of ``loss``; see ``Tensor.backward``."""
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        with np.errstate(all="ignore"):  # an infinite gradient is quiet, as in PyTorch; detect_anomaly finds it
            seed = seed_gradient(loss, gradient, create_graph)
            for _ in visit([loss], [seed], retain_graph=keep, create_graph=create_graph):
                pass
        return
    tensors = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    for tensor, found in zip(
        tensors, grad(loss, tensors, gradient, keep, create_graph, allow_unused=True), strict=True
    ):
        if found is not None:
            accumulate(tensor, found if create_graph else found.array)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Compute the gradients of ``outputs`` with respect to ``inputs``, and leave every ``.grad`` alone.

    Parameters
    ----------
    outputs, inputs
        A tensor or a sequence of tensors; inputs may be leaves or interior tensors.
    grad_outputs
        The gradient of each output; may be left out for scalars.
    retain_graph
        Keep the graph for another pass; by default as ``create_graph``.
    create_graph
        Build a graph of the gradients, so that they can be differentiated again.
    allow_unused
        Give None for an input that the outputs don't depend on, and raise no error.

    Returns
    -------
    tuple of Tensor
        One gradient for each input.

    Raises
    ------
    OperationError
        If an input doesn't require a gradient, or is unused and ``allow_unused`` is False.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (g,) = mg.grad(x**3, x, create_graph=True)
    >>> (gg,) = mg.grad(g, x)
    >>> g.item(), gg.item()
    (27.0, 18.0)
    """
    outs: Sequence[TensorBase] = (outputs,) if isinstance(outputs, TensorBase) else tuple(outputs)
    ins: Sequence[TensorBase] = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    given = (grad_outputs,) if not isinstance(grad_outputs, (tuple, list)) else tuple(grad_outputs)
    if grad_outputs is None:
        given = (None,) * len(outs)
    for position, tensor in enumerate(ins):
        if not tensor.requires_grad:
            raise OperationError(f"grad: input {position} has no gradient path: its requires_grad is False")
    found: dict[tuple[Any, int], Any] = {}
    asked = {_key(tensor): None for tensor in ins}

    def deliver(tensor: TensorBase, gradient: Any) -> None:
        if _key(tensor) in asked:
            found[_key(tensor)] = gradient

    seeds = [seed_gradient(t, g, create_graph) for t, g in zip(outs, given, strict=True)]
    keep = create_graph if retain_graph is None else retain_graph
    with np.errstate(all="ignore"):
        for _ in visit(outs, seeds, retain_graph=keep, create_graph=create_graph, deliver=deliver):
            pass
    return tuple(_result(found.get(_key(t)), i, allow_unused) for i, t in enumerate(ins))


def _key(tensor: TensorBase) -> tuple[Any, int]:
    return (tensor, 0) if tensor.node is None else (tensor.node, tensor.slot)


def _result(gradient: Any, position: int, allow_unused: bool) -> Any:
    if gradient is None:
        if allow_unused:
            return None
        raise OperationError(
            f"grad: the outputs don't depend on input {position}. Pass allow_unused=True to get None for it"
        )
    if isinstance(gradient, TensorBase):
        return gradient
    return as_tensor(np.array(gradient))  # a copy: a rule may have handed the same array elsewhere
