"""Pooling: the largest, or the mean, of each window.

The mean is a linear map, and its backward the adjoint map. The largest is linear as long as the same
elements win: its backward gives each gradient to the winner, and the backward of that reads there again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag, integer, tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import pool as kernels
from minigrad.ops.common import T, real, shape_of
from minigrad.ops.shape import squeeze, unsqueeze
from minigrad.ops.windows import Pair, as_batch, check_fits, pair_of, single_of


class MaxPool2d(Node):
    """The largest of each window (and where it was). Backward: ``gy`` goes to the winners, 0 to the others."""

    def __init__(
        self, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool, return_indices: bool
    ) -> None:
        self.how = kernel, stride, padding, dilation, ceil_mode
        self.return_indices = return_indices

    def forward(self, x: Any) -> Any:
        self.from_hw = x.shape[2:]
        y, self.indices = kernels.max_pool2d(x, *self.how)
        # (A copy, as the caller may change it before backward.)
        return (y, self.indices.copy()) if self.return_indices else y

    def backward(self, gy: Any, gindices: Any = None) -> Any:
        return MaxUnpool2d(self.indices, self.from_hw).apply_to(gy)


class MaxUnpool2d(Node):
    """Zeros with every value added where its window's winner was. Backward: ``gy`` read at those places."""

    def __init__(self, indices: Any, output_hw: Pair) -> None:
        self.indices, self.output_hw = indices, output_hw

    def forward(self, x: Any) -> Any:
        return kernels.max_pool2d_backward(x, self.indices, self.output_hw)

    def backward(self, gy: Any) -> Any:
        return WinnersOf(self.indices).apply_to(gy)


class WinnersOf(Node):
    """``x`` read where the windows' winners were: the adjoint of ``MaxUnpool2d``, which is its backward."""

    def __init__(self, indices: Any) -> None:
        self.indices = indices

    def forward(self, x: Any) -> Any:
        self.from_hw = x.shape[2:]
        return kernels.max_pool2d_gather(x, self.indices)

    def backward(self, gy: Any) -> Any:
        return MaxUnpool2d(self.indices, self.from_hw).apply_to(gy)


class AvgPool2d(Node):
    """The mean of each window. Backward: each window's ``gy`` in equal shares to its elements."""

    def __init__(
        self, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool, count_include_pad: bool, divisor: int | None
    ) -> None:
        self.how = kernel, stride, padding, ceil_mode, count_include_pad, divisor

    def forward(self, x: Any) -> Any:
        self.from_hw = real(x).shape[2:]
        return kernels.avg_pool2d(x, *self.how)

    def backward(self, gy: Any) -> Any:
        return AvgUnpool2d(self.from_hw, *self.how).apply_to(gy)


class AvgUnpool2d(Node):
    """Every value in equal shares over its window: the adjoint of ``AvgPool2d``, which is its backward."""

    def __init__(self, output_hw: Pair, *how: Any) -> None:
        self.output_hw, self.how = output_hw, how

    def forward(self, x: Any) -> Any:
        return kernels.avg_pool2d_backward(x, self.output_hw, *self.how)

    def backward(self, gy: Any) -> Any:
        return AvgPool2d(*self.how).apply_to(gy)


class AdaptiveAvgPool2d(Node):
    """The mean of as many windows as asked for. Backward: each window's ``gy`` in equal shares to its elements."""

    def __init__(self, output_hw: Pair) -> None:
        self.output_hw = output_hw

    def forward(self, x: Any) -> Any:
        self.from_hw = real(x).shape[2:]
        return kernels.adaptive_avg_pool2d(x, self.output_hw)

    def backward(self, gy: Any) -> Any:
        return AdaptiveAvgUnpool2d(self.from_hw).apply_to(gy)


