"""Layers with the newer joins: dropped, scaled, orthogonal, delta, depth-weighted and reversible ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad import skip
from minigrad.arguments import choice, function, integer, number, tensor, wrong_kind, wrong_value
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn.container import ModuleList
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.common import axis_of
from minigrad.ops.join import cat, stack
from minigrad.random import default_generator
from minigrad.tensors.creation import zeros
from minigrad.tensors.tensor import Tensor


class StochasticDepth(Module):
    """``x + m * branch(x)``, and in training m is 0 with probability p, else 1 / (1 - p) (Huang et al., 2016).

    Parameters
    ----------
    branch
        A module, or any function of a tensor, that keeps the shape.
    p
        The probability of dropping, as torchvision's; the paper's p is that of keeping, and falls with depth l to
        ``1 - (l / L) (1 - 0.5)``.
    mode
        ``"batch"``: one draw for all; ``"row"``: one for each example.

    Raises
    ------
    ValueError
        If ``p`` is not in [0, 1), or for another mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.StochasticDepth(mg.nn.Identity(), 0.5).eval()(mg.ones(2)).tolist()
    [2.0, 2.0]
    """

    def __init__(self, branch: Callable[[Tensor], Tensor], p: float, mode: str = "batch") -> None:
        super().__init__()
        function("StochasticDepth", "branch", branch)
        p = number("StochasticDepth", "p", p, least=0, most=1)
        if p == 1:
            raise wrong_value("StochasticDepth", "p", "less than 1, or nothing is learnt", p)
        self.mode = choice("StochasticDepth", "mode", mode, ("batch", "row"))
        self.branch, self.p = branch, p

    def forward(self, input: Tensor) -> Tensor:
        """Fork, and add the branch unless it is dropped."""
        s, b = skip.fork(input)
        b = self.branch(b)
        if not self.training or self.p == 0:
            return skip.residual_add(s, b)
        if self.mode == "row" and not input.ndim:
            raise OperationError("StochasticDepth: mode='row' needs a batch, the input has no dimensions")
        shape = (input.shape[0] if self.mode == "row" else 1, *(1,) * (input.ndim - 1))
        kept = default_generator().numpy.random(shape) >= self.p
        joined: Tensor = skip.stochastic_add(s, b, kept.astype(input.dtype) / input.dtype.type(1 - self.p))
        return joined

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, mode={self.mode!r}"


class LayerScale(Module):
    """A factor for each channel, learnt, at a branch's end (Touvron et al., 2021): ``gamma * x``.

    Parameters
    ----------
    dim
        How many channels; they are the last axis.
    init
        What the factors start from: the paper has 0.1 to depth 18, 1e-5 to 24, 1e-6 beyond.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.LayerScale(2, 0.5)(mg.ones(2)).tolist()
    [0.5, 0.5]
    """

    def __init__(self, dim: int, init: float = 1e-5) -> None:
        super().__init__()
        self.init = number("LayerScale", "init", init)
        self.gamma = Parameter(zeros(integer("LayerScale", "dim", dim, least=1)) + init)

    def forward(self, input: Tensor) -> Tensor:
        """Scale."""
        return self.gamma * input

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.gamma.shape[0]}, init={self.init}"


class OrthogonalResidual(Module):
    """``x`` plus what of ``branch(x)`` is orthogonal to it, along the last axis (Oh et al., 2025).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.OrthogonalResidual(mg.nn.Identity(), eps=0.0)(mg.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, branch: Callable[[Tensor], Tensor], eps: float = 1e-6) -> None:
        super().__init__()
        self.branch, self.eps = (
            function("OrthogonalResidual", "branch", branch),
            number("OrthogonalResidual", "eps", eps),
        )

    def forward(self, input: Tensor) -> Tensor:
        """Fork, and add what is at right angles."""
        s, b = skip.fork(input)
        return skip.orthogonal_add(s, self.branch(b), self.eps)


class DeltaResidual(Module):
    """``(I - beta k k') x + beta k v``: k from the branch, beta and v from x (Deep Delta Learning, 2026, one value).

    Parameters
    ----------
    branch
        Gives the direction k, which is normalised here; it keeps the shape.
    dim
        The width of x.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.DeltaResidual(mg.nn.Linear(3, 3), 3)(mg.ones(2, 3)).shape
    (2, 3)
    """

    def __init__(self, branch: Callable[[Tensor], Tensor], dim: int) -> None:
        super().__init__()
        self.branch = function("DeltaResidual", "branch", branch)
        self.beta = Parameter(zeros(integer("DeltaResidual", "dim", dim, least=1)))
        self.beta_bias = Parameter(zeros(1) - 2.0)
        self.value = Parameter(zeros(dim))

    def forward(self, input: Tensor) -> Tensor:
        """Fork four ways, erase along k, and write along it."""
        s, b, c, d = skip.fork(input, 4)
        k = F.normalize(self.branch(b), dim=-1)
        beta = 2 * F.sigmoid((c * self.beta).sum(-1, keepdim=True) + self.beta_bias)
        v = (d * self.value).sum(-1, keepdim=True)
        return skip.residual_add(skip.delta_shortcut(s, k, beta), beta * k * v)


