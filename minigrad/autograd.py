"""Derivatives of whole functions, and PyTorch's ``torch.autograd`` names in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad import arguments, custom_function, engine
from minigrad.checks import detect_anomaly
from minigrad.custom_function import Function
from minigrad.engine import enable_grad, no_grad, set_grad_enabled
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.step import Step
from minigrad.gradient_check import GradcheckError, gradcheck, gradgradcheck
from minigrad.missing import lister as _lister
from minigrad.ops.join import stack
from minigrad.tensors.tensor import Tensor, from_array

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "backward_steps",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "no_grad",
    "set_grad_enabled",
]
__dir__ = _lister(__name__)


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
    given = arguments.one_or_more("backward", "tensors", tensors)
    seeds = _seeds("backward", "grad_tensors", given, grad_tensors)
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
    outs, ins = arguments.one_or_more("grad", "outputs", outputs), arguments.one_or_more("grad", "inputs", inputs)
    seeds = _seeds("grad", "grad_outputs", outs, grad_outputs)
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
    if not isinstance(loss, TensorBase):
        raise arguments.wrong_kind("backward_steps", "loss", "a tensor", loss)
    return engine.backward_steps(
        loss,
        arguments.gradient("backward_steps", "gradient", gradient),
        retain_graph=retain_graph,
        create_graph=create_graph,
    )


def _seeds(operation: str, name: str, outputs: tuple[Any, ...], gradients: Any) -> tuple[Any, ...]:
    """A gradient for each output, None where it is left out."""
    if gradients is None:
        return (None,) * len(outputs)
    seeds = gradients if isinstance(gradients, (tuple, list)) else (gradients,)
    if len(seeds) != len(outputs):
        wanted = f"as many gradients as there are tensors, {len(outputs)}"
        raise arguments.wrong_value(operation, name, wanted, gradients)
    return tuple(arguments.gradient(operation, name, seed) for seed in seeds)


#: PyTorch's path of `Function`.
function = sys.modules[f"{__name__}.function"] = custom_function


class _IsTensor(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, TensorBase)


class Variable(metaclass=_IsTensor):
    """PyTorch's older word for a tensor: ``Variable(x)`` is a tensor on the memory of ``x``, outside its graph.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.autograd.Variable(mg.ones(2), requires_grad=True).requires_grad
    True
    """

    def __new__(cls, data: Any = (), requires_grad: bool = False, volatile: bool = False) -> Any:
        """Make the tensor."""
        if data is None or (isinstance(data, tuple) and not data):
            data = Tensor()
        tensor = from_array(array_of(arguments.tensor("Variable", "data", data)))
        return tensor.requires_grad_(requires_grad)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """The Jacobian of a function of one or several tensors, a row for each element of the output.

    Parameters
    ----------
    func
        A function that gives one tensor.
    inputs
        A tensor, or a tuple of tensors.
    create_graph
        Build a graph of the Jacobian, as for Hessians.

    Returns
    -------
    Tensor or tuple of Tensor
        For each input, a tensor of shape ``output.shape + input.shape``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.jacobian(lambda x: x * x, mg.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    single = isinstance(inputs, TensorBase)
    given = (inputs,) if single else tuple(inputs)
    leaves = given if create_graph else tuple(from_array(t.array, requires_grad=True) for t in given)
    y = func(*leaves)
    columns: list[list[Tensor]] = [[] for _ in leaves]
    for index in np.ndindex(y.shape):
        cotangent = np.zeros_like(y.array)
        cotangent[index] = 1
        rows: tuple[Any, ...] = (None,) * len(leaves)
        if y.requires_grad:
            rows = grad(y, leaves, cotangent, retain_graph=True, create_graph=create_graph, allow_unused=True)
        for column, leaf, row in zip(columns, leaves, rows, strict=True):
            column.append(from_array(np.zeros_like(leaf.array)) if row is None else row)
    result = tuple(
        stack(column).reshape(y.shape + leaf.shape) if column else from_array(np.zeros(y.shape + leaf.shape))
        for column, leaf in zip(columns, leaves, strict=True)
    )
    return result[0] if single else result


def hvp(func: Callable[[Tensor], Tensor], x: Tensor, v: Any) -> tuple[Tensor, Tensor]:
    """The Hessian of a scalar function times a vector, by two backward passes (Pearlmutter, 1994).

    Parameters
    ----------
    func
        A function of one tensor that gives a scalar.
    x
        Where the Hessian is taken.
    v
        The vector, of the shape of ``x``.

    Returns
    -------
    tuple of Tensor
        The value of the function, and the product, of the shape of ``x``.

    Examples
    --------
    >>> import minigrad as mg
    >>> _, product = mg.hvp(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 1.0]))
    >>> product.tolist()
    [6.0, 12.0]
    """
    leaf = from_array(x.array, requires_grad=True)
    y = func(leaf)
    (g,) = grad(y, leaf, create_graph=True)
    if not g.requires_grad:  # the gradient is constant: the function is linear
        return y.detach(), from_array(np.zeros_like(x.array))
    (product,) = grad(g, leaf, v, allow_unused=True)
    return y.detach(), from_array(np.zeros_like(x.array)) if product is None else product


def hessian(func: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The matrix of second derivatives of a scalar function, of shape ``x.shape + x.shape``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hessian(lambda x: x[0] ** 2 * x[1], mg.tensor([1.0, 2.0])).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """

    def gradient(leaf: Tensor) -> Tensor:
        (g,) = grad(func(leaf), leaf, create_graph=True)
        return g

    return jacobian(gradient, x)
