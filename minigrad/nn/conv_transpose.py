"""The transposed convolutions, which go back to a higher resolution."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import choice, integers, tensor
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn.conv import Sizes, _ConvNd
from minigrad.tensors.tensor import Tensor


class ConvTranspose2d(_ConvNd):
    """The transpose of ``Conv2d``: its forward is the other's backward, from low resolution to high.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, groups, bias, dilation
        As of the ``Conv2d`` whose input gradient this is.
    output_padding
        Added at the end of each axis, because with a stride several input sizes give one output size.

    Attributes
    ----------
    weight
        Of shape (in_channels, out_channels / groups, height, width).
    bias
        Of shape (out_channels,), or None.

    Raises
    ------
    ValueError
        For channels not divisible by the groups, or another padding mode than zeros.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ConvTranspose2d(8, 4, 2, stride=2)(mg.ones(1, 8, 5, 5)).shape
    (1, 4, 10, 10)
    """

    dims = 2
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        choice(type(self).__name__, "padding_mode", padding_mode, ("zeros",))
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Go back from (N, in_channels, H, W), or one image without N.

        Parameters
        ----------
        output_size
            The height and width to reach, where ``stride`` leaves a choice.
        """
        extra = self.output_padding if output_size is None else self._reach(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _reach(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives this size."""
        layer = type(self).__name__
        tensor(layer, "input", input)
        counts = (self.dims, input.ndim)
        wanted = integers(layer, "output_size", output_size, counts, least=0)[-self.dims :]
        extra = []
        for axis, size in enumerate(input.shape[-self.dims :]):
            reach = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            smallest = (size - 1) * self.stride[axis] - 2 * self.padding[axis] + reach
            extra.append(wanted[axis] - smallest)
            if not 0 <= extra[-1] < self.stride[axis]:
                largest = smallest + self.stride[axis] - 1
                raise OperationError(
                    f"{layer}: output_size={wanted}: axis {axis} can reach {smallest} to {largest} only"
                )
        return tuple(extra)


class ConvTranspose1d(ConvTranspose2d):
    """The transpose of ``Conv1d``; parameters and attributes as ``ConvTranspose2d``."""

    dims = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Go back from (N, in_channels, L), or one sequence without N."""
        extra = self.output_padding if output_size is None else self._reach(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )
