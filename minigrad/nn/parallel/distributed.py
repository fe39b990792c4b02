"""Data parallel: every rank has the whole model and a part of the batch, and gradients are averaged in backward.

The mean of equal shards' gradients is the whole batch's gradient, to rounding (Goyal et al., 2017). Shards of
different sizes need weights by their size; and batch normalisation over a shard is not that over the batch, unless
it is ``nn.SyncBatchNorm``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.distributed import ProcessGroup, ReduceOp, all_gather_object, exchange
from minigrad.distributed.groups import group_or_world
from minigrad.engine.mode import grad_enabled
from minigrad.engine.writes import note
from minigrad.nn.module import Module
from minigrad.nn.parallel.buckets import MIB, Reducer
from minigrad.nn.parallel.structure import for_tensors, leaves_behind, tensors_in
from minigrad.nn.parallel.weigh import Share, Weigh


class DistributedDataParallel(Module):
    """Lets every rank run ``module`` on its part of the batch, and averages the gradients over the ranks.

    Sums start while backward runs, as soon as a bucket of gradients is complete; ``loss.backward()`` returns with
    averaged gradients in ``.grad``. All ranks must use the model alike: run the same number of forwards and backwards.

    Parameters
    ----------
    module
        The model; the names in ``state_dict()`` begin with ``module.``, as in PyTorch.
    device_ids, output_device, dim
        Only None, None and 0: there is only the CPU.
    broadcast_buffers
        Give all ranks rank 0's buffers (running statistics) at each forward.
    init_sync
        Give all ranks rank 0's parameters and buffers now.
    process_group
        The ranks; all by default.
    bucket_cap_mb
        The largest size of a bucket in MiB; by default 25, and 1 for the first, which can so leave early.
    find_unused_parameters
        Look after each forward which parameters the output doesn't depend on, and expect no gradient for them.
    gradient_as_bucket_view
        Let ``.grad`` be a part of a bucket, which saves a copy.
    weigh_by_samples
        Weigh each rank's loss, in backward, by its share of the batch (the first size of the first tensor that forward
        gets), and not by one over the number of ranks: right for unequal shards, if the loss is a mean over the shard.

    Raises
    ------
    RuntimeError
        If no parameter requires a gradient, if the ranks' models differ (the error names the parameter and
        the rank), or, at a forward, if the backward before left out a parameter (it names those too).
    ValueError
        For a device, or a size of buckets below 0.
    TypeError
        For what is no module.

    Examples
    --------
    In a program for ``mpiexec -n 2 python program.py``::

        dist.init_process_group("mpi")
        model = nn.parallel.DistributedDataParallel(nn.Linear(3, 1))
        loss = (model(my_shard) - my_targets).square().mean()
        loss.backward()     # the same gradients on both ranks
    """

    def __init__(
        self,
        module: Module,
        device_ids: None = None,
        output_device: None = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        gradient_as_bucket_view: bool = False,
        *,
        weigh_by_samples: bool = False,
    ) -> None:
        super().__init__()
        if device_ids is not None or output_device is not None or dim != 0:
            raise ValueError(
                "DistributedDataParallel: the only device is the CPU: leave device_ids, output_device, dim"
            )
        if not isinstance(module, Module):
            raise TypeError(f"DistributedDataParallel: module must be an nn.Module, not {type(module).__name__}")
        if bucket_cap_mb is not None:
            arguments.number("DistributedDataParallel", "bucket_cap_mb", bucket_cap_mb, least=0)
        self.module = module
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.weigh_by_samples = weigh_by_samples
        self.require_backward_grad_sync = True
        names = {p: name for name, p in module.named_parameters() if p.requires_grad}
        if not names:
            raise RuntimeError("DistributedDataParallel is not needed: no parameter of the module requires a gradient")
        self.process_group = own_group(process_group)
        self._check_same_models()
        if init_sync:
            self._broadcast(self._state(), 0)
        cap = 25 * MIB if bucket_cap_mb is None else bucket_cap_mb * MIB
        first_cap = MIB if bucket_cap_mb is None else cap
        self._reducer = Reducer(names, self.process_group, cap, first_cap, gradient_as_bucket_view)
        self._joining = False
        self._divide_by_active = self._throw = False
        self._active = self.process_group.size()

    # -- a step ------------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run the module on this rank's part of the batch."""
        syncing = grad_enabled.get() and self.require_backward_grad_sync
        if syncing:
            self._reducer.check_finished()
        source = 0
        if self._joining:
            source = self._announce(syncing)
        if self.broadcast_buffers and self.require_backward_grad_sync:
            self._broadcast([b.array for b in self.module.buffers()], source)
        output = self.module(*inputs, **kwargs)
        if syncing:
            unused = None
            if self.find_unused_parameters:
                reached = leaves_behind(tensors_in(output))
                unused = {p: None for p in self._reducer.names if p not in reached}
            self._reducer.expect(1.0 / self._divisor(), unused)
        return self._weighed(output, (inputs, kwargs)) if self.weigh_by_samples and syncing else output

    def _divisor(self) -> int:
        return self._active if self._divide_by_active else self.process_group.size()

    def _weighed(self, output: Any, inputs: Any) -> Any:
        """The output, so that backward begins with this rank's share of the batch; the sizes travel meanwhile."""
        batches = [t for t in tensors_in(inputs) if t.array.ndim]
        if not batches:
            raise ValueError("weigh_by_samples: forward got no tensor whose first size could be the number of samples")
        share = Share(len(batches[0].array), self._divisor(), self.process_group)
        return for_tensors(lambda tensor: Weigh(share).apply_to(tensor), output)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Don't sum over the ranks: gradients add up here until a backward outside the block sums all of them.

        The forward must be in the block too, as in PyTorch.
        """
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    # -- ranks that have fewer batches -------------------------------------------------------------

    @contextmanager
    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True, throw_on_early_termination: bool = False
    ) -> Iterator[None]:
        """Let ranks have different numbers of batches: who has finished takes part in the others' sums, with zeros.

        At the end all ranks have the model of the one that trained longest.

        Parameters
        ----------
        divide_by_initial_world_size
            Divide by the number of all ranks; else by that of those which still have batches.
        enable
            False to do nothing.
        throw_on_early_termination
            Raise an error on all ranks when one has no more batches.

        Raises
        ------
        RuntimeError
            Then.
        """
        if not enable:
            yield
            return
        self._joining, self._throw = True, throw_on_early_termination
        self._divide_by_active = not divide_by_initial_world_size
        try:
            yield
            last = not self._shadow_others()
            candidate = np.array(self.process_group.rank() if last else -1)
            exchange.all_reduce(candidate, ReduceOp.MAX, self.process_group).wait()
            self._broadcast(self._state(), int(candidate))
        finally:
            self._joining = self._divide_by_active = False

    def _announce(self, syncing: bool) -> int:
        """Say that this rank has a batch; gives a rank that has one too, the same on all."""
        active, _, source = self._roll_call(1, syncing)
        if self._throw and active < self.process_group.size():
            raise RuntimeError(f"Detected at least one rank that exhausted inputs: {active} ranks still have batches")
        self._active = active
        return source

    def _roll_call(self, active: int, syncing: bool) -> tuple[int, bool, int]:
        """How many ranks have a batch, whether they sum gradients, and the highest rank of them."""
        counts = np.array([active, int(syncing)])
        first = exchange.all_reduce(counts, ReduceOp.SUM, self.process_group).start()
        source = np.array(self.process_group.rank() if active else -1)
        exchange.all_reduce(source, ReduceOp.MAX, self.process_group).wait()
        first.wait()
        return int(counts[0]), bool(counts[1]), int(source)

    def _shadow_others(self) -> int:
        """Take part in what the others do until none has a batch; gives in how many steps."""
        steps = 0
        while True:
            active, syncing, source = self._roll_call(0, False)
            if not active:
                return steps
            if self._throw:
                raise RuntimeError("Detected at least one rank that exhausted inputs: this one has no more batches")
            if self.broadcast_buffers and self.require_backward_grad_sync:
                self._broadcast([b.array for b in self.module.buffers()], source)
            if syncing:
                if self.find_unused_parameters:
                    self._reducer.shadow_unused()
                if self.weigh_by_samples:
                    Share(0, self._divisor(), self.process_group)
                self._reducer.shadow()
            steps += 1

    # -- one model on all ranks --------------------------------------------------------------------

    def _state(self) -> list[np.ndarray]:
        """The arrays of all parameters and buffers."""
        return [t.array for t in (*self.module.parameters(), *self.module.buffers())]

    def _broadcast(self, arrays: list[np.ndarray], source: int) -> None:
        before = [array.copy() for array in arrays]
        works = [exchange.broadcast(array, source, self.process_group).start() for array in arrays]
        for work in works:
            work.wait()
        for array, old in zip(arrays, before, strict=True):
            if not np.array_equal(array, old):  # (a mask, say, is the same on all ranks, and two forwards may read it)
                note(array)

    def _check_same_models(self) -> None:
        mine = [
            (name, tuple(t.shape), str(t.dtype), t.requires_grad)
            for name, t in (*self.module.named_parameters(), *self.module.named_buffers())
        ]
        every: list[Any] = [None] * self.process_group.size()
        all_gather_object(every, mine, self.process_group)
        for rank, theirs in zip(self.process_group.ranks, every, strict=True):
            for one, other in zip(every[0], theirs, strict=False):
                if one != other:
                    raise RuntimeError(_differs(rank, one, other))
            if len(theirs) != len(every[0]):
                raise RuntimeError(
                    f"DistributedDataParallel: the model has {len(theirs)} parameters and buffers on rank {rank}, and "
                    f"{len(every[0])} on rank {self.process_group.ranks[0]}: all ranks must build the same model"
                )


def _differs(rank: int, one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    return (
        f"DistributedDataParallel: on rank {rank} the model has {other[0]} of shape {other[1]}, {other[2]}, "
        f"requires_grad={other[3]}, where the first rank has {one[0]} of shape {one[1]}, {one[2]}, "
        f"requires_grad={one[3]}: all ranks must build the same model"
    )


def own_group(group: ProcessGroup | None) -> ProcessGroup:
    """The same ranks as a group of its own, whose calls are never mistaken for those of other collectives."""
    among = group_or_world(group)
    return ProcessGroup(among.comm.Dup(), among.ranks, among.timeout, among.board)
