"""The graph of a net in stages, put together on rank 0, where every fork finds its join.

Each rank has a graph of its own, which begins where it takes over and ends where it sends on. Copies of its nodes, with
all that they keep, go to rank 0. There the borders are left out: what read a value that was taken over reads what the
stage before made. The result is the graph that the whole net has in one process, and as large.
"""

from __future__ import annotations

import copy
import io
import marshal
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any, NamedTuple

from minigrad.distributed.objects import gather_object
from minigrad.distributed.pipelining import PipelineStage
from minigrad.distributed.pipelining.border import SendOn, TakeOver
from minigrad.engine import writes
from minigrad.engine.base import Array, TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.engine.reachable import collect
from minigrad.inspect.forks.graph import NO_GRAPH
from minigrad.inspect.tracing.steps import TracedStep
from minigrad.inspect.tracing.trace import Trace
from minigrad.nn.calls import structure_changed
from minigrad.nn.module import Module
from minigrad.tensors.tensor import Tensor, from_array

#: In the place of a node's number: the stage before made it.
_BEFORE = -1

#: Where a value was made: by which node, and which of its outputs it is. As in ``Node.edges``, with numbers for nodes.
_Edge = tuple[int | None, int] | None


class Piece(NamedTuple):
    """The graph of one stage, as it is sent.

    Attributes
    ----------
    nodes
        Copies of its nodes in forward order; ``edges`` has numbers in this list for nodes.
    ends
        What it sends on, or the loss: where each was made, and the tensor, which counts if it is a leaf.
    names
        Its parameters, with their names in the whole net.
    steps, gradients
        What was seen of its backward pass, if one was run: its steps, and the gradients of its leaves.
    """

    nodes: list[Node]
    ends: list[tuple[_Edge, Any]]
    names: dict[TensorBase, str]
    steps: list[TracedStep]
    gradients: list[tuple[TensorBase, Array]]


class Whole(NamedTuple):
    """The graph of all stages.

    Attributes
    ----------
    loss
        The last stage's, with the graph of all.
    names
        All parameters, with their names. Those of other ranks are copies.
    steps, gradients
        As in `Piece`, of all stages; the last stage's steps come first.
    """

    loss: Tensor
    names: dict[TensorBase, str]
    steps: list[TracedStep]
    gradients: list[tuple[TensorBase, Array]]


def gathered(
    what: str,
    schedule: Any,
    args: Sequence[Any],
    target: Tensor | None,
    kwargs: dict[str, Any],
    look: Callable[[Tensor, float], Trace] | None = None,
) -> Whole | None:
    """Run a step of a pipeline, and put the graphs of all stages together. All ranks must call this.

    Parameters
    ----------
    what
        Who asks, for errors.
    schedule, args, target, kwargs
        A schedule of one micro-batch, and what its ``step`` takes.
    look
        Runs and watches the backward pass of a stage; None to run none.

    Returns
    -------
    Whole or None
        On the group's rank 0; None on the others.

    Raises
    ------
    ValueError
        For more micro-batches, of which each has a graph of its own.
    OperationError
        If there is no loss, it has no graph, or a node can't be sent.
    """
    if schedule.n_microbatches != 1:
        raise ValueError(f"{what}: a schedule of one micro-batch, not of {schedule.n_microbatches}")
    if schedule.loss_fn is None:
        raise OperationError(f"{what}: a schedule with a loss_fn: without a loss there is no backward to look at")
    stage: PipelineStage = schedule.stage
    found: list[tuple[Tensor, Trace | None]] = []
    before = stage.run_backward

    def run(end: Tensor, gradient: float) -> None:
        found.append((end, None if look is None else look(end, gradient)))
        if look is None:
            stage.taken.clear()  # nobody waits for gradients

    stage.run_backward = run
    try:
        with _named_by_number(stage) as numbered:
            schedule.step(*args, target=target, return_outputs=False, **kwargs)
            names: dict[TensorBase, str] = {p: name for name, p in numbered.named_parameters()}
    finally:
        stage.run_backward = before
    mine = _cut_out(*found[0], names) if found else Piece([], [], names, [], [])
    every: list[Any] = [None] * stage.num_stages
    gather_object(b"" if stage.is_first else _packed(what, mine), every, group=stage.group, group_dst=0)
    if not stage.is_first:
        return None
    return _linked([mine, *(pickle.loads(packed) for packed in every[1:])])


