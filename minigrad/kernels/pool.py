"""Pooling: the largest, or the mean, of each window.

The kernels loop over planes, a plane being one channel of one sample: windows overlap within a plane,
never across planes, so each thread owns what it writes.
"""

from __future__ import annotations

import numpy as np

from minigrad.kernels.boxes import Boxes, box_mean, box_spread
from minigrad.kernels.checks import check_places, check_shape
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.windows import Pair, as_planes, strided_view


def pooled_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows an axis of ``size`` elements has.

    With ``ceil_mode`` the last window may hang over the end, but it starts inside the input or its left
    padding.
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def pooled_hw(hw: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool) -> Pair:
    """``pooled_size`` along height and width."""
    axes = zip(hw, kernel, stride, padding, dilation, strict=True)
    rows, columns = (pooled_size(*axis, ceil_mode) for axis in axes)
    return rows, columns


@row_kernel
def _max_planes(
    first: int,
    last: int,
    x: Array,
    y: Array,
    indices: Array,
    top: Array,
    bottom: Array,
    left: Array,
    right: Array,
    down: np.uint64,
    across: np.uint64,
) -> None:
    w = x.shape[2]
    _, oh, ow = y.shape
    for plane in range(first, last):
        for r in range(oh):
            for c in range(ow):
                best, where = x[plane, top[r], left[c]], top[r] * np.uint64(w) + left[c]
                for i in range(top[r], bottom[r], down):
                    for j in range(left[c], right[c], across):
                        value = x[plane, i, j]
                        # The first largest, or the last NaN. Written so that there is no jump to guess.
                        better = (value > best) | (value != value)
                        best = value if better else best
                        where = i * np.uint64(w) + j if better else where
                y[plane, r, c] = best
                indices[plane, r, c] = where


@row_kernel
def _scatter_planes(first: int, last: int, gy: Array, indices: Array, gx: Array) -> None:
    places = gy.shape[1]
    for plane in range(first, last):
        gx[plane] = 0
        for p in range(places):
            gx[plane, indices[plane, p]] += gy[plane, p]


