"""The error function, and the Gaussian error linear unit with and without it.

``gelu(x) = x * P(x)``, where ``P(x) = (1 + erf(x / sqrt(2))) / 2`` is the probability that a standard normal
variable is below x. The form by tanh is the older, cheaper one, which GPT-2 uses. It is written by the
logistic function here: ``(1 + tanh(u)) / 2 = sigmoid(2 u)``.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.kernels import vector_math
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import filled, flat_kernel
from minigrad.kernels.vector_math import logistic, normal

SQRT_HALF = math.sqrt(0.5)
NORMAL_PEAK = 1 / math.sqrt(2 * math.pi)
#: ``2 u = SLOPE * (x + CUBIC * x**3)`` in the form by tanh.
SLOPE, CUBIC = 2 * math.sqrt(2 / math.pi), 0.044715


@flat_kernel
def _erf(first: int, last: int, x: Array, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(y.size):
        y[i] = vector_math.erf(x[i])


@replaced_by(filled(_erf, cost=3))
def erf(x: Array) -> Array:
    """The error function; its derivative is ``2 / sqrt(pi) * exp(-x**2)``."""
    return np.asarray(np.vectorize(math.erf, otypes=[x.dtype.char])(x))


@flat_kernel
def _gelu(first: int, last: int, x: Array, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    for i in range(y.size):
        y[i] = x[i] if x[i] > 40 else x[i] * normal(x[i])[1]  # there P(x) is 1, and normal(inf) NaN


@replaced_by(filled(_gelu, cost=3))
def gelu(x: Array) -> Array:
    """``x * P(x)``, by the error function."""
    y: Array = 0.5 * x * (1 + erf(SQRT_HALF * x))
    return y


@flat_kernel
def _gelu_backward(first: int, last: int, gy: Array, x: Array, gx: Array) -> None:
    gy, x, gx = gy[first:last], x[first:last], gx[first:last]
    peak = x.dtype.type(NORMAL_PEAK)
    for i in range(gx.size):
        e, below = normal(x[i])
        gx[i] = gy[i] * (below + x[i] * peak * e)


@replaced_by(filled(_gelu_backward, cost=4))
def gelu_backward(gy: Array, x: Array) -> Array:
    """Gradient of ``gelu``: ``gy * (P(x) + x * p(x))``, where p is the normal density."""
    below = 0.5 * (1 + erf(SQRT_HALF * x))
    density = NORMAL_PEAK * np.exp(-0.5 * x * x)
    return gy * (below + x * density)


@flat_kernel
def _gelu_tanh(first: int, last: int, x: Array, y: Array) -> None:
    x, y = x[first:last], y[first:last]
    slope, cubic = x.dtype.type(SLOPE), x.dtype.type(CUBIC)
    for i in range(y.size):
        y[i] = x[i] * logistic(slope * (x[i] + cubic * x[i] * x[i] * x[i]))


@replaced_by(filled(_gelu_tanh, cost=2))
def gelu_tanh(x: Array) -> Array:
    """``x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``."""
    y: Array = 0.5 * x * (1 + np.tanh(0.5 * SLOPE * (x + CUBIC * x**3)))
    return y


@flat_kernel
def _gelu_tanh_backward(first: int, last: int, gy: Array, x: Array, gx: Array) -> None:
    gy, x, gx = gy[first:last], x[first:last], gx[first:last]
    one, slope = x.dtype.type(1), x.dtype.type(SLOPE)
    cubic, three = x.dtype.type(CUBIC), x.dtype.type(3)
    for i in range(gx.size):
        square = cubic * x[i] * x[i]
        s = logistic(slope * x[i] * (one + square))
        gx[i] = gy[i] * s * (one + x[i] * (one - s) * slope * (one + three * square))


@replaced_by(filled(_gelu_tanh_backward, cost=2))
def gelu_tanh_backward(gy: Array, x: Array) -> Array:
    """Gradient of ``gelu_tanh``: ``gy * ((1 + t) / 2 + x * (1 - t**2) / 2 * du/dx)`` with ``t = tanh(u)``."""
    t = np.tanh(0.5 * SLOPE * (x + CUBIC * x**3))
    du = 0.5 * SLOPE * (1 + 3 * CUBIC * x * x)
    gx: Array = gy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du)
    return gx
