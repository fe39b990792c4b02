"""Picking elements out by their place, and the adjoint, which adds values back at those places.

``Index`` and ``IndexAdd`` are such a pair: each one's gradient is the other, so derivatives of any
order need no further rules.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.arguments import integer, room, tensor, wrong_value
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.node import Node
from minigrad.kernels import scatter
from minigrad.ops.common import T, axis_of, broadcast_shape, shape_of
from minigrad.ops.shape import Expand, Reshape

_DOTS = (Ellipsis,)


class Index(Node):
    """``x[key]``. Backward: ``gy`` added at the same key of zeros; a place that was read twice gets the sum."""

    makes_view = True

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key = key

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        y = x[self.key]
        # Where integers alone leave one element, NumPy gives a copy of it; with dots behind them, a view.
        return y if isinstance(y, np.ndarray) else x[self.key + _DOTS]

    def put(self, whole: Any, value: Any) -> None:
        whole[self.key] = value

    def backward(self, gy: Any) -> Any:
        return IndexAdd(self.key, self.from_shape).apply_to(gy)


class IndexAdd(Node):
    """Zeros with the values ``x`` added at ``key``: the adjoint of ``Index``. Backward: ``gx = gy[key]``."""

    def __init__(self, key: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        self.key, self.shape = key, shape

    def forward(self, x: Any) -> Any:
        if any(isinstance(k, np.ndarray) and k.dtype != bool for k in self.key):
            return scatter.index_add(self.shape, self.key, x, x.dtype)
        y = np.zeros(self.shape, x.dtype)
        y[self.key] = x  # slices and masks name no place twice
        return y

    def backward(self, gy: Any) -> Any:
        return Index(self.key).apply_to(gy)


def _entry(k: Any) -> Any:
    """One entry of a key, with NumPy arrays for tensors and lists."""
    if isinstance(k, TensorBase):
        k = k.array
    elif isinstance(k, (list, tuple, range)):
        try:
            k = np.asarray([np.asarray(e.array) if isinstance(e, TensorBase) else e for e in k])
        except ValueError:
            raise IndexError(f"an index list must have rows of one length: {arguments.shown(k)}") from None
        if k.size == 0:
            k = k.astype(np.int64)
    elif isinstance(k, slice):
        return slice(*(_bound(e) for e in (k.start, k.stop, k.step)))
    if isinstance(k, np.ndarray):
        if k.dtype.kind not in "bui":
            raise IndexError(f"an index must be of integers or booleans, this one is {k.dtype}")
        if k.dtype == np.uint8:
            raise IndexError("a uint8 index is ambiguous: say .bool() for a mask, .long() for positions")
        if k.ndim == 0:
            return k.item()
    return k


def _bound(value: Any) -> int | None:
    """A bound of a slice, or its step."""
    if value is None or type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        raise arguments.wrong_kind("an index", "the bounds of a slice", "integers or None", value) from None


def getitem(input: T, key: Any) -> T:
    """Give ``input[key]``, with PyTorch's meaning.

    Parameters
    ----------
    key
        An integer, slice, None, ``...``, an integer array, a boolean mask, a list, or a tuple of such;
        arrays may be tensors.

    Raises
    ------
    IndexError
        For an index out of range or of a wrong kind.
    """
    *first, last = keys_of(key, len(shape_of(input)))
    for each in first:
        input = Index(each).apply_to(input)
    return Index(last).apply_to(input)


def keys_of(key: Any, ndim: int) -> list[tuple[Any, ...]]:
    """The keys that NumPy is to apply one after the other, so that together they mean what PyTorch's key means."""
    entries = tuple(map(_entry, key)) if type(key) is tuple else (_entry(key),)
    arrays = sum(isinstance(k, (np.ndarray, bool)) for k in entries)
    if arrays > 1:
        entries = _without_dots(entries, ndim)
    if arrays and any(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in entries):
        # Beside arrays, NumPy takes an integer for an array and may move its axis to the front. PyTorch
        # selects first, and then applies the arrays.
        return list(_select_first(entries))
    return [entries]


