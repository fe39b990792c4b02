"""Collectives with a backward, as functions: those of ``torch.distributed.nn.functional``, and f and g.

Each applies one of the nodes in ``nodes.py``, whose table says what its backward does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from minigrad import arguments
from minigrad.distributed.checks import root_of
from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.nn.nodes import (
    AllGather,
    AllReduce,
    AllToAll,
    Broadcast,
    CopyToRanks,
    Gather,
    JoinRanks,
    Reduce,
    ReduceScatter,
    Scatter,
    SliceOfRank,
    SumOverRanks,
)
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.missing import lister as _lister

T = TypeVar("T")

__all__ = [
    "all_gather",
    "all_reduce",
    "all_to_all",
    "broadcast",
    "copy_to_ranks",
    "gather",
    "join_ranks",
    "reduce",
    "reduce_scatter",
    "scatter",
    "slice_of_rank",
    "sum_over_ranks",
]
__dir__ = _lister(__name__)


def _check_values(what: str, *values: Any) -> None:
    for x in values:
        arguments.tensor(what, "each value", x)


def _check_op(what: str, op: ReduceOp) -> None:
    if not isinstance(op, ReduceOp):
        raise TypeError(f"{what}: op must be ReduceOp.SUM or ReduceOp.AVG, not {op!r}")
    if op not in (ReduceOp.SUM, ReduceOp.AVG):
        raise NotImplementedError(
            f"{what}: ReduceOp.{op.name} has no gradient here, only SUM and AVG have: "
            f"say minigrad.distributed.{what} on tensor.detach() if none is wanted"
        )


def copy_to_ranks(tensor: T, group: ProcessGroup | None = None) -> T:
    """F of Megatron-LM: the identity, whose backward sums the gradients of all ranks: a fork across processes.

    It stands before work that is divided among ranks, all of which have the same ``tensor``.
    """
    _check_values("copy_to_ranks", tensor)
    result: T = CopyToRanks(group_or_world(group)).apply_to(tensor)
    return result


def sum_over_ranks(tensor: T, group: ProcessGroup | None = None) -> T:
    """G of Megatron-LM: the sum over all ranks, whose backward is the identity: a join across processes.

    It stands behind work that was divided among ranks, which then all go on with the same value.
    """
    _check_values("sum_over_ranks", tensor)
    result: T = SumOverRanks(group_or_world(group)).apply_to(tensor)
    return result


def slice_of_rank(tensor: T, dim: int = -1, group: ProcessGroup | None = None) -> T:
    """Give the part of this rank, along ``dim``, of a value that all have; backward puts all parts' gradients together.

    Raises
    ------
    OperationError
        If the ranks can't have equal parts.
    """
    _check_values("slice_of_rank", tensor)
    result: T = SliceOfRank(group_or_world(group), dim).apply_to(tensor)
    return result


def join_ranks(tensor: T, dim: int = -1, group: ProcessGroup | None = None) -> T:
    """Give all ranks' values side by side along ``dim``; backward gives each its slice of the gradient."""
    _check_values("join_ranks", tensor)
    result: T = JoinRanks(group_or_world(group), dim).apply_to(tensor)
    return result


def all_reduce(tensor: T, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None) -> T:
    """Give the sum (or mean) over all ranks, on all of them; ``tensor`` stays as it is.

    Parameters
    ----------
    tensor
        Of the same shape and dtype on all ranks.
    op
        ``SUM`` or ``AVG``.
    group
        The ranks that take part; all by default.

    Raises
    ------
    NotImplementedError
        For another operation, which has no gradient here.
    """
    _check_values("all_reduce", tensor)
    _check_op("all_reduce", op)
    result: T = AllReduce(group_or_world(group), op).apply_to(tensor)
    return result


def broadcast(tensor: T, src: int, group: ProcessGroup | None = None) -> T:
    """Give the value of rank ``src``, on all ranks; the others' ``tensor`` says shape and dtype."""
    _check_values("broadcast", tensor)
    among = group_or_world(group)
    result: T = Broadcast(among, root_of("broadcast", "src", src, None, among)).apply_to(tensor)
    return result


def reduce(tensor: T, dst: int, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None) -> T:
    """Give the sum over all ranks on rank ``dst``, and zeros on the others."""
    _check_values("reduce", tensor)
    _check_op("reduce", op)
    among = group_or_world(group)
    result: T = Reduce(among, root_of("reduce", "dst", dst, None, among), op).apply_to(tensor)
    return result


def gather(tensor: T, dst: int = 0, group: ProcessGroup | None = None) -> tuple[T, ...]:
    """Give all ranks' values on rank ``dst``, and zeros on the others."""
    _check_values("gather", tensor)
    among = group_or_world(group)
    result: tuple[T, ...] = Gather(among, root_of("gather", "dst", dst, None, among)).apply_to(tensor)
    return result


def scatter(tensors: Sequence[T], src: int = 0, group: ProcessGroup | None = None) -> T:
    """Give to each rank its element of the list that rank ``src`` has; the others' lists say shape and dtype.

    Raises
    ------
    ValueError
        If there isn't one for each rank.
    """
    among = group_or_world(group)
    _check_number("scatter", tensors, among)
    result: T = Scatter(among, root_of("scatter", "src", src, None, among)).apply_to(*tensors)
    return result


def all_gather(tensor: T, group: ProcessGroup | None = None) -> tuple[T, ...]:
    """Give all ranks' values, on all of them."""
    _check_values("all_gather", tensor)
    result: tuple[T, ...] = AllGather(group_or_world(group)).apply_to(tensor)
    return result


def reduce_scatter(
    output: T, input_list: Sequence[T], op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None
) -> T:
    """Give the sum over all ranks of their element with this rank's number.

    Parameters
    ----------
    output
        Only its shape and dtype count, as in PyTorch.
    input_list
        One tensor for each rank.
    op
        ``SUM`` or ``AVG``.
    group
        The ranks that take part; all by default.

    Raises
    ------
    ValueError
        If there isn't one tensor for each rank, of the output's shape.
    """
    _check_op("reduce_scatter", op)
    among = group_or_world(group)
    _check_number("reduce_scatter", input_list, among)
    _check_shapes("reduce_scatter", [output, *input_list])
    result: T = ReduceScatter(among, op).apply_to(*input_list)
    return result


def all_to_all(
    output_tensor_list: Sequence[T], input_tensor_list: Sequence[T], group: ProcessGroup | None = None
) -> tuple[T, ...]:
    """Give what every rank had for this one; of the first list only shapes and dtypes count, as in PyTorch."""
    among = group_or_world(group)
    _check_number("all_to_all", output_tensor_list, among)
    _check_number("all_to_all", input_tensor_list, among)
    _check_shapes("all_to_all", [*output_tensor_list, *input_tensor_list])
    result: tuple[T, ...] = AllToAll(among).apply_to(*input_tensor_list)
    return result


def _check_number(what: str, tensors: Any, group: ProcessGroup) -> None:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{what}: it takes a list of tensors, one for each rank, not {type(tensors).__name__}")
    if len(tensors) != group.size():
        raise ValueError(f"{what}: {len(tensors)} tensors for {group.size()} ranks")
    _check_shapes(what, tensors)


def _check_shapes(what: str, tensors: Sequence[Any]) -> None:
    _check_values(what, *tensors)
    kinds = list(dict.fromkeys((tuple(t.shape), str(t.dtype)) for t in tensors))
    if len(kinds) > 1:
        raise ValueError(f"{what}: all tensors must have one shape and dtype, not {kinds[0]} and {kinds[1]}")