class AdaptiveAvgUnpool2d(Node):
    """Every value in equal shares over its window: the adjoint of ``AdaptiveAvgPool2d``, which is its backward."""

    def __init__(self, output_hw: Pair) -> None:
        self.output_hw = output_hw

    def forward(self, x: Any) -> Any:
        self.from_hw = x.shape[2:]
        return kernels.adaptive_avg_pool2d_backward(x, self.output_hw)

    def backward(self, gy: Any) -> Any:
        return AdaptiveAvgPool2d(self.from_hw).apply_to(gy)


def _is_default(stride: Any) -> bool:
    """Whether the windows lie side by side: no stride is given, or, in PyTorch's older way, an empty one."""
    return stride is None or (isinstance(stride, (tuple, list)) and not stride)


def _check_windows(
    name: str, x: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> None:
    """Raise an error if windows don't fit the input, or if one sees nothing of it."""
    if any(2 * p > k for k, p in zip(kernel, padding, strict=True)):
        raise OperationError(f"{name}: padding={padding} can be at most half of the kernel {kernel}")
    if min(x.shape[1:]) < 1:
        raise OperationError(f"{name}: there is nothing to pool in an input of shape {x.shape}")
    hw = x.shape[2:]
    counts = kernels.pooled_hw(hw, kernel, stride, padding, dilation, ceil_mode)
    if min(counts) < 1:
        check_fits(name, hw, kernel, padding, dilation)
        raise OperationError(f"{name}: the output of an input {tuple(hw)} would have size {counts}")
    for n, count, k, s, p, d in zip(hw, counts, kernel, stride, padding, dilation, strict=True):
        if d > n:  # a window may step over the whole input, from one padding to the other
            places = np.arange(count)[:, None] * s - p + np.arange(k) * d
            if not ((places >= 0) & (places < n)).any(axis=1).all():
                raise OperationError(
                    f"{name}: with kernel {kernel} and dilation {dilation}, a window sees nothing but the padding "
                    f"of an input {tuple(hw)}"
                )


def max_pool2d(
    input: T,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Give the largest element of each window.

    Parameters
    ----------
    input
        Of shape (N, C, H, W), or (C, H, W).
    kernel_size, padding, dilation
        The windows: one number, or two for height and width. Padding never wins.
    stride
        The distance of the windows; None is the kernel size.
    ceil_mode
        Whether a last window may hang over the end.
    return_indices
        Give also where in the flattened plane each element was.

    Returns
    -------
    Tensor or tuple of Tensor
        With ``return_indices``, the pair of values and indices.
    """
    kernel, gap = pair_of("max_pool2d", "kernel_size", kernel_size), pair_of("max_pool2d", "dilation", dilation)
    border = pair_of("max_pool2d", "padding", padding, 0)
    step = kernel if _is_default(stride) else pair_of("max_pool2d", "stride", stride)
    ceil_mode, return_indices = (
        flag("max_pool2d", "ceil_mode", ceil_mode),
        flag("max_pool2d", "return_indices", return_indices),
    )
    if len(shape_of(input)) == 3:
        y = max_pool2d(unsqueeze(input, 0), kernel, step, border, gap, ceil_mode, return_indices)
        return tuple(squeeze(part, 0) for part in y) if return_indices else squeeze(y, 0)
    _check_ndim("max_pool2d", input)
    _check_windows("max_pool2d", input, kernel, step, border, gap, ceil_mode)
    return MaxPool2d(kernel, step, border, gap, ceil_mode, return_indices).apply_to(input)


def _check_ndim(name: str, input: Any) -> None:
    if len(tensor(name, "input", input).shape) != 4:
        raise OperationError(f"{name}: the input must have shape (N, C, H, W) or (C, H, W), it has {input.shape}")


def avg_pool2d(
    input: T,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> T:
    """Give the mean of each window.

    Parameters
    ----------
    input
        Of shape (N, C, H, W), or (C, H, W).
    kernel_size, padding
        The windows: one number, or two for height and width.
    stride
        The distance of the windows; None is the kernel size.
    ceil_mode
        Whether a last window may hang over the end.
    count_include_pad
        Whether the zeros of the padding count as elements.
    divisor_override
        Divide the sums by this, whatever the windows' sizes.
    """
    kernel, border = pair_of("avg_pool2d", "kernel_size", kernel_size), pair_of("avg_pool2d", "padding", padding, 0)
    step = kernel if _is_default(stride) else pair_of("avg_pool2d", "stride", stride)
    how = flag("avg_pool2d", "ceil_mode", ceil_mode), flag("avg_pool2d", "count_include_pad", count_include_pad)
    divisor = None if divisor_override is None else integer("avg_pool2d", "divisor_override", divisor_override)
    if divisor == 0:
        raise OperationError("avg_pool2d: divisor_override can't be 0")

    def apply(x: Any) -> Any:
        _check_windows("avg_pool2d", x, kernel, step, border, (1, 1), how[0])
        return AvgPool2d(kernel, step, border, *how, divisor).apply_to(x)

    return as_batch("avg_pool2d", input, 4, apply)


def adaptive_avg_pool2d(input: T, output_size: Any) -> T:
    """Give the mean of as many windows as make an output of this size, whatever the input's.

    Parameters
    ----------
    input
        Of shape (N, C, H, W), or (C, H, W).
    output_size
        One number, or two for height and width; None keeps the input's size.
    """
    wanted: Any = (None, None) if output_size is None else output_size
    if isinstance(wanted, (tuple, list)) and len(wanted) == 2:
        wanted = tuple(n if m is None else m for n, m in zip(shape_of(input)[-2:], wanted, strict=False))
    target = pair_of("adaptive_avg_pool2d", "output_size", wanted, 0)

    def apply(x: Any) -> Any:
        if min(x.shape[1:]) < 1:
            raise OperationError(f"adaptive_avg_pool2d: there is nothing to pool in an input of shape {x.shape}")
        return AdaptiveAvgPool2d(target).apply_to(x)

    return as_batch("adaptive_avg_pool2d", input, 4, apply)


def _with_height(x: Any) -> Any:
    return unsqueeze(x, -2)


def max_pool1d(
    input: T,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Give the largest element of each window of (N, C, L) or (C, L); a ``max_pool2d`` of height 1."""
    kernel = single_of("max_pool1d", "kernel_size", kernel_size)
    step = kernel if _is_default(stride) else single_of("max_pool1d", "stride", stride)
    if len(shape_of(input)) not in (2, 3):
        raise OperationError(f"max_pool1d: the input must have shape (N, C, L) or (C, L), it has {shape_of(input)}")
    border, gap = single_of("max_pool1d", "padding", padding, 0), single_of("max_pool1d", "dilation", dilation)
    x = _with_height(input)
    y = max_pool2d(x, (1, kernel), (1, step), (0, border), (1, gap), ceil_mode, return_indices)
    return tuple(squeeze(part, -2) for part in y) if return_indices else squeeze(y, -2)


def avg_pool1d(
    input: T,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> T:
    """Give the mean of each window of (N, C, L) or (C, L); an ``avg_pool2d`` of height 1."""
    kernel = single_of("avg_pool1d", "kernel_size", kernel_size)
    step = kernel if _is_default(stride) else single_of("avg_pool1d", "stride", stride)
    if len(shape_of(input)) not in (2, 3):
        raise OperationError(f"avg_pool1d: the input must have shape (N, C, L) or (C, L), it has {shape_of(input)}")
    border = single_of("avg_pool1d", "padding", padding, 0)
    y: Any = avg_pool2d(_with_height(input), (1, kernel), (1, step), (0, border), ceil_mode, count_include_pad)
    return squeeze(y, -2)


def adaptive_avg_pool1d(input: T, output_size: Any) -> T:
    """Give the mean of as many windows of (N, C, L) or (C, L) as asked for."""
    size = single_of("adaptive_avg_pool1d", "output_size", output_size, 0)
    if len(shape_of(input)) not in (2, 3):
        raise OperationError(f"adaptive_avg_pool1d: the input must be (N, C, L) or (C, L), not {shape_of(input)}")
    y: Any = adaptive_avg_pool2d(_with_height(input), (1, size))
    return squeeze(y, -2)
