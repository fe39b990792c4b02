"""Many small parameters in one array, so that a step is one kernel call for all of them.

A call costs about as much as updating a thousand numbers, and deep nets have hundreds of small
parameters. So the data of the small ones are moved side by side into one array, of which each ``p.array``
becomes a view; the arrays that the optimizer keeps move likewise, and in each step the gradients are
copied together.

A move must not be noticed: where someone else holds ``p.array`` (a ``detach()``, an early ``state_dict()``),
what they hold would stop following the parameter. Those parameters stay where they are, and are updated
one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy as np

from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.writes import Note, OwnedInParts, note_of
from minigrad.tensors.tensor import Tensor

#: A larger parameter is updated by a call of its own: copying its gradient would cost more than that call.
SMALL = 32_768
#: Fewer small parameters than this aren't worth a bundle.
FEW = 4


class Shared(OwnedInParts):
    """The array that bundled tensors are views of.

    A class of its own shows a later optimizer that it may move them again. And it makes NumPy keep, as
    the base of a view of ``p.array``, ``p.array`` and not this array: so that ``_movable`` sees the view.
    """


def same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether two lists hold the very same objects."""
    return len(some) == len(others) and all(map(is_, some, others))


class Bundle:
    """The small ones of some parameters, side by side.

    Parameters
    ----------
    ready
        The parameters, all of which have a gradient.

    Attributes
    ----------
    data
        The numbers of those that are in the bundle, shape (N,).
    state
        The arrays kept for them: shape (N,), but for ``"step"``, which has one number for each.
    notes
        Where a write to each member is noted.
    rest
        Those of ``ready`` that are not in the bundle.
    """

    def __init__(self, ready: list[Tensor]) -> None:
        self.ready = ready
        self.rest = ready
        self.members: list[Tensor] = []
        self.state: dict[str, Array] = {}
        self.notes: list[Note] = []
        self._views: list[Array] = []
        self._kept_views: list[Array] = []

    def fill(self, state: Any, keys: tuple[str, ...]) -> bool:
        """Bring the parameters and their state into the bundle, if they are not there yet.

        Parameters
        ----------
        state
            The optimizer's, by parameter.
        keys
            The names of the arrays that it keeps for each.

        Returns
        -------
        bool
            Whether the bundle holds any.
        """
        return self._holds(state, keys) or self._move(state, keys)

    def gradients(self) -> Array:
        """The gradients of the members, shape (N,)."""
        found = [p._grad for p in self.members]
        flat = [(g if type(g) is np.ndarray else g.array).ravel() for g in found]
        return np.concatenate(flat, out=self._gradient)

    def _holds(self, state: Any, keys: tuple[str, ...]) -> bool:
        """Whether every array is still where it was moved to; data that was assigned since is taken in."""
        if not self.members or tuple(self.state) != keys:
            return False
        try:
            entries = [state.get(p, {}) for p in self.members] if keys else []
            kept = [entry[key].array for key in keys for entry in entries]
        except (KeyError, AttributeError):
            return False
        if not same(kept, self._kept_views):
            return False
        if "step" in keys and (self.state["step"] != self.state["step"][0]).any():
            return False
        for p, view in zip(self.members, self._views, strict=True):
            if p.array is not view:
                if p.array.shape != view.shape or p.array.dtype != view.dtype or not _movable(p):
                    return False
                view[...] = p.array
                p.array = view
        return True

    def _move(self, state: Any, keys: tuple[str, ...]) -> bool:
        """Choose the members anew, and move their arrays."""
        self.members, self.rest = [], []
        self._views, self._kept_views = [], []  # these too would count as someone who holds the data
        for p in self.ready:
            small = p.array.size <= SMALL and array_of(p._grad).shape == p.array.shape
            usual = p.array.dtype.char in "fd" and p.array.flags.writeable
            fits = small and usual and _movable(p) and all(_is_kept(state, p, key) for key in keys)
            (self.members if fits and self._joins(state, p, keys) else self.rest).append(p)
        if len(self.members) < FEW or len(dict.fromkeys(self.ready)) != len(self.ready):
            self.members, self.rest = [], self.ready
            return False
        self.data, self._views = _side_by_side(self.members)
        self.notes = [note_of(view) for view in self._views]
        self._gradient = np.empty_like(self.data)
        self.state = {}
        for key in keys:
            self.state[key], views = _side_by_side([state[p][key] for p in self.members])
            self._kept_views += views
        return True

    def _joins(self, state: Any, p: Tensor, keys: tuple[str, ...]) -> bool:
        """Whether ``p`` agrees with the first member in dtype and in the number of steps."""
        first = self.members[0] if self.members else p
        in_step = "step" not in keys or bool(state[p]["step"].array == state[first]["step"].array)
        return in_step and p.array.dtype == first.array.dtype


def _side_by_side(tensors: list[Tensor]) -> tuple[Array, list[Array]]:
    """Move the tensors' data into one array; return it, and the views that they now have."""
    flat = np.concatenate([t.array for t in tensors], axis=None)
    shared = flat.view(Shared)
    views = []
    start = 0
    for t in tensors:
        stop = start + t.array.size
        view = shared[start:stop].reshape(t.array.shape).view(np.ndarray)
        t.array = view
        views.append(view)
        start = stop
    return flat, views


def _is_kept(state: Any, p: Tensor, key: str) -> bool:
    """Whether the optimizer keeps an array under this name, of the right kind, that can be moved."""
    kept = state.get(p, {}).get(key)
    if not isinstance(kept, TensorBase) or not _movable(kept):
        return False
    return key == "step" or (kept.array.shape == p.array.shape and kept.array.dtype == p.array.dtype)


def _references(tensor: TensorBase) -> int:
    return sys.getrefcount(tensor.array)


def _alone() -> int:
    """What ``_references`` gives for a tensor whose array nobody else holds."""
    tensor = TensorBase()
    tensor.array = np.empty(1)
    return _references(tensor)


_ALONE = _alone()


def _movable(tensor: TensorBase) -> bool:
    """Whether nobody would notice if the tensor's data were moved: only the tensor itself refers to them."""
    array = tensor.array
    own = array.base is None or isinstance(array.base, Shared)
    del array
    return own and tensor.array.flags.c_contiguous and _references(tensor) == _ALONE