def _without_dots(entries: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """A key with slices for ``...``: in NumPy it parts two arrays even where it stands for no axis at all."""
    dots = [i for i, k in enumerate(entries) if k is Ellipsis]
    if len(dots) != 1:
        return entries
    named = 0
    for k in entries:
        if isinstance(k, np.ndarray) and k.dtype == bool:
            named += k.ndim
        elif not (k is None or k is Ellipsis or isinstance(k, bool)):
            named += 1
    return entries[: dots[0]] + (slice(None),) * (ndim - named) + entries[dots[0] + 1 :]


def _select_first(entries: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Cut a key in two: the integers, slices and new axes first, and then the arrays."""
    first: list[Any] = []
    then: list[Any] = []
    for k in entries:
        if isinstance(k, np.ndarray):
            first.extend([slice(None)] * (k.ndim if k.dtype == bool else 1))
            then.append(k)
        elif isinstance(k, bool):
            then.append(k)
        else:
            first.append(k)
            if k is Ellipsis:
                then.append(k)
            elif k is None or isinstance(k, slice):
                then.append(slice(None))
    return tuple(first), tuple(then)


def integers(index: Any, operation: str = "index") -> Any:
    """An index as an array of integers."""
    array = array_of(index)
    if array.dtype.kind not in "iu":
        if array.size or array.dtype.kind != "f":
            raise IndexError(f"{operation}: the index must be of integers, it is {array.dtype}")
        return array.astype(np.int64)
    return array


def index_select(input: T, dim: int, index: Any) -> T:
    """Give the slices along ``dim`` that a vector of integers names, in its order.

    Raises
    ------
    IndexError
        For an index out of range, or that isn't a vector of integers.
    """
    shape = tensor("index_select", "input", input).shape
    place = axis_of(dim, len(shape), "index_select")
    wanted = integers(index, "index_select")
    if wanted.ndim > 1:
        raise IndexError(f"index_select takes a vector of integers, the index has shape {wanted.shape}")
    wanted = wanted.reshape(-1)
    if not shape:
        return Reshape(()).apply_to(Index((wanted,)).apply_to(Reshape((1,)).apply_to(input)))
    return Index((slice(None),) * place + (wanted,)).apply_to(input)


def masked_select(input: T, mask: Any) -> T:
    """Give the elements where ``mask`` holds, as a vector; the two are broadcast.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    """
    chosen = array_of(mask)
    if chosen.dtype != bool:
        raise TypeError(f"masked_select: the mask must be boolean, as x > 0 gives, it is {chosen.dtype}")
    source: Any = tensor("masked_select", "input", input)
    full = broadcast_shape("masked_select", source.shape, chosen.shape)
    if full != source.shape:
        source = Expand(full).apply_to(source)
    return Index((np.broadcast_to(chosen, full),)).apply_to(source)


def repeat_interleave(input: T, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> T:
    """Repeat every slice along ``dim``, each next to itself: ``[a, b]`` twice is ``[a, a, b, b]``.

    Parameters
    ----------
    repeats
        How often: one number, or one for each slice.
    dim
        The axis; None flattens first.
    output_size
        What ``repeats`` adds up to; it is found anyway.
    """
    source: Any = tensor("repeat_interleave", "input", input)
    if dim is None:
        source, dim = Reshape((-1,)).apply_to(source), 0
    place = axis_of(dim, len(source.shape), "repeat_interleave")
    size = source.shape[place]
    counts = array_of(repeats)
    if counts.dtype.kind not in "iu" or counts.size not in (1, size) or counts.ndim > 1 or (counts < 0).any():
        wanted = f"an integer of at least 0, or {size} of them: one for each slice"
        raise wrong_value("repeat_interleave", "repeats", wanted, repeats)
    room("repeat_interleave", (int(counts.sum(dtype=object)) * (size if counts.size == 1 else 1),), np.int64)
    positions = np.repeat(np.arange(size), counts)
    if output_size is not None and integer("repeat_interleave", "output_size", output_size) != len(positions):
        raise wrong_value("repeat_interleave", "output_size", f"what repeats adds up to, {len(positions)}", output_size)
    return Index((slice(None),) * place + (positions,)).apply_to(source)
