"""Layers of two inputs: how far apart they are, and a bilinear map of both."""

from __future__ import annotations

import math
from typing import Any

from minigrad.arguments import flag, integer, numbers, truths
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.tensors.tensor import Tensor


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along ``dim``."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = integer("CosineSimilarity", "dim", dim)
        numbers("CosineSimilarity", eps=eps)
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Compare."""
        similarity: Tensor = F.cosine_similarity(x1, x2, self.dim, self.eps)
        return similarity


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors along the last axis."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        numbers("PairwiseDistance", p=p, eps=eps)
        self.norm, self.eps = p, eps
        flag("PairwiseDistance", "keepdim", keepdim)
        self.keepdim = bool(keepdim)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Compare."""
        distance: Tensor = F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
        return distance


class Bilinear(Module):
    """``y[k] = x1 @ weight[k] @ x2 + bias[k]``.

    Attributes
    ----------
    weight
        Of shape (out_features, in1_features, in2_features); at first uniform within ``1 / sqrt(in1_features)``.
    bias
        Of shape (out_features,), drawn likewise; None without bias.
    """

    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        truths("Bilinear", bias=bias)
        self.in1_features = integer("Bilinear", "in1_features", in1_features, least=1)
        self.in2_features = integer("Bilinear", "in2_features", in2_features, least=0)
        self.out_features = integer("Bilinear", "out_features", out_features, least=0)
        self.weight = empty_parameter(out_features, in1_features, in2_features, device=device, dtype=dtype)
        self.register_parameter("bias", empty_parameter(out_features, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """(..., in1_features) and (..., in2_features) to (..., out_features)."""
        y: Tensor = F.bilinear(input1, input2, self.weight, self.bias)
        return y

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
