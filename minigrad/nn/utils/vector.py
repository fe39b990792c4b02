"""All parameters as one vector, and back: for loss surfaces, and for methods of second order."""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad
from minigrad.ops.join import cat
from minigrad.pass_arguments import one_or_more
from minigrad.tensors.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened, one after the other; gradients pass through.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.utils.parameters_to_vector(mg.nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return cat([p.reshape(-1) for p in one_or_more("parameters_to_vector", "parameters", parameters)])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector's values into the parameters, in the order of ``parameters_to_vector``.

    Raises
    ------
    TypeError
        If ``vec`` is no tensor.
    OperationError
        If it is shorter or longer than all parameters together.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters() takes a tensor, not {type(vec).__name__}")
    given = one_or_more("vector_to_parameters", "parameters", parameters)
    total = sum(p.array.size for p in given)
    if vec.shape != (total,):
        raise OperationError(f"the vector has shape {vec.shape}, the parameters have {total} elements together")
    start = 0
    for parameter in given:
        stop = start + parameter.array.size
        with no_grad():
            parameter.copy_(vec[start:stop].reshape(parameter.shape))
        start = stop
