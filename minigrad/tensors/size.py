"""A shape: a tuple, which older constructors tell from a list of values."""

from __future__ import annotations

import math
from typing import Any


class Size(tuple[int, ...]):
    """The sizes of a tensor: a tuple that ``FloatTensor(x.size())`` takes for sizes, and not for values.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.ones(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    def __getitem__(self, key: Any) -> Any:
        part = tuple.__getitem__(self, key)
        return Size(part) if type(key) is slice else part
