"""What every communicating function asks of its tensors, before any rank waits for another."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from minigrad import arguments
from minigrad.distributed.groups import ProcessGroup
from minigrad.distributed.library import load_mpi
from minigrad.engine import writes
from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import grad_enabled
from minigrad.engine.source import user_line


def check_tensor(what: str, tensor: Any, written: bool = True) -> None:
    """Raise an error for what is no tensor, or for one whose gradient the communication would lose.

    Where it is to be ``written``, the engine is told, so that a backward that needs the old values says so.

    Raises
    ------
    TypeError
        If it is no tensor.
    OperationError
        If it was computed from something that requires a gradient.
    """
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"{what}: it takes tensors, not {type(tensor).__name__}")
    if tensor.node is not None and tensor.requires_grad and grad_enabled.get():
        raise OperationError(
            f"{what}: the tensor of shape {tensor.array.shape} has a gradient path, which would be lost. Say "
            f"minigrad.distributed.nn.functional.{what}, which has a backward, or tensor.detach()\n  at {user_line()}"
        )
    if written:
        writes.note(tensor.array)


def check_list(what: str, name: str, tensors: Any, like: Any, group: ProcessGroup, written: bool = False) -> None:
    """Raise an error unless there is one tensor for each rank, of one shape and dtype (those of ``like``, if given).

    Raises
    ------
    TypeError, ValueError
        Then.
    """
    if not isinstance(tensors, Sequence):
        raise TypeError(f"{what}: {name} must be a list of tensors, one for each rank, not {type(tensors).__name__}")
    if len(tensors) != group.size():
        raise ValueError(f"{what}: {name} has {len(tensors)} tensors for {group.size()} ranks")
    for tensor in tensors:
        check_tensor(what, tensor, written)
        like = tensor if like is None else like
        if tensor.array.shape != like.array.shape or tensor.array.dtype != like.array.dtype:
            raise ValueError(
                f"{what}: {name} has a tensor of shape {tensor.array.shape}, {tensor.array.dtype}, where "
                f"another has {like.array.shape}, {like.array.dtype}"
            )


def root_of(what: str, name: str, everywhere: int | None, in_group: int | None, group: ProcessGroup) -> int:
    """A root's number in the group: it is given by its number among all processes, or in the group.

    Raises
    ------
    ValueError
        If both or none are given, or there is no such rank.
    """
    if (everywhere is None) == (in_group is None):
        raise ValueError(f"{what}: give one of {name} and group_{name}")
    told, given, known = (
        (name, everywhere, group.ranks) if in_group is None else (f"group_{name}", in_group, list(range(group.size())))
    )
    if not isinstance(given, Integral) or given not in known:
        raise ValueError(f"{what}: {told}={given!r} is none of the group's ranks, {known}")
    return known.index(given)


def check_tag(what: str, tag: Any) -> None:
    """Raise an error for a tag that MPI can't send."""
    arguments.integer(what, "tag", tag, 0, load_mpi().COMM_WORLD.Get_attr(load_mpi().TAG_UB))
