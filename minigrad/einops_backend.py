"""einops on minigrad's tensors: where einops is installed, this registers a backend, and ``einops.layers.minigrad``.

``rearrange``, ``reduce``, ``repeat`` and ``einsum`` then take tensors, and the graph goes through them: each becomes
the nodes of its reshapes and transposes. A model file's ``einops.layers.torch`` becomes ``einops.layers.minigrad``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from minigrad.nn.module import Module
from minigrad.ops.einsum import einsum
from minigrad.ops.join import cat, stack
from minigrad.tensors.creation import arange
from minigrad.tensors.tensor import Tensor, from_array

try:
    from einops._backends import AbstractBackend
    from einops.layers import RearrangeMixin, ReduceMixin
except ImportError:

    class _Absent:
        """In the place of einops' own classes."""

    AbstractBackend = RearrangeMixin = ReduceMixin = _Absent
    installed = False
else:
    installed = True


class Backend(AbstractBackend):
    """What einops asks of a framework."""

    framework_name = "minigrad"

    def is_appropriate_type(self, tensor: Any) -> bool:
        """Whether this backend is for that object."""
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Tensor:
        """Wrap an array."""
        return from_array(x)

    def to_numpy(self, x: Tensor) -> Any:
        """Give the array."""
        return x.array

    def arange(self, start: int, stop: int) -> Tensor:
        """Count."""
        return arange(start, stop)

    def reshape(self, x: Tensor, shape: Any) -> Tensor:
        """Another shape."""
        return x.reshape(tuple(shape))

    def transpose(self, x: Tensor, axes: Any) -> Tensor:
        """The axes in another order."""
        return x.permute(tuple(axes))

    def reduce(self, x: Tensor, operation: str, axes: Any) -> Tensor:
        """Take axes to one value."""
        names = {"min": "amin", "max": "amax", "prod": "prod", "sum": "sum", "mean": "mean", "any": "any", "all": "all"}
        if operation in ("any", "all", "prod"):
            for axis in sorted(axes)[::-1]:
                x = getattr(x, operation)(dim=axis)
            return x
        reduced: Tensor = getattr(x, names[operation])(dim=tuple(axes))
        return reduced

    def stack_on_zeroth_dimension(self, tensors: list[Tensor]) -> Tensor:
        """Put tensors one behind the other."""
        return stack(tensors)

    def add_axis(self, x: Tensor, new_position: int) -> Tensor:
        """Insert an axis of size 1."""
        return x.unsqueeze(new_position)

    def tile(self, x: Tensor, repeats: Any) -> Tensor:
        """Repeat along each axis."""
        return x.repeat(tuple(repeats))

    def concat(self, tensors: list[Tensor], axis: int) -> Tensor:
        """Join along an axis."""
        return cat(tensors, axis)

    def is_float_type(self, x: Tensor) -> bool:
        """Whether a mean can be taken."""
        return x.dtype.kind == "f"

    def einsum(self, pattern: str, *x: Tensor) -> Tensor:
        """Einstein's summation."""
        y: Tensor = einsum(pattern, *x)
        return y

    def layers(self) -> ModuleType:
        """The layers below."""
        return sys.modules["einops.layers.minigrad"]


class Rearrange(RearrangeMixin, Module):
    """``einops.rearrange`` as a layer."""

    def __init__(self, pattern: str, **axes_lengths: int) -> None:
        Module.__init__(self)
        RearrangeMixin.__init__(self, pattern, **axes_lengths)

    def forward(self, input: Tensor) -> Any:
        """Rearrange."""
        return self._apply_recipe(input)


class Reduce(ReduceMixin, Module):
    """``einops.reduce`` as a layer."""

    def __init__(self, pattern: str, reduction: str, **axes_lengths: int) -> None:
        Module.__init__(self)
        ReduceMixin.__init__(self, pattern, reduction, **axes_lengths)

    def forward(self, input: Tensor) -> Any:
        """Reduce."""
        return self._apply_recipe(input)


if installed:
    layers = ModuleType("einops.layers.minigrad", "einops' layers on minigrad.")
    vars(layers).update(Rearrange=Rearrange, Reduce=Reduce)
    sys.modules[layers.__name__] = layers
