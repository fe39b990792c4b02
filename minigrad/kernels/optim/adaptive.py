"""Optimisers whose step adapts to each parameter: Adam and RMSprop. ``descent.py`` says what all have in common."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kernels.compile import Array, jit, replaced_by
from minigrad.kernels.optim.descent import update
from minigrad.kernels.threads import flat_kernel


@jit
def _lerp(a: Any, b: Any, weight: Any, rest: Any) -> Any:
    """From a towards b by ``weight``, exact at both ends; ``rest`` is 1 - weight."""
    return a + weight * (b - a) if weight < rest else b - rest * (b - a)


@flat_kernel
def _adam(
    first: int,
    last: int,
    g: Array,
    p: Array,
    m: Array,
    v: Array,
    vmax: Array,
    step_size: float,
    beta1: float,
    beta2: float,
    correction: float,
    eps: float,
    decay: float,
    shrink: float,
    sign: float,
    amsgrad: bool,
) -> None:
    g, p, m, v, vmax = g[first:last], p[first:last], m[first:last], v[first:last], vmax[first:last]
    t = p.dtype.type
    size, b1, w1, b2, w2 = t(step_size), t(beta1), t(1 - beta1), t(beta2), t(1 - beta2)
    scale, small, wd, keep, up = t(1 / correction), t(eps), t(decay), t(shrink), t(sign)
    for i in range(p.size):
        d = up * g[i] + wd * p[i]
        m[i] = _lerp(m[i], d, w1, b1)
        v[i] = b2 * v[i] + w2 * d * d
        square = v[i]
        if amsgrad:
            square = vmax[i] if vmax[i] > square else square
            vmax[i] = square
        p[i] = keep * p[i] - size * m[i] / (math.sqrt(square) * scale + small)


def _fast_adam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    vmax: Array | None,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    amsgrad: bool,
    maximize: bool,
) -> None:
    update(
        _adam,
        4,
        g,
        (p, m, v, vmax),
        lr / (1 - beta1**step),
        float(beta1),
        float(beta2),
        math.sqrt(1 - beta2**step),
        float(eps),
        0.0 if decoupled else float(weight_decay),
        1.0 - lr * weight_decay if decoupled else 1.0,
        -1.0 if maximize else 1.0,
        bool(amsgrad),
    )


@replaced_by(_fast_adam)
def adam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    vmax: Array | None,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    amsgrad: bool,
    maximize: bool,
) -> None:
    """Adam: a step along the mean gradient, over the root of the mean squared one; ``step`` counts from 1.

    In full::

        g += weight_decay * p                             decoupled (AdamW): p *= 1 - lr * weight_decay
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p -= lr * mhat / (sqrt(vhat) + eps)

    Both means start from 0 and are short at first: ``mhat = m / (1 - beta1**step)``, and vhat likewise. With
    ``amsgrad``, vhat comes from ``vmax``, the largest v so far.
    """
    if maximize:
        g = -g
    if decoupled:
        p *= 1 - lr * weight_decay
    else:
        g = g + weight_decay * p
    m[...] = beta1 * m + (1 - beta1) * g
    v[...] = beta2 * v + (1 - beta2) * g * g
    square = v
    if amsgrad:
        assert vmax is not None
        square = np.maximum(vmax, v, out=vmax)
    root = np.sqrt(square) / math.sqrt(1 - beta2**step)
    p -= lr / (1 - beta1**step) * m / (root + eps)


@flat_kernel
def _rmsprop(
    first: int,
    last: int,
    g: Array,
    p: Array,
    sq: Array,
    buf: Array,
    gavg: Array,
    rate: float,
    alpha: float,
    eps: float,
    decay: float,
    momentum: float,
    sign: float,
    centered: bool,
) -> None:
    g, p, sq, buf, gavg = g[first:last], p[first:last], sq[first:last], buf[first:last], gavg[first:last]
    t = p.dtype.type
    lr, a, rest, small, wd, mu, up = (t(rate), t(alpha), t(1 - alpha), t(eps), t(decay), t(momentum), t(sign))
    for i in range(p.size):
        d = up * g[i] + wd * p[i]
        sq[i] = a * sq[i] + rest * d * d
        square = sq[i]
        if centered:
            gavg[i] = _lerp(gavg[i], d, rest, a)
            square -= gavg[i] * gavg[i]
        d /= math.sqrt(square) + small
        if momentum > 0:
            buf[i] = mu * buf[i] + d
            d = buf[i]
        p[i] -= lr * d


def _fast_rmsprop(
    p: Array,
    g: Array,
    sq: Array,
    buf: Array | None,
    gavg: Array | None,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> None:
    update(
        _rmsprop,
        4,
        g,
        (p, sq, buf, gavg),
        float(lr),
        float(alpha),
        float(eps),
        float(weight_decay),
        float(momentum),
        -1.0 if maximize else 1.0,
        bool(centered),
    )


@replaced_by(_fast_rmsprop)
def rmsprop(
    p: Array,
    g: Array,
    sq: Array,
    buf: Array | None,
    gavg: Array | None,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> None:
    """RMSprop: a step along the gradient, over the root of the mean squared one.

    In full::

        g += weight_decay * p
        sq = alpha * sq + (1 - alpha) * g**2
        p -= lr * g / (sqrt(sq) + eps)

    ``centered`` takes the variance, ``sq - gavg**2`` with the mean gradient ``gavg``, in place of sq. With
    momentum the steps are summed in ``buf``, and p moves along that.
    """
    g = (-g if maximize else g) + weight_decay * p
    sq[...] = alpha * sq + (1 - alpha) * g * g
    square = sq
    if centered:
        assert gavg is not None
        gavg[...] = alpha * gavg + (1 - alpha) * g
        square = sq - gavg * gavg
    d = g / (np.sqrt(square) + eps)
    if momentum > 0:
        assert buf is not None
        buf[...] = momentum * buf + d
        d = buf
    p -= lr * d
