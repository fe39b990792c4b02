"""Other pools as layers: the largest of adaptive windows, the way back from a max pool, p-norms; older upsamplers."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import flag, integers, numbers, truths
from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.nn.pooling import Sizes, Upsample, _AdaptiveAvgPoolNd
from minigrad.nn.tuples import _pair
from minigrad.tensors.tensor import Tensor


class _AdaptiveMaxPool(_AdaptiveAvgPoolNd):
    """What the adaptive maxima share."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        truths(type(self).__name__, return_indices=return_indices)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest values of as many windows as the output is to have; one dimension."""

    def forward(self, input: Tensor) -> Any:
        """Pool (N, C, L) to (N, C, output_size)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest values of as many windows as the output is to have.

    Parameters
    ----------
    output_size
        One integer, or one for height and one for width; None keeps a size.
    return_indices
        Give the places of the maxima too.
    """

    def forward(self, input: Tensor) -> Any:
        """Pool ``(N, C, H, W)`` to ``(N, C, *output_size)``."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class MaxUnpool2d(Module):
    """Puts each value where ``MaxPool2d(..., return_indices=True)`` found it, and 0 elsewhere."""

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = (
            _pair(integers("MaxUnpool2d", name, n, (1, 2)) if not isinstance(n, int) else n)
            for name, n in (
                ("kernel_size", kernel_size),
                ("stride", kernel_size if stride is None else stride),
                ("padding", padding),
            )
        )

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Go back from (N, C, H, W)."""
        y: Tensor = F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)
        return y

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class LPPool2d(Module):
    """The p-norm of each window."""

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        flag(type(self).__name__, "ceil_mode", ceil_mode)
        numbers(type(self).__name__, norm_type=norm_type)
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Pool (N, C, H, W)."""
        y: Tensor = F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
        return y

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(LPPool2d):
    """The p-norm of each window of (N, C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool (N, C, L)."""
        y: Tensor = F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
        return y


class UpsamplingNearest2d(Upsample):
    """An older word for ``Upsample(mode="nearest")``."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """An older word for ``Upsample(mode="bilinear", align_corners=True)``."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
