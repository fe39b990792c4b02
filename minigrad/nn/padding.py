"""Layers that add a border: zeros, a constant, a mirror image, the edge again, or the other end."""

from __future__ import annotations

from minigrad.arguments import integers, numbers
from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.tensors.tensor import Tensor

Padding = int | tuple[int, ...]


class _Pad(Module):
    """What they share: how much, (left, right) or (left, right, top, bottom)."""

    mode = "constant"
    sides = 4

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        sides = integers(type(self).__name__, "padding", padding, (1, self.sides))
        self.padding = sides * self.sides if len(sides) == 1 else sides

    def forward(self, input: Tensor) -> Tensor:
        """Add the border to the last axes."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The settings."""
        return str(self.padding)


class ConstantPad2d(_Pad):
    """Adds a border of one value to images.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ConstantPad2d((1, 0, 0, 0), 7.0)(mg.zeros(1, 1, 1, 2)).tolist()
    [[[[7.0, 0.0, 0.0]]]]
    """

    def __init__(self, padding: Padding, value: float) -> None:
        super().__init__(padding)
        numbers(type(self).__name__, value=value)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Add the border to the last axes."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The settings."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(ConstantPad2d):
    """Adds one value at both ends of sequences."""

    sides = 2


class ZeroPad2d(_Pad):
    """Adds a border of zeros to images."""


class ZeroPad1d(_Pad):
    """Adds zeros at both ends of sequences."""

    sides = 2


class ReflectionPad2d(_Pad):
    """Adds a border in which the image is mirrored at its edge."""

    mode = "reflect"


class ReflectionPad1d(ReflectionPad2d):
    """Adds to both ends of sequences what lies before them, mirrored."""

    sides = 2


class ReplicationPad2d(_Pad):
    """Adds a border in which the edge comes again."""

    mode = "replicate"


class ReplicationPad1d(ReplicationPad2d):
    """Adds the first and the last element again."""

    sides = 2


class CircularPad2d(_Pad):
    """Adds a border in which the other end of the image follows."""

    mode = "circular"


class CircularPad1d(CircularPad2d):
    """Adds to both ends of sequences what stands at the other."""

    sides = 2
