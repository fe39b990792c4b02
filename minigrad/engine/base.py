"""The part of a tensor that the engine knows: an array, and the node that made it.

The operators and methods are added one level up, in ``minigrad/tensor.py``, because they apply
operations, operations are nodes, and nodes take and make tensors. The engine and the operations
only ever import this class; so every import points downward and none runs in a circle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from minigrad.engine.node import Node

Array = npt.NDArray[Any]


class TensorBase:
    """A value in the graph.

    Attributes
    ----------
    data
        The NumPy array itself.
    requires_grad
        Whether gradients are to reach this tensor.
    node, slot
        The node that made this tensor, and which of its outputs it is. A leaf has no node.
    name
        A name for pictures and messages, or None.
    """

    # Defaults on the class: making a tensor then sets three attributes and not eight.
    data: Array
    requires_grad: bool = False
    node: Node | None = None
    slot: int = 0
    name: str | None = None
    retains_grad: bool = False
    _grad: Any = None
    _hooks: dict[int, Callable[[Any], Any]] | None = None

    # NumPy steps back, so that ``array * tensor`` reaches the tensor's ``__rmul__``.
    __array_ufunc__ = None
    # A tensor is a key by identity: ``==`` compares elements.
    __hash__ = object.__hash__

    @property
    def is_leaf(self) -> bool:
        """Whether no node made this tensor."""
        return self.node is None


def array_of(x: Any) -> Array:
    """The array behind a tensor, or ``x`` itself as an array."""
    return x.data if isinstance(x, TensorBase) else np.asarray(x)
