"""Writes in place: which memory was written, and when; so that backward notices what a rule needs and finds changed.

A write takes its number from the counter that numbers nodes, between two of them, and is noted under the array that
owns the memory.
A node that is younger than every write has nothing to fear: for it the check is one comparison. An older one
looks whether an array that a wanted gradient reads was written later than the node was made.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.engine.base import Array
from minigrad.engine.errors import DataChangedError
from minigrad.engine.source import Place, source_line, user_place

_counter = count()
#: Numbers nodes as they are made.
next_index = _counter.__next__
#: The number of the last write anywhere.
latest = -1.0


class OwnedInParts(np.ndarray):
    """An array whose views own their parts: parameters that were moved side by side stay apart for writes."""


class Note:
    """The last write to the memory of one array, to which it holds no reference."""

    __slots__ = ("number", "place", "ref")

    def __init__(self, owner: Array) -> None:
        key = id(owner)
        self.ref = weakref.ref(owner, lambda _: _notes.pop(key, None))
        self.number = -1.0
        self.place: Place | None = None


_notes: dict[int, Note] = {}


def owner_of(array: Any) -> Any:
    """The array that owns the memory; also through the helper that ``as_strided`` puts between two arrays."""
    owner = array
    while (array := getattr(array, "base", None)) is not None and not isinstance(array, OwnedInParts):
        if isinstance(array, ndarray):
            owner = array
    return owner


def note_of(array: Any) -> Note:
    """The note for the memory of this array."""
    owner = owner_of(array)
    note = _notes.get(id(owner))
    if note is None:
        note = _notes[id(owner)] = Note(owner)
    return note


def note(array: Array, number: float | None = None) -> None:
    """Note a write to this array; ``number`` is that of the node that wrote, if one did."""
    note_all([note_of(array)], number)


def note_all(notes: list[Note], number: float | None = None) -> None:
    """Note one write to the memory of several arrays."""
    global latest
    if number is None:  # between the last node and the next one, whose number only the counter's text shows
        number = int(repr(_counter)[len("count(") : -1]) - 0.5
    latest = max(number, latest)
    place = user_place(2)
    for each in notes:
        each.number, each.place = number, place


def kept(node: Any) -> Iterator[tuple[str, Array]]:
    """The arrays that a node keeps and that the gradients wanted of it read, each with its attribute's name."""
    read_by: dict[str, list[str]] = {}
    for x, names in node.reads.items():
        for name in names:
            read_by.setdefault(name, []).append(x)
    wanted = [x for x, edge in zip(node.input_names, node.edges, strict=False) if edge is not None]
    for name, value in vars(node).items():
        if name not in read_by or any(x in wanted for x in read_by[name]):
            for array in _arrays(value):
                yield name, array


def _arrays(value: Any) -> Iterator[Array]:
    if isinstance(value, ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _arrays(each)


def check_kept(node: Any) -> None:
    """Look whether what a node's rule needs was written after the node was made.

    Raises
    ------
    DataChangedError
        Naming the node, both lines and what helps.
    """
    for name, array in kept(node):
        note = _notes.get(id(owner_of(array)))
        if note is not None and note.number > node.index:
            raise DataChangedError(
                f"in the backward of {node!r}: {name!r}, of shape {array.shape}, which the rule needs, has been "
                f"modified by an inplace operation.\n  forward ran at {node.source}\n  it was written at "
                f"{source_line(note.place)}\nWrite after backward, or to a copy: x = x.clone() before the write, or "
                "x = x + y in place of x += y"
            )
