"""Collectives as nodes: forward communicates, and backward communicates the other way round.

To the gradient, ranks are places of one large net. What a collective *copies* to several ranks is a fork, so the
gradients that come back from them are summed; what it *sums* is a join, so each rank gets the gradient as it is.

=================  =================================  ===========================================  ==============
node               forward                            backward                                     law
=================  =================================  ===========================================  ==============
`CopyToRanks`, f   identity                           all-reduce                                   it broadcasts
`SumOverRanks`, g  all-reduce                         identity                                     it reduces
`SliceOfRank`      this rank's slice                  all-gather                                   it broadcasts
`JoinRanks`        all-gather along an axis           this rank's slice                            it reduces
`AllReduce`        sum over ranks, to all             sum over ranks, to all                       both
`Broadcast`        one rank's value to all            sum over ranks, to that one                  it broadcasts
`Reduce`           sum over ranks, to one             that one's gradient to all                   it reduces
`Gather`           all values to one rank             slices of that one's gradient, one to each   it reduces
`Scatter`          one rank's slices, one to each     all gradients to that rank                   it broadcasts
`AllGather`        all values to all                  sum over ranks of each slice's gradients     both
`ReduceScatter`    sum over ranks of each slice       every rank's gradient to all                 both
`AllToAll`         slice i to rank i                  gradient i back to rank i                    both
=================  =================================  ===========================================  ==============

Two ways to count the loss. In the upper four (Shoeybi et al., Megatron-LM, 2019) all ranks go on to compute the *same*
loss, which counts once. In the lower ones (PyTorch's ``torch.distributed.nn.functional``) each rank has a loss of its
own, and the gradient is that of the sum of all ranks' losses. So `AllReduce`, whose value reaches the losses of all
ranks, sums their gradients, and `SumOverRanks` passes the one gradient on.

Every rank's backward must reach the same nodes: a rank whose loss doesn't depend on a collective leaves the
others waiting.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad.distributed import exchange
from minigrad.distributed.groups import ProcessGroup
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.engine.node import Node
from minigrad.ops.common import along, axis_of
from minigrad.ops.join import concat


class Collective(Node):
    """What the nodes below share: the ranks that take part, and a law.

    Parameters
    ----------
    group
        The ranks that take part.
    """

    #: ``"broadcasts"``: forward copies values to ranks, so backward sums over them. ``"reduces"``: the reverse.
    law: ClassVar[str] = ""

    def __init__(self, group: ProcessGroup) -> None:
        self.group = group

    @property
    def rank(self) -> int:
        """The number of this process in the group."""
        return self.group.rank()


class CopyToRanks(Collective):
    """f: every rank goes on with the value that all have. Backward: ``gx = sum over ranks of gy``."""

    law = "broadcasts"

    def forward(self, x: Any) -> Any:
        return np.array(x)  # (a copy: a write into it must not be one into x)

    def backward(self, gy: Any) -> Any:
        return SumOverRanks(self.group)(gy)


class SumOverRanks(Collective):
    """g: ``y = sum over ranks of x``, on all ranks. Backward: ``gx = gy``, the gradient that all ranks have."""

    law = "reduces"

    def forward(self, x: Any) -> Any:
        return _summed(x, ReduceOp.SUM, self.group)

    def backward(self, gy: Any) -> Any:
        return CopyToRanks(self.group)(gy)


class SliceOfRank(Collective):
    """The part of this rank, along ``dim``, of a value that all have. Backward: ``gx`` = all ``gy`` side by side."""

    law = "broadcasts"

    def __init__(self, group: ProcessGroup, dim: int) -> None:
        super().__init__(group)
        self.dim = dim

    def forward(self, x: Any) -> Any:
        axis = _axis_of(self.dim, x)
        ranks, size = self.group.size(), x.shape[axis]
        if size % ranks:
            raise ValueError(f"{size} elements along dimension {self.dim} can't be split equally among {ranks} ranks")
        start = self.rank * (size // ranks)
        return np.array(x[along(axis, slice(start, start + size // ranks))])

    def backward(self, gy: Any) -> Any:
        return JoinRanks(self.group, self.dim)(gy)


class JoinRanks(Collective):
    """All ranks' values side by side along ``dim``, on all ranks. Backward: ``gx`` = this rank's slice of ``gy``."""

    law = "reduces"

    def __init__(self, group: ProcessGroup, dim: int) -> None:
        super().__init__(group)
        self.dim = dim

    def forward(self, x: Any) -> Any:
        axis = _axis_of(self.dim, x)
        return concat(_gathered(x, self.group), axis)

    def backward(self, gy: Any) -> Any:
        return SliceOfRank(self.group, self.dim)(gy)


class AllReduce(Collective):
    """``y = sum over ranks of x``, on all ranks. Backward: ``gx = sum over ranks of gy``.

    With ``AVG`` both are means. Other operations have no gradient here.
    """

    law = "reduces and broadcasts"

    def __init__(self, group: ProcessGroup, op: ReduceOp = ReduceOp.SUM) -> None:
        super().__init__(group)
        self.op = op

    def forward(self, x: Any) -> Any:
        return _summed(x, self.op, self.group)

    def backward(self, gy: Any) -> Any:
        return AllReduce(self.group, self.op)(gy)


class Broadcast(Collective):
    """``y = x`` of rank ``root``, on all ranks. Backward: ``gx = sum over ranks of gy`` there, 0 elsewhere."""

    law = "broadcasts"

    def __init__(self, group: ProcessGroup, root: int) -> None:
        super().__init__(group)
        self.root = root

    def forward(self, x: Any) -> Any:
        y = np.array(x, order="C")
        exchange.broadcast(y, self.root, self.group).wait()
        return y

    def backward(self, gy: Any) -> Any:
        return Reduce(self.group, self.root)(gy)


class Reduce(Collective):
    """``y = sum over ranks of x`` on rank ``root``, 0 elsewhere. Backward: ``gx = gy`` of that rank, on all ranks."""

    law = "reduces"

    def __init__(self, group: ProcessGroup, root: int, op: ReduceOp = ReduceOp.SUM) -> None:
        super().__init__(group)
        self.root, self.op = root, op

    def forward(self, x: Any) -> Any:
        y = np.array(x, order="C")
        exchange.reduce(y, self.root, self.op, self.group).wait()
        return y if self.rank == self.root else np.zeros_like(y)

    def backward(self, gy: Any) -> Any:
        gx = Broadcast(self.group, self.root)(gy)
        return gx / self.group.size() if self.op is ReduceOp.AVG else gx


class Gather(Collective):
    """All ranks' values on rank ``root``, zeros elsewhere. Backward: ``gx`` = what that rank has for this value."""

    law = "reduces"

    def __init__(self, group: ProcessGroup, root: int) -> None:
        super().__init__(group)
        self.root = root

    def forward(self, x: Any) -> Any:
        outs = [np.zeros_like(x) for _ in self.group.ranks]
        exchange.gather(outs, x, self.root, self.group).wait()
        return tuple(outs)

    def backward(self, *grads: Any) -> Any:
        return Scatter(self.group, self.root)(*grads)


