"""Integers as vectors: embedding looks rows up in a table, one_hot marks a place."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine import writes
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T
from minigrad.ops.index import IndexAdd


class Embedding(Node):
    """``y[i] = w[index[i]]``. Backward: every row of ``gw`` sums the gradients of the places where it was looked up.

    ``share``, where it isn't None, says for each place how much of its gradient counts: nothing for the
    padding, ``1 / count`` with ``scale_grad_by_freq``.
    """

    def __init__(self, index: Any, share: Any = None) -> None:
        self.places, self.share = index, share

    def forward(self, w: Any) -> Any:
        self.w_shape = w.shape
        return w[self.places]

    def backward(self, gy: Any) -> Any:
        if self.share is not None:
            gy = gy * self.share[..., None].astype(gy.dtype)
        return IndexAdd((self.places,), self.w_shape)(gy)


class OneHot(Node):
    """1 at the place that an integer names along a new last axis, 0 elsewhere; it has no gradient."""

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def forward(self, x: Any) -> Any:
        return (x[..., None] == np.arange(self.num_classes)).astype(np.int64)


def embedding(
    input: Any,
    weight: T,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> T:
    """Look rows up in a table.

    Parameters
    ----------
    input
        Integers: which rows; of any shape.
    weight
        The table, of shape (rows, features).
    padding_idx
        A row that stands for padding: it gets no gradient.
    max_norm, norm_type
        Rows that are looked up and whose norm is above ``max_norm`` are first made as long as that, in the table.
    scale_grad_by_freq
        Divide a row's gradient by how often it was looked up.
    sparse
        Accepted for PyTorch's sake; gradients here are dense.

    Returns
    -------
    Tensor
        Of shape ``input.shape + (features,)``.

    Raises
    ------
    IndexError
        For a row that the table doesn't have.
    """
    arguments.flag("embedding", "sparse", sparse)
    index = array_of(arguments.tensor("embedding", "input", input))
    shape = arguments.tensor("embedding", "weight", weight).shape
    if index.dtype.kind not in "iu":
        raise TypeError(f"embedding: the input must be integers (rows of the table), it is {index.dtype}")
    if len(shape) != 2:
        raise OperationError(f"embedding: the table must have shape (rows, features), not {shape}")
    rows = shape[0]
    if index.size and not 0 <= index.min() <= index.max() < rows:
        wrong = index.min() if index.min() < 0 else index.max()
        raise IndexError(f"embedding: row {wrong} is asked for, the table has rows 0 to {rows - 1}")
    if max_norm is not None:
        max_norm = arguments.number("embedding", "max_norm", max_norm)
        norm_type = arguments.number("embedding", "norm_type", norm_type)
        _shorten(array_of(weight), np.unique(index), max_norm, norm_type)
    share = None
    if padding_idx is not None:
        share = index != arguments.integer("embedding", "padding_idx", padding_idx, -rows, rows - 1) % rows
    if arguments.flag("embedding", "scale_grad_by_freq", scale_grad_by_freq):
        counts = np.bincount(index.reshape(-1), minlength=rows)
        share = (1 if share is None else share) / counts[index]
    return Embedding(index, share).apply_to(weight)


def _shorten(table: Any, rows: Any, max_norm: float, norm_type: float) -> None:
    """Make rows that are too long as long as ``max_norm``, in place."""
    length = np.linalg.norm(table[rows], norm_type, axis=1)
    long = length > max_norm
    table[rows[long]] *= (max_norm / (length[long] + 1e-7)).astype(table.dtype)[:, None]
    writes.note(table)


def one_hot(tensor: T, num_classes: int = -1) -> T:
    """Give a new last axis with a 1 at the place that each integer names, and 0 elsewhere.

    Parameters
    ----------
    tensor
        Integers, none negative.
    num_classes
        The size of the new axis; -1 for one more than the largest integer.

    Raises
    ------
    OperationError
        For an integer that is negative, or not less than ``num_classes``.
    """
    x = array_of(arguments.tensor("one_hot", "tensor", tensor))
    if x.dtype.kind not in "iu":
        raise TypeError(f"one_hot: classes must be integers, these are {x.dtype}")
    num_classes = arguments.integer("one_hot", "num_classes", num_classes, -1)
    if num_classes == -1 and x.size == 0:
        raise OperationError("one_hot: num_classes can't be found from an empty tensor: say it")
    size = int(x.max()) + 1 if num_classes == -1 else num_classes
    if x.size and not 0 <= x.min() <= x.max() < size:
        wrong = x.min() if x.min() < 0 else x.max()
        raise OperationError(f"one_hot: class {wrong} is not between 0 and num_classes - 1 = {size - 1}")
    arguments.room("one_hot", (*x.shape, size), np.int64)
    return OneHot(size).apply_to(tensor)
