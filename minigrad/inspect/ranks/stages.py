"""Inspection of a net in stages: what each rank sees of its own stage, put together on rank 0.

What is put together equals what the whole net in one process shows, as long as every fork has its join on the same
rank. A skip that crosses a border is a fork on one rank and a join on another: its gradient is right, but no rank
sees both, so neither ledger nor path lengths have a row for it. The table says so below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.distributed.objects import all_gather_object, broadcast_object_list
from minigrad.distributed.pipelining import PipelineStage
from minigrad.distributed.pipelining.border import SendOn, TakeOver
from minigrad.engine.base import Array
from minigrad.engine.gradients import grad
from minigrad.inspect.forks.graph import Graph
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.paths.path_lengths import PathLengths, path_lengths
from minigrad.inspect.say.table import Table, Tabular
from minigrad.inspect.tracing.trace import Trace, trace
from minigrad.tensors.tensor import Tensor, from_array


class StageStep(NamedTuple):
    """One step of one rank's backward pass.

    ``border`` says whether its node only sends or takes over.
    """

    rank: int
    kind: str
    module: str
    norm: float
    border: bool


class StagedTrace(Tabular):
    """A backward pass through all stages, the last one first.

    Attributes
    ----------
    steps
        Every rank's steps.
    ledger
        The rows of all ranks' ledgers, the first stage's first, as dictionaries; each has its ``rank``.
    apart
        How many joins and forks have no partner on their own rank.
    """

    def __init__(self, steps: list[StageStep], ledger: list[dict[str, Any]], apart: int) -> None:
        self.steps = steps
        self.ledger = ledger
        self.apart = apart

    def table(self) -> Table:
        """The table that is shown."""
        rows = [[s.rank, s.kind, s.module, s.norm, "border" if s.border else ""] for s in self.steps]
        notes = [f"{self.apart} forks or joins have no partner on their rank"] if self.apart else []
        return Table(["rank", "node", "module", "norm", ""], rows, notes=notes)


def pipeline_trace(schedule: Any, *args: Any, target: Tensor | None = None, **kwargs: Any) -> StagedTrace | None:
    """Run one step of a pipeline as `trace` runs ``backward()``. All ranks must call this.

    Parameters
    ----------
    schedule
        A schedule with one micro-batch.
    args, target, kwargs
        As for its ``step``.

    Returns
    -------
    StagedTrace or None
        On the group's rank 0; None on the others.

    Raises
    ------
    ValueError
        For more micro-batches, of which each has a pass of its own.
    """
    if schedule.n_microbatches != 1:
        raise ValueError(f"pipeline_trace: a schedule of one micro-batch, not of {schedule.n_microbatches}")
    stage: PipelineStage = schedule.stage
    found: list[Trace] = []
    before = stage.run_backward
    stage.run_backward = lambda end, gradient: found.append(trace(end, gradient))
    try:
        schedule.step(*args, target=target, return_outputs=False, **kwargs)
    finally:
        stage.run_backward = before
    rank = stage.stage_index
    steps = [StageStep(rank, *_told(step)) for one in found for step in one]
    rows = [{"rank": rank, **row} for one in found for row in one.ledger().to_dict()]
    apart = sum(len(one.ledger().unpaired) for one in found)
    every: list[Any] = [None] * stage.num_stages
    all_gather_object(every, (steps, rows, apart), stage.group)
    if rank:
        return None
    return StagedTrace(
        [step for of_rank, _, _ in reversed(every) for step in of_rank],
        [row for _, of_rank, _ in every for row in of_rank],
        sum(number for _, _, number in every),
    )


def _told(step: Any) -> tuple[str, str, float, bool]:
    kind = step.name.split("#")[0]
    return kind, step.module, step.norm, kind in (SendOn.__name__, TakeOver.__name__)


class _Lengths(NamedTuple):
    """A gradient by the number of branches crossed, and the number of routes likewise."""

    gradients: dict[int, Array]
    counts: dict[int, int]

    def add(self, length: int, gradient: Array, routes: int) -> None:
        """Add what came by one more way."""
        before = self.gradients.get(length)
        self.gradients[length] = gradient if before is None else before + gradient
        self.counts[length] = self.counts.get(length, 0) + routes


def pipeline_path_lengths(
    stage: PipelineStage, *args: Tensor, loss: Callable[[Any], Tensor] | None = None
) -> PathLengths | None:
    """Split the gradient of a pipeline's input by the number of branches crossed. All ranks must call this.

    Each stage splits what arrives for each length on its own, and sends on what is then as many branches longer.

    Parameters
    ----------
    stage
        This rank's stage.
    args
        The input, on the first stage; the gradient of the first of them is split.
    loss
        Makes the loss of the output, on the last stage.

    Returns
    -------
    PathLengths or None
        On the first stage; None on the others. Its ``label`` says so where joins have no fork on their own rank: what
        crosses their branches isn't counted.
    """
    group = stage.group
    arrived = [leaf.detach().requires_grad_() for leaf in args]
    ends: list[Tensor] = []
    for turn in range(stage.num_stages):
        sent: list[Any] = [None]
        if turn == stage.stage_index:
            output = stage.submodule(*arrived)
            if stage.is_last:
                assert loss is not None
                output = loss(output)
            ends = list(output) if isinstance(output, (tuple, list)) else [output]
            sent[0] = [(end.array, end.requires_grad) for end in ends]
        broadcast_object_list(sent, group=group, group_src=turn)
        if turn == stage.stage_index - 1:
            arrived = [from_array(array, requires_grad=wanted) for array, wanted in sent[0]]
    found = [_Lengths({0: np.ones_like(end.array)}, {0: 1}) for end in ends]
    names: list[str] = []
    apart = 0
    for turn in reversed(range(stage.num_stages)):
        sent = [None]
        if turn == stage.stage_index:
            found, blocks = _through_stage(arrived, ends, found)
            unpaired = [u for end in ends if end.node is not None for u in find_pairs(Graph(end)).unpaired]
            sent[0] = (found, blocks, len(unpaired))
        broadcast_object_list(sent, group=group, group_src=turn)
        names = [*(f"{turn}.{name}" for name in sent[0][1]), *names]
        apart += sent[0][2]
        if turn == stage.stage_index + 1:
            found = sent[0][0]
    if not stage.is_first:
        return None
    total = found[0]
    longest = max(total.counts)
    zero = np.zeros_like(arrived[0].array)
    gradients = [total.gradients.get(k, zero) for k in range(longest + 1)]
    label = f"{apart} forks or joins have no partner on their rank, and aren't counted" if apart else ""
    return PathLengths(gradients, [total.counts.get(k, 0) for k in range(longest + 1)], names, label)


def _through_stage(
    inputs: list[Tensor], ends: list[Tensor], arrived: list[_Lengths]
) -> tuple[list[_Lengths], list[str]]:
    """From the lengths that reach a stage's outputs, those that leave its inputs; and the names of its blocks."""
    left = [_Lengths({}, {}) for _ in inputs]
    blocks: dict[str, None] = {}
    for end, lengths in zip(ends, arrived, strict=True):
        for x, total in zip(inputs, left, strict=True):
            if not (end.requires_grad and x.requires_grad):
                continue
            for length, g in lengths.gradients.items():
                for more, gradient, routes in _from_to(end, x, g, blocks):
                    total.add(length + more, gradient, routes * lengths.counts[length])
    return left, list(blocks)


def _from_to(end: Tensor, x: Tensor, g: Array, blocks: dict[str, None]) -> list[tuple[int, Array, int]]:
    """How ``g`` at one output reaches one input: by length, with the number of routes."""
    if end is x:  # it only passes through
        return [(0, g, 1)]
    (plain,) = grad(end, x, from_array(g), retain_graph=True, allow_unused=True)
    if plain is None:
        return []
    if not find_pairs(Graph(end)).found:
        return [(0, plain.array, 1)]
    paths = path_lengths(end, x, gradient=g)
    blocks.update(dict.fromkeys(paths.blocks))
    return [(k, gradient, paths.counts[k]) for k, gradient in enumerate(paths.gradients) if paths.counts[k]]
