"""What a recurrent cell does element by element: the gates and the new state, in one go over the data.

The matrix product with the old state is done before; here ``z`` is that product, ``x`` the input's part of the
gates, and ``b`` the bias of the recurrent product, or None. The gates of a row of ``z``, ``x`` and ``b`` lie side
by side, in PyTorch's order. Each activated gate is an array of its own, (rows, hidden).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kernels.compile import Array, jit, replaced_by
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.vector_math import expm1_neg, logistic

#: What an element of a state costs, beside an addition: the gates' exponentials.
COST = 20


@jit
def _tanh(x: Any) -> Any:
    """By ``e = exp(-2 |x|) - 1``, which keeps the digits near 0."""
    two = type(x)(2)
    e = expm1_neg(-two * abs(x))
    return math.copysign(-e / (e + two), x)


def _logistic(x: Array) -> Array:
    e = np.exp(-abs(x))
    y: Array = np.where(x >= 0, 1, e) / (1 + e)
    return y


def _bias(x: Array, b: Array | None) -> Array:
    return np.zeros(x.shape[1], x.dtype) if b is None else np.ascontiguousarray(b)


# --- LSTM ---------------------------------------------------------------------------------------------------


@row_kernel
def _lstm_cell(
    first: int,
    last: int,
    x: Array,
    z: Array,
    b: Array,
    c: Array,
    i: Array,
    f: Array,
    g: Array,
    o: Array,
    t: Array,
    c_new: Array,
    h_new: Array,
) -> None:
    n = c.shape[1]
    for r in range(first, last):
        for k in range(n):
            i[r, k] = logistic(x[r, k] + z[r, k] + b[k])
            f[r, k] = logistic(x[r, n + k] + z[r, n + k] + b[n + k])
            g[r, k] = _tanh(x[r, 2 * n + k] + z[r, 2 * n + k] + b[2 * n + k])
            o[r, k] = logistic(x[r, 3 * n + k] + z[r, 3 * n + k] + b[3 * n + k])
        for k in range(n):
            c_new[r, k] = f[r, k] * c[r, k] + i[r, k] * g[r, k]
            t[r, k] = _tanh(c_new[r, k])
            h_new[r, k] = o[r, k] * t[r, k]


def _fast_lstm_cell(x: Array, z: Array, b: Array | None, c: Array) -> tuple[tuple[Array, ...], Array, Array]:
    kept = np.empty((5, *c.shape), c.dtype)
    i, f, g, o, t = kept
    c_new, h_new = np.empty(c.shape, c.dtype), np.empty(c.shape, c.dtype)
    x, z, c = np.ascontiguousarray(x), np.ascontiguousarray(z), np.ascontiguousarray(c)
    _lstm_cell(COST * c.size, len(c), x, z, _bias(x, b), c, i, f, g, o, t, c_new, h_new)
    return (i, f, g, o, t), c_new, h_new


@replaced_by(_fast_lstm_cell)
def lstm_cell(x: Array, z: Array, b: Array | None, c: Array) -> tuple[tuple[Array, ...], Array, Array]:
    """``c' = f * c + i * g`` and ``h' = o * tanh(c')``.

    Parameters
    ----------
    x, z
        (rows, 4 * hidden): i, f, g and o before their activations, as ``x + z + b``.
    b
        (4 * hidden,), or None.
    c
        The old cell state, (rows, hidden).

    Returns
    -------
    (i, f, g, o, tanh(c')), c', h'
        Each (rows, hidden).
    """
    i, f, g, o = np.split(x + z + _bias(x, b), 4, axis=1)
    i, f, g, o = _logistic(i), _logistic(f), np.tanh(g), _logistic(o)
    c_new: Array = f * c + i * g
    t = np.tanh(c_new)
    return (i, f, g, o, t), c_new, o * t


@row_kernel
def _lstm_cell_backward(
    first: int,
    last: int,
    gh: Array,
    gc: Array,
    i: Array,
    f: Array,
    g: Array,
    o: Array,
    t: Array,
    c: Array,
    gz: Array,
    gc_old: Array,
) -> None:
    n = c.shape[1]
    one = c.dtype.type(1)
    for r in range(first, last):
        for k in range(n):
            through = gc[r, k] + gh[r, k] * o[r, k] * (one - t[r, k] * t[r, k])
            gz[r, k] = through * g[r, k] * i[r, k] * (one - i[r, k])
            gz[r, n + k] = through * c[r, k] * f[r, k] * (one - f[r, k])
            gz[r, 2 * n + k] = through * i[r, k] * (one - g[r, k] * g[r, k])
            gz[r, 3 * n + k] = gh[r, k] * t[r, k] * o[r, k] * (one - o[r, k])
            gc_old[r, k] = through * f[r, k]


def _fast_lstm_cell_backward(
    gh: Array, gc: Array, i: Array, f: Array, g: Array, o: Array, t: Array, c: Array
) -> tuple[Array, Array]:
    gz, gc_old = np.empty((c.shape[0], 4 * c.shape[1]), c.dtype), np.empty(c.shape, c.dtype)
    gh, gc, c = np.ascontiguousarray(gh), np.ascontiguousarray(gc), np.ascontiguousarray(c)
    _lstm_cell_backward(COST * c.size // 2, len(c), gh, gc, i, f, g, o, t, c, gz, gc_old)
    return gz, gc_old


@replaced_by(_fast_lstm_cell_backward)
def lstm_cell_backward(
    gh: Array, gc: Array, i: Array, f: Array, g: Array, o: Array, t: Array, c: Array
) -> tuple[Array, Array]:
    """Gradients of ``lstm_cell`` by ``z`` (and ``x``: the same), (rows, 4 * hidden), and by ``c``.

    What reaches c' comes through h' too: ``through = gc + gh * o * (1 - tanh(c')**2)``; then ``gc_old = through * f``.
    """
    through = gc + gh * o * (1 - t * t)
    gates = (through * g * i * (1 - i), through * c * f * (1 - f), through * i * (1 - g * g), gh * t * o * (1 - o))
    return np.concatenate(gates, axis=1), through * f


# --- GRU ----------------------------------------------------------------------------------------------------


@row_kernel
def _gru_cell(
    first: int, last: int, x: Array, z: Array, b: Array, h: Array, r: Array, u: Array, n: Array, m: Array, h_new: Array
) -> None:
    d = h.shape[1]
    one = h.dtype.type(1)
    for row in range(first, last):
        for k in range(d):
            r[row, k] = logistic(x[row, k] + z[row, k] + b[k])
            u[row, k] = logistic(x[row, d + k] + z[row, d + k] + b[d + k])
            m[row, k] = z[row, 2 * d + k] + b[2 * d + k]
            n[row, k] = _tanh(x[row, 2 * d + k] + r[row, k] * m[row, k])
            h_new[row, k] = (one - u[row, k]) * n[row, k] + u[row, k] * h[row, k]


def _fast_gru_cell(x: Array, z: Array, b: Array | None, h: Array) -> tuple[tuple[Array, ...], Array]:
    kept = np.empty((4, *h.shape), h.dtype)
    r, u, n, m = kept
    h_new = np.empty(h.shape, h.dtype)
    x, z, h = np.ascontiguousarray(x), np.ascontiguousarray(z), np.ascontiguousarray(h)
    _gru_cell(COST * h.size, len(h), x, z, _bias(x, b), h, r, u, n, m, h_new)
    return (r, u, n, m), h_new


@replaced_by(_fast_gru_cell)
def gru_cell(x: Array, z: Array, b: Array | None, h: Array) -> tuple[tuple[Array, ...], Array]:
    """``h' = (1 - u) * n + u * h``, where ``n = tanh(x_n + r * (z_n + b_n))``.

    Parameters
    ----------
    x, z
        (rows, 3 * hidden): the reset gate r, the update gate u (PyTorch's z), and n, before their activations.
    b
        (3 * hidden,), or None.
    h
        The old state, (rows, hidden).

    Returns
    -------
    (r, u, n, m), h'
        ``m = z_n + b_n`` is what r weighs. Each (rows, hidden).
    """
    (x_r, x_u, x_n), (z_r, z_u, m) = np.split(x, 3, axis=1), np.split(z + _bias(x, b), 3, axis=1)
    r, u = _logistic(x_r + z_r), _logistic(x_u + z_u)
    n = np.tanh(x_n + r * m)
    return (r, u, n, m), (1 - u) * n + u * h


@row_kernel
def _gru_cell_backward(
    first: int, last: int, gy: Array, r: Array, u: Array, n: Array, m: Array, h: Array, gx: Array, gz: Array, gh: Array
) -> None:
    d = h.shape[1]
    one = h.dtype.type(1)
    for row in range(first, last):
        for k in range(d):
            g_n = gy[row, k] * (one - u[row, k]) * (one - n[row, k] * n[row, k])
            g_r = g_n * m[row, k] * r[row, k] * (one - r[row, k])
            g_u = gy[row, k] * (h[row, k] - n[row, k]) * u[row, k] * (one - u[row, k])
            gx[row, k], gx[row, d + k], gx[row, 2 * d + k] = g_r, g_u, g_n
            gz[row, k], gz[row, d + k], gz[row, 2 * d + k] = g_r, g_u, g_n * r[row, k]
            gh[row, k] = gy[row, k] * u[row, k]


def _fast_gru_cell_backward(gy: Array, r: Array, u: Array, n: Array, m: Array, h: Array) -> tuple[Array, Array, Array]:
    wide = (h.shape[0], 3 * h.shape[1])
    gx, gz, gh = np.empty(wide, h.dtype), np.empty(wide, h.dtype), np.empty(h.shape, h.dtype)
    _gru_cell_backward(
        COST * h.size // 2, len(h), np.ascontiguousarray(gy), r, u, n, m, np.ascontiguousarray(h), gx, gz, gh
    )
    return gx, gz, gh


@replaced_by(_fast_gru_cell_backward)
def gru_cell_backward(gy: Array, r: Array, u: Array, n: Array, m: Array, h: Array) -> tuple[Array, Array, Array]:
    """Gradients of ``gru_cell`` by ``x``, by ``z``, (rows, 3 * hidden), and by ``h`` on its direct way, ``gy * u``."""
    g_n = gy * (1 - u) * (1 - n * n)
    g_r = g_n * m * r * (1 - r)
    g_u = gy * (h - n) * u * (1 - u)
    return np.concatenate((g_r, g_u, g_n), axis=1), np.concatenate((g_r, g_u, g_n * r), axis=1), gy * u
