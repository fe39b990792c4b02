"""More activation functions as layers: those of straight pieces, smooth ones, and gates."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import integer, numbers, tensor, truths
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn.activation import _Activation, _AlongAxis
from minigrad.nn.init import constant_
from minigrad.nn.module import Module
from minigrad.nn.parameter import empty_parameter
from minigrad.tensors.tensor import Tensor


class Hardswish(Module):
    """``x * hardsigmoid(x)`` (Howard et al., 2019)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        truths(type(self).__name__, inplace=inplace)
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardswish(input, self.inplace)


class Hardsigmoid(Module):
    """``(x + 3) / 6``, held between 0 and 1."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        truths(type(self).__name__, inplace=inplace)
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardsigmoid(input, self.inplace)


class Mish(_Activation):
    """``x * tanh(softplus(x))`` (Misra, 2019)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.mish(input, self.inplace)


class CELU(_Activation):
    """``x`` above 0, else ``alpha * (exp(x / alpha) - 1)`` (Barron, 2017)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        numbers("CELU", alpha=alpha)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.celu(input, self.alpha, self.inplace)

    def _settings(self) -> str:
        return f"alpha={self.alpha}"


class Threshold(_Activation):
    """``x`` above ``threshold``, else ``value``."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        numbers("Threshold", threshold=threshold, value=value)
        self.threshold, self.value = threshold, value

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def _settings(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"


class RReLU(_Activation):
    """``x`` above 0; below, times a slope drawn from ``[lower, upper]`` in training, else the middle one."""

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        numbers("RReLU", lower=lower, upper=upper)
        if not lower <= upper:
            raise OperationError(f"RReLU: lower={lower} must be at most upper={upper}")
        self.lower, self.upper = lower, upper

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def _settings(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"


class PReLU(Module):
    """``x`` above 0, else ``weight * x``; the weight is learnt (He et al., 2015).

    Parameters
    ----------
    num_parameters
        1, or the number of channels.
    init
        The weight at first.

    Attributes
    ----------
    weight
        Of shape (num_parameters,).
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = integer("PReLU", "num_parameters", num_parameters, least=1)
        numbers("PReLU", init=init)
        self.init = init
        self.weight = empty_parameter(num_parameters, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight as at first."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element of (N, C, ...)."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The settings."""
        return f"num_parameters={self.num_parameters}"


class GLU(_AlongAxis):
    """The first half along ``dim`` times the sigmoid of the second (Dauphin et al., 2017)."""

    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__(integer("GLU", "dim", dim))

    def forward(self, input: Tensor) -> Tensor:
        """Gate."""
        return F.glu(input, self.dim)


class Softsign(Module):
    """``x / (1 + |x|)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.softsign(input)


class Tanhshrink(Module):
    """``x - tanh(x)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.tanhshrink(input)


class Hardshrink(Module):
    """0 within ``[-lambd, lambd]``, ``x`` outside."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        numbers(type(self).__name__, lambd=lambd)
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The settings."""
        return str(self.lambd)


class Softshrink(Hardshrink):
    """``x`` moved towards 0 by ``lambd``, and 0 where that would cross it."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.softshrink(input, self.lambd)


class Softmin(_AlongAxis):
    """The softmax of ``-x`` along ``dim``."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise along ``dim``."""
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """The softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise over the channels."""
        if tensor("Softmax2d", "input", input).ndim not in (3, 4):
            raise OperationError(f"Softmax2d takes (N, C, H, W) or (C, H, W), not {input.shape}")
        return F.softmax(input, -3)
