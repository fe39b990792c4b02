"""Derivatives of whole functions, and PyTorch's ``torch.autograd`` names in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import arguments, custom_function
from minigrad.backward_passes import backward, backward_steps, grad
from minigrad.checks import detect_anomaly
from minigrad.custom_function import Function
from minigrad.engine import enable_grad, no_grad, set_grad_enabled
from minigrad.engine.base import TensorBase, array_of
from minigrad.gradient_check import GradcheckError, gradcheck, gradgradcheck
from minigrad.missing import lister as _lister
from minigrad.ops.join import stack
from minigrad.pass_arguments import one_or_more
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
    given = one_or_more("jacobian", "inputs", inputs)
    create_graph = arguments.flag("jacobian", "create_graph", create_graph)
    leaves = given if create_graph else tuple(from_array(t.array, requires_grad=True) for t in given)
    y = _value_of("jacobian", func, *leaves)
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
    leaf = from_array(array_of(arguments.tensor("hvp", "x", x)), requires_grad=True)
    y = _value_of("hvp", func, leaf)
    (g,) = grad(y, leaf, create_graph=True)
    if not g.requires_grad:  # the gradient is constant: the function is linear
        return y.detach(), from_array(np.zeros_like(leaf.array))
    (product,) = grad(g, leaf, v, allow_unused=True)
    return y.detach(), from_array(np.zeros_like(leaf.array)) if product is None else product


def hessian(func: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The matrix of second derivatives of a scalar function, of shape ``x.shape + x.shape``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hessian(lambda x: x[0] ** 2 * x[1], mg.tensor([1.0, 2.0])).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """

    def gradient(leaf: Tensor) -> Tensor:
        (g,) = grad(_value_of("hessian", func, leaf), leaf, create_graph=True)
        return g

    return jacobian(gradient, x)


def _value_of(operation: str, func: Any, *leaves: Tensor) -> Tensor:
    """What the function gives, which must be a tensor."""
    y = arguments.function(operation, "func", func)(*leaves)
    if not isinstance(y, Tensor):
        raise arguments.wrong_kind(operation, "what func gives", "a tensor", y)
    return y
