"""One step of an optimiser on one parameter, in place and in one pass over memory.

``p`` is the parameter and ``g`` its gradient; the other arrays are what the optimiser remembers of former
steps, one number for each of the parameter's. All have one shape, and all but ``g`` are changed. What the
options leave out may be None. The order of the operations is PyTorch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import RowKernel, flat_kernel

#: A step does little with each number that it fetches, so a second thread gains little; and while it then waits for
#: more to do, it is in the way of the next product's threads: 56 layers of 64 x 64 took 16 ms a step and not 8.
BANDWIDTH = 8


def update(kernel: RowKernel, cost: int, g: Array, arrays: tuple[Array | None, ...], *options: Any) -> None:
    """Call ``kernel`` on flat views; a None becomes an empty array, so that one signature serves."""
    p = arrays[0]
    assert p is not None
    for a in (g, *arrays):
        if a is not None and a.shape != p.shape:
            raise ValueError(f"a parameter of shape {p.shape} with a gradient or a state of shape {a.shape}")
    nothing = np.empty(0, dtype=p.dtype)
    flat = [nothing if a is None else a.ravel() for a in arrays]
    kernel(p.size * cost // BANDWIDTH, p.size, np.asarray(g, dtype=p.dtype).ravel(), *flat, *options)
    for a, changed in zip(arrays, flat, strict=True):
        if a is not None and not a.flags.c_contiguous:  # then ravel made a copy
            a[...] = changed.reshape(a.shape)


@flat_kernel
def _sgd(
    first: int,
    last: int,
    g: Array,
    p: Array,
    buf: Array,
    rate: float,
    momentum: float,
    dampening: float,
    decay: float,
    sign: float,
    nesterov: bool,
    start: bool,
) -> None:
    g, p, buf = g[first:last], p[first:last], buf[first:last]
    t = p.dtype.type
    lr, mu, fresh, wd, up = t(rate), t(momentum), t(1 - dampening), t(decay), t(sign)
    for i in range(p.size):
        d = up * g[i] + wd * p[i]
        if momentum != 0:
            b = d if start else mu * buf[i] + fresh * d
            buf[i] = b
            d = d + mu * b if nesterov else b
        p[i] -= lr * d


def _fast_sgd(
    p: Array,
    g: Array,
    buf: Array | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
) -> None:
    update(
        _sgd,
        2,
        g,
        (p, buf),
        float(lr),
        float(momentum),
        float(dampening),
        float(weight_decay),
        -1.0 if maximize else 1.0,
        bool(nesterov),
        bool(first),
    )


@replaced_by(_fast_sgd)
def sgd(
    p: Array,
    g: Array,
    buf: Array | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
) -> None:
    """Gradient descent: ``p -= lr * g``; with momentum along ``buf``, a decaying sum of gradients.

    In full::

        g += weight_decay * p
        buf = momentum * buf + (1 - dampening) * g        or g, on the ``first`` step
        p -= lr * buf                                     nesterov: lr * (g + momentum * buf)
    """
    g = (-g if maximize else g) + weight_decay * p
    if momentum != 0:
        assert buf is not None
        buf[...] = g if first else momentum * buf + (1 - dampening) * g
        g = g + momentum * buf if nesterov else buf
    p -= lr * g
