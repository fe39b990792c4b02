"""Interpolation: an image made larger or smaller.

Along each axis an output element looks at one input element (nearest), or at two neighbours with weights
that sum to one (bilinear). These tables are made first, for rows and for columns apart; the kernels then
only follow them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.windows import Pair, add_at, as_planes

Scales = tuple[float, float]


def _step(size: int, count: int, scale: float | None, dtype: np.dtype[Any]) -> Any:
    """How far apart in the input two neighbours of the output are, in the precision of the data.

    A scale that was asked for counts as it is, even if the output size had to be rounded to a whole number.
    """
    return dtype.type(1.0 / scale) if scale else dtype.type(size) / dtype.type(count)


def _nearest_axis(size: int, count: int, scale: float | None, dtype: np.dtype[Any]) -> Array:
    """Which input element each of ``count`` output elements takes."""
    step = _step(size, count, scale, dtype)
    place: Array = np.floor(np.arange(count).astype(dtype) * step).astype(np.int64)
    return np.minimum(place, size - 1)


class Neighbours(NamedTuple):
    """For each output element along an axis: its two input elements, and the second one's weight."""

    first: Array
    second: Array
    weight: Array


def _linear_axis(size: int, count: int, align_corners: bool, scale: float | None, dtype: np.dtype[Any]) -> Neighbours:
    """Where each of ``count`` output elements lies between the input's."""
    place = np.arange(count).astype(dtype)
    if align_corners:  # the middles of the corner elements coincide
        source = place * (dtype.type(size - 1) / dtype.type(max(count - 1, 1)))
    else:  # the edges of the corner elements coincide
        half = dtype.type(0.5)
        source = np.maximum(_step(size, count, scale, dtype) * (place + half) - half, 0)
    first = np.minimum(np.floor(source).astype(np.int64), size - 1)
    second = np.minimum(first + 1, size - 1)
    return Neighbours(first, second, np.clip(source - first.astype(dtype), 0, 1).astype(dtype))


@row_kernel
def _take_planes(first: int, last: int, x: Array, y: Array, rows: Array, columns: Array) -> None:
    _, oh, ow = y.shape
    for plane in range(first, last):
        for r in range(oh):
            for c in range(ow):
                y[plane, r, c] = x[plane, rows[r], columns[c]]


@row_kernel
def _put_planes(first: int, last: int, gy: Array, gx: Array, rows: Array, columns: Array) -> None:
    _, oh, ow = gy.shape
    for plane in range(first, last):
        gx[plane] = 0
        for r in range(oh):
            for c in range(ow):
                gx[plane, rows[r], columns[c]] += gy[plane, r, c]


@row_kernel
def _blend_planes(
    first: int,
    last: int,
    x: Array,
    y: Array,
    top: Array,
    bottom: Array,
    down: Array,
    left: Array,
    right: Array,
    across: Array,
) -> None:
    _, oh, ow = y.shape
    one = y.dtype.type(1)
    for plane in range(first, last):
        for r in range(oh):
            upper, lower, v = x[plane, top[r]], x[plane, bottom[r]], down[r]
            for c in range(ow):
                i, j, u = left[c], right[c], across[c]
                y[plane, r, c] = (one - v) * ((one - u) * upper[i] + u * upper[j]) + v * (
                    (one - u) * lower[i] + u * lower[j]
                )


@row_kernel
def _unblend_planes(
    first: int,
    last: int,
    gy: Array,
    gx: Array,
    top: Array,
    bottom: Array,
    down: Array,
    left: Array,
    right: Array,
    across: Array,
) -> None:
    _, oh, ow = gy.shape
    one = gy.dtype.type(1)
    for plane in range(first, last):
        gx[plane] = 0
        for r in range(oh):
            upper, lower, v = gx[plane, top[r]], gx[plane, bottom[r]], down[r]
            for c in range(ow):
                i, j, u, g = left[c], right[c], across[c], gy[plane, r, c]
                upper[i] += (one - v) * (one - u) * g
                upper[j] += (one - v) * u * g
                lower[i] += v * (one - u) * g
                lower[j] += v * u * g


def _fast_nearest(x: Array, output_hw: Pair, scale: Scales | None = None) -> Array:
    rows, columns = _nearest_tables(x.shape[2:], output_hw, scale, x.dtype)
    planes = as_planes(x)
    y = np.empty((len(planes), *output_hw), dtype=x.dtype)
    _take_planes(y.size, len(planes), planes, y, rows, columns)
    return y.reshape(*x.shape[:2], *output_hw)


def _fast_nearest_backward(gy: Array, input_hw: Pair, scale: Scales | None = None) -> Array:
    rows, columns = _nearest_tables(input_hw, gy.shape[2:], scale, gy.dtype)
    planes = as_planes(gy)
    gx = np.empty((len(planes), *input_hw), dtype=gy.dtype)
    _put_planes(gx.size + gy.size, len(planes), planes, gx, rows, columns)
    return gx.reshape(*gy.shape[:2], *input_hw)


