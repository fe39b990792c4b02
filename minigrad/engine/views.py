"""Views: tensors that are cut from another one's memory, and how; so that a write to one reaches the history of all."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from minigrad.engine.base import TensorBase
from minigrad.engine.writes import owner_of


class Part(NamedTuple):
    """A part of an array or tensor.

    Attributes
    ----------
    cuts
        The operations that cut it out, in order; none for the whole.
    """

    cuts: tuple[Any, ...]

    def of(self, whole: Any) -> Any:
        """The part, of an array or tensor."""
        for cut in self.cuts:
            whole = cut.again().apply_to(whole)
        return whole

    def put(self, whole: Any, value: Any) -> None:
        """Write a value into this part of an array."""
        if not self.cuts:
            whole[...] = value
            return
        for cut in self.cuts[:-1]:
            whole = cut.forward(whole)
        self.cuts[-1].put(whole, value)


class View(NamedTuple):
    """How a tensor was cut: from which tensor, and which part; None, where one operation gave several views."""

    base: TensorBase
    part: Part | None


def remember(view: TensorBase, cut_from: Any, node: Any) -> None:
    """Note how a view was cut, and at its base that there is a view; of what is a copy, nothing."""
    if not isinstance(cut_from, TensorBase) or owner_of(view.array) is not owner_of(cut_from.array):
        return
    base, part = cut_from._view or (cut_from, Part(()))
    view._view = View(base, None if node is None or part is None else Part((*part.cuts, node.again())))
    if base._views is None:
        base._views = WeakValueDictionary()
    base._views[id(view)] = view


def renew(base: TensorBase, written: TensorBase | None = None) -> None:
    """Give all other views of a tensor that was written a history that begins at what it is now."""
    for view in list((base._views or {}).values()):
        if view is not written and view._view is not None and view._view.part is not None:
            now = view._view.part.of(base)
            view.node, view.slot, view.requires_grad = now.node, now.slot, now.requires_grad
