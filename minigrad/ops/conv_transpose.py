"""The transposed convolution of sequences; that of images is in ``conv.py``, whose gradient it is."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.common import T
from minigrad.ops.conv import conv_transpose2d
from minigrad.ops.shape import squeeze, unsqueeze
from minigrad.ops.windows import single_of


def conv_transpose1d(
    input: T,
    weight: T,
    bias: T | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> T:
    """Spread sequences (N, C, L) through a kernel (C, out_channels / groups, k): a ``conv_transpose2d`` of height 1."""
    x, w = tensor("conv_transpose1d", "input", input), tensor("conv_transpose1d", "weight", weight)
    if len(x.shape) not in (2, 3) or len(w.shape) != 3:
        raise OperationError(
            f"conv_transpose1d: the input must be (N, C, L) or (C, L) and the weight (C, out, k); they have shapes "
            f"{tuple(x.shape)} and {tuple(w.shape)}"
        )
    step, border = single_of("conv_transpose1d", "stride", stride), single_of("conv_transpose1d", "padding", padding, 0)
    extra, gap = (
        single_of("conv_transpose1d", "output_padding", output_padding, 0),
        single_of("conv_transpose1d", "dilation", dilation),
    )
    y: Any = conv_transpose2d(
        unsqueeze(x, -2), unsqueeze(w, -2), bias, (1, step), (0, border), (0, extra), groups, (1, gap)
    )
    return squeeze(y, -2)
