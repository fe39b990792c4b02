"""What every communicating function asks of its tensors, before any rank waits for another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.distributed.groups import ProcessGroup
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
    """Raise an error unless there is one tensor for each rank, of one shape and dtype.

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
        if tensor.array.shape != like.array.shape or tensor.array.dtype != like.array.dtype:
            raise ValueError(
                f"{what}: {name} has a tensor of shape {tensor.array.shape}, {tensor.array.dtype}, where the other "
                f"argument has {like.array.shape}, {like.array.dtype}"
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
    if in_group is None:
        assert everywhere is not None
        return group.rank_of(everywhere)
    if not 0 <= in_group < group.size():
        raise ValueError(f"{what}: group_{name}={in_group}, but the group has {group.size()} ranks")
    return in_group
