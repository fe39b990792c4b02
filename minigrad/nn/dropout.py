"""Dropout: in training, values are set to 0 at random and the others scaled up."""

from __future__ import annotations

from minigrad.arguments import number
from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.tensors.tensor import Tensor


class _DropoutNd(Module):
    """What the dropout layers share."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        number(type(self).__name__, "p", p, least=0, most=1)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Sets each value to 0 with probability ``p``, and divides the others by ``1 - p``; in training only.

    Parameters
    ----------
    p
        The probability.
    inplace
        Write the result over the input.

    Raises
    ------
    ValueError
        If ``p`` is no probability.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Dropout(0.5).eval()(mg.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop values."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Sets whole channels of (N, C, H, W) to 0; parameters as ``Dropout``."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Sets whole channels of (N, C, L) to 0; parameters as ``Dropout``."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Sets values to where selu ends, and keeps mean and variance (Klambauer et al., 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop values."""
        y: Tensor = F.alpha_dropout(input, self.p, self.training, self.inplace)
        return y


class FeatureAlphaDropout(_DropoutNd):
    """The same for whole channels."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        y: Tensor = F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
        return y
