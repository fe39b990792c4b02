"""Any Python object from rank to rank: pickled, so some fifteen times slower than a tensor's memory as it is."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from minigrad.distributed import exchange
from minigrad.distributed.checks import root_of
from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.engine.base import Array


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: ProcessGroup | None = None, group_src: int | None = None
) -> None:
    """Put the objects in the list of rank ``src`` (0 by default) into every rank's list, which is as long.

    Only take part with programs that you trust: what arrives is unpickled.
    """
    among = group_or_world(group)
    if not isinstance(object_list, list):
        raise TypeError(f"broadcast_object_list: it takes a list, which it fills, not {type(object_list).__name__}")
    root = root_of("broadcast_object_list", "src", 0 if src is None and group_src is None else src, group_src, among)
    packed = _packed("broadcast_object_list", object_list) if among.rank() == root else b""
    length = np.array(len(packed))
    exchange.broadcast(length, root, among).wait()
    content = np.frombuffer(packed, np.uint8).copy() if among.rank() == root else np.empty(int(length), np.uint8)
    exchange.broadcast(content, root, among).wait()
    if among.rank() != root:
        arrived = pickle.loads(content.tobytes())
        if len(arrived) != len(object_list):
            raise ValueError(
                f"broadcast_object_list: the list has {len(object_list)} places for {len(arrived)} objects"
            )
        object_list[:] = arrived


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Put every rank's object into every rank's list, which has one place for each rank.

    Raises
    ------
    ValueError
        If it hasn't.
    """
    among = group_or_world(group)
    _check_places("all_gather_object", object_list, among)
    mine = _of_one_length(_packed("all_gather_object", obj), among)
    every = [np.empty_like(mine) for _ in among.ranks]
    exchange.all_gather(every, mine, among).wait()
    object_list[:] = [pickle.loads(part.tobytes()) for part in every]


def _check_places(what: str, places: Any, among: ProcessGroup) -> None:
    if not isinstance(places, list) or len(places) != among.size():
        raise ValueError(
            f"{what}: the rank that gathers gives a list with {among.size()} places, one a rank: {places!r}"
        )


def _packed(what: str, value: Any) -> bytes:
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TypeError(f"{what}: objects travel pickled, and this one can't be: {error}") from error


def _of_one_length(packed: bytes, among: ProcessGroup) -> Array:
    """A pickle, which says itself where it ends, with zeros up to the length of the longest rank's."""
    longest = np.array(len(packed))
    exchange.all_reduce(longest, ReduceOp.MAX, among).wait()
    mine = np.zeros(int(longest), np.uint8)
    mine[: len(packed)] = np.frombuffer(packed, np.uint8)
    return mine


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    group_dst: int | None = None,
) -> None:
    """Put every rank's object into the list of rank ``dst`` (0 by default); the others give no list."""
    among = group_or_world(group)
    root = root_of("gather_object", "dst", 0 if dst is None and group_dst is None else dst, group_dst, among)
    gathers = among.rank() == root
    if gathers:
        _check_places("gather_object", object_gather_list, among)
    mine = _of_one_length(_packed("gather_object", obj), among)
    every = [np.empty_like(mine) for _ in among.ranks] if gathers else []
    exchange.gather(every, mine, root, among).wait()
    if object_gather_list is not None and gathers:
        object_gather_list[:] = [pickle.loads(part.tobytes()) for part in every]
