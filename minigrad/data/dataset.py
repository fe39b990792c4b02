"""Data sets: things with a length, whose items are got by number."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad import arguments
from minigrad.data.sampler import length_of
from minigrad.random import Generator, numpy_generator
from minigrad.tensors.tensor import Tensor, from_array

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """What a ``DataLoader`` can load from: a subclass writes ``__getitem__`` and ``__len__``.

    Examples
    --------
    >>> from minigrad.data import Dataset
    >>> class Squares(Dataset[int]):
    ...     def __getitem__(self, index):
    ...         return index**2
    ...     def __len__(self):
    ...         return 10
    >>> Squares()[3]
    9
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__: write one that gives item {index!r}")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors that belong together row by row, such as images and labels.

    Parameters
    ----------
    tensors
        Tensors of the same length.

    Raises
    ------
    TypeError
        If one of them is no tensor.
    ValueError
        If there is none, or if their lengths differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.data import TensorDataset
    >>> pairs = TensorDataset(mg.tensor([[1.0], [2.0]]), mg.tensor([0, 1]))
    >>> pairs[1]
    (Tensor([2.], shape=(1,), float32), Tensor(1, shape=(), int64))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset() needs at least one tensor")
        for position, given in enumerate(tensors):
            if not isinstance(given, Tensor):
                raise TypeError(
                    f"TensorDataset: argument {position} is of type {type(given).__name__}; "
                    "make a tensor of it with minigrad.tensor(...)"
                )
            if given.ndim == 0:
                raise ValueError(f"TensorDataset: argument {position} is a single number, and has no rows")
        if len({len(t) for t in tensors}) > 1:
            shapes = ", ".join(str(t.shape) for t in tensors)
            raise ValueError(f"TensorDataset: the tensors must have the same length, but their shapes are {shapes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset[T_co]):
    """Some of the items of a data set.

    Parameters
    ----------
    dataset
        Where the items come from.
    indices
        Their numbers there, in the order that they are to have here.

    Examples
    --------
    >>> from minigrad.data import Subset
    >>> Subset("abcd", [3, 0])[0]
    'd'
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        for method in ("__getitem__", "__len__"):
            if not hasattr(indices, method):
                raise arguments.wrong_kind("Subset", "indices", "a list of items' numbers", indices)
        if not hasattr(dataset, "__getitem__"):
            raise arguments.wrong_kind("Subset", "dataset", "a data set, which gives item i", dataset)
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        try:
            there = [self.indices[i] for i in index] if isinstance(index, list) else self.indices[index]
        except TypeError:
            raise arguments.wrong_kind("Subset", "the number of an item", "an integer", index) from None
        except IndexError:
            raise IndexError(f"Subset: there is no item {index!r}: there are {len(self)}, counted from 0") from None
        item: T_co = self.dataset[there]
        return item

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Split a data set at random into parts that don't overlap.

    Parameters
    ----------
    dataset
        What to split.
    lengths
        How many items each part gets; or fractions that add up to 1.
    generator
        Where the chance comes from; by default what ``manual_seed`` seeds.

    Returns
    -------
    list of Subset
        The parts.

    Raises
    ------
    ValueError
        If the lengths don't add up.

    Examples
    --------
    >>> from minigrad.data import random_split
    >>> [len(part) for part in random_split(range(10), [0.8, 0.2])]
    [8, 2]
    """
    total = length_of("random_split", "dataset", dataset)
    counts = _counts(total, _lengths(lengths))
    if sum(counts) != total or min(counts, default=0) < 0:
        raise ValueError(
            f"random_split: lengths {list(lengths)} don't split a data set of {total} items: they must add "
            f"up to {total}, or be fractions that add up to 1"
        )
    if 0 in counts:
        warnings.warn(f"random_split: a part is empty: lengths {list(lengths)} of {total} items", stacklevel=2)
    order = numpy_generator(generator).permutation(total).tolist()
    ends = np.cumsum(counts).tolist()
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def _lengths(value: Any) -> list[float]:
    """Whole numbers or fractions, in a list."""
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        raise arguments.wrong_kind("random_split", "lengths", "a list of whole numbers, or of fractions", value)
    return [arguments.number("random_split", "each of lengths", n, least=0) for n in value]


def _counts(total: int, lengths: Sequence[float]) -> list[int]:
    """Round fractions of the total down to whole numbers; what is left goes round, one to each."""
    if not (math.isclose(sum(lengths), 1) and all(0 <= x <= 1 for x in lengths)):
        return [int(n) if n.is_integer() else -1 for n in lengths]
    counts = [math.floor(total * fraction) for fraction in lengths]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts


def whole_batch(dataset: Any, indices: Sequence[Any]) -> list[Tensor] | None:
    """Take a batch from the tensors of a ``TensorDataset`` at one go, or give None for other data sets.

    The result is that of getting the items one by one and collating them, only much sooner. A subclass
    is not taken at its word, because its ``__getitem__`` may do more.
    """
    if type(dataset) is Subset:
        return whole_batch(dataset.dataset, [dataset.indices[i] for i in indices])
    if type(dataset) is not TensorDataset:
        return None
    if not isinstance(indices, Iterable):
        raise arguments.wrong_kind("DataLoader", "what batch_sampler gives", "lists of items' numbers", indices)
    rows = np.array([_row(i, len(dataset)) for i in indices], dtype=np.intp)
    # Indexing a tensor keeps the graph. Where there is none, indexing the array saves a node.
    return [t[rows] if t.requires_grad else from_array(t.array[rows]) for t in dataset.tensors]


def _row(number: Any, count: int) -> int:
    """The number of a row, which a sampler gave."""
    row = arguments.integer("DataLoader", "what the sampler gives", number)
    if not -count <= row < count:
        raise IndexError(f"DataLoader: the sampler gave {row}, but there are {count} items, counted from 0")
    return row
