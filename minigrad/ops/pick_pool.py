"""Other pools: adaptive_max_pool, whose windows differ in size; max_unpool, max_pool's way back; lp_pool.

A window of an adaptive pool is two runs of rows and columns; the runs are filled up to one length by their last
element, so that all windows can be read at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag, integers, number, room, tensor, tensors, wrong_value
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.common import is_array, shape_of
from minigrad.ops.extremes import max as largest
from minigrad.ops.index import getitem
from minigrad.ops.pool import avg_pool1d, avg_pool2d
from minigrad.ops.power import pow
from minigrad.ops.put import scatter
from minigrad.ops.shape import reshape, squeeze, unsqueeze
from minigrad.ops.windows import as_batch, pair_of, single_of


def _runs(size: int, count: int) -> Any:
    """The elements of each of ``count`` windows over ``size``, (count, longest)."""
    first = np.arange(count) * size // count
    behind = -(-(np.arange(count) + 1) * size // count)
    return np.minimum(first[:, None] + np.arange((behind - first).max()), behind[:, None] - 1)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """Give the largest element of as many windows as make an output of this size.

    Parameters
    ----------
    input
        (N, C, H, W), or (C, H, W).
    output_size
        One number, or two for height and width; None keeps the input's size.
    return_indices
        Give also where in the flattened plane each element was.
    """
    tensor("adaptive_max_pool2d", "input", input)
    return_indices = flag("adaptive_max_pool2d", "return_indices", return_indices)
    if len(shape_of(input)) == 3:
        y = adaptive_max_pool2d(unsqueeze(input, 0), output_size, return_indices)
        return tuple(squeeze(part, 0) for part in y) if return_indices else squeeze(y, 0)
    if len(shape_of(input)) != 4 or min(shape_of(input)[1:]) < 1:
        raise OperationError(
            f"adaptive_max_pool2d: the input must have shape (N, C, H, W) or (C, H, W), it has {tuple(shape_of(input))}"
        )
    n, c, h, w = shape_of(input)
    given = output_size if isinstance(output_size, (tuple, list)) and len(output_size) == 2 else (output_size,) * 2
    target = pair_of(
        "adaptive_max_pool2d", "output_size", tuple(m if k is None else k for k, m in zip(given, (h, w), strict=True))
    )
    room("adaptive_max_pool2d", (n, c, *target), np.int64)
    rows, columns = _runs(h, target[0])[:, None, :, None], _runs(w, target[1])[None, :, None, :]
    both = np.broadcast_arrays(rows, columns)
    windows = getitem(input, (slice(None), slice(None), *both))
    values, place = largest(reshape(windows, n, c, *target, -1), -1)
    if not return_indices:
        return values
    plane = (both[0] * w + both[1]).reshape(1, 1, *target, -1)
    where = np.take_along_axis(np.broadcast_to(plane, (n, c, *plane.shape[2:])), array_of(place)[..., None], -1)
    return values, as_tensor(where.squeeze(-1))


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """Give the largest element of as many windows of (N, C, L) or (C, L) as asked for."""
    size = single_of("adaptive_max_pool1d", "output_size", output_size)
    y = adaptive_max_pool2d(unsqueeze(input, -2), (1, size), return_indices)
    return tuple(squeeze(part, -2) for part in y) if return_indices else squeeze(y, -2)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put each element where ``max_pool2d(..., return_indices=True)`` found it, and 0 elsewhere.

    Parameters
    ----------
    output_size
        The height and width to reach, where several would pool to the input's.

    Raises
    ------
    OperationError
        If the indices don't fit.
    """
    kernel, border = pair_of("max_unpool2d", "kernel_size", kernel_size), pair_of("max_unpool2d", "padding", padding, 0)
    step = kernel if stride is None else pair_of("max_unpool2d", "stride", stride)
    tensors("max_unpool2d", input=input, indices=indices)
    shape = shape_of(input)
    if array_of(indices).dtype.kind not in "iu":
        raise wrong_value("max_unpool2d", "indices", "integers", indices)
    if len(shape) not in (3, 4):
        raise OperationError(f"max_unpool2d: the input must have shape (N, C, H, W) or (C, H, W), it has {shape}")
    if shape_of(indices) != shape:
        raise OperationError(f"max_unpool2d: indices of shape {shape_of(indices)} for an input of shape {shape}")
    if output_size is None:
        h, w = ((n - 1) * s - 2 * p + k for n, s, p, k in zip(shape[-2:], step, border, kernel, strict=True))
    else:
        h, w = integers("max_unpool2d", "output_size", output_size, (len(shape) - 2, len(shape)), 0)[-2:]
    if min(h, w) < 0:
        raise OperationError(f"max_unpool2d: the output would have size {(h, w)}")
    room("max_unpool2d", (*shape[:-2], h, w), array_of(input).dtype)
    if array_of(indices).size and not 0 <= array_of(indices).min() <= array_of(indices).max() < h * w:
        raise OperationError(f"max_unpool2d: an index lies outside of the output, {(h, w)}")

    def apply(x: Any) -> Any:
        n, c = shape_of(x)[:2]
        nothing = as_tensor(np.zeros((n, c, h * w), array_of(x).dtype))
        places = as_tensor(array_of(indices).reshape(n, c, -1))
        return reshape(scatter(nothing, 2, places, reshape(x, n, c, -1)), n, c, h, w)

    return as_batch("max_unpool2d", input, 4, apply)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window: ``(sum x**p) ** (1/p)``, 0 where the sum is negative."""
    kernel = pair_of("lp_pool2d", "kernel_size", kernel_size)
    powers, p = _powers("lp_pool2d", input, norm_type)
    mean = avg_pool2d(powers, kernel, stride, 0, ceil_mode)
    return _root(mean * (kernel[0] * kernel[1]), p)


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window of (N, C, L)."""
    kernel = single_of("lp_pool1d", "kernel_size", kernel_size)
    powers, p = _powers("lp_pool1d", input, norm_type)
    return _root(avg_pool1d(powers, kernel, stride, 0, ceil_mode) * kernel, p)


def _powers(operation: str, input: Any, norm_type: Any) -> tuple[Any, float]:
    """The elements to the power of ``norm_type``, and that as a number."""
    p = number(operation, "norm_type", norm_type)
    if p == 0:
        raise wrong_value(operation, "norm_type", "a number other than 0", norm_type)
    return pow(as_tensor(input) if is_array(tensor(operation, "input", input)) else input, p), p


def _root(total: Any, p: float) -> Any:
    return (total.sign() * total.abs().relu()).relu() ** (1.0 / p)
