"""The part of a tensor that the engine knows: an array, and the node that made it.

The operators and methods are added one level up, in ``minigrad/tensors/tensor.py``, because they apply
operations, operations are nodes, and nodes take and make tensors. The engine and the operations
only ever import this class; so every import points downward and none runs in a circle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # the one circle of imports, and no program runs it: a tensor names its node, a node its tensors
    from minigrad.engine.node import Node
    from minigrad.engine.views import View

Array = npt.NDArray[Any]
Self = TypeVar("Self", bound="TensorBase")


class TensorBase:
    """A value in the graph.

    Attributes
    ----------
    array
        The NumPy array itself.
    requires_grad
        Whether gradients are to reach this tensor.
    node, slot
        The node that made this tensor, and which of its outputs it is. A leaf has no node.
    name
        A name for pictures and messages, or None.
    """

    # What a pass looks at stands in slots, which are read fastest; what is rarely set is a default of the class.
    __slots__ = ("__dict__", "__weakref__", "_grad", "array", "node", "requires_grad", "slot")

    array: Array
    requires_grad: bool
    node: Node | None
    slot: int
    name: str | None = None
    retains_grad: bool = False
    #: A leaf's gradient. That of an interior tensor is its node's, unless it is retained.
    _grad: Any
    #: Of a leaf: called with its complete gradient, and after that gradient was put down. Of an interior tensor the
    #: hooks are its node's: they belong to the value, and a tensor that is written in place gets another value.
    _hooks: dict[int, Callable[[Any], Any]] | None = None
    _post_hooks: dict[int, Callable[[Any], Any]] | None = None
    #: From which tensor this one is cut as a view; and the views that are cut from this one.
    _view: View | None = None
    _views: Any = None
    #: Whether a fork's ways have this array too: they are values of their own, so a write here goes to a copy.
    forked: bool = False

    def __new__(cls: type[Self], *args: Any, **kwargs: Any) -> Self:
        """A leaf, as which every tensor begins that is no node's output."""
        leaf = object.__new__(cls)
        leaf.requires_grad = False
        leaf.node = leaf._grad = None
        leaf.slot = 0
        return leaf

    @classmethod
    def _like(cls: type[Self], array: Array, requires_grad: bool) -> Self:
        """A leaf of this class, that holds this very array."""
        leaf = cls.__new__(cls)
        leaf.array = array
        leaf.requires_grad = requires_grad
        return leaf

    # A tensor is a key by identity: ``==`` compares elements.
    __hash__ = object.__hash__

    @property
    def is_leaf(self) -> bool:
        """Whether no node made this tensor."""
        return self.node is None


def array_of(x: Any) -> Array:
    """The array behind a tensor, or ``x`` itself as an array."""
    return x.array if isinstance(x, TensorBase) else np.asarray(x)


#: What the engine wraps arrays in. ``minigrad/tensors/tensor.py``, which is above the engine, puts ``Tensor`` here.
tensor_class: type[TensorBase] = TensorBase


def as_tensor(array: Any, requires_grad: bool = False) -> TensorBase:
    """The array in a tensor without a node."""
    return tensor_class._like(np.asarray(array), requires_grad)
