"""Buckets: gradients side by side in one array, so that few messages carry them, and each leaves early.

A gradient is complete long before backward ends. So a bucket is sent as soon as its last gradient has come, and
travels while backward goes on. Buckets are started in one fixed order, because MPI pairs the calls of the
ranks by their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.distributed import DistError, ProcessGroup, ReduceOp, Work, exchange
from minigrad.engine import writes
from minigrad.engine.base import Array
from minigrad.nn.parameter import Parameter
from minigrad.tensors.tensor import from_array

MIB = 1 << 20


class Bucket:
    """Some parameters' gradients, side by side.

    Parameters
    ----------
    parameters
        Of one dtype.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = parameters
        self.flat = np.zeros(sum(p.numel() for p in parameters), parameters[0].dtype)
        ends = np.cumsum([p.numel() for p in parameters])
        pieces = np.split(self.flat, ends[:-1])
        self.views = {p: piece.reshape(p.shape) for p, piece in zip(parameters, pieces, strict=True)}
        self.missing: dict[Parameter, None] = {}
        self.work: Work | None = None

    def start(self, group: ProcessGroup) -> None:
        """Begin to sum over the ranks."""
        self.work = exchange.all_reduce(self.flat, ReduceOp.SUM, group).start()


def filled(parameters: Iterable[Parameter], cap: float, first_cap: float) -> list[Bucket]:
    """Fill buckets of at most ``cap`` bytes, the first of ``first_cap``, in the order of backward: the last first."""
    buckets: list[Bucket] = []
    content: list[Parameter] = []
    for parameter in reversed(list(parameters)):
        limit = cap if buckets else first_cap
        size = sum(p.array.nbytes for p in content)
        if content and (size + parameter.array.nbytes > limit or parameter.dtype != content[0].dtype):
            buckets.append(Bucket(content))
            content = []
        content.append(parameter)
    return [*buckets, Bucket(content)]


class Reducer:
    """Sums the gradients of a model's parameters over the ranks, while backward runs.

    Parameters
    ----------
    names
        The parameters, with their names, in the model's order.
    group
        The ranks.
    cap, first_cap
        The largest size of a bucket, and of the first one, in bytes.
    as_views
        Let gradients stay in the buckets, and save a copy.
    """

    def __init__(
        self, names: dict[Parameter, str], group: ProcessGroup, cap: float, first_cap: float, as_views: bool
    ) -> None:
        self.names = names
        self.group = group
        self.as_views = as_views
        self.buckets = filled(names, cap, first_cap)
        self._home = {p: bucket for bucket in self.buckets for p in bucket.parameters}
        self._started = 0
        self._expecting = self._begun = False
        self._used_anywhere: Array | None = None
        self._factor = 1.0
        for parameter in names:
            parameter.register_post_accumulate_grad_hook(self._arrived)

    def check_finished(self) -> None:
        """Raise an error if a backward has begun, and left gradients out.

        Raises
        ------
        RuntimeError
            It names their parameters.
        """
        if not (self._expecting and self._begun):
            return
        missing = [self.names[p] for bucket in self.buckets for p in bucket.missing]
        raise RuntimeError(
            "Expected to have finished reduction in the prior iteration before starting a new one: on rank "
            f"{self.group.rank()} no gradient came for {', '.join(missing)}. If forward doesn't always use them, "
            "pass find_unused_parameters=True; if it never does, take them out or set requires_grad=False. "
            "And let all that forward returns take part in the loss"
        )

    def expect(self, factor: float, unused: dict[Parameter, None] | None) -> None:
        """Get ready for a backward.

        Parameters
        ----------
        factor
            What the gradients of this rank are multiplied by.
        unused
            Parameters to which no gradient will come here; None where that wasn't looked for.

        Raises
        ------
        RuntimeError
            If that is all of them.
        """
        self._expecting, self._begun, self._started = True, False, 0
        self._factor, self._used_anywhere = factor, None
        for bucket in self.buckets:
            bucket.missing = dict.fromkeys(bucket.parameters)
        if unused is None:
            return
        if len(unused) == len(self.names):
            raise RuntimeError(
                f"DistributedDataParallel: on rank {self.group.rank()} the output of forward depends on no parameter, "
                "so no backward can start the sums that the other ranks wait for"
            )
        self._used_anywhere = np.array([p not in unused for p in self.names], np.uint8)
        exchange.all_reduce(self._used_anywhere, ReduceOp.MAX, self.group).wait()
        for parameter in unused:
            bucket = self._home[parameter]
            bucket.views[parameter][...] = 0
            self._note(bucket)
            del bucket.missing[parameter]

    def _arrived(self, parameter: Any) -> None:
        """The hook of every parameter: its gradient is complete."""
        bucket = self._home[parameter]
        if not self._expecting or parameter not in bucket.missing:
            return
        gradient = parameter.grad
        assert gradient is not None
        if gradient.requires_grad:
            raise DistError(
                f"DistributedDataParallel: the gradient of {self.names[parameter]} has a graph, which the sum over the "
                "ranks would lose: call backward without create_graph, or minigrad.distributed.nn.functional.all_reduce"
            )
        self._begun = True
        np.multiply(gradient.array, self._factor, out=bucket.views[parameter], casting="same_kind")
        self._note(bucket)
        del bucket.missing[parameter]
        self._start_ready()
        self._let_mpi_move()
        if self._started == len(self.buckets):
            self._finish()

    def _note(self, bucket: Bucket) -> None:
        """Tell the engine of a write into a bucket: as views, the gradients of the pass before are there still."""
        if self.as_views:
            writes.note(bucket.flat)

    def _start_ready(self) -> None:
        """Start all buckets that are complete, as far as none before them is missing."""
        while self._started < len(self.buckets) and not self.buckets[self._started].missing:
            self.buckets[self._started].start(self.group)
            self._started += 1

    def _let_mpi_move(self) -> None:
        """MPI works only while it is called: call it for the oldest bucket under way."""
        for bucket in self.buckets[: self._started]:
            if bucket.work is not None and not bucket.work.is_completed():
                return

    def _finish(self) -> None:
        """Wait for all buckets, and put the sums into the parameters' gradients."""
        used = self._used_anywhere
        skipped = {} if used is None else {p: None for p, there in zip(self.names, used, strict=True) if not there}
        for bucket in self.buckets:
            assert bucket.work is not None
            bucket.work.wait()
            bucket.work = None
            for parameter, view in bucket.views.items():
                if parameter not in skipped:
                    self._put(parameter, view)
        self._expecting = False

    def _put(self, parameter: Any, total: Array) -> None:
        gradient = parameter.grad
        if self.as_views:
            if gradient is None or not np.shares_memory(gradient.array, total):
                parameter.grad = from_array(total)
        elif gradient is None:
            parameter.grad = from_array(total.copy())
        else:
            gradient.array[...] = total
            writes.note(gradient.array)

    def shadow_unused(self) -> None:
        """Take part in the search for unused parameters, as a rank that uses none."""
        exchange.all_reduce(np.zeros(len(self.names), np.uint8), ReduceOp.MAX, self.group).wait()

    def shadow(self) -> None:
        """Take part in the sums of a backward that other ranks run, with zeros."""
        for bucket in self.buckets:
            bucket.flat[...] = 0
            self._note(bucket)
            bucket.start(self.group)
        for bucket in self.buckets:
            assert bucket.work is not None
            bucket.work.wait()
            bucket.work = None
