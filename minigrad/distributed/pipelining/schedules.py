"""Schedules: in which order a stage goes forward and backward through its micro-batches.

Both fill the pipeline first and empty it at the end, so both leave each of K stages idle for K - 1 of M + K - 1 turns.
GPipe keeps all M micro-batches' activations, 1F1B at most K - k on stage k, counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.distributed.pipelining.stage import PipelineStage
from minigrad.distributed.pipelining.timeline import Action, Event
from minigrad.engine.base import TensorBase
from minigrad.engine.mode import no_grad
from minigrad.nn.parallel.structure import for_tensors
from minigrad.ops.join import concat
from minigrad.tensors.tensor import Tensor


def gpipe_order(stage: int, stages: int, microbatches: int) -> list[Action]:
    """All forwards, then all backwards (Huang et al., 2019)."""
    turns = range(microbatches)
    return [*(Action("forward", m) for m in turns), *(Action("backward", m) for m in turns)]


def one_f_one_b_order(stage: int, stages: int, microbatches: int) -> list[Action]:
    """As few forwards as fill the pipeline, then one forward and one backward in turn (Narayanan et al., 2019)."""
    ahead = min(microbatches, stages - 1 - stage)
    order = [Action("forward", m) for m in range(ahead)]
    for m in range(ahead, microbatches):
        order += [Action("forward", m), Action("backward", m - ahead)]
    return order + [Action("backward", m) for m in range(microbatches - ahead, microbatches)]


class _Schedule:
    """What both schedules share: all but the order.

    Parameters
    ----------
    stage
        This rank's stage.
    n_microbatches
        Into how many parts a batch is cut, along its first dimension.
    loss_fn
        ``loss_fn(output, target)`` of a micro-batch, on the last stage; the same must be None, or not, on all.
    scale_grads
        Divide gradients by the number of micro-batches: right for a loss that is a mean.
    """

    order: Callable[[int, int, int], list[Action]]

    def __init__(
        self,
        stage: PipelineStage,
        n_microbatches: int,
        loss_fn: Callable[..., Tensor] | None = None,
        *,
        scale_grads: bool = True,
    ) -> None:
        if not isinstance(stage, PipelineStage):
            raise TypeError(f"a schedule takes this rank's PipelineStage, not {type(stage).__name__}")
        arguments.integer(type(self).__name__, "n_microbatches", n_microbatches, 1)
        if loss_fn is not None:
            arguments.function(type(self).__name__, "loss_fn", loss_fn)
        self.stage = stage
        self.n_microbatches = n_microbatches
        self.loss_fn = loss_fn
        self.scale_grads = scale_grads

    @property
    def events(self) -> list[Event]:
        """What this rank did in the last step, and when."""
        return self.stage.timeline.events

    def actions(self) -> list[Action]:
        """What this rank does in a step, in its order; without a loss only the forwards."""
        found = type(self).order(self.stage.stage_index, self.stage.num_stages, self.n_microbatches)
        return found if self.loss_fn is not None else [a for a in found if a.kind == "forward"]

    def step(
        self,
        *args: Any,
        target: Tensor | None = None,
        losses: list[Tensor] | None = None,
        return_outputs: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Take one batch through all stages and back: parameters' gradients are then in ``.grad``.

        Parameters
        ----------
        args
            The whole batch, on the first stage; it is cut into micro-batches.
        target
            What ``loss_fn`` compares with, on the last stage; it is cut likewise.
        losses
            A list that is filled with the micro-batches' losses, on the last stage.
        return_outputs
            Whether the last stage returns the outputs, put together.
        kwargs
            Further arguments of this stage's submodule; tensors are cut too.

        Returns
        -------
        Tensor, tuple of Tensor or None
            On the last stage; None on the others.

        Raises
        ------
        ValueError
            If the first stage gets no batch or the last no target, or the batch is too small to be cut.
        """
        stage, number = self.stage, self.n_microbatches
        if stage.is_first != bool(args):
            raise ValueError("step: the first stage, and no other, takes the batch")
        if stage.is_last and self.loss_fn is not None and target is None:
            raise ValueError("step: the last stage needs target=")
        stage.timeline.events.clear()
        stage.most_kept = 0
        inputs, keywords = _cut(args, number), _cut(kwargs, number)
        targets = _cut(target, number)
        outputs: list[Any] = [None] * number
        factor = 1.0 / number if self.scale_grads else 1.0
        for kind, m in self.actions():
            if kind == "backward":
                stage.backward_one_chunk(m, factor)
                continue
            outputs[m] = stage.forward_one_chunk(m, inputs[m], keywords[m])
            if stage.is_last and self.loss_fn is not None:
                loss = self.loss_fn(outputs[m], targets[m])
                stage.keep_loss(m, loss)
                if losses is not None:
                    losses.append(loss)
            outputs[m] = for_tensors(lambda t: t.detach(), outputs[m]) if stage.is_last and return_outputs else None
        stage.finish()
        return _merged(outputs) if stage.is_last and return_outputs else None

    def eval(self, *args: Any, **kwargs: Any) -> Any:
        """Take one batch through all stages, forward only."""
        loss_fn, self.loss_fn = self.loss_fn, None
        try:
            with no_grad():
                return self.step(*args, **kwargs)
        finally:
            self.loss_fn = loss_fn


class ScheduleGPipe(_Schedule):
    """GPipe: all micro-batches forward, then all backward. Parameters as described in `step` and below.

    Parameters
    ----------
    stage
        This rank's stage.
    n_microbatches
        Into how many parts a batch is cut, along its first dimension.
    loss_fn
        ``loss_fn(output, target)`` of a micro-batch; None on all ranks for forward only.
    scale_grads
        Divide gradients by the number of micro-batches: right for a loss that is a mean.
    """

    order = staticmethod(gpipe_order)


class Schedule1F1B(_Schedule):
    """1F1B: once the pipeline is full, one forward and one backward in turn. Parameters as for `ScheduleGPipe`.

    The same gradients and the same bubble, with fewer micro-batches' activations in memory.
    """

    order = staticmethod(one_f_one_b_order)


def _cut(value: Any, number: int) -> list[Any]:
    """The micro-batches' parts of arguments: tensors are cut along their first dimension, the rest is shared."""
    if number == 1:
        return [value]
    return [for_tensors(partial(_part, m=m, number=number), value) for m in range(number)]


def _part(tensor: TensorBase, m: int, number: int) -> Any:
    if not tensor.array.ndim or len(tensor.array) < number:
        raise ValueError(f"a batch of shape {tensor.array.shape} can't be cut into {number} micro-batches")
    edges = np.linspace(0, len(tensor.array), number + 1).astype(int)
    return tensor[edges[m] : edges[m + 1]]  # type: ignore[index]  # every tensor is a Tensor, above the engine


def _merged(outputs: Sequence[Any]) -> Any:
    if isinstance(outputs[0], TensorBase):
        return concat(outputs, 0)
    return tuple(concat(parts, 0) for parts in zip(*outputs, strict=True))
