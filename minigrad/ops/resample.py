"""Images made larger or smaller: interpolate.

Both ways of doing it are linear maps, so the backward of each is the adjoint map, an operation of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import choice, flag, integer, number, room, tensor, wrong_value
from minigrad.engine.base import as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import resample as kernels
from minigrad.ops.common import T, real, shape_of
from minigrad.ops.linalg import matmul
from minigrad.ops.pool import adaptive_avg_pool2d
from minigrad.ops.shape import squeeze, transpose, unsqueeze
from minigrad.ops.windows import Pair

Scale = tuple[float, float] | None


class InterpolateNearest(Node):
    """Every output element copies the nearest input element. Backward: ``gx`` sums ``gy`` over the copies."""

    def __init__(self, output_hw: Pair, scale: Scale = None) -> None:
        self.output_hw, self.scale = output_hw, scale

    def forward(self, x: Any) -> Any:
        self.from_hw = x.shape[2:]
        return kernels.interpolate_nearest(x, self.output_hw, self.scale)

    def backward(self, gy: Any) -> Any:
        return NearestGradient(self.from_hw, self.output_hw, self.scale).apply_to(gy)


class NearestGradient(Node):
    """The adjoint of ``InterpolateNearest``, which is its backward."""

    def __init__(self, input_hw: Pair, output_hw: Pair, scale: Scale) -> None:
        self.input_hw, self.output_hw, self.scale = input_hw, output_hw, scale

    def forward(self, x: Any) -> Any:
        return kernels.interpolate_nearest_backward(x, self.input_hw, self.scale)

    def backward(self, gy: Any) -> Any:
        return InterpolateNearest(self.output_hw, self.scale).apply_to(gy)


class InterpolateBilinear(Node):
    """Every output element blends its four neighbours. Backward: ``gy`` goes back to them by the same weights."""

    def __init__(self, output_hw: Pair, align_corners: bool, scale: Scale = None) -> None:
        self.output_hw, self.align_corners, self.scale = output_hw, align_corners, scale

    def forward(self, x: Any) -> Any:
        self.from_hw = real(x).shape[2:]
        return kernels.interpolate_bilinear(x, self.output_hw, self.align_corners, self.scale)

    def backward(self, gy: Any) -> Any:
        return BilinearGradient(self.from_hw, self.output_hw, self.align_corners, self.scale).apply_to(gy)


class BilinearGradient(Node):
    """The adjoint of ``InterpolateBilinear``, which is its backward."""

    def __init__(self, input_hw: Pair, output_hw: Pair, align_corners: bool, scale: Scale) -> None:
        self.input_hw, self.output_hw, self.align_corners, self.scale = input_hw, output_hw, align_corners, scale

    def forward(self, x: Any) -> Any:
        return kernels.interpolate_bilinear_backward(x, self.input_hw, self.align_corners, self.scale)

    def backward(self, gy: Any) -> Any:
        return InterpolateBilinear(self.output_hw, self.align_corners, self.scale).apply_to(gy)


#: For each mode, how many spatial axes it takes.
_MODES = {
    "nearest": (1, 2),
    "nearest-exact": (1, 2),
    "area": (1, 2),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
}


def interpolate(
    input: T,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> T:
    """Make images (N, C, H, W) or sequences (N, C, L) larger or smaller.

    Parameters
    ----------
    size, scale_factor
        What the output's size is, or how many times the input's: one number, or one for each axis. Give
        one of the two.
    mode
        ``"nearest"``, ``"nearest-exact"``, ``"bilinear"`` or ``"bicubic"`` (images), ``"linear"`` (sequences) or
        ``"area"``.
    align_corners
        For the linear modes: whether the middles of the corner elements stay in place, or their outer edges.
    recompute_scale_factor
        Take the ratio of the sizes for the scale, and not ``scale_factor`` itself.
    antialias
        Not supported.

    Raises
    ------
    OperationError
        If the mode doesn't fit the input, or the size isn't given once.
    """
    shape = tensor("interpolate", "input", input).shape
    spatial = shape[2:]
    choice("interpolate", "mode", mode, tuple(_MODES))
    if len(spatial) not in _MODES[mode]:
        raise OperationError(f"interpolate: mode={mode!r} doesn't fit an input of shape {tuple(shape)}")
    if flag("interpolate", "antialias", antialias):
        raise NotImplementedError("interpolate: antialias=True isn't supported")
    if (size is None) == (scale_factor is None):
        raise OperationError("interpolate: give size= or scale_factor=, one of the two")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise OperationError(f"interpolate: align_corners= has no meaning for mode={mode!r}")
    for name, value in (("align_corners", align_corners), ("recompute_scale_factor", recompute_scale_factor)):
        if value is not None:
            flag("interpolate", name, value)
    factors: tuple[float, ...] | None = None
    if size is None:
        factors = _for_axes(scale_factor, len(spatial), "scale_factor", number)
        if not all(0 < f < math.inf for f in factors):
            raise wrong_value("interpolate", "scale_factor", "finite numbers above 0", scale_factor)
        sizes = tuple(int(n * f) for n, f in zip(spatial, factors, strict=True))
    else:
        if recompute_scale_factor:
            raise OperationError("interpolate: recompute_scale_factor=True needs scale_factor=, not size=")
        sizes = _for_axes(size, len(spatial), "size", integer)
    if min((*sizes, *spatial)) < 1:
        raise OperationError(f"interpolate: sizes must be positive: the input's {tuple(spatial)}, the output's {sizes}")
    room("interpolate", (*shape[:2], *sizes), np.float32)
    if factors:
        # PyTorch takes an axis that keeps its size, or for nearest doubles it, for just that, whatever the factor;
        # but not in the nearest of sequences.
        plain: tuple[int, ...] = (1,) if mode != "nearest" else (1, 2) if len(spatial) == 2 else ()
        ratios = [m / n for n, m in zip(spatial, sizes, strict=True)]
        factors = tuple(r if r in plain else f for r, f in zip(ratios, factors, strict=True))
    x: Any = input
    if mode in ("bicubic", "nearest-exact"):
        by_factor = None if recompute_scale_factor else factors
        y: Any = _by_matrices(x, sizes, by_factor, bool(align_corners), mode)
        return y
    if len(spatial) == 1:
        x, sizes, factors = unsqueeze(x, -2), (1, *sizes), (1.0, *factors) if factors else None
    scale: Any = None if recompute_scale_factor else factors
    target: Any = sizes
    if mode == "area":
        y = adaptive_avg_pool2d(x, target)
    elif mode == "nearest":
        y = InterpolateNearest(target, scale).apply_to(x)
    else:
        y = InterpolateBilinear(target, bool(align_corners), scale).apply_to(x)
    return squeeze(y, -2) if len(spatial) == 1 else y


def _for_axes(value: Any, count: int, name: str, kind: Any) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count:
        raise OperationError(f"interpolate: {name}={value} must be one number, or {count}")
    return tuple(kind("interpolate", name, each) for each in values)


def _weights(size: int, length: int, scale: float, align_corners: bool, mode: str) -> Any:
    """How much each of ``length`` elements counts in each of ``size``: a matrix, (size, length)."""
    places = np.arange(size)
    if mode == "nearest-exact":
        at = np.minimum(np.floor((places + 0.5) * scale), length - 1).astype(np.int64)
        return (at[:, None] == np.arange(length)).astype(np.float64)
    x = places * scale if align_corners else (places + 0.5) * scale - 0.5
    first = np.floor(x).astype(np.int64)
    t = x - first
    matrix = np.zeros((size, length))
    for k in range(-1, 3):  # Keys' cubic convolution of 1981, with a = -3/4; elements outside are the border's
        d = np.abs(k - t)
        near = 1.25 * d**3 - 2.25 * d**2 + 1
        far = -0.75 * (d**3 - 5 * d**2 + 8 * d - 4)
        np.add.at(matrix, (places, np.clip(first + k, 0, length - 1)), np.where(d <= 1, near, far))
    return matrix


def _by_matrices(x: Any, sizes: Any, scale: Any, align_corners: bool, mode: str) -> Any:
    """Resample along one axis after the other: each is a product with a matrix of weights."""
    for axis, (size, length) in enumerate(zip(sizes, shape_of(x)[2:], strict=True)):
        if align_corners:
            step = (length - 1) / (size - 1) if size > 1 else 0.0
        else:
            step = 1 / scale[axis] if scale else length / size
        matrix = as_tensor(_weights(size, length, step, align_corners, mode).astype(x.dtype))
        x = matmul(matrix, x) if axis == 0 and len(sizes) == 2 else matmul(x, transpose(matrix, 0, 1))
    return x


def upsample(
    input: T, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None
) -> T:
    """PyTorch's older word for ``interpolate``."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: T, size: Any = None, scale_factor: Any = None) -> T:
    """PyTorch's older word for ``interpolate`` by repeating."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: T, size: Any = None, scale_factor: Any = None) -> T:
    """PyTorch's older word for ``interpolate(mode="bilinear", align_corners=True)``."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
