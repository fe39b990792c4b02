"""Normalisation: elements shifted and scaled, group by group, to mean 0 and variance 1.

In each, with m elements in a group::

    xhat = (x - mean) * inv_std            inv_std = 1 / sqrt(var + eps)
    y = w * xhat + b

and, as every element of a group shifts its mean and its variance too::

    g = w * gy                             what reaches xhat
    gx = inv_std * (g - mean(g) - xhat * mean(g * xhat))
    gw = sum(gy * xhat)                    gb = sum(gy)

Layer norm's groups are rows: it is in ``layer_norm.py``. Batch norm's are the channels of (N, C, L), with all
of N and L in a group.

The variance is taken in a second pass, around the mean: the mean of squares less the square of the mean
would lose all its digits where the mean is large. Batch norm does both passes on one run of L elements
while that is in the cache, and puts the runs together in float64.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.kernels.checks import check_shape
from minigrad.kernels.compile import Array, jit, replaced_by
from minigrad.kernels.layer_norm import factor_and_shift, layer_norm, layer_norm_backward
from minigrad.kernels.threads import in_single, row_kernel

__all__ = [
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_eval",
    "layer_norm",
    "layer_norm_backward",
    "move_running",
]


@row_kernel
def _run_moments(first: int, last: int, x: Array, means: Array, squares: Array) -> None:
    """Mean, and sum of squared deviations from it, of each run of L elements.

    The deviations from a mean that was rounded don't add up to 0; what they add up to corrects both.
    """
    _, channels, length = x.shape
    zero, count = x.dtype.type(0), x.dtype.type(length)
    for n in range(first, last):
        for c in range(channels):
            total, square, rest = zero, zero, zero
            for i in range(length):
                total += x[n, c, i]
            mean = total / count
            for i in range(length):
                d = x[n, c, i] - mean
                rest += d
                square += d * d
            means[n, c] = np.float64(mean) + np.float64(rest) / length
            squares[n, c] = square - rest * rest / count


@jit
def _join_moments(means: Array, squares: Array, length: int, eps: float, mean: Array, inv_std: Array) -> None:
    """Put the moments of runs, (N, C), together to those of channels."""
    runs, channels = means.shape
    center, square = np.zeros(channels), np.zeros(channels)
    for n in range(runs):
        for c in range(channels):
            center[c] += means[n, c]
    for c in range(channels):
        center[c] /= runs
    for n in range(runs):
        for c in range(channels):
            d = means[n, c] - center[c]
            square[c] += squares[n, c] + length * (d * d)
    for c in range(channels):
        mean[c] = center[c]
        inv_std[c] = 1.0 / math.sqrt(square[c] / (runs * length) + eps)


@row_kernel
def _normalise_runs(first: int, last: int, x: Array, w: Array, b: Array, mean: Array, inv_std: Array, y: Array) -> None:
    _, channels, length = x.shape
    for n in range(first, last):
        for c in range(channels):
            center, scale, shift = mean[c], inv_std[c] * w[c], b[c]
            for i in range(length):
                y[n, c, i] = (x[n, c, i] - center) * scale + shift


@row_kernel
def _normalise_rows(first: int, last: int, x: Array, w: Array, b: Array, mean: Array, inv_std: Array, y: Array) -> None:
    """The same for L = 1, where the channels of a sample are what lies together."""
    channels = x.shape[1]
    for n in range(first, last):
        for c in range(channels):
            y[n, c] = (x[n, c] - mean[c]) * (inv_std[c] * w[c]) + b[c]


def _normalise(x3: Array, w: Array, b: Array, mean: Array, inv_std: Array) -> Array:
    check_shape("mean", mean, x3.shape[1:2])
    check_shape("inv_std", inv_std, x3.shape[1:2])
    y = np.empty(x3.shape, dtype=x3.dtype)
    if x3.shape[2] == 1:
        _normalise_rows(x3.size, len(x3), x3[:, :, 0], w, b, mean, inv_std, y[:, :, 0])
    else:
        _normalise_runs(x3.size, len(x3), x3, w, b, mean, inv_std, y)
    return y


def _fast_batch_norm(x3: Array, w: Array | None, b: Array | None, eps: float) -> tuple[Array, Array, Array]:
    if x3.dtype.char == "e":
        return in_single(_fast_batch_norm, x3, w, b, eps)
    samples, channels, length = x3.shape
    x3 = np.ascontiguousarray(x3)
    if length == 1:
        means, squares = x3[:, :, 0], np.zeros((samples, channels))
    else:
        means, squares = np.empty((2, samples, channels))
        _run_moments(2 * x3.size, len(x3), x3, means, squares)
    mean, inv_std = np.empty((2, channels), dtype=x3.dtype)
    _join_moments(means, squares, length, float(eps), mean, inv_std)
    return _normalise(x3, *factor_and_shift(x3, channels, w, b), mean, inv_std), mean, inv_std


@replaced_by(_fast_batch_norm)
def batch_norm(x3: Array, w: Array | None, b: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """Normalise each channel over the batch.

    Parameters
    ----------
    x3
        (N, C, L): samples, channels, and all places in one axis.
    w, b
        (C,), or None.
    eps
        Keeps the division from zero.

    Returns
    -------
    (y, mean, inv_std)
        (N, C, L), (C,) and (C,); the variance is the biased one, divided by N * L.
    """
    mean = x3.mean(axis=(0, 2))
    var = x3.var(axis=(0, 2))
    inv_std = 1 / np.sqrt(var + eps)
    return batch_norm_eval(x3, w, b, mean, var, eps), mean, inv_std


@row_kernel
def _move_running(
    first: int, last: int, mean: Array, var: Array, now: Array, inv_std: Array, eps: float, rate: float, unbias: float
) -> None:
    for c in range(first, last):
        batch_var = max(1.0 / (np.float64(inv_std[c]) * np.float64(inv_std[c])) - eps, 0.0) * unbias
        mean[c] += rate * (now[c] - mean[c])
        var[c] += rate * (batch_var - var[c])


def _fast_move_running(
    mean: Array, var: Array, batch_mean: Array, inv_std: Array, eps: float, momentum: float, correction: float
) -> None:
    for array in (var, batch_mean, inv_std):
        check_shape("a channel's moment", array, mean.shape)
    _move_running(mean.size, mean.size, mean, var, batch_mean, inv_std, float(eps), float(momentum), correction)


@replaced_by(_fast_move_running)
def move_running(
    mean: Array, var: Array, batch_mean: Array, inv_std: Array, eps: float, momentum: float, correction: float
) -> None:
    """Move the running mean and variance, in place, towards a batch's, all of shape (C,).

    The batch's variance is taken from its ``inv_std``; times ``correction`` it is the unbiased one.
    """
    batch_var = np.maximum(1 / inv_std.astype(np.float64) ** 2 - eps, 0) * correction
    mean += (momentum * (batch_mean - mean)).astype(mean.dtype)
    var += (momentum * (batch_var - var)).astype(var.dtype)


def _fast_batch_norm_eval(x3: Array, w: Array | None, b: Array | None, mean: Array, var: Array, eps: float) -> Array:
    x3 = np.ascontiguousarray(x3)
    inv_std = 1 / np.sqrt(var + eps)
    return _normalise(x3, *factor_and_shift(x3, x3.shape[1], w, b), np.ascontiguousarray(mean), inv_std)


@replaced_by(_fast_batch_norm_eval)
def batch_norm_eval(x3: Array, w: Array | None, b: Array | None, mean: Array, var: Array, eps: float) -> Array:
    """Normalise each channel of x3, (N, C, L), by a mean and variance that are given, (C,) each."""
    y = (x3 - mean[:, None]) / np.sqrt(var + eps)[:, None]
    if w is not None:
        y = y * w[:, None]
    return y if b is None else y + b[:, None]


@row_kernel
def _run_sums(first: int, last: int, gy: Array, x: Array, mean: Array, sums: Array, products: Array) -> None:
    """Per run: the sums of gy and of gy * (x - mean)."""
    _, channels, length = x.shape
    for n in range(first, last):
        for c in range(channels):
            total, product, center = gy.dtype.type(0), gy.dtype.type(0), mean[c]
            for i in range(length):
                total += gy[n, c, i]
                product += gy[n, c, i] * (x[n, c, i] - center)
            sums[n, c] = total
            products[n, c] = product


@row_kernel
def _row_products(first: int, last: int, gy: Array, x: Array, mean: Array, products: Array) -> None:
    """For L = 1: gy * (x - mean)."""
    channels = x.shape[1]
    for n in range(first, last):
        for c in range(channels):
            products[n, c] = gy[n, c] * (x[n, c] - mean[c])


@jit
def _join_sums(sums: Array, products: Array, w: Array, inv_std: Array, length: int, factors: Array) -> None:
    """Put the sums of runs, (N, C), together: ``factors`` are gw, gb, and the three of ``_run_gradients``."""
    runs, channels = sums.shape
    total, product = np.zeros(channels), np.zeros(channels)
    for n in range(runs):
        for c in range(channels):
            total[c] += sums[n, c]
            product[c] += products[n, c]
    for c in range(channels):
        factors[0, c] = product[c] * inv_std[c]
        factors[1, c] = total[c]
        factors[2, c] = inv_std[c] * w[c]
        factors[3, c] = total[c] / (runs * length)
        factors[4, c] = product[c] * inv_std[c] * inv_std[c] / (runs * length)


@row_kernel
def _run_gradients(first: int, last: int, gy: Array, x: Array, mean: Array, factors: Array, gx: Array) -> None:
    _, channels, length = x.shape
    for n in range(first, last):
        for c in range(channels):
            center, scale, shift, slope = mean[c], factors[2, c], factors[3, c], factors[4, c]
            for i in range(length):
                gx[n, c, i] = scale * (gy[n, c, i] - shift - slope * (x[n, c, i] - center))


@row_kernel
def _row_gradients(first: int, last: int, gy: Array, x: Array, mean: Array, factors: Array, gx: Array) -> None:
    channels = x.shape[1]
    scale, shift, slope = factors[2], factors[3], factors[4]
    for n in range(first, last):
        for c in range(channels):
            gx[n, c] = scale[c] * (gy[n, c] - shift[c] - slope[c] * (x[n, c] - mean[c]))


def _fast_batch_norm_backward(
    gy3: Array, x3: Array, w: Array | None, mean: Array, inv_std: Array
) -> tuple[Array, Array | None, Array | None]:
    if x3.dtype.char == "e":
        return in_single(_fast_batch_norm_backward, gy3, x3, w, mean, inv_std)
    samples, channels, length = x3.shape
    check_shape("the gradient", gy3, x3.shape)
    for array in (w, mean, inv_std):
        check_shape("a channel's factor", array, (channels,))
    gy3, x3 = np.ascontiguousarray(gy3), np.ascontiguousarray(x3)
    gx, factors = np.empty(x3.shape, dtype=x3.dtype), np.empty((5, channels), dtype=x3.dtype)
    scale = np.ones(channels, dtype=x3.dtype) if w is None else np.ascontiguousarray(w)
    if length == 1:
        gy2, x2, products = gy3[:, :, 0], x3[:, :, 0], np.empty((samples, channels), dtype=x3.dtype)
        _row_products(x2.size, len(x2), gy2, x2, mean, products)
        _join_sums(gy2, products, scale, inv_std, 1, factors)
        _row_gradients(x2.size, len(x2), gy2, x2, mean, factors, gx[:, :, 0])
    else:
        sums, products = np.empty((2, samples, channels), dtype=x3.dtype)
        _run_sums(2 * x3.size, len(x3), gy3, x3, mean, sums, products)
        _join_sums(sums, products, scale, inv_std, length, factors)
        _run_gradients(x3.size, len(x3), gy3, x3, mean, factors, gx)
    return (gx, None, None) if w is None else (gx, factors[0], factors[1])


@replaced_by(_fast_batch_norm_backward)
def batch_norm_backward(
    gy3: Array, x3: Array, w: Array | None, mean: Array, inv_std: Array
) -> tuple[Array, Array | None, Array | None]:
    """Gradients of ``batch_norm``, by its mean and inv_std: (gx3, gw, gb); the last two None without w."""
    xhat = (x3 - mean[:, None]) * inv_std[:, None]
    gw = (gy3 * xhat).sum(axis=(0, 2))
    gb = gy3.sum(axis=(0, 2))
    count = max(x3.shape[0] * x3.shape[2], 1)
    gx = inv_std[:, None] * (gy3 - gb[:, None] / count - xhat * (gw[:, None] / count))
    return (gx, None, None) if w is None else (w[:, None] * gx, gw, gb)
