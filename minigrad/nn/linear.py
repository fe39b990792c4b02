"""The fully connected layer, and layers that only change the shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigrad.arguments import integer, integers, tensor, truths
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.gains import fans
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.tensors.tensor import Tensor


class Identity(Module):
    """Gives its input back; whatever arguments it is made with are ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """Give the input back."""
        return input


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features
        The last size of the input and of the output.
    bias
        Whether a bias is added.

    Attributes
    ----------
    weight
        Of shape (out_features, in_features); at first uniform within ``1 / sqrt(in_features)``.
    bias
        Of shape (out_features,), drawn likewise; None without bias.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Linear(20, 30)(mg.randn(128, 20)).shape
    (128, 30)
    """

    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        truths("Linear", bias=bias)
        self.in_features = integer("Linear", "in_features", in_features, least=0)
        self.out_features = integer("Linear", "out_features", out_features, least=0)
        self.weight = empty_parameter(out_features, in_features, device=device, dtype=dtype)
        self.register_parameter("bias", empty_parameter(out_features, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init_as_pytorch(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to the last axis: (..., in_features) to (..., out_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def init_as_pytorch(weight: Tensor, bias: Tensor | None) -> None:
    """Draw a weight and a bias as PyTorch does for linear and convolution layers.

    ``kaiming_uniform_`` with ``a = sqrt(5)`` has the bound ``1 / sqrt(fan_in)``, which the bias takes too.
    """
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = fans(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        init.uniform_(bias, -bound, bound)


class Flatten(Module):
    """Merges axes into one; by default all but the first.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Flatten()(mg.ones(32, 3, 8, 8)).shape
    (32, 192)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = integer("Flatten", "start_dim", start_dim)
        self.end_dim = integer("Flatten", "end_dim", end_dim)

    def forward(self, input: Tensor) -> Tensor:
        """Merge the axes from ``start_dim`` to ``end_dim``."""
        tensor("Flatten", "input", input, arrays=False)
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The settings."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits one axis into several.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Unflatten(1, (3, 8, 8))(mg.ones(32, 192)).shape
    (32, 3, 8, 8)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = integer("Unflatten", "dim", dim)
        self.unflattened_size = integers("Unflatten", "unflattened_size", unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """Split axis ``dim``."""
        tensor("Unflatten", "input", input, arrays=False)
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The settings."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