def _fast_bilinear(x: Array, output_hw: Pair, align_corners: bool = False, scale: Scales | None = None) -> Array:
    rows, columns = _linear_tables(x.shape[2:], output_hw, align_corners, scale, x.dtype)
    planes = as_planes(x)
    y = np.empty((len(planes), *output_hw), dtype=x.dtype)
    _blend_planes(4 * y.size, len(planes), planes, y, *rows, *columns)
    return y.reshape(*x.shape[:2], *output_hw)


def _fast_bilinear_backward(
    gy: Array, input_hw: Pair, align_corners: bool = False, scale: Scales | None = None
) -> Array:
    rows, columns = _linear_tables(input_hw, gy.shape[2:], align_corners, scale, gy.dtype)
    planes = as_planes(gy)
    gx = np.empty((len(planes), *input_hw), dtype=gy.dtype)
    _unblend_planes(gx.size + 4 * gy.size, len(planes), planes, gx, *rows, *columns)
    return gx.reshape(*gy.shape[:2], *input_hw)


def _nearest_tables(input_hw: Pair, output_hw: Pair, scale: Scales | None, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    scale_h, scale_w = scale or (None, None)
    return (
        _nearest_axis(input_hw[0], output_hw[0], scale_h, dtype),
        _nearest_axis(input_hw[1], output_hw[1], scale_w, dtype),
    )


def _linear_tables(
    input_hw: Pair, output_hw: Pair, align_corners: bool, scale: Scales | None, dtype: np.dtype[Any]
) -> tuple[Neighbours, Neighbours]:
    scale_h, scale_w = scale or (None, None)
    return (
        _linear_axis(input_hw[0], output_hw[0], align_corners, scale_h, dtype),
        _linear_axis(input_hw[1], output_hw[1], align_corners, scale_w, dtype),
    )


@replaced_by(_fast_nearest)
def interpolate_nearest(x: Array, output_hw: Pair, scale: Scales | None = None) -> Array:
    """Repeat or drop elements: ``y[n, c, r, s] = x[n, c, floor(r * H / OH), floor(s * W / OW)]``.

    Parameters
    ----------
    x : array (N, C, H, W)
    output_hw : pair of int
    scale : pair of float, optional
        The enlargement asked for, which then stands in place of ``OH / H`` and ``OW / W``.

    Returns
    -------
    array (N, C, OH, OW)
    """
    rows, columns = _nearest_tables(x.shape[2:], output_hw, scale, x.dtype)
    return np.ascontiguousarray(x[:, :, rows[:, None], columns])


@replaced_by(_fast_nearest_backward)
def interpolate_nearest_backward(gy: Array, input_hw: Pair, scale: Scales | None = None) -> Array:
    """Sum, for each element of the input, the gradients of its copies.

    Parameters
    ----------
    gy : array (N, C, OH, OW)
    input_hw : pair of int
    scale : pair of float, optional
        As for ``interpolate_nearest``.

    Returns
    -------
    array (N, C, H, W)
    """
    rows, columns = _nearest_tables(input_hw, gy.shape[2:], scale, gy.dtype)
    gx = np.zeros((*gy.shape[:2], *input_hw), dtype=gy.dtype)
    add_at(gx, (..., rows[:, None], columns), gy)
    return gx


@replaced_by(_fast_bilinear)
def interpolate_bilinear(x: Array, output_hw: Pair, align_corners: bool = False, scale: Scales | None = None) -> Array:
    """Blend the four elements around each place: linearly down the rows, and across the columns.

    Parameters
    ----------
    x : array (N, C, H, W)
    output_hw : pair of int
    align_corners : bool
        Whether it is the middles of the corner elements that stay in place, or their outer edges.
    scale : pair of float, optional
        The enlargement asked for, which then stands in place of ``OH / H`` and ``OW / W``. Unused with
        ``align_corners``.

    Returns
    -------
    array (N, C, OH, OW)
    """
    rows, columns = _linear_tables(x.shape[2:], output_hw, align_corners, scale, x.dtype)
    down, across = rows.weight[:, None], columns.weight
    tall = (1 - down) * x[:, :, rows.first] + down * x[:, :, rows.second]
    return np.ascontiguousarray((1 - across) * tall[..., columns.first] + across * tall[..., columns.second])


@replaced_by(_fast_bilinear_backward)
def interpolate_bilinear_backward(
    gy: Array, input_hw: Pair, align_corners: bool = False, scale: Scales | None = None
) -> Array:
    """Give each gradient to the four elements that it was blended from, by the same weights.

    Parameters
    ----------
    gy : array (N, C, OH, OW)
    input_hw : pair of int
    align_corners, scale
        As for ``interpolate_bilinear``.

    Returns
    -------
    array (N, C, H, W)
    """
    rows, columns = _linear_tables(input_hw, gy.shape[2:], align_corners, scale, gy.dtype)
    down, across = rows.weight[:, None], columns.weight
    tall = np.zeros((*gy.shape[:3], input_hw[1]), dtype=gy.dtype)
    add_at(tall, (..., columns.first), (1 - across) * gy)
    add_at(tall, (..., columns.second), across * gy)
    gx = np.zeros((*gy.shape[:2], *input_hw), dtype=gy.dtype)
    add_at(gx, (..., rows.first, slice(None)), (1 - down) * tall)
    add_at(gx, (..., rows.second, slice(None)), down * tall)
    return gx
