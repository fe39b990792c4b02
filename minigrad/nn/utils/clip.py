"""Clipping of gradients, between ``backward`` and the optimiser's step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.arguments import number, truths
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.mode import no_grad
from minigrad.pass_arguments import one_or_more
from minigrad.tensors.tensor import Tensor, from_array


def _gradients(operation: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients of those parameters that have one; a shared parameter's only once."""
    given = _given(operation, "parameters", parameters)
    return [p.grad for p in dict.fromkeys(given) if p.grad is not None]


def _given(operation: str, name: str, tensors: Any) -> tuple[Any, ...]:
    """One tensor, or all of several; there may be none."""
    given = tensors if isinstance(tensors, TensorBase) or not isinstance(tensors, Iterable) else tuple(tensors)
    return given if isinstance(given, tuple) and not given else one_or_more(operation, name, given)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of all tensors together, as if they were one vector.

    Parameters
    ----------
    norm_type
        The p of the p-norm; ``float("inf")`` for the largest absolute value.
    error_if_nonfinite
        Whether a norm that is NaN or infinite is an error.

    Raises
    ------
    RuntimeError
        For such a norm, if asked to.
    """
    arrays = [array_of(t) for t in _given("get_total_norm", "tensors", tensors)]
    truths("get_total_norm", error_if_nonfinite=error_if_nonfinite)
    p = number("get_total_norm", "norm_type", norm_type)
    if not arrays:
        return from_array(np.zeros((), np.float32))
    dtype = np.result_type(*arrays)
    norms = [float(np.linalg.norm(a.reshape(-1).astype(np.float64), p)) if a.size else 0.0 for a in arrays]
    total = np.linalg.norm(norms, p)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"the gradients' norm of order {norm_type} is {total}: run forward and backward under "
            "minigrad.detect_anomaly() to find where that began"
        )
    return from_array(np.asarray(total, dtype))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: Any = None,
) -> Tensor:
    """Scale all gradients by one factor, so that their total norm is at most ``max_norm``.

    Parameters
    ----------
    parameters
        Whose gradients are scaled, in place.
    max_norm
        The largest norm allowed.
    norm_type
        The p of the p-norm; ``float("inf")`` for the largest absolute value.
    error_if_nonfinite
        Whether a norm that is NaN or infinite is an error.
    foreach
        Accepted, without effect.

    Returns
    -------
    Tensor
        The norm before scaling.

    Raises
    ------
    RuntimeError
        For a norm that isn't finite, if asked to; the gradients are then as they were.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.Parameter(mg.zeros(2))
    >>> w.grad = mg.tensor([3.0, 4.0])
    >>> mg.nn.utils.clip_grad_norm_([w], 1.0).item()
    5.0
    >>> round(w.grad.norm().item(), 4)
    1.0
    """
    gradients = _gradients("clip_grad_norm_", parameters)
    largest = number("clip_grad_norm_", "max_norm", max_norm)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    factor = largest / (total.item() + 1e-6)  # as PyTorch: the small number avoids a division by 0
    if not factor >= 1:  # NaN too, which then shows in the gradients
        with no_grad():
            for gradient in gradients:
                gradient.mul_(factor)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: Any = None) -> None:
    """Limit every element of every gradient to ``[-clip_value, clip_value]``, in place."""
    limit = number("clip_grad_value_", "clip_value", clip_value)
    with no_grad():
        for gradient in _gradients("clip_grad_value_", parameters):
            gradient.clamp_(-limit, limit)
