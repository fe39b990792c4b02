"""Sequences of different lengths: padded to one tensor, or packed, without the padding, for recurrent layers.

A packed batch has the rows of time step 0 of all sequences, longest first, then those of step 1, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.arguments import choice, integer, integers, number, room, tensor, truths, wrong_kind
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.missing import lister as _lister
from minigrad.ops.join import stack
from minigrad.ops.pad import pad
from minigrad.ops.select import where
from minigrad.pass_arguments import one_or_more
from minigrad.tensors.tensor import Tensor, from_array

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]
__dir__ = _lister(__name__)


class PackedSequence(NamedTuple):
    """A packed batch, as `pack_padded_sequence` and `pack_sequence` give it.

    Attributes
    ----------
    data
        (sum of all lengths, ...): the rows.
    batch_sizes
        How many sequences still run at each time step.
    sorted_indices
        The sequences' places in the batch, longest first; None where they came sorted.
    unsorted_indices
        Its inverse.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same, with the data converted."""
        return self._replace(data=self.data.to(*args, **kwargs))

    @property
    def is_cuda(self) -> bool:
        """Always False: there is only the CPU."""
        return False


def _descending(array: Any) -> bool:
    return bool((array[:-1] >= array[1:]).all())


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave the padding of a batch out.

    Parameters
    ----------
    input
        (L, B, ...), or with ``batch_first`` (B, L, ...).
    lengths
        The length of each of the B sequences: integers from 1 to L.
    enforce_sorted
        Whether the lengths have to come in descending order; with False they are sorted here.

    Raises
    ------
    OperationError
        If the lengths don't fit the input, or aren't sorted.

    Examples
    --------
    >>> import minigrad as mg
    >>> packed = pack_padded_sequence(mg.tensor([[1, 4], [2, 5], [3, 0]]), [3, 2])
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 4, 2, 5, 3], [2, 2, 1])
    """
    truths("pack_padded_sequence", batch_first=batch_first, enforce_sorted=enforce_sorted)
    long = np.asarray(array_of(lengths))
    if tensor("pack_padded_sequence", "input", input).ndim < 2:
        raise OperationError(f"pack_padded_sequence: the input must be (L, B, ...), its shape is {input.shape}")
    steps, batch = (input.shape[1], input.shape[0]) if batch_first else (input.shape[0], input.shape[1])
    if long.ndim != 1 or len(long) != batch or long.dtype.kind not in "iu":
        raise OperationError(
            f"pack_padded_sequence: lengths must be {batch} integers, one a sequence of the batch (batch_first="
            f"{batch_first}); they are {long.tolist()}"
        )
    if not batch or long.min() < 1 or long.max() > steps:
        raise OperationError(
            f"pack_padded_sequence: every length must be from 1 to {steps}, the input's number of time steps; "
            f"they are {long.tolist()}"
        )
    order = None
    if enforce_sorted:
        if not _descending(long):
            raise OperationError(
                f"pack_padded_sequence: the lengths {long.tolist()} aren't in descending order; pass "
                "enforce_sorted=False to have them sorted here"
            )
    else:
        order = np.argsort(-long, kind="stable")
        long = long[order]
        input = input.index_select(0 if batch_first else 1, from_array(order))
    time_first = input.transpose(0, 1) if batch_first else input
    running = np.arange(steps)[:, None] < long  # reading it row by row gives the packed order
    sizes = from_array(running.sum(axis=1)[: long[0]].astype(np.int64))
    data = time_first[from_array(running)]
    if order is None:
        return PackedSequence(data, sizes)
    indices = from_array(order)
    return PackedSequence(data, sizes, indices, invert_permutation(indices))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Put the padding back: the inverse of `pack_padded_sequence`.

    Parameters
    ----------
    padding_value
        What stands where a sequence has ended.
    total_length
        Pad to so many time steps, and not only to the longest sequence's.

    Returns
    -------
    padded, lengths
        (L, B, ...), or with ``batch_first`` (B, L, ...); and the length of each sequence.

    Raises
    ------
    OperationError
        If ``total_length`` is less than the longest sequence's length.
    """
    if not isinstance(sequence, PackedSequence):
        raise wrong_kind("pad_packed_sequence", "sequence", "a PackedSequence", sequence)
    truths("pad_packed_sequence", batch_first=batch_first)
    number("pad_packed_sequence", "padding_value", padding_value)
    sizes = sequence.batch_sizes.array
    steps = len(sizes)
    if total_length is not None and integer("pad_packed_sequence", "total_length", total_length) < steps:
        raise OperationError(
            f"pad_packed_sequence: total_length={total_length} is less than the longest length, {steps}"
        )
    room("pad_packed_sequence", (total_length or steps, *sequence.data.shape), sequence.data.dtype)
    running = np.arange(sizes[0]) < np.pad(sizes, (0, (total_length or steps) - steps))[:, None]
    starts = np.cumsum(running.sum(axis=1)) - running.sum(axis=1)
    places = np.where(running, starts[:, None] + np.arange(sizes[0]), 0)
    rows = sequence.data[from_array(places)]
    there = running.reshape(running.shape + (1,) * (rows.ndim - 2))
    padded = where(from_array(there), rows, float(padding_value) if rows.dtype.kind == "f" else int(padding_value))
    lengths = from_array(running.sum(axis=0).astype(np.int64))
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices]
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Put sequences of different lengths, each (L, ...), side by side: (longest, B, ...), or (B, longest, ...).

    Raises
    ------
    OperationError
        If there are none, or another axis than the first differs.
    ValueError
        If ``padding_side`` is neither ``"right"`` nor ``"left"``.

    Examples
    --------
    >>> import minigrad as mg
    >>> pad_sequence([mg.tensor([1, 2, 3]), mg.tensor([4])], batch_first=True).tolist()
    [[1, 2, 3], [4, 0, 0]]
    """
    choice("pad_sequence", "padding_side", padding_side, ("right", "left"))
    truths("pad_sequence", batch_first=batch_first)
    number("pad_sequence", "padding_value", padding_value)
    given = _sequences("pad_sequence", sequences)
    longest = max(len(s) for s in given)
    padded = []
    for s in given:
        if s.shape[1:] != given[0].shape[1:]:
            raise OperationError(
                f"pad_sequence: all axes but the first must agree; there are {s.shape} and {given[0].shape}"
            )
        missing = (0, longest - len(s)) if padding_side == "right" else (longest - len(s), 0)
        padded.append(pad(s, (0, 0) * (s.ndim - 1) + missing, value=padding_value) if len(s) < longest else s)
    return stack(padded, 0 if batch_first else 1)