class _Numbered(Module):
    """A stage under its number, as in ``nn.Sequential`` of all stages: no two modules of the net have one name."""

    def __init__(self, number: int, part: Module) -> None:
        super().__init__()
        self.number = str(number)
        self.add_module(self.number, part)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.get_submodule(self.number)(*args, **kwargs)


@contextmanager
def _named_by_number(stage: PipelineStage) -> Iterator[Module]:
    """Let nodes be named as in the whole net, within a ``with`` block."""
    part = stage.submodule
    stage.submodule = numbered = _Numbered(stage.stage_index, part)
    try:
        yield numbered
    finally:
        stage.submodule = part
        structure_changed()  # so that the next call of the stage alone names its modules anew


def _cut_out(end: Tensor, seen: Trace | None, names: dict[TensorBase, str]) -> Piece:
    """Copy the graph of this stage, without the borders."""
    assert end.node is not None
    nodes = [node for node in collect([end.node]) if not isinstance(node, (SendOn, TakeOver))]
    number = {node: i for i, node in enumerate(nodes)}

    def numbered(edge: tuple[Node | None, int] | None) -> _Edge:
        return None if edge is None else (None if edge[0] is None else number.get(edge[0], _BEFORE), edge[1])

    twins = []
    for node in nodes:
        twin = copy.copy(node)
        twin.edges = tuple(numbered(edge) for edge in node.edges)  # type: ignore[misc]  # until _linked
        twin.inputs = tuple(map(_without_graph, node.inputs))
        twin.grads = twin.hooks = None
        twins.append(twin)
    if isinstance(end.node, SendOn):
        ends = [(numbered(edge), _without_graph(x)) for edge, x in zip(end.node.edges, end.node.inputs, strict=True)]
    else:
        ends = [(numbered((end.node, end.slot)), _without_graph(end))]
    steps = [] if seen is None else [step for step in seen.steps if step.node in number]
    for step in steps:
        step.node = number[step.node]
    leaves = [] if seen is None else seen.leaves
    gradients = [(one.leaf, one.gradient) for one in leaves if one.leaf is not None and one.gradient is not None]
    return Piece(twins, ends, names, steps, gradients)


def _without_graph(x: Any) -> Any:
    """A leaf or a constant as it is; the array of another tensor."""
    return from_array(x.array) if isinstance(x, TensorBase) and x.node is not None else x


class _Pickler(pickle.Pickler):
    """Pickles code, by which a node remembers the user's line."""

    def reducer_override(self, value: Any) -> Any:
        return (marshal.loads, (marshal.dumps(value),)) if isinstance(value, CodeType) else NotImplemented


def _dumped(value: Any) -> bytes:
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


def _packed(what: str, piece: Piece) -> bytes:
    try:
        return _dumped(piece)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
        for node in piece.nodes:
            try:
                _dumped(node)
            except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
                raise OperationError(
                    f"{what}: {node.name} keeps what can't be sent to rank 0 ({error}), made at {node.source}. Such a "
                    "net can be looked at in one process, or stage by stage"
                ) from error
        raise


def _linked(pieces: Sequence[Piece]) -> Whole:
    """Join the graphs of all stages: what one sent is what the next one read."""
    sent: list[tuple[Any, Any]] = []
    names: dict[TensorBase, str] = {}
    steps: list[TracedStep] = []
    gradients: list[tuple[TensorBase, Array]] = []
    for piece in pieces:

        def made(edge: Any, x: Any, nodes: Sequence[Node] = piece.nodes, taken: Any = sent) -> tuple[Any, Any]:
            """Where a value was made, and what it is as a node's input."""
            if edge is None or edge[0] is None:
                return edge, x
            return taken[edge[1]] if edge[0] == _BEFORE else ((nodes[edge[0]], edge[1]), x)

        for node in piece.nodes:
            node.index = writes.next_index()  # in the order of the whole net, and later than all writes
            if node.inputs:
                node.edges, node.inputs = zip(*map(made, node.edges, node.inputs), strict=True)
        sent = [made(*end) for end in piece.ends]
        for step in piece.steps:
            step.node = piece.nodes[step.node]
        steps[:0] = piece.steps
        names.update(piece.names)
        gradients += piece.gradients
    if len(sent) != 1 or sent[0][0] is None:
        raise OperationError(NO_GRAPH)
    (loss_node, slot), value = sent[0]
    loss = from_array(value.array, requires_grad=True)
    loss.node, loss.slot = loss_node, slot
    return Whole(loss, names, steps, gradients)
