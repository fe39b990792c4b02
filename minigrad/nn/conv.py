"""Convolution layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import choice, integer, integers, truths, wrong_value
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn.linear import init_as_pytorch
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.tensors.tensor import Tensor

Sizes = int | tuple[int, ...]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What the convolution layers share: their settings, and a weight and a bias."""

    bias: Parameter | None
    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        layer = type(self).__name__
        truths(layer, bias=bias)
        self.groups = integer(layer, "groups", groups, least=1)
        self.in_channels = integer(layer, "in_channels", in_channels, least=0)
        self.out_channels = integer(layer, "out_channels", out_channels, least=0)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise OperationError(f"{layer}: {name}={channels} must be divisible by groups={groups}")
        self.padding_mode = choice(layer, "padding_mode", padding_mode, _PADDING_MODES)
        self.kernel_size = self._sizes("kernel_size", kernel_size, 1)
        self.stride = self._sizes("stride", stride, 1)
        self.dilation = self._sizes("dilation", dilation, 1)
        self.output_padding = self._sizes("output_padding", output_padding, 0)
        if not isinstance(padding, str):
            self.padding: Any = self._sizes("padding", padding, 0)
        else:
            if padding not in ("same", "valid"):
                raise wrong_value(layer, "padding", "integers, 'same' or 'valid'", padding)
            self.padding = padding
            if padding == "same" and any(n != 1 for n in self.stride):
                raise ValueError(f"padding='same' keeps the size, so the stride must be 1, not {self.stride}")
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = empty_parameter(first, second // groups, *self.kernel_size, device=device, dtype=dtype)
        self.register_parameter("bias", empty_parameter(out_channels, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def _sizes(self, name: str, value: Sizes, least: int) -> tuple[int, ...]:
        """One size for each spatial dimension; settings other than the kernel's may stand as one in a tuple."""
        single = isinstance(value, (int, np.integer))
        counts = (self.dims,) if name == "kernel_size" and not single else (1, self.dims)
        sizes: tuple[int, ...] = integers(type(self).__name__, name, value, counts, least)
        return sizes * self.dims if single else sizes

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init_as_pytorch(self.weight, self.bias)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input with its border filled as ``padding_mode`` says, and the padding that is left to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        last_first = reversed(range(self.dims))  # as F.pad takes them
        border = [n for axis in last_first for n in self._border(axis)]
        return F.pad(input, border, mode=self.padding_mode), 0

    def _border(self, axis: int) -> tuple[int, int]:
        if self.padding == "same":
            total = self.dilation[axis] * (self.kernel_size[axis] - 1)
            return total // 2, total - total // 2
        if isinstance(self.padding, str):
            return 0, 0
        return self.padding[axis % len(self.padding)], self.padding[axis % len(self.padding)]

    def extra_repr(self) -> str:
        """The settings, those that are not the default."""
        text = f"{self.in_channels}, {self.out_channels}"
        text += f", kernel_size={self.kernel_size}, stride={self.stride}"
        none, one = (0,) * self.dims, (1,) * self.dims
        for name, usual in (("padding", none), ("dilation", one), ("output_padding", none), ("groups", 1)):
            value = getattr(self, name)
            if value != usual:
                text += f", {name}={value}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class Conv1d(_ConvNd):
    """Convolution over one dimension; parameters and attributes as ``Conv2d``."""

    dims = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, in_channels, L), or one sequence without N."""
        x, padding = self._padded(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_ConvNd):
    """Convolution of images (a correlation, as everywhere in deep learning).

    Parameters
    ----------
    in_channels, out_channels
        The channels of the input and of the output.
    kernel_size, stride, dilation
        One integer, or one for height and one for width.
    padding
        Likewise, or ``"valid"`` for none, or ``"same"`` to keep the size.
    groups
        Output channels of a group see the input channels of that group only.
    bias
        Whether each output channel has a bias.
    padding_mode
        What stands in the padding: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.

    Attributes
    ----------
    weight
        Of shape (out_channels, in_channels / groups, height, width); at first uniform within
        ``1 / sqrt(fan_in)``.
    bias
        Of shape (out_channels,), drawn likewise; or None.

    Raises
    ------
    ValueError
        For channels not divisible by the groups, an unknown padding, or ``"same"`` with a stride.

    Examples
    --------
    >>> import minigrad as mg
    >>> conv = mg.nn.Conv2d(3, 16, 3, stride=2, padding=1)
    >>> conv
    Conv2d(3, 16, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    >>> conv(mg.ones(1, 3, 8, 8)).shape
    (1, 16, 4, 4)
    """

    dims = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, in_channels, H, W), or one image without N."""
        x, padding = self._padded(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
