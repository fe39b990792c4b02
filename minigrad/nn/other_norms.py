"""Rarer normalisations: of each channel of a sample, by the root mean square, and over neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.arguments import integer, integers, numbers, tensor, truths
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.norm import _NormBase
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.tensors.tensor import Tensor


class _InstanceNorm(_NormBase):
    """What InstanceNorm1d and InstanceNorm2d share."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of each sample of (N, C, ...), or of one sample without N."""
        if tensor(type(self).__name__, "input", input, arrays=False).ndim not in self.ndims:
            raise self._wrong_dims(input)
        single = input.ndim == self.ndims[0]
        y = F.instance_norm(
            input.unsqueeze(0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum or 0.0,
            self.eps,
        )
        return y.squeeze(0) if single else y


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L); parameters and attributes as ``InstanceNorm2d``."""

    ndims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Brings each channel of each sample to mean 0 and variance 1 over its places (Ulyanov et al., 2016).

    Parameters
    ----------
    num_features
        The number of channels.
    eps
        Added to the variance.
    momentum
        The weight of the newest batch in the running statistics.
    affine
        Whether a scale, and with ``bias`` a shift, is learnt for each channel.
    track_running_stats
        Keep the mean of the samples' statistics, and normalise by that in evaluation.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.InstanceNorm2d(3)(mg.randn(2, 3, 4, 4))
    >>> bool((y.mean((2, 3)).abs() < 1e-5).all())
    True
    """

    ndims = (3, 4)


class RMSNorm(Module):
    """Divides by the root mean square over the last axes, and scales (Zhang and Sennrich, 2019); the mean stays.

    Parameters
    ----------
    normalized_shape
        The sizes of the axes, the last ones.
    eps
        Added to the mean square; None for the smallest step from 1 in the input's dtype.
    elementwise_affine
        Whether a scale is learnt for each place.

    Attributes
    ----------
    weight
        Of shape ``normalized_shape``; at first 1.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.RMSNorm(2)(mg.tensor([[3.0, 4.0]]))
    >>> round((y * y).mean().item(), 4)
    1.0
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = integers("RMSNorm", "normalized_shape", normalized_shape, least=0)
        self.normalized_shape = shape
        truths("RMSNorm", elementwise_affine=elementwise_affine)
        if eps is not None:
            numbers("RMSNorm", eps=eps)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        learnt = empty_parameter(*shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", learnt)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Scale ``(..., *normalized_shape)``."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """Divides by a power of the mean square of neighbouring channels (Krizhevsky et al., 2012).

    Parameters
    ----------
    size
        How many channels count.
    alpha, beta, k
        ``y = x / (k + alpha * mean_square) ** beta``.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = integer("LocalResponseNorm", "size", size, least=1)
        numbers("LocalResponseNorm", alpha=alpha, beta=beta, k=k)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, L, ...)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
