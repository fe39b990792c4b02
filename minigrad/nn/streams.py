"""Hyper-connections: n residual streams that a branch reads from, writes to, and that are mixed on the way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import skip
from minigrad.arguments import choice, function, integer, room
from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.common import get_default_dtype
from minigrad.ops.elementwise import exp, tanh
from minigrad.ops.extremes import amax
from minigrad.tensors.creation import zeros
from minigrad.tensors.tensor import Tensor, from_array

#: How a matrix of streams is held to rows and columns that sum to 1.
CONSTRAINTS = (None, "sinkhorn", "birkhoff")
ROUNDS = 20


class HyperConnection(Module):
    """``X' = H_res X + h_post F(h_pre X)`` on n streams, X of shape (n, ..., d) (hyper-connections, Zhu et al., 2024).

    The branch reads one weighted sum of the streams, and is written into each with a weight; the skip mixes them by a
    matrix. `skip.to_streams` begins, `skip.from_streams` ends. The work is done by the nodes `Fork`, `StreamMix` and
    `ResidualAdd`, so a trace shows each of the three matrices at work.

    Parameters
    ----------
    branch
        A module, or any function of a tensor, that keeps the shape; it begins with a norm, as in a pre-norm net.
    streams
        How many.
    constraint
        What keeps ``H_res`` from growing. None: nothing, as in the paper. ``"sinkhorn"``: 20 rounds of normalising
        columns, then rows (mHC, 2025): rows sum to 1 to rounding, columns nearly. ``"birkhoff"``: a weighted mean of
        all n! permutations (mHC-lite, 2026): both sum to 1 to rounding.
    dim
        The streams' width d, where the three matrices shall depend on the input; None where they are learnt alone.
    layer
        The number of this layer: at first it reads stream ``layer % streams`` (with a constraint: half of it, and half
        of the mean of the others). So at first every layer is ``x + F(x)``, in each of n equal streams.

    Raises
    ------
    ValueError
        For another constraint, or fewer than two streams with one, or more than 5 with ``"birkhoff"``.

    Examples
    --------
    >>> import minigrad as mg
    >>> block = mg.nn.HyperConnection(mg.nn.Linear(3, 3), streams=2)
    >>> block(skip.to_streams(mg.ones(5, 3), 2)).shape
    (2, 5, 3)
    """

    def __init__(
        self,
        branch: Callable[[Tensor], Tensor],
        streams: int = 4,
        constraint: str | None = None,
        dim: int | None = None,
        layer: int = 0,
    ) -> None:
        super().__init__()
        function("HyperConnection", "branch", branch)
        choice("HyperConnection", "constraint", constraint, CONSTRAINTS)
        streams = integer("HyperConnection", "streams", streams, least=1)
        layer = integer("HyperConnection", "layer", layer, least=0)
        room("HyperConnection", (streams, streams), np.float64)
        if dim is not None:
            integer("HyperConnection", "dim", dim, least=1)
        if (constraint is not None and streams < 2) or (constraint == "birkhoff" and streams > 5):
            raise ValueError(f"{streams} streams with constraint {constraint!r}: it takes 2 or more, 'birkhoff' 2 to 5")
        self.branch, self.streams, self.constraint, self.dim, self.layer = branch, streams, constraint, dim, layer
        n = streams
        own = np.arange(n) == layer % n
        res: Any
        if constraint is None:
            pre, post, res = own.astype(float), np.ones(n), np.eye(n)
            many = n
        else:
            # Sigmoids that sum to 1; 2 sigmoid(0) = 1; and seven eighths, e^2 / (e^2 + 1), of the identity.
            pre = np.where(own, 0.0, -math.log(2 * (n - 1) - 1)) if n > 2 else np.zeros(n)
            post = np.zeros(n)
            if constraint == "sinkhorn":
                res = np.eye(n) * (math.log(n - 1) + 2)
            else:
                self._permutations = np.eye(n)[list(itertools.permutations(range(n)))]
                res = np.zeros(math.factorial(n))
                res[0] = math.log(len(res) - 1) + 2  # the first permutation changes nothing
            many = n + n + res.size
        self.pre, self.post, self.res = (Parameter(from_array(a.astype(get_default_dtype()))) for a in (pre, post, res))
        if dim is not None:
            width = n + 2 if constraint is None else many
            self.mix = Parameter(zeros(dim if constraint is None else n * dim, width))
            self.gates = Parameter(zeros(3) + 0.01)

    def matrices(self, X: Tensor) -> tuple[Any, Any, Any]:
        """``h_pre`` (1, n), ``h_post`` (n, 1) and ``H_res`` (n, n), one for each place if they depend on X."""
        pre: Any = self.pre
        post: Any = self.post
        res: Any = self.res
        if self.dim is not None:
            added = self._from_hyper_streams(X) if self.constraint is None else self._from_all_streams(X)
            pre, post, res = (
                _spread(p, a) + gate * a for p, a, gate in zip((pre, post, res), added, self.gates, strict=True)
            )
        if self.constraint is not None:
            pre, post = F.sigmoid(pre), 2 * F.sigmoid(post)
            res = sinkhorn(res) if self.constraint == "sinkhorn" else self._birkhoff(res)
        return pre[None], post[:, None], res

    def forward(self, input: Tensor) -> Tensor:
        """Mix the streams, read one sum of them for the branch, and write what it gives into each."""
        pre, post, res = self.matrices(input)
        s, b = skip.fork(input)
        b = self.branch(skip.stream_mix(pre, b)[0])
        return skip.residual_add(skip.stream_mix(res, s), skip.stream_mix(post, b[None]))

    def _from_hyper_streams(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """HC: tanh of the normalised streams times W, each stream for itself."""
        n = self.streams
        found = tanh(F.layer_norm(X, (X.shape[-1],)) @ self.mix)  # (n, ..., n + 2)
        last = found.ndim - 1
        from_to = found[..., 2:].permute(last, *range(last))  # what stream j sends to stream i stands at [i, j]
        return found[..., 0], found[..., 1], from_to.reshape(n, n, *X.shape[1:-1])

    def _from_all_streams(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """mHC: all streams side by side, divided by the root of their mean square, times W."""
        n, last = self.streams, X.ndim - 2
        x = X.permute(*range(1, X.ndim - 1), 0, X.ndim - 1).reshape(*X.shape[1:-1], n * X.shape[-1])
        x = x * ((x * x).mean(-1, keepdim=True) + 1e-6) ** -0.5
        found = (x @ self.mix).permute(last, *range(last))
        return found[:n], found[n : 2 * n], found[2 * n :].reshape(*self.res.shape, *X.shape[1:-1])

    def _birkhoff(self, logits: Tensor) -> Tensor:
        """The mean of all permutation matrices, weighted by a softmax."""
        n = self.streams
        weights = F.softmax(logits, 0)
        table = from_array(self._permutations.reshape(-1, n * n).T.astype(logits.dtype))
        return (table @ weights.reshape(weights.shape[0], -1)).reshape(n, n, *logits.shape[1:])

    def extra_repr(self) -> str:
        """The settings."""
        return f"streams={self.streams}, constraint={self.constraint!r}, dim={self.dim}, layer={self.layer}"


def _spread(parameter: Tensor, like: Tensor) -> Tensor:
    """A parameter with an axis for each place."""
    return parameter.reshape(*parameter.shape, *(1,) * (like.ndim - parameter.ndim))


def sinkhorn(logits: Any, rounds: int = ROUNDS) -> Any:
    """``exp(logits)``, (n, n, ...), with columns and rows normalised in turn, the rows last (Sinkhorn & Knopp, 1967).

    So the rows sum to 1 to rounding, and backward keeps the sum of the streams' gradients; the columns nearly do.

    Examples
    --------
    >>> import minigrad as mg
    >>> sinkhorn(mg.zeros(2, 2)).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    matrix = exp(logits - amax(logits, (0, 1), keepdim=True).detach())
    for _ in range(rounds):
        matrix = matrix / matrix.sum(0, keepdim=True)
        matrix = matrix / matrix.sum(1, keepdim=True)
    return matrix
