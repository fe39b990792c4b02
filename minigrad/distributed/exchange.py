"""The collectives on plain arrays, each one call of MPI's own: ``start()`` begins it, ``wait()`` ends it.

Two layers stand on this one: PyTorch's functions, which write into tensors (`collectives`), and the nodes,
which give new values and have a backward (`nn.functional`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.distributed.groups import ProcessGroup
from minigrad.distributed.library import load_mpi
from minigrad.distributed.reduce_op import ReduceOp, check_op
from minigrad.distributed.work import Call, Work, call_of
from minigrad.engine.base import Array


def described(array: Array) -> str:
    """Shape and dtype, as a call shows them."""
    return f"{array.shape} {array.dtype}"


def buffer_of(array: Array) -> Array:
    """The array itself if MPI can read it and write into it, else a copy; booleans as bytes."""
    whole = array if array.flags.c_contiguous and array.flags.writeable else np.array(array, order="C")
    return whole.view(np.uint8) if whole.dtype.kind == "b" else whole


class Landing:
    """Where values arrive: the arrays themselves, or buffers that are copied into them at the end.

    Parameters
    ----------
    arrays
        Where the values go in the end.
    buffer
        What MPI writes into, in parts as many as there are arrays; by default the first array's own memory.
    divide_by
        By what the values are divided at the end.
    """

    def __init__(self, arrays: Sequence[Array], buffer: Array | None = None, divide_by: int = 1) -> None:
        self.arrays = arrays
        self.buffer = buffer_of(arrays[0]) if buffer is None else buffer
        self.parts = [self.buffer] if buffer is None else [buffer[i, ...] for i in range(len(buffer))]
        self.divide_by = divide_by

    def __call__(self) -> None:
        """Put what has arrived in its place."""
        for array, part in zip(self.arrays, self.parts, strict=True):
            if self.divide_by != 1:
                part /= self.divide_by
            if not np.shares_memory(array, part):
                array[...] = part.view(array.dtype).reshape(array.shape)


def all_reduce(array: Array, op: ReduceOp, group: ProcessGroup) -> Work:
    """Put the reduction of all ranks' arrays into each of them."""
    check_op("all_reduce", op, array.dtype)
    call = call_of(f"all_reduce({op.name}, {described(array)})")
    landing = Landing([array], divide_by=group.size() if op is ReduceOp.AVG else 1)
    begin = partial(group.comm.Iallreduce, _in_place(), landing.buffer, op.for_mpi())
    return _together(group, call, begin, landing)


def reduce(array: Array, root: int, op: ReduceOp, group: ProcessGroup) -> Work:
    """Put the reduction of all ranks' arrays into that of ``root``."""
    check_op("reduce", op, array.dtype)
    call = call_of(f"reduce({op.name}, {described(array)}, to rank {group.ranks[root]})")
    if group.rank() != root:
        begin = partial(group.comm.Ireduce, buffer_of(array), None, op.for_mpi(), root)
        return _together(group, call, begin)
    landing = Landing([array], divide_by=group.size() if op is ReduceOp.AVG else 1)
    begin = partial(group.comm.Ireduce, _in_place(), landing.buffer, op.for_mpi(), root)
    return _together(group, call, begin, landing)


def broadcast(array: Array, root: int, group: ProcessGroup) -> Work:
    """Put the values of ``root`` into all ranks' arrays."""
    call = call_of(f"broadcast({described(array)}, from rank {group.ranks[root]})")
    landing = Landing([array])
    begin = partial(group.comm.Ibcast, landing.buffer, root)
    return _together(group, call, begin, landing if group.rank() != root else None)


def all_gather(outs: Sequence[Array], array: Array, group: ProcessGroup) -> Work:
    """Put every rank's array into ``outs``, in the order of the ranks."""
    call = call_of(f"all_gather({described(array)})")
    mine = buffer_of(array)
    landing = Landing(outs, np.empty((group.size(), *mine.shape), mine.dtype))
    return _together(group, call, partial(group.comm.Iallgather, mine, landing.buffer), landing)


def gather(outs: Sequence[Array], array: Array, root: int, group: ProcessGroup) -> Work:
    """Put every rank's array into ``outs`` of ``root``."""
    call = call_of(f"gather({described(array)}, to rank {group.ranks[root]})")
    mine = buffer_of(array)
    if group.rank() != root:
        return _together(group, call, partial(group.comm.Igather, mine, None, root))
    landing = Landing(outs, np.empty((group.size(), *mine.shape), mine.dtype))
    return _together(group, call, partial(group.comm.Igather, mine, landing.buffer, root), landing)


def scatter(out: Array, arrays: Sequence[Array], root: int, group: ProcessGroup) -> Work:
    """Put the arrays of ``root`` into ``out``, one to each rank."""
    call = call_of(f"scatter({described(out)}, from rank {group.ranks[root]})")
    landing = Landing([out])
    parts = np.stack([buffer_of(a) for a in arrays]) if group.rank() == root else None
    return _together(group, call, partial(group.comm.Iscatter, parts, landing.buffer, root), landing)


def reduce_scatter(out: Array, arrays: Sequence[Array], op: ReduceOp, group: ProcessGroup) -> Work:
    """Reduce a list of arrays over the ranks, and put the part of each rank into its ``out``."""
    check_op("reduce_scatter", op, out.dtype)
    call = call_of(f"reduce_scatter({op.name}, {described(out)})")
    landing = Landing([out], divide_by=group.size() if op is ReduceOp.AVG else 1)
    parts = np.stack([buffer_of(a) for a in arrays])
    begin = partial(group.comm.Ireduce_scatter_block, parts, landing.buffer, op.for_mpi())
    return _together(group, call, begin, landing)


def all_to_all(outs: Sequence[Array], arrays: Sequence[Array], group: ProcessGroup) -> Work:
    """Send the i-th array to rank i, and put what rank i sent into the i-th of ``outs``."""
    call = call_of(f"all_to_all({described(outs[0])})")
    parts = np.stack([buffer_of(a) for a in arrays])
    landing = Landing(outs, np.empty_like(parts))
    return _together(group, call, partial(group.comm.Ialltoall, parts, landing.buffer), landing)


def barrier(group: ProcessGroup) -> Work:
    """Wait until all ranks are here."""
    call = call_of("barrier()")
    return _together(group, call, group.comm.Ibarrier)


def send(array: Array, to: int, group: ProcessGroup, tag: int) -> Work:
    """Send an array; under the debug level ``DETAIL`` it has ended only when the other rank has begun to receive."""
    call = call_of(f"send({described(array)}, to rank {group.ranks[to]})")
    start = group.comm.Issend if group.board.detailed else group.comm.Isend
    return Work(group, call, partial(start, buffer_of(array), to, tag))


def _together(
    group: ProcessGroup, call: Call, begin: Callable[[], Any], finish: Callable[[], None] | None = None
) -> Work:
    """A transfer that all ranks of a group take part in, and so have to agree on."""
    return Work(group, call, begin, finish, group.agree(call))


def _in_place() -> Any:
    return load_mpi().IN_PLACE
