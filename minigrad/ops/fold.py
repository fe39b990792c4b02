"""Unfold and fold: patches of images as columns, and columns added back to images. Each is the other's adjoint."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import conv as kernels
from minigrad.kernels.windows import windows_hw
from minigrad.ops.common import T
from minigrad.ops.windows import Pair, as_batch, check_fits, pair_of


class Unfold(Node):
    """Every patch of ``x`` as a column. Backward: the columns of ``gy`` are added back to their places."""

    def __init__(self, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> None:
        self.how = kernel, dilation, padding, stride

    def forward(self, x: Any) -> Any:
        self.from_hw = x.shape[2:]
        return kernels.unfold(x, *self.how)

    def backward(self, gy: Any) -> Any:
        return Fold(self.from_hw, *self.how).apply_to(gy)


class Fold(Node):
    """Columns added to an image, each at the place of its patch. Backward: the patches of ``gy`` as columns."""

    def __init__(self, output_hw: Pair, kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> None:
        self.output_hw = output_hw
        self.how = kernel, dilation, padding, stride

    def forward(self, x: Any) -> Any:
        return kernels.fold(x, self.output_hw, *self.how)

    def backward(self, gy: Any) -> Any:
        return Unfold(*self.how).apply_to(gy)


def unfold(input: T, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> T:
    """Lay out every patch of images as a column.

    Parameters
    ----------
    input
        Of shape (N, C, H, W), or (C, H, W).
    kernel_size, dilation, padding, stride
        The patches: one number, or two for height and width.

    Returns
    -------
    Tensor
        Of shape (N, C * kH * kW, L), a column for each of the L places.
    """
    kernel, gap = pair_of("unfold", "kernel_size", kernel_size), pair_of("unfold", "dilation", dilation)
    border, step = pair_of("unfold", "padding", padding, 0), pair_of("unfold", "stride", stride)

    def apply(x: Any) -> Any:
        check_fits("unfold", x.shape[2:], kernel, border, gap)
        return Unfold(kernel, gap, border, step).apply_to(x)

    return as_batch("unfold", input, 4, apply)


def fold(input: T, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> T:
    """Add columns up to images, each at the place of its patch; where patches overlap, they sum.

    Parameters
    ----------
    input
        Of shape (N, C * kH * kW, L), or without N; as ``unfold`` gives it.
    output_size
        Height and width of the images.
    kernel_size, dilation, padding, stride
        The patches: one number, or two for height and width.

    Raises
    ------
    OperationError
        If the number of rows or columns doesn't fit the patches.
    """
    size, kernel = pair_of("fold", "output_size", output_size), pair_of("fold", "kernel_size", kernel_size)
    gap, border = pair_of("fold", "dilation", dilation), pair_of("fold", "padding", padding, 0)
    step = pair_of("fold", "stride", stride)
    check_fits("fold", size, kernel, border, gap)
    shape = tensor("fold", "input", input).shape
    places = windows_hw(size, kernel, step, border, gap)
    if len(shape) not in (2, 3) or shape[-2] % (kernel[0] * kernel[1]) or shape[-1] != places[0] * places[1]:
        raise OperationError(
            f"fold: for these patches the input must have shape (N, C * {kernel[0]} * {kernel[1]}, "
            f"{places[0]} * {places[1]}), it has {tuple(shape)}"
        )
    return as_batch("fold", input, 3, Fold(size, kernel, gap, border, step))
