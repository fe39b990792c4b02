"""Layers that change the resolution without parameters: pooling, and upsampling."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import flag, integer, integers, number, truths, wrong_kind
from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.tensors.tensor import Tensor

Sizes = int | tuple[int, ...]


class _MaxPoolNd(Module):
    """What MaxPool1d and MaxPool2d share."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        truths(type(self).__name__, return_indices=return_indices)
        flag(type(self).__name__, "ceil_mode", ceil_mode)
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _settings(self) -> dict[str, Any]:
        settings = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return {**settings, "ceil_mode": self.ceil_mode, "return_indices": self.return_indices}

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest value of each window over one dimension; parameters as ``MaxPool2d``."""

    def forward(self, input: Tensor) -> Any:
        """Pool (N, C, L)."""
        return F.max_pool1d(input, self.kernel_size, **self._settings())


class MaxPool2d(_MaxPoolNd):
    """The largest value of each window.

    Parameters
    ----------
    kernel_size, padding, dilation
        One integer, or one for height and one for width.
    stride
        Likewise; by default the kernel size.
    return_indices
        Give the places of the maxima too.
    ceil_mode
        Keep a last window that is cut off by the border.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.MaxPool2d(2)(mg.arange(4.0).reshape(1, 1, 2, 2)).item()
    3.0
    """

    def forward(self, input: Tensor) -> Any:
        """Pool (N, C, H, W)."""
        return F.max_pool2d(input, self.kernel_size, **self._settings())


class _AvgPoolNd(Module):
    """What AvgPool1d and AvgPool2d share."""

    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window over one dimension; parameters as ``AvgPool2d``."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        # PyTorch shows these as tuples here, and as they were given in AvgPool2d.
        self.kernel_size, self.stride, self.padding = (
            integers("AvgPool1d", name, n, (1,))
            for name, n in (
                ("kernel_size", kernel_size),
                ("stride", kernel_size if stride is None else stride),
                ("padding", padding),
            )
        )
        flag(type(self).__name__, "ceil_mode", ceil_mode)
        flag(type(self).__name__, "count_include_pad", count_include_pad)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Pool (N, C, L)."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPoolNd):
    """The mean of each window.

    Parameters
    ----------
    kernel_size, padding
        One integer, or one for height and one for width.
    stride
        Likewise; by default the kernel size.
    ceil_mode
        Keep a last window that is cut off by the border.
    count_include_pad
        Whether the padding's zeros count in the mean.
    divisor_override
        Divide the sum by this number.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.AvgPool2d(2)(mg.arange(4.0).reshape(1, 1, 2, 2)).item()
    1.5
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        flag(type(self).__name__, "ceil_mode", ceil_mode)
        flag(type(self).__name__, "count_include_pad", count_include_pad)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        if divisor_override is not None:
            integer("AvgPool2d", "divisor_override", divisor_override)
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Pool (N, C, H, W)."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _AdaptiveAvgPoolNd(Module):
    """What the adaptive layers share."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The settings."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means over as many windows as the output is to have; one dimension."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool (N, C, L) to (N, C, output_size)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means over as many windows as the output is to have.

    Parameters
    ----------
    output_size
        One integer, or one for height and one for width; None keeps a size.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.AdaptiveAvgPool2d(1)(mg.arange(4.0).reshape(1, 1, 2, 2)).item()
    1.5
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool ``(N, C, H, W)`` to ``(N, C, *output_size)``."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class Upsample(Module):
    """Goes to a higher resolution by repeating or interpolating.

    Parameters
    ----------
    size
        The height and width to reach.
    scale_factor
        Or the factor by which they grow.
    mode
        ``"nearest"`` or ``"bilinear"``.
    align_corners
        For ``"bilinear"``: whether the corner values stay at the corners.
    recompute_scale_factor
        Passed on to ``nn.functional.interpolate``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Upsample(scale_factor=2)(mg.ones(1, 1, 3, 3)).shape
    (1, 1, 6, 6)
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(number("Upsample", "scale_factor", factor) for factor in scale_factor)
        else:
            self.scale_factor = None if scale_factor is None else number("Upsample", "scale_factor", scale_factor)
        if not isinstance(mode, str):
            raise wrong_kind("Upsample", "mode", "a mode, such as 'nearest'", mode)
        self.mode = mode
        truths("Upsample", align_corners=align_corners, recompute_scale_factor=recompute_scale_factor)
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Bring (N, C, H, W) to the new height and width."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """The settings."""
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor}, mode={self.mode!r}"
        return f"size={self.size}, mode={self.mode!r}"
