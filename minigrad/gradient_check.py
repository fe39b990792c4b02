"""Checking rules: analytical gradients against finite differences, and the Jacobian.

Both checks use float64 and random cotangents: in float32 a finite difference has only three right
digits, and a cotangent of ones can't see a gradient that sums to zero (batch norm's does).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase, as_tensor
from minigrad.engine.gradients import grad
from minigrad.engine.mode import enable_grad, no_grad
from minigrad.pass_arguments import one_or_more


class GradcheckError(RuntimeError, AssertionError):
    """A gradient disagrees with finite differences."""


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else tuple(x) if isinstance(x, list) else (x,)


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    seed: int = 0,
) -> bool:
    """Compare gradients with central differences, element by element.

    The scalar that is differentiated is the inner product of the outputs with random cotangents.

    Parameters
    ----------
    func
        A function of tensors that gives a tensor or a tuple of tensors.
    inputs
        The tensors; those with ``requires_grad`` are checked, and must be float64.
    eps
        The step of the difference.
    atol, rtol
        ``|analytical - numerical| <= atol + rtol * |numerical|`` is asked of every element.
    raise_exception
        Raise an error that names the worst element, or return False.
    seed
        Seed of the random cotangents.

    Raises
    ------
    GradcheckError
        If a gradient is wrong.
    ValueError
        If no input requires a gradient.
    TypeError
        If an input that requires a gradient is not float64.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.randn(3, dtype=mg.float64, requires_grad=True)
    >>> mg.gradcheck(mg.tanh, x)
    True
    """
    arguments.function("gradcheck", "func", func)
    tensors = _as_tuple(inputs)
    if not arguments.number("gradcheck", "eps", eps) > 0:
        raise arguments.wrong_value("gradcheck", "eps", "a number above 0", eps)
    arguments.number("gradcheck", "atol", atol, least=0)
    arguments.number("gradcheck", "rtol", rtol, least=0)
    seed = arguments.integer("gradcheck", "seed", seed, least=0)
    checked = [t for t in tensors if isinstance(t, TensorBase) and t.requires_grad]
    for t in checked:
        if t.array.dtype != np.float64:
            raise TypeError(
                f"gradcheck needs float64 inputs, this one is {t.array.dtype}: in float32 a finite difference "
                "has about three right digits"
            )
    if not checked:
        raise ValueError("gradcheck: no input requires a gradient, so there is nothing to check: requires_grad=True")
    rng = np.random.default_rng(seed)
    outputs = _floating(func(*tensors))
    cotangents = [rng.standard_normal(y.array.shape) for y in outputs]
    linked = [(y, c) for y, c in zip(outputs, cotangents, strict=True) if y.requires_grad]
    found: tuple[Any, ...] = (None,) * len(checked)
    if linked:
        found = grad([y for y, _ in linked], checked, [c for _, c in linked], allow_unused=True)

    def scalar() -> float:
        with no_grad():
            ys = _floating(func(*tensors))
        return float(sum((y.array * c).sum() for y, c in zip(ys, cotangents, strict=True)))

    for position, (tensor, g) in enumerate(zip(checked, found, strict=True)):
        numerical = _difference(scalar, tensor, eps)
        analytical = np.zeros_like(numerical) if g is None else g.array
        message = _worst(analytical, numerical, atol, rtol)
        if message:
            if raise_exception:
                raise GradcheckError(f"the gradient of input {position} is wrong: {message}")
            return False
    return True


def _floating(outputs: Any) -> list[TensorBase]:
    """The outputs that have a derivative.

    Raises
    ------
    TypeError
        If one is no tensor.
    """
    for y in _as_tuple(outputs):
        if not isinstance(y, TensorBase):
            raise arguments.wrong_kind("gradcheck", "what func gives", "a tensor, or a tuple of tensors", y)
    return [y for y in _as_tuple(outputs) if isinstance(y, TensorBase) and y.array.dtype.kind == "f"]


def _difference(scalar: Callable[[], float], tensor: TensorBase, eps: float) -> Array:
    result = np.zeros_like(tensor.array)
    original = tensor.array
    for index in np.ndindex(original.shape):
        values = []
        for step in (eps, -eps):
            tensor.array = original.copy()
            tensor.array[index] += step
            values.append(scalar())
        result[index] = (values[0] - values[1]) / (2 * eps)
    tensor.array = original
    return result


def _worst(analytical: Array, numerical: Array, atol: float, rtol: float) -> str:
    """Describe the worst element that is out of tolerance; empty where none is."""
    excess = np.abs(analytical - numerical) - (atol + rtol * np.abs(numerical))
    excess = np.where(np.isnan(analytical) | np.isnan(numerical), np.inf, excess)
    if not excess.size or excess.max() <= 0:
        return ""
    index = tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
    return (
        f"at index {index} the rule gives {analytical[index]:.9g}, finite differences {numerical[index]:.9g} "
        f"({int((excess > 0).sum())} of {excess.size} elements are out of tolerance). If the function has "
        "a kink there (relu at 0), move the input off it"
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    seed: int = 0,
) -> bool:
    """Check second derivatives: ``gradcheck`` of the function's own gradient.

    The gradient is taken as a function of the inputs and of the cotangents, so that both are checked.
    Parameters and errors are those of ``gradcheck``; ``grad_outputs`` replaces the random cotangents.
    """
    arguments.function("gradgradcheck", "func", func)
    tensors = _as_tuple(inputs)
    if not any(isinstance(t, TensorBase) for t in tensors):
        raise arguments.wrong_kind("gradgradcheck", "inputs", "a tensor, or a sequence with tensors", inputs)
    rng = np.random.default_rng(arguments.integer("gradgradcheck", "seed", seed, least=0) + 1)
    with_grad = [i for i, t in enumerate(tensors) if isinstance(t, TensorBase) and t.requires_grad]
    outputs = [y for y in _as_tuple(func(*tensors)) if isinstance(y, TensorBase) and y.requires_grad]
    if grad_outputs is None:
        cotangents: Sequence[Any] = [as_tensor(rng.standard_normal(y.array.shape), True) for y in outputs]
    else:
        cotangents = one_or_more("gradgradcheck", "grad_outputs", grad_outputs)

    def gradient(*args: Any) -> tuple[Any, ...]:
        xs, gs = args[: len(tensors)], args[len(tensors) :]
        with enable_grad():
            ys = [y for y in _as_tuple(func(*xs)) if isinstance(y, TensorBase) and y.requires_grad]
            found = grad(ys, [xs[i] for i in with_grad], gs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    if not outputs:
        return True
    return gradcheck(
        gradient,
        (*tensors, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        seed=seed,
    )
