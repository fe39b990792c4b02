"""The functions that run a pass, with their arguments checked: ``grad``, ``backward_steps``, ``autograd.backward``.

What they run is in ``minigrad/engine``, which trusts what it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad import arguments, engine
from minigrad.engine.base import TensorBase
from minigrad.engine.step import Step
from minigrad.pass_arguments import one_or_more, starting_gradient


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Run the backward pass from several tensors at once, and add to the ``grad`` of every leaf.

    Raises
    ------
    TypeError
        If something in them is no tensor.
    OperationError
        If there aren't as many gradients as tensors, or as for ``Tensor.backward``.
    """
    given = one_or_more("backward", "tensors", tensors)
    seeds = _seeds("backward", "grad_tensors", given, grad_tensors)
    _check_flags("backward", retain_graph=retain_graph, create_graph=create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    for i, (tensor, seed) in enumerate(zip(given, seeds, strict=True)):
        tensor.backward(seed, keep or i < len(given) - 1, create_graph)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
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
    only_inputs
        Accepted for PyTorch's sake.
    allow_unused
        Give None for an input that the outputs don't depend on, and raise no error.

    Returns
    -------
    tuple of Tensor
        One gradient for each input.

    Raises
    ------
    TypeError
        If something in them is no tensor.
    OperationError
        If an input doesn't require a gradient, or is unused and ``allow_unused`` is False; if there aren't as many
        gradients as outputs, or one has another shape.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (g,) = mg.grad(x**3, x, create_graph=True)
    >>> (gg,) = mg.grad(g, x)
    >>> g.item(), gg.item()
    (27.0, 18.0)
    """
    outs, ins = one_or_more("grad", "outputs", outputs), one_or_more("grad", "inputs", inputs)
    seeds = _seeds("grad", "grad_outputs", outs, grad_outputs)
    _check_flags("grad", retain_graph=retain_graph, create_graph=create_graph, allow_unused=allow_unused)
    return engine.grad(outs, ins, seeds, retain_graph, create_graph, only_inputs, bool(allow_unused))


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
    TypeError
        If ``loss`` or ``gradient`` is no tensor.
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
    arguments.instance("backward_steps", "loss", loss, TensorBase, "a tensor")
    _check_flags("backward_steps", retain_graph=retain_graph, create_graph=create_graph)
    return engine.backward_steps(
        loss,
        starting_gradient("backward_steps", "gradient", gradient),
        retain_graph=retain_graph,
        create_graph=create_graph,
    )


def _check_flags(operation: str, **flags: Any) -> None:
    """Check True and False; None may stand for the default."""
    for name, value in flags.items():
        if value is not None:
            arguments.flag(operation, name, value)


def _seeds(operation: str, name: str, outputs: tuple[Any, ...], gradients: Any) -> tuple[Any, ...]:
    """A gradient for each output, None where it is left out."""
    if gradients is None:
        return (None,) * len(outputs)
    seeds = gradients if isinstance(gradients, (tuple, list)) else (gradients,)
    if len(seeds) != len(outputs):
        wanted = f"as many gradients as there are tensors, {len(outputs)}"
        raise arguments.wrong_value(operation, name, wanted, gradients)
    return tuple(starting_gradient(operation, name, seed) for seed in seeds)
