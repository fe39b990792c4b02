"""Inspection of a net in stages as of one net: what `trace`, `path_lengths` and `receipt` show, gathered on rank 0.

A skip that crosses a border is a fork on one rank and a join on another, and has its row like any other.
"""

from __future__ import annotations

from typing import Any

from minigrad.engine.errors import OperationError
from minigrad.inspect.changes.scaling import label_in_force
from minigrad.inspect.forks.graph import Graph
from minigrad.inspect.forks.ledger import Ledger
from minigrad.inspect.forks.names import Blocks
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.paths.bill import Receipt, billed
from minigrad.inspect.paths.path_lengths import PathLengths, path_lengths
from minigrad.inspect.ranks.gathering import gathered
from minigrad.inspect.tracing.arrivals import Arrivals
from minigrad.inspect.tracing.bookkeeping import Bookkeeper
from minigrad.inspect.tracing.trace import Trace, trace
from minigrad.tensors.tensor import Tensor


def pipeline_trace(schedule: Any, *args: Any, target: Tensor | None = None, **kwargs: Any) -> Trace | None:
    """Run one step of a pipeline as `trace` runs ``backward()``: its steps are those that the ranks saw.

    All ranks must call this. As after ``schedule.step``, gradients are in the parameters' ``.grad`` on each rank.
    Modules have their stage's number before their names, as in ``nn.Sequential`` of all stages. Rank 0 needs the
    memory that the whole net needs there.

    Parameters
    ----------
    schedule
        A schedule with one micro-batch and a loss.
    args, target, kwargs
        As for its ``step``.

    Returns
    -------
    Trace or None
        On the group's rank 0; None on the others.

    Raises
    ------
    ValueError
        For more micro-batches, of which each has a pass of its own.
    OperationError
        If there is no loss, it has no graph, or a node can't be sent to rank 0; within `cut` or `scale`, which would
        find only the joins of one rank.
    """
    if label_in_force():
        raise OperationError("pipeline_trace: cut and scale act on one process's graph: look at the whole net there")
    whole = gathered("pipeline_trace", schedule, args, target, kwargs, lambda end, g: trace(end, g, retain_graph=True))
    if whole is None:
        return None
    graph = Graph(whole.loss)
    pairs = find_pairs(graph)
    arrivals = Arrivals(graph, Bookkeeper(pairs.found), keep_arrays=True)
    for step in whole.steps:
        arrivals.books.see(step, step)
    for leaf, gradient in whole.gradients:
        if leaf in graph.readers:  # (one that is sent, and never used, is in no graph)
            arrivals.leaf(leaf, gradient)
    ledger = Ledger(arrivals.books.rows(), pairs.unpaired)
    return Trace(whole.steps, graph.nodes, list(arrivals.leaves.values()), ledger)


def pipeline_path_lengths(
    schedule: Any, *args: Tensor, target: Tensor | None = None, blocks: Blocks = None, **kwargs: Any
) -> PathLengths | None:
    """Split the gradient of a pipeline's input by the number of branches crossed, as `path_lengths` does.

    All ranks must call this. No ``.grad`` is touched.

    Parameters
    ----------
    schedule, target, kwargs
        As in `pipeline_trace`.
    args
        The batch, on the first stage; the gradient of the first of them is split.
    blocks
        As in `path_lengths`.

    Returns
    -------
    PathLengths or None
        On the group's rank 0; None on the others.

    Raises
    ------
    ValueError, OperationError
        As in `pipeline_trace` and `path_lengths`.
    """
    if args:
        args = (args[0].detach().requires_grad_(), *args[1:])
    whole = gathered("pipeline_path_lengths", schedule, args, target, kwargs)
    return None if whole is None else path_lengths(whole.loss, args[0], blocks=blocks)


def pipeline_receipt(
    schedule: Any, *args: Any, target: Tensor | None = None, blocks: Blocks = None, **kwargs: Any
) -> Receipt | None:
    """Split the gradient of every parameter of all stages by path length, as `receipt` does: one bill, on rank 0.

    All ranks must call this. No ``.grad`` is touched.

    Parameters
    ----------
    schedule, args, target, kwargs
        As in `pipeline_trace`.
    blocks
        As in `receipt`.

    Returns
    -------
    Receipt or None
        On the group's rank 0; None on the others. Parameters have their stage's number before their names.

    Raises
    ------
    ValueError, OperationError
        As in `pipeline_trace` and `receipt`.
    """
    whole = gathered("pipeline_receipt", schedule, args, target, kwargs)
    return None if whole is None else billed(whole.loss, whole.names, blocks=blocks)
