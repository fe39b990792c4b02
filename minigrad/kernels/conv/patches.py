"""Unfold and fold: the patches that a kernel sees, laid out as columns, and the adjoint of that.

A convolution is a matrix product with these columns; see ``reference.py``. Patch ``l`` of channel ``c`` puts
its element ``(i, j)`` into row ``(c * kh + i) * kw + j`` of column ``l``::

    x (C, H, W)                     columns (C * kh * kw, L)
    a b c                           a b d e     element (0, 0) of each of the four patches
    d e f    --  2x2 kernel  -->    b c e f     element (0, 1)
    g h i                           d e g h     element (1, 0)
                                    e f h i     element (1, 1)
"""

from __future__ import annotations

import numpy as np

from minigrad.kernels.compile import Array, jit, replaced_by
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.windows import Pair, as_planes, pad_hw, strided_view, windows_hw


@jit
def _inside(offset: int, stride: int, size: int, count: int) -> tuple[int, int]:
    """Give the first place, and one past the last, where ``place * stride + offset`` is in [0, size)."""
    first = 0 if offset >= 0 else (-offset + stride - 1) // stride
    last = 0 if offset >= size else (size - 1 - offset) // stride + 1
    first = min(first, count)
    return first, max(first, min(last, count))


@row_kernel
def _unfold_rows(
    first: int, last: int, x: Array, cols: Array, kw: int, sh: int, sw: int, ph: int, pw: int, dh: int, dw: int
) -> None:
    _, h, w = x.shape
    _, taps, oh, ow = cols.shape
    for row in range(first, last):
        plane, tap = row // taps, row % taps
        top, left = (tap // kw) * dh - ph, (tap % kw) * dw - pw
        begin, end = _inside(left, sw, w, ow)
        for r in range(oh):
            target = cols[plane, tap, r]
            if not 0 <= r * sh + top < h:
                target[:] = 0
                continue
            source = x[plane, r * sh + top]
            target[:begin] = 0
            for c in range(begin, end):
                target[c] = source[c * sw + left]
            target[end:] = 0


@row_kernel
def _fold_rows(
    first: int, last: int, cols: Array, x: Array, kw: int, sh: int, sw: int, ph: int, pw: int, dh: int, dw: int
) -> None:
    _, h, w = x.shape
    _, taps, oh, ow = cols.shape
    for plane in range(first, last):  # patches overlap within a plane, never across planes
        x[plane] = 0
        for tap in range(taps):
            top, left = (tap // kw) * dh - ph, (tap % kw) * dw - pw
            first_row, last_row = _inside(top, sh, h, oh)
            begin, end = _inside(left, sw, w, ow)
            for r in range(first_row, last_row):
                target, source = x[plane, r * sh + top], cols[plane, tap, r]
                for c in range(begin, end):
                    target[c * sw + left] += source[c]


def _fast_unfold(
    x: Array, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair, places: Pair | None = None
) -> Array:
    n, c, h, w = x.shape
    oh, ow = places or windows_hw((h, w), kernel, stride, padding, dilation)
    cols = np.empty((n * c, kernel[0] * kernel[1], oh, ow), dtype=x.dtype)
    _unfold_rows(
        cols.size, len(cols) * kernel[0] * kernel[1], as_planes(x), cols, kernel[1], *stride, *padding, *dilation
    )
    return cols.reshape(n, c * kernel[0] * kernel[1], oh * ow)


def _fast_fold(
    cols: Array, output_hw: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair, places: Pair | None = None
) -> Array:
    taps = kernel[0] * kernel[1]
    n, c = cols.shape[0], cols.shape[1] // taps
    places = places or windows_hw(output_hw, kernel, stride, padding, dilation)
    x = np.empty((n * c, *output_hw), dtype=cols.dtype)
    patches = np.ascontiguousarray(cols).reshape(n * c, taps, *places)
    _fold_rows(cols.size, n * c, patches, x, kernel[1], *stride, *padding, *dilation)
    return x.reshape(n, c, *output_hw)


@replaced_by(_fast_unfold)
def unfold(x: Array, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair, places: Pair | None = None) -> Array:
    """Lay out the patches of ``x`` as columns (also called im2col).

    Parameters
    ----------
    x : array (N, C, H, W)
    kernel, dilation, padding, stride : pairs of int
        For height and width; the order of ``torch.nn.functional.unfold``.
    places : pair of int, optional
        How many places of the kernel to use, from the top left; by default, all that there are.

    Returns
    -------
    array (N, C * kh * kw, L)
        One column for each of the ``L`` places of the kernel, in reading order.
    """
    n, c, h, w = x.shape
    counts = places or windows_hw((h, w), kernel, stride, padding, dilation)
    padded = pad_hw(x, padding)
    cols = np.empty((n, c, *kernel, *counts), dtype=x.dtype)
    for i, j in np.ndindex(*kernel):
        cols[:, :, i, j] = strided_view(padded, i, j, counts, stride, dilation)
    return cols.reshape(n, c * kernel[0] * kernel[1], counts[0] * counts[1])


@replaced_by(_fast_fold)
def fold(
    cols: Array, output_hw: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair, places: Pair | None = None
) -> Array:
    """Add patches back to where they came from: the adjoint of ``unfold`` (also called col2im).

    Parameters
    ----------
    cols : array (N, C * kh * kw, L)
    output_hw : pair of int
        Height and width of the result.
    kernel, dilation, padding, stride : pairs of int
        As for ``unfold``.
    places : pair of int, optional
        As for ``unfold``.

    Returns
    -------
    array (N, C, H, W)
        Where patches overlap their elements are summed.
    """
    n, c, (h, w) = cols.shape[0], cols.shape[1] // (kernel[0] * kernel[1]), output_hw
    (ph, pw), counts = padding, places or windows_hw(output_hw, kernel, stride, padding, dilation)
    patches = cols.reshape(n, c, *kernel, *counts)
    padded = np.zeros((n, c, h + 2 * ph, w + 2 * pw), dtype=cols.dtype)
    for i, j in np.ndindex(*kernel):
        strided_view(padded, i, j, counts, stride, dilation)[...] += patches[:, :, i, j]
    return np.ascontiguousarray(padded[:, :, ph : ph + h, pw : pw + w])
