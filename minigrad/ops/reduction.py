"""What reductions share: which axes go away, and how a gradient is copied back over them."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import flag
from minigrad.engine.node import Node
from minigrad.ops.common import Dims, axes_of
from minigrad.ops.shape import Expand


class Reduction(Node):
    """A node that takes the values along some axes to one.

    ``dim`` and ``keepdim`` are PyTorch's; ``axes`` are those that ``dim`` names in the input at hand.
    """

    def __init__(self, dim: Dims = None, keepdim: bool = False) -> None:
        self.dim, self.keepdim = dim, flag(type(self).__name__, "keepdim", keepdim)

    def look_at(self, x: Any) -> Any:
        """Note the shape of the input and the axes to reduce; None stands for all of them, as in NumPy."""
        self.from_shape = x.shape
        self.axes = None if self.dim is None else axes_of(self.dim, x.ndim)
        if not x.shape:
            self.axes = None
        return self.axes

    @property
    def kept_shape(self) -> tuple[int, ...]:
        """The output's shape with each reduced axis kept at length 1."""
        if self.axes is None:
            return (1,) * len(self.from_shape)
        return tuple(1 if i in self.axes else n for i, n in enumerate(self.from_shape))

    @property
    def count(self) -> int:
        """How many values were taken to one."""
        count = 1
        for i in range(len(self.from_shape)) if self.axes is None else self.axes:
            count *= self.from_shape[i]
        return count

    def spread(self, gy: Any) -> Any:
        """Copy a gradient of the output back to every value that went into it: the adjoint of a sum."""
        return Expand(self.from_shape).apply_to(gy.reshape(self.kept_shape))
