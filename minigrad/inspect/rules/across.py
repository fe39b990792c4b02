"""The law of a collective, which holds across ranks: what forward copies, backward sums, and the reverse.

A collective is linear, and its rule must be the transpose: ``<gy, y>``, summed over ranks, is ``<gx, x>``, summed over
ranks. A value that all ranks share counts once: so does the input of what copies to ranks, and the output of what sums
over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.distributed import exchange
from minigrad.distributed.nn.nodes import CopyToRanks, JoinRanks, SliceOfRank, SumOverRanks
from minigrad.distributed.reduce_op import ReduceOp
from minigrad.engine.base import Array, array_of
from minigrad.inspect.rules.known import Side

#: One value for all ranks: at the input; at the output.
SHARED_INPUT, SHARED_OUTPUT = (CopyToRanks, SliceOfRank), (SumOverRanks, JoinRanks)


def sides_across(node: Any, came: Sequence[Array], sent: Sequence[Any]) -> list[Side]:
    """The two sums over ranks, and a size beside which they must agree; every rank of the group calls this."""
    arrays = [array_of(x) for x in node.inputs]
    given = node.again().forward(*arrays)
    outputs = given if isinstance(given, tuple) else (given,)
    n = node.group.size()
    left = sum(_inner(g, y) for g, y in zip(came, outputs, strict=True)) / (n if isinstance(node, SHARED_OUTPUT) else 1)
    right = sum(_inner(array_of(g), x) for g, x in zip(sent, arrays, strict=True) if g is not None)
    size = sum(float(np.abs(np.multiply(g, y)).sum()) for g, y in zip(came, outputs, strict=True))
    sums = np.array([left, right / (n if isinstance(node, SHARED_INPUT) else 1), size])
    exchange.all_reduce(sums, ReduceOp.SUM, node.group).wait()
    left, right, size = (float(s) for s in sums)
    return [Side(np.array(left), np.array(right), size)]


def _inner(a: Any, b: Any) -> float:
    return float(np.vdot(np.asarray(a, np.float64), np.asarray(b, np.float64)))
