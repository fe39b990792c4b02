"""The border between two stages, as two nodes: what goes over it in forward comes back over it as a gradient.

`SendOn` ends one rank's graph and `TakeOver` begins the next one's. So each rank runs an ordinary backward pass: it
begins where the gradient arrives, and sends on what reaches the border behind it. A value that only passes through a
stage, a long skip of a U-Net say, is sent on as it came, and its gradient takes the same way back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.distributed.exchange import send
from minigrad.distributed.groups import ProcessGroup
from minigrad.distributed.pipelining.timeline import Timeline
from minigrad.distributed.point_to_point import recv
from minigrad.engine.base import Array
from minigrad.engine.node import Node
from minigrad.tensors.tensor import Tensor, from_array

_DTYPES = [np.dtype(code) for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?")]
# Room for what is sent before the tensors: how many there are, and dtype, wish for a gradient, shape of each.
_HEADER = 128
_ABOUT, _VALUES, _GRADIENTS = range(3)


class Way:
    """The way between this rank and another, for one micro-batch.

    Parameters
    ----------
    group
        The ranks.
    other
        The other rank's number in the group.
    microbatch
        What is sent for one micro-batch is never taken for another's.
    timeline
        Where waiting is noted.

    Attributes
    ----------
    owed
        Shape and dtype of each gradient that the other rank waits for.
    """

    def __init__(self, group: ProcessGroup, other: int, microbatch: int, timeline: Timeline) -> None:
        self.group, self.other, self.microbatch, self.timeline = group, other, microbatch, timeline
        self.owed: list[tuple[tuple[int, ...], Any]] = []

    def pay(self) -> None:
        """Send zeros for what is owed still: no gradient came to the border, and the other rank waits."""
        for shape, dtype in self.owed:
            self.send(_GRADIENTS, np.zeros(shape, dtype))
        self.owed = []

    def _tag(self, what: int) -> int:
        return 3 * self.microbatch + what

    def send(self, what: int, array: Array) -> None:
        """Send, and go on at once; the array must not change any more."""
        start = time.perf_counter()
        send(array, self.other, self.group, self._tag(what)).start()
        self.timeline.add("send", self.microbatch, start)

    def take(self, what: int, shape: tuple[int, ...], dtype: Any) -> Array:
        """Wait for an array."""
        start = time.perf_counter()
        tensor = from_array(np.empty(shape, dtype))
        recv(tensor, group=self.group, tag=self._tag(what), group_src=self.other)
        self.timeline.add("wait", self.microbatch, start)
        return tensor.array

    def send_about(self, arrays: Sequence[Array], wants: Sequence[bool]) -> None:
        """Tell what will be sent.

        Raises
        ------
        ValueError
            If that is more than there is room for.
        """
        about = [len(arrays)]
        for array, wanted in zip(arrays, wants, strict=True):
            about += [_DTYPES.index(array.dtype), int(wanted), array.ndim, *array.shape]
        if len(about) > _HEADER:
            raise ValueError(f"{len(arrays)} tensors are too many for one border between stages")
        header = np.zeros(_HEADER, np.int64)
        header[: len(about)] = about
        self.send(_ABOUT, header)

    def take_about(self) -> list[tuple[Any, bool, tuple[int, ...]]]:
        """Hear what will be sent: dtype, wish for a gradient, and shape of each tensor."""
        about = iter(self.take(_ABOUT, (_HEADER,), np.int64).tolist())
        found = []
        for _ in range(next(about)):
            dtype, wanted, ndim = _DTYPES[next(about)], bool(next(about)), next(about)
            found.append((dtype, wanted, tuple(next(about) for _ in range(ndim))))
        return found


class SendOn(Node):
    """Sends its inputs to the next stage; the output, a 0, is where this rank's backward begins.

    Backward: ``gx_i`` = the gradient that comes back from there.
    """

    def __init__(self, way: Way, wanted: Sequence[bool]) -> None:
        self.way, self.wanted = way, wanted

    def forward(self, *values: Any) -> Any:
        self.kinds = [(x.shape, x.dtype) for x in values]
        self.way.send_about(values, self.wanted)
        for x in values:
            self.way.send(_VALUES, x)
        return np.zeros(())

    def backward(self, g: Any) -> Any:
        return tuple(
            self.way.take(_GRADIENTS, *kind) if wanted else None
            for kind, wanted in zip(self.kinds, self.wanted, strict=True)
        )


class TakeOver(Node):
    """What the stage before sends; the input, a 0, is there so that backward comes here.

    Backward: sends ``gy_i`` there.
    """

    def __init__(self, way: Way) -> None:
        self.way = way

    def forward(self, start: Any) -> Any:
        about = self.way.take_about()
        self.wanted = [wanted for _, wanted, _ in about]
        self.way.owed = [(shape, dtype) for dtype, wanted, shape in about if wanted]
        return tuple(self.way.take(_VALUES, shape, dtype) for dtype, _, shape in about)

    def backward(self, *grads: Any) -> Any:
        for gy, wanted in zip(grads, self.wanted, strict=True):
            if wanted:
                self.way.send(_GRADIENTS, gy)
        self.way.owed = []
        return np.zeros(())


def send_on(way: Way, tensors: Sequence[Tensor]) -> Tensor:
    """Send tensors to the next stage; a backward from what is returned begins with the gradients from there."""
    result: Tensor = SendOn(way, [t.requires_grad for t in tensors]).apply_to(*tensors)
    return result


def take_over(way: Way) -> tuple[Tensor, ...]:
    """Take what the stage before sends; what wants no gradient there wants none here."""
    node = TakeOver(way)
    tensors = node.apply_to(from_array(np.zeros(()), requires_grad=True))
    return tuple(t if wanted else t.detach() for t, wanted in zip(tensors, node.wanted, strict=True))
