"""Convolution in one and two dimensions, and the transposed one.

Convolution is linear in the input and in the weight, so its two gradients are linear maps too, and
operations of their own: ``Conv2dInputGradient`` and ``Conv2dWeightGradient``. Each of the three has the
other two in its backward, so derivatives of any order need no further rules.
"""

from __future__ import annotations

from typing import Any

from minigrad.arguments import choice, integer, room, tensor
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import conv as kernels
from minigrad.ops.common import T, shape_of
from minigrad.ops.pad import ConstantPad
from minigrad.ops.windows import Pair, as_batch, check_fits, pair_of, single_of


class Conv2d(Node):
    """Slide ``w`` over ``x`` and add ``b``.

    Backward: ``gx`` spreads ``gy`` back through the kernel, ``gw`` correlates ``x`` with ``gy``, ``gb`` sums
    ``gy`` over samples and places.
    """

    reads = {"x": ("w",), "w": ("x",)}

    def __init__(self, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
        self.how = stride, padding, dilation, groups

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        return kernels.conv2d(x, w, *self.how, b)

    def backward(self, gy: Any) -> Any:
        gx = gw = gb = None
        if self.wants[0]:
            gx = Conv2dInputGradient(self.x.shape[2:], *self.how).apply_to(gy, self.w)
        if self.wants[1]:
            gw = Conv2dWeightGradient(self.w.shape[2:], *self.how).apply_to(gy, self.x)
        if self.wants[2]:
            gb = gy.sum(axis=(0, 2, 3))
        return gx, gw, gb


class Conv2dInputGradient(Node):
    """The gradient of a convolution by its input, linear in ``g`` and ``w``.

    Backward: the convolution of ``gy`` with ``w``, and the weight gradient for input ``gy``.
    """

    reads = {"g": ("w",), "w": ("g",)}

    def __init__(self, input_hw: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
        self.input_hw = input_hw
        self.how = stride, padding, dilation, groups

    def forward(self, g: Any, w: Any) -> Any:
        self.g, self.w = g, w
        return kernels.conv2d_input_gradient(g, w, self.input_hw, *self.how)

    def backward(self, gy: Any) -> Any:
        gg = _first(Conv2d(*self.how).apply_to(gy, self.w, None), self.g.shape) if self.wants[0] else None
        gw = Conv2dWeightGradient(self.w.shape[2:], *self.how).apply_to(self.g, gy) if self.wants[1] else None
        return gg, gw


class Conv2dWeightGradient(Node):
    """The gradient of a convolution by its weight, linear in ``g`` and ``x``.

    Backward: the convolution of ``x`` with ``gy`` for a kernel, and the input gradient through it.
    """

    reads = {"g": ("x",), "x": ("g",)}

    def __init__(self, kernel_hw: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
        self.kernel_hw = kernel_hw
        self.how = stride, padding, dilation, groups

    def forward(self, g: Any, x: Any) -> Any:
        self.g, self.x = g, x
        return kernels.conv2d_weight_gradient(g, x, self.kernel_hw, *self.how)

    def backward(self, gy: Any) -> Any:
        gg = _first(Conv2d(*self.how).apply_to(self.x, gy, None), self.g.shape) if self.wants[0] else None
        gx = Conv2dInputGradient(self.x.shape[2:], *self.how).apply_to(self.g, gy) if self.wants[1] else None
        return gg, gx


class Conv1d(Node):
    """Slide ``w`` over ``x`` and add ``b``: a two-dimensional convolution of height 1, and so is its backward."""

    reads = {"x": ("w",), "w": ("x",)}

    def __init__(self, stride: int, padding: int, dilation: int, groups: int) -> None:
        self.how = (1, stride), (0, padding), (1, dilation), groups

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        return kernels.conv2d(x[:, :, None], w[:, :, None], *self.how, b)[:, :, 0]

    def backward(self, gy: Any) -> Any:
        gx = gw = gb = None
        g = _height_1(gy)
        if self.wants[0]:
            gx = Conv2dInputGradient((1, self.x.shape[2]), *self.how)(g, _height_1(self.w)).reshape(self.x.shape)
        if self.wants[1]:
            gw = Conv2dWeightGradient((1, self.w.shape[2]), *self.how)(g, _height_1(self.x)).reshape(self.w.shape)
        if self.wants[2]:
            gb = gy.sum(axis=(0, 2))
        return gx, gw, gb


class ConvTranspose2d(Node):
    """The input gradient of a convolution, used as a layer: ``x`` is spread through ``w``, and ``b`` added.

    Backward: ``gx`` is the convolution of ``gy`` with ``w``; ``gw`` correlates ``gy`` with ``x``.
    """

    reads = {"x": ("w",), "w": ("x",)}

    def __init__(self, output_hw: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
        self.output_hw = output_hw
        self.how = stride, padding, dilation, groups

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        self.x, self.w = x, w
        y = kernels.conv2d_input_gradient(x, w, self.output_hw, *self.how)
        return y if b is None else y + b[:, None, None]

    def backward(self, gy: Any) -> Any:
        gx = gw = gb = None
        if self.wants[0]:
            gx = _first(Conv2d(*self.how).apply_to(gy, self.w, None), self.x.shape)
        if self.wants[1]:
            gw = Conv2dWeightGradient(self.w.shape[2:], *self.how).apply_to(self.x, gy)
        if self.wants[2]:
            gb = gy.sum(axis=(0, 2, 3))
        return gx, gw, gb


def _height_1(x: Any) -> Any:
    """(N, C, L) as (N, C, 1, L)."""
    return x.reshape(*x.shape[:2], 1, x.shape[2])


def _first(y: Any, shape: tuple[int, ...]) -> Any:
    """The first places of a convolution's output; an output padding may have made room for more."""
    return y if y.shape == shape else y[:, :, : shape[2], : shape[3]]


def _check(name: str, x: Any, w: Any, b: Any, ndim: int, groups: int, transposed: bool = False) -> None:
    """Raise an error that teaches, if the shapes or dtypes can't be convolved."""
    shape_x, shape_w = tensor(name, "input", x).shape, tensor(name, "weight", w).shape
    if len(shape_x) != ndim or len(shape_w) != ndim:
        raise OperationError(
            f"{name}: the input must have {ndim} dimensions (or {ndim - 1}, without a batch) and the weight {ndim}; "
            f"they have shapes {tuple(shape_x)} and {tuple(shape_w)}"
        )
    integer(name, "groups", groups, 1)
    expected = shape_w[0] if transposed else shape_w[1] * groups
    if shape_x[1] != expected:
        raise OperationError(
            f"{name}: a weight of shape {tuple(shape_w)}{f' with groups={groups}' if groups > 1 else ''} takes "
            f"{expected} channels, the input has {shape_x[1]}: its shape is {tuple(shape_x)}"
        )
    if shape_w[0] % groups:
        raise OperationError(f"{name}: {shape_w[0]} channels of the weight can't be split into groups={groups}")
    channels = shape_w[1] * groups if transposed else shape_w[0]
    if b is not None and tensor(name, "bias", b).shape != (channels,):
        raise OperationError(f"{name}: the bias must have shape ({channels},), it has {tuple(b.shape)}")
    if x.dtype != w.dtype or (b is not None and b.dtype != w.dtype):
        bias = "" if b is None else f", the bias {b.dtype}"
        raise OperationError(
            f"{name}: the input is {x.dtype}, the weight {w.dtype}{bias}: bring them to one dtype with .to(dtype)"
        )


def _same(name: str, x: Any, padding: str, kernel: Pair, stride: Pair, dilation: Pair) -> tuple[Any, Pair]:
    """The padding that ``"valid"`` or ``"same"`` stands for, and the input, with one more at the end where needed."""
    if choice(name, "padding", padding, ("valid", "same")) == "valid":
        return x, (0, 0)
    if stride != (1, 1):
        raise OperationError(f"{name}: padding='same' needs stride=1: with {stride} the size can't stay the same")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(total % 2 for total in totals):
        ends = tuple((0, total % 2) for total in totals)[-(len(shape_of(x)) - 2) :]
        x = ConstantPad(((0, 0), (0, 0), *ends)).apply_to(x)
    return x, (totals[0] // 2, totals[1] // 2)


def conv2d(
    input: T,
    weight: T,
    bias: T | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> T:
    """Slide a kernel over images (strictly, a cross-correlation).

    Parameters
    ----------
    input
        Of shape (N, C, H, W), or (C, H, W).
    weight
        Of shape (out_channels, C / groups, kH, kW).
    bias
        Of shape (out_channels,).
    stride, padding, dilation
        One number, or two for height and width. The padding is zeros, on both sides; ``"same"`` keeps the
        size, ``"valid"`` is none.
    groups
        Channels fall into this many groups, each with its own part of the weight.

    Raises
    ------
    OperationError
        If shapes, channels and groups don't fit.
    """
    if len(shape_of(input)) == 3:
        return as_batch("conv2d", input, 4, lambda x: conv2d(x, weight, bias, stride, padding, dilation, groups))
    x: Any = input
    _check("conv2d", x, weight, bias, 4, groups)
    step, gap = pair_of("conv2d", "stride", stride), pair_of("conv2d", "dilation", dilation)
    kernel = shape_of(weight)[2:]
    if isinstance(padding, str):
        x, border = _same("conv2d", x, padding, (kernel[0], kernel[1]), step, gap)
    else:
        border = pair_of("conv2d", "padding", padding, 0)
    check_fits("conv2d", x.shape[2:], kernel, border, gap)
    return Conv2d(step, border, gap, groups).apply_to(x, weight, bias)


def conv1d(
    input: T,
    weight: T,
    bias: T | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> T:
    """Slide a kernel over sequences; as ``conv2d``, with input (N, C, L) and weight (out_channels, C / groups, k)."""
    if len(shape_of(input)) == 2:
        return as_batch("conv1d", input, 3, lambda x: conv1d(x, weight, bias, stride, padding, dilation, groups))
    x: Any = input
    _check("conv1d", x, weight, bias, 3, groups)
    step, gap = single_of("conv1d", "stride", stride), single_of("conv1d", "dilation", dilation)
    kernel = (1, shape_of(weight)[2])
    if isinstance(padding, str):
        x, (_, border) = _same("conv1d", x, padding, kernel, (1, step), (1, gap))
    else:
        border = single_of("conv1d", "padding", padding, 0)
    check_fits("conv1d", (1, x.shape[2]), kernel, (0, border), (1, gap))
    return Conv1d(step, border, gap, groups).apply_to(x, weight, bias)


def conv_transpose2d(
    input: T,
    weight: T,
    bias: T | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> T:
    """Spread images through a kernel: the adjoint of ``conv2d``, which enlarges where that one shrinks.

    Parameters
    ----------
    input
        Of shape (N, C, H, W), or (C, H, W).
    weight
        Of shape (C, out_channels / groups, kH, kW).
    bias
        Of shape (out_channels,).
    stride, padding, dilation
        Those of the convolution whose adjoint this is: one number, or two for height and width.
    output_padding
        With a stride, inputs of several sizes convolve to one size; this many rows and columns choose a
        larger one.
    groups
        Channels fall into this many groups, each with its own part of the weight.

    Raises
    ------
    OperationError
        If shapes, channels and groups don't fit.
    """
    if len(shape_of(input)) == 3:
        return as_batch(
            "conv_transpose2d",
            input,
            4,
            lambda x: conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation),
        )
    _check("conv_transpose2d", input, weight, bias, 4, groups, transposed=True)
    step, gap = pair_of("conv_transpose2d", "stride", stride), pair_of("conv_transpose2d", "dilation", dilation)
    border, extra = (
        pair_of("conv_transpose2d", "padding", padding, 0),
        pair_of("conv_transpose2d", "output_padding", output_padding, 0),
    )
    if any(e >= max(s, d) for e, s, d in zip(extra, step, gap, strict=True)):
        raise OperationError(
            f"conv_transpose2d: output_padding={output_padding} must be smaller than the stride or the dilation"
        )
    axes = zip(shape_of(input)[2:], shape_of(weight)[2:], step, border, gap, extra, strict=True)
    height, width = ((n - 1) * s - 2 * p + d * (k - 1) + 1 + e for n, k, s, p, d, e in axes)
    if height < 1 or width < 1:
        raise OperationError(f"conv_transpose2d: padding={padding} leaves an output of {(height, width)}: nothing")
    room("conv_transpose2d", (height, width), array_of(weight).dtype)
    return ConvTranspose2d((height, width), step, border, gap, groups).apply_to(input, weight, bias)
