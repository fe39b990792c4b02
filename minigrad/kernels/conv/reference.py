"""Convolution, and its gradients by input and by weight, as NumPy says them.

Each is a matrix product with the patches of the input (``patches.py``), group by group::

    y = w @ unfold(x)          gx = fold(w.T @ gy)          gw = gy @ unfold(x).T

What runs in their place is ``direct.py``, which lays out no patches; where that can't be (an unknown CPU, integers)
these do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.conv import direct
from minigrad.kernels.conv.patches import fold
from minigrad.kernels.threads import in_single
from minigrad.kernels.windows import Pair, pad_hw, strided_view, windows_hw


def _blocked_where_possible(blocked: Callable[..., Array]) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Let a blocked version run in place of a reference, for the arrays that it can take."""

    def decorate(reference: Callable[..., Array]) -> Callable[..., Array]:
        def fast(a: Array, b: Array, *how: Any) -> Array:
            if direct.can_be_blocked(a, b):
                return blocked(a, b, *how)
            if a.dtype.char == b.dtype.char == "e":
                return in_single(fast, a, b, *how)
            return reference(a, b, *how)

        return replaced_by(fast)(reference)

    return decorate


def _windows(x: Array, places: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """View every patch of ``x``: (N, C, kh, kw, oh, ow)."""
    padded = pad_hw(x, padding)
    corner = strided_view(padded, 0, 0, places, stride, dilation)
    n, c, rows, columns = padded.strides
    return np.lib.stride_tricks.as_strided(
        corner,
        (*x.shape[:2], *kernel, *places),
        (n, c, rows * dilation[0], columns * dilation[1], rows * stride[0], columns * stride[1]),
        writeable=False,
    )


@_blocked_where_possible(direct.conv2d)
def conv2d(
    x: Array,
    w: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    b: Array | None = None,
) -> Array:
    """Slide a kernel over images and sum what it meets (strictly, a cross-correlation).

    ``y[n, o, r, s] = b[o] + sum over c, i, j of``
    ``w[o, c, i, j] * x[n, c, r * sh + i * dh - ph, s * sw + j * dw - pw]``

    Parameters
    ----------
    x : array (N, C, H, W)
    w : array (O, C / groups, kh, kw)
    stride, padding, dilation : pairs of int
        For height and width; the padding is zeros, on both sides.
    groups : int
        Output channels fall into this many groups, each of which sees its own share of the input channels.
    b : array (O,), optional
        Added to each output channel.

    Returns
    -------
    array (N, O, OH, OW)
    """
    places = windows_hw(x.shape[2:], w.shape[2:], stride, padding, dilation)
    windows = _windows(x, places, w.shape[2:], stride, padding, dilation)
    parts = [
        np.tensordot(w_g, x_g, axes=((1, 2, 3), (1, 2, 3)))  # (O / groups, N, OH, OW)
        for w_g, x_g in zip(np.split(w, groups), np.split(windows, groups, axis=1), strict=True)
    ]
    y = np.ascontiguousarray(np.concatenate(parts).swapaxes(0, 1))
    return y if b is None else y + b[:, None, None]


@_blocked_where_possible(direct.conv2d_input_gradient)
def conv2d_input_gradient(
    gy: Array,
    w: Array,
    input_hw: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Give every output's gradient back to the inputs that it was summed from.

    ``gx[n, c, r * sh + i * dh - ph, s * sw + j * dw - pw] += sum over o of w[o, c, i, j] * gy[n, o, r, s]``

    Also the forward of a transposed convolution, whose output size is then ``input_hw``.

    Parameters
    ----------
    gy : array (N, O, OH, OW)
    w : array (O, C / groups, kh, kw)
    input_hw : pair of int
        Height and width of ``x``: with a stride, several of them give the same (OH, OW).
    stride, padding, dilation, groups
        As for ``conv2d``.

    Returns
    -------
    array (N, C, H, W)
    """
    n, kernel, places = len(gy), w.shape[2:], gy.shape[2:]
    parts = [
        np.tensordot(gy_g, w_g, axes=((1,), (0,)))  # (N, OH, OW, C / groups, kh, kw)
        for gy_g, w_g in zip(np.split(gy, groups, axis=1), np.split(w, groups), strict=True)
    ]
    patches = np.concatenate(parts, axis=3).transpose(0, 3, 4, 5, 1, 2)
    columns = patches.reshape(n, groups * w[0].size, places[0] * places[1])
    return fold(columns, input_hw, kernel, dilation, padding, stride, places)


@_blocked_where_possible(direct.conv2d_weight_gradient)
def conv2d_weight_gradient(
    gy: Array,
    x: Array,
    kernel_hw: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Correlate the input with the outputs' gradient.

    ``gw[o, c, i, j] = sum over n, r, s of``
    ``gy[n, o, r, s] * x[n, c, r * sh + i * dh - ph, s * sw + j * dw - pw]``

    Parameters
    ----------
    gy : array (N, O, OH, OW)
    x : array (N, C, H, W)
    kernel_hw : pair of int
        Height and width of the kernel.
    stride, padding, dilation, groups
        As for ``conv2d``.

    Returns
    -------
    array (O, C / groups, kh, kw)
    """
    windows = _windows(x, gy.shape[2:], kernel_hw, stride, padding, dilation)
    parts = [
        np.tensordot(gy_g, x_g, axes=((0, 2, 3), (0, 4, 5)))  # (O / groups, C / groups, kh, kw)
        for gy_g, x_g in zip(np.split(gy, groups, axis=1), np.split(windows, groups, axis=1), strict=True)
    ]
    return np.ascontiguousarray(np.concatenate(parts))
