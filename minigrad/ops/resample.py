"""Images made larger or smaller: interpolate.

Both ways of doing it are linear maps, so the backward of each is the adjoint map, an operation of its own.
"""

from __future__ import annotations

from typing import Any

from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import resample as kernels
from minigrad.ops.common import T, shape_of
from minigrad.ops.pool import adaptive_avg_pool2d
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
        self.from_hw = x.shape[2:]
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
_MODES = {"nearest": (1, 2), "area": (1, 2), "linear": (1,), "bilinear": (2,)}


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
        ``"nearest"``, ``"bilinear"`` (images), ``"linear"`` (sequences) or ``"area"``.
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
    shape = shape_of(input)
    spatial = shape[2:]
    if mode not in _MODES:
        raise OperationError(f"interpolate: mode={mode!r}; it can be {', '.join(map(repr, _MODES))}")
    if len(spatial) not in _MODES[mode]:
        raise OperationError(f"interpolate: mode={mode!r} doesn't fit an input of shape {tuple(shape)}")
    if antialias:
        raise NotImplementedError("interpolate: antialias=True isn't supported")
    if (size is None) == (scale_factor is None):
        raise OperationError("interpolate: give size= or scale_factor=, one of the two")
    if align_corners is not None and mode in ("nearest", "area"):
        raise OperationError(f"interpolate: align_corners= has no meaning for mode={mode!r}")
    factors: tuple[float, ...] | None = None
    if size is None:
        factors = _for_axes(scale_factor, len(spatial), "scale_factor", float)
        sizes = tuple(int(n * f) for n, f in zip(spatial, factors, strict=True))
    else:
        if recompute_scale_factor:
            raise OperationError("interpolate: recompute_scale_factor=True needs scale_factor=, not size=")
        sizes = _for_axes(size, len(spatial), "size", int)
    if min((*sizes, *spatial)) < 1:
        raise OperationError(f"interpolate: sizes must be positive: the input's {tuple(spatial)}, the output's {sizes}")
    if factors:
        # PyTorch takes an axis that keeps its size, or for nearest doubles it, for just that, whatever the factor;
        # but not in the nearest of sequences.
        plain: tuple[int, ...] = (1,) if mode != "nearest" else (1, 2) if len(spatial) == 2 else ()
        ratios = [m / n for n, m in zip(spatial, sizes, strict=True)]
        factors = tuple(r if r in plain else f for r, f in zip(ratios, factors, strict=True))
    x: Any = input
    if len(spatial) == 1:
        x, sizes, factors = x.unsqueeze(-2), (1, *sizes), (1.0, *factors) if factors else None
    scale: Any = None if recompute_scale_factor else factors
    target: Any = sizes
    if mode == "area":
        y: Any = adaptive_avg_pool2d(x, target)
    elif mode == "nearest":
        y = InterpolateNearest(target, scale).apply_to(x)
    else:
        y = InterpolateBilinear(target, bool(align_corners), scale).apply_to(x)
    return y.squeeze(-2) if len(spatial) == 1 else y


def _for_axes(value: Any, count: int, name: str, kind: Any) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count:
        raise OperationError(f"interpolate: {name}={value} must be one number, or {count}")
    return tuple(map(kind, values))
