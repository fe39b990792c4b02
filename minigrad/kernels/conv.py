"""Convolution, and its gradients by input and by weight.

Each is a matrix product with the patches of the input (``patches.py``)::

    y = w @ unfold(x)          gx = fold(w.T @ gy)          gw = gy @ unfold(x).T

The references say just that, group by group. The fast versions leave it to ``direct_conv.py``, which lays
out no patches; where that can't be done (an unknown CPU, other dtypes) they take the products, a few samples
at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.kernels import direct_conv
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.patches import Pair, fold, pad_hw, strided_view, unfold, windows_hw

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient", "fold", "unfold"]

#: Patches are unfolded for a few samples at a time: about this many elements, to stay near the cache.
CHUNK = 1 << 18


def _chunks(samples: int, per_sample: int) -> Iterator[slice]:
    """Cut the batch into pieces whose unfolded patches stay small."""
    step = max(1, CHUNK // max(per_sample, 1))
    return (slice(start, start + step) for start in range(0, samples, step))


def _patches(x: Array, places: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Unfold to (N, groups, C / groups * kh * kw, L)."""
    n, c = x.shape[:2]
    if kernel == (1, 1) and stride == (1, 1) and padding == (0, 0):
        cols = np.ascontiguousarray(x[:, :, : places[0], : places[1]])  # a pixel is its own patch
    else:
        cols = unfold(x, kernel, dilation, padding, stride, places)
    return cols.reshape(n, groups, c // groups * kernel[0] * kernel[1], places[0] * places[1])


def _fast_conv2d(
    x: Array,
    w: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    b: Array | None = None,
) -> Array:
    if direct_conv.can_be_blocked(x, w):
        return direct_conv.conv2d(x, w, stride, padding, dilation, groups, b)
    n, (o, _, kh, kw) = x.shape[0], w.shape
    oh, ow = windows_hw(x.shape[2:], (kh, kw), stride, padding, dilation)
    y = np.empty((n, groups, o // groups, oh * ow), dtype=np.result_type(x, w))
    weight = w.reshape(groups, o // groups, -1)
    for chunk in _chunks(n, x.shape[1] * kh * kw * oh * ow):
        patches = _patches(x[chunk], (oh, ow), (kh, kw), stride, padding, dilation, groups)
        np.matmul(weight, patches, out=y[chunk])
    y = y.reshape(n, o, oh, ow)
    if b is not None:
        y += b[:, None, None]
    return y


def _fast_input_gradient(
    gy: Array,
    w: Array,
    input_hw: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    if direct_conv.can_be_blocked(gy, w):
        return direct_conv.conv2d_input_gradient(gy, w, input_hw, stride, padding, dilation, groups)
    (n, o, oh, ow), (_, c, kh, kw) = gy.shape, w.shape
    gx = np.empty((n, groups * c, *input_hw), dtype=np.result_type(gy, w))
    weight = w.reshape(groups, o // groups, c * kh * kw).swapaxes(1, 2)
    gy = np.ascontiguousarray(gy).reshape(n, groups, o // groups, oh * ow)
    for chunk in _chunks(n, groups * c * kh * kw * oh * ow):
        patches = (weight @ gy[chunk]).reshape(-1, groups * c * kh * kw, oh * ow)
        gx[chunk] = fold(patches, input_hw, (kh, kw), dilation, padding, stride, (oh, ow))
    return gx


def _fast_weight_gradient(
    gy: Array,
    x: Array,
    kernel_hw: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    if direct_conv.can_be_blocked(gy, x):
        return direct_conv.conv2d_weight_gradient(gy, x, kernel_hw, stride, padding, dilation, groups)
    (n, o, oh, ow), c = gy.shape, x.shape[1]
    (kh, kw) = kernel_hw
    gw = np.zeros((groups, o // groups, c // groups * kh * kw), dtype=np.result_type(gy, x))
    gy = np.ascontiguousarray(gy).reshape(n, groups, o // groups, oh * ow)
    for chunk in _chunks(n, c * kh * kw * oh * ow):
        patches = _patches(x[chunk], (oh, ow), kernel_hw, stride, padding, dilation, groups)
        gw += (gy[chunk] @ patches.swapaxes(2, 3)).sum(axis=0)
    return gw.reshape(o, c // groups, kh, kw)


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


@replaced_by(_fast_conv2d)
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


@replaced_by(_fast_input_gradient)
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


@replaced_by(_fast_weight_gradient)
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
