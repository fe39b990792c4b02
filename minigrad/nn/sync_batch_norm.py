"""Batch normalisation over the whole batch, where ranks hold parts of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.distributed import ProcessGroup, is_initialized
from minigrad.distributed.groups import group_or_world
from minigrad.distributed.nn.functional import all_reduce
from minigrad.engine.errors import OperationError
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm1d, BatchNorm2d, _BatchNorm
from minigrad.tensors.creation import tensor
from minigrad.tensors.tensor import Tensor


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation whose mean and variance are those of all ranks' samples together.

    The two sums behind them are all-reduced by a node, so backward sums their gradients over the ranks as well.
    Samples count alike, whatever the sizes of the shards. Parameters, buffers and evaluation are those of
    ``nn.BatchNorm2d``, for (N, C, ...) of any number of dimensions from two on.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, bias
        As in ``nn.BatchNorm2d``.
    process_group
        The ranks; all by default.

    Raises
    ------
    OperationError
        If all ranks together have one value per channel, which has no variance.
    """

    ndims = (2, 3, 4, 5)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: ProcessGroup | None = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of (N, C, ...)."""
        of_batch = self.training or self.running_mean is None
        if not of_batch or not is_initialized() or group_or_world(self.process_group).size() == 1:
            return super().forward(input)
        if not isinstance(input, Tensor):
            raise TypeError(f"SyncBatchNorm takes a tensor, not {type(input).__name__}")
        if input.array.dtype.kind != "f":
            raise OperationError(f"SyncBatchNorm takes floating-point values, not {input.dtype}: say input.float()")
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise OperationError(f"SyncBatchNorm takes (N, {self.num_features}, ...), not shape {input.shape}")
        axes = (0, *range(2, input.ndim))
        channels = (1, -1, *(1,) * (input.ndim - 2))
        group = self.process_group
        # Every rank's sums and number of values, so that shards may differ in size.
        own = tensor(np.full(1, input.numel() // self.num_features), dtype=input.dtype)
        count = all_reduce(own, group=group).item()
        if count < 2:
            raise OperationError("SyncBatchNorm: in training the ranks need more than one value per channel together")
        mean = all_reduce(input.sum(axes), group=group) / count
        centred = input - mean.reshape(channels)
        var = all_reduce(centred.square().sum(axes), group=group) / count
        y: Tensor = centred * (var + self.eps).rsqrt().reshape(channels)
        if self.training:
            self._move_running(mean.array, var.array * (count / (count - 1)))
        if self.weight is not None:
            y = y * self.weight.reshape(channels)
        return y if self.bias is None else y + self.bias.reshape(channels)

    def _move_running(self, mean: np.ndarray, var: np.ndarray) -> None:
        """Move the running statistics towards those of this batch; the variance is the unbiased one."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.array += 1
        m = 1.0 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        for running, of_batch in ((self.running_mean, mean), (self.running_var, var)):
            running.array[...] = (1 - m) * running.array + m * of_batch

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: ProcessGroup | None = None) -> Module:
        """Replace every batch normalisation in a module, which is changed; gives it, or what takes its place.

        Raises
        ------
        TypeError
            For what is no module.
        """
        if not isinstance(module, Module):
            raise TypeError(f"convert_sync_batchnorm: it takes an nn.Module, not {type(module).__name__}")
        if isinstance(module, (BatchNorm1d, BatchNorm2d)):
            return cls._from(module, process_group)
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child, process_group))
        return module

    @classmethod
    def _from(cls, norm: _BatchNorm, process_group: ProcessGroup | None) -> SyncBatchNorm:
        """A layer with the very parameters and buffers of ``norm``."""
        affine = norm.weight is not None
        twin = cls(
            norm.num_features,
            norm.eps,
            norm.momentum,
            affine,
            norm.track_running_stats,
            process_group,
            bias=norm.bias is not None,
        )
        twin.weight, twin.bias = norm.weight, norm.bias
        twin.running_mean, twin.running_var = norm.running_mean, norm.running_var
        twin.num_batches_tracked = norm.num_batches_tracked
        return twin.train(norm.training)
