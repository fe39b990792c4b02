"""Recurrent cells: each time step of a cell is one node, which knows its gates by their names.

The input's part of the gates, ``x``, comes from a linear layer over all time steps at once; a cell adds the part of
the old state, ``h @ w.T + b``. An LSTM's cell state and a GRU's state have a direct way to their successor, which a
gate weighs: a skip along time. ``skip_backward`` gives the gradient of that way alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad.engine.base import array_of
from minigrad.engine.node import Node
from minigrad.kernels import recurrent as kernels
from minigrad.kernels.elementwise import relu
from minigrad.ops.common import T, is_array
from minigrad.ops.elementwise import Sigmoid, Tanh
from minigrad.ops.join import Cat, Split
from minigrad.ops.select import masked


def _check(x: Any, h: Any, w: Any, gates: int) -> None:
    """Say which shapes don't fit."""
    if w.ndim != 2 or h.ndim != 2 or w.shape[1] != h.shape[1]:
        raise ValueError(f"the old state h must be (batch, {w.shape[-1]}), as w is {w.shape}; it is {h.shape}")
    if x.shape != (h.shape[0], w.shape[0]):
        raise ValueError(f"x, the input's part of the {gates} gates, must be {(h.shape[0], w.shape[0])}, not {x.shape}")
    if w.shape[0] % gates:
        raise ValueError(f"w must have {gates} times as many rows as the state has features, not {w.shape[0]}")
    if not x.dtype == h.dtype == w.dtype:
        raise ValueError(f"x is {x.dtype}, h {h.dtype} and w {w.dtype}: bring them to one dtype with .to(dtype)")


class _Cell(Node):
    """What the cells share: the recurrent product's gradients."""

    x: Any
    h: Any
    w: Any
    b: Any

    def _product_gradients(self, gz: Any) -> tuple[Any, Any, Any]:
        """Those of ``z = h @ w.T + b`` for h, w and b, which are the cell's second and its last two inputs."""
        wants_h, wants_w, wants_b = self.wants[1], *self.wants[-2:]
        gh = gz @ self.w if wants_h else None
        gw = gz.swapaxes(0, 1) @ self.h if wants_w else None
        return gh, gw, gz.sum(axis=0) if wants_b else None

    def _product(self) -> tuple[Any, Any]:
        """``x`` and ``h @ w.T + b`` again, as tensors: for a graph of the gradient."""
        z = self.h @ self.w.swapaxes(0, 1)
        return self.x, z if self.b is None else z + self.b


class RNNCell(_Cell):
    """``y = tanh(x + h @ w.T + b)``, or relu (Elman, 1990).

    Backward: ``gz = gy * (1 - y**2)``, or ``gy`` where ``y > 0``; ``gx = gz``, ``gh = gz @ w``, ``gw = gz.T @ h``,
    ``gb = sum(gz)``.
    """

    def __init__(self, nonlinearity: str = "tanh") -> None:
        self.nonlinearity = nonlinearity

    def forward(self, x: Any, h: Any, w: Any, b: Any) -> Any:
        _check(x, h, w, 1)
        self.h, self.w = h, w
        z = x + h.dot(w.T)
        if b is not None:
            z += b
        self.y = relu(z) if self.nonlinearity == "relu" else np.tanh(z)
        return self.y

    def backward(self, gy: Any) -> Any:
        if self.nonlinearity == "relu":
            gz = masked(gy, array_of(self.y) > 0)
        else:
            gz = gy * (1 - self.y * self.y)
        gh, gw, gb = self._product_gradients(gz)
        return gz, gh, gw, gb