def _inner_edges(size: int, kernel: int, stride: int, padding: int, dilation: int, places: int) -> list[Array]:
    """Give each window's first element inside the input, and where its elements end.

    Unsigned: Numba checks a signed index for being negative, which costs time in the innermost loop.
    """
    start = np.arange(places) * stride - padding
    first = start + np.maximum(-(start // dilation), 0) * dilation
    end = np.minimum(start + (kernel - 1) * dilation + 1, size)
    return [first.astype(np.uint64), end.astype(np.uint64)]


def _fast_max_pool2d(
    x: Array, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1), ceil_mode: bool = False
) -> tuple[Array, Array]:
    oh, ow = pooled_hw(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    planes = as_planes(x)
    y = np.empty((len(planes), oh, ow), dtype=x.dtype)
    indices = np.empty(y.shape, dtype=np.uint64)
    edges = []
    for axis in zip(x.shape[2:], kernel, stride, padding, dilation, (oh, ow), strict=True):
        edges += _inner_edges(*axis)
    down, across = np.uint64(dilation[0]), np.uint64(dilation[1])
    _max_planes(y.size * kernel[0] * kernel[1], len(planes), planes, y, indices, *edges, down, across)
    shape = (*x.shape[:2], oh, ow)
    return y.reshape(shape), indices.view(np.int64).reshape(shape)


def _fast_max_pool2d_backward(gy: Array, indices: Array, input_hw: Pair) -> Array:
    n, c, oh, ow = gy.shape
    check_shape("indices", indices, gy.shape)
    indices = np.ascontiguousarray(indices, dtype=np.int64)
    check_places("index", indices, input_hw[0] * input_hw[1])
    gx = np.empty((n * c, input_hw[0] * input_hw[1]), dtype=gy.dtype)
    flat = (n * c, oh * ow)
    _scatter_planes(
        gx.size + gy.size,
        n * c,
        np.ascontiguousarray(gy).reshape(flat),
        indices.reshape(flat),
        gx,
    )
    return gx.reshape(n, c, *input_hw)


@replaced_by(_fast_max_pool2d)
def max_pool2d(
    x: Array, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1), ceil_mode: bool = False
) -> tuple[Array, Array]:
    """Take the largest element of each window, and say where it was.

    Parameters
    ----------
    x : array (N, C, H, W)
    kernel, stride, padding, dilation : pairs of int
        For height and width. Padding never wins.
    ceil_mode : bool
        Whether a last window may hang over the end.

    Returns
    -------
    y : array (N, C, OH, OW)
    indices : int64 array (N, C, OH, OW)
        Where in the flattened plane (H * W) each element of ``y`` came from: the first one where several
        are equal. NaN counts as the largest.
    """
    places = pooled_hw(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    (h, w), (ph, pw) = x.shape[2:], padding
    reach = [(count - 1) * s + (k - 1) * d + 1 for count, s, k, d in zip(places, stride, kernel, dilation, strict=True)]
    padded_hw = (max(h + ph, reach[0]), max(w + pw, reach[1]))
    padded = np.zeros((*x.shape[:2], *padded_hw), dtype=x.dtype)
    padded[:, :, ph : ph + h, pw : pw + w] = x
    position = np.full(padded_hw, -1)  # -1 in the padding
    position[ph : ph + h, pw : pw + w] = np.arange(h * w).reshape(h, w)

    y = np.full((*x.shape[:2], *places), -np.inf, dtype=x.dtype)
    indices = np.full(y.shape, -1)
    for i, j in np.ndindex(*kernel):
        value = strided_view(padded, i, j, places, stride, dilation)
        where = strided_view(position, i, j, places, stride, dilation)
        better = (where >= 0) & ((value > y) | np.isnan(value) | (indices < 0))
        y = np.where(better, value, y)
        indices = np.where(better, where, indices)
    return y, indices


@replaced_by(_fast_max_pool2d_backward)
def max_pool2d_backward(gy: Array, indices: Array, input_hw: Pair) -> Array:
    """Give each gradient to the element that won; one that won several windows gets their sum.

    Parameters
    ----------
    gy : array (N, C, OH, OW)
    indices : int array (N, C, OH, OW)
        As ``max_pool2d`` gave them.
    input_hw : pair of int

    Returns
    -------
    array (N, C, H, W)
    """
    n, c = gy.shape[:2]
    gx = np.zeros((n, c, input_hw[0] * input_hw[1]), dtype=gy.dtype)
    flat = indices.reshape(n, c, -1)
    np.add.at(gx, (np.arange(n)[:, None, None], np.arange(c)[:, None], flat), gy.reshape(n, c, -1))
    return gx.reshape(n, c, *input_hw)


def max_pool2d_gather(x: Array, indices: Array) -> Array:
    """Take ``x`` (N, C, H, W) at ``indices`` (N, C, OH, OW): the adjoint of ``max_pool2d_backward``."""
    n, c, h, w = x.shape
    taken = np.take_along_axis(x.reshape(n, c, h * w), indices.reshape(n, c, -1), axis=2)
    return np.ascontiguousarray(taken.reshape(indices.shape))


def _average_boxes(
    input_hw: Pair,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Boxes:
    """Say where the windows of average pooling are, and what their sums are divided by."""
    edges, lengths = [], []
    for size, k, s, p in zip(input_hw, kernel, stride, padding, strict=True):
        start = np.arange(pooled_size(size, k, s, p, 1, ceil_mode)) * s - p
        end = np.minimum(start + k, size + p)  # what hangs over even the padding is never counted
        first, last = np.maximum(start, 0), np.minimum(end, size)
        edges += [first, last]
        lengths.append(end - start if count_include_pad else last - first)
    divisors = np.multiply.outer(*lengths)
    if divisor_override is not None:
        divisors = np.full_like(divisors, divisor_override)
    top, bottom, left, right = (edge.astype(np.uint64) for edge in edges)
    return Boxes(top, bottom, left, right, divisors)


def avg_pool2d(
    x: Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Average each window.

    Parameters
    ----------
    x : array (N, C, H, W)
    kernel, stride, padding : pairs of int
        For height and width.
    ceil_mode : bool
        Whether a last window may hang over the end.
    count_include_pad : bool
        Whether the zeros of the padding count as elements.
    divisor_override : int, optional
        Divide the sums by this, whatever the windows' sizes.

    Returns
    -------
    array (N, C, OH, OW)
    """
    return box_mean(
        x, _average_boxes(x.shape[2:], kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
    )


def avg_pool2d_backward(
    gy: Array,
    input_hw: Pair,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Share each gradient (N, C, OH, OW) out evenly over its window: the adjoint of ``avg_pool2d``."""
    return box_spread(
        gy, _average_boxes(input_hw, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override), input_hw
    )


def _adaptive_boxes(input_hw: Pair, output_hw: Pair) -> Boxes:
    """Cut each axis evenly; where a cut goes through an element, both sides take it whole."""
    edges, lengths = [], []
    for size, count in zip(input_hw, output_hw, strict=True):
        place = np.arange(count)
        first, last = place * size // count, -(-(place + 1) * size // count)
        edges += [first, last]
        lengths.append(last - first)
    top, bottom, left, right = (edge.astype(np.uint64) for edge in edges)
    return Boxes(top, bottom, left, right, np.multiply.outer(*lengths))


def adaptive_avg_pool2d(x: Array, output_hw: Pair) -> Array:
    """Average ``x`` (N, C, H, W) over as many windows as give (N, C, *output_hw), covering it evenly.

    Along an axis, window ``r`` of ``R`` runs from ``floor(r * H / R)`` to ``ceil((r + 1) * H / R)``, end
    excluded.
    """
    return box_mean(x, _adaptive_boxes(x.shape[2:], output_hw))


def adaptive_avg_pool2d_backward(gy: Array, input_hw: Pair) -> Array:
    """Share each gradient out evenly over its window: the adjoint of ``adaptive_avg_pool2d``."""
    return box_spread(gy, _adaptive_boxes(input_hw, gy.shape[2:]), input_hw)