class DepthMix(Module):
    """``sum_i w_i v_i`` over a list of ``count`` values, with learnt weights (DenseFormer, Pagliardini et al., 2024).

    They begin as (0, ..., 0, 1): the last value alone, which is the net without it, to the bit.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.DepthMix(2)([mg.zeros(1), mg.ones(1)]).tolist()
    [1.0]
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = Parameter(cat([zeros(integer("DepthMix", "count", count, least=1) - 1), zeros(1) + 1.0]))

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        """Weigh and sum."""
        joined: Tensor = skip.depth_mix(input, self.weight)
        return joined


class DepthAttention(Module):
    """``sum_i a_i v_i`` with ``a = softmax_i(w @ rms_norm(v_i))``, for each place (AttnRes, 2026).

    At ``w = 0``, where it begins, it is the mean of all values.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.DepthAttention(1)([mg.zeros(1, 1), mg.ones(1, 1)]).tolist()
    [[0.5]]
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query = Parameter(zeros(integer("DepthAttention", "dim", dim, least=1)))

    def forward(self, input: Sequence[Tensor]) -> Tensor:
        """Score each value, and weigh by the softmax of the scores."""
        if not isinstance(input, (tuple, list)) or not input:
            raise wrong_kind("DepthAttention", "input", "a list of values, one at least", input)
        for value in input:
            tensor("DepthAttention", "input", value)
        scores = [(v * self.query).sum(-1) * ((v * v).mean(-1) + 1e-6) ** -0.5 for v in input]
        joined: Tensor = skip.depth_mix(input, F.softmax(stack(scores, 0), 0))
        return joined


class Reversible(Module):
    """``y1 = x1 + f(x2)``, ``y2 = x2 + g(y1)`` on the two halves of the channels (RevNet, Gomez et al., 2017).

    Alone it is two forks and two joins that a trace shows. In a `ReversibleSequence` it keeps nothing.

    Parameters
    ----------
    f, g
        Modules that keep the shape of a half.
    dim
        The axis that is halved.

    Examples
    --------
    >>> import minigrad as mg
    >>> block = mg.nn.Reversible(mg.nn.Linear(2, 2), mg.nn.Linear(2, 2))
    >>> x = mg.randn(3, 4)
    >>> bool((block.inverse(block(x)) - x).abs().max() < 1e-5)
    True
    """

    def __init__(self, f: Module, g: Module, dim: int = 1) -> None:
        super().__init__()
        self.f, self.g = function("Reversible", "f", f), function("Reversible", "g", g)
        self.dim = integer("Reversible", "dim", dim)

    def forward(self, input: Tensor) -> Tensor:
        """Couple the halves, by forks and joins."""
        x1, x2 = _halves(input, self.dim)
        s, b = skip.fork(x2)
        y1 = skip.residual_add(x1, self.f(b))
        t, c = skip.fork(y1)
        y2 = skip.residual_add(s, self.g(c))
        return cat([t, y2], self.dim)

    def inverse(self, output: Tensor) -> Tensor:
        """The input, from the output, to rounding."""
        y1, y2 = _halves(output, self.dim)
        x2 = y2 - self.g(y1)
        return cat([y1 - self.f(x2), x2], self.dim)


class ReversibleSequence(Module):
    """Reversible blocks one after another, as one node that keeps only what comes out of the last.

    Parameters
    ----------
    blocks
        `Reversible` ones; they draw no random numbers.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.ReversibleSequence(*(nn.Reversible(nn.Linear(2, 2), nn.Linear(2, 2)) for _ in range(3)))
    >>> net(mg.ones(1, 4)).shape
    (1, 4)
    """

    def __init__(self, *blocks: Reversible) -> None:
        super().__init__()
        for block in blocks:
            if not isinstance(block, Reversible):
                raise wrong_kind("ReversibleSequence", "blocks", "Reversible ones", block)
        self.blocks = ModuleList(blocks)
        self.dim = blocks[0].dim if blocks else 1

    def forward(self, input: Tensor) -> Tensor:
        """Run all blocks."""
        y1, y2 = skip.reversible_chain(*_halves(input, self.dim), list(self.blocks))
        return cat([y1, y2], self.dim)


def _halves(x: Tensor, dim: int) -> tuple[Any, Any]:
    axis = axis_of(dim, tensor("Reversible", "input", x, arrays=False).ndim, "Reversible")
    size = x.shape[axis] if x.ndim else 1
    if size % 2:
        raise OperationError(f"reversible blocks halve dimension {dim}, which has {size}: it must be even")
    first, second = x.chunk(2, dim)
    return first, second
