"""Collate: make one batch out of a list of items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase
from minigrad.ops.join import stack
from minigrad.tensors.tensor import from_array


def default_collate(batch: list[Any]) -> Any:
    """Stack items along a new first dimension, and go into tuples, lists and dictionaries.

    Parameters
    ----------
    batch
        Items of one kind: tensors, arrays, numbers, strings, or tuples, lists and dictionaries of them.

    Returns
    -------
    object
        Tensors for tensors, arrays and numbers (Python's floats become float64, as in PyTorch); the list
        itself for strings and bytes; a list for tuples and lists; a dictionary for dictionaries.

    Raises
    ------
    ValueError
        If there is no item, or if the items don't fit together.
    TypeError
        For items of another type.

    Examples
    --------
    >>> from minigrad.data import default_collate
    >>> default_collate([{"label": 3}, {"label": 4}])
    {'label': Tensor([3, 4], shape=(2,), int64)}
    """
    if not isinstance(batch, Sequence) or isinstance(batch, (str, bytes)):
        raise arguments.wrong_kind("default_collate", "batch", "a list of items", batch)
    if not batch:
        raise ValueError("default_collate: there are no items to make a batch of")
    first = batch[0]
    for position, item in enumerate(batch):
        if not isinstance(item, _kind_of(first)):
            raise TypeError(
                f"default_collate: the items of a batch are of different kinds: item 0 is {arguments.shown(first)}, "
                f"item {position} is {arguments.shown(item)}"
            )
    if isinstance(first, TensorBase):
        _check_same("shapes", [item.array.shape for item in batch])
        return stack(batch)
    if isinstance(first, np.ndarray):
        _check_same("shapes", [item.shape for item in batch])
        return from_array(np.stack(batch))
    if isinstance(first, (bool, int, float, np.generic)):
        array = np.array(batch)
        # Python's integers are int64 everywhere; NumPy 1 makes them int32 on Windows.
        return from_array(array.astype(np.int64) if type(first) is int and array.dtype.kind == "i" else array)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        _check_same("keys", [sorted(map(repr, item)) for item in batch])
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        _check_same("lengths", [len(item) for item in batch])
        columns = [default_collate(list(column)) for column in zip(*batch, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        f"default_collate: items of type {type(first).__name__} can't be put into a tensor; "
        "let the data set give tensors, arrays or numbers, or pass collate_fn= to the DataLoader"
    )


def _kind_of(item: Any) -> Any:
    """What the other items of a batch have to be, beside this one."""
    for kinds in (
        (TensorBase,),
        (np.ndarray,),
        (bool, int, float, np.generic),
        (str, bytes),
        (Mapping,),
        (tuple, list),
    ):
        if isinstance(item, kinds):
            return kinds
    return object


def _check_same(what: str, values: list[Any]) -> None:
    for position, value in enumerate(values):
        if value != values[0]:
            raise ValueError(
                f"default_collate: the items of a batch have different {what}: item 0 has {values[0]}, item "
                f"{position} has {value}. Make them equal in the data set, or pass collate_fn= to DataLoader"
            )
