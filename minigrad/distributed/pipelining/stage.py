"""A stage: the part of a net that one rank has, and what it does for one micro-batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from minigrad.distributed.groups import ProcessGroup, group_or_world
from minigrad.distributed.pipelining.border import Way, send_on, take_over
from minigrad.distributed.pipelining.timeline import Timeline
from minigrad.engine.base import TensorBase
from minigrad.nn.module import Module
from minigrad.tensors.devices import check_device
from minigrad.tensors.tensor import Tensor


def run_backward(end: Tensor, gradient: float) -> None:
    """What a stage does to go backward from the end of its graph."""
    end.backward(gradient)


class PipelineStage:
    """The part of a net that this rank runs: what it returns goes to the next stage's forward, as arguments.

    A skip that crosses several stages is returned by each of them, until the one that needs it.

    Parameters
    ----------
    submodule
        This rank's part. It takes and returns a tensor, or several.
    stage_index
        Which stage this is; it must be the rank's number in the group.
    num_stages
        How many there are.
    device
        Only the CPU.
    group
        The ranks; all by default.

    Attributes
    ----------
    most_kept
        For how many micro-batches at most this stage has kept what backward needs: its memory.
    run_backward
        How a backward is run; inspection puts itself here.
    taken
        For each micro-batch under way, the way to the stage before, which waits for gradients.

    Raises
    ------
    ValueError
        If ``stage_index`` is not the rank's number, or ``num_stages`` not that of the ranks.
    TypeError
        For what is no module.
    """

    def __init__(
        self,
        submodule: Module,
        stage_index: int,
        num_stages: int,
        device: Any = "cpu",
        group: ProcessGroup | None = None,
    ) -> None:
        check_device(device)
        if not isinstance(submodule, Module):
            raise TypeError(f"PipelineStage: submodule must be an nn.Module, not {type(submodule).__name__}")
        self.group = group_or_world(group)
        if num_stages != self.group.size():
            raise ValueError(
                f"PipelineStage: {num_stages} stages for {self.group.size()} ranks: there must be one each"
            )
        if stage_index != self.group.rank():
            raise ValueError(
                f"PipelineStage: stage {stage_index} is on rank {self.group.rank()}: the numbers must agree"
            )
        self.submodule = submodule
        self.stage_index = stage_index
        self.num_stages = num_stages
        self.timeline = Timeline(stage_index)
        self.run_backward: Callable[[Tensor, float], Any] = run_backward
        self.most_kept = 0
        self.taken: dict[int, Way] = {}
        self._ends: dict[int, Tensor] = {}

    @property
    def is_first(self) -> bool:
        """Whether this stage takes the user's input."""
        return self.stage_index == 0

    @property
    def is_last(self) -> bool:
        """Whether this stage computes the loss."""
        return self.stage_index == self.num_stages - 1

    def forward_one_chunk(self, microbatch: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run forward for one micro-batch, on ``args`` in the first stage, else on what the stage before sends."""
        start = time.perf_counter()
        if not self.is_first:
            way = self.taken[microbatch] = self._way(microbatch, self.stage_index - 1)
            args = take_over(way)
        output = self.submodule(*args, **kwargs)
        self.timeline.add("forward", microbatch, start)
        if not self.is_last:
            outputs = output if isinstance(output, (tuple, list)) else (output,)
            if not all(isinstance(x, TensorBase) for x in outputs):
                raise TypeError("PipelineStage: a stage must return a tensor, or a tuple of tensors")
            self._keep(microbatch, send_on(self._way(microbatch, self.stage_index + 1), outputs))
        return output

    def keep_loss(self, microbatch: int, loss: Tensor) -> None:
        """Keep the loss of a micro-batch, from which the last stage's backward will begin."""
        self._keep(microbatch, loss)

    def backward_one_chunk(self, microbatch: int, gradient: float) -> None:
        """Run backward for one micro-batch, which begins with ``gradient`` at the last stage's loss."""
        start = time.perf_counter()
        if microbatch in self._ends:  # (nothing up to here may want a gradient)
            self.run_backward(self._ends.pop(microbatch), gradient)
        if microbatch in self.taken:
            self.taken.pop(microbatch).pay()
        self.timeline.add("backward", microbatch, start)

    def _keep(self, microbatch: int, end: Tensor) -> None:
        if end.requires_grad:
            self._ends[microbatch] = end
            self.most_kept = max(self.most_kept, len(self._ends))

    def _way(self, microbatch: int, other: int) -> Way:
        return Way(self.group, other, microbatch, self.timeline)

    def finish(self) -> None:
        """Wait until all that this stage has sent has left."""
        self.taken.clear()
        for work in list(self.group.under_way.values()):
            work.wait()