class LSTMCell(_Cell):
    """``c' = f * c + i * g``, ``h' = o * tanh(c')`` (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    The gates are ``i, f, o = sigmoid(z)`` and ``g = tanh(z)``, each of its own quarter of ``z = x + h @ w.T + b``.
    The cell state is a skip along time that the forget gate weighs.

    Backward, with ``t = tanh(c')`` and ``through = gc' + gh' * o * (1 - t**2)``, all that reaches c':
    ``gc = through * f``; ``gz = (through * g * i', through * c * f', through * i * (1 - g**2), gh' * t * o')``,
    where ``s' = s * (1 - s)``; ``gx = gz``, ``gh = gz @ w``, ``gw = gz.T @ h``, ``gb = sum(gz)``.
    """

    #: c (input 2) reaches c' (output 1) by the skip only; its other way leads to h'.
    skip_ways: ClassVar[dict[tuple[int, int], bool]] = {(2, 1): False}

    def forward(self, x: Any, h: Any, c: Any, w: Any, b: Any) -> Any:
        _check(x, h, w, 4)
        if c.shape != (len(x), w.shape[0] // 4):
            raise ValueError(f"the old cell state c must be {(len(x), w.shape[0] // 4)}, it is {c.shape}")
        self.x, self.h, self.c, self.w, self.b = x, h, c, w, b
        (self.i, self.f, self.g, self.o, self.t), c_new, h_new = kernels.lstm_cell(x, h.dot(w.T), b, c)
        return h_new, c_new

    def backward(self, gh_new: Any, gc_new: Any) -> Any:
        if is_array(gh_new) and is_array(gc_new):
            gz, gc = kernels.lstm_cell_backward(gh_new, gc_new, self.i, self.f, self.g, self.o, self.t, self.c)
        else:
            i, f, g, o, t = self._gates()
            through = gc_new + gh_new * o * (1 - t * t)
            gc = through * f
            g_i, g_f = through * g * i * (1 - i), through * self.c * f * (1 - f)
            g_g, g_o = through * i * (1 - g * g), gh_new * t * o * (1 - o)
            gz = Cat(1)(g_i, g_f, g_g, g_o)
        gh, gw, gb = self._product_gradients(gz)
        return gz, gh, gc, gw, gb

    def skip_backward(self, gh_new: Any, gc_new: Any) -> Any:
        """What takes the direct way, from c' to c: ``gc' * f``."""
        return None, None, gc_new * self.f, None, None

    def _gates(self) -> tuple[Any, ...]:
        """The gates and ``tanh(c')`` again, as tensors."""
        x, z = self._product()
        i, f, g, o = Split(1, (self.c.shape[1],) * 4)(x + z)
        i, f, g, o = Sigmoid()(i), Sigmoid()(f), Tanh()(g), Sigmoid()(o)
        return i, f, g, o, Tanh()(f * self.c + i * g)


class GRUCell(_Cell):
    """``h' = (1 - u) * n + u * h`` (Cho et al., 2014; the reset gate after the product, as in cuDNN and PyTorch).

    The gates are ``r, u = sigmoid(x + z)``, each of its third of ``z = h @ w.T + b``, and ``n = tanh(x_n + r * z_n)``.
    PyTorch writes z for the update gate u. The state is a skip along time that u weighs.

    Backward: ``g_n = gy * (1 - u) * (1 - n**2)``, ``g_r = g_n * z_n * r * (1 - r)``,
    ``g_u = gy * (h - n) * u * (1 - u)``; ``gx = (g_r, g_u, g_n)``, ``gz = (g_r, g_u, g_n * r)``;
    ``gh = gy * u + gz @ w``, ``gw = gz.T @ h``, ``gb = sum(gz)``.
    """

    #: h (input 1) reaches h' (output 0) by the skip, and through the gates too.
    skip_ways: ClassVar[dict[tuple[int, int], bool]] = {(1, 0): True}

    def forward(self, x: Any, h: Any, w: Any, b: Any) -> Any:
        _check(x, h, w, 3)
        self.x, self.h, self.w, self.b = x, h, w, b
        (self.r, self.u, self.n, self.m), h_new = kernels.gru_cell(x, h.dot(w.T), b, h)
        return h_new

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            gx, gz, gh_skip = kernels.gru_cell_backward(gy, self.r, self.u, self.n, self.m, self.h)
        else:
            r, u, n, m = self._gates()
            g_n = gy * (1 - u) * (1 - n * n)
            g_r, g_u = g_n * m * r * (1 - r), gy * (self.h - n) * u * (1 - u)
            gx, gz, gh_skip = Cat(1)(g_r, g_u, g_n), Cat(1)(g_r, g_u, g_n * r), gy * u
        gh, gw, gb = self._product_gradients(gz)
        return gx, None if gh is None else gh + gh_skip, gw, gb

    def skip_backward(self, gy: Any) -> Any:
        """What takes the direct way, from h' to h: ``gy * u``."""
        return None, gy * self.u, None, None

    def _gates(self) -> tuple[Any, ...]:
        """The gates, and what r weighs, again, as tensors."""
        x, z = self._product()
        widths = (self.h.shape[1],) * 3
        (x_r, x_u, x_n), (z_r, z_u, m) = Split(1, widths)(x), Split(1, widths)(z)
        r, u = Sigmoid()(x_r + z_r), Sigmoid()(x_u + z_u)
        return r, u, Tanh()(x_n + r * m), m


class Together(Node):
    """A layer's parts put together along an axis: its time steps, or its two directions. Backward: each its slice.

    It does what `Cat` does; but a `Cat` of ways that part and meet again is read as a skip connection, and these are
    the outputs of one layer.
    """

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, *xs: Any) -> Any:
        self.sizes = tuple(x.shape[self.axis] for x in xs)
        return np.concatenate(xs, self.axis)

    def backward(self, gy: Any) -> Any:
        return Split(self.axis, self.sizes)(gy)


def together(parts: Sequence[T], axis: int = 0) -> T:
    """Put the parts of one layer together along an axis."""
    result: T = Together(axis).apply_to(*parts)
    return result


def rnn_step(x: T, h: T, w: T, b: T | None = None, nonlinearity: str = "tanh") -> T:
    """One time step of a plain recurrent net, from the input's part ``x``, (batch, hidden), and the old state."""
    result: T = RNNCell(nonlinearity).apply_to(x, h, w, b)
    return result


def lstm_step(x: T, h: T, c: T, w: T, b: T | None = None) -> tuple[T, T]:
    """One time step of an LSTM, from the input's part of the gates ``x``, (batch, 4 * hidden), and the old states."""
    result: tuple[T, T] = LSTMCell().apply_to(x, h, c, w, b)
    return result


def gru_step(x: T, h: T, w: T, b: T | None = None) -> T:
    """One time step of a GRU, from the input's part of the gates ``x``, (batch, 3 * hidden), and the old state."""
    result: T = GRUCell().apply_to(x, h, w, b)
    return result
