"""Activations and their gradients, one element at a time.

There is a kernel where it saves passes over memory, or where NumPy lacks the function. Where NumPy alone
does as well (addition, exp, tanh) there is none. ``gelu.py`` holds erf and what is
built on it.

In each backward kernel ``gy`` is the gradient that arrives, ``x`` was the input and ``y`` the output. At a
kink the derivative is PyTorch's.
"""

from __future__ import annotations

import numpy as np

from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.gelu import erf, gelu, gelu_backward, gelu_tanh, gelu_tanh_backward
from minigrad.kernels.threads import filled, flat_kernel, row_kernel
from minigrad.kernels.vector_math import exp_neg, expm1_neg, log1p_unit, logistic

__all__ = [
    "add_bias",
    "elu",
    "elu_backward",
    "erf",
    "gelu",
    "gelu_backward",
    "gelu_tanh",
    "gelu_tanh_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softplus",
    "softplus_backward",
    "tanh_backward",
]


# --- rectifiers -------------------------------------------------------------------------------------------


@flat_kernel
def _relu(first: int, last: int, x: Array, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    zero = x.dtype.type(0)
    for i in range(y.size):
        y[i] = zero if x[i] <= zero else x[i]


@replaced_by(filled(_relu, cost=1))
def relu(x: Array) -> Array:
    """``max(x, 0)``; NaN stays NaN."""
    y: Array = np.maximum(x, 0)
    return y


@flat_kernel
def _relu_backward(first: int, last: int, gy: Array, y: Array, gx: Array) -> None:
    gy, y, gx = gy[first:last], y[first:last], gx[first:last]
    zero = gy.dtype.type(0)
    for i in range(gx.size):
        gx[i] = zero if y[i] <= zero else gy[i]


@replaced_by(filled(_relu_backward, cost=1))
def relu_backward(gy: Array, y: Array) -> Array:
    """Gradient of ``relu(x) = max(x, 0)``: ``gy`` where the output ``y`` is above 0, else 0."""
    return np.where(y <= 0, 0, gy)


@flat_kernel
def _leaky_relu(first: int, last: int, x: Array, slope: float, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    zero, s = x.dtype.type(0), x.dtype.type(slope)
    for i in range(y.size):
        y[i] = x[i] if x[i] > zero else s * x[i]


@replaced_by(filled(_leaky_relu, cost=1))
def leaky_relu(x: Array, slope: float) -> Array:
    """``x`` where it is above 0, else ``slope * x``."""
    return np.where(x > 0, x, slope * x)


@flat_kernel
def _leaky_relu_backward(first: int, last: int, gy: Array, x: Array, slope: float, gx: Array) -> None:
    gy, x, gx = gy[first:last], x[first:last], gx[first:last]
    zero, s = x.dtype.type(0), x.dtype.type(slope)
    for i in range(gx.size):
        gx[i] = gy[i] if x[i] > zero else s * gy[i]


@replaced_by(filled(_leaky_relu_backward, cost=1))
def leaky_relu_backward(gy: Array, x: Array, slope: float) -> Array:
    """Gradient of ``leaky_relu``: ``gy`` where ``x`` is above 0, else ``slope * gy``."""
    return np.where(x > 0, gy, slope * gy)


@flat_kernel
def _elu(first: int, last: int, x: Array, alpha: float, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    zero, a = x.dtype.type(0), x.dtype.type(alpha)
    for i in range(y.size):
        below = a * expm1_neg(zero if x[i] > zero else x[i])
        y[i] = x[i] if x[i] > zero else below


@replaced_by(filled(_elu, cost=2))
def elu(x: Array, alpha: float) -> Array:
    """``x`` where it is above 0, else ``alpha * (exp(x) - 1)``."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@flat_kernel
def _elu_backward(first: int, last: int, gy: Array, x: Array, alpha: float, gx: Array) -> None:
    gy, x, gx = gy[first:last], x[first:last], gx[first:last]
    zero, a = x.dtype.type(0), x.dtype.type(alpha)
    for i in range(gx.size):
        below = a * exp_neg(zero if x[i] > zero else x[i])
        gx[i] = gy[i] if x[i] > zero else gy[i] * below


@replaced_by(filled(_elu_backward, cost=2))
def elu_backward(gy: Array, x: Array, alpha: float) -> Array:
    """Gradient of ``elu``: ``gy`` where ``x`` is above 0, else ``gy * alpha * exp(x)``."""
    return np.where(x > 0, gy, gy * (alpha * np.exp(np.minimum(x, 0))))


# --- the logistic function and its kin --------------------------------------------------------------------


@flat_kernel
def _sigmoid(first: int, last: int, x: Array, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(y.size):
        y[i] = logistic(x[i])


@replaced_by(filled(_sigmoid, cost=2))
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, written so that nothing overflows."""
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1, e) / (1 + e)
    return y


@flat_kernel
def _sigmoid_backward(first: int, last: int, gy: Array, y: Array, gx: Array) -> None:
    gy, y, gx = gy[first:last], y[first:last], gx[first:last]
    one = y.dtype.type(1)
    for i in range(gx.size):
        gx[i] = gy[i] * y[i] * (one - y[i])


@replaced_by(filled(_sigmoid_backward, cost=1))
def sigmoid_backward(gy: Array, y: Array) -> Array:
    """Gradient of ``sigmoid``, by its output: ``gy * y * (1 - y)``."""
    gx: Array = gy * y * (1 - y)
    return gx


@flat_kernel
def _tanh_backward(first: int, last: int, gy: Array, y: Array, gx: Array) -> None:
    gy, y, gx = gy[first:last], y[first:last], gx[first:last]
    one = y.dtype.type(1)
    for i in range(gx.size):
        gx[i] = gy[i] * (one - y[i] * y[i])


@replaced_by(filled(_tanh_backward, cost=1))
def tanh_backward(gy: Array, y: Array) -> Array:
    """Gradient of tanh, by its output: ``gy * (1 - y**2)``."""
    gx: Array = gy * (1 - y * y)
    return gx


@flat_kernel
def _silu(first: int, last: int, x: Array, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(y.size):
        y[i] = x[i] * logistic(x[i])


@replaced_by(filled(_silu, cost=2))
def silu(x: Array) -> Array:
    """``x * sigmoid(x)``, also known as swish."""
    y: Array = x * sigmoid(x)
    return y


@flat_kernel
def _silu_backward(first: int, last: int, gy: Array, x: Array, gx: Array) -> None:
    gy, x, gx = gy[first:last], x[first:last], gx[first:last]
    one = x.dtype.type(1)
    for i in range(gx.size):
        s = logistic(x[i])
        gx[i] = gy[i] * s * (one + x[i] * (one - s))


@replaced_by(filled(_silu_backward, cost=2))
def silu_backward(gy: Array, x: Array) -> Array:
    """Gradient of ``silu``: ``gy * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    s = sigmoid(x)
    gx: Array = gy * s * (1 + x * (1 - s))
    return gx


@flat_kernel
def _softplus(first: int, last: int, x: Array, beta: float, threshold: float, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    zero, b, top = x.dtype.type(0), x.dtype.type(beta), x.dtype.type(threshold)
    for i in range(y.size):
        z = b * x[i]
        smooth = ((z if z > zero else zero) + log1p_unit(exp_neg(-abs(z)))) / b
        y[i] = x[i] if z > top else smooth


@replaced_by(filled(_softplus, cost=3))
def softplus(x: Array, beta: float, threshold: float) -> Array:
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself where ``beta * x`` is above ``threshold``."""
    z = beta * x
    smooth = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
    return np.where(z > threshold, x, smooth)


@flat_kernel
def _softplus_backward(first: int, last: int, gy: Array, x: Array, beta: float, threshold: float, gx: Array) -> None:
    gy, x, gx = gy[first:last], x[first:last], gx[first:last]
    b, top = x.dtype.type(beta), x.dtype.type(threshold)
    for i in range(gx.size):
        z = b * x[i]
        smooth = gy[i] * logistic(z)
        gx[i] = gy[i] if z > top else smooth


@replaced_by(filled(_softplus_backward, cost=2))
def softplus_backward(gy: Array, x: Array, beta: float, threshold: float) -> Array:
    """Gradient of ``softplus``: ``gy * sigmoid(beta * x)``, and ``gy`` where it is the identity."""
    z = beta * x
    return np.where(z > threshold, gy, gy * sigmoid(z))


# --- the bias of a dense layer ----------------------------------------------------------------------------


@row_kernel
def _add_bias(first: int, last: int, y: Array, b: Array) -> None:
    for n in range(first, last):
        for c in range(y.shape[1]):
            y[n, c] += b[c]


def _fast_add_bias(y: Array, b: Array) -> None:
    if b.shape != y.shape[1:]:
        raise ValueError(f"a bias of shape {b.shape} for rows of shape {y.shape[1:]}")
    _add_bias(y.size, len(y), y, b)


@replaced_by(_fast_add_bias)
def add_bias(y: Array, b: Array) -> None:
    """Add ``b``, of shape (C,), to each row of ``y``, of shape (N, C), in place."""
    np.add(y, b, out=y)
