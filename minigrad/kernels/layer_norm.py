"""Layer norm: each row shifted and scaled to mean 0 and variance 1. ``norm.py`` has the formulas."""

from __future__ import annotations

import numpy as np

from minigrad.kernels.checks import check_shape
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import row_kernel

#: gw and gb are summed in this many parts, each by one thread: always as many, so that the result doesn't
#: depend on the number of threads.
PARTS = 16


def factor_and_shift(x: Array, c: int, w: Array | None, b: Array | None) -> tuple[Array, Array]:
    """Give w and b as kernels want them: of shape (c,), contiguous, with 1 and 0 for None."""
    check_shape("weight", w, (c,))
    check_shape("bias", b, (c,))
    ones = np.ones(c, dtype=x.dtype) if w is None else np.ascontiguousarray(w)
    zeros = np.zeros(c, dtype=x.dtype) if b is None else np.ascontiguousarray(b)
    return ones, zeros


@row_kernel
def _layer_norm(
    first: int, last: int, x: Array, w: Array, b: Array, eps: float, y: Array, means: Array, inv_stds: Array
) -> None:
    d = x.shape[1]
    zero, count, small = x.dtype.type(0), x.dtype.type(d), x.dtype.type(eps)
    for r in range(first, last):
        total = zero
        for i in range(d):
            total += x[r, i]
        mean = total / count
        square = zero
        for i in range(d):
            t = x[r, i] - mean
            square += t * t
        inv_std = x.dtype.type(1) / np.sqrt(square / count + small)
        for i in range(d):
            y[r, i] = (x[r, i] - mean) * inv_std * w[i] + b[i]
        means[r] = mean
        inv_stds[r] = inv_std


def _fast_layer_norm(x2: Array, w: Array | None, b: Array | None, eps: float) -> tuple[Array, Array, Array]:
    rows, d = x2.shape
    x2 = np.ascontiguousarray(x2)
    y = np.empty(x2.shape, dtype=x2.dtype)
    mean, inv_std = np.empty((2, rows), dtype=x2.dtype)
    _layer_norm(3 * x2.size, rows, x2, *factor_and_shift(x2, d, w, b), float(eps), y, mean, inv_std)
    return y, mean, inv_std


@replaced_by(_fast_layer_norm)
def layer_norm(x2: Array, w: Array | None, b: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """Normalise each row.

    Parameters
    ----------
    x2
        (rows, d).
    w, b
        (d,), or None.
    eps
        Keeps the division from zero.

    Returns
    -------
    (y, mean, inv_std)
        (rows, d), (rows,) and (rows,).
    """
    mean = x2.mean(axis=1)
    inv_std = 1 / np.sqrt(x2.var(axis=1) + eps)
    y = (x2 - mean[:, None]) * inv_std[:, None]
    if w is not None:
        y = y * w
    return (y if b is None else y + b), mean, inv_std


@row_kernel
def _layer_norm_backward(
    first: int, last: int, gy: Array, x: Array, w: Array, mean: Array, inv_std: Array, gx: Array, gw: Array, gb: Array
) -> None:
    rows, d = x.shape
    parts = gw.shape[0]
    zero, count = x.dtype.type(0), x.dtype.type(d)
    for part in range(first, last):
        for r in range(part * rows // parts, (part + 1) * rows // parts):
            center, scale = mean[r], inv_std[r]
            total, product = zero, zero
            for i in range(d):
                g, xhat = w[i] * gy[r, i], (x[r, i] - center) * scale
                total += g
                product += g * xhat
                gw[part, i] += gy[r, i] * xhat
                gb[part, i] += gy[r, i]
            shift, slope = total / count, product / count
            for i in range(d):
                gx[r, i] = scale * (w[i] * gy[r, i] - shift - (x[r, i] - center) * scale * slope)


def _fast_layer_norm_backward(
    gy2: Array, x2: Array, w: Array | None, mean: Array, inv_std: Array
) -> tuple[Array, Array | None, Array | None]:
    rows, d = x2.shape
    check_shape("the gradient", gy2, x2.shape)
    check_shape("mean", mean, (rows,))
    check_shape("inv_std", inv_std, (rows,))
    gy2, x2 = np.ascontiguousarray(gy2), np.ascontiguousarray(x2)
    gx = np.empty(x2.shape, dtype=x2.dtype)
    parts = np.zeros((2, PARTS, d), dtype=x2.dtype)
    _layer_norm_backward(3 * x2.size, PARTS, gy2, x2, factor_and_shift(x2, d, w, w)[0], mean, inv_std, gx, *parts)
    if w is None:
        return gx, None, None
    gw, gb = parts.sum(axis=1)
    return gx, gw, gb


@replaced_by(_fast_layer_norm_backward)
def layer_norm_backward(
    gy2: Array, x2: Array, w: Array | None, mean: Array, inv_std: Array
) -> tuple[Array, Array | None, Array | None]:
    """Gradients of ``layer_norm``, by its mean and inv_std: (gx2, gw, gb); the last two None without w."""
    xhat = (x2 - mean[:, None]) * inv_std[:, None]
    g = gy2 if w is None else gy2 * w
    along = (g * xhat).mean(axis=1, keepdims=True)
    gx = inv_std[:, None] * (g - g.mean(axis=1, keepdims=True) - xhat * along)
    return (gx, None, None) if w is None else (gx, (gy2 * xhat).sum(axis=0), gy2.sum(axis=0))