class Scatter(Collective):
    """The values of rank ``root``, one to each. Backward: that rank's inputs get all ranks' ``gy``, the others' 0."""

    law = "broadcasts"

    def __init__(self, group: ProcessGroup, root: int) -> None:
        super().__init__(group)
        self.root = root

    def forward(self, *values: Any) -> Any:
        out = np.empty_like(values[0])
        exchange.scatter(out, values, self.root, self.group).wait()
        return out

    def backward(self, gy: Any) -> Any:
        return Gather(self.group, self.root)(gy)


class AllGather(Collective):
    """All ranks' values, on all ranks. Backward: ``gx = sum over ranks of`` what each sends to this one's value."""

    law = "reduces and broadcasts"

    def forward(self, x: Any) -> Any:
        return tuple(_gathered(x, self.group))

    def backward(self, *grads: Any) -> Any:
        return ReduceScatter(self.group)(*grads)


class ReduceScatter(Collective):
    """``y = sum over ranks of`` their input with this rank's number. Backward: ``gx_i = gy`` of rank ``i``."""

    law = "reduces and broadcasts"

    def __init__(self, group: ProcessGroup, op: ReduceOp = ReduceOp.SUM) -> None:
        super().__init__(group)
        self.op = op

    def forward(self, *values: Any) -> Any:
        out = np.empty_like(values[0])
        exchange.reduce_scatter(out, values, self.op, self.group).wait()
        return out

    def backward(self, gy: Any) -> Any:
        grads = AllGather(self.group)(gy)
        return tuple(g / self.group.size() for g in grads) if self.op is ReduceOp.AVG else grads


class AllToAll(Collective):
    """``y_i`` = what rank ``i`` had for this one. Backward: ``gx_i`` = the gradient that rank ``i`` has for it."""

    law = "reduces and broadcasts"

    def forward(self, *values: Any) -> Any:
        outs = [np.empty_like(values[0]) for _ in values]
        exchange.all_to_all(outs, values, self.group).wait()
        return tuple(outs)

    def backward(self, *grads: Any) -> Any:
        return AllToAll(self.group)(*grads)


def _axis_of(dim: int, x: Any) -> int:
    """The axis along which the ranks' parts stand; an error comes before anybody waits."""
    if not x.ndim:
        raise ValueError("a number has no dimension along which ranks could have parts")
    return axis_of(dim, x.ndim)


def _summed(x: Any, op: ReduceOp, group: ProcessGroup) -> Any:
    """The reduction over all ranks, as a new array."""
    y = np.array(x, order="C")
    exchange.all_reduce(y, op, group).wait()
    return y


def _gathered(x: Any, group: ProcessGroup) -> list[Any]:
    """All ranks' arrays."""
    outs = [np.empty_like(x) for _ in group.ranks]
    exchange.all_gather(outs, x, group).wait()
    return outs
