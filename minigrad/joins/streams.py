"""Several residual streams, and the matrix that mixes them: the join of hyper-connections."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import integer, room, tensor, tensors
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T


class StreamMix(Node):
    """``Y_i = sum_j H_ij X_j``: n streams become m, each a weighted sum (Zhu et al., 2024).

    Backward: ``gX_j = sum_i H_ij gY_i`` and ``gH_ij = <gY_i, X_j>``.

    Law: it *mixes*, by the transpose of H. Where the columns of H sum to 1, forward keeps the sum of the streams;
    where the rows do, backward keeps the sum of their gradients.
    """

    law: ClassVar[str] = "mixes"
    reads = {"H": ("X",), "X": ("H",)}

    def forward(self, H: Any, X: Any) -> Any:
        if H.ndim < 2 or H.shape[1:2] != X.shape[:1] or not (H.ndim == 2 or H.shape[2:] == X.shape[1 : H.ndim - 1]):
            raise ValueError(
                f"a matrix of shape {H.shape} doesn't mix streams of shape {X.shape}: X holds its n streams along "
                "its first dimension, and H is (m, n), or (m, n, ...) with a matrix for each place, as (4, 4, batch)"
            )
        self.H, self.X = H, X
        if H.ndim == 2:
            return (H @ X.reshape(len(X), -1)).reshape(len(H), *X.shape[1:])
        return (_beside(H, X.ndim) * X[None]).sum(1)

    def backward(self, gY: Any) -> Any:
        m, n = self.H.shape[:2]
        gH = gX = None
        if len(self.H.shape) == 2:
            flat = gY.reshape(m, -1)
            if self.wants[0]:
                gH = flat @ self.X.reshape(n, -1).T
            if self.wants[1]:
                gX = (self.H.T @ flat).reshape(n, *gY.shape[1:])
            return gH, gX
        if self.wants[0]:
            summed = tuple(range(len(self.H.shape), len(gY.shape) + 1))
            gH = gY[:, None] * self.X[None]
            gH = gH.sum(axis=summed) if summed else gH
        if self.wants[1]:
            gX = (_beside(self.H, len(gY.shape)) * gY[:, None]).sum(axis=0)
        return gH, gX


def _beside(H: Any, ndim: int) -> Any:
    """H with an axis for each further dimension of the streams."""
    return H.reshape(*H.shape, *(1,) * (ndim + 1 - len(H.shape)))


def stream_mix(H: Any, X: T) -> T:
    """Mix n streams by a matrix: ``Y_i = sum_j H_ij X_j``.

    Parameters
    ----------
    H
        (m, n): stream i of what comes out takes ``H[i, j]`` of stream j. Or (m, n, ...), a matrix for each place, as
        where H is computed from the streams.
    X
        (n, ...): the streams, along the first dimension.

    Returns
    -------
    Tensor
        (m, ...).

    Raises
    ------
    OperationError
        If the shapes don't fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.skip.stream_mix(mg.tensor([[0.0, 1.0], [1.0, 0.0]]), mg.tensor([[1.0], [2.0]])).tolist()
    [[2.0], [1.0]]
    """
    tensors("stream_mix", H=H, X=X)
    return StreamMix().apply_to(H, X)


def to_streams(x: Any, n: int) -> Any:
    """``x`` in each of n streams, (n, ...): where hyper-connections begin. Backward: the streams' gradients, summed."""
    tensor("to_streams", "x", x)
    n = integer("to_streams", "n", n, least=1)
    room("to_streams", (n, *x.shape), x.dtype)
    return stream_mix(np.ones((n, 1), x.dtype), x[None])


def from_streams(X: Any) -> Any:
    """The sum of the streams: where hyper-connections end. Backward: each stream gets the gradient."""
    if not tensor("from_streams", "X", X).shape:
        raise OperationError("from_streams: X holds streams along its first dimension, and has none")
    return stream_mix(np.ones((1, X.shape[0]), X.dtype), X)[0]
