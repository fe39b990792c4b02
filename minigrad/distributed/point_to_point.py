"""One rank sends, and one receives."""

from __future__ import annotations

import numpy as np

from minigrad.distributed import exchange
from minigrad.distributed.checks import check_tag, check_tensor, root_of
from minigrad.distributed.exchange import Landing, described
from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.library import DistError, load_mpi
from minigrad.distributed.work import Work, call_of
from minigrad.tensors.tensor import Tensor


def isend(
    tensor: Tensor,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> Work:
    """Send a tensor, and go on at once; it must not be written before ``wait()`` of what is returned.

    Parameters
    ----------
    tensor
        What is sent.
    dst, group_dst
        The receiver, by its number among all processes or in the group.
    tag
        Only a ``recv`` with the same tag takes it.

    Raises
    ------
    ValueError
        For a receiver that isn't there, or that is the sender itself.
    """
    among = group_or_world(group)
    check_tensor("send", tensor, written=False)
    to = root_of("send", "dst", dst, group_dst, among)
    check_tag("send", tag)
    if to == among.rank():
        raise ValueError("send: a rank can't send to itself")
    return exchange.send(tensor.array, to, among, tag).start()


def send(
    tensor: Tensor,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> None:
    """Send a tensor, and wait until it may be written again; arguments as for ``isend``.

    MPI puts a small tensor aside and goes on, and waits for the receiver with a large one. So two ranks that *both*
    send first work while tensors are small, and hang when they grow: let one of them receive first.
    """
    isend(tensor, dst, group, tag, group_dst).wait()


class _Receipt(Landing):
    """Where a tensor arrives, and what must have arrived."""

    def __init__(self, array: np.ndarray, group: ProcessGroup) -> None:
        super().__init__([array])
        self.status = load_mpi().Status()
        self.group = group

    def __call__(self) -> None:
        came = self.status.Get_count(load_mpi().BYTE)
        if came != self.buffer.nbytes:
            raise DistError(
                f"recv: the tensor of {described(self.arrays[0])} has {self.buffer.nbytes} bytes, but rank "
                f"{self.group.ranks[self.status.source]} sent {came}: shape and dtype must be the sender's"
            )
        super().__call__()


class _Receiving(Work):
    """A receive under way."""

    _finish: _Receipt

    def _arrived(self) -> bool:
        return bool(self._request.Test(self._finish.status))

    def _refused(self, error: Exception) -> str:
        to = described(self._finish.arrays[0])
        return f"what was sent is larger than {to}: shape and dtype must be the sender's ({error})"


def irecv(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_src: int | None = None,
) -> Work:
    """Begin to receive into a tensor, and go on at once; arguments as for ``recv``."""
    among = group_or_world(group)
    check_tensor("recv", tensor)
    anyone = src is None and group_src is None
    source = load_mpi().ANY_SOURCE if anyone else root_of("recv", "src", src, group_src, among)
    check_tag("recv", tag)
    if source == among.rank():
        raise ValueError("recv: a rank can't receive from itself")
    sender = "any rank" if anyone else f"rank {among.ranks[source]}"
    call = call_of(f"recv({described(tensor.array)}, from {sender})")
    receipt = _Receipt(tensor.array, among)
    return _Receiving(among, call, lambda: among.comm.Irecv(receipt.buffer, source, tag), receipt).start()


def recv(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    tag: int = 0,
    group_src: int | None = None,
) -> int:
    """Receive into a tensor.

    Parameters
    ----------
    tensor
        It is written; its shape and dtype must be the sender's.
    src, group_src
        The sender, by its number among all processes or in the group; None for whoever comes first.
    tag
        The sender's tag.

    Returns
    -------
    int
        The sender's number among all processes.

    Raises
    ------
    DistError
        If what arrives has another size, or nothing arrives.
    """
    work = irecv(tensor, src, group, tag, group_src)
    work.wait()
    receipt = work._finish
    assert isinstance(receipt, _Receipt)
    return int(receipt.group.ranks[receipt.status.source])