def _sequences(operation: str, sequences: Any) -> list[Any]:
    """The sequences of a batch, each a tensor with a first dimension; one at least.

    Raises
    ------
    TypeError
        For anything else.
    OperationError
        If there are none.
    """
    if isinstance(sequences, (tuple, list)) and not sequences:
        raise OperationError(f"{operation}: there are no sequences to pad")
    given = list(one_or_more(operation, "sequences", sequences))
    if any(s.ndim == 0 for s in given):
        raise OperationError(f"{operation}: a sequence has a first dimension, its length; this one has none")
    return given


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Give the sequences of a padded batch, each without its padding: the inverse of `pad_sequence`."""
    truths("unpad_sequence", batch_first=batch_first)
    if tensor("unpad_sequence", "padded_sequences", padded_sequences).ndim < 2:
        raise OperationError(f"unpad_sequence: padded_sequences must be (L, B, ...), not {padded_sequences.shape}")
    by_sequence = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    long = integers("unpad_sequence", "lengths", lengths, least=0)
    if len(long) != len(by_sequence):
        raise OperationError(f"unpad_sequence: {len(long)} lengths for {len(by_sequence)} sequences")
    return [s[:n] for s, n in zip(by_sequence, long, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences, each (L, ...).

    Raises
    ------
    OperationError
        If one is empty, or they aren't sorted by length, the longest first.
    """
    given = _sequences("pack_sequence", sequences)
    return pack_padded_sequence(pad_sequence(given), [len(s) for s in given], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Give the sequences of a packed batch as a list."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another one."""
    return None if permutation is None else from_array(np.argsort(permutation.array, kind="stable"))
