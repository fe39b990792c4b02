"""PyTorch's collectives: all ranks of a group call the same function, and values are written into their tensors.

None of these has a backward: they are for gradients, parameters and statistics. Those of
``distributed.nn.functional`` are nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.distributed import exchange
from minigrad.distributed.checks import check_list, check_tensor, root_of
from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.distributed.work import Work
from minigrad.tensors.tensor import Tensor


def _ended(work: Work, async_op: bool) -> Work | None:
    """The work, begun; or None after it has ended."""
    if async_op:
        return work.start()
    work.wait()
    return None


def all_reduce(
    tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Put the sum over all ranks into every rank's tensor; all ranks get the same bits.

    Parameters
    ----------
    tensor
        Of the same shape and dtype on all ranks; it is written.
    op
        What is done with the values.
    group
        The ranks that take part; all by default.
    async_op
        Return at once; the tensor must not be touched before ``wait()`` of what is returned.

    Returns
    -------
    Work or None
        With ``async_op``.

    Raises
    ------
    OperationError
        For a tensor with a gradient path.
    DistError
        If the others don't come.
    """
    check_tensor("all_reduce", tensor)
    return _ended(exchange.all_reduce(tensor.array, op, group_or_world(group)), async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Put the sum over all ranks into the tensor of rank ``dst``; the others' stay what they are."""
    among = group_or_world(group)
    check_tensor("reduce", tensor)
    root = root_of("reduce", "dst", dst, group_dst, among)
    return _ended(exchange.reduce(tensor.array, root, op, among), async_op)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Put the values of rank ``src`` into every rank's tensor."""
    among = group_or_world(group)
    check_tensor("broadcast", tensor)
    root = root_of("broadcast", "src", src, group_src, among)
    return _ended(exchange.broadcast(tensor.array, root, among), async_op)


def all_gather(
    tensor_list: Sequence[Tensor], tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Put every rank's tensor into the list of every rank, in the order of the ranks."""
    among = group_or_world(group)
    check_tensor("all_gather", tensor, written=False)
    check_list("all_gather", "tensor_list", tensor_list, tensor, among, written=True)
    return _ended(exchange.all_gather([t.array for t in tensor_list], tensor.array, among), async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Put every rank's tensor into one: stacked if it has one axis more, else one behind the other.

    Raises
    ------
    ValueError
        If the output has another size than all inputs together, or another dtype.
    """
    among = group_or_world(group)
    check_tensor("all_gather_into_tensor", output_tensor)
    check_tensor("all_gather_into_tensor", input_tensor, written=False)
    parts = _parts("all_gather_into_tensor", output_tensor, input_tensor, among)
    return _ended(exchange.all_gather(parts, input_tensor.array, among), async_op)


def gather(
    tensor: Tensor,
    gather_list: Sequence[Tensor] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Put every rank's tensor into the list of rank ``dst`` (0 by default); the others give no list."""
    among = group_or_world(group)
    check_tensor("gather", tensor, written=False)
    root = root_of("gather", "dst", 0 if dst is None and group_dst is None else dst, group_dst, among)
    if among.rank() == root:
        check_list("gather", "gather_list", gather_list, tensor, among, written=True)
    outs = [t.array for t in gather_list or ()]
    return _ended(exchange.gather(outs, tensor.array, root, among), async_op)


def scatter(
    tensor: Tensor,
    scatter_list: Sequence[Tensor] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Put the tensors in the list of rank ``src`` (0 by default) into the ranks' tensors, one each."""
    among = group_or_world(group)
    check_tensor("scatter", tensor)
    root = root_of("scatter", "src", 0 if src is None and group_src is None else src, group_src, among)
    if among.rank() == root:
        check_list("scatter", "scatter_list", scatter_list, tensor, among)
    return _ended(exchange.scatter(tensor.array, [t.array for t in scatter_list or ()], root, among), async_op)


def reduce_scatter(
    output: Tensor,
    input_list: Sequence[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Sum the lists over the ranks; each rank gets the element with its number."""
    among = group_or_world(group)
    check_tensor("reduce_scatter", output)
    check_list("reduce_scatter", "input_list", input_list, output, among)
    return _ended(exchange.reduce_scatter(output.array, [t.array for t in input_list], op, among), async_op)


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Sum a tensor over the ranks; each rank gets one part of it.

    Raises
    ------
    ValueError
        If the input has another size than all outputs together, or another dtype.
    """
    among = group_or_world(group)
    check_tensor("reduce_scatter_tensor", output)
    check_tensor("reduce_scatter_tensor", input, written=False)
    parts = _parts("reduce_scatter_tensor", input, output, among)
    return _ended(exchange.reduce_scatter(output.array, parts, op, among), async_op)


def all_to_all(
    output_tensor_list: Sequence[Tensor],
    input_tensor_list: Sequence[Tensor],
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Send the i-th tensor to rank i, and get the i-th of the other list from there."""
    among = group_or_world(group)
    check_list("all_to_all", "output_tensor_list", output_tensor_list, None, among, written=True)
    check_list("all_to_all", "input_tensor_list", input_tensor_list, output_tensor_list[0], among)
    outs, ins = [t.array for t in output_tensor_list], [t.array for t in input_tensor_list]
    return _ended(exchange.all_to_all(outs, ins, among), async_op)


def barrier(group: ProcessGroup | None = None, async_op: bool = False) -> Work | None:
    """Wait until all ranks are here."""
    return _ended(exchange.barrier(group_or_world(group)), async_op)


def _parts(what: str, whole: Tensor, part: Tensor, group: ProcessGroup) -> list[np.ndarray]:
    """One view of the whole for each rank."""
    n, shape = group.size(), part.array.shape
    if whole.array.dtype != part.array.dtype:
        raise ValueError(f"{what}: one tensor is {whole.array.dtype}, the other {part.array.dtype}")
    stacked = whole.array.shape == (n, *shape)
    if not stacked and (not shape or whole.array.shape != (n * shape[0], *shape[1:])):
        raise ValueError(
            f"{what}: {n} parts of shape {shape} don't make one of shape {whole.array.shape}: it must be {(n, *shape)}"
            + (f" or {(n * shape[0], *shape[1:])}" if shape else "")
        )
    if stacked:
        return [whole.array[i, ...] for i in range(n)]
    return [whole.array[i * shape[0] : (i + 1) * shape[0]] for i in range(n)]
