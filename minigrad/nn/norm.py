"""Normalisation: over a batch, over the features of one sample, or over groups of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import arguments
from minigrad.arguments import integer, integers, numbers, truths
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.tensors.creation import ones, tensor, zeros
from minigrad.tensors.tensor import Tensor


class _Affine(Module):
    """A scale and a shift, at first 1 and 0; None where it isn't learnt."""

    weight: Parameter | None
    bias: Parameter | None

    def _register(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, learnt in (("weight", weight), ("bias", bias)):
            self.register_parameter(name, empty_parameter(*shape, device=device, dtype=dtype) if learnt else None)

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _NormBase(_Affine):
    """What batch and instance normalisation share: their settings, and what they learn and remember."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    #: The numbers of dimensions that an input may have.
    ndims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        layer = type(self).__name__
        truths(layer, affine=affine, track_running_stats=track_running_stats, bias=bias)
        self.num_features = integer(layer, "num_features", num_features, least=0)
        numbers(layer, eps=eps, momentum=0 if momentum is None else momentum)
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._register((num_features,), affine, affine and bias, device, dtype)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches."""
        if self.track_running_stats:
            for buffer, value in (
                (self.running_mean, 0),
                (self.running_var, 1),
                (self.num_batches_tracked, 0),
            ):
                if buffer is not None:
                    buffer.fill_(value)

    def reset_parameters(self) -> None:
        """Forget all batches, and set the weight to 1 and the bias to 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _wrong_dims(self, input: Tensor) -> OperationError:
        arguments.tensor(type(self).__name__, "input", input)
        dims = " or ".join(f"{n}-dimensional" for n in self.ndims)
        return OperationError(f"{type(self).__name__} takes {dims} inputs, not one of shape {input.shape}")

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """What BatchNorm1d and BatchNorm2d share."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of (N, C, ...)."""
        if getattr(input, "ndim", None) not in self.ndims:
            raise self._wrong_dims(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.array += 1
            if self.momentum is None:  # the mean over all batches so far
                momentum = 1.0 / self.num_batches_tracked.item()
        # In training the batch's statistics are used, and the running ones only updated.
        of_batch = self.training or self.running_mean is None
        track = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if track else None,
            self.running_var if track else None,
            self.weight,
            self.bias,
            of_batch,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L); parameters and attributes as ``BatchNorm2d``."""

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Brings each channel to mean 0 and variance 1 over the batch, and then scales and shifts it.

    In evaluation the running mean and variance are used, not those of the batch (Ioffe & Szegedy, 2015).

    Parameters
    ----------
    num_features
        The number of channels.
    eps
        Added to the variance.
    momentum
        The weight of the newest batch in the running statistics; None for the mean over all batches.
    affine
        Whether a scale, and with ``bias`` a shift, is learnt for each channel.
    track_running_stats
        False to use the batch's statistics in evaluation too.

    Attributes
    ----------
    weight, bias
        Scale and shift, of shape (num_features,); at first 1 and 0.
    running_mean, running_var, num_batches_tracked
        Buffers. The running variance is the unbiased one, as in PyTorch.

    Raises
    ------
    OperationError
        For an input of another number of dimensions.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.BatchNorm2d(3)(mg.randn(8, 3, 4, 4))
    >>> abs(y.mean().item()) < 1e-6
    True
    """

    ndims = (4,)


class LayerNorm(_Affine):
    """Brings the last axes of each sample to mean 0 and variance 1, and then scales and shifts them.

    Parameters
    ----------
    normalized_shape
        The sizes of the axes that are normalised, the last ones.
    eps
        Added to the variance.
    elementwise_affine
        Whether a scale, and with ``bias`` a shift, is learnt for each place.

    Attributes
    ----------
    weight, bias
        Of shape ``normalized_shape``; at first 1 and 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.LayerNorm(4)(mg.tensor([[1.0, 2.0, 3.0, 4.0]]))
    >>> abs(y.sum().item()) < 1e-6
    True
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = integers("LayerNorm", "normalized_shape", normalized_shape, least=0)
        self.normalized_shape = shape
        numbers("LayerNorm", eps=eps)
        truths("LayerNorm", elementwise_affine=elementwise_affine, bias=bias)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register(shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """Normalise ``(..., *normalized_shape)``."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(_Affine):
    """Brings each group of channels of each sample to mean 0 and variance 1 (Wu & He, 2018).

    Parameters
    ----------
    num_groups
        Into how many groups the channels are divided.
    num_channels
        The number of channels.
    eps
        Added to the variance.
    affine
        Whether a scale, and with ``bias`` a shift, is learnt for each channel.

    Attributes
    ----------
    weight, bias
        Of shape (num_channels,); at first 1 and 0.

    Raises
    ------
    ValueError
        If the channels can't be divided so.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.GroupNorm(2, 6)(mg.randn(1, 6, 4, 4)).shape
    (1, 6, 4, 4)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        integer("GroupNorm", "num_groups", num_groups, least=1)
        if integer("GroupNorm", "num_channels", num_channels, least=0) % num_groups:
            raise OperationError(f"num_channels={num_channels} must be divisible by num_groups={num_groups}")
        numbers("GroupNorm", eps=eps)
        truths("GroupNorm", affine=affine, bias=bias)
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._register((num_channels,), affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, num_channels, ...)."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
