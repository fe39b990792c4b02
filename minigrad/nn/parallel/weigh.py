"""Shards of different sizes: each rank's loss counts by its share of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.distributed import ProcessGroup, ReduceOp, exchange
from minigrad.engine.node import Node


class Share:
    """The part of this rank in all samples, times the number by which gradients will be divided.

    Parameters
    ----------
    samples
        How many this rank has.
    divisor
        The number of ranks over which a mean will be taken.
    group
        The ranks.
    """

    def __init__(self, samples: int, divisor: int, group: ProcessGroup) -> None:
        self._samples, self._divisor = samples, divisor
        self._total = np.array(samples)
        self._work = exchange.all_reduce(self._total, ReduceOp.SUM, group).start()

    def __float__(self) -> float:
        self._work.wait()
        return self._divisor * self._samples / int(self._total)


class Weigh(Node):
    """The identity, at the end of a model. Backward: ``gx = share * gy``.

    It stands at the end and not at the gradients of the parameters, because a node that sums over the ranks on the
    way (`nn.SyncBatchNorm`) must sum what is weighed already.
    """

    def __init__(self, share: Share) -> None:
        self.share = share

    def forward(self, x: Any) -> Any:
        return np.array(x)

    def backward(self, gy: Any) -> Any:
        return gy * float(self.share)
